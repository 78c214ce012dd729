"""The flow of a cycle: a small pool of threads asks for pages and details, the calling thread alone stores them.

What is under way is bounded: one page of each track, some details for each thread; what is due waits in the mirror.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from syncd.errors import Answer, Busy, Invalid, Missing, SyncdError, Unreachable
from syncd.fastfaktura import FastFaktura
from syncd.payload import fingerprint_detail, record_id, row_client_id, row_number, row_status
from syncd.pull.cycle import Cycle, Stop, check_account
from syncd.pull.pages import Page, read_page
from syncd.pull.tracks import Track
from syncd.state import mirror
from syncd.state.mirror import Detail, Due

CHUNK = 16
"""Details that a thread asks for one after the other before it comes back, at most."""

BATCH = 256
"""Details stored in one transaction."""

STREAK = 3
"""Details in a row that cannot be had before the source, not the record, is taken to be at fault."""


class Failure(NamedTuple):
    """A detail that cannot be had, and why."""

    due: Due
    error: SyncdError


@dataclass(slots=True)
class Batch:
    """What one thread brought."""

    details: list[Detail] = field(default_factory=list)
    unchanged: list[Due] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    left: list[Due] = field(default_factory=list)
    """What was not asked for any more."""
    error: SyncdError | None = None
    """What stops the whole cycle."""
    asked: int = 0


def read_details(api: FastFaktura, wanted: Sequence[Due], stop: Stop | None) -> Batch:
    """Ask for details one after the other; an unreachable source ends the batch, a bad record does not."""
    batch = Batch()
    for place, due in enumerate(wanted):
        if batch.error or (stop is not None and stop.is_set()):
            batch.left.extend(wanted[place:])
            break
        batch.asked += 1
        try:
            _read_detail(api, due, batch)
        except (Missing, Invalid) as error:
            batch.failures.append(Failure(due, error))
        except Busy as error:
            batch.error = error
        except Unreachable as error:
            batch.failures.append(Failure(due, error))
            batch.left.extend(wanted[place + 1 :])
            break
        except SyncdError as error:
            batch.error = error
    return batch


def _read_detail(api: FastFaktura, due: Due, batch: Batch) -> None:
    validators = tuple(orjson.loads(due.validators)) if due.validators else None
    answer = api.invoice(due.id, validators=validators)
    if answer is None:
        batch.unchanged.append(due)
        return
    body, sent = answer
    try:
        raw = orjson.loads(body)
    except orjson.JSONDecodeError:
        raw = None
    if record_id(raw) != due.id:
        raise Invalid(f"The answer is not invoice {due.id}.", 200)
    if "events" not in raw:  # documented to be there; a server that leaves them out has them beside it
        raw["events"] = api.events(due.id)
        body, sent = orjson.dumps(raw), (None, None)  # its validators say nothing about the events
    kept = orjson.dumps(sent).decode() if any(sent) else None
    row = (due.id, row_number(raw), row_client_id(raw), row_status(raw))
    batch.details.append(Detail(*row, fingerprint_detail(raw), body, due.row_print, kept))


class Flow:
    """Runs tracks and reads the details that are due, until both are done or the cycle is stopped."""

    def __init__(self, cycle: Cycle, tracks: Sequence[Track] = (), *, details: bool = True) -> None:
        """``details``: also read what is due, while the tracks run."""
        self.cycle = cycle
        self.tracks = list(tracks)
        self.busy: dict[Future[Page], tuple[Track, int]] = {}
        self.reading: set[Future[Batch]] = set()
        self.details = details
        self.queue: deque[Due] = deque()
        self.after = 0
        self.dry = False
        """Nothing was due when the mirror was last asked, and no page was stored since."""
        self.failed: set[str] = set()
        self.done = Batch()
        self.streak = 0
        self.count = 0
        self.total: int | None = None
        self.seen = 0

    def run(self) -> None:
        """Run; what was brought before an error is stored before the error goes on."""
        try:
            while self._ask():
                futures: list[Future[Any]] = [*self.busy, *self.reading]
                for future in wait(futures, return_when=FIRST_COMPLETED).done:
                    self._take(future)
                if len(self.done.details) + len(self.done.unchanged) >= BATCH:
                    self._store()
        finally:
            self._drain()

    def _ask(self) -> bool:
        """Keep the threads busy; return whether there is anything to wait for."""
        cycle = self.cycle
        if not cycle.stopped:
            for track in self.tracks:
                self._ask_page(track)
            while self.details and len(self.reading) < cycle.source.concurrency * 2 and (chunk := self._chunk()):
                self.reading.add(cycle.pool.submit(read_details, cycle.api, chunk, cycle.stop))
        return bool(self.busy or self.reading)

    def _ask_page(self, track: Track) -> None:
        if any(track is busy for busy, _ in self.busy.values()) or (number := track.next()) is None:
            return
        self.cycle.requests[track.purpose] += 1
        arguments = (self.cycle.api, track.kind, number, track.status, track.walk.first, track.validators(number))
        self.busy[self.cycle.pool.submit(read_page, *arguments)] = (track, number)

    def _chunk(self) -> list[Due]:
        """Take the next details to ask for; the mirror knows them."""
        if not self.queue:
            self._fill()
        size = max(1, min(CHUNK, len(self.queue) // self.cycle.source.concurrency))
        chunk = [self.queue.popleft() for _ in range(min(size, len(self.queue)))]
        self.count += len(chunk)
        return chunk

    def _fill(self) -> None:
        if self.dry and (self.reading or self.busy):
            return
        cycle = self.cycle
        with cycle.store.read() as conn:
            found = mirror.due(conn, cycle.name, after=self.after, limit=BATCH)
        if not found and self.after and not self.reading and not self.busy:
            # What changed behind us meanwhile; all that was read before must be stored to be told apart.
            self._store()
            with cycle.store.read() as conn:
                found = mirror.due(conn, cycle.name, after=0, limit=BATCH + len(self.failed))
        self.dry = not found
        if found:
            self.after = found[-1].n
        self.queue.extend(due for due in found if due.id not in self.failed)

    def _take(self, future: Future[Any]) -> None:
        if future in self.reading:
            self.reading.remove(future)
            self._take_batch(future.result())
            return
        track, _ = self.busy.pop(future)
        try:
            page = future.result()
        except Answer as error:
            track.refused(Unreachable(f"The list of {track.kind}s cannot be read: {error}"))
            return
        if page.ids:
            check_account(self.cycle, track.kind, page.ids)
        if track.kind == "invoice":
            self.total = page.total or self.total
        belongs = track.advance(page)
        if track.ahead and not self.cycle.stopped:
            self._ask_page(track)
        track.take(page, belongs=belongs)
        self.dry = False
        if track.walk.ended and (following := track.follow()) is not None:
            self.tracks[self.tracks.index(track)] = following
        self.seen += len(page.rows)
        if not self.details:
            self.cycle.progress(self.seen, self.total, f"{track.kind}s")

    def _take_batch(self, batch: Batch) -> None:
        done = self.done
        done.details += batch.details
        done.unchanged += batch.unchanged
        ids = [each.id for each in batch.details] + [failure.due.id for failure in batch.failures]
        candidates = sum(each in self.cycle.candidates for each in ids)
        self.cycle.requests["confirm"] += candidates
        self.cycle.requests["details"] += batch.asked - candidates
        if batch.details or batch.unchanged:
            self.streak = 0
        for failure in batch.failures:
            self._take_failure(failure)
        self.count -= len(batch.left)
        self.queue.extendleft(reversed(batch.left))
        if batch.error is not None:
            raise batch.error
        self.cycle.progress(self.count, self.total, "details")

    def _take_failure(self, failure: Failure) -> None:
        cycle, due, error = self.cycle, failure.due, failure.error
        self.failed.add(due.id)
        self.streak = self.streak + 1 if isinstance(error, Unreachable) else 0
        if self.streak >= STREAK:
            raise error
        if isinstance(error, Missing) and due.id in cycle.candidates:
            cycle.absent.setdefault(cycle.candidates[due.id], []).append(due.id)
            return
        cycle.find("detail_unreadable", "invoice", due.id, record=due.number or due.id, reason=str(error))

    def _store(self) -> None:
        """Store what was brought."""
        done, self.done = self.done, Batch()
        if not done.details and not done.unchanged:
            return
        cycle = self.cycle
        with cycle.store.write() as conn:
            stored = mirror.store_details(conn, cycle.name, done.details, now=cycle.now)
            mirror.detail_unchanged(conn, cycle.name, done.unchanged, now=cycle.now)
        # A first detail belongs to a row that was counted as new when it was stored.
        cycle.count(mirror.Stored(changed=stored.changed))

    def _drain(self) -> None:
        """Wait for what is under way, and store all that was brought."""
        for page in self.busy:
            page.cancel()
        for reading in self.reading:
            reading.cancel()
        if self.busy or self.reading:
            under_way: list[Future[Any]] = [*self.busy, *self.reading]
            wait(under_way)
        for reading in self.reading:
            if not reading.cancelled() and reading.exception() is None:
                self.done.details += reading.result().details
        self.busy.clear()
        self.reading.clear()
        self._store()
