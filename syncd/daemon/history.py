"""What the daemon leaves in the table of runs: what wrote or ended otherwise than before, and the last look.

A daemon that has nothing to do for months leaves one row for each target, not one for each beat.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from syncd.state import runs
from syncd.state.store import Store
from syncd.state.tables import operation, plan, run
from syncd.sync import Passed, summary_of

COMMAND = "serve"


class History:
    """The runs of one daemon; a source or target is only ever used by one thread at a time."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        """Know of no runs yet."""
        self._now = now
        self._sources: dict[str, tuple[int, int, Mapping[str, Any]]] = {}
        """How the last pull of a source stopped: the run that tells it, its exit code and its summary."""
        self._targets: dict[str, tuple[int, int]] = {}
        """How the last pass over a target ended: exit code and open problems."""
        self._idle: dict[str, int] = {}
        """The last run of a target, where it wrote nothing and ended as the one before."""

    def begin(self, store: Store) -> int:
        """Begin a run and give its number."""
        with store.write() as connection:
            return runs.begin(connection, COMMAND, self._seconds())

    def end(self, store: Store, number: int, code: int, passed: Passed) -> None:
        """End the run of one target; of idle ones in a row only the newest stays."""
        name, done = passed.target, passed.applied
        ended = (code, passed.problems)
        idle = not (done.done or done.rejected or done.doubt) and self._targets.get(name) == ended
        before = self._idle.pop(name, None)
        self._targets[name] = ended
        with store.write() as connection:
            runs.end(connection, number, self._seconds(), code, {name: summary_of(passed)})
            if idle and before is not None:
                forget(connection, before)
        if idle:
            self._idle[name] = number

    def source_stopped(self, store: Store, name: str, code: int, summary: Mapping[str, Any]) -> None:
        """Write a run down for a pull that stopped; of those with the same exit code in a row only the newest stays."""
        before = self._sources.get(name)
        if before and before[1:] == (code, summary):
            return
        with store.write() as connection:
            number = runs.begin(connection, COMMAND, self._seconds())
            runs.end(connection, number, self._seconds(), code, {f"source:{name}": summary})
            if before and before[1] == code:
                forget(connection, before[0])
        self._sources[name] = (number, code, summary)

    def source_well(self, name: str) -> None:
        """Note that a pull ended well; the source's own row says when."""
        self._sources.pop(name, None)

    def _seconds(self) -> int:
        return int(self._now().timestamp())


def forget(connection: Connection, number: int) -> None:
    """Forget a run that did nothing, with its empty plan; one with operations stays."""
    written = sa.select(operation.c.n).where(operation.c.plan == plan.c.n).exists()
    connection.execute(sa.delete(plan).where(plan.c.run == number, ~written))
    planned = sa.select(plan.c.n).where(plan.c.run == number).exists()
    connection.execute(sa.delete(run).where(run.c.n == number, ~planned))
