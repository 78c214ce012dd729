"""Reads the products that the settings name: two calls where they name any, none where they do not."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from connectors.odoo.client import Odoo
from connectors.odoo.products import Product, choose

_ACCOUNT = "property_account_income_id"
_CATEGORY = "property_account_income_categ_id"


def read_products(odoo: Odoo, wanted: Mapping[str, str], findings: list[str]) -> dict[str, Product]:
    """Read the product of each rate; one that is not there, or not clear, is a finding and is left out."""
    if not wanted:
        return {}
    rows = called(odoo, set(wanted.values()), ["categ_id", _ACCOUNT])
    chosen: dict[str, Mapping[str, Any]] = {}
    for rate, name in wanted.items():
        row = choose(rows, name, rate)
        if isinstance(row, str):
            findings.append(row)
        else:
            chosen[rate] = row
    accounts = _of_categories(odoo, {row["categ_id"][0] for row in chosen.values() if row["categ_id"]})
    return {
        rate: Product(row["id"], _id(row[_ACCOUNT]) or (accounts.get(row["categ_id"][0]) if row["categ_id"] else None))
        for rate, row in chosen.items()
    }


def called(odoo: Odoo, names: Collection[str], fields: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Read the products of any of these internal references, names or ids, archived or not."""
    ids = [int(name) for name in names if name.isascii() and name.isdecimal() and len(name) < 10]
    some = sorted(names)
    domain: list[Any] = ["|", "|", ("default_code", "in", some), ("name", "in", some), ("id", "in", ids)]
    wanted = ["name", "default_code", "active", *fields]
    return odoo.search_read("product.product", domain, wanted, context={"active_test": False})


def _of_categories(odoo: Odoo, ids: set[int]) -> dict[int, int | None]:
    """Give the income account of categories, which those of their products have that name none."""
    if not ids:
        return {}
    rows = odoo.search_read("product.category", [("id", "in", sorted(ids))], [_CATEGORY])
    return {row["id"]: _id(row[_CATEGORY]) for row in rows}


def _id(link: Any) -> int | None:
    return int(link[0]) if link else None
