"""PDFs attached to invoices, and seen there: many in one call, each once; no mail leaves, and nobody is notified.

An attachment that is loaded (``ir.attachment.load``) is in the invoice's list of files. Odoo notes nothing of it in the
chatter, and does not make it the document that is shown beside the invoice.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final, NamedTuple

from connectors.odoo.client import Odoo
from connectors.odoo.company import Company
from connectors.odoo.errors import OdooAnswer
from connectors.odoo.pdf import COLUMNS, Hanging, is_pdf_of, pdf_id, pdf_row, read_pdf
from connectors.odoo.writes import Writes, halved, outcome_of
from syncd.connector import Done, Entry, Outcome, Rejected, Stale
from syncd.errors import NoDocument, NotSent, Unreachable

MODEL: Final = "ir.attachment"
SIZE: Final = 8 * 1024 * 1024
COUNT: Final = 200
"""The bytes and PDFs in one call, about: Odoo needs 1.4 ms for one of 54 kB."""
AT_ONCE: Final = 4
"""PDFs that are asked for at a time."""

Document = Callable[[str], bytes]


class _Read(NamedTuple):
    """An entry with its PDF."""

    entry: Entry
    told: Hanging
    body: bytes


def read_pdfs(odoo: Odoo, moves: Sequence[int]) -> frozenset[int]:
    """Tell which invoices have the PDF that syncd attached, in two calls; none for no invoices."""
    if not moves:
        return frozenset()
    rows = odoo.search_read(MODEL, [("res_model", "=", "account.move"), ("res_id", "in", list(moves))], ["res_id"])
    names = odoo.external_ids(MODEL, [row["id"] for row in rows]) if rows else {}
    return frozenset(row["res_id"] for row in rows if is_pdf_of(names.get(row["id"]), row["res_id"]))


def write_pdfs(
    odoo: Odoo, company: Company, entries: Sequence[Entry], document: Document
) -> Iterator[tuple[int, Outcome]]:
    """Attach the PDFs of entries' invoices, those that are not there; one outcome for each entry.

    Raises ``NotSent`` where nothing at all was carried out; after another error what has no outcome is in doubt.
    """
    calls = Writes(odoo, company)
    told = {entry.number: read_pdf(entry.payload) for entry in entries}
    moves = sorted({one.move for one in told.values()})
    there, hanging = set(odoo.ids("account.move", [("id", "in", moves)])), read_pdfs(odoo, moves)
    due: list[Entry] = []
    for entry in entries:
        move = told[entry.number].move
        if move not in there:
            yield entry.number, Stale("the invoice no longer stands in Odoo")
        elif move in hanging:
            yield entry.number, Done(str(move))
        else:
            due.append(entry)
    yield from _attach(calls, due, told, document)


def _attach(
    calls: Writes, entries: Sequence[Entry], told: dict[int, Hanging], document: Document
) -> Iterator[tuple[int, Outcome]]:
    """Read PDFs, a few at a time, and load them as soon as there are enough for a call."""
    held: list[_Read] = []
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="pdf") as pool:
        for start in range(0, len(entries), AT_ONCE):
            some = entries[start : start + AT_ONCE]
            for entry, body in zip(some, pool.map(lambda one: _read(document, one), some), strict=True):
                if isinstance(body, Rejected):
                    yield entry.number, body
                else:
                    held.append(_Read(entry, told[entry.number], body))
            if len(held) >= COUNT or sum(len(one.body) for one in held) >= SIZE:
                yield from _load(calls, held)
                held = []
    yield from _load(calls, held)


def _read(document: Document, entry: Entry) -> bytes | Rejected:
    try:
        return document(entry.id)
    except NoDocument as error:
        return Rejected(str(error), error.code)


def _load(calls: Writes, held: Sequence[_Read]) -> Iterator[tuple[int, Outcome]]:
    """Attach what was read, in one call if Odoo will."""
    outcomes: dict[int, Outcome] = {one.entry.number: Done(str(one.told.move)) for one in held}

    def send(some: Sequence[_Read]) -> None:
        rows = [pdf_row(pdf_id(one.entry.mark, one.told.move), one.told, b64encode(one.body).decode()) for one in some]
        calls.load(MODEL, COLUMNS, rows, once=True)

    def say(one: _Read, error: OdooAnswer) -> None:
        outcome = outcome_of(error)
        if isinstance(outcome, Rejected):
            outcome = replace(outcome, code="pdf_missing")
        outcomes[one.entry.number] = outcome

    try:
        halved(held, send, say)
    except NotSent as error:
        if calls.wrote:
            raise Unreachable(str(error)) from error
        raise
    yield from outcomes.items()
