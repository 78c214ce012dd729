"""The tables of the ledger: their columns, what a column holds, how rows are sorted and files are named. Pure.

A *part* is the year or month a set of files is for (``"2026"``, ``"2026-01"``), ``""`` where nothing is split. The
*owner* of a row is the record it belongs to: an invoice's id in all tables but ``clients``.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from syncd.model import Kind

Holds = Literal["text", "phone", "amount", "number", "date", "time", "count"]
Table = Literal["clients", "invoices", "invoice_lines", "payments", "events"]
Partition = Literal["none", "year", "month"]
Key = tuple[str, str, str]
"""Where a record's rows stand: issue date, number and id; of a client: name, id and nothing."""
Cells = list[str]
"""One row as it stands in the file: the columns of its table, then those a person added."""

COLUMNS: dict[Table, dict[str, Holds]] = {
    "clients": {
        "client_id": "text",
        "name": "text",
        "email": "text",
        "phone": "phone",
        "address": "text",
        "country": "text",
        "locale": "text",
        "external_id": "text",
        "tags": "text",
        "archived_at": "time",
    },
    "invoices": {
        "invoice_id": "text",
        "number": "text",
        "client_id": "text",
        "client_name": "text",
        "currency": "text",
        "subtotal": "amount",
        "tax": "amount",
        "total": "amount",
        "status": "text",
        "issue_date": "date",
        "due_date": "date",
        "paid_date": "date",
        "public_url": "text",
    },
    "invoice_lines": {
        "invoice_id": "text",
        "number": "text",
        "line": "count",
        "description": "text",
        "quantity": "number",
        "unit_price": "amount",
        "tax_rate": "number",
    },
    "payments": {
        "invoice_id": "text",
        "number": "text",
        "client_id": "text",
        "currency": "text",
        "amount": "amount",
        "paid_date": "date",
    },
    "events": {
        "invoice_id": "text",
        "number": "text",
        "type": "text",
        "occurred_at": "time",
        "event_id": "text",
        "data": "text",
    },
}
SPLIT: tuple[Table, ...] = ("invoices", "invoice_lines", "payments", "events")
"""The tables that are split by the invoice's issue date."""
KIND: dict[Table, Kind] = {
    "clients": "client",
    "invoices": "invoice",
    "invoice_lines": "invoice",
    "payments": "payment",
    "events": "invoice",
}
IDS = {"clients": "client_id"}
"""The column that names the owner, where it is not ``invoice_id``."""
KEYS: dict[Table, tuple[str, ...]] = {
    "clients": ("client_id",),
    "invoices": ("invoice_id",),
    "invoice_lines": ("invoice_id", "line"),
    "payments": ("invoice_id",),
    "events": ("invoice_id", "event_id"),
}
"""The columns that tell the rows apart: without them no other can be built anew."""
UNDATED = "undated"
LAST = "\U0010ffff"
"""Sorts behind every date: the place of rows whose invoice does not stand."""

PARTS: dict[Partition, re.Pattern[str]] = {
    "none": re.compile(""),
    "year": re.compile(r"\d{4}|undated"),
    "month": re.compile(r"\d{4}-\d{2}|undated"),
}
"""The parts that a partition has."""
NAME = re.compile(r"(clients|(invoices|invoice_lines|payments|events)(-(\d{4}(-\d{2})?|undated))?)\.csv")


class File(NamedTuple):
    """One file of the ledger."""

    table: Table
    part: str

    @property
    def name(self) -> str:
        """Name it within its folder."""
        return f"{self.table}-{self.part}.csv" if self.part else f"{self.table}.csv"


class Group(NamedTuple):
    """The rows one record has in one table, together."""

    key: Key
    owner: str
    rows: list[Cells]


def file_of(name: str) -> File | None:
    """Tell which file of a ledger, however split, has this name, if any."""
    found = NAME.fullmatch(name)
    if not found:
        return None
    table = found[2] or "clients"
    return File(table, found[4] or "")  # type: ignore[arg-type]  # a value of Table


def fits(file: File, partition: Partition) -> bool:
    """Tell whether a ledger that is split so has a file of this name."""
    return file.table == "clients" or bool(PARTS[partition].fullmatch(file.part))


def part_of(issue_date: str | None, partition: Partition) -> str:
    """Name the part an invoice of this date (ISO) belongs to."""
    if partition == "none":
        return ""
    if not issue_date or not re.match(r"\d{4}-\d{2}", issue_date):
        return UNDATED
    return issue_date[:4] if partition == "year" else issue_date[:7]
