"""Rounds over all rows of a kind: how much is due, and what a finished round says of what it did not show."""

from __future__ import annotations

from typing import Any

import orjson

from syncd.errors import Busy, Invalid, Missing, Unreachable
from syncd.model import Kind
from syncd.payload import record_id
from syncd.problems import Finding
from syncd.pull import questions
from syncd.pull.cycle import DAY, FEW, Cycle, check_account
from syncd.pull.flow import Flow
from syncd.pull.pages import row_of
from syncd.pull.tracks import Sweep, merged
from syncd.pull.walk import Votes
from syncd.state import mirror

LET_PASS = frozenset({"walk_too_short", "account_changed"})
"""What a person released where records may be missing."""

THIRD = 3
"""A round that lacks more than one in three of the known records is not believed."""


def sweep(cycle: Cycle, kind: Kind, cursor: dict[str, Any], *, full: bool) -> Sweep | None:
    """Return the slice of the round that the time since the last cycle asks for; ``None``: nothing is due."""
    period = cycle.source.client_sweep if kind == "client" else cycle.source.full_sweep
    pages = cursor.get("pages", 1)
    if full or cycle.elapsed >= period.total_seconds():
        cursor.update(page=None, owed=0.0)
        return Sweep(cycle, kind, cursor, float("inf"))
    cursor["owed"] = min(pages, cursor.get("owed", 0.0) + cycle.elapsed / period.total_seconds() * pages)
    return Sweep(cycle, kind, cursor, int(cursor["owed"])) if cursor["owed"] >= 1 else None


def finish(cycle: Cycle, kind: Kind, cursor: dict[str, Any]) -> None:
    """Draw the conclusions of a finished round: the order of the list, and what it did not show."""
    if kind == "invoice":
        cycle.learnt["order"] = Votes(*cursor["votes"]).order()
        if cursor["last_page"] is not None and (not cursor["new"] or cycle.learnt.get("last_page") is None):
            cycle.learnt.update(last_page=cursor.get("calm_page"), end_page=cursor["last_page"])
    with cycle.store.read() as conn:
        left_out = len(questions.left_out(conn, cycle.name, kind, cursor["walk"]))
        unseen = questions.count_unseen(conn, cycle.name, kind, cursor["walk"]) - left_out
        there = questions.count_there(conn, cycle.name, kind) - left_out
    if unseen == there:
        check_account(cycle, kind, [])
    cursor["short"] = [unseen, there] if suspicious(unseen, there) else None
    with cycle.store.write() as conn:
        cycle.put(conn, f"sweep:{kind}", cursor)
    if cursor["short"] is None and unseen:
        ask_for_unseen(cycle, kind, cursor)


def suspicious(missing: int, known: int) -> bool:
    """Tell whether so many of the known records cannot well be gone: more than a third, of twenty or more."""
    return known >= FEW and missing * THIRD > known


def is_short(cycle: Cycle) -> bool:
    """Tell whether the last finished round showed suspiciously few invoices, and nobody has let that pass."""
    cursor = cycle.get("sweep:invoice") or {}
    return bool(cursor.get("short")) and not cycle.released & LET_PASS


def withhold(cycle: Cycle) -> None:
    """While a round that showed too few is a hold, ask for no details of the invoices it did not show."""
    if is_short(cycle):
        with cycle.store.read() as conn:
            walk = _finished_walk(cycle.get("sweep:invoice") or {})
            cycle.withheld.update(questions.unseen_ids(conn, cycle.name, "invoice", walk))


def check_short(cycle: Cycle, kind: Kind, cursor: dict[str, Any]) -> None:
    """While the last finished round showed suspiciously few, hold; once a person let that pass, ask for each."""
    if not cursor.get("short"):
        return
    unseen, there = cursor["short"]
    if not cycle.released & LET_PASS:
        cycle.hold("walk_too_short", kind=kind, seen=str(there - unseen), known=str(there))
        return
    # Whatever a round that is under way has shown by now is not asked for.
    ask_for_unseen(cycle, kind, cursor)
    cursor["short"] = None
    with cycle.store.write() as conn:
        cycle.put(conn, f"sweep:{kind}", cursor)


