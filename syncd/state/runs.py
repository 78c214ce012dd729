"""Runs and targets in the state: when something ran and how it ended, and the books a target was first seen with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from syncd.state import cursors
from syncd.state.store import Store
from syncd.state.tables import credential, mapping, operation, plan, run, source, target


def begin(connection: Connection, command: str, now: int) -> int:
    """Note that a run begins; return its number."""
    return int(
        connection.execute(
            sa.insert(run).values(command=command, started_at=now, summary="{}").returning(run.c.n)
        ).scalar_one()
    )


def end(connection: Connection, number: int, now: int, exit_code: int, summary: Mapping[str, Any]) -> None:
    """Note how a run ended."""
    values = {"ended_at": now, "exit_code": exit_code, "summary": orjson.dumps(summary).decode()}
    connection.execute(sa.update(run).where(run.c.n == number).values(values))


def last(connection: Connection, limit: int = 1) -> Sequence[Row[Any]]:
    """Read the newest runs, newest first."""
    return connection.execute(sa.select(run).order_by(run.c.n.desc()).limit(limit)).all()


def known_target(connection: Connection, name: str) -> Row[Any] | None:
    """Read the books a target was first seen with."""
    return connection.execute(sa.select(target).where(target.c.name == name)).first()


def keep_target(connection: Connection, name: str, source: str, identity: str, company: str, now: int) -> None:
    """Note, or note anew, the books a target has; the time it was first seen stays."""
    known = known_target(connection, name)
    if known is None:
        values = {
            "name": name,
            "source": source,
            "identity": identity,
            "company": company,
            "first_seen": now,
        }
        connection.execute(sa.insert(target).values(values))
    elif (known.identity, known.company, known.source) != (identity, company, source):
        values = {"source": source, "identity": identity, "company": company}
        connection.execute(sa.update(target).where(target.c.name == name).values(values))


def place(connection: Connection, name: str) -> list[str] | None:
    """Read where a target's books were last: the place told before they were opened, and the one told after."""
    noted: list[str] | None = orjson.loads(cursors.get(connection, f"target:{name}", "place") or "null")
    return noted


def keep_place(connection: Connection, name: str, told: list[str]) -> None:
    """Note where a target's books are."""
    cursors.put(connection, f"target:{name}", "place", orjson.dumps(told).decode())


def last_plan(connection: Connection, name: str) -> Row[Any] | None:
    """Read the newest plan of a target."""
    return connection.execute(sa.select(plan).where(plan.c.target == name).order_by(plan.c.n.desc()).limit(1)).first()


def counts(connection: Connection, name: str) -> dict[str, int]:
    """Count what stands bound at a target by kind, and what was written there in all."""
    bound = sa.select(mapping.c.kind, sa.func.count()).where(mapping.c.target == name, mapping.c.state == "live")
    result = {kind: n for kind, n in connection.execute(bound.group_by(mapping.c.kind))}
    done = (
        sa.select(sa.func.count()).select_from(operation).where(operation.c.target == name, operation.c.state == "done")
    )
    return {**result, "written": int(connection.execute(done).scalar_one())}


def last_pull(connection: Connection, name: str) -> int | None:
    """Read when a source was last pulled to the end."""
    return connection.execute(sa.select(source.c.last_pull).where(source.c.name == name)).scalar()


def learnt(connection: Connection, name: str) -> dict[str, Any]:
    """Read what was learnt of a source's habits: ``order`` of its lists, ``ignored_at`` (the status filter)."""
    habits: dict[str, Any] = orjson.loads(cursors.get(connection, f"source:{name}", "learnt") or "{}")
    return habits


class StoredTokens:
    """The small durable place of one connector, in the state; committed at once."""

    def __init__(self, store: Store, owner: str) -> None:
        """Keep what belongs to one owner, a target."""
        self._store = store
        self._owner = owner

    def get(self, name: str) -> str | None:
        """Read what was put under this name."""
        where = sa.and_(credential.c.owner == self._owner, credential.c.name == name)
        with self._store.read() as connection:
            return connection.execute(sa.select(credential.c.value).where(where)).scalar()

    def put(self, name: str, text: str) -> None:
        """Keep a text under this name."""
        values = {"owner": self._owner, "name": name, "value": text}
        with self._store.write(durable=True) as connection:
            connection.execute(sa.insert(credential).prefix_with("OR REPLACE").values(values))
