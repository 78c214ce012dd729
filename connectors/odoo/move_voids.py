"""Invoices voided in Odoo: cancelled, or, where that is not possible, reversed by a credit note.

What is paid is never voided, though Odoo would. In a closed period and in a journal locked by hashes nothing can be
cancelled: there a credit note takes all of it back and is matched with it, as it does of an invoice that changed and is
made anew. It is of the invoice's day, so that both stand in one period at one rate, or of the first open day after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from connectors.odoo.errors import OdooAnswer
from connectors.odoo.move_calls import Calls, Work, make
from connectors.odoo.move_finish import finish, withdraw
from connectors.odoo.move_io import move_rows, product_lines
from connectors.odoo.move_reading import is_locked, is_void
from connectors.odoo.move_totals import Standing, fresh, read_standing, whole_of
from connectors.odoo.moves import POSITION, TERM, Told
from connectors.odoo.numbers import number_fits
from connectors.odoo.rows import SALES, Row, anything_paid, link, settled_by
from connectors.odoo.writes import outcome_of
from syncd.connector import Done, Exists, Stale

SETTLED = "cancelled_but_settled"


def void(calls: Calls, works: Sequence[Work]) -> None:
    """Void invoices; those that are void already stay so."""
    for work in works:
        work.id = int(work.entry.external_id or 0)
    rows = move_rows(calls.odoo, [work.id for work in works])
    for work in works:
        row = rows.get(work.id)
        if row is None:
            work.outcome = Stale("it no longer stands in Odoo")
        elif is_void(row):
            work.done()
        elif anything_paid(row):
            _refuse_paid(work, row)
    due = [work for work in works if work.outcome is None]
    fixed = {work.id for work in due if _fixed(rows[work.id], calls) or _stays(work, rows[work.id])}
    _cancel(calls, [work for work in due if work.id not in fixed])
    _reverse(calls, [work for work in due if work.id in fixed], rows)


def _refuse_paid(work: Work, row: Row) -> None:
    if work.told.reverse:
        work.refuse(f"it changed after it was booked, but {settled_by(row)}, and is not reversed.")
    else:
        work.refuse(f"{settled_by(row)}, and stands.", SETTLED)


def _stays(work: Work, row: Row) -> bool:
    """Tell whether an invoice is to be reversed though it could be cancelled; nothing is booked by one of zero."""
    return work.told.reverse and row["state"] == "posted" and bool(row["amount_total"])


def _fixed(row: Row, calls: Calls) -> bool:
    """Tell whether an invoice cannot be cancelled (Odoo 14 would, a hashed one too)."""
    return row["state"] == "posted" and (bool(row.get("restrict_mode_hash_table")) or is_locked(row, calls.company))


def _cancel(calls: Calls, works: Sequence[Work]) -> None:
    _confirm(calls, calls.act("button_cancel", works))


def _confirm(calls: Calls, works: Sequence[Work]) -> None:
    """Read back that invoices are void."""
    rows = move_rows(calls.odoo, [work.id for work in works]) if works else {}
    for work in works:
        row = rows.get(work.id)
        if row is None or is_void(row):
            work.done()
        else:
            work.refuse(f"Odoo left it {row['state']}, with {row['amount_residual']} open.")


def _reverse(calls: Calls, works: Sequence[Work], rows: Mapping[int, Row]) -> None:
    """Make a credit note of each, once, and match it with its invoice."""
    if not works:
        return
    ids = [work.id for work in works]
    standing = read_standing(calls.odoo, calls.company, ids)
    lines = product_lines(calls.odoo, calls.company, ids, analytic=True)
    notes: dict[int, Work] = {}
    for work in works:
        row = rows[work.id]
        head = _head(row, work, calls)
        if _misnumbered(head, row, calls):
            work.refuse(
                f"a credit note of {head['invoice_date']} cannot be called {head['name']}.", "number_does_not_fit"
            )
            continue
        whole = whole_of(row, lines.get(work.id, ()), standing[work.id], calls.company)
        notes[work.id] = Work(work.entry, Told(replace(whole, head=head), post=True))
    made = make(calls, list(notes.values()), lambda note: note.whole.head, "-r")
    finish(calls, made, fresh(calls.company))
    withdraw(calls, list(notes.values()))
    for work in works:
        note = notes.get(work.id)
        if note is not None and not isinstance(note.outcome, Done | Exists):
            work.outcome = note.outcome
    _match(calls, [work for work in works if work.outcome is None], notes, standing)


def _head(row: Row, work: Work, calls: Calls) -> dict[str, str]:
    """Give the head of the credit note; in a journal that is not syncd's, Odoo numbers it."""
    ours = calls.company.journal is not None and link(row["journal_id"]) == calls.company.journal.id
    name = f"R{row['name']}" if ours and calls.company.number == "name" else ""
    credit = work.told.credit
    return {
        "move_type": next(kind for kind in SALES if kind != row["move_type"]),
        "partner_id/.id": str(link(row["partner_id"]) or ""),
        "journal_id/.id": str(link(row["journal_id"])),
        "currency_id/.id": str(link(row["currency_id"])),
        "invoice_date": credit["date"],
        "invoice_date_due": credit["date"],
        TERM: "",
        "invoice_cash_rounding_id/.id": "",
        POSITION: str(link(row.get("fiscal_position_id")) or ""),
        "name": name,
        "ref": f"Reversal of: {credit['number'] or row['name']}",
        "payment_reference": name or f"R{credit['number'] or row['name']}",
        "invoice_origin": work.entry.mark,
        "reversed_entry_id/.id": str(row["id"]),
    }


def _misnumbered(head: Mapping[str, str], row: Row, calls: Calls) -> bool:
    """Tell whether Odoo would read another year in the credit note's number."""
    journal = calls.company.journal
    free = journal is None or journal.free_numbers or link(row["journal_id"]) != journal.id
    return not free and bool(head["name"]) and not number_fits(head["name"], date.fromisoformat(head["invoice_date"]))


def _match(calls: Calls, works: Sequence[Work], notes: Mapping[int, Work], standing: Mapping[int, Standing]) -> None:
    """Match invoices with their credit notes where posting did not do it by itself, as it does from Odoo 16 on."""
    rows = move_rows(calls.odoo, [work.id for work in works]) if works else {}
    open_ = [work for work in works if work.id in rows and not is_void(rows[work.id])]
    credits_ = read_standing(calls.odoo, calls.company, [notes[work.id].id for work in open_])
    for work in open_:
        pair = [*standing[work.id].receivable, *credits_[notes[work.id].id].receivable]
        try:
            calls.call("account.move.line", "reconcile", [line.id for line in pair])
        except OdooAnswer as error:
            work.outcome = outcome_of(error, "its credit note stands, but could not be matched with it: ")
    _confirm(calls, [work for work in works if work.outcome is None])
