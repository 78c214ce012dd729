"""The transport of httpx that syncd sends by: connections to one origin, and answers that are whole when given.

A transport is the part of httpx below its client (the page "Transports" of its documentation).
"""

from __future__ import annotations

import ssl
import time
import zlib
from collections.abc import Callable
from typing import Final

import httpcore
import httpx

from syncd.answers import unpacked
from syncd.connection import Connection
from syncd.deadline import Lines

WHOLE: Final = 2
"""Times the time for a read in which an answer has to be whole, besides what its bytes take: an honest server may need
nearly one before the first byte, and hardly another one after it."""
KEPT: Final = 60.0
"""Seconds that a connection without work is kept."""
PORTS: Final = {"http": 80, "https": 443}

_BROKEN: Final = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)


class Transport(httpx.BaseTransport):
    """Sends requests to the origin of ``url``, each on the connection used last that is free; for threads to share.

    ``connect`` and ``wait``: seconds for connecting, and for each write and read. ``pool``: connections kept open.
    ``most``: bytes of a body, unpacked too. Errors are those of httpx, ``syncd.deadline.Late`` among them, and
    ``syncd.answers.TooLong``.
    """

    def __init__(
        self, url: httpx.URL, *, connect: float, wait: float, pool: int, most: int, clock: Callable[[], float]
    ) -> None:
        """Send nothing yet."""
        self._origin = httpcore.Origin(url.raw_scheme, url.raw_host, url.port or PORTS[url.scheme])
        self._tls = _tls() if url.scheme == "https" else None
        self._lines = Lines(WHOLE * wait, clock)
        self._connect, self._wait, self._pool, self._most = connect, wait, pool, most
        self._idle: list[tuple[Connection, float]] = []
        self._closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read the whole of its answer."""
        headers = b"".join([b"%b: %b\r\n" % pair for pair in request.headers.raw])
        target = request.extensions.get("target") or request.url.raw_path
        line = self._connection()
        try:
            answer = line.ask(request.method, target, headers, request.read(), most=self._most)
        except _BROKEN as error:  # httpx gives its errors the names of httpcore's
            raise getattr(httpx, type(error).__name__)(str(error), request=request) from error
        finally:
            self._give_back(line)
        return self._response(answer.status, httpx.Headers(answer.headers), answer.body)

    def close(self) -> None:
        """Close all connections, those in use when their answers are there."""
        self._closed = True
        while self._idle:
            self._idle.pop()[0].close()

    def _response(self, status: int, headers: httpx.Headers, body: bytes) -> httpx.Response:
        """Make an answer, unpacked here: httpx would neither bound it nor notice that it is cut off."""
        if encoding := headers.get("content-encoding"):
            try:
                body = unpacked(body, encoding, self._most)
            except zlib.error as error:
                raise httpx.DecodingError(str(error)) from error
            del headers["content-encoding"]
            headers["content-length"] = str(len(body))
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body))

    def _connection(self) -> Connection:
        """Take the connection used last that still stands, or make one.

        What was said on it meanwhile would be taken for the answer to the next request, so it is looked each time.
        """
        while self._idle:
            try:
                line, since = self._idle.pop()
            except IndexError:  # another thread took it
                break
            if time.monotonic() - since < KEPT and not line.closed_there():
                return line
            line.close()
        return Connection(self._origin, self._tls, self._lines, connect=self._connect, wait=self._wait)

    def _give_back(self, line: Connection) -> None:
        """Keep a connection for the next request, if it can take one."""
        if not line.reusable or len(self._idle) >= self._pool:
            line.close()
            return
        self._idle.append((line, time.monotonic()))
        if self._closed:
            self.close()


def _tls() -> ssl.SSLContext:
    context = httpx.create_ssl_context(trust_env=False)
    context.set_alpn_protocols(["http/1.1"])
    return context
