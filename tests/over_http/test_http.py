"""The HTTP client: what it repeats and what it never repeats, and what it says when something is wrong."""

from __future__ import annotations

import logging
import threading
import time
from email.utils import formatdate

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import Answer, Busy, Invalid, Missing, NotSent, Refused, SettingsError, SyncdError, Unreachable
from syncd.http import READABLE, Http, readable
from tests.over_http.server import (
    KEY,
    Answering,
    Handler,
    Server,
    Time,
    breaks_off,
    breaks_off_midway,
    client,
    says,
)


def test_a_read_brings_status_headers_and_body_and_sends_the_key(server: Server) -> None:
    server.answers = [says(200, b'{"a": 1}', ETag='"x"')]
    with client(server) as http:
        reply = http.get("/clients", {"page": 2, "q": "å & b", "status": None}, {"If-None-Match": '"w"'})
    _, path, _, headers = server.seen[0]
    assert (reply.status, reply.headers.get("etag"), reply.json()) == (200, '"x"', {"a": 1})
    assert path == "/api/v1/clients?page=2&q=%C3%A5+%26+b"
    assert (headers["X-Api-Key"], headers["If-None-Match"], headers["User-Agent"]) == (KEY, '"w"', "syncd")
    assert headers["Host"] == f"127.0.0.1:{server.server_port}"


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


@pytest.mark.parametrize("value", ["ffk_1\r\nX-Evil: 1", "ffk_é", " ffk_1", "ffk_1\n"])
def test_a_key_that_cannot_be_sent_is_a_settings_error_without_it(value: str) -> None:
    with pytest.raises(SettingsError, match="X-Api-Key") as caught:
        Http(name="source main", base_url="https://x.example", headers={"X-Api-Key": value})
    assert "ffk" not in str(caught.value)


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
