"""What can be chosen among the accounts and products of the books: read only where somebody is there to choose.

A value is offered only if the settings, when it is written there, mean the very record that it is offered for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from connectors.odoo.client import Odoo
from connectors.odoo.errors import OdooAnswer
from connectors.odoo.product_io import called
from connectors.odoo.products import OTHERS, choose
from connectors.odoo.rows import Row

MOST: Final = 200
"""The most products that are offered; a shop may have a hundred thousand."""
_GROUPS: Final = {"account": ("income",), "difference_account": ("income", "expense")}
"""Setting → what an account has to be for (``internal_group``)."""

Offers = dict[str, dict[str, str]]


def read_offers(odoo: Odoo) -> Offers:
    """Read what ``account``, ``difference_account`` and ``product`` can be; nothing where Odoo will not tell."""
    found: Offers = {}
    for read in (_accounts, _products):
        try:
            found |= read(odoo)
        except OdooAnswer:  # a right that is missing is a finding where it is needed
            continue
    return found


def offer_accounts(rows: Sequence[Row]) -> Offers:
    """Name the accounts to choose from, by code: income for lines, expense too for their differences."""
    codes = [row["code"] for row in rows]
    usable = [
        row for row in rows if _plain(row["code"]) and codes.count(row["code"]) == 1 and not row.get("deprecated")
    ]
    usable.sort(key=lambda row: str(row["code"]))
    found = {
        setting: {row["code"]: row["name"] for row in usable if row["internal_group"] in groups}
        for setting, groups in _GROUPS.items()
    }
    return {setting: named for setting, named in found.items() if named}


def offer_products(rows: Sequence[Row], alike: Sequence[Row]) -> Offers:
    """Name the products to choose from, by internal reference, else by name, else by id.

    ``alike``: all products of any of these references, names and ids.
    """
    named: dict[str, str] = {}
    for row in rows:
        for key in _keys(row):
            meant = choose(alike, key, OTHERS)
            if isinstance(meant, Mapping) and meant["id"] == row["id"]:
                named[key] = row["name"]
                break
    return {"product": named} if named else {}


def _accounts(odoo: Odoo) -> Offers:
    fields = ["code", "name", "internal_group"]
    if "deprecated" in odoo.fields_of("account.account"):  # later ones keep such accounts in the archive
        fields.append("deprecated")
    return offer_accounts(
        odoo.search_read("account.account", [["internal_group", "in", ["income", "expense"]]], fields)
    )


def _products(odoo: Odoo) -> Offers:
    rows = odoo.search_read("product.product", [("sale_ok", "=", True)], ["name", "default_code"], limit=MOST)
    keys = {key for row in rows for key in _keys(row)}
    return offer_products(rows, called(odoo, keys)) if rows else {}


def _keys(row: Row) -> list[str]:
    return [key for key in (row["default_code"], row["name"], str(row["id"])) if _plain(key)]


def _plain(text: object) -> bool:
    """Tell whether a text stays what it is in the settings, where blanks around it are dropped."""
    return isinstance(text, str) and bool(text) and text == text.strip()
