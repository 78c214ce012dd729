"""Contents made flat, and what "equal" means."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from syncd.connector import EVENT_FIELDS, LINE_FIELDS
from syncd.fields import differences, flatten, lookup

CELLS = st.none() | st.text(max_size=5) | st.integers()
LINES = st.lists(st.tuples(*[CELLS] * len(LINE_FIELDS)).map(list), max_size=3)
EVENTS = st.lists(
    st.tuples(st.text(max_size=5), *[CELLS] * (len(EVENT_FIELDS) - 1)).map(list),
    max_size=3,
    unique_by=lambda event: event[0],
)
CONTENTS = st.fixed_dictionaries(
    {"invoice_id": st.text(), "number": CELLS, "total": st.integers(), "notes": CELLS},
    optional={"lines": LINES, "events": EVENTS},
)
INVOICE: dict[str, Any] = {
    "number": "7",
    "total": 100,
    "lines": [["Desk", "1", 100, "25"], ["Chair", "2", 50, "25"]],
    "events": [["e.1", "sent", "2026-01-01T00:00:00Z", "{}"]],
}


def empty(value: object) -> object:
    return None if value == "" else value


def test_lines_are_numbered_from_one_and_events_go_by_their_id() -> None:
    flat = flatten(INVOICE)
    assert flat["lines.2.description"] == "Chair"
    assert flat["events.e.1.type"] == "sent"
    assert flat["total"] == 100
    assert len(flat) == 2 + 2 * 4 + 4


def test_only_the_fields_asked_for_are_kept() -> None:
    assert flatten(INVOICE, {"total"}) == {"total": 100}
    assert len(flatten(flatten(INVOICE), {"lines"})) == 2 * 4


def test_a_line_or_event_repeats_its_invoice() -> None:
    flat = flatten(INVOICE)
    assert lookup(flat, "lines.2.number") == lookup(flat, "events.e.1.number") == "7"
    assert lookup(flat, "lines.2.line") == "2"
    assert lookup(flat, "lines.3.number") is lookup(flat, "events.e.2.number") is None
    assert lookup(flat, "nowhere") is lookup(flat, "lines") is None


def test_a_number_edited_on_one_line_is_named_there() -> None:
    flat = flatten(INVOICE)
    found = {**flat, "lines.2.number": "8", "lines.1.number": "7"}
    assert differences(flat, found) == {"lines.2.number": ("7", "8")}


def test_a_line_that_is_gone_differs_in_every_field() -> None:
    shorter = {**INVOICE, "lines": INVOICE["lines"][:1]}
    assert len(differences(flatten(INVOICE), flatten(shorter))) == 4


def test_empty_text_is_nothing_but_zero_is_something() -> None:
    assert differences({"notes": ""}, {}) == {}
    assert differences({"total": 0}, {}) == {"total": (0, None)}
    assert differences({"total": 0}, {"total": ""}) == {"total": (0, "")}


@given(CONTENTS)
def test_a_record_does_not_differ_from_itself(content: dict[str, Any]) -> None:
    flat = flatten(content)
    assert differences(flat, flat) == {}
    assert differences(flat, dict(reversed(flat.items()))) == {}


@given(CONTENTS)
def test_what_is_flat_stays_flat(content: dict[str, Any]) -> None:
    assert flatten(flatten(content)) == flatten(content)


@given(CONTENTS, CONTENTS)
def test_differences_are_the_same_from_both_sides(one: dict[str, Any], other: dict[str, Any]) -> None:
    there, back = (
        differences(flatten(one), flatten(other)),
        differences(flatten(other), flatten(one)),
    )
    assert {path: pair[::-1] for path, pair in there.items()} == back


@given(CONTENTS, CONTENTS)
def test_differences_are_the_paths_that_differ_and_no_others(one: dict[str, Any], other: dict[str, Any]) -> None:
    expected, found = flatten(one), flatten(other)
    told = differences(expected, found)
    for path in expected.keys() | found.keys():
        pair = (expected.get(path), found.get(path))
        assert (path in told) == (empty(pair[0]) != empty(pair[1])), path
