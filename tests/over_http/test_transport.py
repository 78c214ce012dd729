"""The transport: connections that are kept, encrypted ones, and answers that come late, long or compressed."""

from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import pytest

from syncd.errors import NotSent, Unreachable
from syncd.http import Http
from syncd.transport import Transport
from tests.over_http.server import (
    CERTIFICATE,
    KEY,
    Handler,
    Server,
    Time,
    breaks_off,
    breaks_off_midway,
    client,
    closes_silently,
    says,
)


def test_one_connection_serves_request_after_request(server: Server) -> None:
    peers = set()

    def notes_peer(handler: Handler) -> None:
        peers.add(handler.client_address)
        handler.answer(200)

    server.answers = [notes_peer]
    with client(server) as http:
        for _ in range(5):
            http.get("/a")
    assert len(peers) == 1


def test_threads_share_the_pool_and_get_their_own_answers(server: Server) -> None:
    server.answers = [lambda handler: handler.answer(200, handler.path.encode())]
    with client(server, pool=4) as http, ThreadPoolExecutor(8) as threads:
        bodies = list(threads.map(lambda number: http.get(f"/{number}").body, range(200)))
    assert bodies == [f"/api/v1/{number}".encode() for number in range(200)]
    assert len(server.seen) == 200, "a connection was lost and a request repeated"


def test_no_more_connections_are_kept_than_the_pool_has_room_for(server: Server) -> None:
    meeting, peers = threading.Barrier(5), set()

    def meets_the_others(handler: Handler) -> None:
        meeting.wait(10)
        peers.add(handler.client_address)
        handler.answer(200)

    server.answers = [meets_the_others]
    with client(server, pool=2) as http, ThreadPoolExecutor(5) as threads:
        for _ in range(2):
            list(threads.map(http.get, ["/a"] * 5))
    assert len(peers) == 5 + 3


def test_a_server_that_closes_each_connection_without_a_word_costs_no_read(server: Server) -> None:
    server.answers = [closes_silently]
    watch = Time()
    with client(server, watch) as http:
        assert [http.get(f"/{number}", expect_json=True).json() for number in range(20)] == [{}] * 20
        assert watch.slept == []
        assert http.send("POST", "/a").json() == {}
    assert len(server.seen) == 21


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_write_is_never_sent_on_a_connection_that_was_not_looked_at(server: Server, method: str) -> None:
    server.answers = [closes_silently]
    watch = Time()
    with client(server, watch) as http:
        http.get("/a")
        for _ in range(5):
            assert http.send(method, "/b", content=b"{}").json() == {}
        assert watch.slept == []
    assert [command for command, *_ in server.seen] == ["GET", *[method] * 5]


def test_what_is_said_after_an_answer_is_not_taken_for_the_next(server: Server) -> None:
    more = threading.Event()

    def says_it_twice(handler: Handler) -> None:
        handler.answer(200, handler.path.encode())
        if handler.path.endswith("1"):
            handler.answer(200, b"late")
            more.set()

    server.answers = [says_it_twice]
    with client(server) as http:
        assert http.get("/1").body == b"/api/v1/1"
        assert more.wait(10)
        assert [http.get(f"/{number}").body for number in (2, 3)] == [b"/api/v1/2", b"/api/v1/3"]


def test_what_no_connection_was_made_for_was_not_sent_and_is_tried_again() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        watch = Time()
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with Http(name="target books", base_url=url, sleep=watch.sleep, attempts=3) as http:
            with pytest.raises(NotSent, match=r"target books: POST /a: it could not be reached .*refused"):
                http.send("POST", "/a", content=b"{}")
            assert len(watch.slept) == 2
            with pytest.raises(NotSent, match="target books"):
                http.get("/a")


def test_a_server_that_does_not_answer_is_not_waited_for_for_ever(server: Server) -> None:
    go_on = threading.Event()
    server.answers = [lambda _: go_on.wait(10)]
    with client(server, timeout=0.05, attempts=2) as http, pytest.raises(Unreachable, match="no answer in time"):
        http.get("/a")
    go_on.set()
    assert len(server.seen) == 2


def drips(handler: Handler, before: bytes, drop: bytes) -> None:
    """Say something, then something small every 20 ms, until nobody listens."""
    with contextlib.suppress(OSError):
        handler.wfile.write(before)
        while True:
            handler.wfile.write(drop)
            time.sleep(0.02)


