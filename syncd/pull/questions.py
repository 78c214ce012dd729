"""What pulling alone asks of the mirror: what came later, which details could be read, which are still due."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from syncd.model import Kind
from syncd.state.mirror import CHUNK
from syncd.state.tables import record


def last_place(conn: Connection) -> int:
    """Return the place of the record stored last; places only grow, whatever the clock does."""
    return conn.execute(sa.select(sa.func.max(record.c.n))).scalar() or 0


def count_later(conn: Connection, name: str, kind: Kind, ids: Sequence[str], *, after: int) -> int:
    """Return how many of these records were first stored after the place ``after``."""
    query = sa.select(sa.func.count()).where(record.c.source == name, record.c.kind == kind, record.c.n > after)
    parts = (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))
    return sum(conn.execute(query.where(record.c.id.in_(part))).scalar() or 0 for part in parts)


def readable(conn: Connection, name: str, *, but: Iterable[str], limit: int) -> list[str]:
    """Return the ids of the invoices whose details could be read last, ``but`` for some."""
    left_out = set(but)
    there = (record.c.source == name, record.c.kind == "invoice", record.c.gone_at.is_(None))
    query = sa.select(record.c.id).where(*there, record.c.detail_print.is_not(None))
    found = conn.execute(query.order_by(record.c.detail_at.desc()).limit(limit + len(left_out))).scalars()
    return [each for each in found if each not in left_out][:limit]


def still_due(conn: Connection, name: str, ids: Sequence[str]) -> set[str]:
    """Return those of these invoices whose details are due."""
    query = sa.select(record.c.id).where(record.c.source == name, record.c.kind == "invoice", record.c.detail_due)
    parts = (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))
    return {each for part in parts for each in conn.execute(query.where(record.c.id.in_(part))).scalars()}


def forget_future(conn: Connection, name: str, now: int) -> None:
    """Take details read at a time that is yet to come for never read: the clock was ahead, or is behind."""
    ahead = (record.c.source == name, record.c.detail_at > now)
    conn.execute(record.update().where(*ahead).values(detail_at=None))
