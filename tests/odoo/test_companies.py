"""Two companies of one Odoo database: one source is booked into both, and neither takes the other's for its own."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path

from connectors.odoo.client import Odoo
from syncd.sandbox.change import insert
from syncd.sandbox.data import made_up
from tests.odoo.office import REGEX, Json, Office
from tests.odoo.place import Place
from tests.odoo.stage import served

LINE = {"description": "Hours", "quantity": 2, "unit_price_cents": 5000, "tax_rate": 25}


def found_company(place: Place) -> int:
    """Make a second company with accounts, a journal and a tax, which both users may see."""
    admin = place.admin()
    (first,) = admin.search_read("res.company", [("id", "=", 1)], ["country_id"])
    country = first["country_id"][0]
    second = made(admin, "res.company", name="Second Co", country_id=country)
    users = admin.ids("res.users", [("login", "in", ["sync", place.keys["ODOO_LOGIN"]])])
    admin.call("res.users", "write", users, vals={"company_ids": [[4, second]]})
    own = {"allowed_company_ids": [second]}
    if place.version < 16:
        (chart,) = admin.search_read("res.company", [("id", "=", 1)], ["chart_template_id"])
        admin.call("account.chart.template", "try_loading", [chart["chart_template_id"][0]], context=own)
    else:
        admin.call(
            "account.chart.template",
            "try_loading",
            template_code="generic_coa",
            company=second,
            install_demo=False,
            context=own,
        )
    (sales,) = admin.search_read(
        "account.journal", [("company_id", "=", second), ("type", "=", "sale")], ["default_account_id"], context=own
    )
    made(
        admin,
        "account.journal",
        own,
        name="FastFaktura",
        code="FF",
        type="sale",
        company_id=second,
        default_account_id=sales["default_account_id"][0],
        sequence_override_regex=REGEX,
    )
    tax: Json = {"name": "Own 25%", "amount": 25, "type_tax_use": "sale", "company_id": second}
    if place.version >= 16:
        admin.call("res.company", "write", [second], vals={"account_fiscal_country_id": country}, context=own)
        group = made(admin, "account.tax.group", own, name="Own", company_id=second, country_id=country)
        tax |= {"country_id": country, "tax_group_id": group}
    made(admin, "account.tax", own, **tax)
    (euro,) = admin.ids("res.currency", [("name", "=", "EUR")])
    made(admin, "res.currency.rate", own, currency_id=euro, name="2020-01-01", rate=0.9, company_id=second)
    return second


def made(admin: Odoo, model: str, context: Json | None = None, **values: object) -> int:
    (one,) = admin.call(model, "create", vals_list=[values], context=context or {})
    return int(one)


def share_a_contact(office: Office) -> None:
    """Change a client that both companies have as one contact: what one target wrote is no person's edit."""
    client = office.dump()["clients"][0]
    for phone, first in (("+4791111111", "books"), ("+4792222222", "second"), ("+4793333333", "books")):
        office.change_client(client, phone=phone)
        assert office.command("run", first).returncode == 0
        ran = json.loads(office.command("run", "--json").stdout)
        assert (ran["exit_code"], [one["kept_by_hand"] for one in ran["targets"]]) == (0, [0, 0]), ran
        contacts = office.books.search_read("res.partner", [("name", "=", client["name"])], ["phone"])
        assert [one["phone"].replace(" ", "") for one in contacts] == [phone]
    assert office.command("reconcile").returncode == 0


def test_one_source_is_booked_into_two_companies_and_neither_takes_the_others_for_its_own(
    own_odoo: Place, tmp_path: Path
) -> None:
    account = made_up(5, clients=2, invoices=0, today=date(2026, 6, 1))
    for status in ("sent", "paid"):
        insert(
            account, {"client_id": next(iter(account.clients)), "status": status, "currency": "EUR", "lines": [LINE]}
        )
    with served(account) as sandbox:
        office = Office(tmp_path, sandbox, own_odoo, company="1")
        second = found_company(own_odoo)
        settings = tmp_path / "syncd.toml"
        books = settings.read_text().partition("[target.books]\n")[2]
        more = books.replace('taxes = { "0" = "Sync 0%" }\n', "").replace('company = "1"', f'company = "{second}"')
        settings.write_text(f"{settings.read_text()}\n[target.second]\n{more}")
        ran = office.command("run", "--json")
        assert ran.returncode == 0, ran.stdout + ran.stderr
        again = json.loads(office.command("run", "--json").stdout)
        assert [(one["name"], one["planned"]) for one in again["targets"]] == [("books", []), ("second", [])]
        assert office.command("reconcile").returncode == 0
        share_a_contact(office)
    both = {"allowed_company_ids": [1, second]}
    domain = [("move_type", "=", "out_invoice"), ("state", "=", "posted")]
    moves = own_odoo.admin().search_read("account.move", domain, ["name", "company_id", "payment_state"], context=both)
    numbers = sorted(one.number for one in account.invoices.values())
    for company in (1, second):
        assert sorted(one["name"] for one in moves if one["company_id"][0] == company) == numbers
    assert Counter(one["payment_state"] in ("paid", "in_payment") for one in moves) == {True: 2, False: 2}
