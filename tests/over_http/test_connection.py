"""One connection: how answers are read, whatever their framing and however they arrive in parts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.answers import TooLong
from syncd.connection import MAX_HEAD, Connection, RawReply

ORIGIN = httpcore.Origin(b"http", b"127.0.0.1", 80)
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-One: 1\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2;name=value\r\nhe\r\n3\r\nllo\r\n0\r\nX-Trailer: not a header\r\n\r\n"
)
ENDLESS = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\nhello"
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
EMPTY = b"HTTP/1.1 204 No Content\r\nX-One: 1\r\n\r\n"


class Tape(httpcore.NetworkStream):
    """What one side says, part by part, and then closes; ``written`` is what it was sent."""

    def __init__(self, parts: Iterable[bytes], *, deaf: bool = False) -> None:
        self.parts = [part for part in parts if part]
        self.deaf = deaf
        self.written = b""
        self.closed = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - as httpcore calls it
        part = self.parts.pop(0) if self.parts else b""
        if len(part) > max_bytes:
            self.parts.insert(0, part[max_bytes:])
        return part[:max_bytes]

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - as httpcore calls it
        if self.deaf:
            raise httpcore.WriteError
        self.written += buffer

    def close(self) -> None:
        self.closed = True

    def get_extra_info(self, info: str) -> Any:
        return bool(self.parts) if info == "is_readable" else None


class Network(httpcore.NetworkBackend):
    """Connects to a tape."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.connected = 0

    def connect_tcp(self, *_: Any, **__: Any) -> Tape:
        self.connected += 1
        return self.tape


def connection(*parts: bytes, deaf: bool = False) -> Connection:
    return Connection(ORIGIN, None, Network(Tape(parts, deaf=deaf)), connect=1.0, wait=1.0)


def asked(line: Connection, *, most: int = 1000) -> RawReply:
    return line.ask("GET", b"/a", b"Host: 127.0.0.1\r\n", b"", most=most)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places})
    return [data[start:end] for start, end in zip([0, *ends], [*ends, len(data)], strict=True)]


@given(
    answer=st.sampled_from([PLAIN, CHUNKED, ENDLESS, EARLY + PLAIN, EARLY + CHUNKED]),
    places=st.lists(st.integers(0, 1000), max_size=20),
)
def test_an_answer_is_read_alike_however_it_is_cut(answer: bytes, places: list[int]) -> None:
    line = connection(*cut(answer, places))
    read = asked(line)
    assert (read.status, read.body) == (200, b"hello")
    assert not any(name in (b"Link", b"X-Trailer") for name, _ in read.headers)
    assert line.reusable == (answer is not ENDLESS)


@given(answer=st.sampled_from([PLAIN, CHUNKED, EARLY + PLAIN]), place=st.integers(0, 1000))
def test_an_answer_that_breaks_off_is_never_taken_for_whole(answer: bytes, place: int) -> None:
    line = connection(answer[: place % len(answer)])
    with pytest.raises(httpcore.RemoteProtocolError):
        asked(line)
    assert not line.reusable


def test_one_connection_serves_answers_of_every_kind_in_turn() -> None:
    line = connection(PLAIN, CHUNKED, EMPTY, EARLY + PLAIN)
    read = [asked(line) for _ in range(4)]
    assert [(one.status, one.body) for one in read] == [(200, b"hello")] * 2 + [(204, b""), (200, b"hello")]
    assert read[0].headers == [(b"Content-Length", b"5"), (b"X-One", b"1")]
    assert line.reusable


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(PLAIN + b"HTTP/1.1 500 Oops\r\n", id="more than the answer"),
        pytest.param(PLAIN + b"\x00\x01", id="rubbish behind it"),
        pytest.param(PLAIN.replace(b"X-One: 1", b"Connection: close"), id="it says so"),
        pytest.param(PLAIN.replace(b"HTTP/1.1", b"HTTP/1.0"), id="an old server"),
        pytest.param(ENDLESS, id="no length"),
    ],
)
def test_a_connection_that_cannot_be_trusted_with_another_request_is_not_used_again(answer: bytes) -> None:
    line = connection(answer)
    assert asked(line).body == b"hello"
    assert not line.reusable


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x16\x03\x01 not HTTP", id="another protocol"),
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", id="a switch"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", id="no number"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", id="no chunk"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", id="two lengths"),
    ],
)
def test_what_is_no_answer_is_a_protocol_error(answer: bytes) -> None:
    with pytest.raises(httpcore.RemoteProtocolError):
        asked(connection(answer))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(PLAIN.replace(b"\r\n", b"\n"), id="ends of lines without a return"),
        pytest.param(PLAIN.replace(b" OK", b""), id="no words behind the status"),
        pytest.param(PLAIN.replace(b"OK", "Très bien".encode()), id="words beyond ASCII"),
        pytest.param(
            PLAIN.replace(b"X-One: 1", b"X-One: 1\r\n\tand two\r\nX-None:"), id="a folded header, an empty one"
        ),
        pytest.param(CHUNKED.replace(b"\r\n", b"\r\nContent-Length: 5\r\n", 1), id="chunks and a length"),
        pytest.param(CHUNKED.replace(b"3\r\n", b"3  \r\n"), id="spaces behind the size of a chunk"),
        pytest.param(b"HTTP/1.0 100 Continue\r\n\r\n" + PLAIN, id="an old server that first says to go on"),
    ],
)
def test_an_answer_that_is_spelled_oddly_is_read_all_the_same(answer: bytes) -> None:
    read = asked(connection(answer))
    assert (read.status, read.body) == (200, b"hello")


