"""What the client makes of everything that may come in place of Odoo's answer; against a small server on loopback."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.odoo.client import Odoo, load_messages
from connectors.odoo.dialects import Call, Json2, JsonRpc, major, rpc_error, status_error
from connectors.odoo.errors import LoadRefused, NoDatabase, OdooAnswer, Unreadable
from syncd.errors import Busy, NotSent, Refused, SettingsError, SyncdError, Unreachable
from syncd.http import Http
from syncd.secret import Secret

KEY = "5ecret5ecret5ecret5ecret5ecret5ecret5ecr"
TRACEBACK = f'Traceback (most recent call last):\n  File "/opt/odoo/http.py" {KEY}'
PAGE = "<!DOCTYPE html><title>{0}</title><h1>{0}</h1>"

Answer = tuple[int, Any]
"""Status and body: text as HTML, bytes cut off after them, anything else as JSON."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/web/webclient/version_info":
            self.answer(200, {"jsonrpc": "2.0", "result": {"server_version_info": self.server.version}})
            return
        called = orjson.loads(sent)
        if self.path == "/json/2/res.users/context_get":
            self.answer(200, {"uid": 5})
        elif called.get("params", {}).get("method") == "authenticate":
            self.answer(200, {"jsonrpc": "2.0", "result": 5})
        else:
            self.server.asked.append((self.path, called))
            self.answer(*next(self.server.answers))

    def answer(self, status: int, body: Any) -> None:
        kind = "text/html" if isinstance(body, str) else "application/json"
        content = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else orjson.dumps(body)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content) + isinstance(body, bytes)))
        if status in (301, 308):
            self.send_header("Location", "https://elsewhere.example/json")
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = isinstance(body, bytes)

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.version: list[Any] = [19, 0]
        self.answers: Iterator[Answer] = iter(())
        self.asked: list[tuple[str, Any]] = []


Speak = Callable[..., Odoo]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as one:
        threading.Thread(target=one.serve_forever, daemon=True, kwargs={"poll_interval": 0.01}).start()
        yield one
        one.shutdown()


@pytest.fixture
def speak(server: Server) -> Iterator[Speak]:
    """Gives a client of Odoo 19 (or 14), to which the server will answer as told, the last answer again and again."""
    made: list[Odoo] = []

    def client(*answers: Answer, version: int = 19) -> Odoo:
        server.version = [version, 0]
        server.answers = itertools.chain(answers, itertools.repeat(answers[-1]))
        made.append(
            Odoo(
                lambda **settings: Http(sleep=lambda _: None, **settings),
                name="target books",
                url=f"http://127.0.0.1:{server.server_port}",
                database="books",
                user="sync",
                api_key=Secret(KEY),
                timeout=5,
                attempts=3,
            )
        )
        return made[-1]

    yield client
    for one in made:
        one.close()


def fault(name: str, message: str) -> dict[str, Any]:
    return {"name": name, "message": message, "arguments": [message], "context": {}, "debug": TRACEBACK}


def rpc_fault(name: str, message: str) -> Answer:
    data = fault(name, message)
    return 200, {"jsonrpc": "2.0", "id": 1, "error": {"code": 200, "message": "Odoo Server Error", "data": data}}


def refused(odoo: Odoo, *, repeatable: bool = False) -> SyncdError:
    with pytest.raises(SyncdError) as caught:
        odoo.call("res.partner", "write", [1], vals={"name": "x"}, repeatable=repeatable)
    assert KEY not in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert "/opt/odoo" not in str(caught.value)
    assert str(caught.value).startswith("target books: ")
    return caught.value


BUSY = fault("psycopg2.errors.SerializationFailure", "could not serialize access due to concurrent update\n")


@pytest.mark.parametrize("version", [14, 19])
def test_a_wrong_key_stops_the_target(speak: Speak, version: int) -> None:
    denied = fault("werkzeug.exceptions.Unauthorized", "Invalid apikey")
    answer = (401, denied) if version == 19 else rpc_fault("odoo.exceptions.AccessDenied", f"Access Denied {KEY}")
    assert isinstance(refused(speak(answer, version=version)), Refused)


