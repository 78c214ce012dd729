"""What stands in Odoo under the id of an invoice, and is not, or not any more, what syncd wrote: it is left alone."""

from __future__ import annotations

import pytest

from tests.crash import scenario
from tests.odoo.clerk import Clerk
from tests.odoo.office import Json, codes

SENT, OTHER, OPENED, DRAFT = 0, 1, 2, 8
"""Places of invoices of the small company."""


def more(price: int) -> list[Json]:
    return [{"description": "More", "quantity": 1, "unit_price_cents": price, "tax_rate": 25}]


def unmarked(clerk: Clerk, invoice: Json) -> int:
    """Have another record under an invoice's id, as after a backup was put back: it bears no mark of syncd's."""
    number = int(clerk.move(invoice)["id"])
    names = clerk.odoo.ids("ir.model.data", [("model", "=", "account.move"), ("res_id", "=", number)])
    clerk.odoo.call("ir.model.data", "unlink", names)
    clerk.write("account.move", number, invoice_origin=False, narration="Somebody's own")
    return number


@pytest.mark.parametrize("happens", ["cancelled", "paid", "changed"])
def test_another_record_under_the_same_id_is_left_alone(clerk: Clerk, happens: str) -> None:
    stage, invoice = clerk.stage, clerk.invoice(SENT)
    stage.configure(on_change="update", unsettle=True)
    stage.run()
    number = unmarked(clerk, invoice)
    before, paid = clerk.read("account.move", number, "state", "amount_total", "payment_state"), stage.payments()
    assert stage.run()["removed_by_hand"] == 1
    if happens == "changed":
        stage.change_invoice(invoice, lines=more(77_700))
    else:
        stage.change_invoice(invoice, _happened=happens)
    stage.run(code=None)
    assert clerk.read("account.move", number, "state", "amount_total", "payment_state") == before
    assert stage.payments() == paid


def test_an_invoice_that_stands_again_is_not_booked_twice_when_it_is_asked_for(clerk: Clerk) -> None:
    stage, invoice = clerk.stage, clerk.invoice(SENT)
    stage.run()
    count = len(stage.moves())
    number = clerk.act(invoice, "button_draft", "button_cancel")
    stage.run(code=None)
    stage.change_invoice(invoice, due_date="2026-12-24")
    assert codes(stage.run(code=1)) == ["removed_there"]
    clerk.act(invoice, "button_draft", "action_post")
    assert stage.command("problems", "retry").returncode == 0
    stage.run(code=None)
    assert len(stage.moves()) == count
    assert str(clerk.read("account.move", number, "invoice_date_due")["invoice_date_due"]) == "2026-12-24"
    assert stage.made_twice() == []


def test_an_invoice_that_was_asked_for_again_and_stood_again_is_one(clerk: Clerk) -> None:
    stage, invoice = clerk.stage, clerk.invoice(SENT)
    stage.run()
    count = len(stage.moves())
    clerk.act(invoice, "button_draft", "button_cancel")
    stage.run(code=None)
    stage.change_invoice(invoice, due_date="2026-12-24")
    stage.run(code=1)
    assert stage.command("problems", "retry").returncode == 0
    clerk.act(invoice, "button_draft", "action_post")
    stage.run(code=None)
    assert len(stage.moves()) == count
    assert stage.made_twice() == []


def test_what_is_booked_does_not_become_a_draft_again(clerk: Clerk) -> None:
    stage, invoice = clerk.stage, clerk.invoice(SENT)
    stage.configure(on_change="update")
    stage.run()
    before = clerk.move(invoice)
    stage.change_invoice(invoice, status="draft")
    assert codes(stage.run(code=1)) == ["changed_after_booking"]
    stage.change_invoice(invoice, lines=more(77_700))
    assert codes(stage.run(code=1)) == ["changed_after_booking"]
    stage.sandbox.account.vanish(invoice["id"])
    assert codes(stage.run("--full", code=1)) == ["vanished_invoice"]
    assert clerk.move(invoice) == before


def test_a_draft_that_a_person_posted_stays_as_it_was_posted(clerk: Clerk) -> None:
    stage, invoice = clerk.stage, clerk.invoice(DRAFT)
    stage.configure(drafts=True, on_change="update")
    stage.run()
    clerk.act(invoice, "action_post")
    before = clerk.move(invoice)
    stage.change_invoice(invoice, lines=more(77_700))
    assert codes(stage.run(code=1)) == ["changed_after_booking"]
    stage.sandbox.account.vanish(invoice["id"])
    assert codes(stage.run("--full", code=1)) == ["vanished_invoice"]
    assert clerk.move(invoice) == before


@pytest.mark.parametrize("lost", [False, True], ids=["state kept", "state lost"])
def test_invoices_of_two_clients_whose_contacts_were_merged_go_to_the_one(clerk: Clerk, lost: bool) -> None:
    stage = clerk.stage
    stage.run()
    one, other = clerk.partner(clerk.invoice(SENT)), clerk.partner(clerk.invoice(OPENED))
    assert one["id"] != other["id"]
    clerk.merge([one["id"]], other["id"])
    merged = clerk.read("res.partner", other["id"], "name", "email", "phone", "street")
    if lost:
        stage.forget()
    stage.run(code=None)
    for place in (SENT, OTHER, OPENED):
        client = list(stage.sandbox.account.clients).index(clerk.invoice(place)["client_id"])
        scenario._invoice(stage.sandbox.account, client, "sent", 4_200, 1)
    told = codes(stage.run(code=None))
    if not lost:
        assert "removed_there" in told
        assert stage.command("problems", "retry").returncode == 0
        stage.run(code=None)
    assert stage.run(code=None)["planned"] == []
    assert {clerk.partner(clerk.invoice(place))["id"] for place in (-3, -1)} == {other["id"]}
    assert clerk.move(clerk.invoice(-2))["state"] == "posted"
    assert clerk.read("res.partner", other["id"], "name", "email", "phone", "street") == merged
