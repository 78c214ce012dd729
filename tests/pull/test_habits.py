"""Servers with habits the documentation leaves open: where their lists end, how rows are lost, what has no events."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from .support import Puller, api_of

SIZE = 10
Reply = tuple[int, Any]


def bare(rows: list[Any], page: int, pages: int) -> Any:  # noqa: ARG001 - as every envelope is called
    return rows


@dataclass
class Habits:
    """A server of ``invoices`` and ``clients``, by id, with the habits of a test."""

    invoices: dict[str, str]
    """Id to status."""
    clients: int = 3
    archived: set[str] = field(default_factory=set)
    """Clients that the list leaves out."""
    lost: set[str] = field(default_factory=set)
    """Clients that are not there any more."""
    client_of: dict[str, str] = field(default_factory=dict)
    """Invoice to client, where it is not ``c0``."""
    envelope: Callable[[list[Any], int, int], Any] = bare
    past_end: Callable[[int, int], Reply | int] = lambda page, pages: (200, None)  # noqa: ARG005 - as it is called
    """A reply for a page past the end, or the number of the page shown instead; (200, None): an empty page."""
    shuffled: bool = False
    events: bool = True
    refuses_status: int | None = None
    """What a list of one status is answered with."""
    asked: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.random = random.Random(5)

    def reply(self, path: str, query: dict[str, list[str]]) -> Reply:
        parts = path.removeprefix("/api/v1/").split("/")
        self.asked[f"{parts[0]} {len(parts)}"] += 1
        if parts[0] == "business":
            return 200, {}
        rows = self.rows(parts[0], query.get("status", [None])[0])
        if len(parts) == 1:
            if self.refuses_status and "status" in query:
                return self.refuses_status, {"error": "status is not known"}
            return self.page([row for row in rows if row["id"] not in self.archived], int(query["page"][0]))
        found = [row for row in rows if row["id"] == parts[1]]
        if not found or len(parts) > 2:
            return 404, {}
        return 200, found[0] | {"lines": []} | ({"events": []} if self.events else {})

    def rows(self, kind: str, status: str | None) -> list[dict[str, Any]]:
        if kind == "clients":
            names = [f"c{number}" for number in range(self.clients) if f"c{number}" not in self.lost]
            moment = dict.fromkeys(self.archived, "2026-02-01T10:00:00Z")
            return [{"id": name, "name": "Client", "archived_at": moment.get(name)} for name in names]
        return [
            {"id": name, "number": name, "client_id": self.client_of.get(name, "c0"), "status": stands}
            for name, stands in self.invoices.items()
            if status in (None, stands)
        ]

    def page(self, rows: list[Any], page: int) -> Reply:
        if self.shuffled:
            self.random.shuffle(rows)
        pages = max(1, -(-len(rows) // SIZE))
        if page > pages:
            past = self.past_end(page, pages)
            if isinstance(past, tuple):
                return past if past != (200, None) else (200, self.envelope([], page, pages))
            page = past
        start = max(page - 1, 0) * SIZE
        return 200, self.envelope(rows[start : start + SIZE], page, pages)


def account(number: int, opened: int = 0) -> dict[str, str]:
    return {f"F-{each:04d}": "sent" if each < opened else "paid" for each in range(number)}


Serve = Callable[[Habits], Puller]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts a server with these habits, and gives a source on it that was never pulled."""
    with ExitStack() as stack:

        def begin(habits: Habits) -> Puller:
            class Answering(BaseHTTPRequestHandler):
                protocol_version = "HTTP/1.1"
                wbufsize = -1  # the answer leaves as a whole

                def do_GET(self) -> None:
                    url = urlsplit(self.path)
                    with lock:
                        status, value = habits.reply(url.path, parse_qs(url.query))
                    body = b"" if status == 204 else orjson.dumps(value)
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

                def log_message(self, *_: Any) -> None:
                    pass

            lock = threading.Lock()
            server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Answering))
            server.daemon_threads, server.block_on_close = True, False
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            api = api_of(f"http://127.0.0.1:{server.server_port}/api/v1", "ffk_x", attempts=2, sleep=lambda _: None)
            stack.callback(api.close)
            puller = Puller(tmp_path, api)
            stack.callback(puller.close)
            return puller

        yield begin


