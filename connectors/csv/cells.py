"""Single cells: values into text as the settings want it, and back; the guard against formulas. Pure.

A value is what the engine compares: text, cents, ISO dates, ISO times in UTC with ``Z``, plain decimals, ``None`` for
nothing. A cell that does not hold what its column should is read as the text that stands there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime

from connectors.csv.layout import COLUMNS, Cells, Holds, Table
from syncd.connector import Scalar
from syncd.money import amount, cents, decimal_text

RISKY = frozenset("=+-@\t\r'")
"""First characters that a spreadsheet would take for a formula, and the guard itself."""
E164 = re.compile(r"\+[1-9][0-9]{1,14}")
PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Dress:
    """How a ledger's files are written."""

    delimiter: str = ","
    decimal: str = "."
    encoding: str = "utf-8"
    date_format: str = "%Y-%m-%d"


def guard(text: str) -> str:
    """Put a ``'`` before text that a spreadsheet would run or that begins with one."""
    return f"'{text}" if text and text[0] in RISKY else text


def unguard(text: str) -> str:
    """Take the guard off again."""
    return text[1:] if len(text) > 1 and text[0] == "'" and text[1] in RISKY else text


class Formula(str):
    """What a person has a spreadsheet work out in a column of numbers or dates: written back as it stands.

    In a column of text it may as well be a text of the source that lost its guard in a spreadsheet, so it gets one.
    """

    __slots__ = ()


def unread(text: str, holds: Holds) -> str:
    """Take a cell that does not hold what its column should as the text that stands there."""
    return Formula(text) if text[0] == "=" and holds not in ("text", "phone") else unguard(text)


def write_cell(value: Scalar, holds: Holds, dress: Dress) -> str:
    """Write a value as a cell of the ledger."""
    if value is None or value == "":
        return ""
    if isinstance(value, Formula):
        return value
    if holds == "amount" and isinstance(value, int):
        return amount(value).replace(".", dress.decimal)
    text = str(value)
    if holds == "number" and PLAIN.fullmatch(text):
        return text.replace(".", dress.decimal)
    if holds == "count" and text.isdecimal():
        return text
    if holds == "date" and dress.date_format != "%Y-%m-%d":
        return _written_date(text, dress.date_format)
    if holds == "phone" and E164.fullmatch(text):
        return text
    return guard(text)


def read_cell(text: str, holds: Holds, dress: Dress) -> Scalar:
    """Read a cell of a ledger that syncd wrote; what cannot be read is the text that stands there."""
    if not text:
        return None
    if holds in ("text", "phone", "count"):
        return unread(text, holds)
    value: Scalar
    if holds == "amount":
        value = cents(text if dress.decimal == "." else text.replace(dress.decimal, "."))
    elif holds == "number":
        value = decimal_text(text if dress.decimal == "." else text.replace(dress.decimal, "."))
    elif holds == "date":
        value = iso_date(text, dress.date_format)
    else:
        value = iso_time(text)
    return unread(text, holds) if value is None else value


def iso_date(text: str, date_format: str) -> str | None:
    """Read a date of this format as ISO, or ``None``."""
    try:
        if date_format == "%Y-%m-%d":
            return date.fromisoformat(text.strip()).isoformat()
        return datetime.strptime(text.strip(), date_format).replace(tzinfo=UTC).date().isoformat()
    except ValueError:
        return None


def iso_time(text: str) -> str | None:
    """Read an ISO time as ISO in UTC with ``Z``, or ``None``; one without an offset is in UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment.isoformat().replace("+00:00", "Z")


def read_row(cells: Cells, table: Table, dress: Dress) -> dict[str, Scalar]:
    """Read a row as field → value, without the columns a person added."""
    return {
        name: read_cell(text, holds, dress) for (name, holds), text in zip(COLUMNS[table].items(), cells, strict=False)
    }


def _written_date(text: str, date_format: str) -> str:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return guard(text)
    # Years before 1000 are padded by hand: what strftime makes of them differs between systems.
    return (
        date_format.replace("%Y", f"{day.year:04d}").replace("%m", f"{day.month:02d}").replace("%d", f"{day.day:02d}")
    )


class Written(dict[Scalar, str]):
    """Cells already written, by value: prices, quantities and rates repeat a thousand times over."""

    def __init__(self, holds: Holds, dress: Dress) -> None:
        """Remember cells of one kind of column."""
        super().__init__()
        self._holds: Holds = holds
        self._dress = dress

    def __missing__(self, value: Scalar) -> str:
        """Write a value that has not been seen."""
        if len(self) > 20_000:
            self.clear()
        text = self[value] = write_cell(value, self._holds, self._dress)
        return text
