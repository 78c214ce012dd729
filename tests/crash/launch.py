"""Run syncd with a seam around it: count the points at which it could be stopped, or stop it dead at one of them.

``python -m tests.crash.launch --count FILE | --stop-at N -- <syncd arguments>``

A point lies before each commit to the state and right after it, before each request, once it is sent and once its
answer came, and before and after each step that puts a file in place. The product has no hook for any of that.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from httpcore import NetworkStream
from sqlalchemy.engine.default import DefaultDialect

import syncd.apply
import syncd.cli
import syncd.doubt
import syncd.engine
from syncd.connection import Connection, RawReply

IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\.\d+(-\d)?\.tmp")


class Seam:
    """The points passed so far, each a stage and a name; at the one with the number ``stop_at`` (from 1) it kills."""

    def __init__(self, stop_at: int | None = None) -> None:
        """Count from here on."""
        self.stop_at = stop_at
        self.stage = "pull"
        self.points: list[str] = []
        self._lock = threading.Lock()

    def point(self, name: str) -> None:
        """Pass a point, or die there."""
        with self._lock:
            self.points.append(f"{self.stage}: {IDS.sub('*', name)}")
            if len(self.points) == self.stop_at:
                os.write(2, f"stopped at {self.stop_at}, {self.points[-1]}\n".encode())
                os.kill(os.getpid(), signal.SIGKILL)

    def around(self, name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        """Put a point before and after something."""

        def stepped(*arguments: Any, **named: Any) -> Any:
            if "dir_fd" in named:  # tidying up a folder of temporary files
                return step(*arguments, **named)
            told = " ".join([name, *(Path(os.fspath(one)).name for one in arguments if not isinstance(one, int))])
            self.point(f"before {told}")
            result = step(*arguments, **named)
            self.point(f"after {told}")
            return result

        return stepped

    def within(self, stage: str, step: Callable[..., Any]) -> Callable[..., Any]:
        """Let points within something belong to a stage."""

        def staged(*arguments: Any, **named: Any) -> Any:
            before, self.stage = self.stage, stage
            try:
                return step(*arguments, **named)
            finally:
                self.stage = before

        return staged


def install(seam: Seam) -> None:
    """Lay the seam around this process."""
    for name in ("replace", "rename", "fsync", "link", "unlink"):
        setattr(os, name, seam.around(name, getattr(os, name)))
    syncd.engine.Engine.sync = seam.within("observe", syncd.engine.Engine.sync)  # type: ignore[method-assign]  # laid around it
    syncd.apply.apply = seam.within("apply", syncd.apply.apply)
    syncd.doubt.settle = seam.within("apply", syncd.doubt.settle)
    _requests(seam)
    _commits(seam)


def _requests(seam: Seam) -> None:
    ask, send = Connection.ask, Connection._send

    def asked(self: Connection, method: str, target: bytes, *rest: Any, **named: Any) -> RawReply:
        name = f"{method} {target.partition(b'?')[0].decode()}"
        seam.point(f"before {name}")
        answer = ask(self, method, target, *rest, **named)
        seam.point(f"answered {name}")
        return answer

    def sent(self: Connection, stream: NetworkStream, request: bytes) -> bool:
        whole = send(self, stream, request)
        if seam.stage == "apply":  # in between nothing happens but at a target
            method, target, _ = request.split(b" ", 2)
            seam.point(f"sent {method.decode()} {target.partition(b'?')[0].decode()}")
        return whole

    Connection.ask, Connection._send = asked, sent  # type: ignore[method-assign]  # laid around them


def _commits(seam: Seam) -> None:
    commit = DefaultDialect.do_commit
    known: dict[int, int] = {}

    def do_commit(self: DefaultDialect, connection: Any) -> None:
        """Only what changed something is a commit to the state; the others end a look at it."""
        changes: int = connection.total_changes
        news, known[id(connection.dbapi_connection)] = changes != known.get(id(connection.dbapi_connection)), changes
        if news and changes:
            seam.point("before commit")
        commit(self, connection)  # type: ignore[no-untyped-call]  # SQLAlchemy's own
        if news and changes:
            seam.point("after commit")

    DefaultDialect.do_commit = do_commit  # type: ignore[method-assign]  # laid around it


def run(arguments: Sequence[str], *, count: Path | None = None, stop_at: int | None = None) -> int:
    """Run one command of syncd within this process; return its exit code, unless it is stopped."""
    seam = Seam(stop_at)
    if count or stop_at:
        install(seam)
    code = syncd.cli.run(arguments)
    if count:
        count.write_text("\n".join(seam.points), encoding="utf-8")
    return code


def main() -> int:
    """Run as a program."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.launch", description=__doc__)
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--count", type=Path, metavar="FILE", help="write the points of a whole run, one on a line")
    how.add_argument("--stop-at", type=int, metavar="N", help="stop dead at the point with this number, from 1")
    parser.add_argument("arguments", nargs="+", help="what syncd is told")
    told = parser.parse_args()
    return run(told.arguments, count=told.count, stop_at=told.stop_at)


if __name__ == "__main__":
    sys.exit(main())
