"""Observe: what changed at the target since last time, read in pages and compared with what was last written.

Nothing is written to the target. Which of its records may be those that have no mapping yet: ``syncd.candidates``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from sqlalchemy.engine import Connection, Row

from syncd.connector import Fields, Gone, Page, Remote
from syncd.facts import Place
from syncd.fields import differences
from syncd.marks import mark
from syncd.model import KINDS, Kind
from syncd.problems import Finding
from syncd.safety import FEW
from syncd.session import Session
from syncd.state import bindings, cursors, observations, problems
from syncd.strangers import Strangers

NOBODY: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Moved:
    """What moved at the target: bound records that drifted, or are to be written anew."""

    records: frozenset[tuple[Kind, str]] = frozenset()
    others: int = 0
    """Invoices that syncd wrote there, seen while nothing was bound yet, if the source knows none of them."""


def drift(session: Session, *, afresh: bool = False) -> Moved:
    """Read what changed at the target since last time, and keep how it differs from what was last written."""
    token = None
    with session.store.read() as connection:
        if not afresh:
            token = cursors.get(connection, f"target:{session.name}", "observed")
        first = not bindings.any_bound(connection, session.name)
        linked = bindings.links(connection, session.name, session.source)
    _tell_unknown(session, [row for row in linked if not row.known])
    if any(row.known and not row.read for row in linked):
        token = None  # what is linked is read, whenever it changed
    links = {(row.kind, row.id) for row in linked if row.known}
    moved: set[tuple[Kind, str]] = set()
    if session.books.empty and first:
        moved |= _absent(session, dict.fromkeys(KINDS, ()), links, by_hand=True)
        if session.books.token is not None and token is None:
            with session.store.write() as connection:
                cursors.put(connection, f"target:{session.name}", "observed", session.books.token)
        return Moved(frozenset(moved))
    view, strangers = View(), Strangers(session) if first else None
    for page in session.connector.changes(token):
        moved |= _take_page(session, page)
        view.add(page)
        if strangers:
            strangers.look_at(_records(page))
        if page.standing:
            moved |= _absent(session, page.standing, links, by_hand=True)
    if view.whole:
        moved |= _absent(session, view.seen, links, by_hand=view.by_hand, lost=view.lost)
    others = strangers.count if strangers else 0
    if view.token not in (None, token) and others < FEW:  # they are counted anew as long as nothing is bound
        with session.store.write() as connection:
            cursors.put(connection, f"target:{session.name}", "observed", view.token)
    return Moved(frozenset(moved), others)


def _tell_unknown(session: Session, rows: Sequence[Row[Any]]) -> None:
    """Tell of what a person linked to records that the source does not have; no plan ever looks at those."""
    found = [Finding("bound_from_nothing", row.kind, row.id, {"bound": row.external_id}) for row in rows]
    with session.store.write() as connection:
        problems.replace_codes(connection, session.name, ["bound_from_nothing"], found, session.seconds())


@dataclass(slots=True)
class View:
    """What the pages of what stands there have shown together."""

    whole: bool = False
    """They show all that stands there."""
    token: str | None = None
    lost: frozenset[Kind] = frozenset()
    by_hand: bool = False
    seen: dict[Kind, set[str]] = field(default_factory=lambda: {kind: set() for kind in KINDS})

    def add(self, page: Page) -> None:
        """Take in one page."""
        self.whole, self.token = self.whole or page.whole, page.token or self.token
        self.lost, self.by_hand = self.lost | page.lost, self.by_hand or page.by_hand
        for remote in _records(page) if page.whole else ():
            self.seen[remote.kind].add(remote.external_id)


def _records(page: Page) -> Iterator[Remote]:
    return (remote for remote in page.remotes if not remote.stray)


def _take_page(session: Session, page: Page) -> set[tuple[Kind, str]]:
    """Compare a page of records with what was last written to them."""
    moved: set[tuple[Kind, str]] = set()
    by_kind: dict[Kind, list[Remote]] = {}
    for remote in _records(page):
        by_kind.setdefault(remote.kind, []).append(remote)
    if not by_kind and not page.gone:
        return moved
    with session.store.write() as connection:
        for kind, remotes in by_kind.items():
            rows = bindings.bound_ids(connection, session.name, kind, (one.external_id for one in remotes))
            places = bindings.places(
                connection,
                session.name,
                {kind: [row.id for row in rows.values()]},
                session.can.fields,
            )
            known = {row.id for row in rows.values() if row.marked}
            for remote in resolved(session, connection, remotes):
                row = rows.get(remote.external_id)
                if row is not None and _take_one(session, connection, remote, row, places[kind, row.id]):
                    moved.add((kind, row.id))
            own = [row.id for one in remotes if (row := rows.get(one.external_id)) and one.mark == mark(kind, row.id)]
            bindings.note_marks(connection, session.name, kind, [one for one in own if one not in known])
        for gone in page.gone:
            moved |= _take_gone(session, connection, gone)
        cursors.add_again(connection, session.name, moved)
    return moved


def _take_one(session: Session, connection: Connection, remote: Remote, row: Row[Any], place: Place) -> bool:
    """Compare a bound record with what was last written to it; tell whether there is news for the plan."""
    if row.state == "void":
        _keep_standing_again(session, connection, remote, row)
        return False
    if f"{row.kind}_id" in remote.lost and row.state == "removed":
        return False
    if remote.void or is_another(remote, row):
        bindings.set_state(connection, session.name, row.kind, [row.id], _without(row))
        return True
    if row.state in bindings.LINKS or (row.state == "removed" and row.base is None):
        _keep_link(session, connection, remote, row.id)
        return True
    return _compare(session, connection, remote, row.id, place)


def _keep_standing_again(session: Session, connection: Connection, remote: Remote, row: Row[Any]) -> None:
    """Keep that what was taken back stands again, for a person made it so; a picture shows what is void, too."""
    if session.can.picture:
        return
    observations.forget_bound(connection, session.name, [(row.kind, row.id)])
    if not remote.void and not is_another(remote, row):
        differs = {"status": ("unpaid" if row.kind == "payment" else "cancelled", status_there(remote))}
        observations.observe(connection, session.name, [observation(session, remote, row.id, "drift", differs)])


def status_there(remote: Remote) -> str:
    """Name the status of what stands there and, as the source says, is not to."""
    return "paid" if remote.kind == "payment" else str(remote.fields.get("status") or "booked")


def _keep_link(session: Session, connection: Connection, remote: Remote, record_id: str) -> None:
    """Keep all that a record holds which a person linked, for it to be adopted.

    So is one that was taken out and stands again, where nothing is known of what it was like.
    """
    there = differences({}, readable(remote.fields, session.can.fields[remote.kind]))
    bindings.set_state(connection, session.name, remote.kind, [record_id], "linked")
    observations.observe(connection, session.name, [observation(session, remote, record_id, "mapping", there)])


def _take_gone(session: Session, connection: Connection, gone: Gone) -> set[tuple[Kind, str]]:
    """Note that a record was deleted there."""
    moved: set[tuple[Kind, str]] = set()
    for row in bindings.bound_ids(connection, session.name, gone.kind, [gone.external_id]).values():
        bindings.set_state(connection, session.name, gone.kind, [row.id], _without(row))
        if row.state == "linked":
            moved.add((gone.kind, row.id))
    return moved


def _without(row: Row[Any]) -> str:
    """Give the state of a mapping whose record does not stand: taken out, or bound by a person to nothing."""
    return "unfound" if row.state in bindings.LINKS else "removed"


def is_another(remote: Remote, row: Row[Any]) -> bool:
    """Tell a record that has the id of a bound one and not its mark: ids are given again where a backup was put back.

    A client may bear another's mark: two that were merged there are one record with the marks of both.
    """
    return bool(row.marked) and remote.mark != mark(row.kind, row.id) and (remote.mark is None or row.kind != "client")


def resolved(
    session: Session, connection: Connection, remotes: Sequence[Remote], candidates: Mapping[str, str] = NOBODY
) -> list[Remote]:
    """Say which client of the source a record stands on, where the target tells it by an id of its own.

    ``candidates``: target id → client, of those that are not bound yet.
    """
    named = {one.refs["client"] for one in remotes if "client" in one.refs and one.kind != "client"}
    if not named:
        return list(remotes)
    bound = bindings.bound_ids(connection, session.name, "client", named)
    known = {**candidates, **{external: row.id for external, row in bound.items()}}
    return [
        replace(
            one,
            fields={**one.fields, "client_id": known.get(one.refs["client"], f"{one.refs['client']} (of the target)")},
        )
        if "client" in one.refs and one.kind != "client"
        else one
        for one in remotes
    ]


def _compare(session: Session, connection: Connection, remote: Remote, record_id: str, place: Place) -> bool:
    """Keep how a bound record differs from what was last written; tell whether that is news."""
    binding = place.binding
    if binding is None:
        return False
    news = False
    if binding.state == "removed":
        bindings.set_state(connection, session.name, remote.kind, [record_id], "live")
        news = True
    if remote.version != binding.version:
        bindings.set_version(connection, session.name, remote.kind, record_id, remote.version)
    base = {**binding.base, **{path: written for path, (written, _) in binding.behind.items()}}
    differs = differences(base, readable(remote.fields, session.can.fields[remote.kind]))
    # What nobody else can have written is an older state of the target, put back or lost: it is brought up to date.
    behind = {
        path: pair
        for path, pair in differs.items()
        if not remote.by_hand
        or not remote.lost.isdisjoint((path, path.partition(".")[0]))
        or binding.behind.get(path) == pair
        or (path in base and session.policy.dressed(path, *pair))
    }
    by_hand = {path: pair for path, pair in differs.items() if path not in behind}
    if (by_hand, behind) == (dict(binding.drift), dict(binding.behind)):
        return news
    seen = {"drift": by_hand, "behind": behind}
    told = [observation(session, remote, record_id, role, paths) for role, paths in seen.items() if paths]
    observations.forget_bound(connection, session.name, [(remote.kind, record_id)])
    observations.observe(connection, session.name, told)
    if not by_hand:
        problems.settle(connection, session.name, [(remote.kind, record_id)], ["adopted_differs"])
    return True


def observation(session: Session, remote: Remote, record_id: str, role: str, differs: dict[str, Any]) -> dict[str, Any]:
    """Give the row of what was seen of a record, in a role, and how it differs."""
    return {
        "kind": remote.kind,
        "id": record_id,
        "external_id": "" if role == "drift" else remote.external_id,
        "role": role,
        "version": remote.version,
        "by_hand": remote.by_hand,
        "differs": orjson.dumps(differs).decode(),
        "seen_at": session.seconds(),
    }


def readable(fields: Fields, only: frozenset[str]) -> Fields:
    """Give the fields that the target is able to tell."""
    return {path: value for path, value in fields.items() if path.partition(".")[0] in only}


def _absent(
    session: Session,
    seen: Mapping[Kind, Collection[str]],
    links: Collection[tuple[Kind, str]],
    *,
    by_hand: bool,
    lost: frozenset[Kind] = frozenset(),
) -> set[tuple[Kind, str]]:
    """Note bound records that a view of everything did not show.

    A person took them out, unless the target can prove that nobody did: then an older state was put back, or what
    held them is missing, and they are written anew. ``links``: what a person had linked before the view began; of it
    nobody knows whether it ever stood, so that a person says what is to become of it.
    """
    moved: set[tuple[Kind, str]] = set()
    for kind, shown in seen.items():
        if kind in lost:
            with session.store.read() as connection:
                lately = bindings.removed_ids(connection, session.name, kind, lately=True)
            moved |= _write_anew(session, kind, lately)
        after = ""
        while True:
            with session.store.read() as connection:
                rows = bindings.all_live(connection, session.name, kind, after)
            if not rows:
                break
            after = rows[-1].external_id
            missing = [row for row in rows if row.external_id not in shown]
            linked = {row.id for row in missing if row.state == "linked" and (kind, row.id) in links}
            stood = {row.id for row in missing if row.state == "live"}
            if kind in lost:
                moved |= _write_anew(session, kind, stood | linked)
                continue
            moved |= _note(session, kind, linked, "unfound")
            moved |= _note(session, kind, stood, "removed") if by_hand else _write_anew(session, kind, stood)
    return moved


def _note(session: Session, kind: Kind, ids: Collection[str], state: str) -> set[tuple[Kind, str]]:
    """Note that what was bound does not stand there."""
    records: set[tuple[Kind, str]] = {(kind, record_id) for record_id in ids}
    if records:
        with session.store.write() as connection:
            bindings.set_state(connection, session.name, kind, ids, state)
            cursors.add_again(connection, session.name, records)
    return records


def _write_anew(session: Session, kind: Kind, ids: Collection[str]) -> set[tuple[Kind, str]]:
    """Let go of what nobody took out, or what went before the whole store of its kind did."""
    records: set[tuple[Kind, str]] = {(kind, record_id) for record_id in ids}
    if records:
        with session.store.write() as connection:
            bindings.release_records(connection, session.name, kind, sorted(ids))
            problems.settle(connection, session.name, records, ["adopted_differs"])
            cursors.add_again(connection, session.name, records)
    return records
