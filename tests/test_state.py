"""The state: what a cycle asks of it costs the same however long the history, and older ones are brought up to date."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy.engine import Connection
from sqlmodel import SQLModel

from syncd.errors import StateError
from syncd.state import bindings, journal
from syncd.state.store import HEAD, Store
from syncd.state.tables import mapping, operation, payload, plan, run

ASKED: list[Callable[[Connection], object]] = [
    lambda connection: journal.in_doubt(connection, "books"),
    lambda connection: journal.records_in_doubt(connection, "books"),
    lambda connection: journal.plans_in_doubt(connection, "books"),
    lambda connection: journal.last_in_doubt(connection, "books"),
    lambda connection: journal.count_in_doubt(connection, "books"),
    lambda connection: bindings.count_removed(connection, "books"),
    lambda connection: bindings.removed_ids(connection, "books", "invoice"),
    lambda connection: bindings.any_bound(connection, "books"),
]

SHAPE = {
    "columns": """
        SELECT t.name, c.name, c.type, c."notnull", c.dflt_value, c.pk, c.hidden
        FROM sqlite_schema t, pragma_table_xinfo(t.name) c""",
    "foreign keys": """
        SELECT t.name, f."table", f."from", f."to", f.on_update, f.on_delete
        FROM sqlite_schema t, pragma_foreign_key_list(t.name) f""",
    "indexes": """
        SELECT t.name, i."unique", i.origin, i.partial, s.sql,
            (SELECT group_concat(x.name) FROM pragma_index_xinfo(i.name) x WHERE x.key)
        FROM sqlite_schema t, pragma_index_list(t.name) i JOIN sqlite_schema s ON s.name = i.name""",
    "step": "SELECT version_num FROM alembic_version",
}
"""What SQLite knows of the tables, whatever the order in which their parts were made."""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'state.db'}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """A state with one plan."""
    made = {"n": 1, "run": 1, "target": "books", "made_at": 0, "revision": 1, "state": "applied", "counts": "{}"}
    with closing(Store(url)) as one:
        with one.write() as connection:
            connection.execute(sa.insert(run).values(n=1, command="run", started_at=0, summary="{}"))
            connection.execute(sa.insert(plan).values(made))
        yield one


def written(store: Store, numbers: range) -> None:
    """Write down that invoices were booked."""
    common = {"stage": 2, "place": "", "verb": "create", "kind": "invoice", "mark": "", "revision": 1, "state": "done"}
    with store.write() as connection:
        for n in numbers:
            row = {**common, "n": n, "plan": 1, "target": "books", "id": str(n), "key": str(n)}
            bound = {"target": "books", "kind": "invoice", "id": str(n), "external_id": str(n), "base": n}
            connection.execute(sa.insert(operation).values(row))
            connection.execute(sa.insert(payload).values(n=n))
            connection.execute(sa.insert(mapping).values({**bound, "state": "live", "generation": 0}))


def url_file(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def steps(store: Store, ask: Callable[[Connection], object]) -> int:
    """Count the steps of SQLite's machine that an answer takes, once the statement is known."""
    counted = [0]

    def step() -> int:
        counted[0] += 1
        return 0

    with store.read() as connection:
        ask(connection)
        driver: Any = connection.connection.dbapi_connection
        driver.set_progress_handler(step, 1)
        ask(connection)
        driver.set_progress_handler(None, 1)
    return counted[0]


def test_what_a_cycle_asks_costs_the_same_however_long_the_history(store: Store) -> None:
    written(store, range(1, 11))
    few = [steps(store, ask) for ask in ASKED]
    written(store, range(11, 1011))
    assert [steps(store, ask) for ask in ASKED] == few
    assert all(few)


