"""A daemon in a process of its own: its settings, its log, what it tells systemd, and its state."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from syncd.sandbox.server import Sandbox
from tests.hostile.fixtures import installed

SYNCD = [sys.executable, "-m", "syncd"]
DEADLINE = 60.0


def until(fact: Callable[[], Any], seconds: float = DEADLINE) -> Any:
    """Wait until something is the case, and give it; fail when it is not in time."""
    end = time.monotonic() + seconds
    while not (found := fact()):
        assert time.monotonic() < end, f"not within {seconds:g} s"
        time.sleep(0.05)
    return found


class Systemd:
    """A ``$NOTIFY_SOCKET`` with somebody who listens."""

    def __init__(self) -> None:
        self.name = f"syncd-test-{uuid.uuid4().hex}"
        self.heard: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{self.name}")
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while said := self._socket.recv(8192).decode():
            self.heard.append(said)

    def close(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", f"\0{self.name}")
        self._thread.join()
        self._socket.close()

    def heard_of(self, word: str) -> list[str]:
        """Give the datagrams that hold a word."""
        return [said for said in list(self.heard) if word in said]


class Daemon:
    """``syncd serve`` in a folder; ``start`` runs it, ``end`` ends it."""

    def __init__(self, folder: Path, sandbox: Sandbox, systemd: Systemd) -> None:
        self.folder, self.sandbox, self.systemd = folder, sandbox, systemd
        self.file, self.key, self.log = folder / "syncd.toml", folder / "key", folder / "log"
        self.process: subprocess.Popen[bytes] | None = None
        self.environment = installed(folder / "installed")
        self.key.write_text(sandbox.key)

    def settings(self, *targets: str, poll: str = "1s", more: str = "") -> None:
        """Write the settings: one source, and these targets."""
        source = f'[source.main]\napi_key = {{ file = "{self.key}" }}\nbase_url = "{self.sandbox.base_url}"\n'
        state = f'[syncd]\nstate = "sqlite:///{self.folder}/state.db"\nlog = "json"\n'
        self.file.write_text("\n".join([state, source + f'poll = "{poll}"\n{more}\n', *targets]))

    def ledger(self, name: str = "ledger") -> str:
        """Write the section of a CSV ledger."""
        (self.folder / name).mkdir(exist_ok=True)
        return f'[target.{name}]\nconnector = "csv"\npath = "{self.folder / name}"\n'

    def start(self, **environment: str) -> None:
        """Start it."""
        given = {**self.environment, "NOTIFY_SOCKET": f"@{self.systemd.name}", **environment}
        with self.log.open("ab") as log:
            command = [*SYNCD, "-c", str(self.file), "serve"]
            self.process = subprocess.Popen(command, env=given, stdout=log, stderr=log)

    def running(self, **environment: str) -> None:
        """Start it and wait until it says that it is ready."""
        before = len(self.systemd.heard_of("READY=1"))
        self.start(**environment)
        until(lambda: len(self.systemd.heard_of("READY=1")) > before or self.ended)
        assert not self.ended, self.log.read_text()

    @property
    def ended(self) -> bool:
        """Tell whether it ended by itself."""
        return self.process is not None and self.process.poll() is not None

    def tell(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """End it; give exit code and seconds."""
        assert self.process is not None
        began = time.monotonic()
        self.tell(number)
        code = self.process.wait(DEADLINE)
        self.process = None
        return code, time.monotonic() - began

    def reload(self) -> None:
        """Have it read its settings again, and wait until it did."""
        before = len(self.systemd.heard_of("READY=1"))
        self.tell(signal.SIGHUP)
        until(lambda: len(self.systemd.heard_of("READY=1")) > before)

    def syncd(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command beside it."""
        command = [*SYNCD, "-c", str(self.file), *arguments]
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=DEADLINE, check=False
        )

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Give the lines of the log that tell of an event."""
        if not self.log.exists():
            return []
        whole = [line for line in self.log.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
        lines = [orjson.loads(line) for line in whole if line.startswith(b"{")]
        return [line for line in lines if line["event"] == event]

    def written(self, name: str = "ledger") -> str:
        """Give the invoices of a ledger, as they stand."""
        file = self.folder / name / "invoices.csv"
        return file.read_text() if file.exists() else ""

    def until_written(self, number: str = "", name: str = "ledger") -> None:
        """Wait until an invoice of this number, or any, stands in a ledger."""
        until(lambda: self.written(name) and number in self.written(name))

    def newest_run(self) -> int:
        """Give the number of the newest run, once none is under way."""
        until(lambda: self.state("select count(*) from run where ended_at is null") == [(0,)])
        return int(self.state("select max(n) from run")[0][0])

    def state(self, query: str) -> list[Any]:
        """Ask the state database."""
        base = sqlite3.connect(f"file:{self.folder}/state.db?mode=ro", uri=True, timeout=10)
        try:
            return base.execute(query).fetchall()
        finally:
            base.close()

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(DEADLINE)


def environment_of_watchdog(seconds: float) -> dict[str, str]:
    """Give what systemd sets for a service with this WatchdogSec."""
    return {"WATCHDOG_USEC": str(int(seconds * 1_000_000)), "PATH": os.environ["PATH"]}