def ask_for_unseen(cycle: Cycle, kind: Kind, cursor: dict[str, Any]) -> None:
    """Ask for each record that the last finished round should have shown and did not; what answers 404 is gone."""
    walk = _finished_walk(cursor)
    with cycle.store.read() as conn:
        unseen = questions.unseen_ids(conn, cycle.name, kind, walk)
    if kind == "client":
        _confirm_clients(cycle, unseen, walk, cursor)
        return
    confirm(cycle, unseen, "round")
    gone = cycle.absent.pop("round", [])
    with cycle.store.write() as conn:
        mirror.mark_gone(conn, cycle.name, kind, gone, now=cycle.now)
        mirror.mark_seen(conn, cycle.name, kind, [each for each in unseen if each not in set(gone)], walk=walk)
    cycle.gone += len(gone)


def _finished_walk(cursor: dict[str, Any]) -> int:
    """Return the number of the last finished round."""
    return int(cursor["walk"] if cursor.get("page") is None else cursor["walk"] - 1)


def confirm(cycle: Cycle, ids: list[str], walk: str) -> None:
    """Read the details of invoices that a finished walk did not show; the 404s end in ``cycle.absent``."""
    cycle.candidates.update(dict.fromkeys(ids, walk))
    with cycle.store.write() as conn:
        mirror.make_due(conn, cycle.name, ids)
    Flow(cycle).run()


def _confirm_clients(cycle: Cycle, ids: list[str], walk: int, cursor: dict[str, Any]) -> None:
    for client_id in ids:
        if cycle.stopped:
            return
        cycle.requests["confirm"] += 1
        try:
            raw = read_client(cycle, client_id)
        except Missing:
            with cycle.store.write() as conn:
                mirror.mark_gone(conn, cycle.name, "client", [client_id], now=cycle.now)
            cycle.gone += 1
            continue
        if isinstance(raw, Finding):
            cursor["found"][0] = merged(cursor["found"][0], [raw])  # told until a later round shows otherwise
            with cycle.store.write() as conn:
                cycle.put(conn, "sweep:client", cursor)
            continue
        keep_client(cycle, client_id, raw, walk)


def read_client(cycle: Cycle, client_id: str) -> dict[str, Any] | Finding:
    """Ask for one client (``Missing``: it is gone); one that cannot be had stops nothing while the list can."""
    try:
        raw: dict[str, Any] = orjson.loads(cycle.api.client(client_id))
    except (Busy, Missing):
        raise
    except (Invalid, Unreachable, orjson.JSONDecodeError) as error:
        if isinstance(error, Unreachable):
            cycle.api.clients(cycle.first_page)
        return cycle.find("detail_unreadable", "client", client_id, record=client_id, reason=str(error))
    return raw


def keep_client(cycle: Cycle, client_id: str, raw: dict[str, Any], walk: int) -> None:
    """Store a client that its own request showed; of one answered under another id, only that something is there."""
    with cycle.store.write() as conn:
        if record_id(raw) != client_id:
            mirror.mark_seen(conn, cycle.name, "client", [client_id], walk=walk)
            return
        row = row_of("client", client_id, raw)
        cycle.count(mirror.store_rows(conn, cycle.name, "client", [row], walk=walk, now=cycle.now))


def owed_details(cycle: Cycle, open_count: int) -> int:
    """Return how many details of open invoices to read again, so that all are read within ``detail_sweep``."""
    seconds = cycle.source.detail_sweep.total_seconds() or DAY
    owed = cycle.learnt.get("owed_details", 0.0) + min(cycle.elapsed, seconds) / seconds * open_count
    cycle.learnt["owed_details"] = owed - int(owed)
    return int(owed)


def findings(cursors: list[dict[str, Any]]) -> list[Finding]:
    """Return what rounds found wrong: the one under way and the one before."""
    return [
        Finding(code, kind, record_id, parameters, at_source=True)
        for cursor in cursors
        for part in cursor.get("found", [])
        for code, kind, record_id, parameters in part
    ]
