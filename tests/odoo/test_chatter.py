"""What is told in the chatter of an invoice, and read back from there; no server."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.odoo.chatter import KINDS, Note, new_row, note_fields, read_note, shape_events, short_id
from connectors.odoo.findings import no_notes
from connectors.odoo.moves import read_told, render_invoice, shape_invoice
from syncd.fields import flatten
from tests.odoo.invoices import COMPANY, FIELDS, changing, invoice, operation

TALKING = replace(COMPANY, chatter=True)
SENT = ["e1", "sent", "2026-03-01T10:00:00Z", '{"id":"e1"}']
PAID = ["e2", "paid", "2026-03-20T23:59:59.999999Z", '{"id":"e2"}']
REMINDER = ["e3", "reminder", "2026-03-10T08:00:00Z", "{}"]
LINE = [("a", "1", 1000, "20")]

events = st.lists(
    st.tuples(
        st.text() | st.from_regex(r"[0-9a-f]{12}", fullmatch=True),
        st.sampled_from([*KINDS, "created", "cancelled", ""]),
        st.none() | st.datetimes().map(lambda at: at.isoformat() + "Z"),
        st.text(),
    ).map(list),
    max_size=6,
)


def test_kinds_that_are_told_are_kept_in_order_of_time_to_the_second() -> None:
    others = [["x", "created", "2026-01-01T00:00:00Z", "{}"], ["y", "cancelled", "2026-01-01T00:00:00Z", "{}"]]
    shaped = shape_events([PAID, *others, REMINDER, SENT], TALKING)
    assert [event[1:] for event in shaped] == [
        ["sent", "2026-03-01T10:00:00Z", None],
        ["reminder", "2026-03-10T08:00:00Z", None],
        ["paid", "2026-03-20T23:59:59Z", None],
    ]
    assert [event[0] for event in shaped] == [short_id("e1"), short_id("e3"), short_id("e2")]


def test_an_event_without_a_time_is_left_out() -> None:
    assert shape_events([["e", "sent", None, "{}"]], TALKING) == []


def test_without_chatter_there_are_no_events() -> None:
    assert shape_events([SENT, PAID], COMPANY) == []
    assert shape_invoice(invoice("1", LINE, 200, events=[SENT]), COMPANY)["events"] == []


@given(events)
def test_events_that_are_shaped_stay_as_they_are(found: list[list[Any]]) -> None:
    once = shape_events(found, TALKING)
    assert shape_events(once, TALKING) == once
    assert len({event[0] for event in once}) == len(once)


@given(st.text())
def test_a_short_id_is_12_digits_and_its_own_short_id(own: str) -> None:
    assert len(short_id(own)) == 12
    assert short_id(short_id(own)) == short_id(own)


@given(events)
def test_what_is_written_is_read_back_as_it_is_compared(found: list[list[Any]]) -> None:
    shaped = shape_events(found, TALKING)
    notes: dict[str, Note] = {}
    for number, event in enumerate(shaped):
        name, _, move, body, date, *_ = new_row("ff-i-0a1b", 31, event)
        read = read_note(name, {"id": number, "res_id": int(move), "body": body, "date": date})
        assert read is not None
        notes[read[0]] = read[1]
    assert note_fields(notes) == flatten({"events": shaped})


def test_an_invoice_is_made_with_its_events_and_sent_with_the_new_ones_alone() -> None:
    before = invoice("1", LINE, 200, events=[SENT])
    made = render_invoice(operation("create", before, TALKING), TALKING)
    assert isinstance(made, bytes)
    assert [event[:2] for event in read_told(made).events] == [[short_id("e1"), "sent"]]
    fields = frozenset((*FIELDS, "events"))
    changed = changing(before, {**before, "events": [SENT, REMINDER]}, "31", TALKING, fields=fields)
    payload = render_invoice(changed, TALKING)
    assert isinstance(payload, bytes)
    told = read_told(payload)
    assert [event[:3] for event in told.events] == [[short_id("e3"), "reminder", "2026-03-10T08:00:00Z"]]
    assert not told.rewrite
    assert told.whole is None


def test_an_event_that_is_no_more_is_not_told_and_rewrites_nothing() -> None:
    before = invoice("1", LINE, 200, events=[SENT, REMINDER])
    fields = frozenset((*FIELDS, "events"))
    payload = render_invoice(changing(before, {**before, "events": [SENT]}, "31", TALKING, fields=fields), TALKING)
    assert isinstance(payload, bytes)
    told = read_told(payload)
    assert (list(told.events), told.rewrite) == ([], False)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<p>FastFaktura: sent</p>", "sent"),
        ('<p>FastFaktura: sent<span class="o-mail-Message-edited"></span></p>', "sent"),
        ("<p>a &amp; b</p>", "a & b"),
    ],
)
def test_what_a_person_wrote_into_a_note_is_read_as_it_is(body: str, kind: str) -> None:
    row = {"id": 1, "res_id": 3, "body": body, "date": "2026-03-01 10:00:00"}
    name = f"syncd.ff-i-0a-e{short_id('e1')}-3"
    assert read_note(name, row) == (short_id("e1"), Note(1, kind, "2026-03-01T10:00:00Z"))


@pytest.mark.parametrize("body", [False, "", "<p><br></p>", '<span class="o-mail-Message-edited"></span>'])
def test_a_note_that_was_emptied_is_none(body: str | bool) -> None:
    row = {"id": 1, "res_id": 3, "body": body, "date": "2026-03-01 10:00:00"}
    assert read_note(f"syncd.ff-i-0a-e{short_id('e1')}-3", row) is None


@pytest.mark.parametrize(
    "name", [None, "", "syncd.ff-i-0a-0a1b2c3d", "syncd.ff-i-0a-0a1b2c3d-u", "mail.e0123456789ab-1"]
)
def test_messages_of_others_are_no_notes(name: str | None) -> None:
    assert read_note(name, {"id": 1, "res_id": 3, "body": "<p>x</p>", "date": "2026-03-01 10:00:00"}) is None


def test_that_notes_will_be_refused_is_told_with_who_mends_it() -> None:
    assert "administrator" in no_notes(chatter=True)
    assert no_notes(chatter=False).startswith("The user of the API key may not create mail.message: with on_change")