HEADERS = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("before", "drop"),
    [
        (HEADERS + b"Content-Length: 1000000\r\n\r\n", b"x"),
        (HEADERS + b"X-Long: ", b"x"),
        (HEADERS, b"X-More: x\r\n"),
        (HEADERS + b"Transfer-Encoding: chunked\r\n\r\n5;", b"x"),
        (HEADERS + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\0", b"\0\0\0\xff\xff"),
        (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    ],
    ids=["body", "header", "headers", "chunk", "compressed", "before"],
)
def test_an_answer_that_drips_is_a_failed_try_and_not_waited_for_for_ever(
    server: Server, before: bytes, drop: bytes
) -> None:
    dripping = partial(drips, before=before, drop=drop)
    server.answers = [dripping, dripping, says(200, b"[]")]
    with client(server, timeout=0.3, clock=time.monotonic, patience=60) as http:
        assert http.get("/a", expect_json=True).json() == []
        assert len(server.seen) == 3
        server.answers = [dripping]
        with pytest.raises(Unreachable, match=r"source main: POST /a: .* not complete in time") as caught:
            http.send("POST", "/a", content=b"{}")
    assert not isinstance(caught.value, NotSent), "perhaps carried out"
    assert len(server.seen) == 4


def test_a_large_answer_has_the_time_that_it_takes_on_a_slow_line(server: Server) -> None:
    part = b"x" * 8 * 1024

    def comes_slowly(handler: Handler) -> None:
        handler.answer(200, b"", Content_Length=str(8 * len(part)))
        for _ in range(8):
            time.sleep(0.3)  # together longer than the 2 s of an answer that has no bytes, each well within the 1 s
            handler.wfile.write(part)

    server.answers = [comes_slowly]
    with client(server, timeout=1, clock=time.monotonic, attempts=1) as http:
        assert http.get("/a").body == part * 8


def test_a_compressed_answer_is_unpacked_and_a_broken_one_told(server: Server) -> None:
    server.answers = [
        says(200, gzip.compress(b"[1]"), Content_Encoding="gzip"),
        says(200, gzip.compress(b"[1,") + gzip.compress(b"") + gzip.compress(b"2]"), Content_Encoding="GZip"),
        says(200, zlib.compress(b"[3]"), Content_Encoding="deflate"),
        says(200, zlib.compress(b"[4]", wbits=-15), Content_Encoding="deflate"),
        says(200, b"[5]", Content_Encoding="identity"),
    ]
    with client(server, attempts=1) as http:
        assert [http.get("/a").json() for _ in range(5)] == [[1], [1, 2], [3], [4], [5]]


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        pytest.param(b"?" * 100, "gzip", id="not packed"),
        pytest.param(gzip.compress(b"12345678")[:-11], "gzip", id="cut off"),
        pytest.param(gzip.compress(b"12345678")[:-1], "gzip", id="cut off behind the last of it"),
        pytest.param(zlib.compress(b"12345678")[:-2], "deflate", id="deflate, cut off"),
        pytest.param(gzip.compress(b"1") + gzip.compress(b"2")[:-4], "gzip", id="the second part cut off"),
        pytest.param(gzip.compress(gzip.compress(b"1")), "gzip, gzip", id="packed twice"),
        pytest.param(b"12345678", "br", id="what was not asked for"),
    ],
)
def test_a_compressed_answer_that_is_not_whole_is_told(server: Server, body: bytes, encoding: str) -> None:
    server.answers = [says(200, body, Content_Encoding=encoding)]
    with client(server, attempts=2) as http, pytest.raises(Unreachable, match="compressed"):
        http.get("/a")
    assert len(server.seen) == 2


@pytest.mark.parametrize("compressed", [False, True])
def test_an_answer_beyond_the_bound_is_refused_and_not_read_again(server: Server, *, compressed: bool) -> None:
    body = b" " * 100_001
    packed = {"Content_Encoding": "gzip"} if compressed else {}
    server.answers = [says(200, gzip.compress(body) if compressed else body, **packed), says(200)]
    with client(server, max_body=100_000) as http:
        with pytest.raises(Unreachable, match="more than 100,000 bytes"):
            http.get("/a")
        assert len(server.seen) == 1
        assert http.get("/a").body == b"{}"


def test_the_transport_serves_a_client_of_httpx_as_well(server: Server) -> None:
    server.answers = [says(200, gzip.compress(b"[1]"), Content_Encoding="gzip"), says(200, b"[2]"), breaks_off_midway]
    transport = Transport(httpx.URL(server.base_url), connect=5.0, wait=5.0, pool=1, most=100, clock=time.monotonic)
    with httpx.Client(transport=transport, base_url=server.base_url) as plain:
        assert plain.get("/a").json() == [1]
        assert plain.post("/b", json={"c": 1}, params={"d": "é"}).json() == [2]
        with pytest.raises(httpx.RemoteProtocolError, match="before the answer was complete"):
            plain.get("/a")
    (_, first, _, _), (method, second, body, headers), _ = server.seen
    assert (first, method, second, body) == ("/api/v1/a", "POST", "/api/v1/b?d=%C3%A9", b'{"c":1}')
    assert headers["Content-Type"] == "application/json"


def test_an_encrypted_connection_serves_request_after_request(
    encrypted: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusting = ssl.create_default_context(cafile=CERTIFICATE)
    monkeypatch.setattr(httpx, "create_ssl_context", lambda **_: trusting)
    encrypted.answers = [says(200, b"[1]"), says(200, b"[2]"), breaks_off, says(200, b"[3]")]
    with client(encrypted) as http:
        assert [http.get("/a").json() for _ in range(3)] == [[1], [2], [3]]
        assert http.send("POST", "/b", content=b"x" * 1_000_000).json() == [3]
    assert encrypted.seen[-1][2] == b"x" * 1_000_000
    assert encrypted.seen[-1][3]["X-Api-Key"] == KEY


def test_a_server_with_a_certificate_that_is_not_trusted_is_sent_nothing(encrypted: Server) -> None:
    with client(encrypted) as http, pytest.raises(NotSent, match="certificate") as caught:
        http.get("/a")
    assert KEY not in str(caught.value)
    assert encrypted.seen == []


def test_proxies_of_the_environment_are_not_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with client(server) as http:
        assert http.get("/a").status == 200
