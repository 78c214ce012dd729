"""The flow of a cycle: a small pool of threads asks for pages and details, the calling thread alone stores them.

What is under way is bounded: one page of each track, some details for each thread; what is due waits in the mirror.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from syncd.canonical import dumps
from syncd.errors import Answer, Busy, Invalid, Missing, SyncdError, Unreachable
from syncd.fastfaktura import FastFaktura
from syncd.lenient import UNREADABLE
from syncd.payload import fingerprint_detail, record_id, row_client_id, row_number, row_status
from syncd.pull import questions
from syncd.pull.cycle import FEW, Cycle, Stop, check_account
from syncd.pull.failing import STREAK
from syncd.pull.pages import Page, read_page
from syncd.pull.tracks import Track
from syncd.state import mirror
from syncd.state.mirror import Detail, Due

CHUNK = 16
"""Details that a thread asks for one after the other before it comes back, at most."""

BATCH = 256
"""Details stored in one transaction."""

MARK = f'"{UNREADABLE}":'.encode()


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


def read_details(api: FastFaktura, wanted: Sequence[Due], stop: Stop | None, once: AbstractSet[str]) -> Batch:
    """Ask for details one after the other; an unreachable source ends the batch, a bad record does not.

    ``once``: what failed in an earlier cycle and is not tried several times.
    """
    batch = Batch()
    for place, due in enumerate(wanted):
        if batch.error or (stop is not None and stop.is_set()):
            batch.left.extend(wanted[place:])
            break
        batch.asked += 1
        try:
            _read_detail(api, due, batch, once=due.id in once)
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


def _read_detail(api: FastFaktura, due: Due, batch: Batch, *, once: bool) -> None:
    validators = tuple(orjson.loads(due.validators)) if due.validators else None
    answer = api.invoice(due.id, validators=validators, once=once)
    if answer is None:
        batch.unchanged.append(due)
        return
    raw, body, sent = answer
    if record_id(raw) != due.id:
        raise Invalid(f"The answer is not invoice {due.id}.", 200)
    if "events" not in raw:  # documented to be there; a server that leaves them out has them beside it
        raw["events"] = _events(api, due.id)
        body, sent = dumps(raw), (None, None)  # its validators say nothing about the events
    if MARK in body:
        raw["events"] = _refusable(raw["events"])
        body = dumps(raw)
    kept = orjson.dumps(sent).decode() if any(sent) else None
    row = (due.id, row_number(raw), row_client_id(raw), row_status(raw))
    batch.details.append(Detail(*row, fingerprint_detail(raw), body, due.row_print, kept))


def _events(api: FastFaktura, invoice_id: str) -> list[Any]:
    """Ask for the events of an invoice that is there; a 404 says that there are none."""
    try:
        return api.events(invoice_id)
    except Missing:
        return []


def _refusable(events: Any) -> Any:
    """Make an entry that holds something unreadable a text, which is refused: any object would pass for an event."""
    if not isinstance(events, list):
        return dumps(events).decode() if MARK in dumps(events) else events
    return [text.decode() if MARK in (text := dumps(event)) else event for event in events]


class Flow:
    """Runs tracks and reads the details that are due, until both are done or the cycle is stopped."""

    def __init__(self, cycle: Cycle, tracks: Sequence[Track] = (), *, details: bool = True) -> None:
        """``details``: also read what is due, while the tracks run."""
        self.cycle = cycle
        self.tracks = list(tracks)
        self.busy: dict[Future[Page], tuple[Track, int]] = {}
        self.reading: dict[Future[Batch], list[Due]] = {}
        self.details = details
        self.queue: deque[Due] = deque()
        self.newest_last = cycle.learnt.get("order") == "oldest"
        """The list shows the newest invoices last; their details are asked for first all the same."""
        self.dry = False
        """Nothing was due when the mirror was last asked, and no page was stored since."""
        self.failed = cycle.withheld.union(*cycle.absent.values())
        """Not to be asked for again by this flow."""
        self.done = Batch()
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
            while self.details and len(self.reading) < self._most() and (chunk := self._chunk()):
                once = cycle.failing.before.keys() & {due.id for due in chunk}
                self.reading[cycle.pool.submit(read_details, cycle.api, chunk, cycle.stop, once)] = chunk
        return bool(self.busy or self.reading)

    def _ask_page(self, track: Track) -> None:
        if any(track is busy for busy, _ in self.busy.values()) or (number := track.next()) is None:
            return
        self.cycle.requests[track.purpose] += 1
        arguments = (self.cycle.api, track.kind, number, track.status, track.walk.first, track.validators(number))
        self.busy[self.cycle.pool.submit(read_page, *arguments)] = (track, number)

    def _most(self) -> int:
        """Say how many chunks may be under way: twice the threads, so that none waits for us.

        While a list that ends with the newest invoices is walked, pages find a thread free: the end is what is wanted.
        """
        threads = self.cycle.source.concurrency
        walking = self.newest_last and any(not track.walk.ended for track in self.tracks)
        return max(1, threads - 1) if walking else threads * 2

    def _chunk(self) -> list[Due]:
        """Take the next details to ask for; the mirror knows them."""
        if not self.queue:
            self._fill()
        size = max(1, min(CHUNK, len(self.queue) // self.cycle.source.concurrency))
        chunk = [self.queue.popleft() for _ in range(min(size, len(self.queue)))]
        self.count += len(chunk)
        return chunk

    def _fill(self) -> None:
        """Queue details that are due and neither under way nor in vain, those of the newest invoices first."""
        if self.dry and (self.reading or self.busy):
            return
        failing, candidates = self.cycle.failing, self.cycle.candidates
        passed = {due.id for chunk in self.reading.values() for due in chunk}
        passed.update(each.id for each in self.done.details)
        passed.update(each.id for each in self.done.unchanged)
        passed |= self.failed
        most = BATCH + len(passed) + len(failing.before) + len(failing.now)
        with self.cycle.store.read() as conn:
            found = questions.due(conn, self.cycle.name, last_first=self.newest_last, limit=most)
        self.queue.extend(
            due for due in found if due.id not in passed and failing.asks(due.id, wanted=due.id in candidates)
        )
        self.dry = not self.queue

    def _take(self, future: Future[Any]) -> None:
        if future in self.reading:
            del self.reading[future]
            self._take_batch(future.result())
            return
        track, _ = self.busy.pop(future)
        try:
            page = future.result()
        except Answer as error:
            track.refused(error)
            return
        if page.ids:
            check_account(self.cycle, track.kind, page.ids)
        if track.kind == "invoice":
            self.total = page.total or self.total
        belongs = track.advance(page)
        if track.ahead and not self.cycle.stopped:
            self._ask_page(track)
        track.take(page, belongs=belongs)
        if track.order != "unknown":
            self.newest_last = track.order == "oldest"
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
            self.cycle.failing.streak = 0
        for name in [each.id for each in batch.details] + [each.id for each in batch.unchanged]:
            self.cycle.failing.read(name)
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
        told = [due.number or due.id, str(error)]
        if isinstance(error, Missing):
            cycle.failing.streak = 0
            cycle.failing.read(due.id)
            if due.id in cycle.candidates:
                cycle.absent.setdefault(cycle.candidates[due.id], []).append(due.id)
                return
        elif cycle.failing.failed(due.id, told, suspect=isinstance(error, Unreachable)):
            self._check_source(error)
        cycle.find("detail_unreadable", "invoice", due.id, record=told[0], reason=told[1])

    def _check_source(self, error: SyncdError) -> None:
        """Raise ``error`` if the source is at fault; where a list and a good record still answer, the records are.

        While no detail was ever had, a list that answers must do, for the first few.
        """
        self._store()
        cycle, failing = self.cycle, self.cycle.failing
        cycle.requests["confirm"] += 1
        cycle.api.invoices(cycle.first_page)
        with cycle.store.read() as conn:
            good = questions.readable(conn, cycle.name, but=failing.all(), limit=STREAK)
        for name in good:
            cycle.requests["confirm"] += 1
            try:
                cycle.api.invoice(name)
            except Busy:
                raise
            except (Answer, Unreachable):
                continue
            failing.streak = 0
            return
        if good or len(failing.now) > FEW:
            raise error
        failing.streak = 0

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