@pytest.mark.parametrize("version", [14, 19])
def test_an_unknown_database_is_told_at_once_and_nothing_was_carried_out(
    speak: Speak, server: Server, version: int
) -> None:
    page = (404, PAGE.format("404 Not Found"))
    words = 'FATAL:  database "books" does not exist\n'
    answer = page if version == 19 else rpc_fault("psycopg2.OperationalError", words)
    error = refused(speak(answer, version=version), repeatable=True)
    assert isinstance(error, NoDatabase)
    assert "check database" in str(error)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "words", ["FATAL:  sorry, too many clients already\n", "FATAL:  the database system is starting up\n"]
)
def test_a_database_server_that_takes_no_more_is_out_of_reach_and_no_fault_of_the_settings(
    speak: Speak, words: str
) -> None:
    answers = [rpc_fault("psycopg2.OperationalError", words)]
    error = refused(speak(*answers, version=14))
    assert isinstance(error, Unreachable)
    assert not isinstance(error, NoDatabase)
    assert "Odoo's own database failed" in str(error)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_page_of_a_proxy_leaves_a_write_in_doubt_and_is_asked_again_by_a_read(
    speak: Speak, server: Server, status: int
) -> None:
    page = (status, PAGE.format("Bad Gateway"))
    odoo = speak(page)
    error = refused(odoo)
    assert isinstance(error, Unreachable)
    assert not isinstance(error, NotSent)
    assert f"({status})" in str(error)
    assert len(server.asked) == 1
    server.answers = iter([page, page, (200, [1])])
    assert odoo.ids("res.partner", []) == [1]


def test_a_broken_answer_leaves_a_write_in_doubt_and_is_asked_again_by_a_read(speak: Speak, server: Server) -> None:
    odoo = speak((200, b"[1,"))
    error = refused(odoo)
    assert isinstance(error, Unreachable)
    assert not isinstance(error, NotSent)
    assert len(server.asked) == 1
    server.answers = iter([(200, b"[1,"), (200, [1, 2])])
    assert odoo.ids("res.partner", []) == [1, 2]


def test_a_page_in_place_of_an_answer_is_not_taken_for_one(speak: Speak, server: Server) -> None:
    odoo = speak((200, PAGE.format(f"Log in {KEY}")))
    error = refused(odoo)
    assert isinstance(error, Unreadable)
    assert "Log in ***" in str(error)
    assert "check url" in str(error)
    server.answers = iter([(200, PAGE.format("Log in")), (200, [1])])
    assert odoo.ids("res.partner", []) == [1]


def test_an_answer_of_the_wrong_shape_is_not_taken_for_one(speak: Speak) -> None:
    odoo = speak((200, {"no": "list"}))
    with pytest.raises(Unreadable):
        odoo.ids("res.partner", [])
    with pytest.raises(Unreadable, match="none of Odoo's"):
        speak((200, {"hello": 1}), version=14).call("res.partner", "unlink", [1])


def test_a_redirect_is_not_followed_with_the_key(speak: Speak, server: Server) -> None:
    assert isinstance(refused(speak((308, PAGE.format("Moved")))), Unreachable)
    assert len(server.asked) == 1


def test_a_proxy_that_asks_to_slow_down_is_understood(speak: Speak) -> None:
    assert isinstance(refused(speak((429, PAGE.format("Too many")))), Busy)


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        ("odoo.exceptions.AccessError", 403, "access"),
        ("odoo.exceptions.UserError", 422, "validation"),
        ("odoo.exceptions.ValidationError", 422, "validation"),
        ("odoo.exceptions.RedirectWarning", 500, "validation"),
        ("odoo.addons.account.models.exceptions.Closed", 422, "validation"),
        ("odoo.exceptions.MissingError", 404, "missing"),
        ("psycopg2.errors.LockNotAvailable", 500, "concurrent"),
        ("psycopg2.errors.DeadlockDetected", 500, "concurrent"),
        ("werkzeug.exceptions.NotFound", 404, "bug"),
        ("werkzeug.exceptions.UnprocessableEntity", 422, "bug"),
        ("builtins.ValueError", 500, "bug"),
    ],
)
def test_both_dialects_tell_the_same_things_apart(speak: Speak, name: str, status: int, kind: str) -> None:
    words = f"The words\n\nof Odoo.\n\t- Accounting/Administrator\n\t- {KEY}"
    for odoo in (speak((status, fault(name, words))), speak(rpc_fault(name, words), version=14)):
        error = refused(odoo)
        assert isinstance(error, OdooAnswer)
        assert (error.kind, error.name) == (kind, name)
        assert error.sentence == "The words of Odoo. - Accounting/Administrator - ***"
        assert error.groups == (("Accounting/Administrator",) if kind == "access" else ())


