"""A server on loopback that answers as a test says, and a client of it whose time passes as the test says."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from syncd.http import Http

KEY = "ffk_a+secret/key"
CERTIFICATE = Path(__file__).with_name("loopback.pem")
"""A key and a certificate for loopback that nobody trusts."""

Answering = Callable[["Handler"], object]


class Handler(BaseHTTPRequestHandler):
    """Answers as the next of the server's answers says, the last one again and again."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self.body = self.rfile.read(length)
        with self.server.lock:
            self.server.seen.append((self.command, self.path, self.body, dict(self.headers)))
            answers = self.server.answers
            answering = answers.pop(0) if len(answers) > 1 else answers[0]
        answering(self)

    def do_POST(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.do_GET()

    def answer(self, status: int, body: bytes = b"{}", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep the output of the tests free of requests."""


class Server(ThreadingHTTPServer):
    """A server on loopback that keeps what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.answers: list[Answering] = [says(200)]
        self.seen: list[tuple[str, str, bytes, dict[str, str]]] = []
        self.base_url = f"http://127.0.0.1:{self.server_port}/api/v1"

    def handle_error(self, *_: Any) -> None:
        """Broken connections are what many of these tests are about."""


def says(status: int, body: bytes = b"{}", **headers: str) -> Answering:
    return lambda handler: handler.answer(status, body, **headers)


def breaks_off(handler: Handler) -> None:
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def breaks_off_midway(handler: Handler) -> None:
    handler.answer(200, b'{"half":', Content_Length="1000")
    breaks_off(handler)


def closes_silently(handler: Handler) -> None:
    """Answer as if more could follow, and close: the answer and the end of the connection arrive as one."""
    handler.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
    handler.answer(200)
    breaks_off(handler)


@contextmanager
def serving(*answers: Answering) -> Iterator[Server]:
    with Server() as server:
        server.answers = list(answers) or server.answers
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Time:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@contextmanager
def client(server: Server, watch: Time | None = None, **options: Any) -> Iterator[Http]:
    watch = watch or Time()
    given: dict[str, Any] = {
        "base_url": server.base_url,
        "headers": {"X-Api-Key": KEY},
        "secrets": (KEY,),
        "timeout": 5.0,
    }
    given |= {"sleep": watch.sleep, "clock": lambda: watch.now}
    with Http(name="source main", **(given | options)) as http:
        yield http
