"""The cursors in the state: how far something got, as text under an owner and a name; and what to look at again."""

from __future__ import annotations

from collections.abc import Iterable

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import Connection

from syncd.model import Kind
from syncd.state.tables import cursor

Again = set[tuple[Kind, str]]
"""Records (kind, id) that the next pass looks at whether they changed or not."""

# Built once: a walk keeps its cursor with each page, and building a statement costs more than running it.
_AT = sa.and_(cursor.c.owner == sa.bindparam("of"), cursor.c.name == sa.bindparam("called"))
_GET = sa.select(cursor.c.value).where(_AT)
_NEW = insert(cursor)
_PUT = _NEW.on_conflict_do_update(
    set_={"value": _NEW.excluded.value}, where=cursor.c.value != _NEW.excluded.value, index_elements=["owner", "name"]
)


def get(connection: Connection, owner: str, name: str) -> str | None:
    """Return what was put there, or ``None``."""
    return connection.execute(_GET, {"of": owner, "called": name}).scalar()


def put(connection: Connection, owner: str, name: str, value: str) -> None:
    """Keep a value; one that stands there already is not written again."""
    connection.execute(_PUT, {"owner": owner, "name": name, "value": value})


def drop(connection: Connection, owner: str, name: str) -> None:
    """Forget it."""
    connection.execute(cursor.delete().where(_AT), {"of": owner, "called": name})


def again(connection: Connection, target: str) -> Again:
    """Return what a target looks at again."""
    text = get(connection, f"target:{target}", "again")
    return {(kind, record_id) for kind, record_id in orjson.loads(text or "[]")}


def set_again(connection: Connection, target: str, records: Iterable[tuple[str, str]]) -> None:
    """Have the next pass look at exactly these again."""
    listed = sorted(set(records))
    if listed:
        put(connection, f"target:{target}", "again", orjson.dumps(listed).decode())
    else:
        drop(connection, f"target:{target}", "again")


def add_again(connection: Connection, target: str, records: Iterable[tuple[str, str]]) -> None:
    """Have the next pass look at these again as well."""
    if more := set(records):
        set_again(connection, target, again(connection, target) | more)


def lost(connection: Connection, target: str) -> frozenset[Kind]:
    """Return the kinds whose whole store was missing at a target and is not built anew yet."""
    kinds: list[Kind] = orjson.loads(get(connection, f"target:{target}", "lost") or "[]")
    return frozenset(kinds)


def add_lost(connection: Connection, target: str, kinds: Iterable[Kind]) -> None:
    """Keep that kinds must be built anew, until a pass has done it."""
    put(connection, f"target:{target}", "lost", orjson.dumps(sorted(lost(connection, target) | set(kinds))).decode())
