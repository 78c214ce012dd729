"""One pass over one target: open, settle, observe, plan, judge, apply, and only then move the cursor.

The one place where the stages meet. It works for one target; a target that fails stops nobody else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import orjson
from sqlalchemy.engine import Connection, Row

import syncd
from syncd import apply as applying
from syncd import candidates, doubt, observe, planning, safety, taken_out
from syncd.closing import Applied, label
from syncd.connector import Scalar
from syncd.doubt import Clock
from syncd.due import Narrow, Range
from syncd.model import Kind
from syncd.observe import Moved
from syncd.planning import Draft, Tally
from syncd.problems import ADOPTED, LASTING, REFUSED, Finding
from syncd.session import Session
from syncd.settings import TargetSettings
from syncd.state import bindings, cursors, journal, problems, runs, work

SHOWN = 1000
"""The most operations of a plan that are shown one by one."""

ROUNDS = 3
"""How often a record that moved under our hands is read and planned anew in one pass."""

LOST: frozenset[Kind] = frozenset({"client", "invoice", "payment"})


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asked of a run."""

    narrow: Narrow = field(default_factory=Narrow)
    dry: bool = False
    force: bool = False
    afresh: bool = False
    """Look at everything that stands in the target, not only at what changed there."""


@dataclass(frozen=True, slots=True)
class Preview:
    """One operation of a plan, as a person reads it; ``changes``: field path → (before, after)."""

    verb: str
    kind: str
    id: str
    label: str
    changes: Mapping[str, tuple[Scalar, Scalar]]


@dataclass(slots=True)
class Passed:
    """How a pass over one target went."""

    target: str
    plan: int = 0
    tally: Tally = field(default_factory=Tally)
    applied: Applied = field(default_factory=Applied)
    holds: list[Finding] = field(default_factory=list)
    problems: int = 0
    """Open problems of the target and its source after the pass."""
    drift: int = 0
    """Records that a person edited in the target, kept as they are."""
    removed: int = 0
    """Records that a person took out of the target; they stay out."""
    preview: list[Preview] = field(default_factory=list)
    """The first operations of a plan that was not carried out."""
    error: str | None = None
    error_code: int = 0
    """The exit code that the error stands for."""
    refused: bool = False

    @property
    def exit_code(self) -> int:
        """How it went, as an exit code."""
        return self.error_code or (5 if self.holds else 1 if self.problems or self.applied.doubt else 0)


def summary_of(passed: Passed) -> dict[str, Any]:
    """Give what is kept of a pass in the history of runs."""
    return {"written": passed.applied.done, "problems": passed.problems, "error": passed.error}


def sync(session: Session, target: TargetSettings, run: int, wish: Wish, clock: Clock) -> Passed:
    """Bring one target in step with the mirror; raise ``Unreachable`` or ``Refused`` where it fails as a whole."""
    passed = Passed(session.name)
    known = _meet(session)
    first_seen = known.first_seen if known else session.seconds()
    rebuilt = session.can.picture and session.books.empty and known is not None
    stranger = _strangers(session, known, rebuilt=rebuilt) if known else []
    if stranger and (holds := _stopped_by(session, stranger, wish)):
        passed.holds = holds
        return _count(session, passed)
    _settle(session, passed, clock, wish)
    unbound = rebuilt and wish.dry  # only looked at: what is missing may yet come back
    if rebuilt and not unbound:
        _build_anew(session)
    moved = Moved() if rebuilt else observe.drift(session, afresh=wish.afresh)
    with session.store.read() as connection:
        lost = cursors.lost(connection, session.name)
    told = _told(session)
    reach = _reach(session, moved, told, wish, anew=unbound or bool(lost))
    _patience(session, first_seen, clock, wish)
    unasked = session.policy.all_clients and wish.narrow.all  # a narrowed run writes those that its invoices need
    candidates.look_for(session, reach, wish.narrow, all_clients=unasked, lost=lost)
    draft = _plan(session, run, reach, wish.narrow, told, all_clients=unasked, unbound=unbound)
    passed.plan, passed.tally = draft.number, draft.tally
    with session.store.read() as connection:
        stakes = _stakes(draft, connection, moved)
    surprises = safety.judge(stakes, target.max_change_share, target.max_voids)
    passed.holds = _stopped_by(session, stranger + surprises, wish)
    if wish.dry or passed.holds:
        passed.preview = _preview(session, draft.number)
        _leave(session, draft, "dry" if wish.dry else "held")
        return _count(session, passed)
    taken_out.let_pass(session)
    _add(passed, applying.apply(session, draft.number, clock))
    taken_out.keep_rows(session)
    _finish(session, draft)
    again: set[tuple[str, str]] = set(passed.applied.lost)
    if passed.applied.done:
        again |= observe.drift(session).records  # what was just written is read back, and the token moves past it
    again |= _again(session, run, passed, clock)
    _step(session, reach, wish.narrow, passed, again)
    return _count(session, passed)