@pytest.mark.parametrize("version", [14, 19])
def test_what_others_wrote_at_the_same_time_is_read_again_and_never_written_again(
    speak: Speak, server: Server, version: int
) -> None:
    busy = (500, BUSY) if version == 19 else rpc_fault(BUSY["name"], BUSY["message"])
    good = (200, [7]) if version == 19 else (200, {"jsonrpc": "2.0", "result": [7]})
    assert speak(busy, good, version=version).ids("res.partner", []) == [7]
    server.asked.clear()
    error = refused(speak(busy, version=version))
    assert isinstance(error, OdooAnswer)
    assert error.kind == "concurrent"
    assert len(server.asked) == 1


def test_an_answer_without_result_is_a_success_in_json_rpc(speak: Speak) -> None:
    assert speak((200, {"jsonrpc": "2.0", "id": 1}), version=14).call("res.partner", "unlink", [1]) is None


def test_errors_of_load_come_with_status_200(speak: Speak) -> None:
    bad = {"type": "error", "record": 1, "rows": {"from": 1, "to": 1}, "field": "date", "message": "No date"}
    many = {"type": "warning", "message": "Found more than 10 errors"}
    odoo = speak((200, {"ids": False, "messages": [bad, many]}))
    with pytest.raises(LoadRefused, match="No date") as caught:
        odoo.load("res.partner", ["id"], [["a"], ["b"]], once=True)
    assert caught.value.messages == ((1, "date", "No date"),)


