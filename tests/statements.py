"""Compile each statement on the state once for all states that a process of tests opens, as a daemon does."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.engine import Engine


def compiled_once(make: Callable[[str], Engine]) -> Callable[[str], Engine]:
    """Let the engines that ``syncd.state.store`` makes have their dialect and compiled statements in common."""
    common = sa.create_engine("sqlite://")
    common.connect().close()  # it knows only then what this SQLite can do
    common.dispose()

    def made(url: str) -> Engine:
        engine = make(url)
        engine.dialect, engine._compiled_cache = common.dialect, common._compiled_cache
        return engine

    return made
