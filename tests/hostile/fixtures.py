"""Start and stop a hostile ledger, and let a syncd of another process find its connector."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pytest
import structlog

from syncd.connector import Context
from syncd.http import Http
from tests.hostile.behaviour import Mode
from tests.hostile.connector import HostileConnector, HostileSettings

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 20


class HostileServer:
    """A hostile ledger in a process of its own; started again, address and books are the same."""

    def __init__(self, store: Path, mode: Mode, api_key: str = "", **options: object) -> None:
        """Start it."""
        self.store, self.mode, self.api_key = store, mode, api_key
        self.url = ""
        self._process: subprocess.Popen[str] | None = None
        self.start(**options)

    def start(self, **options: object) -> None:
        """Start it, again perhaps."""
        port = self.url.rpartition(":")[2] or "0"
        command = [
            sys.executable,
            "-m",
            "tests.hostile.server",
            "--port",
            port,
            "--store",
            str(self.store),
        ]
        command += ["--mode", self.mode, "--options", json.dumps(options)]
        environment = {**os.environ, "HOSTILE_API_KEY": self.api_key}
        self._process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        word, _, self.url = self._process.stdout.readline().strip().partition(" ")
        assert word == "ready", f"the hostile ledger did not start: exit {self._process.wait(PATIENCE)}"

    def stop(self) -> None:
        """Stop it; commits that are still to come are carried out first."""
        if self._process is not None:
            self._process.terminate()
            self._process.communicate(timeout=PATIENCE)
            self._process = None

    def kill(self) -> None:
        """Stop it dead; commits that are still to come never will."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate(timeout=PATIENCE)
            self._process = None

    def __enter__(self) -> Self:
        """Hold it for a while."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop it."""
        self.stop()

    def call(self, path: str, body: object = None) -> Any:
        """Ask one of the paths for tests."""
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(self.url + path, data=data, timeout=PATIENCE) as reply:
            return json.load(reply)

    def behave(self, **options: object) -> None:
        """Change how it misbehaves from now on, see ``behaviour.Options``."""
        self.call("/_hostile", {"options": options})

    def wait(self) -> None:
        """Wait until the commits that are still to come have come."""
        self.call("/_hostile", {"wait": True})

    def reset(self, **options: object) -> None:
        """Make other, empty books of it, without the cost of a new process."""
        self.call("/_hostile", {"reset": True, "options": options})

    def save(self, path: Path) -> None:
        """Write a copy of its books to a file."""
        self.call("/_hostile", {"save": str(path)})

    def load(self, path: Path) -> None:
        """Make it the books of such a copy, without the cost of a new process."""
        self.call("/_hostile", {"load": str(path)})

    def counts(self) -> dict[str, Any]:
        """Live records per kind and mark, payments per invoice mark, requests and faults."""
        answer: dict[str, Any] = self.call("/_hostile/counts")
        return answer

    def audit(self) -> dict[str, Any]:
        """What is wrong in its books, by its own word."""
        answer: dict[str, Any] = self.call("/_hostile/audit")
        return answer

    def records(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Everything it holds, in the order of the last change."""
        found = self.call("/_hostile/records")["records"]
        return [record for record in found if kind in (None, record["kind"])]

    def add(self, kind: str, fields: dict[str, Any], mark: str | None = None) -> str:
        """Write a record as somebody else would; returns its id."""
        wish = {"add": {"kind": kind, "fields": fields, "mark": mark}}
        return str(self.call("/_hostile", wish)["answer"]["id"])

    def edit(self, name: str, **fields: object) -> None:
        """Change a record as somebody else would."""
        self.call("/_hostile", {"edit": {"id": name, "fields": fields}})

    def void(self, name: str, *, void: bool = True) -> None:
        """Void a record as somebody else would, or make it stand again."""
        self.call("/_hostile", {"edit": {"id": name, "fields": {}, "flags": {"void": int(void)}}})

    def delete(self, name: str) -> None:
        """Delete a record as somebody else would."""
        self.call("/_hostile", {"delete": name})

    def settings(self, name: str = "books", source: str = "main", **more: object) -> str:
        """Write the section of the settings file for a target with these books (TOML)."""
        values = {
            "connector": "hostile",
            "source": source,
            "url": self.url,
            "mode": self.mode,
            **more,
        }
        lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
        if self.api_key:
            lines.append('api_key = { env = "HOSTILE_API_KEY" }')
        return "\n".join([f"[target.{name}]", *lines, ""])


class MemoryTokens:
    """Tokens for as long as a test runs."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._texts: dict[str, str] = {}

    def get(self, name: str) -> str | None:
        """Read one."""
        return self._texts.get(name)

    def put(self, name: str, text: str) -> None:
        """Keep one."""
        self._texts[name] = text


def context(folder: Path) -> Context:
    """Lend a connector what it needs, without an engine."""
    return Context(
        target="books",
        http=Http,
        now=lambda: datetime.now(UTC),
        log=structlog.get_logger(),
        folder=folder,
        scratch=folder,
        tokens=MemoryTokens(),
    )


def connect(server: HostileServer, folder: Path, **settings: object) -> HostileConnector:
    """Make a connector to a running ledger."""
    values = {"url": server.url, "mode": server.mode, "api_key": server.api_key, **settings}
    return HostileConnector(HostileSettings.model_validate(values), context(folder))


def installed(folder: Path) -> dict[str, str]:
    """Make an environment in which any Python finds ``hostile`` through the entry points."""
    info = folder / "hostile_ledger-1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hostile-ledger\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[syncd.connectors]\nhostile = tests.hostile.connector:HostileConnector\n")
    path = os.pathsep.join([str(folder), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path}


@pytest.fixture
def hostile_environment(tmp_path: Path) -> dict[str, str]:
    """Give the environment for a ``syncd`` process that knows the connector ``hostile``."""
    return installed(tmp_path / "installed")


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Callable[..., HostileServer]]:
    """Start ledgers by ``hostile(mode, **options)``; they end with the test."""
    running: list[HostileServer] = []

    def start(mode: Mode = "keyless", name: str = "hostile.db", **options: Any) -> HostileServer:
        running.append(HostileServer(tmp_path / name, mode, **options))
        return running[-1]

    yield start
    for server in running:
        server.stop()
