"""Payments matched with their invoices in Odoo: by lists where that will do, else by Odoo's own ``reconcile``.

A pair whose amounts agree in both currencies needs no more than a match (``account.partial.reconcile``) and what says
that it is whole (``account.full.reconcile``); hundreds take two calls. Where the company's currency differs, if only by
a cent of rounding, or where tax falls due by payment, Odoo itself has to book it. From 19 on it does many pairs in one
call, put together so that it cannot mix them up; before, each pair is a call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from connectors.odoo.errors import OdooAnswer
from connectors.odoo.payment_batch import Batch
from connectors.odoo.payments import Due
from connectors.odoo.rows import Row, link
from connectors.odoo.settlements import LINE_FIELDS, PAIR_FIELDS, PARTIAL_FIELDS, Pair, knots, pair, together
from connectors.odoo.writes import halved, outcome_of
from syncd.connector import Outcome, Rejected, Stale

JOINED_SINCE: Final = 19
"""The first version whose ``reconcile`` takes each client and currency by itself, and books each pair's difference."""


class Match(NamedTuple):
    """What matches an invoice with its payment, all of it: the ``account.partial.reconcile`` and their lines."""

    due: Due
    partials: list[int]
    lines: list[int]


Failed = list[tuple[Due, Outcome]]


def meanwhile(due: Due) -> Stale:
    """Say that somebody else settled it."""
    return Stale(f"{due.label} was settled in Odoo at the same time.")


def match(batch: Batch, dues: Sequence[Due]) -> Failed:
    """Match payments with their invoices; give those that could not be."""
    if not dues:
        return []
    of_invoice, of_payment = _lines(batch, dues)
    pairs: list[tuple[Due, Pair]] = []
    failed: Failed = []
    for due in dues:
        payment = of_payment.get(batch.payments[due.entry], [])
        if not payment:
            batch.without_entry.add(batch.payments[due.entry])  # the invoice itself tells whether that is enough
            continue
        if not of_invoice.get(due.invoice):
            failed.append((due, meanwhile(due)))
            continue
        found = pair(due, of_invoice[due.invoice], payment)
        if isinstance(found, Rejected):
            failed.append((due, found))
        else:
            pairs.append((due, found))
    by_list = [one for one in pairs if one[1].row and not batch.company.features.cash_basis]
    listed = {due.entry for due, _ in by_list}
    rest = [one for one in pairs if one[0].entry not in listed] + _by_list(batch, by_list)
    return failed + _one_by_one(batch, _joined(batch, rest))


def _lines(batch: Batch, dues: Sequence[Due]) -> tuple[dict[int, list[Row]], dict[int, list[Row]]]:
    """Read the open receivable lines of the invoices, and those of the payments, as they stand now."""
    payments = sorted(batch.payments[due.entry] for due in dues)
    moves = sorted({due.invoice for due in dues})
    domain = [batch.company.features.receivable, "|", ("payment_id", "in", payments), ("move_id", "in", moves)]
    of_invoice: dict[int, list[Row]] = {}
    of_payment: dict[int, list[Row]] = {}
    for row in batch.odoo.search_read("account.move.line", domain, LINE_FIELDS):
        if link(row["move_id"]) in batch.moves:
            if not row["reconciled"]:
                of_invoice.setdefault(link(row["move_id"]), []).append(row)
        else:
            of_payment.setdefault(link(row["payment_id"]), []).append(row)
    return of_invoice, of_payment


def _by_list(batch: Batch, pairs: Sequence[tuple[Due, Pair]]) -> list[tuple[Due, Pair]]:
    """Make the matches and full reconciles of many pairs at once; give those that Odoo would not have in this way."""
    made: list[Match] = []
    rest: list[tuple[Due, Pair]] = []

    def send(some: Sequence[tuple[Due, Pair]]) -> None:
        ids = batch.load("account.partial.reconcile", PAIR_FIELDS, [one.row or [] for _, one in some], once=True)
        made.extend(Match(due, [number], one.lines) for number, (due, one) in zip(ids, some, strict=True))

    halved(pairs, send, lambda item, _: rest.append(item))
    complete(batch, made)
    return rest


