"""What people do in a real Odoo beside syncd: it is kept, told, and nothing is booked twice because of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crash import scenario
from tests.odoo.clerk import Clerk
from tests.odoo.office import Json, codes
from tests.odoo.slots import Slot
from tests.odoo.stage import Stage, served

SENT, OTHER, OPENED, OVERDUE, PAID = range(5)
DRAFT = 8
"""Places of invoices of the small company; the first and the fourth client have several."""


@pytest.fixture
def stage(slot: Slot) -> Iterator[Stage]:
    """The small company; nothing is run yet."""
    with served(scenario.first()) as sandbox:
        yield slot.again(sandbox=sandbox)


def idle(stage: Stage, code: int = 0) -> Json:
    """Run again, and make sure that there is nothing to do."""
    run = stage.run(code=code)
    assert run["planned"] == []
    return run


def pay(stage: Stage, invoice: Json) -> None:
    """Let an invoice be paid at the source."""
    stage.change_invoice(invoice, status="paid", _events=[{"kind": "paid", "at": "2026-05-20T10:00:00Z"}])


def test_a_partner_that_a_person_renamed_keeps_its_name_and_both_are_told(clerk: Clerk) -> None:
    invoice = clerk.invoice(SENT)
    partner = clerk.partner(invoice)
    clerk.write("res.partner", partner["id"], name="Renamed by hand", street="Another street 5")
    run = idle(clerk.stage)
    assert run["kept_by_hand"] == 1
    told = clerk.differences("client")
    assert told["name"] == (clerk.client(0)["name"], "Renamed by hand")
    assert told["address"][0].startswith(clerk.client(0)["address"].partition(",")[0])
    assert "Another street 5" in told["address"][1]
    assert clerk.partner(invoice)["name"] == "Renamed by hand"
    clerk.stage.change_client(clerk.client(0), phone="+4791111111")
    clerk.stage.run()
    assert clerk.partner(invoice)["name"] == "Renamed by hand"
    assert clerk.partner(invoice)["phone"].replace(" ", "") == "+4791111111"


def test_a_name_that_changed_on_both_sides_is_a_conflict(clerk: Clerk) -> None:
    invoice = clerk.invoice(SENT)
    clerk.write("res.partner", clerk.partner(invoice)["id"], name="Renamed by hand")
    clerk.stage.change_client(clerk.client(0), name="Renamed at the source")
    assert codes(clerk.stage.run(code=1)) == ["conflict"]
    assert clerk.partner(invoice)["name"] == "Renamed by hand"
    clerk.stage.configure(conflicts="source")
    clerk.stage.run()
    assert clerk.partner(invoice)["name"] == "Renamed at the source"
    idle(clerk.stage)


def test_a_due_date_that_a_person_moved_stays_and_is_told(clerk: Clerk) -> None:
    invoice = clerk.invoice(SENT)
    clerk.write("account.move", clerk.move(invoice)["id"], invoice_date_due="2026-09-01")
    assert idle(clerk.stage)["kept_by_hand"] == 1
    assert clerk.differences("invoice")["due_date"] == (invoice["due_date"], "2026-09-01")
    assert clerk.move(invoice)["invoice_date_due"] == "2026-09-01"


def test_a_due_date_that_both_sides_moved_alike_follows_the_source_again(clerk: Clerk) -> None:
    invoice = clerk.invoice(SENT)
    clerk.write("account.move", clerk.move(invoice)["id"], invoice_date_due="2026-09-01")
    idle(clerk.stage)
    clerk.stage.change_invoice(invoice, due_date="2026-09-01")
    assert [(one["verb"], one["kind"]) for one in clerk.stage.run()["planned"]] == [("adopt", "invoice")]
    assert idle(clerk.stage)["kept_by_hand"] == 0
    clerk.stage.change_invoice(invoice, due_date="2026-12-24")
    clerk.stage.run()
    assert clerk.move(invoice)["invoice_date_due"] == "2026-12-24"
    assert clerk.stage.wrong() == []
    idle(clerk.stage)


def test_what_a_person_paid_before_syncd_is_adopted_and_not_paid_again(clerk: Clerk) -> None:
    invoice = clerk.invoice(SENT)
    there = clerk.pay(invoice, "2026-05-20")
    idle(clerk.stage)
    pay(clerk.stage, invoice)
    run = clerk.stage.run()
    assert [(one["verb"], one["kind"]) for one in run["planned"]] == [("adopt", "payment")]
    assert there in {one["id"] for one in clerk.stage.payments()}
    assert clerk.stage.wrong() == []
    idle(clerk.stage)


def test_a_payment_of_another_day_is_adopted_and_the_day_is_told(clerk: Clerk) -> None:
    invoice = clerk.invoice(SENT)
    clerk.pay(invoice, "2026-05-11")
    pay(clerk.stage, invoice)
    assert clerk.stage.command("plan").returncode == 0  # a look beforehand stands in the way of nothing
    clerk.stage.run()
    assert clerk.stage.wrong() == []
    assert clerk.differences("payment") == {"paid_date": ("2026-05-20", "2026-05-11")}
    assert idle(clerk.stage)["kept_by_hand"] == 1


def test_an_invoice_that_a_person_cancelled_is_not_written_again(clerk: Clerk) -> None:
    invoice = clerk.invoice(SENT)
    clerk.act(invoice, "button_draft", "button_cancel")
    run = clerk.stage.run(code=None)
    assert run["planned"] == []
    assert clerk.move(invoice)["state"] == "cancel"
    paid = len(clerk.stage.payments())
    pay(clerk.stage, invoice)
    clerk.stage.run(code=None)
    assert "removed" in clerk.differences("invoice")
    clerk.stage.change_invoice(invoice, due_date="2026-12-24")
    assert codes(clerk.stage.run(code=1)) == ["removed_there"]
    assert clerk.move(invoice)["state"] == "cancel"
    assert len(clerk.stage.payments()) == paid
    assert clerk.stage.made_twice() == []


@pytest.mark.parametrize("how", ["credited", "cancelled"])
def test_what_a_person_took_back_stays_out_though_the_state_is_lost(clerk: Clerk, how: str) -> None:
    stage, invoice = clerk.stage, clerk.invoice(SENT)
    if how == "credited":
        clerk.credit(invoice)
    else:
        clerk.act(invoice, "button_draft", "button_cancel")
    paid = len(stage.payments())
    stage.forget()
    run = stage.run()
    assert {one["verb"] for one in run["planned"]} == {"adopt"}
    assert run["removed_by_hand"] == 1
    assert "removed" in clerk.differences("invoice")
    pay(stage, invoice)
    assert codes(stage.run(code=1)) == ["removed_there"]
    assert len(stage.payments()) == paid
    assert stage.command("problems", "retry").returncode == 0
    assert ("create", "invoice") in {(one["verb"], one["kind"]) for one in stage.run()["planned"]}
    assert len(stage.payments()) == paid + 1
    idle(stage)


def test_what_stands_again_after_the_state_was_lost_is_adopted_as_it_stands(clerk: Clerk) -> None:
    stage, invoice = clerk.stage, clerk.invoice(SENT)
    number = clerk.move(invoice)["id"]
    credit = clerk.credit(invoice)
    stage.forget()
    stage.run()
    for method in ("button_draft", "button_cancel"):
        clerk.odoo.call("account.move", method, [credit])
    assert [(one["verb"], one["kind"]) for one in stage.run()["planned"]] == [("adopt", "invoice")]
    pay(stage, invoice)
    stage.run()
    assert clerk.read("account.move", number, "payment_state")["payment_state"] in ("paid", "in_payment")
    idle(stage)


def test_what_syncd_cancelled_and_a_person_posts_again_is_left_and_told(clerk: Clerk) -> None:
    stage, invoice = clerk.stage, clerk.invoice(SENT)
    stage.change_invoice(invoice, _happened="cancelled")
    stage.run()
    assert clerk.move(invoice)["state"] == "cancel"
    clerk.act(invoice, "button_draft", "action_post")
    assert idle(stage)["kept_by_hand"] == 1
    assert clerk.differences("invoice") == {"status": ("cancelled", "posted")}
    assert "edited there: status is 'posted'" in stage.command("explain", invoice["number"]).stdout
    assert clerk.move(invoice)["state"] == "posted"
    clerk.act(invoice, "button_draft", "button_cancel")
    assert idle(stage)["kept_by_hand"] == 0
    assert stage.command("reconcile").returncode == 0


def test_a_payment_that_syncd_took_back_and_a_person_posts_again_is_told_and_adopted_once_it_is_paid(
    clerk: Clerk,
) -> None:
    stage, invoice = clerk.stage, clerk.invoice(PAID)
    stage.configure(unsettle=True)
    standing = {one["id"] for one in stage.payments()}
    stage.change_invoice(invoice, status="sent")
    stage.run()
    (payment,) = standing - {one["id"] for one in stage.payments()}
    for method in ("action_draft", "action_post"):
        clerk.odoo.call("account.payment", method, [payment])
    assert idle(stage)["kept_by_hand"] == 1
    assert clerk.differences("payment") == {"status": ("sent", "paid")}
    stage.change_invoice(invoice, status="paid")
    stage.run(code=None)
    assert len([one for one in stage.payments() if one["id"] not in standing]) == 0, stage.payments()
    assert payment in {one["id"] for one in stage.payments()}
    assert stage.wrong() == []
    idle(stage)


def test_an_invoice_that_a_person_made_a_draft_stays_one(clerk: Clerk) -> None:
    invoice = clerk.invoice(SENT)
    clerk.act(invoice, "button_draft")
    assert idle(clerk.stage)["kept_by_hand"] == 1
    assert clerk.differences("invoice")["status"] == ("posted", "draft")
    paid = len(clerk.stage.payments())
    pay(clerk.stage, invoice)
    run = clerk.stage.run(code=1)
    assert [(one["kind"], one["id"]) for one in run["problems"]] == [("payment", invoice["id"])]
    assert clerk.move(invoice)["state"] == "draft"
    assert len(clerk.stage.payments()) == paid
    clerk.act(invoice, "action_post")
    clerk.stage.run(code=None)
    assert clerk.stage.command("problems", "retry").returncode == 0
    clerk.stage.run()
    assert clerk.stage.wrong() == []


@pytest.mark.parametrize("place", [SENT, DRAFT], ids=["taken back", "never posted"])
def test_what_a_person_writes_in_a_draft_stays_though_syncd_writes_in_it_afterwards(clerk: Clerk, place: int) -> None:
    stage, invoice = clerk.stage, clerk.invoice(place)
    if place == DRAFT:
        stage.configure(drafts=True)
        stage.run()
    else:
        clerk.act(invoice, "button_draft")
    clerk.edit(invoice, price_unit=123.0, name="By hand")
    stage.change_invoice(invoice, due_date="2026-12-24", notes="Changed meanwhile")
    assert [(one["verb"], one["kind"]) for one in stage.run()["planned"]] == [("update", "invoice")]
    assert idle(stage)["kept_by_hand"] == 1
    move = clerk.move(invoice)
    assert (move["state"], str(move["invoice_date_due"])) == ("draft", "2026-12-24")
    first = clerk.lines(invoice)[0]
    assert (first["name"], first["price_unit"]) == ("By hand", 123.0)
    if place == DRAFT:
        stage.change_invoice(invoice, _happened="sent")
        assert codes(stage.run(code=1)) == ["totals_differ"]
        assert (clerk.move(invoice)["state"], clerk.lines(invoice)[0]["price_unit"]) == ("draft", 123.0)


def test_a_line_that_a_person_altered_stays_and_is_told(clerk: Clerk) -> None:
    invoice = clerk.invoice(SENT)
    clerk.alter(invoice, price_unit=123.0, name="By hand")
    assert idle(clerk.stage)["kept_by_hand"] == 1
    told = clerk.differences("invoice")
    assert {"total", "subtotal", "tax"} <= set(told)
    assert any(source == "Work 0" and target == "By hand" for source, target in told.values())
    assert clerk.lines(invoice)[0]["price_unit"] == 123.0
    pay(clerk.stage, invoice)
    paid = len(clerk.stage.payments())
    assert codes(clerk.stage.run(code=1)) == ["adopted_totals_differ"]
    assert len(clerk.stage.payments()) == paid


def test_the_text_of_a_line_that_a_person_altered_stays_and_is_told(clerk: Clerk) -> None:
    invoice = clerk.invoice(PAID)
    number = clerk.lines(invoice)[0]["id"]
    clerk.write("account.move.line", number, name="By hand")
    assert idle(clerk.stage)["kept_by_hand"] == 1
    assert ("Work 4", "By hand") in clerk.differences("invoice").values()
    assert clerk.stage.wrong() == []


def test_an_archived_partner_takes_a_new_invoice_and_stays_archived(clerk: Clerk) -> None:
    partner = clerk.partner(clerk.invoice(SENT))
    clerk.write("res.partner", partner["id"], active=False)
    idle(clerk.stage)
    assert clerk.differences("client") == {"archived_at": ("", "archived")}
    assert "edited there: archived_at is 'archived'" in clerk.stage.command("explain", partner["name"]).stdout
    scenario._invoice(clerk.stage.sandbox.account, 0, "sent", 4_200, 1)
    clerk.stage.run()
    assert clerk.stage.wrong() == []
    assert clerk.stage.made_twice() == []
    assert clerk.partner(clerk.invoice(-1))["id"] == partner["id"]
    assert clerk.partner(clerk.invoice(-1))["active"] is False


def test_a_merged_partner_is_not_made_again_and_takes_the_next_invoice(clerk: Clerk) -> None:
    stage, partner = clerk.stage, clerk.partner(clerk.invoice(SENT))
    (into,) = clerk.odoo.call("res.partner", "create", vals_list=[{"name": "All of them", "is_company": True}])
    clerk.merge([partner["id"]], into)
    assert stage.run(code=None)["planned"] == []
    scenario._invoice(stage.sandbox.account, 0, "sent", 4_200, 1)
    stage.run(code=None)
    assert stage.wrong() == []
    assert clerk.odoo.ids("res.partner", [("name", "=", clerk.client(0)["name"])]) == []
    assert {clerk.partner(clerk.invoice(place))["id"] for place in (SENT, -1)} == {into}
    assert stage.run(code=None)["planned"] == []


def test_an_invoice_that_a_person_deleted_is_not_written_again(clerk: Clerk) -> None:
    invoice = clerk.invoice(SENT)
    number = clerk.act(invoice, "button_draft")
    clerk.write("account.move", number, name="/")
    context = {"force_delete": True}
    clerk.odoo.call("account.move", "unlink", [number], context=context)
    assert clerk.stage.run(code=None)["planned"] == []
    clerk.stage.change_invoice(invoice, due_date="2026-12-24")
    assert codes(clerk.stage.run(code=1)) == ["removed_there"]
    assert [one for one in clerk.stage.moves() if one["name"] == invoice["number"]] == []


def test_what_people_book_beside_syncd_is_none_of_its_business(clerk: Clerk) -> None:
    partner = clerk.partner(clerk.invoice(SENT))["id"]
    line = [0, 0, {"name": "By hand", "quantity": 1, "price_unit": 500.0}]
    own = {"move_type": "out_invoice", "partner_id": partner, "invoice_date": "2026-03-02", "invoice_line_ids": [line]}
    (made,) = clerk.odoo.call("account.move", "create", vals_list=[own])
    clerk.odoo.call("account.move", "action_post", [made])
    idle(clerk.stage)
    assert clerk.stage.wrong() == []


def test_a_tax_that_was_archived_since_is_no_edit_of_the_lines_that_bear_it(clerk: Clerk) -> None:
    stage, invoice = clerk.stage, clerk.invoice(SENT)
    (old,) = clerk.odoo.ids("account.tax", [("name", "=", "Sync 25%")])
    new = clerk.copy("account.tax", old, name="Sync 25% new")
    clerk.write("account.tax", old, active=False)
    stage.configure(on_change="update")
    clerk.write("account.move", clerk.move(invoice)["id"], invoice_date_due="2026-12-24")
    stage.run()
    assert clerk.differences("invoice") == {"due_date": (invoice["due_date"], "2026-12-24")}
    scenario._invoice(stage.sandbox.account, 0, "sent", 4_200, 1)
    lines = [{"description": "Work 1", "quantity": 5, "unit_price_cents": 12_345, "tax_rate": 25}]
    stage.change_invoice(clerk.invoice(OTHER), lines=lines)
    stage.run()
    assert clerk.books_of(clerk.lines(clerk.invoice(OTHER))[0])[0] == old
    assert clerk.books_of(clerk.lines(clerk.invoice(-1))[0])[0] == new
    assert clerk.total(clerk.invoice(OTHER)) == clerk.invoice(OTHER)["total_cents"]
    idle(stage)


# -- closed periods ----------------------------------------------------------------------------------------------------


def test_invoices_of_a_closed_period_are_problems_and_nothing_of_them_is_sent(stage: Stage) -> None:
    clerk = Clerk(stage)
    clerk.close("2026-03-20")
    run = stage.run(code=1)
    assert set(codes(run)) == {"period_locked"}
    late = {one["id"] for one in run["problems"]}
    assert {clerk.invoice(SENT)["id"], clerk.invoice(OTHER)["id"]} <= late
    assert stage.wrong(but=late) == []
    assert all(one["invoice_date"] > "2026-03-20" for one in stage.moves())
    idle(stage, code=1)
    clerk.close(False)
    stage.run()
    assert stage.wrong() == []


def test_what_was_booked_in_a_period_closed_since_does_not_move(clerk: Clerk) -> None:
    stage, invoice, other = clerk.stage, clerk.invoice(SENT), clerk.invoice(OTHER)
    clerk.close("2026-04-30")
    before = clerk.everything()
    stage.configure(unsettle=True, on_change="update")
    stage.change_invoice(invoice, _happened="cancelled")
    stage.change_invoice(other, lines=[{"description": "x", "quantity": 1, "unit_price_cents": 5, "tax_rate": 25}])
    stage.change_invoice(clerk.invoice(PAID), status="sent")
    run = stage.run(code=1)
    told = {one["id"]: one["code"] for one in run["problems"]}
    locked = {invoice["id"]: "period_locked", clerk.invoice(PAID)["id"]: "period_locked"}
    assert told == {**locked, other["id"]: "changed_after_booking"}
    assert clerk.everything() == before
    idle(stage, code=1)


def test_a_period_closed_for_the_tax_return_takes_no_invoice_not_even_of_0_percent(stage: Stage) -> None:
    clerk = Clerk(stage)
    stage.change_invoice(
        clerk.invoice(SENT),
        lines=[{"description": "Export", "quantity": 1, "unit_price_cents": 500, "tax_rate": 0}],
    )
    clerk.write("res.company", 1, tax_lock_date="2026-04-30")
    run = stage.run(code=1)
    assert set(codes(run)) == {"period_locked"}
    late = {one["id"] for one in run["problems"]}
    assert clerk.invoice(SENT)["id"] in late
    assert [one for one in stage.moves() if one["invoice_date"] <= "2026-04-30"] == []
    assert stage.wrong(but=late) == []
    clerk.write("res.company", 1, tax_lock_date=False)
    stage.run()
    assert stage.wrong() == []


def test_what_was_declared_for_tax_is_not_taken_back(clerk: Clerk) -> None:
    clerk.write("res.company", 1, tax_lock_date="2026-04-30")
    before = clerk.everything()
    clerk.stage.change_invoice(clerk.invoice(SENT), _happened="cancelled")
    assert codes(clerk.stage.run(code=1)) == ["period_locked"]
    assert clerk.everything() == before


def test_a_payment_of_an_open_day_settles_an_invoice_of_a_closed_period(clerk: Clerk) -> None:
    clerk.close("2026-04-30")
    pay(clerk.stage, clerk.invoice(SENT))
    clerk.stage.run()
    assert clerk.stage.wrong() == []


def test_a_period_closed_for_sales_alone_takes_payments(clerk: Clerk) -> None:
    if "sale_lock_date" not in clerk.odoo.fields_of("res.company"):
        pytest.skip("this Odoo closes a period for all entries or for none")
    clerk.write("res.company", 1, sale_lock_date="2026-05-31")
    pay(clerk.stage, clerk.invoice(SENT))
    clerk.stage.run()
    assert clerk.stage.wrong() == []


def test_after_a_lost_state_only_what_differs_is_told(clerk: Clerk) -> None:
    invoice = clerk.invoice(SENT)
    clerk.write("account.move", clerk.move(invoice)["id"], invoice_date_due="2026-12-24")
    clerk.stage.forget()
    (told,) = clerk.stage.run(code=1)["problems"]
    assert told["code"] == "adopted_differs"
    assert "due_date" in told["sentence"]
    assert "of the target" not in told["sentence"]


def test_a_payment_of_a_closed_day_is_a_problem(clerk: Clerk) -> None:
    clerk.close("2026-05-31")
    before = clerk.everything()
    pay(clerk.stage, clerk.invoice(SENT))
    assert codes(clerk.stage.run(code=1)) == ["period_locked"]
    assert clerk.everything() == before


# -- rights ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("group", "names"),
    [
        ("account.group_account_invoice", ("Accounting / Invoicing", "Invoicing / Billing")),
        ("base.group_partner_manager", ("Contact / Creation", "Extra Rights / Contact Creation")),
    ],
)
def test_a_right_that_the_user_lacks_is_named_by_check(stage: Stage, group: str, names: tuple[str, ...]) -> None:
    assert stage.command("check").returncode == 0
    stage.place.take(group)
    told = stage.fork("check", "--json")
    assert told.code not in (0, 4), told.out
    said = " ".join(one["said"] for one in told.json()["checks"] if not one["good"])
    assert any(name in said for name in names), said
    assert "An administrator puts it into the group" in said


def test_without_the_right_to_write_contacts_invoices_of_those_that_stand_go_on(clerk: Clerk) -> None:
    stage, account = clerk.stage, clerk.stage.sandbox.account
    stage.place.take("base.group_partner_manager")
    stage.change_client(clerk.client(0), phone="+4791111111")
    for client in (0, 1, 6):
        scenario._invoice(account, client, "sent", 4_200, 1)
    pay(stage, clerk.invoice(SENT))
    run = stage.run(code=1)
    told = {(one["kind"], one["id"]): one for one in run["problems"]}
    refused = {("client", clerk.client(place)["id"]): "unwritable" for place in (0, 6)}
    late = clerk.invoice(-1)["id"]
    assert {pair: one["code"] for pair, one in told.items()} == {**refused, ("invoice", late): "waits_for_other"}
    for pair in refused:
        assert "may not create res.partner, res.partner.category or write res.partner" in told[pair]["sentence"]
    assert stage.wrong(but={late}) == []
    assert len(stage.run(code=1)["problems"]) == len(told)
    stage.place.give("base.group_partner_manager")
    stage.run()
    assert stage.wrong() == []
    assert clerk.partner(clerk.invoice(SENT))["phone"].replace(" ", "") == "+4791111111"
    idle(stage)


@pytest.mark.parametrize("group", ["account.group_account_invoice", "base.group_partner_manager"])
def test_a_right_that_is_taken_away_stops_nothing_for_good(stage: Stage, group: str) -> None:
    stage.place.take(group)
    run = stage.fork("run", "--json")
    assert run.code in (1, 3), run.out[-2000:]
    assert stage.moves() == []
    stage.place.give(group)
    stage.run(code=None)
    stage.command("problems", "retry")
    stage.run()
    assert stage.wrong() == []
    assert stage.made_twice() == []
