"""An Odoo process of a test's own, to be killed: on the program and the PostgreSQL of the server of all tests."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.odoo.place import Place

PATIENCE = 90.0
"""Seconds in which it must have started."""


class OwnServer:
    """One Odoo at ``url``, which stays the same whenever it is started again."""

    def __init__(self, place: Place, folder: Path) -> None:
        """Write its log into this folder."""
        self._place, self._log = place, folder / "odoo.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._port = _free_port()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it, unless it runs, and wait until it has read the database."""
        if self._process is not None and self._process.poll() is None:
            return
        other = "--gevent-port" if self._place.version >= 16 else "--longpolling-port"
        words = [str(self._place.programs / "odoo"), "--http-port", str(self._port), other, str(_free_port())]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self._process.poll() is None:
            with suppress(httpx.HTTPError):
                httpx.get(f"{self.url}/web/login", trust_env=False, timeout=20)
                client = self._place.client(self._place.keys["ODOO_LOGIN"], url=self.url)
                client.connect()
                client.close()
                return
            time.sleep(0.1)
        raise AssertionError(f"Odoo did not start: {self._log.read_text()[-2000:]}")

    def kill(self) -> None:
        """End it at once, without a chance to finish anything."""
        assert self._process is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.kill()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
