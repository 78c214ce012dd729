"""Records as rows of the tables, and rows as the fields the engine compares. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from connectors.csv.cells import RISKY, Dress, Written, guard, iso_time, read_row, write_cell
from connectors.csv.layout import COLUMNS, Cells, Key, Table
from syncd.connector import Content, Fields, Scalar

Slots = dict[str, Cells]
"""The rows of one record in one table by what tells them apart: line number, event id, or ``""``."""


class Writer:
    """Writes contents as rows in one dress; keeps what it wrote before, for most cells repeat."""

    def __init__(self, dress: Dress) -> None:
        """Write in this dress."""
        self.dress = dress
        self._amounts = Written("amount", dress)
        self._numbers = Written("number", dress)
        self._dates = Written("date", dress)

    def flat(self, table: Table, content: Content) -> Cells:
        """Write the one row that a client, invoice or payment has in its own table."""
        dress, cells = self.dress, []
        for name, holds in COLUMNS[table].items():
            value = content.get(name)
            if holds == "text":
                cells.append(guard(value) if value else "")
            elif holds == "amount":
                cells.append(self._amounts[value])
            elif holds == "date":
                cells.append(self._dates[value])
            else:
                cells.append(write_cell(value, holds, dress))
        return cells

    def lines(self, content: Content) -> list[Cells]:
        """Write the rows of an invoice's lines."""
        owner, number = guard(content["invoice_id"]), guard(content["number"] or "")
        amounts, numbers, risky = self._amounts, self._numbers, RISKY
        return [
            [
                *(owner, number, str(line)),
                (f"'{text}" if text[0] in risky else text) if text else "",
                *(numbers[quantity], amounts[price], numbers[rate]),
            ]
            for line, (text, quantity, price, rate) in enumerate(content["lines"] or (), 1)
        ]

    def events(self, content: Content) -> list[Cells]:
        """Write the rows of an invoice's timeline: by time and id, or as they came where a time is missing."""
        owner, number = guard(content["invoice_id"]), guard(content["number"] or "")
        return [
            [
                owner,
                number,
                guard(kind or ""),
                write_cell(at, "time", self.dress),
                guard(event or ""),
                guard(data or ""),
            ]
            for event, kind, at, data in self.in_order(content)
        ]

    @staticmethod
    def in_order(content: Content) -> list[list[Any]]:
        """Sort an invoice's events by time and id, or leave them as they came where a time is missing."""
        events: list[list[Any]] = content["events"] or []
        if len(events) > 1 and all(event[2] for event in events):
            return sorted(events, key=lambda event: (event[2], event[0]))
        return events

    def cell(self, table: Table, name: str, value: Scalar) -> str:
        """Write one cell."""
        return write_cell(value, COLUMNS[table][name], self.dress)


def client_key(content: Content) -> Key:
    """Tell where a client's row stands."""
    return (content.get("name") or "", content.get("client_id") or "", "")


def invoice_key(content: Content) -> Key:
    """Tell where the rows of an invoice and its payment stand."""
    return (
        content.get("issue_date") or "",
        content.get("number") or "",
        content.get("invoice_id") or "",
    )


def line_slots(rows: Iterable[Cells]) -> Slots:
    """Number the rows of an invoice's lines, in order, even where a person edited a number.

    Numbers that rise (rows were taken out), or are 1 to n in any order, are taken as they stand; else a row whose
    number is out of place is given the one of its position, if no other row has it. A last number that leaps was
    edited.
    """
    rows = list(rows)
    told = [row[2].strip() for row in rows]
    if all(text == str(n) for n, text in enumerate(told, 1)):
        return dict(zip(told, rows, strict=True))
    numbers = [int(text) if text.isdecimal() else -1 for text in told]
    rising = all(a < b for a, b in zip([0, *numbers], numbers, strict=False))
    leaps = numbers[:-1] == list(range(1, len(numbers))) and numbers[-1] > len(numbers) + 1
    if leaps or (not rising and sorted(numbers) != list(range(1, len(rows) + 1))):
        numbers = _by_position(numbers)
    return {str(n): row for n, row in sorted(zip(numbers, rows, strict=True), key=lambda pair: pair[0])}