@pytest.mark.parametrize(
    ("start", "more"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"x" * 60_000 + b"\r\n", id="headers"),
        pytest.param(CHUNKED.partition(b"X-Trailer")[0] + b"X-Trailer: ", b"x" * 1_400, id="a trailer"),
        pytest.param(CHUNKED[:-10].partition(b"2;")[0] + b"2;", b"x" * 1_400, id="what is told of a chunk"),
        pytest.param(b"", EARLY, id="that there will be an answer"),
    ],
)
def test_what_brings_no_body_is_not_read_for_ever(start: bytes, more: bytes) -> None:
    tape = Tape([start, *[more] * (10_000_000 // len(more))])
    line = Connection(ORIGIN, None, Network(tape), connect=1.0, wait=1.0)
    with pytest.raises(httpcore.RemoteProtocolError, match="does not end"):
        asked(line, most=64_000_000)
    assert sum(map(len, tape.parts)) > 9_700_000


def test_blanks_around_names_and_values_of_headers_are_none_of_them() -> None:
    line = connection(PLAIN.replace(b"X-One: 1", b'ETag:  "x" \t').replace(b"Length:", b"Length :"), PLAIN[:-2])
    assert asked(line).headers == [(b"Content-Length", b"5"), (b"ETag", b'"x"')]
    with pytest.raises(httpcore.RemoteProtocolError):
        asked(line)


@pytest.mark.parametrize("framing", [b"Content-Length : 300", b"Transfer-Encoding : chunked"])
def test_a_length_that_is_spelled_oddly_counts_all_the_same(framing: bytes) -> None:
    with pytest.raises(httpcore.RemoteProtocolError):
        asked(connection(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n12345"))


@pytest.mark.parametrize("moment", ["on_header", "on_body", "on_message_complete"])
def test_ctrl_c_while_an_answer_is_read_ends_it(monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Connection, moment, interrupt)
    line = connection(PLAIN)
    with pytest.raises(KeyboardInterrupt):
        asked(line)
    assert not line.reusable


def test_a_connection_keeps_nothing_of_an_answer() -> None:
    body = b"x" * 1_000_000
    line = connection(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", body, PLAIN)
    assert asked(line, most=len(body)).body == body
    assert not any(isinstance(kept, bytearray | bytes | list) and len(kept) for kept in vars(line).values())


@pytest.mark.parametrize("answer", [PLAIN, CHUNKED, ENDLESS])
def test_a_body_is_read_up_to_the_bound_and_not_beyond(answer: bytes) -> None:
    assert asked(connection(answer), most=5).body == b"hello"
    with pytest.raises(TooLong):
        asked(connection(answer), most=4)


def test_chunks_that_hold_next_to_nothing_are_bounded_too() -> None:
    start = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with pytest.raises(TooLong):
        asked(connection(start, *[b"1;" + b"x" * 10_000 + b"\r\n.\r\n"] * (MAX_HEAD // 5_000)))


def test_what_was_refused_before_it_was_sent_whole_is_read() -> None:
    line = connection(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n", deaf=True)
    assert asked(line).status == 413
    assert not line.reusable


def test_a_request_is_sent_as_one_with_its_headers_and_content() -> None:
    tape = Tape([PLAIN])
    line = Connection(ORIGIN, None, Network(tape), connect=1.0, wait=1.0)
    assert line.closed_there()
    line.ask("POST", b"/a?b=c", b"Host: x\r\nContent-Length: 2\r\n", b"{}", most=100)
    assert tape.written == b"POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
    assert not line.closed_there()
    line.close()
    assert tape.closed
    assert not line.reusable
