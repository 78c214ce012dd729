"""What was taken out of the books since syncd last wrote there: counted, for the safety stop, until it was let pass."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from sqlalchemy.engine import Connection

from syncd.session import Session
from syncd.state import bindings, cursors, observations

NAME = "taken_out"
"""Where the numbers that were let pass are kept, among a target's cursors."""

Counts = Mapping[str, int]
"""Records by kind, and as ``rows`` the invoices that lack lines or events they had."""


def count(connection: Connection, session: Session) -> Counts:
    """Count what was taken out by hand and still is."""
    return {
        **bindings.count_removed(connection, session.name),
        "rows": observations.count_without_rows(connection, session.name),
    }


def news(connection: Connection, session: Session, now: Counts) -> Counts:
    """Say how much more that is than was let pass before; at first sight of a target all is."""
    before = orjson.loads(cursors.get(connection, f"target:{session.name}", NAME) or "{}")
    return {what: many - before.get(what, 0) for what, many in now.items() if many > before.get(what, 0)}


def let_pass(session: Session, now: Counts) -> None:
    """Keep that so much may be missing."""
    kept = orjson.dumps({what: many for what, many in sorted(now.items()) if many}).decode()
    with session.store.read() as connection:
        before = cursors.get(connection, f"target:{session.name}", NAME)
    if kept != (before or "{}"):
        with session.store.write() as connection:
            cursors.put(connection, f"target:{session.name}", NAME, kept)
