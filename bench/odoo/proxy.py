"""A proxy before Odoo that counts and times the calls: what was called, when it was sent and when it was answered.

Both clients go through it. The time of a call is Odoo's own: from the moment at which all of the request is here until
all of the answer is, on the same machine.
"""

from __future__ import annotations

import sys
import threading
import time
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

import orjson

HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host"})
"""Headers of one connection alone."""


class Call(NamedTuple):
    """One call; ``began`` and ``ended`` are seconds of one clock, ``ids`` the records that it names."""

    model: str
    method: str
    ids: tuple[int, ...]
    fields: frozenset[str]
    began: float
    ended: float
    status: int

    @property
    def name(self) -> str:
        """What was called."""
        return f"{self.model}.{self.method}"


class Proxy:
    """The proxy, on a free port while the ``with`` block lasts; ``calls``: those answered since ``reset``."""

    def __init__(self, odoo: str) -> None:
        """Stand before this Odoo."""
        place = urlsplit(odoo)
        self.odoo = (place.hostname or "127.0.0.1", place.port or 80)
        self.calls: list[Call] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        """Listen."""
        threading.Thread(target=self._server.serve_forever, name="proxy", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()

    def reset(self) -> None:
        """Forget what was called so far."""
        self.calls = []


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    proxy: Proxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that was stopped."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client, and behind it one to Odoo."""

    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    odoo: HTTPConnection | None = None

    def do_GET(self) -> None:
        self._pass()

    def do_POST(self) -> None:
        self._pass()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def finish(self) -> None:
        super().finish()
        if self.odoo is not None:
            self.odoo.close()

    def _pass(self) -> None:
        """Hand a request on, the answer back, and note the call."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
        began = time.perf_counter()
        answer = self._ask(body, headers)
        got = answer.read()
        ended = time.perf_counter()
        model, method, ids, fields = called(self.path, body)
        self.server.proxy.calls.append(Call(model, method, ids, fields, began, ended, answer.status))
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(got)))
        self.end_headers()
        self.wfile.write(got)
        self.wfile.flush()

    def _ask(self, body: bytes, headers: dict[str, str]) -> HTTPResponse:
        """Send a request to Odoo; on a new connection where Odoo has closed the one that was idle."""
        if self.odoo is not None:
            try:
                self.odoo.request(self.command, self.path, body, headers)
                return self.odoo.getresponse()
            except ConnectionError:  # http.client's RemoteDisconnected is one: nothing was answered, nothing begun
                self.odoo.close()
        self.odoo = HTTPConnection(*self.server.proxy.odoo, timeout=1200)
        self.odoo.request(self.command, self.path, body, headers)
        return self.odoo.getresponse()


def called(path: str, body: bytes) -> tuple[str, str, tuple[int, ...], frozenset[str]]:
    """Tell model and method of a request in either of Odoo's APIs, the records it names and the fields it asks for."""
    parts = path.strip("/").split("/")
    if parts[:2] == ["json", "2"]:
        said = orjson.loads(body or b"{}")
        fields = said.get("fields")
        return parts[2], parts[3], tuple(said.get("ids") or ()), frozenset(fields or ())
    if parts != ["jsonrpc"]:
        return "server", "/".join(parts), (), frozenset()
    params = orjson.loads(body)["params"]
    if params["service"] != "object":
        return "server", params["method"], (), frozenset()
    _, _, _, model, method, *rest = params["args"]
    given = rest if params["method"] == "execute" else next(iter(rest), ())
    first = next(iter(given), ())
    ids = first if isinstance(first, list) and all(isinstance(one, int) for one in first) else ()
    return model, method, tuple(ids), frozenset()
