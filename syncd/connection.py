"""One HTTP/1.1 connection: bytes by the network streams of httpcore, answers read by the parser of httptools.

One request at a time, by one thread at a time; an answer is read whole before the next request. Pure Python parsers
take half the time of a first load, which is several hundred thousand small answers.
"""

from __future__ import annotations

import ssl
from typing import Final, NamedTuple

import httpcore
import httptools

from syncd.answers import TooLong

PART: Final = 64 * 1024
"""Bytes that are read at a time."""
MAX_HEAD: Final = 128 * 1024
"""Bytes that may come one after the other and bring nothing of a body: headers, sizes of chunks, trailers."""

LENIENT: Final = {
    "lenient_headers": True,
    "lenient_chunked_length": True,
    "lenient_optional_cr_before_lf": True,
    "lenient_spaces_after_chunk_size": True,
    "lenient_keep_alive": True,
}
"""What a client may overlook, for nobody else reads the same bytes: old and odd servers are read all the same."""


class RawReply(NamedTuple):
    """One answer as it came: headers in the case the server gave them, the body not unpacked."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Connection:
    """A connection to one origin, opened by its first request.

    ``connect`` and ``wait``: seconds for connecting, and for each write and read. What goes wrong is an error of
    httpcore (``ConnectError``, ``ReadTimeout``, ``RemoteProtocolError``, …), or ``TooLong``.
    """

    def __init__(
        self,
        origin: httpcore.Origin,
        tls: ssl.SSLContext | None,
        network: httpcore.NetworkBackend,
        *,
        connect: float,
        wait: float,
    ) -> None:
        """Open nothing yet."""
        self._origin, self._tls, self._network = origin, tls, network
        self._connect, self._wait = connect, wait
        self._stream: httpcore.NetworkStream | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(**LENIENT)
        self._begin()
        self.reusable = False
        """Whether it can take another request, unless the server has closed it since."""

    def ask(self, method: str, target: bytes, headers: bytes, content: bytes, *, most: int) -> RawReply:
        """Send a request and read its whole answer, of at most ``most`` bytes; ``headers`` as they are sent."""
        self.reusable = False
        if self._stream is None:
            self._stream = self._opened()
        sent = self._send(self._stream, b"%b %b HTTP/1.1\r\n%b\r\n%b" % (method.encode(), target, headers, content))
        self._begin()
        received = quiet = 0
        while not self._whole:
            data, before = self._stream.read(PART, self._wait), len(self._body)
            self._take(data)
            received += len(data)
            quiet = 0 if len(self._body) > before else quiet + len(data)
            if quiet > MAX_HEAD:
                raise httpcore.RemoteProtocolError("what comes is no body, and does not end")
            if max(len(self._body), received - MAX_HEAD) > most:
                raise TooLong
        self.reusable = self._stays and sent
        reply = RawReply(self._status, self._headers, bytes(self._body))
        self._begin()  # what is kept for the next request holds no answer
        return reply

    def closed_there(self) -> bool:
        """Look whether the server has closed it, or said something that nobody asked for."""
        return self._stream is None or bool(self._stream.get_extra_info("is_readable"))

    def close(self) -> None:
        """Close it."""
        self.reusable = False
        self._begin()
        if self._stream is not None:
            self._stream.close()

    def _opened(self) -> httpcore.NetworkStream:
        host = self._origin.host.decode("ascii")
        stream = self._network.connect_tcp(host, self._origin.port, self._connect)
        return stream if self._tls is None else stream.start_tls(self._tls, host, self._connect)

    def _send(self, stream: httpcore.NetworkStream, request: bytes) -> bool:
        """Send a request; tell whether all of it went out. What is refused before it is read may be answered."""
        try:
            stream.write(request, self._wait)
        except httpcore.WriteError:
            return False
        return True

    def _take(self, data: bytes) -> None:
        """Have the parser read what came; nothing at all: the server closed the connection."""
        if not data:
            if self._head or self._framed:
                raise httpcore.RemoteProtocolError("the connection was closed before the answer was complete")
            self._whole, self._stays = True, False
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if isinstance(error.__context__, KeyboardInterrupt):  # which came while the parser called us
                raise error.__context__ from None
            if not self._whole:
                raise httpcore.RemoteProtocolError(str(error)) from None
            self._stays = False

    # -- what the parser finds, in the order in which it is called -------------------------------------------------

    def _begin(self) -> None:
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._body = bytearray()
        self._head, self._framed, self._whole, self._stays = True, False, False, False

    def on_message_begin(self) -> None:
        """Notice what comes behind the answer, which belongs to no request."""
        if self._whole:
            raise httptools.HttpParserError("more than the answer came")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; what follows the body in chunks is none."""
        if self._head:
            name, value = name.rstrip(b" "), value.rstrip(b" \t")
            self._headers.append((name, value))
            self._framed = self._framed or name.lower() in (b"content-length", b"transfer-encoding")

    def on_headers_complete(self) -> None:
        """Keep the status; an answer without a length ends with the connection."""
        self._status, self._head = self._parser.get_status_code(), False

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body."""
        self._body += body

    def on_message_complete(self) -> None:
        """Note the end, but of an answer that says that there will be one (1xx)."""
        if self._status < 200:
            self._begin()
        else:
            self._whole, self._stays = True, self._parser.should_keep_alive()
