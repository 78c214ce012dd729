"""Texts that a spreadsheet took for numbers: what it saves means the same as long as it is the same number. Pure."""

from __future__ import annotations

import re
from decimal import Decimal

from connectors.csv.layout import COLUMNS
from syncd.connector import Scalar

TEXTS = frozenset(name for columns in COLUMNS.values() for name, holds in columns.items() if holds in ("text", "phone"))
BLANKS = re.compile(r"\s")
NUMBER = re.compile(r"\+?[0-9]+|[0-9]+[eE][-+]?[0-9]{1,3}")
"""A text that a spreadsheet takes for a number, once the blanks are out of it."""
SHOWN = re.compile(r"([0-9]+)(?:[.,]([0-9]+))?[eE]([-+]?[0-9]{1,3})")
"""A number as a spreadsheet shows one that is too long for its cell."""
HELD = 15
"""So many digits of a number a spreadsheet holds; it makes the others zeros."""


def dressed(path: str, expected: Scalar, found: Scalar) -> bool:
    """Tell whether what stands in a column of texts is the expected text, taken for a number and saved as one.

    It lost its plus, blanks or leading zeros (``+47 912 34 567``, ``00123``), or is rounded (``4,79E+09``).
    """
    if not isinstance(expected, str) or not isinstance(found, str) or path.rpartition(".")[2] not in TEXTS:
        return False
    number = BLANKS.sub("", expected)
    if not NUMBER.fullmatch(number):
        return False
    if found.isdecimal() and found.isascii():
        return _is_held(number.removeprefix("+"), found)
    if shown := SHOWN.fullmatch(found):
        whole, part, power = shown[1], shown[2] or "", int(shown[3])
        value, step = Decimal(f"{whole}.{part or 0}E{power}"), Decimal(f"1E{power - len(part)}")
        return abs(Decimal(number) - value) * 2 <= step
    return found == expected.replace("+", "").strip()


def _is_held(number: str, found: str) -> bool:
    """Tell whether digits are those of a number, or as many of them as a spreadsheet holds."""
    if found == number or (found == (found.lstrip("0") or "0") and Decimal(found) == Decimal(number)):
        return True
    digits = number.lstrip("0")
    return digits.isdecimal() and len(digits) > HELD and found == digits[:HELD] + "0" * (len(digits) - HELD)