def in_order(table: Table, rows: list[Cells]) -> list[Cells]:
    """Put the rows of one record back in order that a person sorted otherwise, as far as they still tell it."""
    if (
        len(rows) > 1
        and table == "invoice_lines"
        and {row[2] for row in rows} == set(map(str, range(1, len(rows) + 1)))
    ):
        return sorted(rows, key=lambda row: int(row[2]))
    if len(rows) > 1 and table == "events" and all(iso_time(row[3]) for row in rows):
        return sorted(rows, key=lambda row: (row[3], row[4]))
    return rows


def _by_position(numbers: list[int]) -> list[int]:
    """Keep the numbers that are in place; the others get their position, or else the next that is free."""
    fixed = {n for n, number in enumerate(numbers, 1) if n == number}
    if (len(fixed) + 1) * 2 < len(numbers):
        fixed = set()  # no order to go by: the first row with a number has it
    result, free = [], max([*numbers, len(numbers)]) + 1
    taken = set(fixed)
    for position, number in enumerate(numbers, 1):
        if position in fixed or (position not in taken and (fixed or len(numbers) == 1)):
            chosen = position
        elif number > 0 and number not in taken:
            chosen = number
        else:
            chosen, free = free, free + 1
        taken.add(chosen)
        result.append(chosen)
    return result


def event_slots(rows: Iterable[Cells]) -> Slots:
    """Name the rows of an invoice's events by their ids; a second one of the same id gets ``~2`` behind it."""
    slots: Slots = {}
    for row in rows:
        name = event = row[4][1:] if row[4][:1] == "'" and row[4][1:2] in RISKY else row[4]
        count = 1
        while name in slots:
            count += 1
            name = f"{event}~{count}"
        slots[name] = row
    return slots


def slots_of(table: Table, rows: Iterable[Cells]) -> Slots:
    """Tell the rows of one record apart."""
    if table == "invoice_lines":
        return line_slots(rows)
    if table == "events":
        return event_slots(rows)
    return {str(n) if n else "": row for n, row in enumerate(rows)}


def flat_fields(table: Table, cells: Cells, dress: Dress) -> Fields:
    """Read the row of a client, invoice or payment as fields."""
    return read_row(cells, table, dress)


def line_fields(owner: str, number: Scalar, rows: Iterable[Cells], dress: Dress) -> Fields:
    """Read the rows of an invoice's lines; what they repeat of the invoice is told only where it differs."""
    fields: Fields = {}
    for slot, cells in line_slots(rows).items():
        row = read_row(cells, "invoice_lines", dress)
        for name in ("description", "quantity", "unit_price", "tax_rate"):
            fields[f"lines.{slot}.{name}"] = row[name]
        _repeated(fields, f"lines.{slot}", row, {"invoice_id": owner, "number": number, "line": slot})
    return fields


def event_fields(owner: str, number: Scalar, rows: Iterable[Cells], dress: Dress) -> Fields:
    """Read the rows of an invoice's events, likewise."""
    fields: Fields = {}
    for slot, cells in event_slots(rows).items():
        row = read_row(cells, "events", dress)
        for name in ("event_id", "type", "occurred_at", "data"):
            fields[f"events.{slot}.{name}"] = row[name]
        _repeated(fields, f"events.{slot}", row, {"invoice_id": owner, "number": number})
    return fields


def _repeated(fields: Fields, path: str, row: dict[str, Scalar], expected: dict[str, Any]) -> None:
    for name, value in expected.items():
        if (row[name] or "") != (value or ""):
            fields[f"{path}.{name}"] = row[name]


def unwritable(content: Content, encoding: str) -> tuple[str, str] | None:
    """Name the first field and character that a file of this encoding cannot hold, if there is one."""
    for name, value in content.items():
        if isinstance(value, str):
            if bad := _bad_character(value, encoding):
                return name, bad
        elif isinstance(value, list):
            for position, part in enumerate(value, 1):
                for cell in part:
                    if isinstance(cell, str) and (bad := _bad_character(cell, encoding)):
                        return f"{name}.{position}", bad
    return None


def writable(content: Content, encoding: str) -> bytes | None:
    """Give a content as JSON where all of it can be written: looked at as one text, for its texts are many."""
    try:
        whole = orjson.dumps(content)
        if encoding != "utf-8":
            whole.decode().encode(encoding)
    except (orjson.JSONEncodeError, UnicodeEncodeError):
        return None
    return None if b"\\u0000" in whole else whole


def _bad_character(text: str, encoding: str) -> str | None:
    if "\0" in text:
        return "\0"
    try:
        text.encode(encoding)
    except UnicodeEncodeError as error:
        return text[error.start]
    return None
