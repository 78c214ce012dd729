"""Whether Odoo takes an invoice number as it is, in a journal that reads years and months out of numbers; pure.

A journal whose ``sequence_override_regex`` says that a number is only a number takes any. The rule here is what Odoo 14
and 19 were seen to refuse, with a few numbers more that only one of them does.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

_DIGITS: Final = re.compile(r"\d+")
_YEAR: Final = re.compile(r"(19|20|21)?\d\d")
_YEAR_AND_MONTH: Final = re.compile(r"((?:19|20|21)\d\d)(0[1-9]|1[0-2])")
_MONTH: Final = re.compile(r"0[1-9]|1[0-2]")


def number_fits(number: str, day: date) -> bool:
    """Tell whether what Odoo takes for a year or month in the number is that of the invoice's date.

    The last group of digits counts the invoices; the group before it, or the two before it, may be read as a date.
    """
    found = list(_DIGITS.finditer(number))
    groups = [one.group() for one in found]
    before = groups[:-1]
    if found and found[-1].end() < len(number) and not (before and _dated(before[-1])):
        before = groups  # with text behind it the last group may be the year, and no count follow
    if not before:
        return True
    last, earlier = before[-1], before[-2] if len(before) > 1 else ""
    if whole := _YEAR_AND_MONTH.fullmatch(last):
        return whole.groups() == (f"{day.year:04}", f"{day.month:02}")
    if not _YEAR.fullmatch(last):
        return True
    if _YEAR.fullmatch(earlier):
        if _MONTH.fullmatch(last):
            return _of_year(earlier, day) and int(last) == day.month
        if (len(earlier), len(last)) != (2, 4) and not _of_year(earlier, day):
            return False
    return _of_year(last, day)


def _dated(group: str) -> bool:
    return bool(_YEAR.fullmatch(group) or _YEAR_AND_MONTH.fullmatch(group))


def _of_year(group: str, day: date) -> bool:
    return int(group) == (day.year if len(group) == 4 else day.year % 100)