LIES: dict[str, Callable[[list[Any], int, int], Any]] = {
    "next": lambda rows, *_: {"data": rows, "next": None},
    "last_page": lambda rows, *_: {"data": rows, "meta": {"last_page": 1}},
    "has_more": lambda rows, *_: {"data": rows, "has_more": False},
    "total": lambda rows, *_: {"data": rows, "total": 0, "meta": {"total": 0, "last_page": 0}},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_list_goes_on_whatever_paging_information_says_of_its_end(serve: Serve, lie: str) -> None:
    habits = Habits(account(37, opened=25), envelope=LIES[lie])
    puller = serve(habits)
    puller.pull()
    assert set(puller.records("invoice")) == set(habits.invoices)
    habits.invoices |= {f"G-{each}": "sent" for each in range(15)}
    assert puller.pull().new == 15
    assert set(puller.records("invoice")) == set(habits.invoices)


def honest(rows: list[Any], page: int, pages: int) -> Any:
    return {"data": rows, "meta": {"last_page": pages, "current_page": page}}


def test_paging_information_found_right_saves_the_look_past_the_end_until_it_is_found_wrong(serve: Serve) -> None:
    habits = Habits(account(60, opened=25), envelope=honest)
    puller = serve(habits)
    puller.pull()
    assert puller.pull().requests["hot"] == 3 + 3
    habits.envelope = LIES["next"]
    puller.pull(full=True)
    assert puller.pull().requests["hot"] == 3 + 3 + 1
    assert set(puller.records("invoice")) == set(habits.invoices)


REFUSALS: dict[str, Callable[[int, int], Reply]] = {
    "422": lambda *_: (422, {"error": "no page"}),
    "400": lambda *_: (400, {"error": "no page"}),
    "204": lambda *_: (204, None),
}


@pytest.mark.parametrize("past", REFUSALS)
def test_a_page_past_the_end_may_be_refused_or_have_no_content(serve: Serve, past: str) -> None:
    habits = Habits(account(37, opened=25), past_end=REFUSALS[past])
    puller = serve(habits)
    puller.pull()
    puller.pull(full=True)
    assert set(puller.records("invoice")) == set(habits.invoices)


@pytest.mark.parametrize("envelope", [lambda rows, *_: rows or None, lambda rows, *_: {"data": rows or None}])
def test_an_empty_page_may_be_null(serve: Serve, envelope: Callable[..., Any]) -> None:
    habits = Habits(account(37, opened=25), envelope=envelope)
    puller = serve(habits)
    puller.pull()
    puller.pull(full=True)
    assert set(puller.records("invoice")) == set(habits.invoices)


@pytest.mark.parametrize("past", [lambda page, pages: (page - 1) % pages + 1, lambda _, pages: pages])
def test_a_walk_ends_where_rows_come_again_and_again_in_another_order(
    serve: Serve, past: Callable[[int, int], int]
) -> None:
    habits = Habits(account(40, opened=25), past_end=past, shuffled=True)
    puller = serve(habits)
    pulled = [puller.pull(), *(puller.pull(full=True) for _ in range(3)), *(puller.pull(after=300) for _ in range(9))]
    assert habits.asked["invoices 1"] < 60 * len(pulled)
    assert not any(one.holds for one in pulled)
    assert set(puller.records("invoice")) == set(habits.invoices)


@pytest.mark.parametrize(("before", "after", "opened"), [(24, 12, 0), (60, 25, 0), (40, 10, 40), (40, 10, 25)])
def test_a_list_of_twenty_or_more_that_lacks_a_third_is_a_hold_before_anything_is_asked_for(
    serve: Serve, before: int, after: int, opened: int
) -> None:
    habits = Habits(account(before, opened))
    puller = serve(habits)
    puller.pull()
    kept = dict(habits.invoices)
    habits.invoices = dict(list(kept.items())[before - after :])
    habits.asked.clear()
    pulled = puller.pull(full=True)
    assert [one.code for one in pulled.holds] == ["walk_too_short"]
    assert (pulled.gone, pulled.findings, pulled.requests.get("confirm", 0)) == (0, (), 0)
    assert habits.asked["invoices 2"] <= after
    assert [one.code for one in puller.pull().holds] == ["walk_too_short"]
    habits.invoices = kept
    pulled = puller.pull(full=True)
    assert (pulled.holds, pulled.gone) == ((), 0)
    assert set(puller.records("invoice")) == set(kept)


def test_an_ordinary_cycle_asks_for_few_of_the_open_invoices_where_most_are_lost(serve: Serve) -> None:
    habits = Habits(account(90, opened=60))
    puller = serve(habits)
    puller.pull()
    habits.invoices = {name: status for name, status in habits.invoices.items() if status == "paid" or name > "F-0054"}
    for _ in range(2):
        pulled = puller.pull()
        assert [one.code for one in pulled.holds] == ["walk_too_short"]
        assert (pulled.holds[0].parameters["seen"], pulled.gone) == ("5", 0)
        assert pulled.requests["confirm"] <= 20


def test_most_open_invoices_paid_at_once_are_no_hold(serve: Serve) -> None:
    habits = Habits(account(90, opened=60))
    puller = serve(habits)
    puller.pull()
    habits.invoices = dict.fromkeys(habits.invoices, "paid")
    pulled = puller.pull()
    assert (pulled.holds, pulled.changed) == ((), 60)


def test_fewer_than_twenty_that_are_lost_are_asked_for_one_by_one(serve: Serve) -> None:
    habits = Habits(account(15), clients=6)
    puller = serve(habits)
    puller.pull()
    habits.clients = 0
    pulled = puller.pull(full=True)
    assert (pulled.holds, pulled.gone, pulled.requests["confirm"]) == ((), 6, 6)


def test_an_invoice_without_events_anywhere_is_read_without_events(serve: Serve) -> None:
    puller = serve(Habits(account(5), events=False))
    pulled = puller.pull()
    assert pulled.findings == ()
    assert all(raw["events"] == [] for raw in puller.records("invoice").values())


def test_an_archived_client_that_the_list_leaves_out_is_kept_and_asked_for_once(serve: Serve) -> None:
    habits = Habits(account(5), clients=24)
    puller = serve(habits)
    puller.pull()
    habits.archived = {"c3", "c7"}
    pulled = puller.pull(after=61)
    assert (pulled.holds, pulled.gone, pulled.changed, pulled.requests["confirm"]) == ((), 0, 2, 2)
    assert puller.records("client")["c3"]["archived_at"]
    assert puller.changed_since(pulled.revision - 2) == {"c3", "c7"}
    for _ in range(3):
        pulled = puller.pull(after=61)
        assert (pulled.changed, pulled.requests.get("confirm", 0)) == (0, 0)
    habits.archived = {"c3"}
    pulled = puller.pull(after=61)
    assert (pulled.changed, pulled.requests.get("confirm", 0)) == (1, 0)
    assert puller.records("client")["c7"]["archived_at"] is None


def test_many_clients_archived_at_once_are_a_hold_that_is_over_once_it_was_released(serve: Serve) -> None:
    habits = Habits(account(5), clients=24)
    puller = serve(habits)
    puller.pull()
    habits.archived = {f"c{number}" for number in range(9)}
    assert [one.code for one in puller.pull(after=61).holds] == ["walk_too_short"]
    pulled = puller.pull(released=frozenset({"walk_too_short"}))
    assert (pulled.holds, pulled.gone, pulled.changed) == ((), 0, 9)
    for full in (False, True):
        pulled = puller.pull(after=61, full=full)
        assert (pulled.holds, pulled.requests.get("confirm", 0)) == ((), 0)


def test_clients_archived_before_the_first_load_that_invoices_name_are_not_missing_in_later_rounds(
    serve: Serve,
) -> None:
    habits = Habits(account(5), clients=24, archived={f"c{number}" for number in range(15)})
    habits.client_of = {f"F-{number:04d}": f"c{number}" for number in range(5)}
    puller = serve(habits)
    puller.pull()
    assert set(puller.records("client")) >= set(habits.client_of.values())
    pulled = puller.pull(after=61)
    assert (pulled.holds, pulled.requests.get("confirm", 0)) == ((), 0)


def test_archived_clients_left_out_do_not_hide_that_all_others_are_lost(serve: Serve) -> None:
    habits = Habits(account(5), clients=90)
    puller = serve(habits)
    puller.pull()
    habits.archived = {f"c{number}" for number in range(65)}
    puller.pull(after=61)
    puller.pull(released=frozenset({"walk_too_short"}))
    habits.lost = {f"c{number}" for number in range(65, 90)}
    pulled = puller.pull(after=61)
    assert [one.code for one in pulled.holds] == ["walk_too_short"]
    assert pulled.holds[0].parameters == {"kind": "client", "seen": "0", "known": "25"}


@pytest.mark.parametrize("status", [400, 422])
def test_a_status_filter_that_is_refused_counts_as_one_that_is_ignored(serve: Serve, status: int) -> None:
    habits = Habits(account(37, opened=25), refuses_status=status)
    puller = serve(habits)
    puller.pull()
    puller.pull()
    assert puller.learnt("ignored_at") is not None
    assert puller.pull().requests.get("hot", 0) == 0
    habits.invoices["F-0001"] = "paid"
    puller.pull(after=24 * 60)
    assert puller.records("invoice")["F-0001"]["status"] == "paid"
    habits.refuses_status = None
    puller.pull(after=25 * 60)
    assert puller.learnt("ignored_at") is None


def test_a_server_that_has_no_page_for_a_status_without_invoices_does_not_ignore_the_filter(serve: Serve) -> None:
    puller = serve(Habits(account(15), refuses_status=404))
    puller.pull()
    puller.pull()
    assert puller.learnt("ignored_at") is None
