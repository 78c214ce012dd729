"""Payloads of FastFaktura: read liberally, rejected by name, never with an exception."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.connector import FIELDS
from syncd.content import client_content, invoice_content, payment_content, tags_text
from syncd.model import Client, Invoice, Line, Rejection
from syncd.payload import (
    CLIENT_FIELDS,
    INVOICE_FIELDS,
    ISSUE_KEYS,
    LINE_FIELDS,
    fingerprint_detail,
    fingerprint_row,
    read_client,
    read_invoice,
    record_id,
    row_client_id,
    row_number,
    row_status,
)

OSLO = ZoneInfo("Europe/Oslo")
NEW_YORK = ZoneInfo("America/New_York")
LATE = "2026-03-01T23:30:00Z"
"""Already 2 March in Oslo, still 1 March in New York."""

CLIENT: dict[str, Any] = {
    "id": "c1",
    "name": "Fjord AS",
    "email": "post@fjord.example",
    "phone": "+4722000000",
    "address": "Storgata 1\n0155 Oslo",
    "country": "NO",
    "locale": "nb",
    "external_id": None,
    "tags": ["a", "b"],
    "archived_at": None,
}
INVOICE: dict[str, Any] = {
    "id": "i1",
    "number": "2026-0001",
    "client_id": "c1",
    "currency": "NOK",
    "subtotal_cents": 50_000,
    "tax_cents": 10_000,
    "total_cents": 60_000,
    "status": "sent",
    "due_date": "2026-03-31",
    "public_url": "https://pay.example/i1?signature=1",
    "notes": "Thank you",
    "lines": [{"description": "Consulting", "quantity": 1, "unit_price_cents": 50_000, "tax_rate": 20}],
    "events": [{"id": "e1", "type": "sent", "created_at": LATE}],
}

TEXT = st.text(st.characters(), max_size=12)
SCALARS = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), TEXT),
    st.sampled_from(["2026-02-30", "0001-01-01", "9999-12-31T23:59:59-12:00", 1e308, 10**18]),
)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=8)


def invoice_of(zone: ZoneInfo = OSLO, **changes: Any) -> Invoice:
    found = read_invoice({**INVOICE, **changes}, zone)
    assert isinstance(found, Invoice), found
    return found


def refused(**changes: Any) -> tuple[str, dict[str, str]]:
    found = read_invoice({**INVOICE, **changes}, OSLO)
    assert isinstance(found, Rejection), found
    return found.code, dict(found.parameters)


def line_of(**changes: Any) -> list[dict[str, Any]]:
    return [{**INVOICE["lines"][0], **changes}]


# -- what is documented ---------------------------------------------------------------------------


def test_a_documented_invoice_is_read_whole() -> None:
    found = invoice_of()
    assert (found.id, found.number, found.client_id, found.currency) == (
        *("i1", "2026-0001"),
        *("c1", "NOK"),
    )
    assert (found.subtotal, found.tax, found.total, found.status) == (
        50_000,
        10_000,
        60_000,
        "sent",
    )
    assert (found.issue_date, found.due_date, found.paid_date) == (
        *(date(2026, 3, 2), date(2026, 3, 31)),
        None,
    )
    assert found.lines == (Line("Consulting", "1", 50_000, "20"),)
    assert found.events[0].at == datetime(2026, 3, 1, 23, 30, tzinfo=UTC)


def test_a_documented_client_is_read_whole() -> None:
    found = read_client({**CLIENT, "archived_at": "2026-03-01T10:00:00+01:00"})
    assert found == Client(
        *("c1", "Fjord AS", "post@fjord.example", "+4722000000", "Storgata 1\n0155 Oslo", "NO"),
        *("nb", None, ("a", "b"), datetime(2026, 3, 1, 9, tzinfo=UTC)),
    )


def test_a_client_of_nothing_but_id_and_name_is_one() -> None:
    assert read_client({"id": 7, "name": ""}) == Client("7", "")


def test_an_unknown_locale_is_only_text() -> None:
    found = read_client({**CLIENT, "locale": "nl"})
    assert isinstance(found, Client)
    assert found.locale == "nl"


@pytest.mark.parametrize("archived", [None, "", False, 0])
def test_a_client_with_no_time_of_archiving_is_not_archived(archived: Any) -> None:
    assert read_client({**CLIENT, "archived_at": archived}) == read_client(CLIENT)


def test_whole_numbers_may_be_spelled_with_decimals_and_ids_as_numbers() -> None:
    found = invoice_of(
        id=5,
        number=2026001,
        client_id=6,
        subtotal_cents=50_000.0,
        lines=line_of(quantity=1.0, unit_price_cents=50_000.0, tax_rate=20.0),
    )
    assert (found.id, found.number, found.client_id) == ("5", "2026001", "6")
    assert (found.subtotal, found.lines) == (50_000, (Line("Consulting", "1", 50_000, "20"),))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.5, "0.5"),
        (-2, "-2"),
        (-0.0, "0"),
        (1e-7, "0.0000001"),
        (0.1, "0.1"),
        (123456.78, "123456.78"),
    ],
)
def test_quantities_and_rates_are_plain_decimals(number: float, text: str) -> None:
    lines = invoice_of(lines=line_of(quantity=number, tax_rate=number)).lines
    assert lines == (Line("Consulting", text, 50_000, text),)


@pytest.mark.parametrize("status", ["draft", "cancelled"])
@pytest.mark.parametrize("number", [None, ""])
def test_what_was_never_issued_needs_no_number(status: str, number: str | None) -> None:
    assert invoice_of(status=status, number=number).number == ""


def test_an_issued_invoice_says_its_number_though_it_may_be_empty() -> None:
    assert refused(number=None)[0] == "missing_field"
    assert invoice_of(number="").number == ""


def test_a_list_may_be_wrapped() -> None:
    wrapped = invoice_of(lines={"data": INVOICE["lines"]}, events={"items": INVOICE["events"], "total": 1})
    assert wrapped == invoice_of()


def test_without_events_the_timeline_is_empty() -> None:
    bare = {key: value for key, value in INVOICE.items() if key not in ("events", "public_url")}
    found = read_invoice(bare, OSLO)
    assert isinstance(found, Invoice)
    assert (found.events, found.issue_date, found.public_url) == ((), None, None)


def test_text_is_kept_as_it_is() -> None:
    awkward = "nul \0, half \ud83d, =cmd()"
    assert invoice_of(notes=awkward).notes == awkward


# -- dates ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ISSUE_KEYS)
def test_an_explicit_issue_date_goes_before_the_sending_event(key: str) -> None:
    given: dict[str, Any] = {key: "2026-01-31"}
    assert invoice_of(**given).issue_date == date(2026, 1, 31)


def test_explicit_issue_dates_have_an_order() -> None:
    given: dict[str, Any] = {}
    for day, key in enumerate(reversed(ISSUE_KEYS), 1):
        given[key] = f"2026-01-{day:02d}"
        assert invoice_of(**given).issue_date == date(2026, 1, day)


def test_the_first_sending_dates_the_invoice_and_then_its_creation() -> None:
    sent = [{"type": "sent", "at": f"2026-03-{day}T12:00:00Z"} for day in ("09", "05", "07")]
    assert invoice_of(events=sent, created_at="2026-01-01").issue_date == date(2026, 3, 5)
    assert invoice_of(events=[], created_at="2026-01-01").issue_date == date(2026, 1, 1)
    assert invoice_of(events=[]).issue_date is None


def test_the_paying_event_goes_before_paid_at() -> None:
    paid = [{"type": "paid", "at": "2026-04-01T12:00:00Z"}]
    assert invoice_of(status="paid", events=paid, paid_at="2026-05-01").paid_date == date(2026, 4, 1)
    assert invoice_of(status="paid", events=[], paid_at="2026-05-01").paid_date == date(2026, 5, 1)
    assert invoice_of(status="paid", events=[]).paid_date is None


def test_an_invoice_paid_twice_was_settled_the_second_time() -> None:
    paid = [{"type": "paid", "at": f"2026-04-{day}T12:00:00Z"} for day in ("20", "01")]
    assert invoice_of(status="paid", events=paid).paid_date == date(2026, 4, 20)


def test_only_a_paid_invoice_has_a_paying_date() -> None:
    paid = [{"type": "paid", "at": "2026-04-01T12:00:00Z"}]
    assert invoice_of(status="overdue", events=paid, paid_at="2026-04-01").paid_date is None


@pytest.mark.parametrize(
    "written",
    [
        *(LATE, "2026-03-02T00:30:00+01:00", "2026-03-01T23:30:00", "2026-03-01 23:30:00"),
        *("2026-03-01T23:30:00.000Z", 1772407800, 1772407800.0, 1772407800000),
        *(
            "2026-03-01t23:30:00z",
            "2026-03-01 23:30:00 UTC",
            "2026-03-01T23:30:00.000 gmt",
            "2026-03-02t00:30:00+01:00",
        ),
        *("Sun, 01 Mar 2026 23:30:00 GMT", "Mon, 2 Mar 2026 00:30:00 +0100", "1 Mar 2026 23:30 UTC"),
    ],
)
def test_a_date_is_that_of_the_time_in_the_sources_zone(written: Any) -> None:
    assert invoice_of(OSLO, issued_at=written).issue_date == date(2026, 3, 2)
    assert invoice_of(NEW_YORK, issued_at=written).issue_date == date(2026, 3, 1)


@pytest.mark.parametrize("written", ["2026-03-02", "20260302", " 2026-03-02 "])
@pytest.mark.parametrize("zone", [OSLO, NEW_YORK, ZoneInfo("Pacific/Kiritimati")])
def test_a_date_alone_is_that_date_in_every_zone(written: str, zone: ZoneInfo) -> None:
    event = [{"type": "sent", "date": written}]
    assert invoice_of(zone, issue_date=written).issue_date == date(2026, 3, 2)
    assert invoice_of(zone, events=event).issue_date == date(2026, 3, 2)


@pytest.mark.parametrize(
    "written",
    [
        *("soon", "2026-02-30", "02.03.2026", "0001-01-01T00:00:00Z", True, 1e300, []),
        *(
            "Mon, 02 Mar 2026 00:30:00 CET",
            "30 Feb 2026 10:00:00 GMT",
            "2026-03-02T00:30:00+01:00 UTC",
            "2026-03-02 UTC",
        ),
    ],
)
@pytest.mark.parametrize("key", ["due_date", "issue_date"])
def test_a_date_beyond_understanding_is_refused_by_name(key: str, written: Any) -> None:
    code, parameters = refused(**{key: written})
    assert (code, parameters["field"]) == ("unreadable", key)


# -- events ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["type", "event", "kind", "name", "status"])
@pytest.mark.parametrize("kind", ["sent", "invoice.sent", "Invoice.Sent"])
@pytest.mark.parametrize("when", ["created_at", "occurred_at", "timestamp", "at", "date"])
def test_an_event_is_read_in_every_shape(key: str, kind: str, when: str) -> None:
    found = invoice_of(events=[{key: kind, when: LATE}])
    assert (found.events[0].kind, found.issue_date) == ("sent", date(2026, 3, 2))


def test_an_events_data_is_all_of_it_in_one_form() -> None:
    one = {"type": "sent", "at": LATE, "extra": {"b": [1.0], "a": None}}
    other = {"extra": {"a": None, "b": [1]}, "at": LATE, "type": "sent"}
    found = invoice_of(events=[one]).events[0]
    assert found == invoice_of(events=[other]).events[0]
    assert json.loads(found.data) == one


def test_an_event_without_id_is_known_by_its_content() -> None:
    first, second = {"type": "sent", "at": LATE}, {"type": "opened", "at": LATE}
    there = invoice_of(events=[first, second]).events
    back = invoice_of(events=[second, first]).events
    assert there == back[::-1]
    assert there[0].id != there[1].id


def test_equal_events_without_id_are_numbered() -> None:
    ids = [event.id for event in invoice_of(events=[{"type": "opened"}] * 3).events]
    assert ids == [ids[0], f"{ids[0]}-2", f"{ids[0]}-3"]


def test_an_event_shown_twice_under_its_id_is_one_and_different_ones_are_two() -> None:
    one, other = {"id": 1, "type": "opened"}, {"id": 1, "type": "paid"}
    assert [event.id for event in invoice_of(events=[one, one, other]).events] == ["1", "1-2"]


def test_an_event_without_kind_or_time_is_kept() -> None:
    event = invoice_of(events=[{"id": "e", "what": "?"}]).events[0]
    assert (event.kind, event.at) == ("", None)


def test_an_event_is_dated_by_the_first_time_that_is_understood() -> None:
    found = invoice_of(events=[{"type": "sent", "created_at": "just now", "at": LATE}])
    assert found.issue_date == date(2026, 3, 2)
    for kind in ("sent", "invoice.paid"):
        code, parameters = refused(events=[{"type": kind, "created_at": "just now"}])
        assert (code, parameters["field"]) == ("unreadable", "events.1.created_at")


def test_a_time_that_is_not_understood_of_an_event_that_dates_nothing_keeps_no_invoice_out() -> None:
    found = invoice_of(events=[*INVOICE["events"], {"id": "e2", "type": "viewed", "at": "yesterday"}])
    assert (found.events[1].at, json.loads(found.events[1].data)["at"]) == (None, "yesterday")
    assert found.issue_date == invoice_of().issue_date


# -- what is rejected -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        *("id", "number", "client_id", "currency", "subtotal_cents", "tax_cents", "total_cents"),
        *("status", "lines"),
    ],
)
def test_a_missing_field_is_named(key: str) -> None:
    bare = {name: value for name, value in INVOICE.items() if name != key}
    for raw in (bare, {**INVOICE, key: None}):
        found = read_invoice(raw, OSLO)
        assert isinstance(found, Rejection)
        assert (found.code, found.parameters[0]) == ("missing_field", ("field", key))


@pytest.mark.parametrize("key", LINE_FIELDS)
def test_a_missing_field_of_a_line_is_named(key: str) -> None:
    lines = [*line_of(), *line_of(**{key: None})]
    assert refused(lines=lines)[1]["field"] == f"lines.2.{key}"
    del lines[1][key]
    assert refused(lines=lines) == (
        "missing_field",
        {"field": f"lines.2.{key}", "record": "2026-0001"},
    )


@pytest.mark.parametrize("value", ["600.00", "60000", 600.5, True, [], {}, 1e300, 10**15])
def test_what_is_no_whole_number_is_no_cents(value: Any) -> None:
    code, parameters = refused(total_cents=value)
    assert (code, parameters["field"]) == ("bad_cents", "total_cents")
    code, parameters = refused(lines=line_of(unit_price_cents=value))
    assert (code, parameters["field"]) == ("bad_cents", "lines.1.unit_price_cents")


@pytest.mark.parametrize("value", ["1", True, [], float("nan"), float("inf"), 1e300])
@pytest.mark.parametrize("key", ["quantity", "tax_rate"])
def test_what_is_no_number_is_no_quantity_and_no_rate(key: str, value: Any) -> None:
    code, parameters = refused(lines=line_of(**{key: value}))
    assert (code, parameters["field"]) == ("unreadable", f"lines.1.{key}")


def test_an_unknown_status_or_currency_is_shown() -> None:
    shown = {"record": "2026-0001"}
    assert refused(status="refunded") == ("unknown_status", {"found": "refunded", **shown})
    assert refused(currency="CHF") == ("unknown_currency", {"found": "CHF", **shown})


def test_totals_that_do_not_add_up_are_shown_with_all_three_numbers() -> None:
    sums = {"subtotal": "500.00", "tax": "100.00", "total": "600.01"}
    assert refused(total_cents=60_001) == ("totals_do_not_add_up", {**sums, "record": "2026-0001"})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("id", []), ("id", True), ("number", 1.5), ("client_id", {}), ("currency", 978)),
        *(("status", 1), ("notes", 1), ("public_url", {}), ("lines", "x"), ("events", 7)),
    ],
)
def test_a_field_of_a_wrong_type_is_named(key: str, value: Any) -> None:
    code, parameters = refused(**{key: value})
    assert (code, parameters["field"]) == ("unreadable", key)


@pytest.mark.parametrize("key", [name for name in CLIENT_FIELDS if name != "id"])
def test_a_field_of_a_client_of_a_wrong_type_is_named(key: str) -> None:
    found = read_client({**CLIENT, key: [{}]})
    assert isinstance(found, Rejection)
    assert found == Rejection("unreadable", (("field", key), ("found", "[{}]"), ("record", found.parameters[2][1])))


def test_what_is_shown_of_a_value_is_cut() -> None:
    found = refused(notes=["x" * 10_000])[1]["found"]
    assert len(found) == 60
    assert found.startswith('["xxx')
    assert found.endswith("…")


@pytest.mark.parametrize("raw", [None, [], "x", 1, True])
def test_what_is_no_object_is_no_record(raw: Any) -> None:
    assert isinstance(read_invoice(raw, OSLO), Rejection)
    assert isinstance(read_client(raw), Rejection)
    assert record_id(raw) is row_status(raw) is row_number(raw) is row_client_id(raw) is None


def test_a_row_tells_its_id_status_number_and_client() -> None:
    assert (record_id(INVOICE), row_status(INVOICE)) == ("i1", "sent")
    assert (row_number(INVOICE), row_client_id(INVOICE)) == ("2026-0001", "c1")
    odd = {"id": True, "status": "", "number": None, "client_id": 5}
    assert (record_id(odd), row_status(odd), row_number(odd)) == (None, None, None)
    assert row_client_id(odd) == "5"


# -- never raises ---------------------------------------------------------------------------------


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the paths of everything in a JSON value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, inner in inside for found in paths(inner, (*path, key)))]


@st.composite
def spoilt(draw: st.DrawFn, good: dict[str, Any]) -> dict[str, Any]:
    """Make a good payload with anything at all at one place, and unheard-of fields."""
    raw = deepcopy({**good, "issue_date": "2026-01-01", "paid_at": None, "created_at": 1772407800})
    *way, last = draw(st.sampled_from([path for path in paths(raw) if path]))
    place: Any = raw
    for key in way:
        place = place[key]
    place[last] = draw(JSON)
    return {**draw(st.dictionaries(TEXT, JSON, max_size=2)), **raw}


def read_all(raw: Any) -> None:
    for zone in (OSLO, NEW_YORK, ZoneInfo("Pacific/Kiritimati")):
        found = read_invoice(raw, zone)
        assert isinstance(found, Invoice | Rejection)
        if isinstance(found, Invoice):
            assert len({event.id for event in found.events}) == len(found.events)
    assert isinstance(read_client(raw), Client | Rejection)


@given(JSON)
def test_reading_anything_never_raises(raw: Any) -> None:
    read_all(raw)


@given(spoilt(INVOICE) | spoilt({**INVOICE, "status": "paid"}) | spoilt(CLIENT))
def test_reading_and_fingerprinting_spoilt_payloads_never_raises(raw: dict[str, Any]) -> None:
    read_all(raw)
    assert len(fingerprint_row("invoice", raw)) == 16
    assert len(fingerprint_row("client", raw)) == 16
    assert len(fingerprint_detail(raw)) == 16


def test_a_payload_nested_without_end_is_read() -> None:
    deep: Any = []
    for _ in range(900):
        deep = [deep]
    read_all({**INVOICE, "lines": deep})
    read_all({**INVOICE, "events": [{"type": "sent", "extra": deep}]})
    assert len(fingerprint_row("client", {**CLIENT, "tags": deep})) == 16
    assert len(fingerprint_detail({**INVOICE, "events": deep})) == 16


# -- fingerprints ---------------------------------------------------------------------------------


def respelled(value: Any) -> Any:
    """Say the same JSON with other key orders and number spellings."""
    if isinstance(value, dict):
        return {key: respelled(inner) for key, inner in reversed(value.items())}
    if isinstance(value, list):
        return [respelled(inner) for inner in value]
    return float(value) if type(value) is int and abs(value) < 10**15 else value


@given(spoilt(INVOICE))
def test_spelling_does_not_change_a_fingerprint(raw: dict[str, Any]) -> None:
    again = respelled(raw)
    assert fingerprint_row("invoice", again) == fingerprint_row("invoice", raw)
    assert fingerprint_row("client", again) == fingerprint_row("client", raw)
    assert fingerprint_detail(again) == fingerprint_detail(raw)


@given(TEXT.filter(lambda key: key not in {*INVOICE, *CLIENT, *INVOICE_FIELDS}), JSON)
def test_extras_and_a_new_public_url_do_not_change_a_fingerprint(key: str, value: Any) -> None:
    raw = {**INVOICE, key: value, "public_url": "https://pay.example/i1?signature=2"}
    raw["lines"] = [{**raw["lines"][0], key: value}]
    assert fingerprint_row("invoice", raw) == fingerprint_row("invoice", INVOICE)
    assert fingerprint_detail(raw) == fingerprint_detail(INVOICE)
    assert fingerprint_row("client", {**CLIENT, key: value}) == fingerprint_row("client", CLIENT)


@pytest.mark.parametrize("key", INVOICE_FIELDS)
def test_every_field_of_an_invoice_changes_its_fingerprints(key: str) -> None:
    raw = {**INVOICE, key: "another"}
    assert fingerprint_row("invoice", raw) != fingerprint_row("invoice", INVOICE)
    assert fingerprint_detail(raw) != fingerprint_detail(INVOICE)


@pytest.mark.parametrize("key", CLIENT_FIELDS)
def test_every_field_of_a_client_changes_its_fingerprint(key: str) -> None:
    assert fingerprint_row("client", {**CLIENT, key: "x"}) != fingerprint_row("client", CLIENT)


@pytest.mark.parametrize(
    "change",
    [
        *({"notes": None}, {"lines": []}, {"events": []}),
        *({"lines": line_of(**{key: 99})} for key in LINE_FIELDS),
        {"events": [{**INVOICE["events"][0], "extra": 1}]},
    ],
)
def test_lines_notes_and_events_change_the_fingerprint_of_a_detail(change: dict[str, Any]) -> None:
    assert fingerprint_detail({**INVOICE, **change}) != fingerprint_detail(INVOICE)
    assert fingerprint_row("invoice", {**INVOICE, **change}) == fingerprint_row("invoice", INVOICE)


# -- contents -------------------------------------------------------------------------------------


def test_contents_have_their_canonical_forms() -> None:
    paid = [{"id": "e", "type": "paid", "at": "2026-04-01T12:00:00+02:00"}]
    invoice = invoice_of(status="paid", events=paid, issue_date="2026-03-01")
    client = read_client({**CLIENT, "archived_at": "2026-03-01T10:00:00.5Z"})
    assert isinstance(client, Client)
    content = invoice_content(invoice, client)
    assert content["client_name"] == "Fjord AS"
    assert (content["issue_date"], content["paid_date"]) == ("2026-03-01", "2026-04-01")
    assert content["lines"] == [["Consulting", "1", 50_000, "20"]]
    assert content["events"] == [
        [
            "e",
            "paid",
            "2026-04-01T10:00:00Z",
            '{"at":"2026-04-01T12:00:00+02:00","id":"e","type":"paid"}',
        ]
    ]
    assert client_content(client)["archived_at"] == "2026-03-01T10:00:00.500000Z"
    assert payment_content(invoice)["amount"] == 60_000
    assert invoice_content(invoice, None)["client_name"] is None


def test_contents_have_the_fields_of_the_contract_in_order() -> None:
    client, invoice = read_client(CLIENT), invoice_of()
    assert isinstance(client, Client)
    assert tuple(client_content(client)) == FIELDS["client"]
    content = invoice_content(invoice, client)
    assert content.pop("client_country") == client.country  # for the tax, and never compared
    assert (*content, "pdf") == FIELDS["invoice"]
    assert tuple(payment_content(invoice)) == FIELDS["payment"]


def test_plain_tags_are_joined_by_semicolons() -> None:
    assert tags_text(("red", "deep blue")) == "red;deep blue"
    assert tags_text(("a;b", "c\\")) == "a\\;b;c\\\\"
    assert tags_text(()) == ""


@given(st.lists(TEXT, max_size=5).filter(lambda tags: tags != [""]))
def test_any_tags_can_be_told_apart_again(tags: list[str]) -> None:
    parts, text = [""], iter(tags_text(tuple(tags)))
    for char in text:
        if char == ";":
            parts.append("")
        else:
            parts[-1] += next(text) if char == "\\" else char
    assert (parts if tags else []) == tags
