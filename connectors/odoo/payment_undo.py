"""Payments taken back: cancelled in Odoo, so that their invoices are open again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from connectors.odoo.errors import OdooAnswer
from connectors.odoo.payment_batch import Batch
from connectors.odoo.payment_reading import read_by, read_moves
from connectors.odoo.payments import Due, locked_day, posted_states, settled_invoice, text_field, void_states
from connectors.odoo.rows import Row, cents_of, mark_of
from connectors.odoo.writes import halved
from syncd.connector import Done, Outcome, Rejected

_STATEMENTS: Final = ("reconciled_statement_line_ids", "reconciled_statement_ids")
"""The bank statement's lines, or (14, 15) the statements, that a payment is matched with."""

Refused = Callable[[tuple[Due, int], OdooAnswer], None]


def unsettle(batch: Batch, dues: Sequence[Due]) -> None:
    """Take payments back: those that syncd made, that settle nothing else and are in no closed period."""
    if not dues:
        return
    ids = [int(due.external_id) for due in dues if due.external_id and due.external_id.isdecimal()]
    rows = read_by(batch.odoo, batch.company, [("id", "in", ids)]) if ids else {}
    statements = _with_statements(batch, list(rows))
    names = batch.odoo.external_ids("account.payment", list(rows)) if rows else {}
    by_hand = read_moves(batch.odoo, {one for due in dues if (one := settled_invoice(due.external_id))})
    posted: list[tuple[Due, int]] = []
    drafts: list[tuple[Due, int]] = []
    for due in dues:
        row = rows.get(int(due.external_id)) if due.external_id and due.external_id.isdecimal() else None
        invoice = by_hand.get(settled_invoice(due.external_id) or 0)
        outcome = _by_hand(due, invoice) if invoice else _judged(batch, due, row, statements, names)
        if outcome:
            batch.outcomes[due.entry] = outcome
        elif row:
            (posted if row["state"] in posted_states(batch.company) else drafts).append((due, row["id"]))
    cancel(batch, posted, drafts, lambda item, error: batch.refuse(item[0], error))
    for due in batch.left(dues):
        batch.outcomes[due.entry] = Done(due.external_id or "")


def _by_hand(due: Due, move: Row) -> Outcome | None:
    """Leave to a person what is no payment of its own, unless it is taken back already."""
    if cents_of(move["amount_residual"]) == cents_of(move["amount_total"]):
        return Done(due.external_id or "")
    return Rejected(f"{due.label} was settled by hand in Odoo, not by a payment of its own; take that back there.")


def _judged(batch: Batch, due: Due, row: Row | None, statements: set[int], names: Mapping[int, str]) -> Outcome | None:
    """Say why a payment is not to be taken back, or need not be."""
    if row is None or row["state"] in void_states(batch.company):
        return Done(due.external_id or "")
    name = row["name"] or row["id"]
    others = set(row["reconciled_invoice_ids"]) - {due.invoice}
    if row["is_reconciled"] and others:
        return Rejected(f"payment {name} of {due.label} settles other invoices as well in Odoo; take it back there.")
    # Where a person exported it, Odoo may give an external id of theirs; the text tells as well.
    if mark_of("payment", names.get(row["id"])) is None and row[text_field(batch.company)] != due.text:
        return Rejected(f"payment {name} of {due.label} was registered by a person in Odoo; take it back there.")
    if row["id"] in statements:
        return Rejected(f"payment {name} of {due.label} is matched with a bank statement in Odoo; undo that first.")
    return locked_day(row["date"], batch.company)


def _with_statements(batch: Batch, ids: Sequence[int]) -> set[int]:
    """Give the payments that are matched with a bank statement."""
    there = batch.odoo.fields_of("account.payment") if ids else ()
    name = next((name for name in _STATEMENTS if name in there), None)
    if name is None:
        return set()
    rows = batch.odoo.search_read("account.payment", [("id", "in", list(ids))], [name])
    return {row["id"] for row in rows if row[name]}


def cancel(
    batch: Batch, posted: Sequence[tuple[Due, int]], drafts: Sequence[tuple[Due, int]], refused: Refused
) -> None:
    """Cancel payments, each that can be; before Odoo 18 a posted one goes to draft first, which opens its invoice."""
    failed: set[int] = set()

    def note(item: tuple[Due, int], error: OdooAnswer) -> None:
        failed.add(item[1])
        refused(item, error)

    def send(method: str) -> Callable[[Sequence[tuple[Due, int]]], None]:
        def one(items: Sequence[tuple[Due, int]]) -> None:
            batch.call("account.payment", method, [number for _, number in items])

        return one

    if not batch.company.features.memo:
        halved(posted, send("action_draft"), note)
    rest: list[Any] = [item for item in (*posted, *drafts) if item[1] not in failed]
    halved(rest, send("action_cancel"), note)
