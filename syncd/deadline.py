"""Connections on which an answer as a whole has to be there in time, however slowly it drips."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from typing import Any, Final

import httpcore
import httpx

SLOWEST: Final = 16 * 1024
"""Bytes a second of the slowest line that is taken to be honest: what came gives the rest of its answer the time that
it took at this rate, so that a large PDF over a poor line is no failure, and an answer as large as any ends within an
hour and a quarter."""


class Late(httpx.ReadTimeout):
    """Something of an answer came again and again, and it was not whole in time."""


class Lines(httpcore.NetworkBackend):
    """Makes connections; ``whole``: seconds for an answer, counted from when its request was sent."""

    def __init__(self, whole: float, clock: Callable[[], float]) -> None:
        """Open nothing yet."""
        self._whole, self._clock = whole, clock
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect."""
        stream = self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        return _Stream(stream, self._whole, self._clock)


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, whole: float, clock: Callable[[], float]) -> None:
        self._stream, self._whole, self._clock = stream, whole, clock
        self._until = 0.0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = self._until - self._clock()
        if left <= 0:
            raise Late("not whole in time")
        short = timeout is None or left < timeout
        try:
            data = self._stream.read(max_bytes, left if short else timeout)
        except httpcore.ReadTimeout:
            if short:
                raise Late("not whole in time") from None
            raise
        self._until += len(data) / SLOWEST
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            self._stream.write(buffer, timeout)
        finally:  # what was refused midway may still be answered
            self._until = self._clock() + self._whole

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, timeout)
        return _Stream(stream, self._whole, self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def close(self) -> None:
        self._stream.close()
