"""Payments translated, judged and matched, without a server."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.odoo.company import Company, Journal, Locks
from connectors.odoo.errors import OdooAnswer
from connectors.odoo.moves import external_id
from connectors.odoo.payments import read_due, render_payment
from connectors.odoo.settlements import Pair, judge, names_invoice, pair
from connectors.odoo.taxes import Taxes
from connectors.odoo.writes import halved
from syncd.connector import (
    Content,
    Entry,
    Operation,
    Rejected,
)

DAY = "2026-03-20"


BOOKS = Company(
    version=19,
    uid=5,
    id=1,
    name="Test",
    currency="EUR",
    country="FR",
    journal=Journal(1, "INV", "Invoices"),
    payment_journal=Journal(6, "BNK1", "Bank"),
    account=26,
    taxes=Taxes((), {}),
    currencies={"EUR": 126, "NOK": 14},
    rates={"NOK": (date(2026, 1, 1),)},
    countries={},
    languages=frozenset(),
)


def settling(**content: Any) -> Operation:
    usual = {"number": "F-1", "amount": 12500, "currency": "EUR", "paid_date": DAY}
    return Operation(
        "settle", "payment", "x", "ff-p-0a", "ffkey0123456789", {**usual, **content}, refs={"invoice": "31"}
    )


def test_a_payload_is_the_same_bytes_each_time_and_holds_all_that_is_sent() -> None:
    assert render_payment(settling(), BOOKS) == render_payment(settling(), BOOKS)
    name = external_id("ff-p-0a", "ffkey0123456789", BOOKS.id).encode()
    assert render_payment(settling(), BOOKS) == (
        b'{"amount":12500,"currency":"EUR","currency_id":126,"date":"2026-03-20","invoice":31,"journal":6,'
        b'"name":"%b","number":"F-1","text":"F-1 ff-p-0a"}' % name
    )


@pytest.mark.parametrize(
    ("content", "books", "code"),
    [
        ({}, replace(BOOKS, locked=Locks(payment=date(2026, 3, 20))), "period_locked"),
        ({"currency": "NOK", "paid_date": "2025-12-31"}, BOOKS, "no_rate"),
        ({"currency": "GBP"}, BOOKS, "currency_not_held"),
        ({}, replace(BOOKS, payment_journal=None), "rejected"),
        ({}, replace(BOOKS, no_payments="The user may not."), "rejected"),
        ({"paid_date": None}, BOOKS, "rejected"),
    ],
)
def test_what_cannot_be_paid_is_refused_before_it_is_sent(content: Content, books: Company, code: str) -> None:
    refused = render_payment(settling(**content), books)
    assert isinstance(refused, Rejected)
    assert refused.code == code


def test_a_sales_lock_and_the_day_after_a_lock_are_open_for_payments() -> None:
    locked = Locks(invoice=date(2026, 12, 31), payment=date(2026, 3, 19))
    assert isinstance(render_payment(settling(), replace(BOOKS, locked=locked)), bytes)


def test_a_payment_that_stands_is_not_changed() -> None:
    assert isinstance(render_payment(replace(settling(), verb="update"), BOOKS), Rejected)


@pytest.mark.parametrize(
    ("text", "number", "named"),
    [
        ("Invoice F-12, thanks", "F-12", True),
        ("F-12", "F-12", True),
        ("F-123", "F-12", False),
        ("XF-12", "F-12", False),
        ("F-12-2", "F-12", False),
        ("anything", "", False),
        (False, "F-12", False),
        ("paid (a.b)", "a.b", True),
        ("paid (axb)", "a.b", False),
    ],
)
def test_a_text_names_an_invoice_by_its_whole_number(text: Any, number: str, *, named: bool) -> None:
    assert names_invoice(text, number) is named


PAYLOAD = render_payment(settling(), BOOKS)
assert isinstance(PAYLOAD, bytes)
DUE = read_due(Entry(1, "settle", "payment", "x", "ff-p-0a", "k", PAYLOAD))
MOVE = {
    "id": 31,
    "state": "posted",
    "move_type": "out_invoice",
    "currency_id": [126, "EUR"],
    "amount_total": 125.0,
    "amount_residual": 125.0,
    "payment_state": "not_paid",
}


@pytest.mark.parametrize(
    ("now", "verdict"),
    [
        ({}, "open"),
        ({"payment_state": "paid", "amount_residual": 0.0}, "settled"),
        ({"payment_state": "in_payment"}, "settled"),
        ({"payment_state": "partial", "amount_residual": 0.01}, "0.01 of 125.00 EUR is open"),
        ({"payment_state": "partial", "amount_residual": -125.0}, "settled in part"),
        ({"payment_state": "reversed", "amount_residual": 0.0}, "reversed by a credit note"),
        ({"payment_state": "blocked"}, "blocked"),
        ({"payment_state": "invoicing_legacy"}, "older accounting system"),
        ({"state": "draft"}, "still a draft"),
        ({"state": "cancel"}, "cancelled"),
        ({"move_type": "out_refund"}, "no customer invoice"),
        ({"currency_id": [14, "NOK"]}, "is in NOK"),
        ({"amount_total": 125.01}, "total of 125.01"),
    ],
)
def test_only_an_open_posted_invoice_of_that_amount_is_paid(now: dict[str, Any], verdict: str) -> None:
    found = judge({**MOVE, **now}, DUE)
    if isinstance(found, Rejected):
        assert verdict in found.reason
    else:
        assert found == verdict


@given(cents=st.integers(1, 10**11), rate=st.sampled_from(["1", "11.5", "0.85", "7.46"]), refund=st.booleans())
def test_lines_are_matched_by_lists_when_they_cancel_each_other_out_to_the_cent(
    cents: int, rate: str, *, refund: bool
) -> None:
    sign = -1 if refund else 1
    home = float((Decimal(cents) / 100 / Decimal(rate)).quantize(Decimal("0.01")))
    line: dict[str, Any] = {"id": 1, "account_id": [5, "x"], "currency_id": [1, "c"], "reconciled": False}
    line |= {"partner_id": [7, "y"], "date": "2026-03-01", "date_maturity": "2026-03-31"}
    line |= dict.fromkeys(("balance", "amount_residual"), sign * home)
    line |= dict.fromkeys(("amount_currency", "amount_residual_currency"), sign * cents / 100)
    names = ("balance", "amount_residual", "amount_currency", "amount_residual_currency")
    other = {**line, "id": 2, "payment_id": [9, "p"], **{name: -line[name] for name in names}}
    found = pair(DUE, [line], [other])
    assert not isinstance(found, Rejected)
    assert found.row is not None
    debit, credit = ("2", "1") if refund else ("1", "2")
    assert found.row[:3] == ["syncd.match-9-31", debit, credit]
    assert [Decimal(text) for text in found.row[3:]] == [Decimal(str(home)), Decimal(cents) / 100, Decimal(cents) / 100]
    other["balance"] = other["amount_residual"] = other["balance"] + 0.01
    found = pair(DUE, [line], [other])
    assert isinstance(found, Pair)
    assert found[:2] == (None, [1, 2])
    assert isinstance(pair(DUE, [line], [{**other, "account_id": [6, "y"]}]), Rejected)
    assert isinstance(pair(DUE, [line], [{**other, "reconciled": True}]), Rejected)


def test_a_refused_batch_finds_the_bad_ones_and_sends_the_rest() -> None:
    sent: list[list[int]] = []
    refused: list[int] = []

    def send(some: Sequence[int]) -> None:
        if {3, 6} & set(some):
            raise OdooAnswer("no", kind="validation")
        sent.append(list(some))

    halved(range(10), send, lambda item, _: refused.append(item))
    assert sorted(itertools.chain(*sent)) == [0, 1, 2, 4, 5, 7, 8, 9]
    assert sorted(refused) == [3, 6]


@pytest.mark.parametrize("kind", ["concurrent", "access"])
def test_what_is_wrong_with_the_whole_batch_is_sent_once(kind: Any) -> None:
    sent: list[int] = []
    refused: list[int] = []

    def send(some: Sequence[int]) -> None:
        sent.append(len(some))
        raise OdooAnswer("no", kind=kind)

    halved(range(10), send, lambda item, _: refused.append(item))
    assert (sent, refused) == ([10], list(range(10)))