def _meet(session: Session) -> Row[Any] | None:
    """Read what is known of the target since it was first seen; ``None``: it is met now."""
    with session.store.read() as connection:
        known = runs.known_target(connection, session.name)
    if known is None:
        with session.store.write() as connection:
            _keep_target(session, connection)
    return known


def _keep_target(session: Session, connection: Connection) -> None:
    books = session.books
    runs.keep_target(connection, session.name, session.source, books.identity, books.told, session.seconds())


def _strangers(session: Session, known: Row[Any], *, rebuilt: bool) -> list[Finding]:
    """Judge whether books and source are those of before; books that are built anew may be others."""
    books = session.books
    expected = books.identity if rebuilt else known.identity
    found = safety.judge_books(books.identity, expected, books.told, known.company or "")
    if known.source != session.source:
        with session.store.read() as connection:
            counts = bindings.count_known(connection, session.name, session.source)
        found += safety.judge_source(known.source, session.source, *counts)
    return found


def _settle(session: Session, passed: Passed, clock: Clock, wish: Wish) -> None:
    """Give up what an interrupted plan had not sent, and settle what it had."""
    if wish.dry:
        return
    with session.store.write() as connection:
        journal.drop_open(connection, session.name)
    doubt.settle(session, passed.applied, clock, reopen=False)
    if passed.applied.lost:
        with session.store.write() as connection:
            cursors.add_again(connection, session.name, passed.applied.lost)


def _build_anew(session: Session) -> None:
    """Forget every binding of a ledger that was taken away whole."""
    with session.store.write() as connection:
        told = [(row.kind, row.id) for row in bindings.drifted(connection, session.name)]
        problems.settle(connection, session.name, told, ["adopted_differs"])
        bindings.release_kind(connection, session.name, LOST)
        cursors.add_lost(connection, session.name, LOST)
        if session.books.token is not None:
            cursors.put(connection, f"target:{session.name}", "observed", session.books.token)


def _told(session: Session) -> Sequence[Row[Any]]:
    """Read the problems that the target has, also those that a person does not want to see."""
    with session.store.read() as connection:
        return problems.listed(connection, [session.name], states=("open", "retry", "dismissed"))


def _reach(session: Session, moved: Moved, told: Sequence[Row[Any]], wish: Wish, *, anew: bool) -> Range:
    """Say what the pass looks at: what changed since the cursor (``anew``: ever), what moved there, what waits."""
    with session.store.read() as connection:
        upto = work.revision(connection, session.source)
        step = orjson.loads(cursors.get(connection, f"target:{session.name}", "step") or "{}")
        told_of_source = problems.listed(connection, [f"source:{session.source}"], states=("retry",))
        again = cursors.again(connection, session.name)
    waiting = {(row.kind, row.id) for row in told if row.code not in LASTING or row.state == "retry"}
    now = session.seconds()
    waiting |= {(row.kind, row.id) for row in told if row.code == "pdf_missing" and planning.asked_again(row, now)}
    waiting |= {(row.kind, row.id) for row in told_of_source} | moved.records | again
    since = 0 if anew or step.get("policy") != _digest(session) else step.get("revision", 0)
    with session.store.write() as connection:
        for row in told:
            if row.code == "removed_there" and row.state == "retry" and not wish.dry:
                bindings.unbind(connection, session.name, row.kind, row.id, None, only="removed")  # wanted anew
        cursors.set_again(connection, session.name, waiting)
    return Range(since, upto, frozenset(waiting))


