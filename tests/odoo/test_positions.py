"""Fiscal positions of invoices in a real Odoo; from version 16 on it gives an invoice that of its client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from connectors.odoo.move_io import move_rows
from connectors.odoo.rows import link
from syncd.connector import Content, Done
from tests.odoo.invoice_desk import Desk, add_journal, open_desk
from tests.odoo.invoices import changing, invoice, operation
from tests.odoo.place import Place

WORK = [("a", "1", 10_000, "20")]
MORE = [("a", "2", 10_000, "20")]


@dataclass
class Abroad:
    """A desk with a client in Norway, where the company has a tax number, and one in Sweden, where it has none.

    ``kept``: the position that Odoo gives the one in Sweden. ``mapped``: the receivable account of that position.
    """

    desk: Desk
    norway: int
    sweden: int
    kept: int
    mapped: int

    def write(self, verb: Any, content: Content, partner: int, **other: Any) -> str:
        made = operation(verb, content, self.desk.company, partner=partner, **other)
        return self.done(made)

    def change(self, before: Content, after: Content, number: str, partner: int) -> None:
        assert self.done(changing(before, after, number, self.desk.company, partner=partner)) == number

    def done(self, made: Any) -> str:
        (outcome,) = self.desk.run(made)
        assert isinstance(outcome, Done), outcome
        return outcome.external_id

    def position(self, number: str) -> int:
        return link(move_rows(self.desk.admin, [int(number)])[int(number)]["fiscal_position_id"])

    def receivable(self, number: str) -> int:
        own = [("move_id", "=", int(number)), self.desk.company.features.receivable]
        (line,) = self.desk.admin.search_read("account.move.line", own, ["account_id"])
        return link(line["account_id"])


@pytest.fixture(scope="module")
def abroad(odoo: Place) -> Abroad:
    admin = odoo.admin()

    def made(model: str, **values: Any) -> int:
        (one,) = admin.call(model, "create", vals_list=[values])
        return int(one)

    def client(code: str, **values: Any) -> tuple[int, int]:
        """Make a client in a country, and the fiscal position of all clients there."""
        (country,) = admin.ids("res.country", [("code", "=", code)])
        usual = {"name": code, "auto_apply": True, "country_id": country}
        position = made("account.fiscal.position", **usual, **values)
        return made("res.partner", name=code, country_id=country), position

    add_journal(odoo, "FF")
    number = {"foreign_vat": "NO123456785MVA"} if odoo.version > 14 else {}
    norway, _ = client("NO", **number)
    (customer,) = admin.call("res.partner", "create", vals_list=[{"name": "Any"}])
    read = admin.call("res.partner", "read", [customer], fields=["property_account_receivable_id"])
    usual = link(read[0]["property_account_receivable_id"])
    copied = admin.call("account.account", "copy", [usual], default={"name": "Abroad", "code": "121999"})
    mapped = int(copied[0] if isinstance(copied, list) else copied)
    account = {"account_src_id": usual, "account_dest_id": mapped}
    sweden, position = client("SE", account_ids=[[0, 0, account]])
    computed = odoo.version > 15
    return Abroad(open_desk(odoo), norway, sweden, position if computed else 0, mapped if computed else usual)


def test_an_invoice_to_a_country_of_a_tax_number_is_booked_with_the_tax_that_syncd_chose(abroad: Abroad) -> None:
    before = invoice("NO-1", WORK, 2000)
    number = abroad.write("create", before, abroad.norway)
    assert abroad.position(number) == 0
    after = {**before, **_amounts(MORE, 4000)}
    abroad.change(before, after, number, abroad.norway)
    assert abroad.desk.differs(after, number) == {}
    abroad.write("void", after, abroad.norway, external_id=number, changes={"total": (24000, 12000)})  # reversed
    (note,) = abroad.desk.admin.ids("account.move", [("reversed_entry_id", "=", int(number))])
    assert abroad.position(str(note)) == 0


def test_a_fiscal_position_that_only_maps_accounts_does_so(abroad: Abroad) -> None:
    before = invoice("SE-1", WORK, 2000)
    number = abroad.write("create", before, abroad.sweden)
    assert (abroad.position(number), abroad.receivable(number)) == (abroad.kept, abroad.mapped)
    after = {**before, **_amounts(MORE, 4000)}
    abroad.change(before, after, number, abroad.sweden)
    assert (abroad.position(number), abroad.receivable(number)) == (abroad.kept, abroad.mapped)
    abroad.write("void", after, abroad.sweden, external_id=number, changes={"total": (24000, 12000)})
    (note,) = abroad.desk.admin.ids("account.move", [("reversed_entry_id", "=", int(number))])
    assert (abroad.position(str(note)), abroad.receivable(str(note))) == (abroad.kept, abroad.mapped)


def test_invoices_to_both_countries_are_booked_together(abroad: Abroad) -> None:
    contents = [invoice(f"BOTH-{place}", WORK, 2000) for place in range(4)]
    partners = (abroad.norway, abroad.sweden, abroad.norway, abroad.sweden)
    company = abroad.desk.company
    together = zip(contents, partners, strict=True)
    outcomes = abroad.desk.run(*(operation("create", one, company, partner=who) for one, who in together))
    numbers = [one.external_id for one in outcomes if isinstance(one, Done)]
    assert [abroad.position(one) for one in numbers] == [0, abroad.kept, 0, abroad.kept]


def test_a_fiscal_position_set_by_hand_stays_when_an_invoice_is_rewritten(abroad: Abroad) -> None:
    admin, before = abroad.desk.admin, invoice("HAND-1", WORK, 2000)
    number = abroad.write("create", before, abroad.sweden)
    (other,) = admin.call("account.fiscal.position", "create", vals_list=[{"name": "By hand"}])
    admin.call("account.move", "button_draft", [int(number)])
    admin.call("account.move", "write", [int(number)], vals={"fiscal_position_id": other})
    admin.call("account.move", "action_post", [int(number)])
    abroad.change(before, {**before, **_amounts(MORE, 4000)}, number, abroad.sweden)
    assert abroad.position(number) == other


def test_an_invoice_that_goes_to_another_client_has_the_fiscal_position_of_that_one(abroad: Abroad) -> None:
    before = invoice("MOVED-1", WORK, 2000)
    number = abroad.write("create", before, abroad.sweden)
    abroad.change(before, {**before, "client_id": "c2"}, number, abroad.norway)
    assert abroad.position(number) == 0
    if abroad.kept:
        abroad.change({**before, "client_id": "c2"}, before, number, abroad.sweden)
        assert abroad.position(number) == abroad.kept


def _amounts(lines: list[tuple[str, str, int, str]], tax: int) -> Content:
    anew = invoice("", lines, tax)
    return {name: anew[name] for name in ("lines", "subtotal", "tax", "total")}
