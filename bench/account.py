"""The account that is read: the sandbox in a process of its own, and what it counted."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import httpx
import psutil

KEY = "ffk_of_the_bench"


class Account:
    """An account with the invoices of a file, served while the ``with`` block lasts."""

    def __init__(self, data: Path, *, limit: int | None = None, multiply: int = 1) -> None:
        """Serve the first ``limit`` invoices of the file, their history repeated ``multiply`` times."""
        words = ["sandbox", "--json", "--load", str(data), "--key", KEY, "--multiply", str(multiply)]
        self._words = words + ([] if limit is None else ["--limit", str(limit)])
        self.base_url = ""
        self.loading = 0.0
        """Seconds from its start until it listened."""

    def __enter__(self) -> Self:
        """Start the process, and wait until it listens."""
        command = [sys.executable, "-m", "syncd", *self._words]
        began = time.monotonic()
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.base_url = json.loads(self._process.stdout.readline())["base_url"]
        self.loading = time.monotonic() - began
        self._seen = psutil.Process(self._process.pid)
        self._control = httpx.Client(base_url=self.base_url.removesuffix("/api/v1"), trust_env=False, timeout=60)
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._control.close()
        self._process.terminate()
        self._process.wait()

    def asked(self) -> int:
        """Give how many requests came since the last call."""
        total: int = self._control.get("/_sandbox/requests?last=0").json()["total"]
        self._control.post("/_sandbox/requests/reset")
        return total

    def live(self, share: float) -> dict[str, list[str]]:
        """Let about this share of the invoices change, a third of them new ones."""
        happened: dict[str, list[str]] = self._control.post("/_sandbox/live", json={"share": share}).json()
        return happened

    def cpu(self) -> float:
        """Give the processor seconds that the server has used."""
        times = self._seen.cpu_times()
        return float(times.user + times.system)

    def count(self, kind: str) -> int:
        """Count the rows of a list by reading all of its pages."""
        headers, found, page = {"X-Api-Key": KEY}, 0, 1
        while rows := self._control.get(f"/api/v1/{kind}?page={page}", headers=headers).json():
            found, page = found + len(rows), page + 1
        self.asked()
        return found

    def settings(self, folder: Path) -> Path:
        """Write settings for syncd: this account, a state and a ledger in the folder."""
        path = folder / "syncd.toml"
        path.write_text(
            f'[syncd]\nstate = "sqlite:///{folder}/state.db"\nlog_level = "warning"\n'
            f'[source.shop]\napi_key = {{ env = "BENCH_KEY" }}\nbase_url = "{self.base_url}"\n'
            f'[target.books]\nconnector = "csv"\npath = "{folder}/books"\nmax_voids = 100000\n',
            encoding="utf-8",
        )
        return path
