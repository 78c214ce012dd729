"""The currency rates of the days of some invoices, read from Odoo in one call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from connectors.odoo.amounts import Rates, Told
from connectors.odoo.client import Odoo
from connectors.odoo.company import Company
from connectors.odoo.move_calls import Work
from connectors.odoo.move_reading import link_id

NEWEST: Final = 2000
"""So many rates are read at most, the newest ones; where an invoice needs an older one, Odoo computes by itself."""


def read_rates(odoo: Odoo, company: Company, works: Sequence[Work]) -> Rates | None:
    """Read what the amounts of new invoices' lines are told by; ``None``: this Odoo is not told any."""
    if odoo.version < 19:
        return None
    own = company.currencies[company.currency]
    heads = [work.whole.head for work in works]
    days = [head["invoice_date"] for head in heads if head["invoice_date"]]
    foreign = {int(head["currency_id/.id"]) for head in heads} - {own}
    if not foreign or not days:
        return Rates(own)
    domain: list[Any] = [("currency_id", "in", sorted({*foreign, own})), ("name", "<=", max(days))]
    domain += ["|", ("company_id", "=", False), ("company_id", "=", company.id)]
    fields = ["currency_id", "company_id", "name", "rate"]
    known: dict[int, list[Told]] = defaultdict(list)
    for row in odoo.search_read("res.currency.rate", domain, fields, order="name desc", limit=NEWEST):
        known[link_id(row["currency_id"])].append((bool(row["company_id"]), row["name"], row["rate"]))
    return Rates(own, known)
