"""Payment terms and terms & conditions that Odoo would put on invoices: what they say stays, and when they are due."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from syncd.sandbox.change import insert
from tests.crash import scenario
from tests.odoo.clerk import Clerk
from tests.odoo.office import Json, codes
from tests.odoo.slots import Slot
from tests.odoo.stage import Stage, served

SENT, OTHER, OPENED, OVERDUE = range(4)
DRAFT = 8
"""Places of invoices of the small company."""

MORE = [{"description": "More", "quantity": 3, "unit_price_cents": 33_333, "tax_rate": 12}]
THIRD = "30% Now, Balance 60 Days"
"""A payment term: two instalments."""


@pytest.fixture
def clerk(booked_slot: Slot) -> Iterator[Clerk]:
    """The small company, booked; since then each client has a payment term, and the company terms & conditions."""
    with served(scenario.first()) as sandbox:
        clerk = Clerk(booked_slot.again(sandbox=sandbox))
        clerk.odoo.call("ir.config_parameter", "set_param", key="account.use_invoice_terms", value="True")
        clerk.write("res.company", 1, invoice_terms="Our terms")
        for partner in clerk.odoo.ids("res.partner", []):
            clerk.write("res.partner", partner, property_payment_term_id=term(clerk, "45 Days"))
        clerk.stage.configure(on_change="update", drafts=True)
        yield clerk


def term(clerk: Clerk, name: str) -> int:
    (found,) = clerk.odoo.ids("account.payment.term", [("name", "=", name)])
    return found


def texts(clerk: Clerk, invoice: Json) -> tuple[str, str, int]:
    """Read the text below an invoice, its due date and its payment term."""
    number = clerk.move(invoice)["id"]
    found = clerk.read("account.move", number, "narration", "invoice_date_due", "invoice_payment_term_id")
    return found["narration"] or "", found["invoice_date_due"], (found["invoice_payment_term_id"] or [0])[0]


def falls_due(clerk: Clerk, invoice: Json) -> list[str]:
    """Read when what is receivable falls due."""
    kind = "account_type" if clerk.stage.place.version > 15 else "account_internal_type"
    wanted = "asset_receivable" if clerk.stage.place.version > 15 else "receivable"
    domain = [("move_id", "=", clerk.move(invoice)["id"]), (kind, "=", wanted)]
    return sorted(
        {one["date_maturity"] for one in clerk.odoo.search_read("account.move.line", domain, ["date_maturity"])}
    )


def set_term(clerk: Clerk, invoice: Json, name: str) -> None:
    """Give a posted invoice a payment term by hand."""
    clerk.act(invoice, "button_draft")
    line = clerk.lines(invoice)[0]
    again = [[1, line["id"], {"quantity": line["quantity"]}]]
    number = clerk.move(invoice)["id"]
    clerk.write("account.move", number, invoice_payment_term_id=term(clerk, name), invoice_line_ids=again)
    clerk.act(invoice, "action_post")


def in_step(stage: Stage) -> None:
    """Make sure that nothing is left to do, and that the books say what the source says."""
    run = stage.run()
    assert (run["planned"], run["kept_by_hand"]) == ([], 0)
    assert stage.command("reconcile").returncode == 0


def test_new_invoices_are_due_and_say_what_the_source_has_them_say(clerk: Clerk) -> None:
    stage, client = clerk.stage, clerk.invoice(SENT)["client_id"]
    for more in ({"notes": "Thanks"}, {"public_url": None}, {"due_date": "2026-02-01"}, {"due_date": None}):
        content = {"client_id": client, "issue_date": "2026-03-10", "status": "sent", "lines": MORE, **more}
        insert(stage.sandbox.account, content)
    stage.run()
    in_step(stage)


def test_lines_that_change_leave_the_due_date_and_the_texts(clerk: Clerk) -> None:
    stage, invoice, other = clerk.stage, clerk.invoice(SENT), clerk.invoice(OTHER)
    before = texts(clerk, invoice)
    assert before[1:] == (invoice["due_date"], 0)
    clerk.write("account.move", clerk.move(other)["id"], narration="By hand", invoice_date_due="2026-12-24")
    by_hand = texts(clerk, other)
    for one in (invoice, other):
        stage.change_invoice(one, lines=MORE)
    assert stage.run()["problems"] == []
    assert texts(clerk, invoice) == before
    assert texts(clerk, other) == by_hand
    assert [falls_due(clerk, one) for one in (invoice, other)] == [[invoice["due_date"]], ["2026-12-24"]]
    assert set(clerk.differences("invoice")) == {"notes", "public_url", "due_date"}  # of the other


def test_another_client_brings_neither_its_payment_term_nor_the_companys_terms(clerk: Clerk) -> None:
    stage, invoice, noted, other = clerk.stage, clerk.invoice(SENT), clerk.invoice(OPENED), clerk.client(1)
    before = texts(clerk, invoice)
    stage.change_invoice(invoice, client_id=other["id"])
    stage.change_invoice(noted, client_id=other["id"], notes="Moved", due_date="2026-09-09")
    assert stage.run()["problems"] == []
    assert {clerk.partner(one)["name"] for one in (invoice, noted)} == {other["name"]}
    assert texts(clerk, invoice) == before
    assert "Moved" in texts(clerk, noted)[0]
    assert falls_due(clerk, noted) == ["2026-09-09"]
    in_step(stage)


def test_a_change_that_is_put_back_leaves_the_due_date_and_the_texts(clerk: Clerk) -> None:
    stage, invoice, taken = clerk.stage, clerk.invoice(SENT), clerk.invoice(OTHER)["number"]
    before, partner = texts(clerk, invoice), clerk.partner(invoice)
    number = clerk.move(invoice)["id"]
    stage.change_invoice(invoice, client_id=clerk.client(1)["id"], number=taken, notes="Changed", lines=MORE)
    assert len(stage.run(code=1)["problems"]) == 1
    assert clerk.move(invoice)["id"] == number
    assert clerk.partner(invoice) == partner
    assert texts(clerk, invoice) == before


def test_a_draft_that_changes_and_is_sent_is_due_and_says_what_the_source_has_it_say(clerk: Clerk) -> None:
    stage, invoice = clerk.stage, clerk.invoice(DRAFT)
    stage.run()
    for changes in ({"lines": MORE}, {"_happened": "sent"}):
        stage.change_invoice(invoice, **changes)
        stage.run()
        in_step(stage)
        assert falls_due(clerk, invoice) == [invoice["due_date"]]
    assert clerk.move(invoice)["state"] == "posted"


def test_a_payment_term_that_a_person_set_stays_while_it_comes_to_the_due_date(clerk: Clerk) -> None:
    stage, invoice, moved, dated = clerk.stage, clerk.invoice(SENT), clerk.invoice(OTHER), clerk.invoice(OVERDUE)
    for one in (invoice, moved, dated):
        set_term(clerk, one, THIRD)
    clerk.write("account.move", clerk.move(moved)["id"], invoice_date_due="2026-11-11")
    before, due = texts(clerk, invoice), texts(clerk, dated)[1]
    first = clerk.move(invoice)["invoice_date"]
    stage.run()
    stage.change_invoice(invoice, lines=MORE)
    stage.change_invoice(moved, lines=MORE)
    stage.change_invoice(dated, issue_date="2026-03-20")
    assert stage.run()["problems"] == []
    assert texts(clerk, invoice) == before
    assert falls_due(clerk, invoice) == [first, before[1]]
    for one, day in ((moved, "2026-11-11"), (dated, due)):
        assert texts(clerk, one)[1:] == (day, 0)
        assert falls_due(clerk, one) == [day]


def test_a_due_date_that_the_source_changes_counts_more_than_a_payment_term(clerk: Clerk) -> None:
    stage, invoice = clerk.stage, clerk.invoice(SENT)
    set_term(clerk, invoice, THIRD)
    stage.run()
    stage.configure(on_change="update", conflicts="source")
    stage.change_invoice(invoice, due_date="2026-10-10")
    stage.run()
    assert texts(clerk, invoice)[1] == "2026-10-10"
    stage.change_invoice(invoice, lines=MORE)
    stage.run()
    assert texts(clerk, invoice)[1:] == ("2026-10-10", 0)
    assert falls_due(clerk, invoice) == ["2026-10-10"]
    in_step(stage)


def test_a_draft_is_posted_with_the_payment_term_that_a_person_set(clerk: Clerk) -> None:
    stage, invoice = clerk.stage, clerk.invoice(DRAFT)
    stage.run()
    line = clerk.lines(invoice)[0]
    again = [[1, line["id"], {"quantity": line["quantity"]}]]
    number = clerk.move(invoice)["id"]
    clerk.write("account.move", number, invoice_payment_term_id=term(clerk, THIRD), invoice_line_ids=again)
    before = texts(clerk, invoice)
    stage.change_invoice(invoice, _happened="sent")
    assert codes(stage.run()) == []
    assert clerk.move(invoice)["state"] == "posted"
    assert texts(clerk, invoice) == before
    assert len(falls_due(clerk, invoice)) == 2
