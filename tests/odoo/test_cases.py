"""Drafts, cancelled and unpaid invoices, credits, currencies and odd texts, through the command line into an Odoo."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from syncd.sandbox.change import insert, patch_client
from tests.crash import scenario
from tests.odoo.clerk import Clerk
from tests.odoo.office import Json, codes
from tests.odoo.slots import Slot
from tests.odoo.stage import Stage, served

SENT, OTHER, OPENED, OVERDUE, PAID, SMALL, CREDIT, ZERO, DRAFT, CANCELLED = range(10)
"""Places of invoices of the small company."""

LOST = pytest.mark.parametrize("lost", [False, True], ids=["state kept", "state lost"])
ODD = (
    "<b>Bold</b> & <script>alert(1)</script>",
    "شركة النور للتجارة",
    "שלום בע״מ",
    "🦊 Fox & 🐻 Bear 👨‍👩‍👧",
    "First line\nsecond line\n\nfourth",
    "=1+1; \"quoted\" 'single' \\ %s {x} $y",
    "Ünïcödé ✓ 𝄞 Ω ﬁ é é",
)


@pytest.fixture
def clerk(slot: Slot) -> Iterator[Clerk]:
    """The small company; nothing is run yet."""
    with served(scenario.first()) as sandbox:
        yield Clerk(slot.again(sandbox=sandbox))


def idle(stage: Stage, code: int = 0) -> None:
    """Run again, and make sure that there is nothing to do."""
    assert stage.run(code=code)["planned"] == []


def planned(run: Json) -> list[tuple[str, str, int]]:
    return [(one["verb"], one["kind"], one["count"]) for one in run["planned"]]


# -- drafts ------------------------------------------------------------------------------------------------------------


def test_a_draft_is_written_as_one_and_posted_once_it_is_sent(clerk: Clerk) -> None:
    stage, invoice = clerk.stage, clerk.invoice(DRAFT)
    stage.configure(drafts=True)
    stage.run()
    (there,) = [one for one in stage.moves() if one["state"] == "draft"]
    assert invoice["number"] in (there["name"], there["ref"])
    idle(stage)
    stage.change_invoice(invoice, notes="Changed meanwhile")
    stage.run()
    stage.change_invoice(invoice, _happened="sent")
    stage.run()
    assert clerk.move(invoice)["id"] == there["id"]
    assert stage.wrong() == []
    idle(stage)
    assert stage.command("reconcile").returncode == 0


def test_a_draft_that_changes_is_a_draft_still(clerk: Clerk) -> None:
    stage, invoice = clerk.stage, clerk.invoice(DRAFT)
    stage.configure(drafts=True)
    stage.run()
    lines = [{"description": "Other", "quantity": 2, "unit_price_cents": 3_333, "tax_rate": 6}]
    stage.change_invoice(invoice, lines=lines)
    assert codes(stage.run()) == []
    move = clerk.move(invoice)
    assert (move["state"], move["amount_total"]) == ("draft", 70.66)
    idle(stage)


def test_a_draft_that_vanished_is_voided(clerk: Clerk) -> None:
    stage, invoice = clerk.stage, clerk.invoice(DRAFT)
    stage.configure(drafts=True)
    stage.run()
    with stage.sandbox.account.lock:
        del stage.sandbox.account.invoices[invoice["id"]]
        stage.sandbox.account.touched()
    stage.run()
    assert clerk.move(invoice)["state"] == "cancel"
    idle(stage)


def test_without_the_setting_no_draft_is_written(clerk: Clerk) -> None:
    clerk.stage.run()
    assert clerk.invoice(DRAFT)["number"] not in {one["name"] for one in clerk.stage.moves()}
    assert clerk.stage.wrong() == []


# -- cancelled, and back from paid -------------------------------------------------------------------------------------


@LOST
def test_an_unpaid_invoice_that_is_cancelled_is_void_in_odoo(clerk: Clerk, lost: bool) -> None:
    stage, invoice = clerk.stage, clerk.invoice(SENT)
    stage.run()
    stage.change_invoice(invoice, _happened="cancelled")
    if lost:
        stage.forget()
    stage.run()
    assert clerk.move(invoice)["state"] == "cancel"
    assert stage.wrong() == []
    idle(stage)


def test_a_number_is_taken_by_a_new_invoice_in_the_run_that_cancels_the_old_one(clerk: Clerk) -> None:
    stage, invoice = clerk.stage, clerk.invoice(SENT)
    stage.run()
    old = clerk.move(invoice)["id"]
    stage.change_invoice(invoice, _happened="cancelled")
    made(clerk, 0, status="sent", lines=[line("Again", 10_001, 25)])
    stage.change_invoice(clerk.invoice(-1), number=invoice["number"])
    stage.run()
    found = {
        one["id"]: (one["state"], one["amount_total"]) for one in stage.moves() if one["name"] == invoice["number"]
    }
    assert found.pop(old)[0] == "cancel"
    assert list(found.values()) == [("posted", 125.01)]
    idle(stage)
    assert stage.command("reconcile").returncode == 0


def test_a_number_that_another_invoice_bears_is_a_problem_that_says_what_to_do(clerk: Clerk) -> None:
    stage, invoice = clerk.stage, clerk.invoice(PAID)
    stage.run()
    made(clerk, 0, status="sent", lines=[line("Again", 10_001, 25)])
    stage.change_invoice(clerk.invoice(-1), number=invoice["number"])
    (told,) = stage.run(code=1)["problems"]
    assert told["id"] == clerk.invoice(-1)["id"]
    assert "give one of them another number" in told["sentence"]
    assert [one["state"] for one in stage.moves() if one["name"] == invoice["number"]] == ["posted"]


@LOST
def test_a_paid_invoice_that_is_cancelled_is_a_problem_and_stays(clerk: Clerk, lost: bool) -> None:
    stage = clerk.stage
    stage.run()
    before = clerk.everything()
    stage.change_invoice(clerk.invoice(PAID), _happened="cancelled")
    if lost:
        stage.forget()
    assert codes(stage.run(code=1)) == ["cancelled_after_payment"]
    assert clerk.everything() == before
    idle(stage, code=1)


def test_a_cancelled_invoice_that_is_settled_in_odoo_alone_is_told_and_sent_once(clerk: Clerk) -> None:
    stage = clerk.stage
    made(clerk, 0, status="sent", lines=[line("Work", 10_000, 25)])
    made(clerk, 0, status="sent", lines=[line("Work", 10_000, 25)])
    stage.run()
    part, whole = clerk.invoice(-2), clerk.invoice(-1)
    payment = clerk.pay(part, "2026-06-01", amount=50)
    clerk.pay(whole, "2026-06-01")
    stage.run()
    for invoice in (part, whole):
        stage.change_invoice(invoice, status="cancelled")
    run = stage.run(code=1)
    told = {one["id"]: (one["code"], one["sentence"]) for one in run["problems"]}
    assert {code for code, _ in told.values()} == {"cancelled_but_settled"}
    assert "a part of it is paid or credited in Odoo" in told[part["id"]][1]
    assert "it is paid in Odoo" in told[whole["id"]][1]
    idle(stage, code=1)
    assert codes(stage.run(code=1)) == ["cancelled_but_settled"] * 2
    for method in ("action_draft", "action_cancel"):
        clerk.odoo.call("account.payment", method, [payment])
    stage.command("problems", "retry")
    assert codes(stage.run(code=1)) == ["cancelled_but_settled"]
    assert clerk.move(part)["state"] == "cancel"


def test_in_a_journal_that_is_locked_by_hashes_a_cancelled_invoice_is_reversed(clerk: Clerk) -> None:
    stage, invoice = clerk.stage, clerk.invoice(SENT)
    stage.place.admin().call("account.journal", "write", [stage.journal], vals={"restrict_mode_hash_table": True})
    number = "ref" if stage.place.version > 17 else "name"  # from Odoo 18 on there are no gaps in such a journal
    stage.configure(on_change="update", number=number)
    stage.run()
    stage.change_invoice(invoice, _happened="cancelled")
    stage.change_invoice(clerk.invoice(OTHER), lines=[line("More", 33_333, 12, 3)])
    assert codes(stage.run(code=1)) == ["rejected_by_target"]
    moves = [one for one in stage.moves() if one["partner_id"] == clerk.move(invoice)["partner_id"]]
    (reversed_,) = [one for one in moves if one["payment_state"] == "reversed"]
    (credit,) = [one for one in moves if one["move_type"] == "out_refund" and invoice["number"] in one["ref"]]
    assert (credit["state"], credit["amount_residual"]) == ("posted", 0.0)
    assert (reversed_[number], reversed_["state"]) == (invoice["number"], "posted")
    assert credit["amount_total"] == reversed_["amount_total"]
    idle(stage, code=1)


def test_an_issued_invoice_that_vanished_stays_and_is_told(clerk: Clerk) -> None:
    stage, invoice = clerk.stage, clerk.invoice(SENT)
    stage.run()
    stage.sandbox.account.vanish(invoice["id"])
    assert codes(stage.run("--full", code=1)) == ["vanished_invoice"]
    assert clerk.move(invoice)["state"] == "posted"
    assert clerk.differences("invoice") == {"status": ("deleted", "posted")}


def test_what_was_issued_before_the_start_date_is_none_of_these_books(clerk: Clerk) -> None:
    stage = clerk.stage
    days = {one["number"]: min(event["created_at"] for event in one["events"])[:10] for one in stage.invoices("paid")}
    start = sorted(days.values())[len(days) // 2]
    stage.configure(start_date=start)
    stage.run()
    there = {one["name"]: str(one["invoice_date"]) for one in stage.moves()}
    assert there
    assert min(there.values()) >= start
    assert {number for number, day in days.items() if day < start}.isdisjoint(there)
    idle(stage)


def test_an_invoice_issued_again_after_it_was_cancelled_stands_once(clerk: Clerk) -> None:
    stage, invoice = clerk.stage, clerk.invoice(SENT)
    stage.run()
    stage.change_invoice(invoice, status="cancelled")
    stage.run()
    stage.change_invoice(invoice, status="sent")
    stage.run()
    assert stage.wrong() == []
    idle(stage)


@LOST
def test_an_invoice_that_is_no_longer_paid_is_a_problem_or_its_payment_is_taken_back(clerk: Clerk, lost: bool) -> None:
    stage, invoice = clerk.stage, clerk.invoice(PAID)
    stage.run()
    paid = len(stage.payments())
    stage.change_invoice(invoice, status="sent")
    if lost:
        stage.forget()
    assert codes(stage.run(code=1)) == ["back_from_paid"]
    assert len(stage.payments()) == paid
    stage.configure(unsettle=True)
    if lost:
        stage.forget()
    stage.run()
    assert stage.wrong() == []
    idle(stage)


@LOST
def test_an_invoice_that_is_paid_again_is_settled_anew(clerk: Clerk, lost: bool) -> None:
    stage, invoice = clerk.stage, clerk.invoice(PAID)
    stage.configure(unsettle=True)
    stage.run()
    stage.change_invoice(invoice, status="sent")
    stage.run()
    stage.change_invoice(invoice, status="paid")
    if lost:
        stage.forget()
    stage.run()
    assert stage.wrong() == []
    idle(stage)


def test_money_that_changes_after_booking_is_a_problem_or_rewritten_while_unpaid(clerk: Clerk) -> None:
    stage, invoice = clerk.stage, clerk.invoice(SENT)
    stage.run()
    before = clerk.everything()
    lines = [{"description": "More", "quantity": 3, "unit_price_cents": 33_333, "tax_rate": 12}]
    stage.change_invoice(invoice, lines=lines)
    assert codes(stage.run(code=1)) == ["changed_after_booking"]
    assert clerk.everything() == before
    stage.configure(on_change="update")
    stage.run()
    assert stage.wrong() == []
    idle(stage)
    stage.change_invoice(clerk.invoice(PAID), lines=lines)
    assert set(codes(stage.run(code=1))) == {"changed_after_booking"}


def test_a_rewritten_invoice_keeps_what_a_person_set_and_the_source_did_not_change(clerk: Clerk) -> None:
    stage = clerk.stage
    stage.configure(on_change="update")
    made(clerk, 0, status="sent", lines=[line("Work", 10_001, 25, 3), line("Trip", 4_200, 12), line("Desk", 900, 25)])
    stage.run()
    invoice = clerk.invoice(-1)
    work, trip, desk = clerk.lines(invoice)
    (tax, account), usual = clerk.books_of(work), clerk.books_of(trip)
    other = clerk.copy("account.tax", tax, name="25% by hand")
    income = clerk.copy("account.account", account, name="By hand", code="499999")
    number = clerk.act(invoice, "button_draft")
    theirs = {"account_id": income, "tax_ids": [[6, 0, [other]]]}
    changes = [[1, work["id"], theirs], [1, trip["id"], {"name": "By hand"}], [1, desk["id"], theirs]]
    clerk.write("account.move", number, invoice_date_due="2026-12-24", invoice_line_ids=changes)
    clerk.act(invoice, "action_post")
    lines = [line("Work", 10_001, 25, 4), line("Trip", 4_200, 12), line("Desk", 901, 25)]
    stage.change_invoice(invoice, lines=lines)
    stage.run()
    found = clerk.lines(invoice)
    assert [one["name"] for one in found] == ["Work", "By hand", "Desk"]
    if stage.place.version > 15:  # before, lines are always made anew
        assert [one["id"] for one in found] == [work["id"], trip["id"], desk["id"]]
    assert [one["quantity"] for one in found] == [4, 1, 1]
    assert [clerk.books_of(one) for one in found] == [(other, income), usual, (other, income)]
    assert clerk.read("account.move", number, "invoice_date_due")["invoice_date_due"] == "2026-12-24"
    assert clerk.total(invoice) == clerk.invoice(-1)["total_cents"]
    idle(stage)
    stage.change_invoice(invoice, lines=[*lines, line("More", 77, 25)])
    stage.run()
    found = clerk.lines(invoice)
    assert [one["name"] for one in found] == ["Work", "By hand", "Desk", "More"]
    assert {tax for tax, _ in map(clerk.books_of, found)} == {other, usual[0]}
    assert clerk.total(invoice) == clerk.invoice(-1)["total_cents"]
    stage.change_invoice(invoice, lines=lines[:2])
    stage.run()
    assert [one["name"] for one in clerk.lines(invoice)] == ["Work", "By hand"]
    assert clerk.total(invoice) == clerk.invoice(-1)["total_cents"]
    idle(stage)


def test_what_a_line_is_analysed_under_stays_with_it(clerk: Clerk) -> None:
    stage = clerk.stage
    stage.configure(on_change="update")
    made(clerk, 0, status="sent", lines=[line("Work", 10_001, 25, 3), line("Trip", 4_200, 12), line("Desk", 900, 25)])
    stage.run()
    invoice = clerk.invoice(-1)
    number = clerk.move(invoice)["id"]
    clerk.analyse(invoice, 0, "Works")
    clerk.analyse(invoice, 1, "Trips")
    before = clerk.analysis(number)
    assert len({repr(one) for one in before.values()}) == 3
    stage.change_invoice(invoice, lines=[line("Box", 77, 25), line("Work", 10_001, 25, 4), line("Trip", 4_200, 12)])
    stage.run()
    there = clerk.analysis(number)
    assert there == {"Box": before["Desk"], "Work": before["Work"], "Trip": before["Trip"]}
    assert sorted(clerk.analysed(number)) == [42.0, 400.04]
    assert stage.wrong() == []
    idle(stage)


def test_a_credit_note_is_analysed_as_its_invoice(clerk: Clerk) -> None:
    stage, invoice = clerk.stage, clerk.invoice(SENT)
    stage.place.admin().call("account.journal", "write", [stage.journal], vals={"restrict_mode_hash_table": True})
    stage.configure(number="ref" if stage.place.version > 17 else "name")
    stage.run()
    clerk.analyse(invoice, 0, "Works")
    number = clerk.move(invoice)["id"]
    stage.change_invoice(invoice, _happened="cancelled")
    stage.run()
    (credit,) = [
        one["id"]
        for one in stage.moves()
        if f"{invoice['number']}" in (one["ref"] or "") and one["move_type"] == "out_refund"
    ]
    assert clerk.analysis(credit) == clerk.analysis(number)
    booked = clerk.analysed(number, credit)
    if stage.place.version > 15:  # before, what is put on a posted line is booked on no analytic account
        assert len(booked) == 2
        assert sum(booked) == 0


def test_a_number_stays_known_where_it_stands_when_the_setting_changes(clerk: Clerk) -> None:
    stage = clerk.stage
    stage.configure(on_change="update")
    stage.run()
    for setting, changed, cancelled in (("ref", SENT, OPENED), ("name", OTHER, OVERDUE)):
        stage.configure(on_change="update", number=setting)
        assert stage.command("reconcile").returncode == 0
        made(clerk, 0, status="sent", lines=[line("Work", 10_001, 25)])
        stage.change_invoice(clerk.invoice(changed), lines=[line("More", 33_333, 12, 3)])
        stage.change_invoice(clerk.invoice(cancelled), _happened="cancelled")
        assert stage.run()["kept_by_hand"] == 0
        assert clerk.move(clerk.invoice(-1))[setting] == clerk.invoice(-1)["number"]
        assert clerk.total(clerk.invoice(changed)) == clerk.invoice(changed)["total_cents"]
        assert clerk.move(clerk.invoice(cancelled))["state"] == "cancel"
        assert stage.wrong() == []
        idle(stage)
        assert stage.command("reconcile").returncode == 0


# -- money -------------------------------------------------------------------------------------------------------------


def made(clerk: Clerk, place: int, **fields: Any) -> None:
    """Issue one more invoice at the source."""
    account = clerk.stage.sandbox.account
    insert(account, {"client_id": list(account.clients)[place % len(account.clients)], **fields})


def line(text: str, cents: int, rate: int, quantity: float = 1) -> Json:
    return {"description": text, "quantity": quantity, "unit_price_cents": cents, "tax_rate": rate}


def test_credits_and_zero_totals_stand_as_they_are(clerk: Clerk) -> None:
    stage = clerk.stage
    made(clerk, 0, status="sent", lines=[line("Back", 9_999, 25, -3), line("Fee", 500, 12)])
    made(clerk, 1, status="paid", lines=[line("Back", 100_01, 20, -1)])
    made(clerk, 2, status="paid", lines=[line("Up", 5_000, 25), line("Down", 5_000, 25, -1)])
    made(clerk, 3, status="sent", lines=[line("Nothing", 0, 0)])
    stage.run()
    assert stage.wrong() == []
    assert {one["move_type"] for one in stage.moves()} == {"out_invoice", "out_refund"}
    assert stage.command("reconcile").returncode == 0
    idle(stage)


def test_all_rates_mixed_in_six_currencies_stand_to_the_cent_and_are_paid(clerk: Clerk) -> None:
    stage = clerk.stage
    for place, currency in enumerate(("EUR", "USD", "GBP", "NOK", "SEK", "DKK")):
        mixed = [line(f"At {rate}", 3_333 + 7 * place + rate, rate, 1.25 + place) for rate in (25, 20, 19, 12, 6, 0)]
        small = [line("Cents", 1, 25, 7), line("Cents", 3, 12, 9), line("Cents", 33, 25), line("Off", 10, 25, -1)]
        made(clerk, place, status="paid", currency=currency, lines=mixed)
        made(clerk, place, status="sent", currency=currency, lines=small)
        made(clerk, place, status="paid", currency=currency, lines=[line("Back", 1_005, 25, -1)])
    stage.run()
    assert stage.wrong() == []
    assert stage.command("reconcile").returncode == 0
    idle(stage)


# -- texts and mail ----------------------------------------------------------------------------------------------------


def test_odd_texts_are_what_they_are_and_no_mail_is_made(clerk: Clerk) -> None:
    stage = clerk.stage
    account = stage.sandbox.account
    for place, text in enumerate(ODD):
        patch_client(account, list(account.clients)[place], {"name": text, "email": f"odd{place}@example.com"})
        lines = [line(text, 1_000 + place, 25), line("", 5, 12)]
        made(clerk, place, status="paid", notes=text, lines=lines)
    stage.run()
    assert stage.wrong() == []
    for place, text in enumerate(ODD):
        invoice = clerk.invoice(place - len(ODD))
        assert clerk.lines(invoice)[0]["name"] == text
        partner = clerk.partner(invoice)
        assert partner["name"].split() == text.split()
        assert partner["email"] == f"odd{place}@example.com"
        narration = clerk.read("account.move", clerk.move(invoice)["id"], "narration")["narration"] or ""
        if stage.place.version < 15:  # a plain text, which Odoo escapes where it shows it
            assert narration.startswith(text)
        else:
            assert "<script" not in narration
            assert "<b>" not in narration
    assert stage.command("reconcile").returncode == 0
    idle(stage)
    stage.forget()
    assert {one["verb"] for one in stage.run()["planned"]} == {"adopt"}
    assert stage.made_twice() == []
    assert stage.mails() == 0


def test_no_mail_is_made_by_any_turn_in_the_life_of_an_invoice(clerk: Clerk) -> None:
    stage = clerk.stage
    stage.configure(unsettle=True, on_change="update", drafts=True, chatter=True)
    stage.run()
    follower = clerk.partner(clerk.invoice(SENT))["id"]
    clerk.odoo.call(
        "account.move", "message_subscribe", [clerk.move(clerk.invoice(SENT))["id"]], partner_ids=[follower]
    )
    stage.change_invoice(clerk.invoice(SENT), lines=[line("Other", 700, 25)], notes="x", due_date="2026-12-24")
    stage.change_invoice(clerk.invoice(OTHER), _happened="paid")
    stage.change_invoice(clerk.invoice(OPENED), _happened="cancelled")
    stage.change_invoice(clerk.invoice(PAID), status="sent")
    stage.change_invoice(clerk.invoice(DRAFT), _happened="sent")
    stage.run()
    assert stage.wrong() == []
    assert stage.mails() == 0
    idle(stage)
