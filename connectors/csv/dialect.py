"""How a spreadsheet dressed a file: delimiter, columns, numbers and dates, told from the file. Pure.

A file speaks one dialect; a single cell that is written otherwise is read where it has only one meaning, and is else
the text that stands there.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from connectors.csv.cells import Dress, iso_date, iso_time, unread
from connectors.csv.layout import COLUMNS, KEYS, Cells, Holds, Table
from syncd.connector import Scalar
from syncd.money import cents, decimal_text

DELIMITERS = (",", ";", "\t", "|")
HINT = re.compile(r'"?sep=.?"?[,;\t|]*\s*', re.IGNORECASE)
"""A line before the header that only tells a spreadsheet the delimiter."""
SPACES = re.compile(r"[\s\u00a0\u2007\u2009\u202f'\u2019]")
NUMBER = re.compile(r"[-+]?[0-9.,]*[0-9][0-9.,]*")
DATE = re.compile(r"(\d{1,4})([-./ ])(\d{1,2})\2(\d{1,4})\.?")
DOT = "."
"""Between the numbers of a date it tells that the day is first: nobody writes the month first with dots."""
TIME = re.compile(r"(\S+)[T ](\d{1,2}):(\d{2})(?::(\d{2}))?Z?")

Order = Literal["dmy", "mdy"]


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the columns of a table stand in a file: ours by position (``None``: not there), and a person's by name."""

    delimiter: str
    ours: tuple[int | None, ...]
    extras: tuple[tuple[str, int], ...]
    width: int


@dataclass(frozen=True, slots=True)
class Style:
    """How a file writes numbers and dates; ``order`` is ``None`` where no date tells days from months."""

    decimal: str
    order: Order | None
    ambiguous: bool = False


def lines_of(text: Iterator[str]) -> Iterator[str]:
    """Give the lines of a file from its header on."""
    first = next(text, "").removeprefix("\ufeff")
    return text if HINT.fullmatch(first) else itertools.chain((first,), text)


def columns_of(header: str, table: Table) -> Columns | None:
    """Find the columns in a header line, whichever delimiter it has; ``None`` without those that tell rows apart."""
    best: tuple[int, Columns] | None = None
    for delimiter in DELIMITERS:
        names = [name.strip().strip('"').strip().casefold() for name in header.split(delimiter)]
        if not set(KEYS[table]) <= set(names):
            continue
        ours = tuple(names.index(name) if name in names else None for name in COLUMNS[table])
        known = sum(at is not None for at in ours)
        if best is None or known > best[0]:
            shown = [name.strip().strip('"') for name in header.split(delimiter)]
            while not shown[-1]:
                shown.pop()  # columns to the right of the table
            best = known, Columns(delimiter, ours, _extras(shown, set(ours)), len(shown))
    return best[1] if best else None


def _extras(names: list[str], ours: set[int | None]) -> tuple[tuple[str, int], ...]:
    return tuple((name, at) for at, name in enumerate(names) if at not in ours)


def style_of(rows: Iterable[Cells], columns: Columns, table: Table, base: Dress) -> Style:
    """Read the whole file once, to tell how its numbers and dates are written."""
    decimals: Counter[str] = Counter()
    orders: Counter[str] = Counter()
    kinds = list(COLUMNS[table].values())
    numbers = [
        at for at, holds in zip(columns.ours, kinds, strict=True) if at is not None and holds in ("amount", "number")
    ]
    dates = [at for at, holds in zip(columns.ours, kinds, strict=True) if at is not None and holds == "date"]
    for row in rows:
        for at in numbers:
            if at < len(row) and row[at] and (mark := _decimal_told(row[at])):
                decimals[mark] += 1
        for at in dates:
            if at < len(row) and row[at]:
                orders[_order_told(row[at], base)] += 1
    usual = base.decimal if columns.delimiter == base.delimiter else "," if columns.delimiter == ";" else "."
    decimal = max(decimals, key=lambda mark: decimals[mark]) if decimals else usual
    return _style(decimal, orders)


