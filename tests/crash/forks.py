"""A warm process that runs each command of syncd in a fork of its own: ``python -m tests.crash.forks SOCKET``.

Starting Python and importing everything costs most of a second, and hundreds of points are to be tried. Nobody waits
for anybody: each caller has a connection of its own, over which one wish comes and one answer goes.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

import syncd.cli.app
import syncd.state.store
from syncd.sandbox.server import Sandbox
from tests.crash import launch, scenario
from tests.hostile.fixtures import ROOT
from tests.statements import compiled_once
from tests.system.company import Company

PATIENCE = 120
WARM = ("syncd", "connectors", "tests.hostile.connector", "rich.table")
COLD = ("__main__", "env", "migrations", "sandbox", "serve")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code (a signal is negative) and what it wrote."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Read what a command with ``--json`` wrote."""
        return json.loads(self.out)


class Forks:
    """The warm process, seen from a test."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Start it, with this environment for all commands."""
        self._path = folder / "forks.sock"
        command = [sys.executable, "-m", "tests.crash.forks", str(self._path)]
        self._process = subprocess.Popen(command, cwd=ROOT, env=dict(environment), stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def __enter__(self) -> Self:
        """Hold it for a while."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.communicate(timeout=PATIENCE)

    def run(self, folder: Path, *arguments: str, count: Path | None = None, stop_at: int | None = None) -> Ended:
        """Run a command of syncd in this folder."""
        wish = {"folder": str(folder), "arguments": arguments, "count": count and str(count), "stop_at": stop_at}
        with socket.socket(socket.AF_UNIX) as wire:
            wire.settimeout(PATIENCE)
            wire.connect(str(self._path))
            wire.sendall(json.dumps(wish).encode() + b"\n")
            code = int(wire.makefile().readline())
        return Ended(code, (folder / "out").read_text("utf-8"), (folder / "err").read_text("utf-8"))


def serve(path: str) -> None:
    """Import everything, then fork for each connection, until SIGTERM."""
    for package in WARM:
        _warm(package)
    # Made anew for each command, and the same each time: the parsed command line, the certificates of the system.
    for module, name in ((syncd.cli.app, "command"), (ssl, "create_default_context")):
        setattr(module, name, cache(getattr(module, name)))
    syncd.state.store._engine = compiled_once(syncd.state.store._engine)  # type: ignore[assignment]  # laid around it
    syncd.cli.app.command(sandbox=False)
    _rehearse()
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(128)
        print("ready", flush=True)
        while True:
            wire, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                os._exit(_handle(wire))
            wire.close()


def _warm(package: str) -> None:
    module = importlib.import_module(package)
    for found in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{package}."):
        if not set(found.name.split(".")) & set(COLD):
            importlib.import_module(found.name)


def _rehearse() -> None:
    """Run commands here, so that each fork has the statements compiled, and whatever else is found out at first use."""
    with tempfile.TemporaryDirectory() as folder, Sandbox(account=scenario.first()) as sandbox:
        company = Company(sandbox, Path(folder))
        company.run()
        company.run()
        company.reconcile()


def _handle(wire: socket.socket) -> int:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    wish = json.loads(wire.makefile().readline())
    child = os.fork()
    if child == 0:
        wire.close()
        os._exit(_command(wish))
    _, status = os.waitpid(child, 0)
    wire.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    return 0


def _command(wish: Mapping[str, Any]) -> int:
    gc.disable()
    os.chdir(wish["folder"])
    for name, handle in (("out", 1), ("err", 2)):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), handle)
    arguments: Sequence[str] = wish["arguments"]
    count = Path(wish["count"]) if wish["count"] else None
    code = launch.run(arguments, count=count, stop_at=wish["stop_at"])
    sys.stdout.flush()
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    serve(sys.argv[1])