def _digest(session: Session) -> str:
    """Digest what decides how records stand in the target; when it changes, all are looked at, and after an update."""
    told = [syncd.__version__, session.source]
    for one in (one for one in fields(session.policy) if one.compare):
        value = getattr(session.policy, one.name)
        if isinstance(value, Mapping):
            value = sorted((key, sorted(some) if isinstance(some, frozenset) else some) for key, some in value.items())
        told.append(f"{one.name}={sorted(value) if isinstance(value, frozenset) else value}")
    return hashlib.blake2b("\n".join(told).encode(), digest_size=8).hexdigest()


def _patience(session: Session, first_seen: int, clock: Clock, wish: Wish) -> None:
    """Wait until nothing that an earlier, forgotten state may have sent can still be under way.

    A state that is new does not know what was sent before it; absence is believed only after ``settle_delay``.
    """
    if wish.dry or session.can.replay_safe or not session.can.settle_delay:
        return
    wait = first_seen + session.can.settle_delay + 1 - session.now().timestamp()
    if wait > 0:
        doubt.pause(session, clock, wait, "the state is new and knows of no earlier one")


def _plan(
    session: Session,
    run: int,
    reach: Range,
    narrow: Narrow,
    told: Sequence[Row[Any]],
    *,
    all_clients: bool,
    unbound: bool = False,
) -> Draft:
    """Make a plan; ``told``: the problems of the target, for what it refused is not sent again before it changes."""
    with session.store.write() as connection:
        number = journal.open_plan(connection, run=run, target=session.name, revision=reach.upto, now=session.seconds())
        doubtful = journal.records_in_doubt(connection, session.name)
    blocked = {(row.kind, row.id): _revision(row) for row in told if row.code in REFUSED and row.state != "retry"}
    refused = {(row.kind, row.id) for row in told if row.code in REFUSED}
    now = session.seconds()
    no_pdf = {
        row.id: "" if planning.asked_again(row, now) else _revision(row) for row in told if row.code == "pdf_missing"
    }
    draft = Draft(session, number, reach, narrow, all_clients, blocked, doubtful, no_pdf, unbound, refused)
    planning.make(draft)
    return draft


def _revision(row: Row[Any]) -> str:
    """Read which revision of its record a problem is about."""
    return str(orjson.loads(row.parameters).get("revision", ""))


def _stakes(draft: Draft, connection: Connection, moved: Moved) -> safety.Stakes:
    session, tally = draft.session, draft.tally
    undecided = session.books.history and not session.can.picture and session.policy.start_date is None
    strangers = tally.strangers + moved.others
    counted = {}
    if undecided or tally.surprising or strangers:  # else nobody asks, and counting costs the history
        counted = bindings.count(connection, session.name)
    bound = sum(n for kind, n in counted.items() if kind != "payment")
    taken_back = sum(n for (_, verb), n in tally.operations.items() if verb in ("void", "unsettle", "archive"))
    missing = {} if draft.unbound else taken_out.count(connection, session)
    return safety.Stakes(bound, tally.surprising, taken_back, strangers, undecided, missing)


