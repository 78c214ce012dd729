"""An Odoo of the benchmark's own: one more process, or a master with workers, beside the server of the tests.

It shares the program and the PostgreSQL of the server that ``tests/odoo/server/start`` starts, and nobody else's calls
reach it: what it and the database's own PostgreSQL processes use is what the measured client made them do.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

import httpx
import psutil

from tests.odoo import place
from tests.odoo.place import Place

SERIES = "latest"

MEMORY = str(8 << 30)

EVERY = 2.0
"""Seconds between two looks at what processes have used."""


class Server:
    """An Odoo with so many worker processes (0: one process with threads), while the ``with`` block lasts."""

    def __init__(self, workers: int, folder: Path) -> None:
        """Write its log into this folder."""
        self.workers, self._log = workers, folder / f"odoo-{workers}.log"
        self.url = ""

    def __enter__(self) -> Self:
        """Start it as the tests' server was started, and wait until it answers."""
        running = _running(place.start(SERIES))
        words, port = running.cmdline(), _free_port()
        words = words[: words.index("--pidfile")]
        words += ["--workers", str(self.workers), "--http-port", str(port), "--gevent-port", str(_free_port())]
        words += ["--limit-memory-soft", MEMORY, "--limit-memory-hard", MEMORY]  # else it may restart in the middle
        self.url = f"http://127.0.0.1:{port}"
        environment = {name: running.environ()[name] for name in ("PATH", "HOME", "LC_ALL", "PYTHONPATH")}
        with self._log.open("w") as log:
            self._process = subprocess.Popen(words, stdout=log, stderr=log, env=environment, start_new_session=True)
        self._seen = psutil.Process(self._process.pid)
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            for one in [*self._seen.children(recursive=True), self._seen]:
                one.kill()
            self._process.wait()

    def database(self) -> Place:
        """Make a new database and have the server load it, in each of its workers."""
        made = place.fresh(SERIES)
        made.url = self.url
        for _ in range(4 * max(self.workers, 1)):
            client = made.admin()
            client.ids("res.partner", [], context={})
            client.ids("account.move", [], context={})
            client.close()
        return made

    def meter(self, database: str) -> Meter:
        """Follow what the server's processes use, and PostgreSQL's for this database."""
        return Meter(self._process.pid, f"postgres: odoo {database} ")

    def _wait(self) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until and self._process.poll() is None:
            with suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/web/health", trust_env=False, timeout=10).status_code == 200:
                    return
            time.sleep(0.2)
        raise SystemExit(f"the benchmark's Odoo did not start: {self._log.read_text()[-2000:]}")


class Meter:
    """Processor seconds of a process with its children, and of those with a title, followed while the block lasts."""

    def __init__(self, pid: int, title: str) -> None:
        """Follow these."""
        self._pid, self._title = pid, title
        self._used: dict[int, float] = {}
        self._first: dict[int, float] = {}
        self._samples: list[tuple[float, float]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="meter", daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._sample()
        self._first = dict(self._used)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End, with a last look."""
        self._stop.set()
        self._thread.join()
        self._sample()

    def until(self, at: float) -> float:
        """Give the seconds used by this time of ``perf_counter``."""
        before = [(when, used) for when, used in self._samples if when <= at] or self._samples[:1]
        after = [(when, used) for when, used in self._samples if when > at] or self._samples[-1:]
        (left, low), (right, high) = before[-1], after[0]
        share = (at - left) / (right - left) if right > left else 0.0
        return low + share * (high - low)

    def _follow(self) -> None:
        while not self._stop.wait(EVERY):
            self._sample()

    def _sample(self) -> None:
        """Note what each has used; what a process used that has ended since counts as it was seen last."""
        with suppress(psutil.Error):
            family = psutil.Process(self._pid)
            own = {self._pid, *(one.pid for one in family.children(recursive=True))}
            for one in psutil.process_iter():
                with suppress(psutil.Error):
                    if one.pid in own or " ".join(one.cmdline()).startswith(self._title):
                        times = one.cpu_times()
                        self._used[one.pid] = times.user + times.system
        used = sum(used - self._first.get(pid, 0.0) for pid, used in self._used.items())
        self._samples.append((time.perf_counter(), used if self._first else 0.0))


def _running(there: Place) -> psutil.Process:
    """Find the process of the tests' server: the one that listens where it is."""
    port = int(there.url.rsplit(":", 1)[1])
    for one in psutil.process_iter():
        with suppress(psutil.Error):
            if "--pidfile" in one.cmdline() and any(
                found.laddr.port == port and found.status == psutil.CONN_LISTEN for found in one.net_connections()
            ):
                return one
    raise SystemExit(f"the process of the Odoo at {there.url} is not to be found")


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
