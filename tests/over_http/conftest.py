"""Servers for the tests of the HTTP client."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest

from tests.over_http.server import CERTIFICATE, Server, serving


@pytest.fixture
def encrypted(server: Server) -> Server:
    """The server, speaking TLS."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(CERTIFICATE)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.base_url = server.base_url.replace("http:", "https:")
    return server


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that answers 200 until a test says otherwise."""
    with serving() as server:
        yield server
