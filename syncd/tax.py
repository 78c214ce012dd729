"""Tax of one invoice split by rate, so that it adds up to the cent to what the source says.

The source does not tell how it rounds; the split is by the first strategy that reproduces its tax:
on each rate's rounded lines (EN 16931, BT-117), on each rate's unrounded lines, on each line, or
once on the total. Half up, in exact decimals. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal, localcontext
from typing import Literal

from syncd.model import Line
from syncd.money import half_up

Strategy = Literal["rate", "rate_unrounded", "line", "total"]

EXACT = Context(prec=100)
"""Enough digits for every sum of products of a payload's numbers."""


@dataclass(frozen=True, slots=True)
class Split:
    """An invoice's bases and taxes: ``rates`` is ``{rate in percent: (base, tax)}`` in cents."""

    strategy: Strategy
    rates: Mapping[str, tuple[int, int]]


def split(lines: Sequence[Line], tax_cents: int, subtotal_cents: int) -> Split | None:
    """Split the tax by rate, or return ``None`` where no strategy comes to ``tax_cents``.

    The taxes add up to ``tax_cents``, and the bases to ``subtotal_cents`` where the lines do.
    Rates are in the order in which the lines name them.
    """
    with localcontext(EXACT):
        rounded: dict[str, int] = {}
        exact: dict[str, Decimal] = {}
        by_line: dict[str, int] = {}
        for line in lines:
            rate = line.tax_rate
            net = Decimal(line.quantity) * line.unit_price
            rounded[rate] = rounded.get(rate, 0) + half_up(net)
            exact[rate] = exact.get(rate, Decimal()) + net
            by_line[rate] = by_line.get(rate, 0) + half_up(net * Decimal(rate) / 100)
        for strategy, taxes in _strategies(rounded, exact, by_line):
            if sum(taxes.values()) == tax_cents:
                bases = _bases(rounded, exact, subtotal_cents)
                return Split(strategy, {rate: (bases[rate], taxes[rate]) for rate in bases})
    return None


def _strategies(
    rounded: Mapping[str, int], exact: Mapping[str, Decimal], by_line: dict[str, int]
) -> Iterator[tuple[Strategy, dict[str, int]]]:
    """Yield the taxes of each rate by every strategy, the preferred one first."""
    yield "rate", {rate: half_up(base * Decimal(rate) / 100) for rate, base in rounded.items()}
    taxes = {rate: base * Decimal(rate) / 100 for rate, base in exact.items()}
    yield "rate_unrounded", {rate: half_up(tax) for rate, tax in taxes.items()}
    yield "line", by_line
    yield "total", apportion(taxes, half_up(sum(taxes.values(), Decimal())))


def _bases(rounded: dict[str, int], exact: Mapping[str, Decimal], subtotal_cents: int) -> dict[str, int]:
    """Choose each rate's base: its rounded lines, unless only the unrounded are the subtotal."""
    if sum(rounded.values()) == subtotal_cents:
        return rounded
    if half_up(sum(exact.values(), Decimal())) == subtotal_cents:
        return apportion(exact, subtotal_cents)
    return rounded


def apportion(parts: Mapping[str, Decimal], whole: int) -> dict[str, int]:
    """Round parts so that they add up to ``whole``, their rounded sum: the largest rests go up."""
    shares = {name: int(part.to_integral_value(ROUND_FLOOR)) for name, part in parts.items()}
    missing = whole - sum(shares.values())
    by_rest = sorted(parts, key=lambda name: shares[name] - parts[name])
    for name in by_rest[:missing]:
        shares[name] += 1
    return shares
