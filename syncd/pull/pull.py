"""One cycle of pulling: the first load, or the hot set, the growing end, a slice of the sweep and the details due."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from math import inf
from typing import Any

import orjson

from syncd import zones
from syncd.errors import Answer, Invalid, Missing, Unreachable
from syncd.fastfaktura import FastFaktura
from syncd.model import OPEN_STATUSES, Kind
from syncd.problems import Finding
from syncd.progress import Progress
from syncd.pull import questions, rounds
from syncd.pull.cycle import DAY, FEW, Cycle, OtherAccount, Pulled, Stop, check_account
from syncd.pull.failing import Failing
from syncd.pull.flow import Flow
from syncd.pull.tracks import GrowingBack, GrowingFront, Hot, Load, Track, settled
from syncd.pull.walk import first_page_of
from syncd.settings import SourceSettings
from syncd.state import cursors, mirror, problems
from syncd.state.store import Store

KINDS: tuple[Kind, Kind] = ("client", "invoice")

MOMENTS = ("began_at", "ended_at", "business_at", "ignored_at")
"""What is learnt of the time."""

LITTLE = 60
"""Seconds by which a clock may be set back and still be believed about the time since the last cycle."""


def pull(  # noqa: PLR0913 - what a cycle depends on is handed over, nothing is found elsewhere
    source: SourceSettings,
    api: FastFaktura,
    store: Store,
    *,
    now: Callable[[], datetime],
    full: bool = False,
    details: bool = False,
    progress: Progress | None = None,
    stop: Stop | None = None,
    released: frozenset[str] = frozenset(),
) -> Pulled:
    """Bring the mirror of one source in step; raise ``Refused`` or ``Unreachable`` after what was read is stored.

    ``full``: a whole round of rows now, and the details of everything open; with ``details``, of everything.
    ``progress`` is called with (done, total or ``None``, of what). ``released``: codes of holds to let pass, besides
    those released in the state.
    """
    with ThreadPoolExecutor(source.concurrency, thread_name_prefix=f"pull-{source.name}") as pool:
        cycle = _begin(
            source, api, store, pool,
            now=int(now().timestamp()), progress=progress or _silent, stop=stop, released=released,
        )  # fmt: skip
        try:
            _run(cycle, full=full, details=details)
        except OtherAccount:
            pass
        except Answer as error:
            raise Unreachable(f"{str(error).rstrip('.')}; that is not as FastFaktura documents it.") from error
        return _end(cycle)


def _begin(  # noqa: PLR0913 - see above
    source: SourceSettings, api: FastFaktura, store: Store, pool: ThreadPoolExecutor, *,
    now: int, progress: Progress, stop: Stop | None, released: frozenset[str],
) -> Cycle:  # fmt: skip
    owner = f"source:{source.name}"
    with store.write() as conn:
        mirror.begin(conn, source.name, now)
        learnt = orjson.loads(cursors.get(conn, owner, "learnt") or "{}")
        failing = Failing.of(orjson.loads(cursors.get(conn, owner, "failing") or "{}"))
        ahead = [name for name in MOMENTS if (learnt.get(name) or now) > now + LITTLE]
        if ahead:  # the clock was ahead, or is behind: what it said is of no use, so that everything is due
            learnt = {name: value for name, value in learnt.items() if name not in ahead}
            questions.forget_future(conn, source.name, now)
            cursors.put(conn, owner, "learnt", orjson.dumps(learnt).decode())
        known = sum(questions.count_there(conn, source.name, kind) for kind in KINDS)
        passed = {row.code for row in problems.holds(conn, owner) if row.released}
    # Each cycle has a second of its own, so that a full one reads again what was read just before.
    moment = max(now, learnt.get("began_at", now - 1) + 1)
    elapsed = inf if "ended_at" not in learnt else max(0.0, moment - learnt["ended_at"])
    cycle = Cycle(source, api, store, pool, moment, progress, stop, released | passed, learnt, elapsed, known, failing)
    cycle.learn(began_at=moment)
    return cycle


def _run(cycle: Cycle, *, full: bool, details: bool) -> None:
    cycle.first_page = _first_page(cycle)
    if not cycle.learnt.get("loaded"):
        _load(cycle)
    else:
        hot = _hot_and_growing(cycle)
        _sweep(cycle, full=full)
        _left(cycle, hot)
        _details(cycle, full=full, everything=full and details)
    _clients_needed(cycle)
    if not cycle.stopped:
        _business(cycle, full=full)  # only now is it known to be the account of before
        cycle.learn(ended_at=cycle.now)


def _load(cycle: Cycle) -> None:
    """Read everything for the first time: rows and details together, walks of rows until one brings nothing new."""
    cursors_of = {kind: cycle.get(f"sweep:{kind}") or {} for kind in KINDS}
    tracks = [Load(cycle, kind, cursor, inf) for kind, cursor in cursors_of.items() if not settled(cursor)]
    Flow(cycle, tracks).run()
    if cycle.stopped:
        return
    for kind, cursor in cursors_of.items():
        rounds.finish(cycle, kind, cursor)
    cycle.learn(loaded=True, grown_upto=_last_place(cycle))


def _hot_and_growing(cycle: Cycle) -> list[Hot]:
    """Read every page of the statuses that can still move, then the end where new ones appear; return the former."""
    walk = (cycle.get("sweep:invoice") or {}).get("walk", 0)
    hot: list[Hot] = []
    ignored_at = cycle.learnt.get("ignored_at")
    if ignored_at is None or cycle.now - ignored_at >= cycle.source.full_sweep.total_seconds():
        pages = cycle.get("pages") or {}
        hot = [Hot(cycle, status, walk, pages) for status in OPEN_STATUSES]
        Flow(cycle, hot, details=False).run()
        _keep_pages(cycle, hot, pages)
        ignored = any(track.ignored for track in hot) or all(track.barred for track in hot)
        cycle.learnt["ignored_at"] = cycle.now if ignored else None
        if ignored:
            hot = []
    growing = _growing(cycle, walk)
    Flow(cycle, growing, details=False).run()
    if cycle.stopped:
        return []
    if hot or growing:
        check_account(cycle, "invoice", [])
    for track in growing:
        if isinstance(track, GrowingBack) and track.reached is not None:
            cycle.learnt.update(last_page=track.resume, end_page=track.reached)
    cycle.learn(grown_upto=_last_place(cycle))
    return hot


def _last_place(cycle: Cycle) -> int:
    with cycle.store.read() as conn:
        return questions.last_place(conn)


def _keep_pages(cycle: Cycle, hot: list[Hot], before: dict[str, Any]) -> None:
    """Keep the ETags of the pages read, with what they showed; only once all of it is stored."""
    kept = {name: page for track in hot for name, page in track.kept.items()}
    if kept != before:
        with cycle.store.write() as conn:
            cycle.put(conn, "pages", kept)


def _growing(cycle: Cycle, walk: int) -> list[Track]:
    order = cycle.learnt.get("order", "unknown")
    tracks: list[Track] = []
    if order in ("newest", "unknown"):
        tracks.append(GrowingFront(cycle, "invoice", walk=walk))
    if order in ("oldest", "unknown"):
        tracks.append(GrowingBack(cycle, walk))
    return tracks


def _left(cycle: Cycle, hot: list[Hot]) -> None:
    """Ask for each invoice known as open that neither the lists of open ones nor the sweep shows as it was."""
    if cycle.stopped or rounds.is_short(cycle):
        return
    statuses = [track.status for track in hot if track.whole and track.status]
    if not statuses or len([track for track in hot if track.answered]) != len(statuses):
        return
    shown = set().union(*(track.shown for track in hot))
    with cycle.store.read() as conn:
        known = questions.open_ids(conn, cycle.name, statuses)
    left = [each for each in known if each not in shown]
    if not left:
        return
    lost = _ask_left(cycle, left, len(known))
    if rounds.suspicious(lost, len(known)) and not cycle.released & rounds.LET_PASS:
        cycle.hold("walk_too_short", kind="invoice", seen=str(len(known) - lost), known=str(len(known)))
        cycle.withheld.update(left)
        return
    gone = cycle.absent.get("open", [])
    with cycle.store.write() as conn:
        mirror.mark_gone(conn, cycle.name, "invoice", gone, now=cycle.now)
    cycle.gone += len(gone)


def _ask_left(cycle: Cycle, left: list[str], known: int) -> int:
    """Return how many are gone; where too many left and the first few are all gone, the others are not asked for."""
    first = left[: min(FEW, known // rounds.THIRD + 1)]
    rounds.confirm(cycle, first, "open")
    all_gone = len(cycle.absent.get("open", [])) == len(first)
    if all_gone and rounds.suspicious(len(left), known) and not cycle.released & rounds.LET_PASS:
        return len(left)
    if rest := left[len(first) :]:
        rounds.confirm(cycle, rest, "open")
    return len(cycle.absent.get("open", []))


def _sweep(cycle: Cycle, *, full: bool) -> None:
    """Read the slices of the rounds that are due."""
    cursors_of = {kind: cycle.get(f"sweep:{kind}") or {} for kind in KINDS}
    tracks = []
    for kind, cursor in cursors_of.items():
        track = rounds.sweep(cycle, kind, cursor, full=full)
        if track is not None:
            tracks.append(track)
        with cycle.store.write() as conn:
            cycle.put(conn, f"sweep:{kind}", cursor)
    Flow(cycle, tracks, details=False).run()
    if cycle.stopped:
        return
    for track in tracks:
        if track.walk.ended:
            rounds.finish(cycle, track.kind, track.cursor)


def _details(cycle: Cycle, *, full: bool, everything: bool) -> None:
    """Read the details that are due: of what is new or changed, and of open invoices again now and then."""
    if cycle.stopped:
        return
    rounds.withhold(cycle)
    with cycle.store.write() as conn:
        if full:
            mirror.make_all_due(conn, cycle.name, None if everything else OPEN_STATUSES, before=cycle.now)
        else:
            old = cycle.now - int(cycle.source.detail_sweep.total_seconds())
            mirror.make_all_due(conn, cycle.name, OPEN_STATUSES, before=old)
            number = rounds.owed_details(cycle, questions.count_there(conn, cycle.name, "invoice", OPEN_STATUSES))
            mirror.make_oldest_due(conn, cycle.name, OPEN_STATUSES, number)
    Flow(cycle).run()


def _clients_needed(cycle: Cycle) -> None:
    """Ask at once for clients that changed invoices name and the mirror lacks; one that is not there stays missing."""
    with cycle.store.read() as conn:
        missing = questions.missing_clients(conn, cycle.name, after=cycle.learnt.get("clients_upto", 0))
        upto = mirror.revision(conn, cycle.name)
    walk = (cycle.get("sweep:client") or {}).get("walk", 0)
    for client_id in missing:
        if cycle.stopped:
            return
        cycle.requests["clients"] += 1
        with contextlib.suppress(Missing):
            raw = rounds.read_client(cycle, client_id)
            if not isinstance(raw, Finding):
                rounds.keep_client(cycle, client_id, raw, walk)
    cycle.learnt["clients_upto"] = upto


def _business(cycle: Cycle, *, full: bool) -> None:
    """Read the time zone of dates in the company's profile: once a day, and as long as there is something to tell."""
    with cycle.store.read() as conn:
        before = zones.zone_of(conn, cycle.source)
    asked_at = cycle.learnt.get("business_at")
    fresh = asked_at is not None and cycle.now - asked_at < DAY and not full
    if fresh or before.origin == "settings":
        return
    cycle.requests["business"] += 1
    profile = None
    with contextlib.suppress(Missing, Invalid):
        profile = cycle.api.business()
    zone, found = zones.judge(cycle.name, profile, before)
    if found is None or found.code in cycle.released:
        with cycle.store.write() as conn:
            zones.keep(conn, cycle.name, zone)
        found = None
    elif found.kind == "hold":
        cycle.hold(found.code, **found.parameters)
    else:
        cycle.find(found.code, found.kind, found.id, **found.parameters)
    cycle.learn(business_at=None if found else cycle.now)


