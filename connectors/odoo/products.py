"""Which product of the books stands on a line, by its tax rate; and what is wrong with one that is named. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from connectors.odoo.rows import Row
from connectors.odoo.taxes import key

OTHERS: Final = "*"
"""In the settings, the rates that are not named; where one product stands on every line, all of them."""


@dataclass(frozen=True, slots=True)
class Product:
    """A product (``product.product``); ``account``: the income account of its lines, ``None``: that of other lines."""

    id: int
    account: int | None = None


def by_rate(setting: str | Mapping[str, str] | None) -> dict[str, str]:
    """Give the setting as a table: rate or ``"*"`` → what the product is called."""
    if setting is None:
        return {}
    return {OTHERS: setting} if isinstance(setting, str) else dict(setting)


def choose(rows: Iterable[Row], wanted: str, rate: str) -> Row | str:
    """Choose a product by internal reference, by name or by id, in this order; a ``str`` says why there is none."""
    where, found = "product" if rate == OTHERS else f"product.{key(rate)}", list[Row]()
    for named in (_called(rows, "default_code", wanted), _called(rows, "name", wanted), _numbered(rows, wanted)):
        found = found or named
    active = [row for row in found if row["active"]]
    if len(active) == 1:
        return active[0]
    if active:
        there = ", ".join(f"id {row['id']}" for row in active)
        return f'{where} is "{wanted}", but several products are called so: {there}; give the id instead.'
    if found:
        return f'{where} is "{wanted}", but that product is archived in Odoo; name another, or unarchive it.'
    return (
        f'{where} is "{wanted}", but no product has this internal reference, name or id, '
        f"or it belongs to another company."
    )


def _called(rows: Iterable[Row], field: str, wanted: str) -> list[Row]:
    return [row for row in rows if row[field] == wanted]


def _numbered(rows: Iterable[Row], wanted: str) -> list[Row]:
    return [row for row in rows if str(row["id"]) == wanted]