BUSY_LOAD = {"ids": False, "messages": [{"type": "error", "record": 0, "message": BUSY["message"]}]}
AT_THE_SAME_TIME = pytest.mark.parametrize(
    ("version", "busy"),
    [
        (19, (200, BUSY_LOAD)),
        (19, (500, BUSY)),
        (14, (200, {"jsonrpc": "2.0", "result": BUSY_LOAD})),
        (14, rpc_fault(BUSY["name"], BUSY["message"])),
    ],
)
"""The four ways in which a load is told that others wrote at the same time."""


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time is let pass before a load is made again."""
    monkeypatch.setattr("tenacity.wait.random.uniform", lambda *_: 0.0)


@AT_THE_SAME_TIME
@pytest.mark.usefixtures("at_once")
def test_load_is_made_again_when_others_wrote_at_the_same_time(
    speak: Speak, server: Server, version: int, busy: Answer
) -> None:
    made = {"ids": [3], "messages": []}
    odoo = speak(busy, busy, (200, made if version == 19 else {"jsonrpc": "2.0", "result": made}), version=version)
    assert odoo.load("res.partner", ["id"], [["a"]], once=True) == [3]
    sent = [called if version == 19 else called["params"]["args"][6] for _, called in server.asked]
    assert [called["context"]["mode"] for called in sent] == ["update"] * 3
    assert [called["context"]["noupdate"] for called in sent] == [True] * 3


@AT_THE_SAME_TIME
@pytest.mark.usefixtures("at_once")
def test_a_load_that_always_meets_others_is_told_as_that(
    speak: Speak, server: Server, version: int, busy: Answer
) -> None:
    with pytest.raises(OdooAnswer) as caught:
        speak(busy, version=version).load("res.partner", ["id"], [["a"]], once=True)
    assert caught.value.kind == "concurrent"
    assert len(server.asked) == 3


def test_the_record_that_a_whole_batch_is_blamed_on_stays_when_others_are_named() -> None:
    def error(record: int, text: str) -> dict[str, Any]:
        return {"type": "error", "record": record, "message": text}

    assert [one.record for one in load_messages([error(0, "X"), error(5, "X"), error(7, "Y")])] == [5, 7]
    assert [one.record for one in load_messages([error(0, "X")])] == [0]
    assert [one.record for one in load_messages([error(2, "X"), error(2, "Y")])] == [2, 2]
    for name in ("odoo.exceptions.ValidationError", "psycopg2.errors.CheckViolation"):
        words = f"Unknown error during import: <class '{name}'>: A name, please"
        assert load_messages([error(2, words)])[0].text == "A name, please"


def test_the_company_and_the_language_go_on_every_call(speak: Speak, server: Server) -> None:
    odoo = speak((200, []), (200, True))
    odoo.company = 3
    odoo.ids("res.partner", [])
    odoo.call("res.partner", "write", [1], vals={}, context={"lang": "nb_NO"})
    assert [called["context"] for _, called in server.asked] == [
        {"lang": "en_US", "allowed_company_ids": [3]},
        {"lang": "nb_NO", "allowed_company_ids": [3]},
    ]


def test_pages_end_only_at_an_empty_one(speak: Speak, server: Server) -> None:
    odoo = speak((200, [{"id": 1}, {"id": 5}]), (200, [{"id": 6}]), (200, []))
    pages = odoo.pages("res.partner", [("name", "!=", "x")], ["name"], size=2)
    assert list(pages) == [[{"id": 1}, {"id": 5}], [{"id": 6}]]
    assert [called["domain"][-1][-1] for _, called in server.asked] == [0, 5, 6]


def test_what_is_no_odoo_or_too_old_is_said(speak: Speak, server: Server) -> None:
    odoo = speak((200, []))
    server.version = ["what"]
    with pytest.raises(Unreachable, match="no Odoo; check url"):
        odoo.connect()
    server.version = [13, 0]
    with pytest.raises(Refused, match="Odoo 13"):
        odoo.connect()


@pytest.mark.parametrize("key", ["", "two words\nor more", "nøkkel"])
def test_a_key_that_cannot_be_one_is_refused_unseen(key: str) -> None:
    with pytest.raises(SettingsError, match="api_key") as caught:
        Odoo(Http, name="target books", url="http://127.0.0.1:1", database="d", api_key=Secret(key), timeout=1)
    assert not key or key not in str(caught.value)


def test_the_key_does_not_show_in_what_is_about_to_be_sent() -> None:
    for dialect in (Json2("books", KEY), JsonRpc("books", KEY, 5)):
        request = dialect.request(Call("res.partner", "write", [1], {"vals": {}}))
        assert KEY not in f"{dialect!r} {request!r}"


def test_arguments_are_given_as_each_dialect_wants_them() -> None:
    call = Call("res.partner", "write", (1, 2), {"vals": {"a": 1}, "context": {"lang": "en_US"}})
    assert orjson.loads(Json2("books", KEY).request(call).content) == {
        "ids": [1, 2],
        "vals": {"a": 1},
        "context": {"lang": "en_US"},
    }
    params = orjson.loads(JsonRpc("books", KEY, 5).request(call).content)["params"]
    assert params["args"][3:] == ["res.partner", "write", [[1, 2], {"a": 1}], {"context": {"lang": "en_US"}}]


@pytest.mark.parametrize(
    ("info", "number"),
    [([19, 0, 0, "final", 0, ""], 19), (["saas~18", 2, 0, "final", 0, "e"], 18), ([], None), (None, None), ("x", None)],
)
def test_the_version_is_read_from_what_servers_tell(info: Any, number: int | None) -> None:
    assert major(info) == number


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["name", "message", "data", "x"]), inner),
    max_leaves=6,
)


@given(JSON, st.sampled_from([400, 401, 403, 404, 413, 422, 429, 500, 503]))
def test_any_answer_at_all_is_some_error(value: Any, status: int) -> None:
    assert str(rpc_error(value, "target books: x")).startswith("target books: x")
    assert str(status_error(status, {}, orjson.dumps(value), "target books: x")).startswith("target books: x")
