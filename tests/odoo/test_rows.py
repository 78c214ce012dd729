"""What a row of Odoo says, whatever stands in it."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.odoo.rows import anything_paid, link, mark_of, nothing_left, paid_cents
from syncd.model import Kind


@pytest.mark.parametrize(("value", "number"), [([7, "Kari AS"], 7), (7, 7), (False, 0), ([], 0), (None, 0), ("7", 0)])
def test_a_link_is_an_id_and_an_empty_one_is_none(value: Any, number: int) -> None:
    assert str(link(value)) == str(number)


@pytest.mark.parametrize("kind", ["client", "invoice", "payment"])
def test_only_external_ids_that_syncd_gave_to_records_of_a_kind_hold_a_mark(kind: Kind) -> None:
    mark = f"ff-{kind[0]}-0a"
    assert [mark_of(kind, text) for text in (f"syncd.{mark}", f"syncd.{mark}-12345678")] == [mark] * 2
    others = (f"other.{mark}", f"syncd.ff-t-0a-{kind}", f"syncd.{mark}-12345678-r", mark, "syncd.", "", None)
    assert [mark_of(kind, text) for text in others] == [None] * len(others)
    assert sum(mark_of(kind, f"syncd.ff-{letter}-0a") is not None for letter in "cipt") == 1


@pytest.mark.parametrize(
    ("state", "open_", "anything", "nothing", "cents"),
    [
        ("not_paid", 100.1, False, False, 0),
        ("partial", 40.05, True, False, 6005),
        ("in_payment", 100.1, True, True, 10010),
        ("paid", 0.0, True, True, 10010),
    ],
)
def test_what_is_paid_in_part_has_something_paid_and_something_left(
    state: str, open_: float, anything: bool, nothing: bool, cents: int
) -> None:
    move = {"state": "posted", "move_type": "out_invoice", "amount_total": 100.1, "amount_residual": open_}
    move["payment_state"] = state
    assert (anything_paid(move), nothing_left(move), paid_cents(move)) == (anything, nothing, cents)


def test_on_a_total_of_zero_and_on_a_draft_nothing_was_paid() -> None:
    zero = {"state": "posted", "amount_total": 0.0, "amount_residual": 0.0, "payment_state": "paid"}
    draft = {"state": "draft", "amount_total": 9.0, "amount_residual": 0.0, "payment_state": "not_paid"}
    assert not any(said(move) for said in (anything_paid, nothing_left) for move in (zero, draft))
