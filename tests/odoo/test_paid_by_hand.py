"""What a person pays in Odoo, or takes back there: ``reconcile`` tells of it, and ``run`` does nothing about it."""

from __future__ import annotations

from syncd.sandbox.change import insert
from tests.crash import scenario
from tests.odoo.clerk import Clerk
from tests.odoo.office import Json, codes

SENT, PAID = 0, 4
"""Places of invoices of the small company."""


def told(clerk: Clerk) -> list[Json]:
    """Give what ``reconcile`` finds different."""
    ended = clerk.stage.fork("reconcile", "--json")
    assert ended.code == 1, f"exit {ended.code}\n{ended.out[-3000:]}{ended.err[-2000:]}"
    found: list[Json] = ended.json()["targets"][0]["differences"]
    return found


def status(invoice: Json, target: str) -> Json:
    """Give the difference of an invoice's status."""
    same = {"what": "differs", "kind": "invoice", "id": invoice["id"], "label": invoice["number"], "field": "status"}
    return {**same, "source": "sent", "target": target}


def test_an_invoice_that_a_person_paid_while_it_is_open_at_the_source_is_told(clerk: Clerk) -> None:
    invoice = clerk.invoice(SENT)
    clerk.pay(invoice, "2026-05-20")
    assert clerk.stage.run()["planned"] == []
    assert told(clerk) == [status(invoice, "paid (since 2026-05-20)")]
    shown = clerk.stage.command("reconcile").stdout
    assert invoice["number"] in shown
    assert "paid (since 2026-05-20)" in shown
    assert clerk.stage.run("--full")["planned"] == []


def test_an_invoice_that_a_person_paid_in_part_is_told_with_what_was_paid(clerk: Clerk) -> None:
    invoice = clerk.invoice(SENT)
    clerk.pay(invoice, "2026-05-20", amount=10.5)
    assert clerk.stage.run()["planned"] == []
    assert told(clerk) == [
        status(invoice, f"partly paid: 10.50 of {invoice['total_cents'] / 100:.2f} (since 2026-05-20)")
    ]


def test_one_payment_for_two_invoices_is_told_of_each(clerk: Clerk) -> None:
    scenario._invoice(clerk.stage.sandbox.account, 0, "sent", 4_200, 1)
    clerk.stage.run()
    one, other = clerk.invoice(SENT), clerk.invoice(-1)
    clerk.pay(one, "2026-05-20", also=other, group_payment=True)
    assert clerk.stage.run()["planned"] == []
    paid = [status(invoice, "paid (since 2026-05-20)") for invoice in (one, other)]
    assert sorted(told(clerk), key=str) == sorted(paid, key=str)


def test_an_invoice_that_was_set_off_against_a_credit_note_stands_and_is_told_as_paid(clerk: Clerk) -> None:
    invoice = clerk.invoice(SENT)
    lines = [{**line, "unit_price_cents": -line["unit_price_cents"]} for line in invoice["lines"]]
    insert(clerk.stage.sandbox.account, {"client_id": invoice["client_id"], "status": "sent", "lines": lines})
    clerk.stage.run()
    credit = clerk.invoice(-1)
    clerk.set_off(invoice, credit)
    assert clerk.stage.run()["removed_by_hand"] == 0
    found = {one["id"]: (one["field"], one["source"], one["target"].partition(" (since ")[0]) for one in told(clerk)}
    assert found == dict.fromkeys((invoice["id"], credit["id"]), ("status", "sent", "paid"))
    clerk.stage.change_invoice(invoice, _happened="paid")
    assert "removed_there" not in codes(clerk.stage.run(code=None))
    assert credit["id"] in [one["id"] for one in told(clerk)]


def test_a_payment_that_a_person_cancelled_is_told_of_the_paid_invoice(clerk: Clerk) -> None:
    invoice = clerk.invoice(PAID)
    (payment,) = [
        one["id"] for one in clerk.stage.payments() if clerk.of_payment(one["id"]) == clerk.move(invoice)["id"]
    ]
    for method in ("action_draft", "action_cancel"):
        clerk.odoo.call("account.payment", method, [payment])
    assert clerk.stage.run()["planned"] == []
    assert [(one["what"], one["kind"], one["label"]) for one in told(clerk)] == [
        ("removed", "payment", invoice["number"])
    ]


def test_a_payment_that_a_person_parted_from_its_invoice_is_told(clerk: Clerk) -> None:
    invoice = clerk.invoice(PAID)
    receivable = clerk.read("account.move", clerk.move(invoice)["id"], "line_ids")["line_ids"]
    clerk.odoo.call("account.move.line", "remove_move_reconcile", receivable)
    assert clerk.stage.run()["planned"] == []
    found = [one for one in told(clerk) if one["label"] == invoice["number"]]
    assert [(one["kind"], one["field"], one["target"]) for one in found] == [("payment", "amount", "0.00")]
