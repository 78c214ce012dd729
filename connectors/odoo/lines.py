"""The lines of an invoice as Odoo holds them, and read back; pure.

Odoo keeps a quantity to a few decimals (two, unless an administrator raised it) and rounds each line to the cent. What
does not come to the source's amount that way is booked as quantity 1 at the line's amount, with the quantity and the
price at the end of its text: ``Cloth (0.333 x 10.01)``.

A negative total is a credit note: there Odoo wants the quantities turned, and the prices positive.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Any, Final

from connectors.odoo.company import Company
from connectors.odoo.rows import decimal
from syncd.connector import LINE_FIELDS, Content, Scalar
from syncd.model import Line
from syncd.money import amount, cents, half_up, plain
from syncd.tax import EXACT, apportion

DIFFERENCE: Final = "Difference to the subtotal"
"""The text of the line that makes the lines come to the subtotal, where the settings name an account for it."""

NO_RATE: Final = ""
"""The rate of a line that has no tax at all, not even one of 0 %."""

BLANK: Final = " "
"""The text of a line that has a product and no text, which Odoo 14 would take from the product."""

_PRODUCT: Final = re.compile(r"(?s)(.*?) ?\((-?[0-9]{1,18}(?:\.[0-9]{1,18})?) x (-?[0-9]{1,18}\.[0-9]{2})\)")


def lines_of(content: Content) -> list[Line]:
    """Give the lines of a content, be it whole or flat."""
    if "lines" in content:
        return [Line(*line) for line in content["lines"]]
    rows: dict[int, dict[str, Any]] = {}
    for path, value in content.items():
        group, _, rest = path.partition(".")
        if group == "lines":
            number, _, field = rest.partition(".")
            rows.setdefault(int(number), {})[field] = value
    standing = [row for _, row in sorted(rows.items()) if row.get("quantity") is not None]
    return [
        Line(row.get("description") or "", row["quantity"], row["unit_price"], row.get("tax_rate") or NO_RATE)
        for row in standing
    ]


def shape_lines(lines: Sequence[Line], subtotal: int, total: int, company: Company) -> list[Line]:
    """Give lines as Odoo will hold them, each at its amount in cents; shaped ones stay as they are."""
    with localcontext(EXACT):
        nets = [Decimal(line.quantity) * line.unit_price for line in lines]
        at_once = half_up(sum(nets, Decimal()))
    held = [_held(line.quantity, company) for line in lines]
    wanted = [half_up(net) for net in nets]
    # Some versions round the subtotal like the taxes: globally means once, on the sum of the unrounded lines.
    whole = company.rounding == "global" and not (all(held) and at_once == sum(wanted) == subtotal)
    if sum(wanted) != subtotal == at_once:
        with localcontext(EXACT):
            shares = apportion({str(place): net for place, net in enumerate(nets)}, subtotal)
        wanted = [shares[str(place)] for place in range(len(nets))]
    shaped = [
        line if fits and want == (net if whole else half_up(net)) else _single(line, want)
        for line, net, want, fits in zip(lines, nets, wanted, held, strict=True)
    ]
    if company.difference_account is not None and sum(wanted) != subtotal:
        shaped.append(Line(DIFFERENCE, "1", subtotal - sum(wanted), NO_RATE))
    shaped = [line._replace(description="") if line.description == BLANK else line for line in shaped]
    return [_upright(line) for line in shaped] if total < 0 else shaped


def line_net(line: Line) -> int:
    """Give a shaped line's amount in cents, as Odoo rounds it."""
    with localcontext(EXACT):
        return half_up(Decimal(line.quantity) * line.unit_price)


def exact(line: Line) -> Line:
    """Give a line as it was before it was shaped, for the tax is computed from the unrounded amount; at 0 % if none."""
    rate = line.tax_rate or "0"
    found = _PRODUCT.fullmatch(line.description) if line.quantity in ("1", "-1") else None
    if found is not None:
        text, quantity, price = found.groups()
        with localcontext(EXACT):
            if abs(Decimal(quantity) * (cents(price) or 0) - line_net(line)) < 1:
                return Line(text, quantity, cents(price) or 0, rate)
    return line._replace(tax_rate=rate)


def turned(quantity: str) -> str:
    """Turn the sign of a quantity in plain text."""
    return quantity if quantity == "0" else quantity[1:] if quantity.startswith("-") else f"-{quantity}"


def read_lines(rows: Sequence[Mapping[str, Any]], company: Company, *, refund: bool) -> dict[str, Scalar]:
    """Read an invoice's product lines, in order, as flat fields; nothing that a person may have put there raises."""
    fields: dict[str, Scalar] = {}
    for number, row in enumerate(rows, 1):
        for field, value in zip(LINE_FIELDS, _read(row, company, refund=refund), strict=True):
            fields[f"lines.{number}.{field}"] = value
    return fields


def _read(row: Mapping[str, Any], company: Company, *, refund: bool) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    quantity, price = decimal(row.get("quantity")), decimal(row.get("price_unit"))
    if refund:
        quantity, price = (-quantity, price) if price >= 0 else (quantity, -price)
    unit: Scalar = whole_cents(price)
    if discount := decimal(row.get("discount")):
        unit = f"{price} less {plain(discount)} %"
    taxes = row.get("tax_ids") or ()
    rate = " + ".join(company.taxes.rate_of(tax) or f"tax {tax}" for tax in taxes) if taxes else NO_RATE
    name = row.get("name") or ""
    return "" if name == BLANK else name, plain(quantity), unit, rate


def whole_cents(value: Decimal) -> int | str:
    """Give an amount in cents, or as text where it has parts of a cent."""
    found = value * 100
    return int(found) if found == found.to_integral_value() else str(value)


def _single(line: Line, net: int) -> Line:
    """Book a line as one piece at its amount, and keep in its text how that came about."""
    product = f"({line.quantity} x {amount(line.unit_price)})"
    return Line(f"{line.description} {product}" if line.description else product, "1", net, line.tax_rate)


def _upright(line: Line) -> Line:
    """Turn the signs of both quantity and price where the price is negative."""
    if line.unit_price >= 0:
        return line
    return line._replace(quantity=turned(line.quantity), unit_price=-line.unit_price)


def _held(quantity: str, company: Company) -> bool:
    return len(quantity.partition(".")[2]) <= company.quantity_digits
