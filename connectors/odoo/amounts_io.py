"""What the lines of some new invoices are told by, read from Odoo in two calls: currency rates, and tags of taxes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from connectors.odoo.amounts import Beforehand, Rate
from connectors.odoo.client import Odoo
from connectors.odoo.company import Company
from connectors.odoo.move_calls import Work
from connectors.odoo.rows import link

TOLD: Final = 19
"""The version whose way of making lines is known and tried; a later one may take what it is told on trust."""

NEWEST: Final = 2000
"""So many rates are read at most, the newest ones; where an invoice needs an older one, Odoo computes by itself."""

KINDS: Final = {"invoice": "out_invoice", "refund": "out_refund"}


def read_beforehand(odoo: Odoo, company: Company, works: Sequence[Work]) -> Beforehand | None:
    """Read what new invoices' lines are told by; ``None``: this Odoo is not told anything."""
    if odoo.version != TOLD or not works:
        return None
    own = company.currencies[company.currency]
    return Beforehand(own, _rates(odoo, company, own, works), _tags(odoo, works))


def _rates(odoo: Odoo, company: Company, own: int, works: Sequence[Work]) -> Mapping[int, Sequence[Rate]]:
    heads = [work.whole.head for work in works]
    days = [head["invoice_date"] for head in heads if head["invoice_date"]]
    foreign = {int(head["currency_id/.id"]) for head in heads} - {own}
    if not foreign or not days:
        return {}
    domain: list[Any] = [("currency_id", "in", sorted({*foreign, own})), ("name", "<=", max(days))]
    domain += ["|", ("company_id", "=", False), ("company_id", "parent_of", company.id)]
    fields = ["currency_id", "company_id", "name", "rate"]
    known: dict[int, list[Rate]] = defaultdict(list)
    for row in odoo.search_read("res.currency.rate", domain, fields, order="name desc", limit=NEWEST):
        known[link(row["currency_id"])].append((bool(row["company_id"]), row["name"], row["rate"]))
    return known


def _tags(odoo: Odoo, works: Sequence[Work]) -> Mapping[tuple[str, str], str]:
    taxes = sorted({int(line[4]) for work in works for line in work.whole.lines if line[4].isdecimal()})
    domain = [("tax_id", "in", taxes), ("repartition_type", "=", "base"), ("tag_ids", "!=", False)]
    found = odoo.search_read("account.tax.repartition.line", domain, ["tax_id", "document_type", "tag_ids"])
    return {
        (str(link(row["tax_id"])), KINDS[row["document_type"]]): ",".join(map(str, row["tag_ids"]))
        for row in found
        if row["document_type"] in KINDS
    }