def test_what_is_in_doubt_or_taken_out_is_found_among_many(store: Store) -> None:
    written(store, range(1, 31))
    with store.write() as connection:
        connection.execute(sa.update(operation).where(operation.c.n.in_([7, 9])).values(state="sent"))
        connection.execute(sa.update(mapping).where(mapping.c.id == "8").values(state="removed"))
    with store.read() as connection:
        assert [row.n for row in journal.in_doubt(connection, "books")] == [7, 9]
        assert journal.records_in_doubt(connection, "books") == {("invoice", "7"), ("invoice", "9")}
        assert journal.plans_in_doubt(connection, "books") == [1]
        assert journal.count_in_doubt(connection, "books") == 2
        assert journal.count_in_doubt(connection, "others") == 0
        assert bindings.removed_ids(connection, "books", "invoice") == {"8"}
        assert bindings.count_removed(connection, "books") == {"invoice": 1}
        assert not bindings.any_bound(connection, "others")


def migrated(url: str, step: str) -> None:
    """Make a state by the migrations, up to one of them."""
    config = Config()
    config.set_main_option("script_location", "syncd:migrations")
    config.attributes["engine"] = sa.create_engine(url)
    command.upgrade(config, step)
    config.attributes["engine"].dispose()


def test_the_migrations_make_what_the_models_say(url: str) -> None:
    migrated(url, "head")
    store = Store(url)
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, SQLModel.metadata) == []
    store.close()


@pytest.mark.parametrize("ask", SHAPE.values(), ids=SHAPE)
def test_a_new_state_is_what_all_migrations_together_make(tmp_path: Path, ask: str) -> None:
    made, stepped = (f"sqlite:///{tmp_path / name}" for name in ("made.db", "stepped.db"))
    Store(made).close()
    migrated(stepped, "head")
    told = []
    for url in (made, stepped):
        with closing(sqlite3.connect(url_file(url))) as base:
            told.append(sorted(base.execute(ask), key=repr))
    assert told[0] == told[1]
    assert told[0]


@pytest.mark.parametrize("lock", [True, False])
def test_a_state_of_an_older_syncd_is_brought_up_to_date_when_nobody_holds_it(url: str, *, lock: bool) -> None:
    migrated(url, "0001")
    with (url_file(url).with_name("state.db.lock")).open("a+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(StateError, match="of an older syncd, which is still at work"):
            Store(url, lock=False)
    store = Store(url, lock=lock)
    with store.read() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == HEAD
        assert bindings.count_removed(connection, "books") == {}
    store.close()


def test_damage_after_a_clean_end_is_found_each_time(url: str) -> None:
    for _ in range(2):
        Store(url).close()
    path = Path(url.removeprefix("sqlite:///"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2 :] = b"\xa5" * (len(data) - len(data) // 2)
    path.write_bytes(data)
    for _ in range(2):
        with pytest.raises(StateError, match="damaged"):
            Store(url)


def test_what_another_system_is_told_of_is_on_the_disk_before_on_whichever_connection_it_was_written(
    store: Store,
) -> None:
    told = []
    for durable in (False, True, True, False, True):
        with store.read(), store.write(durable=durable) as connection:  # the reader holds back the connection of before
            told.append((durable, connection.exec_driver_sql("PRAGMA synchronous").scalar()))
        with store.write(durable=durable) as connection:
            told.append((durable, connection.exec_driver_sql("PRAGMA synchronous").scalar()))
    normal, full = 1, 2
    assert told == [(durable, full if durable else normal) for durable, _ in told]


def test_a_write_that_fails_leaves_nothing_behind_for_the_next_one_on_its_connection(store: Store) -> None:
    with store.read() as connection:
        before = connection.execute(sa.select(sa.func.count()).select_from(run)).scalar_one()

    def fail() -> None:
        with store.write() as connection:
            connection.execute(sa.insert(run).values(command="run", started_at=1))
            connection.exec_driver_sql("SELECT no_such_function()")

    for _ in range(3):
        with pytest.raises(StateError):
            fail()
    with store.write() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(run)).scalar_one() == before
