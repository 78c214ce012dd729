"""What Odoo 19 would write on each line of a new invoice, told beforehand so that it need not; pure.

It makes each line at nothing, computes amounts and tax tags of all together with the taxes, and then writes each line
by itself, which takes longer than all else that it does for an invoice. A line that comes with what Odoo computes is
not written again. Where something else is told, Odoo writes its own: what is told here decides nothing
(``account.move._sync_tax_lines``, Odoo 19).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import Final

from syncd.money import amount, half_up
from syncd.tax import EXACT

AMOUNTS: Final = ("amount_currency", "balance")
"""Columns of a line: in the invoice's currency and in the company's, negative where it is income."""
TAGS: Final = "tax_tag_ids/.id"
"""The column of the tags by which a line comes into the tax return."""

Rate = tuple[bool, str, float]
"""A rate: it is of this company alone (and goes before others), from which day on, and what it is."""


@dataclass(frozen=True, slots=True)
class Beforehand:
    """What the lines of new invoices are told by.

    ``own``: the id of the company's currency. ``rates``: by currency id. ``tags``: tax id and ``move_type`` of an
    invoice → ids of the tags on what is taxed, as text.
    """

    own: int
    rates: Mapping[int, Sequence[Rate]] = field(default_factory=dict)
    tags: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Name the columns that ``cells`` gives."""
        return (*AMOUNTS, TAGS) if self.tags else AMOUNTS

    def rate(self, currency: int, day: str) -> float | None:
        """Give how many units of a currency make one of the company's on a day, or ``None`` where it is not known."""
        if currency == self.own:
            return 1.0
        theirs, ours = self._since(currency, day), self._since(self.own, day)
        return None if theirs is None else theirs / (ours or 1.0)

    def cells(self, lines: Sequence[Sequence[str]], head: Mapping[str, str]) -> list[list[str]]:
        """Tell of each line of an invoice (text, quantity, price, account, tax …); empty where it cannot be told."""
        kind = head["move_type"]
        rate = self.rate(int(head["currency_id/.id"]), head["invoice_date"])
        told = [_amounts(line, 1 if kind == "out_refund" else -1, rate) for line in lines]
        if self.tags:
            told = [[*cells, self.tags.get((line[4], kind), "")] for cells, line in zip(told, lines, strict=True)]
        return told

    def _since(self, currency: int, day: str) -> float | None:
        """Give the last rate of that day or before; the company's own go before all others."""
        found = max((one for one in self.rates.get(currency, ()) if one[1] <= day), default=None)
        return found[2] if found else None


def _amounts(line: Sequence[str], sign: int, rate: float | None) -> list[str]:
    if not rate:
        return ["", ""]
    with localcontext(EXACT):
        net = sign * half_up(Decimal(line[1]) * Decimal(line[2]) * 100)
        return [amount(net), amount(half_up(Decimal(net) / Decimal(rate)))]
