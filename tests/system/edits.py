"""Edits of single cells: which cells there are, what a person may type into them, and what that then means."""

from __future__ import annotations

import contextlib
import json
import random
import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID

from tests.crash import oracle
from tests.system.company import Rows

Shape = Literal["id", "number", "line", "amount", "decimal", "date", "time", "phone", "text", "data"]
RISKY = tuple("=+-@\t\r'")

TEXTS = (
    *("name", "email", "address", "country", "locale", "external_id", "tags"),
    *("client_name", "currency", "status", "public_url", "description", "type"),
)
COLUMNS: dict[Shape, tuple[str, ...]] = {
    "id": ("client_id", "invoice_id", "event_id"),
    "number": ("number",),
    "line": ("line",),
    "amount": ("subtotal", "tax", "total", "unit_price", "amount"),
    "decimal": ("quantity", "tax_rate"),
    "date": ("issue_date", "due_date", "paid_date"),
    "time": ("archived_at", "occurred_at"),
    "phone": ("phone",),
    "text": TEXTS,
    "data": ("data",),
}
SHAPE_OF: dict[str, Shape] = {name: shape for shape, names in COLUMNS.items() for name in names}
SHAPES: dict[str, dict[str, Shape]] = {
    table: {name: SHAPE_OF[name] for name in header.split(",")} for table, header in oracle.HEADERS.items()
}
"""Table → column → what it holds."""
WRONG: dict[Shape, tuple[str, ...]] = {
    "id": ("x", "17", "not-an-id"),
    "number": ("?", "Rechnung 5", "1.50"),
    "line": ("two", "0", "-1", "1.5", "first"),
    "amount": ("n/a", "77,25", "12.345", "1e5", "free", "--", "12.5x", "4 euro"),
    "decimal": ("many", "1.2.3", "one", "7 %"),
    "date": ("2026-13-45", "tomorrow", "25.12.2031", "03/04/2031", "2031", "31.12.", "32/13/2031"),
    "time": ("soon", "25:61", "2031-02-30T10:00:00Z"),
    "phone": ("call me", "22 33 44 55", "+47 22 33 44 55"),
    "text": ("123", "2031-01-01", "12,50", "true"),
    "data": ("{", "[]", "nothing"),
}
OTHER = (
    *(
        "=SUM(A1:A9)",
        "'=1+1",
        "O'Brien",
        "'quoted",
        'Ærlig; "talt", sa hun',
        "first\nsecond",
        " padded ",
        "€ 🙂",
        "-",
        "#REF!",
    ),
    *("@home", "+", "N/A", "a\tb", '"', ",", ";"),
)


@dataclass(frozen=True, slots=True)
class Edit:
    """One cell of one table, by row (from 0, without the header), and what is typed into it."""

    table: str
    row: int
    column: str
    before: str
    after: str
    way: str

    @property
    def shape(self) -> Shape:
        return SHAPES[self.table][self.column]

    @property
    def at(self) -> int:
        return list(SHAPES[self.table]).index(self.column)

    def __str__(self) -> str:
        """Say what is edited."""
        return f"{self.table}.csv row {self.row}, {self.column}: {self.before!r} becomes {self.after!r} ({self.way})"


def chosen(rng: random.Random, table: str, rows: Rows) -> Edit:
    """Choose a cell and something that means something else."""
    row, column = rng.randrange(len(rows)), rng.choice(list(SHAPES[table]))
    at = list(SHAPES[table]).index(column)
    before, shape = rows[row][at], SHAPES[table][column]
    while True:
        after = typed(rng, shape, [other[at] for other in rows])
        if meaning(shape, after) != meaning(shape, before):
            return Edit(table, row, column, before, after, rng.choice(("place", "rename")))


def typed(rng: random.Random, shape: Shape, others: list[str]) -> str:
    """Make up what a person types: of the right shape, of a wrong one, nothing, any text, or another row's value."""
    kind = rng.choices(("right", "wrong", "nothing", "other", "neighbour"), (5, 3, 2, 3, 1))[0]
    if kind == "right":
        return right(rng, shape)
    if kind == "wrong":
        return rng.choice(WRONG[shape])
    if kind == "neighbour":
        return rng.choice(others)
    return "" if kind == "nothing" else rng.choice(OTHER)


def right(rng: random.Random, shape: Shape) -> str:
    """Make up a value of the right shape."""
    day = date(2024, 1, 1) + timedelta(days=rng.randrange(900))
    made: dict[Shape, str] = {
        "id": str(UUID(int=rng.getrandbits(128), version=4)),
        "number": f"{day.year}-{rng.randrange(90_000, 99_999)}",
        "line": str(rng.randrange(1, 9)),
        "amount": f"{Decimal(rng.randrange(-999_999, 9_999_999)) / 100:.2f}",
        "decimal": rng.choice(("1", "2", "7.25", "12", "25", "0.5", "-3")),
        "date": day.isoformat(),
        "time": f"{day}T{rng.randrange(24):02}:{rng.randrange(60):02}:07Z",
        "phone": f"+47{rng.randrange(20_000_000, 99_999_999)}",
        "text": rng.choice(("paid", "EUR", "SE", "nb", "Kari Nordmann", "post@other.example", "vip;late")),
        "data": '{"type":"sent","by":"hand"}',
    }
    return made[shape]


def meaning(shape: Shape, text: str) -> str:
    """Say what a cell means, as syncd shows it: ``1.5`` as an amount is ``1.50``; what has no meaning is its text."""
    plain = text.strip()
    if shape in ("amount", "decimal") and re.fullmatch(r"-?\d+([.,]\d+)?", plain):
        value = Decimal(plain.replace(",", "."))
        if shape == "decimal":
            return f"{value.normalize():f}"
        if value == round(value, 2):
            return f"{value:.2f}"
    if shape == "date" and (told := re.fullmatch(r"(\d\d)\.(\d\d)\.(\d{4})", plain)):
        return "-".join(told.groups()[::-1])
    if shape in ("date", "time") and (told := re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)(T[\d:]+Z)?", plain)):
        try:
            date(*map(int, told.groups()[:3]))
        except ValueError:
            return text
        return plain
    if shape == "data" and text[:1] == "{":
        with contextlib.suppress(ValueError):
            return json.dumps(json.loads(text), sort_keys=True)
    return text[1:] if text[:1] == "'" and text[1:2] in RISKY and text[1:] else text
