"""Lines with the product that the settings name: chosen by themselves, and on the invoices of a real Odoo."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.odoo.client import Odoo
from connectors.odoo.moves import read_told
from connectors.odoo.products import Product, by_rate, choose
from connectors.odoo.settings import OdooSettings
from syncd.sandbox.change import insert
from syncd.secret import Secret
from tests.crash import scenario
from tests.crash.forks import Forks
from tests.odoo.clerk import Clerk
from tests.odoo.invoices import COMPANY, entry, invoice, operation
from tests.odoo.office import Json
from tests.odoo.place import Place
from tests.odoo.stage import Stage, served

GOODS = {"id": 3, "default_code": "GOODS", "name": "Goods", "active": True}
OLD = {"id": 4, "default_code": "OLD", "name": "Old", "active": False}
TWIN = {"id": 5, "default_code": "TWIN", "name": "Goods", "active": True}
OTHER = {"id": 6, "default_code": "TWIN", "name": "Other", "active": True}
ROWS = [GOODS, OLD, TWIN, OTHER]


def settings(product: object) -> OdooSettings:
    given: Any = product
    return OdooSettings(url="https://odoo.example", database="d", api_key=Secret("abcdefgh"), product=given)


# -- pure --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("wanted", "found"), [("GOODS", 3), ("Other", 6), ("5", 5), ("6", 6)])
def test_a_product_is_found_by_reference_name_or_id(wanted: str, found: int) -> None:
    chosen = choose(ROWS, wanted, "*")
    assert not isinstance(chosen, str)
    assert chosen["id"] == found


def test_a_reference_goes_before_a_name_and_what_stands_before_what_is_archived() -> None:
    named = [{**GOODS, "name": "X"}, {**OTHER, "default_code": "X"}, {**OLD, "default_code": "X"}]
    chosen = choose(named, "X", "*")
    assert not isinstance(chosen, str)
    assert chosen["id"] == 6


@pytest.mark.parametrize(
    ("wanted", "rate", "sentence"),
    [
        ("OLD", "*", 'product is "OLD", but that product is archived in Odoo; name another, or unarchive it.'),
        (
            "TWIN",
            "25",
            'product.25 is "TWIN", but several products are called so: id 5, id 6; give the id instead.',
        ),
        (
            "NONE",
            "5.5",
            (
                'product."5.5" is "NONE", but no product has this internal reference, name or id, '
                "or it belongs to another company."
            ),
        ),
    ],
)
def test_a_product_that_cannot_be_had_is_told_with_the_setting_that_names_it(
    wanted: str, rate: str, sentence: str
) -> None:
    assert choose(ROWS, wanted, rate) == sentence


def test_the_setting_is_a_product_or_a_table_by_rate() -> None:
    assert by_rate(settings("SERV").product) == {"*": "SERV"}
    assert by_rate(settings({"25.0": "A", "*": " B "}).product) == {"25": "A", "*": "B"}
    assert by_rate(settings(None).product) == {}
    for wrong in ("", " ", {}, {"high": "A"}, {"25": ""}):
        with pytest.raises(ValidationError, match="product"):
            settings(wrong)


@given(
    st.lists(st.sampled_from(["25", "20", "0"]), min_size=1, max_size=4),
    st.dictionaries(st.sampled_from(["25", "20", "0", "*"]), st.integers(1, 9)),
    st.booleans(),
)
def test_a_product_changes_nothing_else_of_an_invoice(rates: list[str], ids: dict[str, int], credit: bool) -> None:
    lines = [("", "-2" if credit else "2", 100, rate) for rate in rates]
    tax = sum(int(rate) * (-2 if credit else 2) for rate in rates)
    plain = invoice("F-1", lines, tax)
    company = replace(COMPANY, products={rate: Product(number, 70 + number) for rate, number in ids.items()})
    without = read_told(entry(1, operation("create", plain)).payload).whole
    told = read_told(entry(1, operation("create", plain, company), company).payload).whole
    assert told is not None
    assert without is not None
    assert replace(told, lines=without.lines) == without
    for rate, line, bare in zip(rates, told.lines, without.lines, strict=True):
        number = ids.get(rate) or ids.get("*")
        if number is None:
            assert line == bare
        else:
            assert [*line[:3], line[4]] == [line[0], *bare[1:3], bare[4]]
            assert (line[0].strip(), line[3], line[5:]) == ("", str(70 + number), ["0", str(number), ""])


# -- on a real Odoo ----------------------------------------------------------------------------------------------------


@pytest.fixture
def clerk(tmp_path: Path, own_odoo: Place, forks: Forks) -> Iterator[Clerk]:
    """The small company; nothing is run yet."""
    with served(scenario.first()) as sandbox:
        stage = Stage(tmp_path, sandbox, own_odoo, forks)
        account = sandbox.account
        lines = [
            {"description": text, "quantity": 2, "unit_price_cents": 3_333, "tax_rate": rate}
            for text, rate in (("", 25), ("Ours", 12), ("Nothing", 0))
        ]
        insert(account, {"client_id": next(iter(account.clients)), "status": "sent", "lines": lines})
        yield Clerk(stage)


def product(admin: Odoo, code: str, **values: Any) -> int:
    """Make a product that has a text, a price, a unit and a tax of its own."""
    (tax,) = admin.ids("account.tax", [("name", "=", "Sync 6%")])
    own = {"name": f"Product {code}", "list_price": 77.0, "taxes_id": [[6, 0, [tax]]], "description_sale": "Sold"}
    (made,) = admin.call("product.product", "create", vals_list=[{**own, "default_code": code, **values}])
    return int(made)


def income(admin: Odoo, code: str) -> int:
    """Make an income account."""
    old = admin.fields_of("account.account")
    if "account_type" in old:
        kind: Mapping[str, Any] = {"account_type": "income"}
    else:
        (found,) = admin.ids("account.account.type", [("name", "=", "Income")])
        kind = {"user_type_id": found}
    (made,) = admin.call("account.account", "create", vals_list=[{"name": code, "code": code, **kind}])
    return int(made)


def lines(clerk: Clerk, invoice: Json) -> list[tuple[str, float, float, int, int]]:
    """Give an invoice's lines: text, quantity, price, product and account."""
    move = clerk.read("account.move", clerk.move(invoice)["id"], "invoice_line_ids")
    fields = ["name", "quantity", "price_unit", "product_id", "account_id", "product_uom_id"]
    rows = clerk.odoo.search_read(
        "account.move.line", [("id", "in", move["invoice_line_ids"])], fields, order="sequence, id"
    )
    assert not any(row["product_uom_id"] for row in rows)
    return [
        (
            (row["name"] or "").strip(),
            row["quantity"],
            row["price_unit"],
            (row["product_id"] or [0])[0],
            row["account_id"][0],
        )
        for row in rows
    ]


