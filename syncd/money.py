"""Amounts, quantities and rates in their one exact form each, between text, numbers and cents.

An amount is an integer of cents; a quantity or rate is a decimal in plain text without trailing zeros (``"2"``,
``"12.5"``). Nothing here is ever a binary fraction.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

CURRENCIES = frozenset({"EUR", "USD", "GBP", "NOK", "SEK", "DKK"})
"""What FastFaktura invoices in (vendor API reference v1, "Invoice"); all six have two decimals."""


_AMOUNT = re.compile(r"([+-]?)([0-9]{1,18})?(?:\.([0-9]{0,2}0*))?", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,18}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})", re.ASCII)


def amount(cents: int) -> str:
    """Write cents as an amount: ``-5`` is ``"-0.05"``."""
    if cents >= 0:
        return f"{cents // 100}.{cents % 100:02d}"
    return f"-{-cents // 100}.{-cents % 100:02d}"


def cents(text: str) -> int | None:
    """Read an amount with ``.`` decimals as cents, or ``None`` where it is none or has parts of a cent."""
    found = _AMOUNT.fullmatch(text.strip())
    if found is None or not (found.group(2) or found.group(3)):
        return None
    sign, whole, parts = found.groups()
    value = int(whole or "0") * 100 + int((parts or "").rstrip("0").ljust(2, "0"))
    return -value if sign == "-" else value


def plain(number: float | Decimal) -> str | None:
    """Write a JSON number or decimal as a plain decimal: ``2.50`` is ``"2.5"``; ``None`` where it is not finite."""
    if isinstance(number, int):
        return str(number)
    value = number if isinstance(number, Decimal) else Decimal(repr(number))
    if not value.is_finite() or abs(value.adjusted()) > 20:
        return None
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def decimal_text(text: str) -> str | None:
    """Read a decimal number as text in its plain form, or ``None`` where it is no number."""
    found = _DECIMAL.fullmatch(text.strip())
    return plain(Decimal(found.group())) if found else None


def half_up(value: Decimal) -> int:
    """Round to the nearest integer, halves away from zero, as bookkeeping does."""
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))
