"""What polling a source leaves in the state beside what it read: that it is under way, and a wait it was asked for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from math import ceil
from typing import Any

import orjson
from sqlalchemy.engine import Connection

from syncd.answers import LONGEST_WAIT
from syncd.moments import local_time
from syncd.state import cursors

UNDER_WAY, WAIT = "under_way", "wait"


@dataclass(frozen=True, slots=True)
class Wait:
    """A source asked, at a time, to be left alone until another (``Retry-After``)."""

    asked_at: int
    until: int

    def told(self, name: str) -> str:
        """Say it in words to which more may be added."""
        return f"source {name}: it asked at {local_time(self.asked_at)} to wait until {local_time(self.until)}"


def begin(connection: Connection, name: str, now: int) -> None:
    """Note that this process begins to read a source."""
    _put(connection, name, UNDER_WAY, [now, os.getpid()])


def end(connection: Connection, name: str) -> None:
    """Note that a source is no longer being read."""
    cursors.drop(connection, f"source:{name}", UNDER_WAY)


def since(connection: Connection, name: str, holder: int | None) -> int | None:
    """Tell since when a source is being read by the process that holds the state; one that was killed reads nothing."""
    began, process = _get(connection, name, UNDER_WAY) or (None, None)
    return began if holder is not None and process == holder else None


def wait(connection: Connection, name: str, base_url: str, now: int) -> Wait | None:
    """Tell the wait that a source asked for, unless it has passed or another address is asked now.

    One asked for in the future, or for longer than is ever believed, comes of a clock that was set.
    """
    asked_at, until, where = _get(connection, name, WAIT) or (0, 0, "")
    known = where == base_url and asked_at <= now < until <= asked_at + LONGEST_WAIT
    return Wait(asked_at, until) if known else None


def keep_wait(connection: Connection, name: str, base_url: str, now: int, seconds: float) -> Wait:
    """Keep that a source asked to wait for so many seconds, at most as long as is ever believed."""
    asked = Wait(now, now + ceil(min(seconds, LONGEST_WAIT)))
    _put(connection, name, WAIT, [asked.asked_at, asked.until, base_url])
    return asked


def forget_wait(connection: Connection, name: str) -> None:
    """Forget it, for the source answered."""
    cursors.drop(connection, f"source:{name}", WAIT)


def _get(connection: Connection, name: str, what: str) -> Any:
    return orjson.loads(cursors.get(connection, f"source:{name}", what) or "null")


def _put(connection: Connection, name: str, what: str, value: list[Any]) -> None:
    cursors.put(connection, f"source:{name}", what, orjson.dumps(value).decode())
