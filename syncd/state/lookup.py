"""Looking records of the mirror up, for a person: by number, id or name, and how many there are."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from syncd.model import Kind
from syncd.state.tables import body, record


def find(conn: Connection, name: str, text: str, *, limit: int = 20) -> list[sa.Row[Any]]:
    """Look records up by exact id or number, else clients by a part of their name; whole rows of ``record``."""
    exact = sa.select(record).where(record.c.source == name, sa.or_(record.c.id == text, record.c.number == text))
    found = conn.execute(exact.order_by(record.c.kind, record.c.n).limit(limit)).all()
    if found:
        return list(found)
    part = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    query = sa.select(record).where(
        record.c.source == name, record.c.kind == "client", record.c.number.ilike(f"%{part}%", escape="\\")
    )
    return list(conn.execute(query.order_by(record.c.n).limit(limit)).all())


def raw_of(conn: Connection, name: str, kind: Kind, record_id: str) -> bytes | None:
    """Return the raw JSON of a record as last seen, or ``None``."""
    query = sa.select(body.c.raw).join(record, record.c.n == body.c.n)
    return conn.execute(query.where(record.c.source == name, record.c.kind == kind, record.c.id == record_id)).scalar()


def counts(conn: Connection, name: str) -> dict[str, dict[str, int]]:
    """Count the records that are at the source: ``{"client": {"": 12}, "invoice": {"paid": 80, …}}``."""
    query = sa.select(record.c.kind, record.c.status, sa.func.count()).where(
        record.c.source == name, record.c.gone_at.is_(None)
    )
    result: dict[str, dict[str, int]] = {"client": {}, "invoice": {}}
    for kind, status, number in conn.execute(query.group_by(record.c.kind, record.c.status)):
        result[kind][status or ""] = number
    return result
