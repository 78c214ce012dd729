"""What was taken out of the books and not let pass yet: counted for the safety stop."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.engine import Connection

from syncd.session import Session
from syncd.state import bindings, cursors, observations

ROWS = "without_rows"
"""Where it is kept, among a target's cursors, how many invoices without some lines or events were let pass."""

Counts = Mapping[str, int]
"""Records by kind, and as ``rows`` the invoices that lack lines or events they had."""


def count(connection: Connection, session: Session) -> Counts:
    """Count what was taken out since that was last let pass; rows never counted before begin with those of now."""
    rows = observations.count_without_rows(connection, session.name)
    before = cursors.get(connection, f"target:{session.name}", ROWS)
    lately = bindings.count_removed(connection, session.name, lately=True)
    return {**lately, "rows": max(0, rows - int(before or rows))}


def let_pass(session: Session) -> None:
    """Let what is missing be missing, records and rows."""
    with session.store.read() as connection:
        lately = bindings.count_removed(connection, session.name, lately=True)
    if lately:
        with session.store.write() as connection:
            bindings.let_pass(connection, session.name)
    keep_rows(session)


def keep_rows(session: Session) -> None:
    """Let it be that invoices lack rows; what was just adopted may have had fewer all along."""
    with session.store.read() as connection:
        rows = str(observations.count_without_rows(connection, session.name))
        known = cursors.get(connection, f"target:{session.name}", ROWS)
    if rows != known:
        with session.store.write() as connection:
            cursors.put(connection, f"target:{session.name}", ROWS, rows)
