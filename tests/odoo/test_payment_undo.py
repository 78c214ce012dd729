"""Payments taken back in a real Odoo, where that takes nothing else back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from connectors.odoo.company import Locks
from connectors.odoo.payments import render_payment
from syncd.connector import Done, Rejected
from tests.odoo.payment_desk import Desk, seated, statement
from tests.odoo.place import Place


@pytest.fixture
def desk(odoo: Place) -> Desk:
    return seated(odoo)


def test_a_payment_is_taken_back_once_and_the_next_one_is_another(desk: Desk) -> None:
    move = desk.invoice()
    (first,) = desk.write(desk.entry(move))
    assert isinstance(first, Done)
    back = desk.entry(move, verb="unsettle", external_id=first.external_id)
    for _ in range(2):
        assert desk.write(back) == [Done(first.external_id)]
        assert desk.state(move) == ("not_paid", 125.0)
    ((found,),) = desk.find(desk.wanted(move, known=False))
    assert (found[0], found[1].void) == ("mark", True)
    (second,) = desk.write(desk.entry(move, generation=1))
    assert isinstance(second, Done)
    assert second.external_id != first.external_id
    assert desk.state(move)[1] == 0.0
    assert sorted(remote.void for _, remote in desk.find(desk.wanted(move))[0]) == [False, True]


@pytest.mark.parametrize("lost", [1, 2])
def test_taking_back_is_finished_after_a_lost_answer(desk: Desk, lost: int) -> None:
    move = desk.invoice()
    (done,) = desk.write(desk.entry(move))
    assert isinstance(done, Done)
    back = desk.entry(move, verb="unsettle", external_id=done.external_id)
    desk.write(back, odoo=desk.wire(lose=lost))
    assert desk.write(back) == [Done(done.external_id)]
    assert [row["state"] in ("cancel", "canceled") for row in desk.payments(move)] == [True]
    assert desk.state(move) == ("not_paid", 125.0)


def test_what_was_taken_from_the_books_needs_no_taking_back(desk: Desk) -> None:
    move = desk.invoice()
    assert desk.write(desk.entry(move, verb="unsettle", external_id="999999")) == [Done("999999")]


def test_a_payment_for_several_invoices_is_not_taken_back(desk: Desk) -> None:
    moves = [desk.invoice(), desk.invoice()]
    (payment,) = desk.pays(*moves, grouped=True)
    (refused,) = desk.write(desk.entry(moves[0], verb="unsettle", external_id=str(payment)))
    assert isinstance(refused, Rejected)
    assert "other invoices" in refused.reason
    assert [desk.state(move)[1] for move in moves] == [0.0, 0.0]


def test_a_payment_that_a_person_registered_is_theirs_to_take_back(desk: Desk) -> None:
    move = desk.invoice()
    (payment,) = desk.pays(move)
    assert desk.write(desk.entry(move, verb="adopt", external_id=str(payment))) == [Done(str(payment))]
    back = desk.entry(move, verb="unsettle", external_id=str(payment))
    (refused,) = desk.write(back)
    assert isinstance(refused, Rejected)
    assert "registered by a person" in refused.reason
    assert desk.state(move)[1] == 0.0
    desk.odoo.call("account.payment", "action_draft", [payment])
    desk.odoo.call("account.payment", "action_cancel", [payment])
    assert desk.write(back) == [Done(str(payment))]


def test_a_payment_in_a_closed_period_is_neither_posted_nor_taken_back(desk: Desk) -> None:
    paid, begun = desk.invoice(), desk.invoice()
    (done,) = desk.write(desk.entry(paid))
    assert isinstance(done, Done)
    settle = desk.entry(begun)
    back = desk.entry(paid, verb="unsettle", external_id=done.external_id)
    desk.write(settle, odoo=desk.wire(lose=1))
    closed = replace(desk.company, locked=Locks(payment=date(2026, 3, 31)))
    for outcome in desk.write(settle, back, company=closed):
        assert isinstance(outcome, Rejected)
        assert outcome.code == "period_locked"
    assert desk.state(paid)[1] == 0.0
    assert desk.state(begun) == ("not_paid", 125.0)
    operation = desk.operation(paid, 12500, "EUR", "unsettle", external_id=done.external_id)
    assert isinstance(render_payment(operation, closed), Rejected)


def test_a_payment_that_is_matched_with_a_bank_statement_is_not_taken_back(desk: Desk) -> None:
    move = desk.invoice()
    (done,) = desk.write(desk.entry(move))
    assert isinstance(done, Done)
    (outstanding,) = desk.odoo.ids("account.move.line", [("payment_id", "=", int(done.external_id)), ("debit", ">", 0)])
    statement(desk, outstanding)
    (refused,) = desk.write(desk.entry(move, verb="unsettle", external_id=done.external_id))
    assert isinstance(refused, Rejected)
    assert "bank statement" in refused.reason
    assert desk.state(move)[1] == 0.0
