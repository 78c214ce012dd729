"""Many rows with one statement of SQLAlchemy Core: compiled once, then handed to the driver as they are.

``Connection.execute`` looks at each row again before it hands it on, which for a history of half a million lines is a
quarter of the time. Give it statements that stand in a module, for each is kept compiled.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.sql.dml import UpdateBase


def execute(connection: Connection, statement: UpdateBase, rows: Sequence[dict[str, Any]]) -> None:
    """Carry a statement out for each row; all rows have the same keys, which are its columns or parameters.

    Values are what the driver takes: text, numbers, bytes, booleans and ``None``.
    """
    if not rows:
        return
    text, names = _compiled(statement, connection.dialect, tuple(rows[0]))
    if names is None:
        connection.exec_driver_sql(text, list(rows))
    else:
        connection.exec_driver_sql(text, [tuple([row[name] for name in names]) for row in rows])


@lru_cache(maxsize=64)
def _compiled(statement: UpdateBase, dialect: Dialect, keys: tuple[str, ...]) -> tuple[str, tuple[str, ...] | None]:
    compiled = statement.compile(dialect=dialect, column_keys=list(keys))
    names = getattr(compiled, "positiontup", None)
    return str(compiled), tuple(names) if names is not None else None
