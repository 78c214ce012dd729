"""What people keep in a real Odoo before syncd comes: recognised, bound to as it stands, never made a second time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from syncd.sandbox.change import insert
from tests.crash import scenario
from tests.odoo.clerk import Clerk
from tests.odoo.office import Json, codes
from tests.odoo.proxy import Proxy
from tests.odoo.slots import Slot
from tests.odoo.stage import State, served

SENT = 0
"""Place of an invoice that is sent, of the first client."""
TAXES = [("type_tax_use", "=", "sale"), ("name", "like", "Sync")]
HISTORY = {"start_date": "2025-01-01"}
"""Without it a target with a history is held."""


@pytest.fixture
def clerk(slot: Slot) -> Iterator[Clerk]:
    """Empty books, and somebody who works in them by hand; nothing is run yet."""
    with served(scenario.first()) as sandbox:
        yield Clerk(slot.again(sandbox=sandbox))


def made(clerk: Clerk, model: str, **values: Any) -> int:
    """Make a record by hand."""
    (one,) = clerk.odoo.call(model, "create", vals_list=[values])
    return int(one)


def sent(clerk: Clerk, invoice: Json) -> str:
    """Give the day on which an invoice was sent, where the source is."""
    (moment,) = [one["created_at"] for one in invoice["events"] if one["type"] == "sent"]
    zone = ZoneInfo(clerk.stage.dump()["business"]["timezone"])
    return f"{datetime.fromisoformat(moment).astimezone(zone):%Y-%m-%d}"


def booked(clerk: Clerk, invoice: Json, partner: int, **other: Any) -> int:
    """Book an invoice of the source by hand, with its number, lines and taxes, in the journal for such invoices."""
    taxes = {one["amount"]: one["id"] for one in clerk.odoo.search_read("account.tax", TAXES, ["amount"])}
    lines = [
        {
            "name": line["description"],
            "quantity": line["quantity"],
            "price_unit": line["unit_price_cents"] / 100,
            "tax_ids": [[6, 0, [taxes[float(line["tax_rate"])]]]],
        }
        for line in invoice["lines"]
    ]
    (currency,) = clerk.odoo.ids("res.currency", [("name", "=", invoice["currency"])])
    values = {
        "move_type": "out_invoice",
        "journal_id": clerk.stage.journal,
        "name": invoice["number"],
        "partner_id": partner,
        "currency_id": currency,
        "invoice_date": sent(clerk, invoice),
        "invoice_date_due": invoice["due_date"],
        "invoice_line_ids": [[0, 0, line] for line in lines],
        **other,
    }
    move = made(clerk, "account.move", **values)
    clerk.odoo.call("account.move", "action_post", [move])
    return move


def idle(clerk: Clerk, code: int = 0) -> None:
    """Run again, and make sure that there is nothing to do."""
    assert clerk.stage.run(code=code)["planned"] == []


def test_a_contact_that_people_keep_is_taken_for_the_client_and_stays_as_it_is(clerk: Clerk) -> None:
    client = clerk.client(0)
    there = made(clerk, "res.partner", name=client["name"], email=client["email"], phone="+4799999999")
    run = clerk.stage.run(code=1)
    assert codes(run) == ["adopted_differs"]
    partner = clerk.partner(clerk.invoice(SENT))
    assert (partner["id"], partner["phone"]) == (there, "+4799999999")
    assert clerk.stage.wrong() + clerk.stage.made_twice() == []
    assert str(there) in clerk.stage.command("explain", client["id"]).stdout
    assert "phone" in clerk.differences("client")
    idle(clerk, code=1)


def test_of_two_contacts_that_could_be_the_client_none_is_guessed(clerk: Clerk) -> None:
    client = clerk.client(0)
    two = [made(clerk, "res.partner", name=client["name"], email=client["email"]) for _ in range(2)]
    run = clerk.stage.run(code=1)
    assert set(codes(run)) == {"ambiguous_match", "waits_for_other"}
    (told,) = {one["sentence"] for one in run["problems"] if one["code"] == "ambiguous_match"}
    assert all(str(one) in told for one in two)
    clerk.odoo.call("res.partner", "unlink", two[1:])
    assert set(codes(clerk.stage.run(code=None))) <= {"adopted_differs"}
    assert clerk.partner(clerk.invoice(SENT))["id"] == two[0]
    assert clerk.stage.wrong() == []


@pytest.mark.parametrize("lost", [False, True])
def test_an_invoice_that_was_booked_by_hand_is_bound_to_and_paid_once(clerk: Clerk, lost: bool) -> None:
    client, invoice = clerk.client(0), clerk.invoice(SENT)
    partner = made(clerk, "res.partner", name=client["name"], email=client["email"])
    move = booked(clerk, invoice, partner)
    assert clerk.stage.run(code=5)["held"][0]["code"] == "history_without_start_date"
    clerk.stage.configure(**HISTORY)
    clerk.stage.run(code=1)
    if lost:
        clerk.stage.forget()
        clerk.stage.run(code=1)
    assert clerk.move(invoice)["id"] == move
    assert clerk.stage.made_twice() == []
    paid = [{"kind": "paid", "at": "2026-05-20T10:00:00Z"}]
    clerk.stage.change_invoice(invoice, status="paid", _events=paid)
    run = clerk.stage.run(code=None)
    assert [(one["verb"], one["kind"]) for one in run["planned"]] == [("settle", "payment")]
    assert clerk.move(invoice)["payment_state"] in ("paid", "in_payment")
    assert clerk.stage.wrong() == []


def test_an_invoice_of_the_same_number_and_another_total_is_a_problem_and_nothing_is_booked_beside_it(
    clerk: Clerk,
) -> None:
    client, invoice = clerk.client(0), clerk.invoice(SENT)
    partner = made(clerk, "res.partner", name=client["name"], email=client["email"])
    other = {**invoice, "lines": invoice["lines"][:1]}
    move = booked(clerk, other, partner)
    clerk.stage.configure(**HISTORY)
    run = clerk.stage.run(code=1)
    assert invoice["id"] in {one["id"] for one in run["problems"]}
    assert clerk.move(invoice)["id"] == move
    assert {told.partition(":")[0] for told in clerk.stage.wrong()} == {invoice["number"]}


def test_a_contact_that_a_person_deleted_is_not_made_again(clerk: Clerk) -> None:
    clerk.stage.configure(clients="all")
    clerk.stage.run()
    name = clerk.client(6)["name"]  # who has no invoice yet
    (there,) = clerk.odoo.ids("res.partner", [("name", "=", name)])
    clerk.odoo.call("res.partner", "unlink", [there])
    run = clerk.stage.run(code=None)
    assert (run["planned"], run["removed_by_hand"]) == ([], 1)
    assert clerk.odoo.ids("res.partner", [("name", "=", name)]) == []
    assert clerk.differences("client").keys() == {"removed"}
    idle(clerk, code=run["exit_code"])


@pytest.mark.parametrize("state", ["kept", "deleted"])
def test_lost_answers_on_two_connections_leave_everything_standing_once(clerk: Clerk, state: State) -> None:
    account = clerk.stage.sandbox.account
    client = next(iter(account.clients))
    for number in range(60):
        line = {"description": f"Hour {number}", "quantity": 1, "unit_price_cents": 10_000 + number, "tax_rate": 25}
        insert(account, {"client_id": client, "status": "paid" if number % 2 else "sent", "lines": [line]})
    with Proxy(clerk.stage.place.url) as proxy:
        clerk.stage.configure(proxy.url, connections=2)
        proxy.reset(lose_every=2)
        clerk.stage.run(code=None)
        assert proxy.lost
        if state == "deleted":
            clerk.stage.forget()
        proxy.reset()
        assert clerk.stage.until_quiet() == []
    assert clerk.stage.wrong() + clerk.stage.wrong_payments() + clerk.stage.made_twice() == []
