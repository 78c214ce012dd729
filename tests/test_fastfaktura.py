"""FastFaktura's client against the sandbox, and the reading of lists in all the ways they may come."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any, get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import Invalid, Missing, Refused, Unreachable
from syncd.fastfaktura import FastFaktura, Listing, ListKind, read_listing
from syncd.http import Http
from syncd.sandbox.data import made_up
from syncd.sandbox.options import Envelope, Etag, Fault, FaultKind, Options, Paging, Put
from syncd.sandbox.server import Sandbox
from tests.over_http.server import KEY, client, says, serving

Given = tuple[Sandbox, FastFaktura]

ROWS: list[Any] = [{"id": "a"}, {"id": "b"}]


@contextmanager
def account(options: Options | None = None, headers: dict[str, str] | None = None) -> Iterator[Given]:
    data = made_up(3, clients=7, invoices=11, today=date(2026, 6, 1))
    with Sandbox(options, data) as sandbox:
        given = headers or {"X-Api-Key": sandbox.key}
        with Http(
            name="source main", base_url=sandbox.base_url, headers=given, attempts=3, sleep=lambda _: None
        ) as http:
            yield sandbox, FastFaktura(http)


@pytest.fixture(scope="module")
def shared() -> Iterator[Given]:
    """One account for the tests that only add to it."""
    with account() as both:
        yield both


def some_client(api: FastFaktura) -> dict[str, Any]:
    return next(row for row in api.clients(1).rows if row["archived_at"] is None)


def walked(api: FastFaktura, kind: str, first: int) -> list[Listing]:
    """The pages of a list as far as paging information reaches, or else until one is empty."""
    pages: list[Listing] = []
    for number in range(first, first + 20):
        page = api.clients(number) if kind == "client" else api.invoices(number)
        if not page.rows:
            return pages
        pages.append(page)
        if page.last:
            return pages
    raise AssertionError("the list does not end")


def test_the_profile_is_read_and_changed(shared: Given) -> None:
    _, api = shared
    profile = api.business()
    assert api.put_business({**profile, "name": "Ærlig & Co"})["name"] == "Ærlig & Co"
    assert api.business() == {**profile, "name": "Ærlig & Co"}


def test_a_client_is_created_found_read_edited_and_archived(shared: Given) -> None:
    _, api = shared
    created = api.create_client({"name": "Søstrene Å+B", "email": "ab@example.com", "locale": "nb", "tags": ["x"]})
    assert [row["id"] for row in api.clients(1, "søstrene å+b").rows] == [created["id"]]
    assert orjson.loads(api.client(created["id"]))["email"] == "ab@example.com"
    assert api.edit_client(created["id"], {**created, "name": "Å"})["name"] == "Å"
    assert api.archive_client(created["id"])["archived_at"]
    assert orjson.loads(api.client(created["id"]))["archived_at"]


def test_an_invoice_is_created_sent_reminded_and_read_with_its_events(shared: Given) -> None:
    _, api = shared
    line = {"description": "Consulting", "quantity": 1, "unit_price_cents": 50000, "tax_rate": 20}
    created = api.create_invoice({"client_id": some_client(api)["id"], "currency": "EUR", "lines": [line]})
    assert (created["subtotal_cents"], created["tax_cents"], created["total_cents"]) == (50000, 10000, 60000)
    api.send(created["id"], ["email", "link"])
    api.send(created["id"], ["sms"], reminder=True)
    answer = api.invoice(created["id"])
    assert answer is not None
    detail = answer.record
    assert (detail["status"], detail["lines"]) == ("sent", [line])
    assert detail["events"] == api.events(created["id"])
    assert len(detail["events"]) >= 3


def test_the_pdf_comes_as_it_is(shared: Given) -> None:
    _, api = shared
    assert api.pdf(api.invoices(1).rows[0]["id"]).startswith(b"%PDF-")


def test_invoices_are_listed_by_status(shared: Given) -> None:
    _, api = shared
    assert {row["status"] for row in api.invoices(1, "paid").rows} == {"paid"}


@pytest.mark.parametrize("name", ["../../_sandbox/dump", "a b", "å", "x?y=1", "%2e%2e", "", ".", ".."])
def test_an_odd_id_is_a_missing_record_and_nothing_else(shared: Given, name: str) -> None:
    _, api = shared
    for call in (api.client, api.invoice, api.archive_client, api.pdf, api.events):
        with pytest.raises(Missing):
            call(name)
    assert api.business()


def test_an_id_never_becomes_another_path() -> None:
    with serving() as server, client(server) as http:
        FastFaktura(http).edit_client("../../x%2e?y#z", {})
    assert server.seen[0][1] == "/api/v1/clients/..%2F..%2Fx%252e%3Fy%23z"


def test_what_the_server_finds_wrong_is_told(shared: Given) -> None:
    _, api = shared
    with pytest.raises(Invalid, match=r"source main: POST /clients was refused \(422\): .*name"):
        api.create_client({"email": "x@example.com"})


@pytest.mark.parametrize("header", [{"X-Api-Key": "{}"}, {"Authorization": "Bearer {}"}])
def test_both_ways_of_authentication_are_equivalent(header: dict[str, str]) -> None:
    with account(headers={name: value.format("ffk_sandbox") for name, value in header.items()}) as (_, api):
        assert api.business()["name"]
    with (
        account(headers={name: value.format("ffk_wrong") for name, value in header.items()}) as (_, api),
        pytest.raises(Refused, match="source main") as caught,
    ):
        api.business()
    assert "ffk_wrong" not in str(caught.value)


@pytest.mark.parametrize("kind", ["post", "send"])
def test_what_would_be_created_or_sent_twice_is_sent_once(kind: str) -> None:
    with account(Options(faults=(Fault(kind="drop_after", method="POST", times=1),))) as (sandbox, api):
        invoice = next(row["id"] for row in api.invoices(1).rows if row["status"] == "draft")
        sandbox.traffic.reset()
        with pytest.raises(Unreachable):
            api.create_client({"name": "Once"}) if kind == "post" else api.send(invoice, ["email"])
        assert sandbox.traffic.total == 1
        assert kind == "send" or len(api.clients(1, "Once").rows) == 1


@pytest.mark.parametrize(
    "kind", ["drop_before", "drop_after", "drop_midway", "status_5xx", "html_error", "truncated_json"]
)
def test_reads_edits_and_archiving_survive_a_lost_answer(kind: FaultKind) -> None:
    with account() as (sandbox, api):
        one = some_client(api)
        calls: list[Callable[[], object]] = [lambda: api.client(one["id"]), lambda: api.invoices(1)]
        if kind != "truncated_json":
            calls += [lambda: api.edit_client(one["id"], one), lambda: api.archive_client(one["id"])]
        for call in calls:
            sandbox.change(faults=[Fault(kind=kind, times=1)])
            sandbox.traffic.reset()
            call()
            assert sandbox.traffic.total == 2


@pytest.mark.parametrize("kind", ["etag", "last_modified"])
def test_what_did_not_change_is_not_sent_again(kind: Etag) -> None:
    with account(Options(etag=kind)) as (sandbox, api):
        page = api.invoices(1, "paid")
        again = api.invoices(1, "paid", validators=page.validators)
        assert (again.not_modified, again.rows, again.validators) == (True, [], page.validators)
        clients = api.clients(1)
        assert api.clients(1, validators=clients.validators).not_modified
        name = page.rows[0]["id"]
        first = api.invoice(name)
        assert first is not None
        kept = tuple(orjson.loads(orjson.dumps(first.validators)))
        assert api.invoice(name, validators=(kept[0], kept[1])) is None
        sandbox.account.send(name, ["email"], reminder=True)
        assert api.invoice(name, validators=first.validators) is not None


@pytest.mark.parametrize("put", ["merge", "replace"])
def test_one_field_of_a_client_is_changed_and_the_rest_kept(put: Put) -> None:
    with account(Options(put=put)) as (sandbox, api):
        one = some_client(api)
        assert api.change_client(one["id"], "external_id", "QB-7") is None
        assert orjson.loads(api.client(one["id"])) == {**one, "external_id": "QB-7"}
        sandbox.traffic.reset()
        assert api.change_client(one["id"], "external_id", "QB-7") is None
        assert "PUT /clients/{id}" not in sandbox.traffic.counts


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b'{"id": "x", "name": "N", "email": "e", "external_id": null}', "did not take external_id = 'QB-7'"),
        (b'{"id": "x", "external_id": "QB-7"}', "lost name, email when external_id was changed"),
        (b'{"id": "x", "name": "N", "email": null, "external_id": "QB-7"}', "lost email when"),
        (b'{"data": {"id": "x", "name": "N", "email": "e", "external_id": "QB-7", "updated": 1}}', None),
    ],
)
def test_a_field_that_is_not_taken_and_others_that_get_lost_are_told(answer: bytes, said: str | None) -> None:
    before = b'{"id": "x", "name": "N", "email": "e", "phone": null}'
    with serving(says(200, before), says(200, answer)) as server, client(server) as http:
        told = FastFaktura(http).change_client("x", "external_id", "QB-7")
    assert orjson.loads(server.seen[1][2]) == {**orjson.loads(before), "external_id": "QB-7"}
    assert told is None if said is None else told is not None and said in told


def test_where_a_change_is_answered_with_nothing_the_client_is_read_again() -> None:
    after = says(200, b'{"id": "x", "name": "New"}')
    with serving(says(200, b'{"id": "x", "name": "N"}'), says(204, b""), after) as server, client(server) as http:
        assert FastFaktura(http).change_client("x", "name", "New") is None
    assert [seen[0] for seen in server.seen] == ["GET", "PUT", "GET"]


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("paging", get_args(Paging))
@pytest.mark.parametrize("envelope", get_args(Envelope))
def test_every_list_of_the_sandbox_is_read_to_its_end_and_no_further(envelope: Any, paging: Any, first: int) -> None:
    options = Options(page_size=3, envelope=envelope, paging=paging, first_page=first, past_end="not_found")
    with account(options) as (_, api):
        for kind, number in (("client", 7), ("invoice", 11)):
            try:
                pages = walked(api, kind, first)
            except Missing:
                assert envelope == "bare" or paging in ("none", "total", "pagination")
                continue
            assert sum(len(page.rows) for page in pages) == number
            assert [page.last for page in pages[:-1]] == [False] * (len(pages) - 1)


@pytest.mark.parametrize(
    "body",
    [
        ROWS,
        {"data": ROWS},
        {"items": ROWS},
        {"results": ROWS, "data": {"x": 1}},
        {"invoices": ROWS, "clients": [{"id": "c"}]},
        {"data": {"invoices": ROWS}},
        {"data": {"items": ROWS}, "ok": True},
    ],
)
def test_rows_are_found_in_every_wrapping(body: Any) -> None:
    assert read_listing(body, 1, "invoice").rows == ROWS


@pytest.mark.parametrize(
    "body",
    [
        True,
        7,
        "rows",
        {},
        {"error": "x"},
        {"data": None, "error": "x"},
        {"data": "x"},
        {"clients": []},
        {"data": {"error": []}},
    ],
)
def test_what_holds_no_list_is_no_empty_list(body: Any) -> None:
    with pytest.raises(Unreachable, match="no list of invoices was found in the answer"):
        read_listing(body, 1, "invoice")


@pytest.mark.parametrize("body", [None, {"data": None}, {"invoices": None, "total": 0}, {"data": {"items": None}}])
def test_null_in_the_place_of_a_list_is_an_empty_one(body: Any) -> None:
    assert read_listing(body, 1, "invoice").rows == []


def test_no_content_is_an_empty_list_and_no_record() -> None:
    with serving(says(204, b"")) as server, client(server) as http:
        api = FastFaktura(http)
        assert (api.invoices(2).rows, api.clients(2).rows, api.events("x")) == ([], [], [])
        for call in (lambda: api.client("x"), lambda: api.invoice("x")):
            with pytest.raises(Invalid, match="instead of one"):
                call()


def test_an_empty_answer_that_should_have_content_is_no_empty_list() -> None:
    with (
        serving(says(200, b"")) as server,
        client(server) as http,
        pytest.raises(Unreachable, match="0 bytes that are no whole JSON"),
    ):
        FastFaktura(http).invoices(2)


def test_rows_that_are_no_objects_are_handed_on() -> None:
    assert read_listing([None, 1, {"id": "a"}], 1, "invoice").rows == [None, 1, {"id": "a"}]


URL = "https://x.example/api/v1/invoices?status=paid&page="


@pytest.mark.parametrize(
    ("about", "page", "last"),
    [
        ({}, 1, None),
        ({"meta": {"current_page": 1, "last_page": 3}}, 1, False),
        ({"meta": {"current_page": 3, "last_page": 3}}, 3, True),
        ({"meta": {"current_page": "3", "last_page": "3"}}, 3, True),
        ({"meta": {"pagination": {"page": 2, "total_pages": 3}}}, 2, False),
        ({"meta": {"last_page": 2}}, 2, True),
        ({"pagination": {"page": 2, "pages": 2}}, 2, True),
        ({"pagination": {"has_more": True}}, 9, False),
        ({"pagination": {"has_more": False}}, 1, True),
        ({"pagination": {"next": None}}, 1, True),
        ({"pagination": {"next": 2}}, 1, False),
        ({"next": None}, 1, True),
        ({"next": ""}, 1, True),
        ({"next": False}, 1, True),
        ({"next": URL + "2"}, 1, False),
        ({"next": {"cursor": "x"}}, 1, False),
        ({"next": {"href": None}}, 1, True),
        ({"next_page_url": None}, 1, True),
        ({"links": {"next": URL + "2", "prev": None}}, 1, False),
        ({"links": {"next": None, "prev": URL + "1"}}, 2, True),
        ({"links": {"prev": URL + "1"}}, 2, True),
        ({"links": {"first": URL + "1", "last": URL + "2"}}, 1, False),
        ({"links": {"first": URL + "1", "last": URL + "2"}}, 2, True),
        ({"_links": {"next": {"href": URL + "2"}}}, 1, False),
        ({"links": {"self": URL + "1"}}, 1, None),
        ({"links": {"last": "https://x.example/last"}}, 1, None),
        # Numbers of rows, believed as far as the rows bear them out.
        ({"total": 2}, 1, None),
        ({"total": 2, "per_page": 50}, 1, True),
        ({"total": 3, "per_page": 2}, 1, False),
        ({"total": 4, "per_page": 2}, 2, True),
        ({"total": 2, "per_page": 2}, 1, None),
        ({"total": 52, "per_page": 50}, 2, True),
        ({"total": 200, "per_page": 100}, 2, False),
        ({"total": 150, "per_page": 100}, 3, None),
        ({"total": 5, "per_page": 0}, 1, None),
        # What contradicts itself is not the end.
        ({"meta": {"current_page": 2, "last_page": 2}, "links": {"next": URL + "3"}}, 2, False),
        ({"has_more": False, "next": 3}, 2, True),
        ({"next": None, "pagination": {"page": 1, "pages": 4}}, 1, False),
        # What cannot be understood says nothing.
        ({"next": 0, "pages": [1, 2], "total": "many", "meta": None, "links": []}, 1, None),
        ({"meta": {"last_page": -1, "current_page": True}}, 1, None),
    ],
)
def test_paging_information_is_read_in_its_many_dialects(about: dict[str, Any], page: int, last: bool | None) -> None:
    assert read_listing({"data": ROWS, **about}, page, "invoice").last is last


@pytest.mark.parametrize(
    ("link", "last"),
    [
        (f'<{URL}3>; rel="next", <{URL}9>; rel="last"', False),
        (f'<{URL}1>; rel="prev", <{URL}1>; rel="first"', True),
        (f"<{URL}3>; title=x; REL=next", False),
        (f'<{URL}2>; rel="first last"', True),
        (f'<{URL}1>; rel="canonical"', None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_the_link_header_is_read(link: str, last: bool | None) -> None:
    assert read_listing(ROWS, 2, "invoice", {"link": link}).last is last


def test_numbers_of_rows_and_pages_are_reported() -> None:
    listing = read_listing({"items": ROWS, "meta": {"total": "41", "last_page": 21}}, 1, "invoice")
    assert listing.total == 41
    assert read_listing(ROWS, 1, "invoice", {"x-total-count": "41"}).total == 41


def test_a_validator_that_cannot_be_sent_back_is_not_kept() -> None:
    headers = {"etag": '"å"', "last-modified": "Mon, 01 Jun 2026 00:00:00 GMT"}
    assert read_listing(ROWS, 1, "invoice", headers).validators == (None, "Mon, 01 Jun 2026 00:00:00 GMT")


NAMES = st.sampled_from(
    [
        *("data", "items", "results", "clients", "invoices", "meta", "pagination", "links", "page", "next", "prev"),
        *("last", "total", "per_page", "last_page", "has_more", "href", "url", "current_page", "total_pages", "pages"),
    ]
)
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([URL + "2", "http://[", "7"])
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(), inner, max_size=6),
    max_leaves=40,
)


@given(
    JSON,
    st.integers(min_value=0, max_value=3),
    st.sampled_from(get_args(ListKind)),
    st.dictionaries(st.sampled_from(["link", "x-total-count", "etag", "last-modified"]), st.text()),
)
def test_any_json_is_a_list_or_unreachable(body: Any, page: int, kind: ListKind, headers: dict[str, str]) -> None:
    with contextlib.suppress(Unreachable):
        listing = read_listing(body, page, kind, headers)
        assert isinstance(listing.rows, list)
        assert listing.last in (None, True, False)


@pytest.mark.parametrize("body", [b"[]", b"null", b"7", b'"x"'])
def test_a_record_that_is_none_is_an_error_of_that_record_alone(body: bytes) -> None:
    with serving(says(200, body)) as server, client(server) as http:
        api = FastFaktura(http)
        for call in (api.business, lambda: api.client("x"), lambda: api.invoice("x")):
            with pytest.raises(Invalid, match="instead of one"):
                call()


def test_a_wrapped_record_is_handed_on_without_its_wrapping() -> None:
    with serving(says(200, b'{"data": {"id": "x", "data": {}}}')) as server, client(server) as http:
        answer = FastFaktura(http).invoice("x")
    assert answer is not None
    assert answer.record == orjson.loads(answer.text) == {"id": "x", "data": {}}


def test_a_list_that_is_none_is_told_without_the_key() -> None:
    with (
        serving(says(200, orjson.dumps({KEY: 1}))) as server,
        client(server) as http,
        pytest.raises(Unreachable, match="source main: GET /invoices: no list of invoices") as caught,
    ):
        FastFaktura(http).invoices(1)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<html>", "that is no PDF"),
        (b"", "that is no PDF"),
        (b"<html>%PDF-1.7 %%EOF", "that is no PDF"),
        (b"%PDF-1.7 and then no more", "cut off"),
    ],
)
def test_a_page_that_is_no_whole_pdf_is_told(body: bytes, told: str) -> None:
    with (
        serving(says(200, body)) as server,
        client(server) as http,
        pytest.raises(Invalid, match=told),
    ):
        FastFaktura(http).pdf("x")
