"""Taxes and journals that people change in Odoo: what is booked stands, what cannot be booked is told and follows."""

from __future__ import annotations

import pytest

from tests.crash import scenario
from tests.odoo.clerk import Clerk
from tests.odoo.office import Json

SENT = 0
"""The place of an invoice of the small company that is sent."""


def another(clerk: Clerk) -> Json:
    """Have one more invoice at the source."""
    scenario._invoice(clerk.stage.sandbox.account, 0, "sent", 4_200, 1)
    return clerk.invoice(-1)


def refused(clerk: Clerk, invoice: Json) -> str:
    """Run, make sure that an invoice is the one problem and no record of Odoo moved, and give what is told of it."""
    before = clerk.everything()
    (told,) = clerk.stage.run(code=1)["problems"]
    assert (told["kind"], told["id"]) == ("invoice", invoice["id"])
    assert clerk.everything() == before
    sentence: str = told["sentence"]
    return sentence


def test_a_tax_that_was_archived_stays_on_what_is_booked_and_takes_nothing_new(clerk: Clerk) -> None:
    (tax,) = clerk.odoo.ids("account.tax", [("name", "=", "Sync 25%")])
    clerk.write("account.tax", tax, active=False)
    assert clerk.stage.run()["planned"] == []
    assert "25" in refused(clerk, another(clerk))
    clerk.write("account.tax", tax, active=True)
    clerk.stage.run()
    assert clerk.stage.wrong() == []


def test_a_journal_that_was_renamed_takes_nothing_new_until_the_settings_name_it(clerk: Clerk) -> None:
    clerk.write("account.journal", clerk.stage.journal, code="NEW")
    checked = clerk.stage.command("check")
    assert checked.returncode == 1
    assert 'journal is "FF"' in checked.stdout
    assert 'journal is "FF"' in refused(clerk, another(clerk))
    clerk.write("account.journal", clerk.stage.journal, code="FF")
    clerk.stage.run()
    assert clerk.stage.wrong() == []


def test_an_invoice_that_a_person_moved_to_another_journal_stays_there_and_is_paid_there(clerk: Clerk) -> None:
    if clerk.stage.place.version < 15:
        pytest.skip("this Odoo lets nobody move an invoice that was ever posted")
    invoice = clerk.invoice(SENT)
    (other,) = clerk.odoo.ids("account.journal", [("code", "=", "INV")])
    number = clerk.act(invoice, "button_draft")
    clerk.write("account.move", number, name="/")
    clerk.write("account.move", number, journal_id=other)
    clerk.odoo.call("account.move", "action_post", [number])
    name = clerk.read("account.move", number, "name")["name"]
    run = clerk.stage.run()
    assert (run["planned"], run["kept_by_hand"]) == ([], 1)
    assert clerk.differences("invoice")["number"] == (invoice["number"], name)
    happened = [{"kind": "paid", "at": "2026-05-20T10:00:00Z"}]
    clerk.stage.change_invoice(invoice, status="paid", _events=happened)
    clerk.stage.run()
    stands = clerk.read("account.move", number, "name", "journal_id", "payment_state")
    assert (stands["name"], stands["journal_id"][0]) == (name, other)
    assert stands["payment_state"] in ("in_payment", "paid")
    assert clerk.stage.made_twice() == []
