"""Payments in a real Odoo: settled once and in few calls, whatever was lost on the way."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from connectors.odoo.client import Odoo
from syncd.connector import (
    Done,
    Exists,
    Rejected,
    Stale,
    Unknown,
)
from syncd.errors import NotSent, Unreachable
from tests.odoo.payment_desk import DAY, Desk, seated
from tests.odoo.place import Place


@pytest.fixture
def desk(odoo: Place) -> Desk:
    return seated(odoo)


CASES = ((12500, "EUR"), (10001, "NOK"), (-5000, "EUR"), (9999, "USD"), (-777, "GBP"), (4321, "SEK"), (123456, "DKK"))


def test_many_payments_of_all_currencies_and_dates_take_few_calls(desk: Desk) -> None:
    cases = [(*CASES[n % len(CASES)], f"2026-03-{n % 20 + 2:02d}") for n in range(42)]
    moves = [desk.invoice(cents, currency) for cents, currency, _ in cases]
    entries = [desk.entry(move, *case[:2], day=case[2]) for move, case in zip(moves, cases, strict=True)]
    odoo = desk.wire()
    outcomes = desk.write(*entries, odoo=odoo)
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert odoo.calls <= 9
    assert {desk.state(move) for move in moves} <= {("paid", 0.0), ("in_payment", 0.0)}
    found = desk.payments(*moves)
    assert sorted((row["date"], row["amount"]) for row in found) == sorted(
        (day, abs(cents) / 100) for cents, _, day in cases
    )
    again = desk.wire()
    assert desk.write(*entries, odoo=again) == outcomes
    assert (again.writes, len(desk.payments(*moves))) == (0, len(found))


@pytest.mark.parametrize("lost", range(1, 6))
def test_after_any_lost_answer_the_same_entries_finish_what_is_missing(desk: Desk, lost: int) -> None:
    moves = [desk.invoice(), desk.invoice(9999, "USD"), desk.invoice(-5000)]
    entries = [desk.entry(moves[0]), desk.entry(moves[1], 9999, "USD"), desk.entry(moves[2], -5000)]
    first = desk.write(*entries, odoo=desk.wire(lose=lost))
    if lost <= 4:
        assert all(isinstance(outcome, Unknown) for outcome in first)
    outcomes = desk.write(*entries)
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert [desk.state(move)[1] for move in moves] == [0.0, 0.0, 0.0]
    rows = desk.payments(*moves)
    assert {str(row["id"]) for row in rows} == {one.external_id for one in outcomes if isinstance(one, Done)}
    lines = [("payment_id", "in", [row["id"] for row in rows]), ("reconciled", "=", True)]
    whole = desk.odoo.search_read("account.move.line", lines, ["full_reconcile_id"])
    assert len(whole) == 3
    assert all(row["full_reconcile_id"] for row in whole)


@pytest.mark.parametrize("lost", range(1, 4))
def test_after_a_lost_answer_and_a_lost_state_what_was_begun_is_found_and_finished(desk: Desk, lost: int) -> None:
    move = desk.invoice()
    desk.write(desk.entry(move), odoo=desk.wire(lose=lost))
    ((found, *others),) = desk.find(desk.wanted(move))
    assert (found[0], others) == ("mark", [])
    assert found[1].fields == {"currency": "EUR", "amount": 12500, "paid_date": DAY}
    assert desk.find(desk.wanted(move, known=False))[0][0][1].external_id == found[1].external_id
    adopt = desk.entry(move, verb="adopt", external_id=found[1].external_id)
    assert desk.write(adopt) == [Done(found[1].external_id)]
    assert desk.state(move)[1] == 0.0
    assert len(desk.payments(move)) == 1


def test_two_who_write_the_same_at_once_pay_once(desk: Desk) -> None:
    moves = [desk.invoice() for _ in range(6)]
    entries = [desk.entry(move) for move in moves]
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda odoo: desk.write(*entries, odoo=odoo), (desk.wire(), desk.wire()))
    assert all(isinstance(outcome, Done | Stale) for outcome in (*first, *second))
    outcomes = desk.write(*entries)
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert {desk.state(move)[1] for move in moves} == {0.0}
    assert sorted(row["is_reconciled"] for row in desk.payments(*moves)) == [True] * 6


def test_what_is_no_open_posted_invoice_of_that_amount_is_not_paid(desk: Desk) -> None:
    draft, cancelled, credit, other, dear = (
        desk.invoice(post=False),
        desk.invoice(),
        desk.invoice(-12500),
        desk.invoice(currency="NOK"),
        desk.invoice(12600),
    )
    method = "button_draft" if desk.place.version >= 17 else "button_cancel"
    desk.odoo.call("account.move", method, [cancelled])
    if method == "button_draft":
        desk.odoo.call("account.move", "button_cancel", [cancelled])
    gone = desk.invoice(post=False)
    desk.odoo.call("account.move", "unlink", [gone])
    good = desk.invoice()
    moves = (draft, cancelled, credit, other, dear, gone, good)
    *refused, done = desk.write(*(desk.entry(move) for move in moves))
    words = ("still a draft", "cancelled", "no customer invoice", "is in NOK", "total of 126.00", "no longer stands")
    for outcome, word in zip(refused, words, strict=True):
        assert isinstance(outcome, Rejected)
        assert word in outcome.reason
    assert isinstance(done, Done)
    assert len(desk.payments(*moves)) == 1


def test_where_the_rate_changed_odoo_books_the_difference(desk: Desk, admin: Odoo) -> None:
    currency = desk.company.currencies["DKK"]
    rate = {"currency_id": currency, "name": "2026-05-01", "rate": 7.0, "company_id": 1}
    admin.call("res.currency.rate", "create", vals_list=[rate])
    move = desk.invoice(10000, "DKK")
    entry = desk.entry(move, 10000, "DKK", day="2026-05-02")
    (done,) = desk.write(entry)
    assert isinstance(done, Done)
    assert desk.state(move)[1] == 0.0
    assert desk.write(entry) == [done]
    ((found,),) = desk.find(desk.wanted(move, 10000))
    assert (found[0], found[1].external_id) == ("mark", done.external_id)
    (by_hand,) = desk.pays(other := desk.invoice(10000, "DKK"), payment_date="2026-05-03")
    assert desk.write(desk.entry(other, 10000, "DKK")) == [Exists(str(by_hand))]


def test_an_amount_too_small_for_the_companys_currency_is_settled(desk: Desk) -> None:
    move = desk.invoice(1, "SEK")
    entry = desk.entry(move, 1, "SEK")
    (done,) = desk.write(entry)
    assert isinstance(done, Done)
    assert desk.state(move)[1] == 0.0
    assert desk.write(entry) == [done]


def test_one_that_odoo_refuses_does_not_stop_the_others(desk: Desk) -> None:
    moves = [desk.invoice() for _ in range(5)]
    entries = [desk.entry(move) for move in moves]
    for bad, field_, value in ((1, b'"journal":', b'"journal":9'), (3, b'"date":"2026', b'"date":"20x6')):
        entries[bad] = replace(entries[bad], payload=entries[bad].payload.replace(field_, value))
    outcomes = desk.write(*entries)
    assert [type(outcome) for outcome in outcomes] == [Done, Rejected, Done, Rejected, Done]
    assert [desk.state(move)[1] for move in moves] == [0.0, 125.0, 0.0, 125.0, 0.0]
    assert len(desk.payments(*moves)) == 3


def test_one_that_odoo_will_not_post_leaves_no_draft(desk: Desk, admin: Odoo) -> None:
    moves = [desk.invoice() for _ in range(4)]
    entries = [desk.entry(move) for move in moves]
    account = {"name": "Old receivables", "code": "121999", "reconcile": True}
    if desk.company.features.account_type:
        account["account_type"] = "asset_receivable"
    else:
        account["user_type_id"] = admin.ids("account.account.type", [("type", "=", "receivable")])[0]
    (old,) = admin.call("account.account", "create", vals_list=[account])

    def spoil() -> None:
        """Somebody puts one draft on an account and closes the account."""
        (row,) = desk.payments(moves[2])
        admin.call("account.payment", "write", [row["id"]], vals={"destination_account_id": old})
        closed = {"active": False} if "active" in admin.fields_of("account.account") else {"deprecated": True}
        admin.call("account.account", "write", [old], vals=closed)

    outcomes = desk.write(*entries, odoo=desk.wire(before=("action_post", spoil)))
    assert [type(outcome) for outcome in outcomes] == [Done, Done, Rejected, Done]
    assert all(row["state"] == "cancel" for row in desk.payments(moves[2]))  # Odoo 14 posts it, but cannot match it
    assert desk.state(moves[2]) == ("not_paid", 125.0)


def test_nothing_was_sent_when_not_even_the_first_look_succeeds(desk: Desk) -> None:
    def breaks() -> None:
        raise Unreachable("no answer in time")

    move = desk.invoice()
    with pytest.raises(NotSent):
        desk.write(desk.entry(move), odoo=desk.wire(before=("search_read", breaks)))
    assert desk.payments(move) == []


def test_where_odoo_books_no_entry_for_payments_the_invoice_tells_that_it_is_settled(desk: Desk, admin: Odoo) -> None:
    if desk.place.version < 18:
        pytest.skip("before Odoo 18 every payment has an entry")
    lines = admin.search_read("account.payment.method.line", [("journal_id.code", "=", "BNK1")], ["payment_account_id"])
    admin.call(
        "account.payment.method.line", "write", [line["id"] for line in lines], vals={"payment_account_id": False}
    )
    try:
        move, theirs = desk.invoice(), desk.invoice()
        entry = desk.entry(move)
        (done,) = desk.write(entry)
        assert isinstance(done, Done)
        assert desk.state(move)[0] in ("paid", "in_payment")
        assert desk.write(entry) == [done]
        (payment,) = desk.pays(theirs)
        assert desk.write(desk.entry(theirs)) == [Exists(str(payment))]
        assert desk.write(desk.entry(move, verb="unsettle", external_id=done.external_id)) == [done]
        assert desk.state(move)[0] == "not_paid"
        assert len(desk.payments(move)) == 1
    finally:
        for line in lines:
            account = line["payment_account_id"] and line["payment_account_id"][0]
            admin.call("account.payment.method.line", "write", [line["id"]], vals={"payment_account_id": account})


def test_a_right_that_is_missing_is_said_of_each(desk: Desk) -> None:
    moves = [desk.invoice(), desk.invoice()]
    entries = [desk.entry(move) for move in moves]
    desk.place.take("account.group_account_invoice")
    try:
        outcomes = desk.write(*entries)
    finally:
        desk.place.give("account.group_account_invoice")
    for outcome in outcomes:
        assert isinstance(outcome, Rejected)
        assert "Invoicing" in outcome.reason
    assert all(isinstance(outcome, Done) for outcome in desk.write(*entries))