def _stopped_by(session: Session, found: list[Finding], wish: Wish) -> list[Finding]:
    """Keep the holds that stand now, and name those that nobody let pass."""
    if not wish.dry:
        with session.store.write() as connection:
            problems.set_holds(connection, session.name, found, session.seconds())
    with session.store.read() as connection:
        released = problems.let_pass(connection, session.name, found)
    return [] if wish.force else [one for one in found if one.code not in released]


def _preview(session: Session, plan: int) -> list[Preview]:
    with session.store.read() as connection:
        rows = journal.unsent(connection, plan, limit=SHOWN)
    return [
        Preview(row.verb, row.kind, row.id, label(row), orjson.loads(row.changes) if row.changes else {})
        for row in rows
    ]


def _leave(session: Session, draft: Draft, state: str) -> None:
    with session.store.write() as connection:
        journal.leave(connection, draft.number)
        journal.close_plan(connection, draft.number, state, _counts(draft.tally))


def _counts(tally: Tally) -> dict[str, int]:
    return {f"{verb} {kind}": n for (kind, verb), n in sorted(tally.operations.items())}


def _finish(session: Session, draft: Draft) -> None:
    with session.store.write() as connection:
        journal.close_plan(connection, draft.number, "applied", _counts(draft.tally))
        problems.use_release(connection, session.name)
        _keep_target(session, connection)


def _again(session: Session, run: int, passed: Passed, clock: Clock) -> set[tuple[str, str]]:
    """Read and plan anew what moved under our hands, and name what is left; what keeps moving waits for a person."""
    stale, moved = set(passed.applied.stale), set[tuple[str, str]]()
    for _ in range(ROUNDS):
        if not stale or passed.applied.stopped:
            return stale | moved
        moved |= observe.drift(session).records  # more than what was stale may have moved, and it is read only once
        records: set[tuple[Kind, str]] = {("client" if kind == "client" else "invoice", one) for kind, one in stale}
        reach, everybody = Range(0, 0, frozenset(records)), session.policy.all_clients
        draft = _plan(session, run, reach, Narrow(), _told(session), all_clients=everybody)
        applied = applying.apply(session, draft.number, clock)
        _finish(session, draft)
        stale = set(applied.stale)
        _add(passed, applied)
    with session.store.write() as connection:
        names = work.names(connection, session.source, [record_id for _, record_id in stale])
        told = [Finding("stale_too_often", kind, one, {"record": names.get(one, one)}) for kind, one in stale]
        problems.add(connection, session.name, told, session.seconds())
    return moved


def _add(passed: Passed, applied: Applied) -> None:
    passed.applied.written += applied.written
    passed.applied.rejected += applied.rejected
    passed.applied.doubt = applied.doubt
    passed.applied.left += applied.left
    passed.applied.stale |= applied.stale
    passed.applied.lost |= applied.lost
    passed.applied.stopped |= applied.stopped


def _step(session: Session, reach: Range, narrow: Narrow, passed: Passed, again: set[tuple[str, str]]) -> None:
    """Move the cursor, now that everything up to it is written or stands as a problem."""
    if passed.applied.stopped:
        return
    with session.store.write() as connection:
        doubtful = journal.records_in_doubt(connection, session.name)
        problems.end_retry(connection, session.name, ADOPTED)  # looking at them again is all that can be tried
        if narrow.all:
            step = orjson.dumps({"revision": reach.upto, "policy": _digest(session)}).decode()
            if cursors.get(connection, f"target:{session.name}", "step") != step:
                cursors.put(connection, f"target:{session.name}", "step", step)
            cursors.set_again(connection, session.name, again | doubtful)
            cursors.drop(connection, f"target:{session.name}", "lost")
        else:
            cursors.add_again(connection, session.name, again | doubtful)


def _count(session: Session, passed: Passed) -> Passed:
    with session.store.read() as connection:
        passed.problems = len(problems.listed(connection, [session.name, f"source:{session.source}"]))
        passed.drift = len(bindings.drifted(connection, session.name))
        passed.removed = sum(bindings.count_removed(connection, session.name).values())
    return passed
