"""Invoices read from Odoo and looked for there: a page, or some hundreds, in a few calls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from connectors.odoo.chatter_io import read_notes
from connectors.odoo.client import Odoo
from connectors.odoo.company import Company
from connectors.odoo.move_reading import (
    LINE_FIELDS,
    MARKS,
    MOVE_FIELDS,
    is_taken_out,
    is_unfinished,
    move_remote,
    reversals_of,
)
from connectors.odoo.pdf_io import read_pdfs
from connectors.odoo.rows import SALES, Row, is_credit, link, mark_of
from syncd.connector import Found, How, Remote, Wanted

PAGE: Final = 500
"""Invoices read at a time."""


def read_moves(odoo: Odoo, company: Company, domain: Sequence[Any]) -> Iterator[list[Remote]]:
    """Read the customer invoices and credit notes that a domain finds, cancelled ones too, by id."""
    for moves in odoo.pages("account.move", [*domain, *_scope(company)], _fields(odoo), size=PAGE):
        yield _remotes(odoo, company, moves)


def find_moves(odoo: Odoo, company: Company, wanted: Sequence[Wanted]) -> list[Found]:
    """Look for invoices by mark, by id, and by a number that is their name or reference; answers are in order.

    What a run made to be posted and did not finish is not shown: to make it again is to finish it.
    """
    marks = [one.mark for one in wanted]
    numbers = sorted({str(number) for one in wanted if (number := one.content.get("number"))})
    ids = [int(known) for one in wanted if (known := one.external_id) and known.isdecimal()]
    ways = [("invoice_origin", "in", marks), ("name", "in", numbers), ("ref", "in", numbers), ("id", "in", ids)]
    domain = ["|", "|", "|", *ways, *_scope(company)]
    moves = odoo.search_read("account.move", domain, _fields(odoo))
    standing: dict[tuple[How, str], list[Remote]] = defaultdict(list)
    for move, remote in zip(moves, _remotes(odoo, company, moves), strict=True):
        if remote.mark is not None:
            standing["mark", remote.mark].append(remote)
        standing["external_id", remote.external_id].append(remote)
        for number in {str(move[name]) for name in ("name", "ref") if move.get(name)}:
            standing["number", number].append(remote)
    return [_found(one, standing) for one in wanted]


def has_history(odoo: Odoo, company: Company) -> bool:
    """Tell whether posted invoices that syncd did not make stand in the journal that it books in."""
    journal = [("journal_id", "=", company.journal.id)] if company.journal else []
    others = ["|", ("invoice_origin", "=", False), ("invoice_origin", "not like", MARKS)]
    domain = [*_scope(company), *journal, ("state", "=", "posted"), *others]
    return bool(odoo.search_read("account.move", domain, ["id"], limit=1))


def move_rows(odoo: Odoo, ids: Sequence[int]) -> dict[int, Row]:
    """Read invoices by id; what no longer stands is not among them."""
    return {row["id"]: row for row in odoo.search_read("account.move", [("id", "in", list(ids))], _fields(odoo))}


def product_lines(odoo: Odoo, company: Company, ids: Sequence[int], *, analytic: bool = False) -> dict[int, list[Row]]:
    """Read the product lines of invoices, in the order in which they are shown; also what they are analysed under."""
    if not ids:
        return {}
    if company.features.display_type_product:
        kind: list[Any] = [("display_type", "=", "product")]
    else:
        kind = [("exclude_from_invoice_tab", "=", False), ("display_type", "=", False)]
    domain = [("move_id", "in", list(ids)), *kind]
    more = [column.partition("/")[0] for column in company.features.analytic if analytic]
    rows = odoo.search_read("account.move.line", domain, [*LINE_FIELDS, *more], order="sequence, id")
    if rows and not company.features.display_type_product:
        _add_archived(odoo, rows)
    return _by_move(rows)


def _add_archived(odoo: Odoo, lines: Sequence[dict[str, Any]]) -> None:
    """Add the taxes of lines that were archived since, which Odoo 14 and 15 leave out of what is searched."""
    ids, everything = [line["id"] for line in lines], {"active_test": False}
    read = odoo.call("account.move.line", "read", ids, repeatable=True, context=everything, fields=["tax_ids"])
    taxes = {row["id"]: row["tax_ids"] for row in read}
    for line in lines:
        line["tax_ids"] = taxes.get(line["id"], line["tax_ids"])


def _remotes(odoo: Odoo, company: Company, moves: Sequence[Row]) -> list[Remote]:
    """Put invoices, their lines and their marks together; a copy has the mark of what it was copied from, but no id."""
    ids = [move["id"] for move in moves]
    lines = product_lines(odoo, company, ids)
    marked = [move["id"] for move in moves if str(move.get("invoice_origin") or "").startswith(MARKS)]
    known = odoo.external_ids("account.move", marked) if marked else {}
    notes = read_notes(odoo, ids if company.chatter else ())
    hanging = read_pdfs(odoo, ids if company.pdf else ())
    credited = _credited(odoo, moves)
    remotes = []
    for move in moves:
        number, name = move["id"], known.get(move["id"])
        own, pdf = notes.get(number, {}), number in hanging
        remote = move_remote(move, lines.get(number, ()), mark_of("invoice", name), company, own, pdf=pdf)
        begun = number in credited and not remote.void  # a run began to reverse it: its credit note is not matched yet
        taken_out = remote.mark is not None and is_taken_out(move, company, credited=number in credited)
        remotes.append(replace(remote, foreign=is_credit(name), by_hand=not begun, taken_out=taken_out))
    return remotes


def _credited(odoo: Odoo, moves: Sequence[Row]) -> set[int]:
    """Name the invoices of which syncd made a credit note that is not cancelled."""
    reversals = {link: move["id"] for move in moves for link in reversals_of(move)}
    if not reversals:
        return set()
    domain = [("id", "in", list(reversals)), ("state", "!=", "cancel")]
    names = odoo.external_ids("account.move", odoo.ids("account.move", domain))
    return {reversals[number] for number, name in names.items() if is_credit(name)}


def _found(one: Wanted, standing: Mapping[tuple[How, str], Sequence[Remote]]) -> Found:
    """Give the candidates for one invoice, each with the strongest way in which it was found."""
    ways: tuple[tuple[How, str], ...] = (
        ("mark", one.mark),
        ("external_id", one.external_id or ""),
        ("number", str(one.content.get("number") or "")),
    )
    found: dict[str, tuple[How, Remote]] = {}
    for how, value in ways:
        for remote in standing.get((how, value), ()):
            if not (remote.mark == one.mark and is_unfinished(remote, one.content)):
                found.setdefault(remote.external_id, (how, remote))
    return Found("invoice", one.id, tuple(found.values()))


def _by_move(rows: Iterable[Row]) -> dict[int, list[Row]]:
    """Put lines to their invoices, in order."""
    by_move: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        by_move[link(row["move_id"])].append(row)
    return by_move


def _fields(odoo: Odoo) -> list[str]:
    """Give what is read of an invoice, as far as this Odoo has it."""
    there = odoo.fields_of("account.move")
    return [name for name in MOVE_FIELDS if name in there]


def _scope(company: Company) -> list[Any]:
    return [("move_type", "in", list(SALES)), ("company_id", "=", company.id)]