def _first_page(cycle: Cycle) -> int:
    """Learn whether pages start at 0 or 1: asked once, for as long as the answer is certain."""
    known = cycle.learnt.get("first_page")
    if known is not None:
        return int(known)
    first = 1
    for kind in KINDS:
        zero, one, two = (_ids_on(cycle, kind, number) for number in (0, 1, 2))
        first, certain = first_page_of(zero, one, two or [])
        if certain:
            cycle.learn(first_page=first)
            break
    return first


def _ids_on(cycle: Cycle, kind: Kind, number: int) -> list[str] | None:
    cycle.requests["clients" if kind == "client" else "sweep"] += 1
    try:
        listing = cycle.api.clients(number) if kind == "client" else cycle.api.invoices(number)
    except (Missing, Invalid):
        return None
    return [str(row.get("id")) if isinstance(row, dict) else repr(row) for row in listing.rows]


def _end(cycle: Cycle) -> Pulled:
    """Put together what the cycle came to."""
    swept = [cycle.get(f"sweep:{kind}") or {} for kind in KINDS]
    for kind, cursor in zip(KINDS, swept, strict=True):
        rounds.check_short(cycle, kind, cursor)
    _keep_failing(cycle)
    found = {(one.code, one.kind, one.id): one for one in rounds.findings(swept)} | cycle.findings
    with cycle.store.write() as conn:
        upto = mirror.pulled(conn, cycle.name, cycle.now)
    return Pulled(
        new=cycle.new, changed=cycle.changed, gone=cycle.gone, requests=dict(cycle.requests), revision=upto,
        findings=tuple(found.values()), holds=tuple(cycle.holds), whole=not cycle.stopped and not cycle.holds,
    )  # fmt: skip


def _keep_failing(cycle: Cycle) -> None:
    """Remember the invoices whose details still cannot be had, and find all of them, asked for this time or not."""
    failing = cycle.failing.all()
    if not failing and not cycle.get("failing"):
        return
    with cycle.store.write() as conn:
        due = questions.still_due(conn, cycle.name, list(failing))
        kept = {name: told for name, told in failing.items() if name in due}
        cycle.put(conn, "failing", kept)
    for name, (label, reason) in kept.items():
        cycle.find("detail_unreadable", "invoice", name, record=label, reason=reason)


def _silent(done: int, total: int | None, what: str) -> None:
    """Show no progress."""
