"""A proxy on loopback between syncd and Odoo: it counts calls, and loses answers that Odoo has already given."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

READS = frozenset(
    (
        *("search", "search_read", "read", "search_count", "read_group", "formatted_read_group", "fields_get"),
        *(
            "get_external_id",
            "context_get",
            "has_group",
            "has_access",
            "check_access_rights",
            "authenticate",
            "login",
            "version",
        ),
        *("version_info", "default_get", "name_search"),
    )
)
"""Methods that change nothing; every other one is a writing call."""

BUSY = {
    "name": "psycopg2.errors.SerializationFailure",
    "message": "could not serialize access due to concurrent update\n",
}

LONG = ("account.move", "account.payment")
"""Records that take Odoo long to write."""

HOP = frozenset(("connection", "keep-alive", "transfer-encoding", "content-length", "host"))


class Proxy:
    """Stands between syncd and one Odoo, at ``url``; what it does to a writing call is told by its number, from 1.

    ``lose``: Odoo carries it out and answers, and the answer is lost. ``cut``: the connection is closed before Odoo
    sees anything of it. ``delay``: seconds that each answer of a writing call is kept back. ``lose_every``: every
    n-th answer is lost. ``within``: the call is passed on, and ``strike`` is called at once beside it. ``after``:
    Odoo carries it out and answers, ``strike`` is called, and the answer is lost. ``busy``: the first so many calls of
    each method are answered that others wrote the same at the same time, and Odoo sees nothing of them. ``most``: what
    is about more invoices or payments is given up unanswered, as Odoo gives up what takes too long.
    """

    def __init__(self, target: str) -> None:
        self.target = urlsplit(target)
        self.lose = self.cut = self.lose_every = self.within = self.after = self.busy = self.most = 0
        self.delay = 0.0
        self.strike: Callable[[], object] = _nothing
        self.calls: Counter[str] = Counter()
        self.writes: list[str] = []
        self.lost: list[str] = []
        self.times: list[float] = []
        self.lock = threading.Lock()
        handler = type("Bound", (_Handler,), {"proxy": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def reset(
        self,
        *,
        lose: int = 0,
        cut: int = 0,
        lose_every: int = 0,
        delay: float = 0.0,
        within: int = 0,
        after: int = 0,
        busy: int = 0,
        most: int = 0,
        strike: Callable[[], object] | None = None,
    ) -> None:
        """Begin to count anew, and do this to the calls that come."""
        with self.lock:
            self.lose, self.cut, self.lose_every, self.delay = lose, cut, lose_every, delay
            self.within, self.after, self.strike = within, after, strike or _nothing
            self.busy, self.most = busy, most
            self.calls.clear()
            self.writes.clear()
            self.lost.clear()
            self.times.clear()

    def close(self) -> None:
        """Listen no more: who connects is refused, and who is connected loses the connection with the next call."""
        self._server.shutdown()
        self._server.server_close()

    def fate(self, name: str, records: int) -> str:
        """Count a call, and say what becomes of it: it passes, is refused, is cut off, or loses its answer."""
        with self.lock:
            self.calls[name] += 1
            if name.rpartition(".")[2] in READS:
                return "pass"
            self.writes.append(name)
            self.times.append(time.monotonic())
            number = len(self.writes)
            lost = number == self.lose or bool(self.lose_every and number % self.lose_every == 0)
            fate = "cut" if number == self.cut else "lose" if lost else "write"
            fate = "within" if number == self.within else "after" if number == self.after else fate
            long = name.rpartition(".")[0] in LONG and 0 < self.most < records
            fate = "cut" if long else fate
            fate = "busy" if self.calls[name] <= self.busy else fate
            if fate != "write":
                self.lost.append(name)
            return fate

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed in the middle is what this is for."""


class _Handler(BaseHTTPRequestHandler):
    """One connection of syncd, and one of its own to Odoo."""

    proxy: ClassVar[Proxy]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    onward: http.client.HTTPConnection | None = None

    def do_GET(self) -> None:
        self._forward()

    def do_POST(self) -> None:
        self._forward()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def finish(self) -> None:
        """Let go of both connections."""
        if self.onward is not None:
            self.onward.close()
        with suppress(OSError):
            super().finish()

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fate = self.proxy.fate(called(self.path, body), held(self.path, body))
        if fate == "cut":
            self._hang_up()
            return
        if fate == "busy":
            self._refuse()
            return
        striking = threading.Thread(target=self.proxy.strike)
        if fate == "within":
            striking.start()
        try:
            status, headers, answer = self._ask(body)
        except (OSError, http.client.HTTPException):  # Odoo is gone
            self._hang_up()
            return
        finally:
            if fate == "within":
                striking.join()
        if fate == "after":
            self.proxy.strike()
        if fate in ("lose", "after"):
            self._hang_up()
            return
        if fate == "write" and self.proxy.delay:
            time.sleep(self.proxy.delay)
        self._answer(status, headers, answer)

    def _answer(self, status: int, headers: Mapping[str, str], answer: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _refuse(self) -> None:
        """Answer that others wrote at the same time, in the words of the API that was asked."""
        rpc = self.path == "/jsonrpc"
        answer = {"jsonrpc": "2.0", "id": 1, "error": {"code": 200, "data": BUSY}} if rpc else BUSY
        self._answer(200 if rpc else 500, {"Content-Type": "application/json"}, json.dumps(answer).encode())

    def _ask(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Ask Odoo; a new connection each time, so that none is found closed."""
        target = self.proxy.target
        self.onward = http.client.HTTPConnection(str(target.hostname), target.port, timeout=120)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
        self.onward.request(self.command, self.path, body, {**headers, "Host": target.netloc})
        reply = self.onward.getresponse()
        answer = reply.read()
        self.onward.close()
        return reply.status, dict(reply.getheaders()), answer

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def _nothing() -> None:
    """Do no more than usual."""


def called(path: str, body: bytes) -> str:
    """Name the method that a request calls: ``res.partner.load``; what is neither API is named by its path."""
    parts = path.partition("?")[0].strip("/").split("/")
    if parts[:2] == ["json", "2"] and len(parts) == 4:
        return f"{parts[2]}.{parts[3]}"
    if parts == ["jsonrpc"]:
        params = json.loads(body)["params"]
        if params["method"] in ("execute_kw", "execute"):
            return f"{params['args'][3]}.{params['args'][4]}"
        return f"{params['service']}.{params['method']}"
    return ".".join(parts)


def held(path: str, body: bytes) -> int:
    """Count the records that a writing call is about: the ids, the rows that begin one, or the values."""
    if path == "/jsonrpc":
        arguments = json.loads(body)["params"]["args"]
        positional, named = arguments[5:7] if len(arguments) == 7 else ([], {})
    else:
        positional, named = [], json.loads(body or b"{}")
    rows = [row for row in named.get("data", ()) if row[0]]
    return len(rows or named.get("ids", ()) or named.get("vals_list", ()) or (positional[0] if positional else ()))
