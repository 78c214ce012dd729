"""What is read of real books, and what is said where they lack something; each change in a database of its own."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from connectors.odoo.client import Odoo
from connectors.odoo.company import Company, Locks
from connectors.odoo.company_io import read_company
from connectors.odoo.connector import OdooConnector
from connectors.odoo.errors import OdooAnswer
from connectors.odoo.findings import FREE
from connectors.odoo.settings import OdooSettings
from syncd.errors import Refused
from syncd.sandbox.change import insert
from syncd.sandbox.data import made_up
from syncd.secret import Secret
from tests.hostile.fixtures import context
from tests.odoo.office import Office
from tests.odoo.place import Place
from tests.odoo.stage import served

TODAY = date(2026, 11, 24)
TAXES = {"0": "Sync 0%", "15": "Sync 15%"}
"""The test server has two taxes of each of these rates (Odoo 14 of 15 % only)."""
GUIDE = Path(__file__).parents[2] / "docs" / "odoo.md"


def read(place: Place, taxes: dict[str, Any] | None = None, **settings: Any) -> Company:
    """Read the books as the plain user, the bank journal and numbers chosen unless the test says otherwise."""
    usual = {"url": place.url, "database": place.database, "api_key": Secret(place.sync_key)}
    chosen = OdooSettings(**{**usual, "payment_journal": "BNK1", "number": "ref", **settings})
    return read_company(place.client(), chosen, TAXES if taxes is None else taxes, today=TODAY)


def made(admin: Odoo, model: str, **values: Any) -> int:
    """Make one record as the administrator."""
    (one,) = admin.call(model, "create", vals_list=[values])
    return int(one)


def sale_journal(admin: Odoo, **values: Any) -> int:
    return made(admin, "account.journal", **{"name": "FastFaktura", "code": "FF", "type": "sale", **values})


def income(admin: Odoo) -> int:
    (row,) = admin.search_read("account.journal", [("code", "=", "INV")], ["default_account_id"])
    return int(row["default_account_id"][0])


def currency(admin: Odoo, code: str) -> int:
    (one,) = admin.ids("res.currency", [("name", "=", code)])
    return one


def lock(admin: Odoo, **days: str) -> None:
    admin.call("res.company", "write", [1], vals=days)


def another_company(place: Place, admin: Odoo, name: str, **values: Any) -> int:
    """Make a company that both users may see."""
    company = made(admin, "res.company", name=name, **values)
    users = admin.ids("res.users", [("login", "in", ["sync", place.keys["ODOO_LOGIN"]])])
    admin.call("res.users", "write", users, vals={"company_ids": [[4, company]]})
    return company


def test_books_with_all_that_is_needed_have_nothing_to_mend(odoo: Place) -> None:
    books = read(odoo)
    assert books.findings == ()
    assert books.no_clients is None
    assert books.no_invoices is None
    assert books.no_payments is None
    assert (books.id, books.name, books.currency, books.country) == (1, "Syncd Test Company", "EUR", "FR")
    assert books.journal is not None
    assert books.journal.code == "INV"
    assert books.account == books.journal.account
    assert books.payment_journal is not None
    assert books.payment_journal.code == "BNK1"
    assert set(books.currencies) == {"EUR", "USD", "GBP", "NOK", "SEK", "DKK"}
    assert books.rates["NOK"] == (date(2020, 1, 1),)
    assert books.has_rate("NOK", date(2020, 1, 1))
    assert not books.has_rate("NOK", date(2019, 12, 31))
    assert books.locked == Locks()
    assert books.languages >= {"en_US", "nb_NO"}
    assert books.countries["NO"] > 0
    assert books.quantity_digits == 2
    assert isinstance(books.taxes.id_for("25", None), int)


def test_what_an_odoo_has_is_told_by_its_fields(odoo: Place) -> None:
    books = read(odoo)
    new = odoo.version >= 19
    assert books.version == odoo.version
    assert books.rounding == ("global" if new else "line")
    assert books.price_digits == (None if new else 2)
    features = books.features
    assert features.memo is features.account_type is features.display_type_product is features.tax_totals is new
    assert features.payment_method_line is features.payment_invoice_ids is new


def test_open_books_are_read_in_fourteen_calls_once_the_fields_are_known(odoo: Place) -> None:
    client, calls = odoo.client(), []
    settings = OdooSettings(url=odoo.url, database=odoo.database, api_key=Secret(odoo.sync_key))
    read_company(client, settings, {}, today=TODAY)
    call = client._call

    def counted(*arguments: Any, **more: Any) -> Any:
        calls.append(arguments)
        return call(*arguments, **more)

    client._call = counted  # type: ignore[method-assign] # counts what is sent
    read_company(client, settings, {}, today=TODAY)
    assert len(calls) <= 14


def test_without_a_choice_among_several_journals_each_use_is_told(own_odoo: Place) -> None:
    sale_journal(own_odoo.admin())
    made(own_odoo.admin(), "account.journal", name="Till", code="TILL", type="cash")
    books = read(own_odoo, payment_journal=None)
    assert books.journal is books.payment_journal is None
    assert len(books.findings) == 2
    assert "Say with journal which one FastFaktura's invoices go to" in books.findings[0]
    assert books.no_invoices == books.findings[0]
    assert books.no_payments == books.findings[1]
    assert {"FF", "INV"} <= books.choices["journal"].keys()
    assert (books.choices["journal"]["FF"], books.choices["payment_journal"]["TILL"]) == ("FastFaktura", "Till")
    for code in books.choices["journal"]:
        assert read(own_odoo, journal=code).journal is not None
    assert read(own_odoo, journal="FastFaktura", account="nope").findings == (
        'account is "nope", but there is no account of this code.',
    )


def test_a_new_journal_lacks_an_account_and_the_expression_that_lets_it_take_every_number(own_odoo: Place) -> None:
    admin = own_odoo.admin()
    journal = sale_journal(admin)
    books = read(own_odoo, journal="ff", number="name")
    assert ["has no default account" in books.findings[0], "sequence_override_regex" in books.findings[1]] == [True] * 2
    assert books.no_invoices == books.findings[0]
    account = income(admin)
    values = {"default_account_id": account, "sequence_override_regex": FREE, "restrict_mode_hash_table": True}
    admin.call("account.journal", "write", [journal], vals=values)
    assert read(own_odoo, journal="FF", number="ref").findings == ()
    books = read(own_odoo, journal="FF", number="name")
    assert ["after a gap" in one for one in books.findings] == [True] * (own_odoo.version > 17)
    assert books.journal is not None
    assert books.journal.free_numbers
    assert books.journal.hashed
    assert books.account == account


def test_an_account_named_in_the_settings_takes_the_place_of_the_journals(own_odoo: Place) -> None:
    admin = own_odoo.admin()
    sale_journal(admin)
    (row,) = admin.search_read("account.account", [("id", "=", income(admin))], ["code"])
    books = read(own_odoo, journal="FF", account=row["code"], difference_account=row["code"])
    assert books.findings == ()
    assert books.account == books.difference_account == row["id"]


def test_the_expression_is_set_as_the_guide_shows(own_odoo: Place) -> None:
    admin = own_odoo.admin()
    sale_journal(admin, default_account_id=income(admin))
    _, after = GUIDE.read_text(encoding="utf-8").split("**Execute Code**", 1)
    code = after.split("```python\n", 1)[1].split("```", 1)[0]
    _, model = admin.call("ir.model.data", "check_object_reference", module="account", xml_id="model_account_journal")
    action = made(admin, "ir.actions.server", name="numbers", model_id=model, state="code", code=code)
    admin.call("ir.actions.server", "run", [action])
    assert read(own_odoo, journal="FF", number="name").findings == ()


def test_books_are_known_for_the_same_once_opened_however_the_settings_name_the_company(
    odoo: Place, tmp_path: Path
) -> None:
    def places(**company: str) -> tuple[str, str]:
        usual = {"url": odoo.url, "database": odoo.database, "user": "sync", "api_key": Secret(odoo.sync_key)}
        connector = OdooConnector(OdooSettings.model_validate({**usual, **company}), context(tmp_path))
        unopened = connector.place
        connector.open()
        connector.close()
        return unopened, connector.place

    (own,) = odoo.admin().search_read("res.company", [], ["name"])
    told = [places(), places(company="1"), places(company=own["name"])]
    assert len({unopened for unopened, _ in told}) == 3
    assert {opened for _, opened in told} == {f"{odoo.url}/{odoo.database}/1"}


def test_several_companies_are_named_and_none_is_guessed(own_odoo: Place) -> None:
    admin = own_odoo.admin()
    second = another_company(own_odoo, admin, "Second Company")
    named = rf'"Syncd Test Company" \(id 1\), "Second Company" \(id {second}\)'
    with pytest.raises(Refused, match=f"sees several companies: {named}; say with company") as refused:
        read(own_odoo)
    both = {"Syncd Test Company": "Syncd Test Company", "Second Company": "Second Company"}
    assert refused.value.choices == {"company": both}
    with pytest.raises(Refused, match=f'company is "Third", but the companies .* are: {named}'):
        read(own_odoo, company="Third")
    assert read(own_odoo, company="1").name == "Syncd Test Company"
    books = read(own_odoo, company="second company")
    assert books.id == second
    assert books.findings[0].startswith("The company Second Company has no chart of accounts.")
    assert books.no_invoices == books.no_payments == books.findings[0]


def test_what_belongs_to_another_company_is_never_chosen(own_odoo: Place) -> None:
    admin = own_odoo.admin()
    second = another_company(own_odoo, admin, "Second Company")
    sale_journal(admin, company_id=second)
    books = read(own_odoo, company="1")
    assert books.journal is not None
    assert books.journal.code == "INV"
    books = read(own_odoo, company="Second Company")
    assert books.journal is not None
    assert books.journal.code == "FF"
    assert isinstance(books.taxes.id_for("25", None), str)


def test_a_branch_works_with_the_journals_and_taxes_of_its_company(own_odoo: Place) -> None:
    if own_odoo.version < 17:
        pytest.skip("companies have branches since Odoo 17")
    admin = own_odoo.admin()
    (france,) = admin.ids("res.country", [("code", "=", "FR")])
    branch = another_company(own_odoo, admin, "Branch", parent_id=1)
    admin.call("res.company", "write", [branch], vals={"country_id": france, "account_fiscal_country_id": france})
    books = read(own_odoo, company="Branch")
    assert books.findings == ()
    assert books.journal is not None
    assert isinstance(books.taxes.id_for("25", None), int)
    assert books.has_rate("NOK", TODAY)


def test_a_missing_right_is_told_with_model_operation_and_group(own_odoo: Place) -> None:
    own_odoo.take("base.group_partner_manager")
    books = read(own_odoo)
    assert len(books.findings) == 1
    assert "may not create res.partner, res.partner.category or write res.partner." in books.findings[0]
    assert "Contact / Creation" in books.findings[0]
    assert books.no_clients == books.findings[0]
    assert books.no_invoices is books.no_payments is None


def test_a_user_without_invoicing_is_refused_and_one_who_may_only_read_is_told(own_odoo: Place) -> None:
    own_odoo.take("account.group_account_invoice")
    with pytest.raises(Refused, match=r"may not read account\.journal.* create account\.move, .*group .*Invoicing"):
        read(own_odoo)
    own_odoo.give("account.group_account_readonly")
    books = read(own_odoo)
    assert "may not create account.move, account.payment" in books.findings[0]
    assert books.no_invoices == books.no_payments == books.findings[0]


def group_of_its_own(place: Place) -> None:
    """Move ``sync`` from Invoicing to a new group with all of its rights but those to the wizards of the screens."""
    admin = place.admin()
    _, invoicing = admin.call(
        "ir.model.data", "check_object_reference", module="account", xml_id="group_account_invoice"
    )
    own = made(admin, "res.groups", name="Bookkeeping")
    given = [("group_id", "=", invoicing), ("model_id.transient", "=", False)]
    for access in admin.ids("ir.model.access", given):
        admin.call("ir.model.access", "copy", [access], default={"group_id": own})
    rules = admin.ids("ir.rule", [("groups", "in", [invoicing])])
    admin.call("ir.rule", "write", rules, vals={"groups": [[4, own]]})
    place.take("account.group_account_invoice")
    users = admin.ids("res.users", [("login", "=", "sync")])
    _, internal = admin.call("ir.model.data", "check_object_reference", module="base", xml_id="group_user")
    groups = "group_ids" if "group_ids" in admin.fields_of("res.users") else "groups_id"
    admin.call("res.users", "write", users, vals={groups: [[4, internal], [4, own]]})


def test_a_user_whom_another_group_gives_all_rights_lacks_that_to_post_and_none_that_nothing_uses(
    own_odoo: Place,
) -> None:
    group_of_its_own(own_odoo)
    books = read(own_odoo)
    assert len(books.findings) == 1
    assert books.findings[0].startswith("The user of the API key may not post account.move. ")
    assert "Accounting / Invoicing" in books.findings[0]
    assert books.no_invoices == books.no_payments == books.findings[0]
    assert books.no_clients is None
    partner = own_odoo.client().ids("res.partner", [], context={})[0]
    draft = made(own_odoo.client(), "account.move", move_type="out_invoice", partner_id=partner)
    with pytest.raises(OdooAnswer, match="access rights to post an invoice"):
        own_odoo.client().call("account.move", "action_post", [draft])


def test_two_taxes_of_no_percent_are_named_until_the_settings_choose(own_odoo: Place) -> None:
    admin = own_odoo.admin()
    (zero,) = admin.ids("account.tax", [("name", "=", "Sync 0%")])
    (other,) = [admin.call("account.tax", "copy", [zero], default={"name": "0% Reverse"})]
    other = other[0] if isinstance(other, list) else other
    admin.call("account.tax", "write", [other], vals={"name": "0% Reverse"})
    books = read(own_odoo, {})
    assert len(books.findings) == 1
    assert f'"Sync 0%" (id {zero})' in books.findings[0]
    assert f'"0% Reverse" (id {other})' in books.findings[0]
    assert {"Sync 0%", "0% Reverse"} <= books.choices["taxes.0"].keys()
    assert isinstance(books.taxes.id_for("0", "NO"), str)
    books = read(own_odoo, {"0": {"NO": "0% Reverse", "*": str(zero)}})
    assert books.findings == ()
    assert (books.taxes.id_for("0", "NO"), books.taxes.id_for("0", "GB")) == (other, zero)
    assert read(own_odoo, {"0": "Sync 25%"}).findings == ('taxes.0 is "Sync 25%", but that tax has 25 % and not 0 %.',)


def test_taxes_that_odoo_would_refuse_are_not_candidates(own_odoo: Place) -> None:
    admin = own_odoo.admin()
    (tax,) = admin.ids("account.tax", [("name", "=", "Sync 25%")])
    included = {"price_include_override": "tax_included"} if own_odoo.version >= 18 else {"price_include": True}
    admin.call("account.tax", "write", [tax], vals=included)
    told = read(own_odoo).taxes.id_for("25", None)
    assert isinstance(told, str)
    assert "included in prices" in told


def test_taxes_of_another_country_are_not_candidates(own_odoo: Place) -> None:
    if own_odoo.version < 15:
        pytest.skip("taxes have a country since Odoo 15")
    admin = own_odoo.admin()
    (sweden,) = admin.ids("res.country", [("code", "=", "SE")])
    group = made(admin, "account.tax.group", name="Abroad", country_id=sweden)
    values = {"name": "Abroad", "amount": 12.0, "type_tax_use": "sale", "country_id": sweden}
    made(admin, "account.tax", **values, tax_group_id=group)
    (own,) = admin.ids("account.tax", [("name", "=", "Sync 12%")])
    books = read(own_odoo, {**TAXES, "6": {"SE": "Abroad"}, "12": {"SE": "Abroad", "*": "Sync 12%"}})
    assert books.taxes.id_for("12", "NO") == own
    told = books.taxes.id_for("12", "SE")
    assert isinstance(told, str)
    assert told.endswith("but it is of Sweden, and the company's fiscal country is France.")
    assert told in books.findings
    assert read(own_odoo).taxes.id_for("12", "SE") == own


def test_closed_periods_are_known_for_invoices_and_for_payments(own_odoo: Place) -> None:
    admin = own_odoo.admin()
    if own_odoo.version < 18:
        lock(admin, fiscalyear_lock_date="2025-12-31", tax_lock_date="2026-02-28", period_lock_date="2026-01-31")
        expected = Locks(date(2026, 2, 28), date(2026, 1, 31))
    else:
        lock(admin, fiscalyear_lock_date="2025-12-31", tax_lock_date="2026-02-28", sale_lock_date="2026-01-31")
        expected = Locks(date(2026, 2, 28), date(2025, 12, 31))
    assert read(own_odoo).locked == expected


def test_a_closed_tax_period_takes_no_payment_where_tax_falls_due_by_payment(own_odoo: Place) -> None:
    admin = own_odoo.admin()
    lock(admin, tax_lock_date="2026-02-28")
    tax, *_ = admin.ids("account.tax", [("name", "=", "Sync 12%")])
    assert read(own_odoo).locked.payment is None
    admin.call("res.company", "write", [1], vals={"tax_exigibility": True})
    assert read(own_odoo).locked.payment is None
    copied = admin.call("account.account", "copy", [income(admin)], default={"code": "259999", "reconcile": True})
    waits = copied[0] if isinstance(copied, list) else copied
    values = {"tax_exigibility": "on_payment", "cash_basis_transition_account_id": waits}
    admin.call("account.tax", "write", [tax], vals=values)
    assert read(own_odoo).locked.payment == date(2026, 2, 28)


def test_an_exception_that_lets_the_user_into_a_closed_period_counts(own_odoo: Place) -> None:
    if own_odoo.version < 18:
        pytest.skip("there are exceptions since Odoo 18")
    admin = own_odoo.admin()
    lock(admin, sale_lock_date="2026-02-28")
    (user,) = admin.ids("res.users", [("login", "=", "sync")])
    values = {"user_id": user, "company_id": 1, "sale_lock_date": "2026-02-15", "reason": "late invoices"}
    made(admin, "account.lock_exception", **values, end_datetime="2099-01-01 00:00:00")
    assert read(own_odoo).locked.invoice == date(2026, 2, 15)


def test_an_inactive_currency_is_not_there_and_one_without_a_rate_is_told(own_odoo: Place) -> None:
    admin = own_odoo.admin()
    admin.call("res.currency", "write", [currency(admin, "NOK")], vals={"active": False})
    rates = admin.ids("res.currency.rate", [("currency_id", "=", currency(admin, "SEK"))])
    admin.call("res.currency.rate", "unlink", rates)
    books = read(own_odoo)
    assert "NOK" not in books.currencies
    assert len(books.findings) == 1
    assert books.findings[0].startswith("No rate is known for SEK,")
    assert not books.has_rate("SEK", TODAY)
    assert books.has_rate("EUR", TODAY)


def test_without_a_payment_journal_invoices_can_be_written_and_payments_cannot(own_odoo: Place) -> None:
    admin = own_odoo.admin()
    journals = admin.ids("account.journal", [("type", "in", ["bank", "cash"])])
    admin.call("account.journal", "write", journals, vals={"active": False})
    books = read(own_odoo, payment_journal=None)
    assert books.no_invoices is None
    assert books.no_payments is not None
    assert books.no_payments.startswith("There is no bank or cash journal.")
    assert books.findings == (books.no_payments,)


def test_more_digits_for_quantities_are_seen_without_the_right_to_read_that_setting(own_odoo: Place) -> None:
    admin = own_odoo.admin()
    digits = admin.ids("decimal.precision", [("name", "=like", "Product Unit%")])
    admin.call("decimal.precision", "write", digits, vals={"digits": 6})
    assert read(own_odoo).quantity_digits == 6


def test_the_rounding_of_the_company_is_read(own_odoo: Place) -> None:
    admin = own_odoo.admin()
    was = read(own_odoo).rounding
    other = "round_per_line" if was == "global" else "round_globally"
    admin.call("res.company", "write", [1], vals={"tax_calculation_rounding_method": other})
    assert read(own_odoo).rounding != was


def test_check_names_what_invoices_to_be_written_need_and_the_books_lack(own_odoo: Place, tmp_path: Path) -> None:
    account = made_up(5, clients=1, invoices=0, today=date(2026, 6, 1))
    for code, rate in (("EUR", 25), ("EUR", 23), ("DKK", 25)):
        line = {"description": "Hours", "quantity": 2, "unit_price_cents": 5000, "tax_rate": rate}
        insert(account, {"client_id": next(iter(account.clients)), "status": "sent", "currency": code, "lines": [line]})
    admin = own_odoo.admin()
    admin.call("res.currency", "write", [currency(admin, "DKK")], vals={"active": False})
    with served(account) as sandbox:
        office = Office(tmp_path, sandbox, own_odoo)
        before = office.command("check").stdout
        office.command("plan")
        after = office.command("check")
        told = json.loads(office.command("check", "--json").stdout)
    assert "1 invoice is to be written in DKK" in before
    assert "23 %" not in before
    assert "1 invoice is to be written in DKK" in after.stdout
    assert "For invoices that are to be written: 23 %: there is no active sales tax of this rate" in after.stdout
    assert after.returncode == 1
    (choices,) = [one["choices"] for one in told["checks"] if "choices" in one]
    assert "Sync 25%" in choices["taxes.25"]
    assert "INV" in choices["journal"]
    assert choices["account"].keys() < choices["difference_account"].keys()
