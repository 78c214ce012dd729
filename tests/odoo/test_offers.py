"""What is offered to choose from: only what means the same record when it is written in the settings."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.odoo.company_io import read_company
from connectors.odoo.offers import offer_accounts, offer_products, read_offers
from connectors.odoo.settings import OdooSettings
from syncd.secret import Secret
from tests.odoo.place import Place


def product(number: int, name: str, reference: str | bool = False, **more: Any) -> dict[str, Any]:
    return {"id": number, "name": name, "default_code": reference, "active": True, **more}


def test_accounts_are_offered_by_code_those_that_take_no_entries_left_out() -> None:
    rows: list[dict[str, Any]] = [
        {"code": "7000", "name": "Sales", "internal_group": "income", "deprecated": False},
        {"code": "6580", "name": "Charges", "internal_group": "expense", "deprecated": False},
        {"code": "7010", "name": "Old sales", "internal_group": "income", "deprecated": True},
        {"code": False, "name": "Of another company", "internal_group": "income"},
        {"code": " 7020", "name": "Blank", "internal_group": "income"},
        *[{"code": "7030", "name": "Twice", "internal_group": "income"}] * 2,
    ]
    assert offer_accounts(rows) == {
        "account": {"7000": "Sales"},
        "difference_account": {"6580": "Charges", "7000": "Sales"},
    }
    assert offer_accounts([]) == {}


@pytest.mark.parametrize(
    ("offered", "others", "told"),
    [
        ([product(1, "Advice", "ADV"), product(2, "Repairs")], [], {"ADV": "Advice", "Repairs": "Repairs"}),
        ([product(7, "Twice"), product(8, "Twice")], [], {"7": "Twice", "8": "Twice"}),
        ([product(7, "Twice"), product(8, "Twice")], [product(9, "Rent", "7")], {"8": "Twice"}),
        ([product(1, "Advice", "ADV")], [product(2, "Other", "ADV")], {"Advice": "Advice"}),
        ([product(1, "Hour")], [product(2, "Old", "Hour", active=False)], {"1": "Hour"}),
        ([product(1, " Repairs", "ADV ")], [], {"1": " Repairs"}),
        ([], [], {}),
    ],
)
def test_a_product_is_offered_by_what_means_it_alone(
    offered: list[dict[str, Any]], others: list[dict[str, Any]], told: dict[str, str]
) -> None:
    assert offer_products(offered, [*offered, *others]).get("product", {}) == told


def test_accounts_and_products_that_are_offered_can_be_taken(own_odoo: Place) -> None:
    admin = own_odoo.admin()
    for name, reference in (("Advice", "ADV"), ("Repairs", False), ("Twice", "TWO"), ("Twice", "TWO")):
        values = {"name": name, "default_code": reference}
        admin.call("product.product", "create", vals_list=[values])
    admin.call("product.product", "create", vals_list=[{"name": "Rent", "sale_ok": False}])
    odoo = own_odoo.client()
    usual = {"url": own_odoo.url, "database": own_odoo.database, "api_key": Secret(own_odoo.sync_key)}
    usual |= {"journal": "INV", "payment_journal": "BNK1", "number": "ref"}
    books = read_company(odoo, OdooSettings(**usual), {"0": "Sync 0%", "15": "Sync 15%"})
    offers = read_offers(odoo)
    assert set(offers["account"]) < set(offers["difference_account"])
    assert {"ADV", "Repairs"} <= offers["product"].keys()
    assert {"TWO", "Twice", "Rent"} & offers["product"].keys() == set()
    assert list(offers["product"].values()).count("Twice") == 2
    for setting, named in offers.items():
        for value in list(named)[-5:]:
            chosen = OdooSettings(**{**usual, setting: value})
            assert read_company(odoo, chosen, {"0": "Sync 0%", "15": "Sync 15%"}).findings == books.findings
