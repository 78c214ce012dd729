"""Money in the hostile ledger: what is paid, cancelled and taken back stands there once, or is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from syncd.marks import mark
from tests.hostile.office import BOTH, Open, codes, environment, forks, office

__all__ = ["environment", "forks", "office"]

LOST = pytest.mark.parametrize("lost", [False, True], ids=["state kept", "state lost"])


def test_a_payment_that_stands_there_under_its_mark_is_adopted(office: Open) -> None:
    here = office("keyless")
    here.run()
    invoice = here.invoice("sent")
    there = here.there(invoice)["id"]
    paid = {"amount": invoice["total_cents"], "currency": invoice["currency"], "paid_date": "2026-06-01"}
    here.server.add("payment", {**paid, "invoice": there}, mark=mark("payment", invoice["id"]))
    here.change_invoice(invoice, status="paid", _events=[{"kind": "paid", "at": "2026-06-01T10:00:00Z"}])
    run = here.run()
    assert [(one["verb"], one["kind"], one["count"]) for one in run["planned"]] == [("adopt", "payment", 1)]
    assert here.wrong() == []
    here.idle()


def test_a_payment_of_another_day_is_adopted_and_no_problem_that_never_ends(office: Open) -> None:
    here = office("keyless")
    here.configure(unsettle=True)
    here.run()
    invoice = here.invoice("paid")
    (payment,) = here.payments(invoice)
    here.server.edit(payment["id"], paid_date="2026-01-02")
    here.forget()
    assert here.run()["kept_by_hand"] == 1
    here.change_invoice(invoice, status="sent")
    here.run()
    assert here.payments(invoice) == []
    assert here.wrong() == []
    here.idle()


def test_how_an_adopted_invoice_differs_is_told_until_it_is_taken_back(office: Open) -> None:
    here = office("keyless")
    here.run()
    invoice = here.invoice("sent")
    here.server.edit(here.there(invoice)["id"], due_date="2027-01-02")
    here.forget()
    assert codes(here.run(code=1)) == {"adopted_differs": 1}
    here.change_invoice(invoice, _happened="cancelled")
    here.run()
    assert here.wrong() == []
    here.idle()


@BOTH
@LOST
def test_an_unpaid_invoice_that_is_cancelled_is_voided_there(office: Open, mode: str, lost: bool) -> None:
    here = office(mode)
    here.run()
    invoice = here.invoice("sent")
    there = here.there(invoice)["id"]
    here.change_invoice(invoice, _happened="cancelled")
    if lost:
        here.forget()
    here.run()
    assert [one["void"] for one in here.server.records("invoice") if one["id"] == there] == [True]
    assert here.wrong() == []
    here.idle()


@BOTH
@LOST
def test_a_paid_invoice_that_is_cancelled_is_a_problem_and_left_as_it_is(office: Open, mode: str, lost: bool) -> None:
    here = office(mode)
    here.run()
    records = here.server.records()
    invoice = here.invoice("paid")
    here.change_invoice(invoice, _happened="cancelled")
    if lost:
        here.forget()
    assert codes(here.run(code=1)) == {"cancelled_after_payment": 1}
    assert here.server.records() == records
    told = [("invoice", "", ""), ("payment", "", "")] if lost else [("invoice", "cancelled", "booked")]
    assert here.still_standing() == (told, Decimal(invoice["total_cents"]) / 100)
    here.idle(code=1)


@BOTH
@LOST
def test_an_invoice_that_is_no_longer_paid_is_a_problem_or_its_payment_is_voided(
    office: Open, mode: str, lost: bool
) -> None:
    here = office(mode)
    here.run()
    invoice = here.invoice("paid")
    here.change_invoice(invoice, status="sent")
    if lost:
        here.forget()
    assert codes(here.run(code=1)) == {"back_from_paid": 1}
    assert len(here.payments(invoice)) == 1
    told = ("payment", "", "") if lost else ("payment", "sent", "paid")  # without a state it is one nobody expects
    assert here.still_standing() == ([told], Decimal(0))
    if lost:
        here.forget()
    here.configure(unsettle=True)
    here.run()
    assert here.payments(invoice) == []
    assert here.wrong() == []
    here.idle()


@BOTH
@LOST
def test_what_is_paid_again_after_its_payment_was_taken_back_is_settled_anew(
    office: Open, mode: str, lost: bool
) -> None:
    here = office(mode)
    here.configure(unsettle=True)
    here.run()
    invoice = here.invoice("paid")
    here.change_invoice(invoice, status="sent")
    here.run()
    here.change_invoice(invoice, status="paid")
    if lost:
        here.forget()
    here.run()
    assert len(here.payments(invoice)) == 1
    assert here.wrong() == []
    here.idle()


@BOTH
def test_an_invoice_that_was_voided_and_that_a_person_made_stand_again_is_left_and_told(
    office: Open, mode: str
) -> None:
    here = office(mode)
    here.run()
    invoice = here.invoice("sent")
    there = here.there(invoice)["id"]
    here.change_invoice(invoice, _happened="cancelled")
    here.run()
    here.server.void(there, void=False)
    assert here.run()["kept_by_hand"] == 1
    assert here.still_standing() == ([("invoice", "cancelled", "booked")], Decimal(invoice["total_cents"]) / 100)
    assert "edited there: status is 'booked'" in here.explain(invoice)
    here.idle()
    here.server.void(there)
    assert here.run()["kept_by_hand"] == 0
    assert here.wrong() == []


@BOTH
def test_a_payment_that_was_taken_back_and_that_a_person_made_stand_again_is_told_until_it_is_paid(
    office: Open, mode: str
) -> None:
    here = office(mode)
    here.configure(unsettle=True)
    here.run()
    invoice = here.invoice("paid")
    (payment,) = here.payments(invoice)
    here.change_invoice(invoice, status="sent")
    here.run()
    here.server.void(payment["id"], void=False)
    assert here.run()["kept_by_hand"] == 1
    assert here.still_standing() == ([("payment", "sent", "paid")], Decimal(0))
    assert "edited there: status is 'paid', FastFaktura said 'unpaid'; kept" in here.explain(invoice)
    here.idle()
    here.change_invoice(invoice, status="paid")
    assert [(one["verb"], one["kind"]) for one in here.run()["planned"]] == [("adopt", "payment")]
    assert [one["id"] for one in here.payments(invoice)] == [payment["id"]]
    assert here.run()["kept_by_hand"] == 0
    assert here.wrong() == []


@BOTH
def test_an_invoice_that_is_issued_again_after_it_was_cancelled_stands_once(office: Open, mode: str) -> None:
    here = office(mode)
    here.run()
    invoice = here.invoice("sent")
    here.change_invoice(invoice, status="cancelled")
    here.run()
    here.change_invoice(invoice, status="sent")
    here.run()
    assert here.there(invoice)["version"] == 1
    assert here.wrong() == []
    here.idle()


@BOTH
def test_booked_money_is_not_rewritten_when_it_changes_at_the_source(office: Open, mode: str) -> None:
    here = office(mode)
    here.run()
    invoice = here.invoice("sent")
    lines = [{"description": "More", "quantity": 1, "unit_price_cents": 123_456, "tax_rate": 25}]
    here.change_invoice(invoice, lines=lines)
    assert codes(here.run(code=1)) == {"changed_after_booking": 1}
    assert here.there(invoice)["fields"]["total"] == invoice["total_cents"]
    here.configure(on_change="update")
    here.run()
    assert here.there(invoice)["fields"]["total"] == 154_320
    assert here.wrong() == []


@BOTH
def test_what_changed_and_was_paid_is_settled_once_the_books_hold_its_money(office: Open, mode: str) -> None:
    here = office(mode)
    here.run()
    invoice = here.invoice("sent")
    lines = [{"description": "More", "quantity": 1, "unit_price_cents": 123_456, "tax_rate": 25}]
    here.change_invoice(invoice, lines=lines, _happened="paid")
    assert codes(here.run(code=1)) == {"changed_after_booking": 1}
    assert here.payments(invoice) == []
    here.idle(code=1)
    here.configure(on_change="update")
    here.run()
    assert [one["fields"]["amount"] for one in here.payments(invoice)] == [154_320]
    assert here.wrong() == []


@pytest.mark.parametrize("alike", [False, True], ids=["", "called alike"])
@BOTH
def test_an_invoice_that_went_to_another_client_is_told_by_their_names(office: Open, mode: str, alike: bool) -> None:
    here = office(mode)
    here.run()
    invoice = here.invoice("sent")
    before = next(one for one in here.dump()["clients"] if one["id"] == invoice["client_id"])
    now = next(one for one in here.dump()["clients"] if one["id"] != invoice["client_id"])
    if alike:
        here.change_client(now, name=before["name"])
    here.change_invoice(invoice, client_id=now["id"])
    (told,) = here.run(code=1)["problems"]
    assert told["code"] == "changed_after_booking"
    named = [f"{before['name']} ({one['id']})" if alike else one["name"] for one in (before, now)]
    assert f"client: {' → '.join(named)}" in told["sentence"]


@pytest.mark.parametrize("lost", [False, True])
@BOTH
def test_booked_money_that_changes_is_reversed_and_made_anew_once(office: Open, mode: str, lost: bool) -> None:
    here = office(mode)
    here.configure(on_change="reverse")
    here.run()
    invoice = here.invoice("sent")
    first = here.there(invoice)["id"]
    for price in (123_456, 200_000):
        lines = [{"description": "More", "quantity": 1, "unit_price_cents": price, "tax_rate": 25}]
        here.change_invoice(invoice, lines=lines)
        here.run()
        assert here.there(invoice)["fields"]["total"] == price * 5 // 4
        assert here.wrong() == []
        here.idle()
        if lost:
            here.forget()
            here.run()
            assert here.wrong() == []
    assert here.there(invoice)["id"] != first


def test_two_syncds_with_states_of_their_own_write_each_record_once(office: Open) -> None:
    here = office("keyed", clients=40, invoices=90)
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda name: here.run(name=name, code=None), ["one", "two"]))
    assert [run["rejected"] for run in runs] == [0, 0]
    assert here.wrong() == []
    for name in ("one", "two"):
        here.run(name=name)
        here.idle(name)
    assert here.wrong() == []
