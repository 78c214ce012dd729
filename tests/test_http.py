"""The HTTP client: what it repeats and what it never repeats, and what it says when something is wrong."""

from __future__ import annotations

import contextlib
import gzip
import logging
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import Answer, Busy, Invalid, Missing, NotSent, Refused, SettingsError, SyncdError, Unreachable
from syncd.http import READABLE, Http, readable
from syncd.transport import Transport

KEY = "ffk_a+secret/key"

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
        pass


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


CERTIFICATE = Path(__file__).with_name("loopback.pem")
"""A key and a certificate for loopback that nobody trusts."""


@pytest.fixture
def encrypted(server: Server) -> Server:
    """The server, speaking TLS."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(CERTIFICATE)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.base_url = server.base_url.replace("http:", "https:")
    return server


@contextmanager
def serving(*answers: Answering) -> Iterator[Server]:
    with Server() as server:
        server.answers = list(answers) or server.answers
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


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


def test_a_read_brings_status_headers_and_body_and_sends_the_key(server: Server) -> None:
    server.answers = [says(200, b'{"a": 1}', ETag='"x"')]
    with client(server) as http:
        reply = http.get("/clients", {"page": 2, "q": "å & b", "status": None}, {"If-None-Match": '"w"'})
    _, path, _, headers = server.seen[0]
    assert (reply.status, reply.headers.get("etag"), reply.json()) == (200, '"x"', {"a": 1})
    assert path == "/api/v1/clients?page=2&q=%C3%A5+%26+b"
    assert (headers["X-Api-Key"], headers["If-None-Match"], headers["User-Agent"]) == (KEY, '"w"', "syncd")
    assert headers["Host"] == f"127.0.0.1:{server.server_port}"


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


@pytest.mark.parametrize("trouble", [says(500), says(502), says(503), breaks_off, breaks_off_midway])
def test_a_read_is_repeated_until_it_succeeds(server: Server, trouble: Answering) -> None:
    server.answers = [trouble, trouble, says(200, b"[]")]
    watch = Time()
    with client(server, watch) as http:
        assert http.get("/a", expect_json=True).json() == []
    assert len(server.seen) == 3
    assert len(watch.slept) == 2


def test_nothing_is_read_again_once_an_end_was_asked_for_but_a_write_is_finished(server: Server) -> None:
    server.answers = [says(500)]
    asked = threading.Event()
    asked.set()
    with client(server, sleep=asked.wait, attempts=4) as http:
        with pytest.raises(Unreachable, match="GET /a failed there"):
            http.get("/a")
        assert len(server.seen) == 1
        with pytest.raises(Unreachable, match="PUT /a failed there"):
            http.send("PUT", "/a", content=b"{}", repeatable=True)
    assert len(server.seen) == 1 + 4


def test_a_read_gives_up_after_its_attempts(server: Server) -> None:
    server.answers = [says(500, b"<h1>Out of <b>order</b></h1>")]
    with client(server, attempts=4) as http, pytest.raises(Unreachable, match=r"source main: GET /a .*Out of order"):
        http.get("/a")
    assert len(server.seen) == 4


def test_waiting_grows_and_is_not_the_same_twice(server: Server) -> None:
    server.answers = [says(500)]
    watch = Time()
    with client(server, watch, attempts=9, patience=1e6) as http:
        for _ in range(20):
            with pytest.raises(Unreachable):
                http.get("/a")
    firsts, lasts = watch.slept[::8], watch.slept[7::8]
    assert sum(firsts) < sum(lasts)
    assert len(set(watch.slept)) == len(watch.slept)
    assert max(firsts) <= 0.5
    assert max(watch.slept) <= 30


def test_no_attempt_begins_once_patience_is_over(server: Server) -> None:
    server.answers = [says(500)]
    watch = Time()
    with client(server, watch, attempts=1000, patience=60) as http, pytest.raises(Unreachable):
        http.get("/a")
    assert sum(watch.slept) <= 60
    assert 3 < len(server.seen) < 1000


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_waited_for(server: Server, status: int, *, as_date: bool) -> None:
    moment = time.time() + 7.5e6  # the server's clock is months ahead; only its own difference counts
    said = {"Date": formatdate(moment, usegmt=True), "Retry_After": formatdate(moment + 40, usegmt=True)}

    def busy(handler: Handler) -> None:
        handler.send_response_only(status)
        for name, value in (said if as_date else {"Retry_After": "40"}).items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    server.answers = [busy, says(200)]
    watch = Time()
    with client(server, watch) as http:
        http.get("/a")
    assert 40 <= watch.slept[0] <= 41


def test_who_asks_for_more_than_patience_is_not_asked_again(server: Server) -> None:
    server.answers = [says(429, b"slower", Retry_After="3600")]
    watch = Time()
    with client(server, watch, patience=120) as http, pytest.raises(Busy, match="slow down") as caught:
        http.get("/a")
    assert caught.value.retry_after == 3600
    assert (len(server.seen), watch.slept) == (1, [])


@pytest.mark.parametrize(
    "text", ["", "soon", "-5", "1e9", "٣", "9" * 400, "Mon, 99 Foo 2020", "Mon, 01 Jan 0001 00:00:00"]
)
def test_an_odd_retry_after_does_no_harm(server: Server, text: str) -> None:
    server.answers = [says(429, b"", Retry_After=text.encode().decode("latin-1")), says(200)]
    watch = Time()
    with client(server, watch, patience=1e9) as http:
        http.get("/a")
    assert watch.slept[0] <= 86_401


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, Refused), (403, Refused), (404, Missing), (400, Invalid), (409, Invalid), (410, Invalid), (422, Invalid)],
)
def test_a_refusal_is_told_at_once_and_not_repeated(server: Server, status: int, kind: type[SyncdError]) -> None:
    server.answers = [says(status, b'{"error": "because"}')]
    with client(server) as http, pytest.raises(kind, match="source main") as caught:
        http.get("/a")
    assert type(caught.value) is kind
    assert str(status) in str(caught.value)
    assert not isinstance(caught.value, Answer) or caught.value.status == status
    assert len(server.seen) == 1


@pytest.mark.parametrize("content_type", ["application/json", "text/html"])
@pytest.mark.parametrize("status", [400, 403, 404, 429, 500])
def test_a_key_that_the_server_repeats_is_not_repeated_by_us(server: Server, status: int, content_type: str) -> None:
    echo = f"<p>no: {KEY} ffk_a%2Bsecret%2Fkey {'.' * (READABLE - 45)}{KEY}".encode()
    server.answers = [says(status, echo, Content_Type=content_type)]
    with client(server) as http, pytest.raises(SyncdError) as caught:
        http.get(f"/{KEY}")
    assert "***" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "ffk" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_long_answer_in_an_error_is_cut(server: Server) -> None:
    server.answers = [says(422, b"x" * 100_000)]
    with client(server) as http, pytest.raises(Invalid) as caught:
        http.get("/a")
    assert len(str(caught.value)) < READABLE + 60


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)), st.sampled_from(["", "text/html"]))
def test_any_body_becomes_one_printable_line(body: bytes | str, content_type: str) -> None:
    assert readable(body, content_type).isprintable()


def test_html_becomes_its_text() -> None:
    page = b"<!DOCTYPE html><style>p {}</style><script>x = '<b>'</script>\n<p>Bad&nbsp;\x1b[31m &amp; <b>sad</b></p>"
    assert readable(page) == "Bad [31m & sad"


@pytest.mark.parametrize("opening", ["<", "<script", "<style>", "&#"])
def test_a_malicious_page_costs_no_time(opening: str) -> None:
    started = time.process_time()
    readable(opening * 1_000_000, "text/html")
    assert time.process_time() - started < 1


@pytest.mark.parametrize("trouble", [says(500), says(503), says(429, Retry_After="1"), breaks_off, breaks_off_midway])
def test_a_write_whose_fate_is_unknown_is_not_repeated(server: Server, trouble: Answering) -> None:
    server.answers = [trouble, says(200)]
    with client(server) as http, pytest.raises(Unreachable) as caught:
        http.send("POST", "/a", content=b"{}")
    assert not isinstance(caught.value, NotSent)
    assert len(server.seen) == 1


@pytest.mark.parametrize("trouble", [says(500), says(429, Retry_After="1"), breaks_off])
def test_a_repeatable_write_is_repeated_with_the_same_bytes(server: Server, trouble: Answering) -> None:
    server.answers = [trouble, says(201, b"[1]")]
    with client(server) as http:
        assert http.send("PUT", "/a", content=b'{"x": 1}', repeatable=True).json() == [1]
    assert [(method, body) for method, _, body, _ in server.seen] == [("PUT", b'{"x": 1}')] * 2
    assert server.seen[1][3]["Content-Type"] == "application/json"


def test_a_write_without_content_sends_none(server: Server) -> None:
    server.answers = [says(204, b"")]
    with client(server) as http:
        assert http.send("DELETE", "/a").status == 204
    assert server.seen[0][2] == b""
    assert "Content-Type" not in server.seen[0][3]


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
    dripping = lambda handler: drips(handler, before, drop)  # noqa: E731 -- an answer
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


@pytest.mark.parametrize("body", [b'{"rows": [1, 2', b"", b"<html>log in</html>", b"\xff", b"NaN"])
def test_json_that_is_cut_off_is_read_again(server: Server, body: bytes) -> None:
    server.answers = [says(200, body), says(200, b'{"rows": []}')]
    with client(server) as http:
        assert http.get("/a", expect_json=True).json() == {"rows": []}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (rb'"Smile \ud83d"', "Smile \ufffd"),
        (b'"caf\xe9"', "caf\ufffd"),
        (b"1e999", "1e999"),
        (b"NaN", "NaN"),
        (b"-Infinity", "-Infinity"),
    ],
)
def test_a_value_that_cannot_be_kept_stands_apart_and_the_rest_is_read(
    server: Server, value: bytes, shown: str
) -> None:
    server.answers = [says(200, b'[{"id": "a", "n": [%s]}, {"id": "b", "n": 18446744073709551615}]' % value)]
    with client(server, attempts=1) as http:
        reply = http.get("/a", expect_json=True)
        assert reply.json() == [{"id": "a", "n": [{"unreadable": shown}]}, {"id": "b", "n": 2**64 - 1}]
        assert orjson.loads(reply.body) == reply.json() == http.get("/a").json()


def test_a_read_meant_to_be_tried_once_is_tried_once(server: Server) -> None:
    server.answers = [says(500), says(200)]
    with client(server) as http, pytest.raises(Unreachable):
        http.get("/a", once=True)
    assert len(server.seen) == 1


def test_json_that_stays_broken_is_told(server: Server) -> None:
    server.answers = [says(200, b"{")]
    with client(server, attempts=3) as http:
        with pytest.raises(Unreachable, match="source main: GET /a was answered with 1 bytes that are no whole JSON"):
            http.get("/a", expect_json=True)
        assert len(server.seen) == 3
        with pytest.raises(Unreachable, match="no whole JSON"):
            http.get("/a").json()


def test_not_modified_is_an_answer(server: Server) -> None:
    server.answers = [says(304, b"", ETag='"x"')]
    with client(server) as http:
        reply = http.get("/a", headers={"If-None-Match": '"x"'}, expect_json=True)
    assert (reply.status, reply.body) == (304, b"")


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


def test_a_redirect_on_the_same_host_is_followed_when_reading(server: Server) -> None:
    server.answers = [says(301, b"", Location="/api/v1/a/"), says(200, b"[1]")]
    with client(server) as http:
        assert http.get("/a").json() == [1]
    assert server.seen[1][1] == "/api/v1/a/"


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:1/a", "https://evil.example/x?key=y", "//evil.example/x", "ftp:x", "http://["]
)
def test_a_redirect_to_another_host_is_not_followed_but_told(server: Server, target: str) -> None:
    server.answers = [says(302, b"", Location=target)]
    with client(server) as http, pytest.raises(Unreachable, match="redirected to") as caught:
        http.get("/a")
    assert len(server.seen) == 1
    assert "key=y" not in str(caught.value)


def test_a_redirect_in_a_circle_ends(server: Server) -> None:
    server.answers = [says(302, b"", Location="/api/v1/a")]
    with client(server) as http, pytest.raises(Unreachable, match="circle"):
        http.get("/a")
    assert len(server.seen) == 4


@pytest.mark.parametrize("target", ["https://xn--/a", "https://[::1/a"])
def test_a_redirect_to_an_address_that_is_none_is_told(server: Server, target: str) -> None:
    server.answers = [says(302, b"", Location=target)]
    with client(server) as http, pytest.raises(Unreachable, match="an address that is none"):
        http.get("/a")


def test_a_write_is_never_redirected(server: Server) -> None:
    server.answers = [says(307, b"", Location="/api/v1/b")]
    with client(server) as http, pytest.raises(Unreachable, match="redirected"):
        http.send("POST", "/a", content=b"{}", repeatable=True)
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "url",
    [
        *("http://app.fastfaktura.io/api/v1", "http://10.0.0.1", "http://127.0.0.1.evil.example", "ftp://127.0.0.1"),
        *("", "app.fastfaktura.io", "https://", "https://me:hunter2@x.example", "https://x.example?key=hunter2"),
        *("http://localhost.evil.example", "https://x.example:port", "https://x.example/#hunter2"),
        *(
            "https://x..example",
            f"https://{'x' * 70}.example",
            "https://xn--",
            "https://x y.example",
            "https://x:99999",
        ),
    ],
)
def test_an_address_that_is_not_safe_is_a_settings_error(url: str) -> None:
    with pytest.raises(SettingsError, match="source main: base_url") as caught:
        Http(name="source main", base_url=url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://localhost:1", "http://127.1.2.3", "http://[::1]:80/x/", "https://x.example/api/v1"]
)
def test_loopback_may_be_plain_and_others_are_encrypted(url: str) -> None:
    Http(name="source main", base_url=url).close()


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


@pytest.mark.parametrize("value", ["ffk_1\r\nX-Evil: 1", "ffk_é", " ffk_1", "ffk_1\n"])
def test_a_key_that_cannot_be_sent_is_a_settings_error_without_it(value: str) -> None:
    with pytest.raises(SettingsError, match="X-Api-Key") as caught:
        Http(name="source main", base_url="https://x.example", headers={"X-Api-Key": value})
    assert "ffk" not in str(caught.value)


def test_proxies_of_the_environment_are_not_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with client(server) as http:
        assert http.get("/a").status == 200


def test_nothing_is_logged_that_holds_the_key_or_a_query(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("", "httpx", "httpcore", "httpcore.http11", "httpcore.connection"):
        caplog.set_level(logging.DEBUG, logger=name)
    with client(server, attempts=2) as http:
        http.get("/a", {"q": "private"})
        server.answers = [breaks_off]
        with pytest.raises(Unreachable):
            http.get("/a", {"q": "private"})
    assert not caplog.records
    assert KEY not in caplog.text
    assert "private" not in caplog.text


def test_a_malformed_header_of_one_request_is_told_without_its_value(server: Server) -> None:
    with client(server) as http, pytest.raises(Unreachable, match="malformed") as caught:
        http.get("/a", headers={"X-Token": "secret\nX: y"})
    assert "secret" not in str(caught.value)
    with client(server) as http, pytest.raises(Unreachable, match="malformed"):
        http.get("/a", headers={"X\r\nY": "1"})
    assert server.seen == []
