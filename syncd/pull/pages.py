"""Reading one page of a list: its rows as the mirror keeps them, and what is wrong with the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from syncd.canonical import digest, dumps
from syncd.errors import Answer
from syncd.fastfaktura import FastFaktura
from syncd.model import Kind
from syncd.payload import fingerprint_row, record_id, row_client_id, row_number, row_status
from syncd.problems import Finding
from syncd.state.mirror import Row

SHOWN = 80
"""Characters of a row that are shown of it."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page: the rows that can be read, the raw ones, what is wrong, and what paging information said."""

    rows: list[Row]
    ids: list[str]
    """The ids of its rows; a row without one counts by what it holds, so that a page of them is not empty."""
    raw: Sequence[Any]
    findings: list[Finding]
    last: bool | None
    total: int | None
    missing: bool = False
    """The server answered 404 or another refusal: there is no such page."""
    validators: Any = None
    unchanged: bool = False
    """The server answered 304: the same as last time."""


def read_page(
    api: FastFaktura, kind: Kind, number: int, status: str | None, first: int, validators: Any = None
) -> Page:
    """Ask for a page; an answer of 404, 422 or the like ends the list past its first page, and is an error on it."""
    try:
        listing = api.clients(number) if kind == "client" else api.invoices(number, status, validators=validators)
    except Answer:
        if number <= first:
            raise
        return Page([], [], [], [], last=True, total=None, missing=True)
    rows, findings = read_rows(kind, listing.rows)
    return Page(
        rows,
        [record_id(raw) or repr(raw) for raw in listing.rows],
        listing.rows,
        findings,
        listing.last,
        listing.total,
        validators=listing.validators,
        unchanged=listing.not_modified,
    )


def read_rows(kind: Kind, raws: Sequence[Any]) -> tuple[list[Row], list[Finding]]:
    """Read the rows of a page; one without an id, and an id with different content, is set aside."""
    rows: dict[str, Row] = {}
    findings = []
    for raw in raws:
        name = record_id(raw)
        if name is None:
            findings.append(_without_id(kind, raw))
            continue
        row = row_of(kind, name, raw)
        before = rows.setdefault(name, row)
        if before.print != row.print:
            findings.append(Finding("duplicate_id", kind, name, at_source=True))
    return list(rows.values()), findings


def row_of(kind: Kind, name: str, raw: dict[str, Any]) -> Row:
    """Read one row; a client's name stands where an invoice's number does, to be looked up by."""
    if kind == "client":
        text = raw.get("name")
        return Row(name, text if isinstance(text, str) else None, None, None, fingerprint_row(kind, raw), dumps(raw))
    return Row(name, row_number(raw), row_client_id(raw), row_status(raw), fingerprint_row(kind, raw), dumps(raw))


def _without_id(kind: Kind, raw: Any) -> Finding:
    """Name a row without an id by what it holds, so that it is the same finding each time."""
    text = dumps(raw)
    label = row_number(raw) or (row_number({"number": raw.get("name")}) if isinstance(raw, dict) else None)
    found = label or text.decode(errors="replace")
    shown = found if len(found) <= SHOWN else found[:SHOWN] + "…"
    return Finding("record_without_id", kind, digest(text).hex(), {"found": shown}, at_source=True)