def test_every_line_has_the_product_and_all_else_of_it_stays_the_sources(clerk: Clerk) -> None:
    stage, account = clerk.stage, income(clerk.odoo, "712345")
    ours = product(clerk.odoo, "SERV", property_account_income_id=account)
    stage.configure(product="SERV", on_change="update")
    stage.run()
    assert stage.wrong() == []
    assert lines(clerk, clerk.invoice(-1)) == [
        ("", 2.0, 33.33, ours, account),
        ("Ours", 2.0, 33.33, ours, account),
        ("Nothing", 2.0, 33.33, ours, account),
    ]
    assert stage.run()["planned"] == []
    assert stage.command("reconcile").returncode == 0
    new = [{"description": "New", "quantity": 2, "unit_price_cents": 500, "tax_rate": 25}]
    stage.change_invoice(clerk.invoice(-1), lines=new)
    stage.run()
    assert lines(clerk, clerk.invoice(-1)) == [("New", 2.0, 5.0, ours, account)]
    stage.configure(product="SERV", on_change="reverse")
    stage.change_invoice(clerk.invoice(-1), lines=[{**new[0], "quantity": 3}])
    stage.run()
    named = [one["id"] for one in stage.moves() if clerk.invoice(-1)["number"] in one["name"]]
    rows = clerk.odoo.search_read("account.move.line", [("move_id", "in", named), ("product_id", "=", ours)], ["id"])
    assert (len(named), len(rows)) == (3, 3)
    stage.forget()
    assert {one["verb"] for one in stage.run()["planned"]} == {"adopt"}


def test_products_go_by_rate_and_the_settings_account_wins(clerk: Clerk) -> None:
    stage, own = clerk.stage, income(clerk.odoo, "712345")
    high, rest = product(clerk.odoo, "HIGH", property_account_income_id=own), product(clerk.odoo, "REST")
    other = income(clerk.odoo, "722222")
    stage.configure(product={"25": "HIGH", "*": str(rest)}, account="722222")
    text = (stage.folder / "syncd.toml").read_text()
    table = f'product = {{ "25" = "HIGH", "*" = "{rest}" }}\n'
    kept = [line for line in text.splitlines(keepends=True) if not line.startswith("product")]
    (stage.folder / "syncd.toml").write_text("".join(kept) + table)
    stage.run()
    found = lines(clerk, clerk.invoice(-1))
    assert [line[3:] for line in found] == [(high, other), (rest, other), (rest, other)]
    assert stage.wrong() == []


@pytest.mark.parametrize(
    ("values", "told"),
    [({"active": False}, "archived"), ({}, "several products"), (None, "no product has this internal reference")],
)
def test_a_product_that_is_not_clear_is_told_by_check_and_nothing_is_sent(
    clerk: Clerk, values: dict[str, Any] | None, told: str
) -> None:
    stage = clerk.stage
    for _ in range(2):
        if values is not None:
            product(clerk.odoo, "SERV", **values)
    stage.configure(product="SERV")
    check = stage.command("check")
    assert told in check.stdout
    assert check.returncode == 1
    run = stage.run(code=1)
    assert any(told in one["sentence"] for one in run["problems"])
    assert stage.moves() == []


def test_a_product_of_another_company_is_none_of_ours(clerk: Clerk) -> None:
    (other,) = clerk.odoo.call("res.company", "create", vals_list=[{"name": "Another"}])
    (sync,) = clerk.odoo.ids("res.users", [("login", "=", "sync")])
    clerk.write("res.users", sync, company_ids=[[4, other]])
    product(clerk.odoo, "SERV", company_id=other, taxes_id=[[6, 0, []]])
    clerk.stage.configure(product="SERV", company="1")
    assert "belongs to another company" in clerk.stage.command("check").stdout