def complete(batch: Batch, matches: Sequence[Match]) -> None:
    """Make the full reconcile of what is matched whole."""
    before = "it is paid, but its match could not be made a full one: "
    halved(matches, lambda some: _make_full(batch, some), lambda item, error: batch.refuse(item.due, error, before))


def _make_full(batch: Batch, matches: Sequence[Match]) -> None:
    vals = [
        {"partial_reconcile_ids": [[6, 0, one.partials]], "reconciled_line_ids": [[6, 0, one.lines]]} for one in matches
    ]
    batch.call("account.full.reconcile", "create", None, vals_list=vals)


def _joined(batch: Batch, pairs: Sequence[tuple[Due, Pair]]) -> list[tuple[Due, Pair]]:
    """Let Odoo reconcile many pairs in a call, as far as they can be together; give those that are left."""
    if batch.company.version < JOINED_SINCE:
        return list(pairs)
    rest = [one for one in pairs if not one[1].joint]
    joined: list[tuple[Due, Pair]] = []

    def send(some: Sequence[tuple[Due, Pair]]) -> None:
        batch.call("account.move.line", "reconcile", [line for _, one in some for line in one.lines])
        joined.extend(some)

    def leave(item: tuple[Due, Pair], _: OdooAnswer) -> None:
        rest.append(item)

    for group in together(pairs, lambda one: one[1].joint):
        if len(group) > 1:
            halved(group, send, leave)
        else:
            rest += group
    mixed = {due.entry for due in separate(batch, [(due, one.lines) for due, one in joined])}
    undone = [one for one in joined if one[0].entry in mixed]
    if undone:
        batch.call("account.move.line", "remove_move_reconcile", [line for _, one in undone for line in one.lines])
    return rest + undone


def separate(batch: Batch, pairs: Sequence[tuple[Due, Sequence[int]]]) -> list[Due]:
    """Give pairs full reconciles of their own instead of the one that Odoo made for all of a call.

    Else a person who undid one would undo all. Gives those whose lines are matched with another pair's. Before 16 the
    full reconcile has the exchange difference of all its lines, and is left as it is.
    """
    if not pairs or batch.company.version < JOINED_SINCE:
        return []
    lines = [line for _, some in pairs for line in some]
    domain = ["|", ("debit_move_id", "in", lines), ("credit_move_id", "in", lines)]
    rows = batch.odoo.search_read("account.partial.reconcile", domain, PARTIAL_FIELDS)
    found = knots([some for _, some in pairs], rows)
    whole = [Match(due, *knot) for (due, _), knot in zip(pairs, found, strict=True) if knot]
    theirs = {number for one in whole for number in one.partials}
    try:
        _make_full(batch, whole)
        _drop(batch, {link(row["full_reconcile_id"]) for row in rows if row["id"] in theirs} - {0})
    except OdooAnswer:
        pass  # they are whole all the same, under one number
    return [due for (due, _), knot in zip(pairs, found, strict=True) if not knot]


def _drop(batch: Batch, fulls: set[int]) -> None:
    """Delete full reconciles in which no line is left."""
    kept = batch.odoo.search_read(
        "account.move.line", [("full_reconcile_id", "in", sorted(fulls))], ["full_reconcile_id"]
    )
    if empty := fulls - {link(row["full_reconcile_id"]) for row in kept}:
        batch.call("account.full.reconcile", "unlink", sorted(empty))


def _one_by_one(batch: Batch, pairs: Sequence[tuple[Due, Pair]]) -> Failed:
    """Let Odoo reconcile each pair by itself; give those that it would not have."""
    failed: Failed = []
    for due, one in pairs:
        try:
            batch.call("account.move.line", "reconcile", one.lines)
        except OdooAnswer as error:
            failed.append((due, outcome_of(error, f"its payment could not be matched with {due.label}: ")))
    return failed
