"""What the lines of a new invoice come to, told beforehand so that Odoo 19 finds them right; pure.

It makes each line at nothing, computes the amounts of all together with the taxes, and then writes each line by
itself, which takes longer than all else that it does for an invoice. A line that comes with its amounts is not written
again where they are what Odoo computes. Where they are not, it writes its own: what is told here decides nothing.
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

Told = tuple[bool, str, float]
"""A rate: it is of this company alone (and goes before others), from which day on, and what it is."""


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates that Odoo would take; ``own``: the id of the company's currency. By currency id."""

    own: int
    known: Mapping[int, Sequence[Told]] = field(default_factory=dict)

    def of(self, currency: int, day: str) -> float | None:
        """Give how many units of a currency make one of the company's on a day, or ``None`` where it is not known."""
        if currency == self.own:
            return 1.0
        theirs, ours = self._since(currency, day), self._since(self.own, day)
        return None if theirs is None else theirs / (ours or 1.0)

    def _since(self, currency: int, day: str) -> float | None:
        """Give the last rate of that day or before; the company's own go before all others."""
        found = max((told for told in self.known.get(currency, ()) if told[1] <= day), default=None)
        return found[2] if found else None


def amounts(line: Sequence[str], head: Mapping[str, str], rates: Rates) -> list[str]:
    """Give ``AMOUNTS`` of a line (its text, quantity and price come first); empty where they cannot be told."""
    rate = rates.of(int(head["currency_id/.id"]), head["invoice_date"])
    if not rate:
        return [""] * len(AMOUNTS)
    sign = 1 if head["move_type"] == "out_refund" else -1
    with localcontext(EXACT):
        net = sign * half_up(Decimal(line[1]) * Decimal(line[2]) * 100)
        return [amount(net), amount(half_up(Decimal(net) / Decimal(rate)))]
