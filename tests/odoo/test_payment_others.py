"""Payments that a person made in a real Odoo: adopted, matched or named, and never doubled."""

from __future__ import annotations

import pytest

from connectors.odoo.payment_io import standing_payments
from syncd.connector import (
    Done,
    Exists,
    Rejected,
    Stale,
)
from tests.odoo.payment_desk import DAY, Desk, seated, statement
from tests.odoo.place import Place


@pytest.fixture
def desk(odoo: Place) -> Desk:
    return seated(odoo)


def test_what_a_person_paid_is_adopted_and_not_paid_again(desk: Desk) -> None:
    moves = [desk.invoice(), desk.invoice(-5000)]
    paid = [str(one) for move in moves for one in desk.pays(move)]
    assert desk.write(desk.entry(moves[0]), desk.entry(moves[1], -5000)) == [Exists(paid[0]), Exists(paid[1])]
    one, other = desk.find(desk.wanted(moves[0]), desk.wanted(moves[1], -5000))
    assert [(how, remote.external_id) for how, remote in (*one, *other)] == [("number", paid[0]), ("number", paid[1])]
    assert (one[0][1].fields["amount"], other[0][1].fields["amount"]) == (12500, -5000)
    assert one[0][1].refs == {"invoice": str(moves[0])}
    assert desk.write(desk.entry(moves[0], verb="adopt", external_id=paid[0])) == [Done(paid[0])]


def test_invoices_that_a_person_paid_together_are_adopted_each(desk: Desk) -> None:
    moves = [desk.invoice(), desk.invoice()]
    desk.pays(*moves, grouped=True)
    names = [f"invoice/{move}" for move in moves]
    assert desk.write(*(desk.entry(move) for move in moves)) == [Exists(name) for name in names]
    for move, name in zip(moves, names, strict=True):
        (((how, remote),),) = desk.find(desk.wanted(move))
        assert (how, remote.external_id) == ("number", name)
        assert remote.fields == {"currency": "EUR", "amount": 12500, "paid_date": DAY}
        assert desk.write(desk.entry(move, verb="adopt", external_id=name)) == [Done(name)]
        (refused,) = desk.write(desk.entry(move, verb="unsettle", external_id=name))
        assert isinstance(refused, Rejected)
    assert set(names) <= standing_payments(desk.odoo, desk.company)


def test_two_payments_of_a_person_settle_an_invoice_together(desk: Desk) -> None:
    move = desk.invoice()
    desk.pays(move, amount=100.0)
    (refused,) = desk.write(desk.entry(move))
    assert isinstance(refused, Rejected)
    assert "25.00 of 125.00 EUR is open" in refused.reason
    assert desk.find(desk.wanted(move)) == [[]]
    desk.pays(move)
    assert desk.write(desk.entry(move)) == [Exists(f"invoice/{move}")]


def test_an_unmatched_payment_that_names_the_invoice_is_matched_and_not_doubled(desk: Desk) -> None:
    move, other = desk.invoice(), desk.invoice()
    named = desk.enters(f"Thanks for {desk.numbers[move]}!")
    ((found,), none) = desk.find(desk.wanted(move), desk.wanted(other))
    assert (found[0], found[1].external_id, none) == ("number", str(named), [])
    assert desk.write(desk.entry(move)) == [Exists(str(named))]
    assert desk.state(move)[1] == 0.0
    assert [row["id"] for row in desk.payments(move)] == [named]
    assert desk.state(other) == ("not_paid", 125.0)


def test_an_unmatched_payment_that_was_adopted_is_matched(desk: Desk) -> None:
    move = desk.invoice()
    named = desk.enters(desk.numbers[move])
    assert desk.write(desk.entry(move, verb="adopt", external_id=str(named))) == [Done(str(named))]
    assert desk.state(move)[1] == 0.0


def test_an_unmatched_payment_that_names_nothing_is_left_to_a_person(desk: Desk) -> None:
    move = desk.invoice()
    desk.enters("bank transfer", 99.0)
    desk.enters("bank transfer")
    (refused,) = desk.write(desk.entry(move))
    assert isinstance(refused, Rejected)
    assert "BNK1" in refused.reason
    assert desk.state(move) == ("not_paid", 125.0)
    assert desk.payments(move) == []


def test_a_person_who_pays_in_between_is_not_paid_against(desk: Desk) -> None:
    for step in ("load", "action_post"):
        move, paid = desk.invoice(), list[int]()

        def pay(move: int = move, paid: list[int] = paid) -> None:
            paid.extend(desk.pays(move))

        entry = desk.entry(move)
        (outcome,) = desk.write(entry, odoo=desk.wire(before=(step, pay)))
        assert isinstance(outcome, Stale)
        assert desk.write(desk.entry(move, generation=1)) == [Exists(str(paid[0]))]
        assert desk.state(move)[1] == 0.0
        ours = [row for row in desk.payments(move) if row["id"] not in paid]
        assert [row["state"] in ("cancel", "canceled") for row in ours] == [True]


def test_what_came_too_late_is_taken_back_when_it_is_sent_again(desk: Desk) -> None:
    for lost in (1, 2):
        move = desk.invoice()
        entry = desk.entry(move)
        desk.write(entry, odoo=desk.wire(lose=lost))
        (paid,) = desk.pays(move)
        assert desk.write(entry) == [Exists(str(paid))]
        states = {row["id"]: row["state"] for row in desk.payments(move)}
        states.pop(paid, None)
        assert set(states.values()) <= {"cancel", "canceled"}
        assert len(states) == 1


def test_an_invoice_that_a_bank_statement_settled_is_adopted_and_left_to_a_person(desk: Desk) -> None:
    move = desk.invoice()
    (due,) = desk.odoo.ids("account.move.line", [("move_id", "=", move), ("amount_residual", ">", 0)])
    statement(desk, due)
    name = f"invoice/{move}"
    assert desk.write(desk.entry(move)) == [Exists(name)]
    (((how, remote),),) = desk.find(desk.wanted(move))
    assert (how, remote.external_id, remote.fields["paid_date"]) == ("number", name, "2026-03-22")
    (refused,) = desk.write(desk.entry(move, verb="unsettle", external_id=name))
    assert isinstance(refused, Rejected)
    desk.person.call("account.move.line", "remove_move_reconcile", [due])
    assert desk.write(desk.entry(move, verb="unsettle", external_id=name)) == [Done(name)]
    assert name not in standing_payments(desk.odoo, desk.company)