def _style(decimal: str, orders: Counter[str]) -> Style:
    dmy, mdy = orders["dmy"], orders["mdy"]
    if dmy and mdy:
        return Style(decimal, None)
    if dmy or mdy:
        return Style(decimal, "dmy" if dmy else "mdy")
    return Style(decimal, None, ambiguous=bool(orders["either"]) and not orders["base"])


def _decimal_told(text: str) -> str | None:
    """Tell the decimal mark of one number, if it leaves no doubt."""
    text = SPACES.sub("", text)
    if not NUMBER.fullmatch(text):
        return None
    points, commas = text.count("."), text.count(",")
    if points and commas:
        return "." if text.rindex(".") > text.rindex(",") else ","
    if points + commas == 0:
        return None
    mark = "." if points else ","
    if points + commas > 1:
        return "," if mark == "." else "."
    return mark if len(text) - text.index(mark) - 1 != 3 else None


def _order_told(text: str, base: Dress) -> str:
    found = DATE.fullmatch(text.strip())
    if found and len(found[1]) <= 2:
        first, second = int(found[1]), int(found[3])
        if first > 12 >= second:
            return "dmy"
        if second > 12 >= first:
            return "mdy"
        if iso_date(text, base.date_format):
            return "base"
        return "dmy" if found[2] == DOT else "either"
    return "base"


def read_number(text: str, decimal: str) -> str | None:
    """Read a number in a person's hand as plain decimal text: ``1 234,50``, ``1.234,50``, ``(12.00)``, ``12-``."""
    text = SPACES.sub("", text).replace("\u2212", "-")
    if text.startswith("(") and text.endswith(")"):
        text = f"-{text[1:-1]}"
    elif text.endswith("-"):
        text = f"-{text[:-1]}"
    if not NUMBER.fullmatch(text):
        return None
    mark = _decimal_told(text) or decimal
    whole, _, part = text.rpartition(mark) if text.count(mark) == 1 else (text, "", "")
    other = "," if mark == "." else "."
    if other in part or (other in whole and not re.fullmatch(rf"[-+]?\d{{1,3}}(\{other}\d{{3}})+", whole)):
        return None
    return decimal_text(f"{whole.replace(other, '')}.{part or 0}")


def read_date(text: str, style: Style, base: Dress) -> str | None:
    """Read a date in a person's hand as ISO; one that may mean two days is not understood."""
    text = text.strip()
    found = DATE.fullmatch(text)
    if not found:
        return iso_date(text, base.date_format) or iso_date(text, "%Y-%m-%d")
    one, two, three = int(found[1]), int(found[3]), int(found[4])
    if len(found[1]) == 4:
        return _day(one, two, three)
    year = three + 2000 if len(found[4]) <= 2 else three
    if style.order is None and (usual := iso_date(text, base.date_format)):
        return usual
    if one > 12:
        return _day(year, two, one)
    if two > 12:
        return _day(year, one, two)
    order = style.order or ("dmy" if found[2] == DOT else None)
    if base.date_format == "%Y-%m-%d" and order is None:
        return _day(year, two, one) if one == two else None
    return _day(year, two, one) if order == "dmy" else _day(year, one, two) if order else None


def _day(year: int, month: int, day: int) -> str | None:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def read_time(text: str, style: Style, base: Dress) -> str | None:
    """Read a time in a person's hand as ISO in UTC."""
    if (told := iso_time(text)) is not None:
        return told
    found = TIME.fullmatch(text.strip())
    day = read_date(found[1], style, base) if found else None
    return iso_time(f"{day}T{int(found[2]):02d}:{found[3]}:{found[4] or '00'}Z") if found and day else None


def read_foreign(text: str, holds: Holds, style: Style, base: Dress) -> Scalar:
    """Read one cell of a file in a person's dress; what cannot be read is the text that stands there."""
    if not text:
        return None
    value: Scalar = None
    if holds in ("amount", "number"):
        plain = read_number(text, style.decimal)
        value = cents(plain) if plain is not None and holds == "amount" else plain
    elif holds == "date":
        value = read_date(text, style, base)
    elif holds == "time":
        value = read_time(text, style, base)
    return unread(text, holds) if value is None else value
