"""Invoices read from Odoo, in FastFaktura's terms; pure. Nothing that a person may have done to one raises.

A cancelled invoice, and one that a credit note reverses, is void.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from connectors.odoo import narration
from connectors.odoo.chatter import Note, note_fields
from connectors.odoo.company import Company
from connectors.odoo.lines import read_lines, whole_cents
from connectors.odoo.rows import Row, currency_of, decimal, link, paid_cents
from syncd.connector import ATTACHED, Content, Fields, Kind, Remote, Scalar
from syncd.fields import differences, flatten

MOVE_FIELDS: Final = (
    *("name", "state", "move_type", "partner_id", "currency_id", "invoice_date", "date", "invoice_date_due"),
    *("amount_untaxed", "amount_tax", "amount_total", "amount_residual", "payment_state"),
    *("narration", "ref", "payment_reference", "invoice_origin", "posted_before", "write_uid"),
    *("journal_id", "fiscal_position_id", "invoice_payment_term_id"),
    *("restrict_mode_hash_table", "reversal_move_ids", "reversal_move_id"),
)
"""What is read of an invoice (``account.move``), as far as this Odoo has it."""

LINE_FIELDS: Final = (
    "move_id",
    "name",
    "quantity",
    "price_unit",
    "discount",
    "tax_ids",
    "account_id",
    "product_id",
    "product_uom_id",
)
"""What is read of an invoice's product lines (``account.move.line``)."""

MARKS: Final = "ff-i-"
"""What every mark of an invoice begins with."""

NO_NOTES: Final[Mapping[str, Note]] = {}

AS_MADE: Final = ("number", "currency", "issue_date", "due_date", "public_url", "notes", "lines")
"""What an invoice has from its making on; what it comes to is set afterwards."""

_STATES: Final = {"draft": "draft", "posted": "posted", "cancel": "cancelled"}


def move_fields(move: Row, lines: Sequence[Row], company: Company) -> Fields:
    """Read an invoice and its product lines, in order, as flat fields; never raises, whoever made it."""
    refund = move.get("move_type") == "out_refund"
    notes, page = narration.read(move.get("narration"), html=narration.is_html(company))
    return {
        "number": number_of(move, company),
        "currency": currency_of(move),
        "subtotal": _amount(move.get("amount_untaxed"), refund=refund),
        "tax": _amount(move.get("amount_tax"), refund=refund),
        "total": _amount(move.get("amount_total"), refund=refund),
        "status": "cancelled" if is_void(move) else _STATES.get(str(move.get("state")), str(move.get("state"))),
        "issue_date": move.get("invoice_date") or None,
        "due_date": _due_date(move),
        "public_url": page,
        "notes": notes,
        **read_lines(lines, company, refund=refund),
    }


def move_remote(
    move: Row,
    lines: Sequence[Row],
    mark: str | None,
    company: Company,
    notes: Mapping[str, Note] = NO_NOTES,
    *,
    pdf: bool = False,
) -> Remote:
    """Give an invoice as it stands; ``mark``: where an external id proves that syncd made it; ``notes``: its chatter.

    ``pdf``: the PDF that syncd attached is still there.
    Who wrote an invoice last is no proof that nobody else wrote it before. But nobody makes what was posted a draft
    that never was: where it is one, an older state of the books was put back.
    """
    partner = link(move.get("partner_id"))
    refs: dict[Kind, str] = {"client": str(partner)} if partner else {}
    never_posted = mark is not None and move.get("state") == "draft" and move.get("posted_before") is False
    lost = frozenset(("status",) if never_posted else ())
    fields = {**move_fields(move, lines, company), **note_fields(notes), "pdf": ATTACHED if pdf else None}
    void, settled = is_void(move), paid_cents(move)
    return Remote("invoice", str(move["id"]), mark, None, fields, void=void, refs=refs, lost=lost, settled=settled)


def is_unfinished(remote: Remote, content: Content) -> bool:
    """Tell what a run made to be posted and did not finish: it never was, and else stands as it was made."""
    as_made = not differences(flatten(content, AS_MADE), flatten(remote.fields, AS_MADE))
    return as_made and "status" in remote.lost and content.get("status") == "posted"


def is_void(move: Row) -> bool:
    """Tell whether an invoice binds nothing: it is cancelled, or another one reverses all of it.

    A credit note that is reversed is ``paid`` in Odoo, not ``reversed``; and ``reversed`` is also what was set off
    against a credit note that stands for itself.
    """
    if move.get("state") == "cancel":
        return True
    done = "paid" if move.get("move_type") == "out_refund" else "reversed"
    return bool(reversals_of(move)) and move.get("payment_state") == done


def is_taken_out(move: Row, company: Company, *, credited: bool) -> bool:
    """Tell whether others than syncd voided what it had posted; ``credited``: a credit note of syncd's reverses it.

    Odoo does not say who cancelled an invoice, only who wrote it last.
    """
    if move.get("state") == "cancel":
        return bool(move.get("posted_before")) and link(move.get("write_uid")) != company.uid
    return is_void(move) and not credited


def reversals_of(move: Row) -> Sequence[int]:
    """Give the ids of what was made to reverse an invoice, in whatever state."""
    return move.get("reversal_move_ids") or move.get("reversal_move_id") or ()


def is_locked(move: Row, company: Company) -> bool:
    """Tell whether an invoice lies in a closed period."""
    day, closed = move.get("date") or move.get("invoice_date"), company.locked.invoice
    return closed is not None and bool(day) and str(day) <= closed.isoformat()


def number_of(move: Row, company: Company) -> str | None:
    """Read FastFaktura's number, also where it stands as ``number`` had it before; a draft's name by Odoo is none.

    What syncd wrote has the number as payment reference, too, which tells the name from the reference.
    """
    name, ref, paid_by = (move.get(field) or None for field in ("name", "ref", "payment_reference"))
    kept = move.get("state") == "posted" or move.get("posted_before")
    given = name if name != "/" and (name == paid_by or kept) else None
    ours = str(move.get("invoice_origin") or "").startswith(MARKS)
    if ours and paid_by and paid_by in (given, ref):
        return str(paid_by)
    if company.number == "ref":
        return ref or given
    if ours and ref and given and given.startswith(f"{ref}-") and given.removeprefix(f"{ref}-").isdecimal():
        return str(ref)  # made anew beside one that was reversed
    return given


def _amount(value: Any, *, refund: bool) -> Scalar:
    found = decimal(value)
    return whole_cents(-found if refund else found)


def _due_date(move: Row) -> str | None:
    """Read the due date; a draft without a date is due today in Odoo 14, which nobody said."""
    due, day = move.get("invoice_date_due") or None, move.get("invoice_date")
    return None if not day and due == move.get("date") else due
