"""How many operations a target is given in one write: fewer after one that got no answer.

What takes a target too long is given up there (Odoo ends a call after two minutes), and gets no answer however often it
is sent. So whatever is not answered has the next writes hold half as much, those that send it again among them. How
much that is stays in the state, for a run may end with it, until a plan goes through with an answer to every write.
"""

from __future__ import annotations

from typing import Final

import structlog

from syncd.closing import Applied
from syncd.errors import Unreachable
from syncd.session import Session
from syncd.state import cursors

SILENT: Final = 12
"""Writes in a row without any answer after which a target counts as out of reach: 400 halved to 1, and a few more."""

_NAME: Final = "portion"


def portion(session: Session) -> int:
    """Say how many operations the next write may hold, for a target that is not given a whole plan at once."""
    most = session.can.batch or 1
    with session.store.read() as connection:
        kept = cursors.get(connection, _owner(session), _NAME)
    return min(most, int(kept)) if kept else most


def halve(session: Session, held: int, because: str = "") -> None:
    """Have the next writes hold half of what this one held or might have held, but one operation at least."""
    smaller = max(1, held // 2)
    if smaller < held:
        structlog.get_logger().warning("target.no_answer", target=session.name, next=smaller, because=because)
        with session.store.write() as connection:
            cursors.put(connection, _owner(session), _NAME, str(smaller))


def restore(session: Session) -> None:
    """Let writes hold as much again as the target takes at most."""
    with session.store.read() as connection:
        kept = cursors.get(connection, _owner(session), _NAME)
    if kept is not None:
        with session.store.write() as connection:
            cursors.drop(connection, _owner(session), _NAME)


def count(session: Session, held: int, unanswered: int, result: Applied) -> None:
    """Count writes without an answer; raise ``Unreachable`` where it can no longer be their size."""
    result.missed += bool(unanswered)
    result.silent = result.silent + 1 if unanswered == held else 0
    if result.silent == SILENT:
        raise Unreachable(
            f"target {session.name} answered none of {SILENT} writes in a row, however small; "
            "the next run settles what was sent."
        )


def _owner(session: Session) -> str:
    return f"target:{session.name}"
