"""Opening the state: the lock that allows one writer, the pragmas, the integrity check, the migrations.

``Store.read()`` and ``Store.write()`` are the only two ways to the data; a write is one transaction.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import DatabaseError, OperationalError

from syncd.errors import StateError, StateLocked
from syncd.state.tables import metadata

HEAD = "0005"
"""The newest migration; a state that stands there needs no Alembic to be loaded."""


PAGE = 65_536
"""Bytes: the largest page of a SQLite database, and the step in which its shared memory grows."""
DAMAGED = "Restore it from a backup, or move it away: the next run adopts what stands in the targets."


class Store:
    """The state database, locked for this process unless opened to look only."""

    def __init__(self, url: str, *, lock: bool = True) -> None:
        """Open, lock, check and migrate; raise ``StateLocked`` or ``StateError`` with a sentence."""
        self.url = url
        self._lock: IO[str] | None = None
        self._whole = False
        self._opened: tuple[int, int] | None = None
        path = _file(url)
        try:
            if path:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                if lock:
                    self._lock, self._whole = _take_lock(path)
                if not path.exists():
                    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self.engine = _engine(url)
            if lock and not self._whole:
                _check(self.engine, path)
                self._whole = True
            _migrate(self.engine, url, lock=lock)
            self._opened = _identity(path)
        except OSError as error:
            self.close()
            raise StateError(f"The state {path} cannot be opened: {error.strerror}. {_remedy(error)}") from error
        except DatabaseError as error:
            self.close()
            raise state_error(path, error) from error
        except BaseException:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Look at one consistent state of the database."""
        with self._errors(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[Connection]:
        """Change the state in one transaction, all or nothing.

        ``durable``: on the disk, with all before it, when this returns, even if the power fails. What another system
        is told must be; what can be read or found out again need not, and costs a tenth of the time.
        """
        with (
            self._errors(),
            self.engine.connect().execution_options(writes=True, durable=durable) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as error:
            raise state_error(_file(self.url), error) from error

    def stands(self) -> None:
        """Raise ``StateError`` where the file at the state's path is no longer the one that is open."""
        path = _file(self.url)
        if _identity(path) != self._opened:
            raise StateError(
                f"The state {path} was deleted or replaced while syncd had it open. What was written since is not in "
                "it; started again, syncd goes on with what stands there, and adopts what stands in the targets."
            )

    def holder(self) -> int | None:
        """Tell which process holds the lock, this one or another; ``None``: none, as far as can be seen."""
        path = _file(self.url)
        try:
            told = _lock_of(path).read_text() if path else ""
        except OSError:
            return None
        return int(told) if told.isdecimal() and _alive(int(told)) else None

    def close(self) -> None:
        """Close the database and free the lock."""
        engine = getattr(self, "engine", None)
        if engine is not None:
            engine.dispose()
        if self._lock is not None:
            path = _file(self.url)
            self._lock.truncate(0)
            same = self._whole and _identity(path) == self._opened
            self._lock.write(_checked(path) if path and same else "")
            self._lock.close()
            self._lock = None


def state_error(path: Path | None, error: DatabaseError) -> StateError:
    """Say what ails the database."""
    reason = str(error.orig)
    if "full" in reason or ("I/O" in reason and _no_room(path)):
        return StateError(
            f"The disk that holds the state {path} is full. Make room; the next run goes on where this one stopped."
        )
    if "readonly" in reason or "read-only" in reason:
        return StateError(
            f"The state {path} cannot be written. Give the user that runs syncd the right to write it and its folder."
        )
    if "malformed" in reason or "not a database" in reason:
        return StateError(f"The state {path} is damaged ({reason}). {DAMAGED}")
    return StateError(f"The state {path} cannot be used: {reason}.")


def _identity(path: Path | None) -> tuple[int, int] | None:
    """Tell which file it is; ``None``: there is none."""
    try:
        stands = path.stat() if path else None
    except OSError:
        return None
    return (stands.st_dev, stands.st_ino) if stands else None


def _no_room(path: Path | None) -> bool:
    """Tell whether a disk has no room left for a page of a database."""
    return path is not None and shutil.disk_usage(path.parent).free < PAGE


def _file(url: str) -> Path | None:
    name = make_url(url).database
    return Path(name) if name and name != ":memory:" else None


def _remedy(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "Give the user that runs syncd the right to write that folder, or set state in [syncd]."
    return "Set state in [syncd] to a file that can be written."


def _checked(path: Path) -> str:
    """Say what the lock file tells after a clean end: the database was whole today, and nobody has touched it since.

    It is then not read through again.
    """
    try:
        stands = path.stat()
    except OSError:
        return ""
    return f"checked {datetime.now(UTC).date().isoformat()} {stands.st_ino} {stands.st_size} {stands.st_mtime_ns}"


def _lock_of(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError as error:
        return isinstance(error, PermissionError)  # it is somebody else's
    return True


def _take_lock(path: Path) -> tuple[IO[str], bool]:
    """Lock beside the database; the kernel frees it when the process ends, however it ends.

    The second value: the last holder ended cleanly, and the database that it left was found whole today.
    """
    lock = _lock_of(path).open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        holder = lock.read(20).strip()
        lock.close()
        who = f" (process {holder})" if holder else ""
        raise StateLocked(f"Another syncd{who} holds the state {path}. Wait for it to end, or stop it.") from error
    lock.seek(0)
    checked = lock.read(200) == _checked(path)
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock, checked


def _engine(url: str) -> Engine:
    # As many connections as are asked for: one thread waiting for another here would be a deadlock.
    # Each is given back with its transaction ended, and need not be reset.
    engine = sa.create_engine(
        url,
        pool_size=8,
        max_overflow=-1,
        pool_reset_on_return=None,
        connect_args={"timeout": 30, "check_same_thread": False},
    )

    @sa.event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "foreign_keys=ON",
            "synchronous=NORMAL",
            "wal_autocheckpoint=8000",
            "temp_store=MEMORY",  # else every row with a foreign key copies its pages to a file first
            "cache_size=-16000",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # SQLite would turn a reader into a writer only at its first change, and fail then: say it at once.
        options = connection.get_execution_options()
        durable = bool(options.get("durable"))
        if options.get("writes") and connection.info.get("durable", False) != durable:
            connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            connection.info["durable"] = durable
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes") else "BEGIN")

    return engine


def _check(engine: Engine, path: Path | None) -> None:
    with engine.connect() as connection:
        damage = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    if damage != "ok":
        raise StateError(f"The state {path} is damaged ({damage}). {DAMAGED}")


def _migrate(engine: Engine, url: str, *, lock: bool) -> None:
    with engine.connect() as connection:
        stands = _version(connection)
    if stands == HEAD:
        return
    if stands is not None and stands > HEAD:
        raise StateError(
            f"The state {_file(url)} was written by a newer syncd (step {stands}, this one knows {HEAD}). "
            "Install that version."
        )
    if stands is None:
        _make(engine)
        return
    if not lock:
        _migrate_alone(engine, url)
        return
    from alembic import command  # noqa: PLC0415 - a third of a second that only an older state needs
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", "syncd:migrations")
    config.attributes["engine"] = engine
    command.upgrade(config, "head")


def _make(engine: Engine) -> None:
    """Make the tables of a new state as all migrations together would, unless another process just did."""
    version = sa.Table("alembic_version", sa.MetaData(), sa.Column("version_num", sa.String(32), primary_key=True))
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        if _version(connection) is None:
            metadata.create_all(connection, checkfirst=False)
            version.create(connection)
            connection.execute(sa.insert(version).values(version_num=HEAD))


def _migrate_alone(engine: Engine, url: str) -> None:
    """Bring an older state up to date while nobody holds it."""
    path = _file(url)
    try:
        held, checked = _take_lock(path) if path else (None, False)
    except StateLocked as error:
        raise StateError(
            f"The state {path} is of an older syncd, which is still at work. Stop it, or restart it as this version "
            "(`systemctl restart syncd`)."
        ) from error
    try:
        _migrate(engine, url, lock=True)
    finally:
        if held is not None:
            held.truncate(0)
            held.write(_checked(path) if path and checked else "")
            held.close()


def _version(connection: Connection) -> str | None:
    try:
        return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    except OperationalError as error:
        if "no such table" in str(error.orig):
            return None
        raise
