"""Payments as they stand in Odoo: by invoice, by mark, and by what changed. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from connectors.odoo.client import Odoo
from connectors.odoo.company import Company
from connectors.odoo.payments import (
    payment_columns,
    payment_remote,
    posted_states,
    settled_invoice,
    settles,
    text_field,
    void_states,
)
from connectors.odoo.rows import PAID, SALES, Row, link, mark_of, nothing_left
from connectors.odoo.settlements import (
    MOVE_FIELDS,
    PARTIAL_FIELDS,
    Settlement,
    matches_of,
    names_invoice,
    settlement_of,
    settlement_remote,
)
from syncd.connector import Content, Found, How, Remote, Wanted


def read_moves(odoo: Odoo, ids: Collection[int]) -> dict[int, Row]:
    """Read invoices by id; those that no longer stand are left out."""
    if not ids:
        return {}
    rows = odoo.search_read("account.move", [("id", "in", sorted(ids))], MOVE_FIELDS)
    return {row["id"]: row for row in rows}


def read_settlements_of(odoo: Odoo, company: Company, moves: Mapping[int, Row]) -> dict[int, Settlement]:
    """Say how each settled one of these invoices was, in four calls for all of them."""
    settled = {move_id: row for move_id, row in moves.items() if nothing_left(row)}
    if not settled:
        return {}
    ids = sorted(settled)
    either = ["|", ("debit_move_id.move_id", "in", ids), ("credit_move_id.move_id", "in", ids)]
    partials = odoo.search_read("account.partial.reconcile", either, PARTIAL_FIELDS)
    sides = {link(row[side]) for row in partials for side in ("debit_move_id", "credit_move_id")}
    lines = {
        row["id"]: row
        for row in (
            odoo.search_read("account.move.line", [("id", "in", sorted(sides))], ["move_id", "payment_id", "date"])
            if sides
            else []
        )
    }
    matches = matches_of(partials, lines, settled)
    named = {match.payment for some in matches.values() for match in some if match.payment}
    payments = read_by(odoo, company, _one_of(("id", "in", sorted(named)), *_without_entry(company, ids)))
    found = {}
    for move_id, row in settled.items():
        found[move_id] = settlement_of(row, matches.get(move_id, []), payments)
        if not matches.get(move_id):
            found[move_id] = _linked(row, payments.values(), found[move_id])
    return found


def _without_entry(company: Company, moves: Sequence[int]) -> list[list[Any]]:
    """Give the condition on payments without an entry (18 and later) that are linked to one of these invoices."""
    if not company.features.payment_invoice_ids:
        return []
    states = posted_states(company)
    return [["&", "&", ("move_id", "=", False), ("state", "in", states), ("invoice_ids", "in", list(moves))]]


def _linked(move: Row, payments: Collection[Row], otherwise: Settlement) -> Settlement:
    """Take the one payment without an entry that an invoice is linked to, if it is of the invoice alone."""
    own = [row for row in payments if not row["move_id"] and move["id"] in row["reconciled_invoice_ids"]]
    if len(own) != 1 or len(own[0]["reconciled_invoice_ids"]) != 1 or own[0]["amount"] != move["amount_total"]:
        day = max((row["date"] for row in own), default=otherwise.paid_date)
        return otherwise._replace(paid_date=day)
    return otherwise._replace(external_id=str(own[0]["id"]), payment=own[0]["id"], paid_date=own[0]["date"])


def read_by(odoo: Odoo, company: Company, domain: Sequence[Any]) -> dict[int, Row]:
    """Read the customer payments of this company that a domain finds."""
    base = [("company_id", "=", company.id), ("partner_type", "=", "customer")]
    rows = odoo.search_read("account.payment", [*base, *domain], payment_columns(company))
    return {row["id"]: row for row in rows}


def _one_of(*conditions: Any) -> list[Any]:
    """Join conditions (a triple, or a list that is one condition already) by "or"."""
    every = [list(one) if isinstance(one, list) else [one] for one in conditions]
    return ["|"] * (len(every) - 1) + [part for one in every for part in one]


def read_near(
    odoo: Odoo, company: Company, *, texts: Collection[str], ids: Collection[int], partners: Collection[int]
) -> tuple[dict[int, Row], dict[int, str]]:
    """Read payments by their texts and ids, and the unmatched ones of firms; and the external ids of all of them."""
    conditions: list[Any] = []
    if texts:
        conditions.append((text_field(company), "in", sorted(texts)))
    if ids:
        conditions.append(("id", "in", sorted(ids)))
    if partners:
        open_ones = [("is_reconciled", "=", False), ("state", "in", posted_states(company)), ("move_id", "!=", False)]
        firm = ("partner_id.commercial_partner_id", "in", sorted(partners))
        conditions.append(["&", "&", "&", *open_ones, firm])
    rows = read_by(odoo, company, _one_of(*conditions)) if conditions else {}
    return rows, odoo.external_ids("account.payment", sorted(rows)) if rows else {}


def read_firms(odoo: Odoo, partners: Collection[int]) -> dict[int, int]:
    """Give the firm (``commercial_partner_id``) of each partner, archived ones too."""
    if not partners:
        return {}
    domain = [("id", "in", sorted(partners)), ("active", "in", [True, False])]
    rows = odoo.search_read("res.partner", domain, ["commercial_partner_id"])
    return {row["id"]: link(row["commercial_partner_id"]) for row in rows}


def find_payments(odoo: Odoo, company: Company, wanted: Sequence[Wanted]) -> list[Found]:
    """Find payments by mark, by id and, where the invoice's id is known, what settles it or may; six calls for all."""
    if not wanted:
        return []
    moves = read_moves(odoo, {move for one in wanted if (move := _invoice(one))})
    settled = read_settlements_of(odoo, company, moves)
    texts = {_text(one) for one in wanted}
    ids = {int(one.external_id) for one in wanted if one.external_id and one.external_id.isdecimal()}
    ids |= {one.payment for one in settled.values() if one.payment}
    waiting = {link(row["commercial_partner_id"]) for move, row in moves.items() if move not in settled}
    rows, names = read_near(odoo, company, texts=texts, ids=ids, partners=waiting - {0})
    firms = read_firms(
        odoo, {link(rows[one]["partner_id"]) for one in rows if is_open(rows[one], names, company)} - {0}
    )
    marked: dict[str, list[Row]] = {}
    for number, name in names.items():
        if mark := mark_of("payment", name):
            marked.setdefault(mark, []).append(rows[number])
    loose: dict[int, list[Row]] = {}
    for row in rows.values():
        if is_open(row, names, company):
            loose.setdefault(firms.get(link(row["partner_id"]), 0), []).append(row)
    return [_found(one, company, moves, settled, rows, marked, loose) for one in wanted]


def is_open(row: Row, names: Mapping[int, str], company: Company) -> bool:
    """Tell whether a payment is a person's, booked and not matched."""
    ours = mark_of("payment", names.get(row["id"])) is not None
    return not ours and bool(row["move_id"]) and not row["is_reconciled"] and row["state"] in posted_states(company)


def _invoice(one: Wanted) -> int | None:
    """Read the id of the invoice that a wanted payment settles."""
    told = one.refs.get("invoice", "")
    return int(told) if told.isdecimal() else settled_invoice(one.external_id)


def _text(one: Wanted) -> str:
    return f"{one.content.get('number') or ''} {one.mark}".strip()


def _found(
    one: Wanted,
    company: Company,
    moves: Mapping[int, Row],
    settled: Mapping[int, Settlement],
    rows: Mapping[int, Row],
    marked: Mapping[str, Sequence[Row]],
    loose: Mapping[int, Sequence[Row]],
) -> Found:
    """Put the candidates of one wanted payment together, each once."""
    invoice = _invoice(one)
    candidates: dict[str, tuple[How, Remote]] = {}
    for row in marked.get(one.mark, ()):
        candidates[str(row["id"])] = ("mark", payment_remote(row, one.mark, company, invoice))
    if one.external_id and one.external_id.isdecimal() and int(one.external_id) in rows:
        remote = payment_remote(rows[int(one.external_id)], None, company, invoice)
        candidates.setdefault(remote.external_id, ("external_id", remote))
    if invoice in settled and invoice is not None:
        how: How = "external_id" if settled[invoice].external_id == one.external_id else "number"
        remote = _settling(moves[invoice], settled[invoice], rows, company)
        candidates.setdefault(remote.external_id, (how, remote))
    elif invoice in moves and invoice is not None:
        for row in loose.get(link(moves[invoice]["commercial_partner_id"]), ()):
            if _may_be(row, one.content, company):
                candidates.setdefault(str(row["id"]), ("number", payment_remote(row, None, company, invoice)))
    return Found("payment", one.id, tuple(candidates.values()))


def _settling(move: Row, settlement: Settlement, rows: Mapping[int, Row], company: Company) -> Remote:
    if settlement.payment in rows and settlement.payment is not None:
        return payment_remote(rows[settlement.payment], None, company, move["id"])
    return settlement_remote(move, settlement)


def _may_be(row: Row, content: Content, company: Company) -> bool:
    """Tell whether an unmatched payment names the invoice and is of its amount and currency."""
    remote = payment_remote(row, None, company)
    same = all(remote.fields[name] == content.get(name) for name in ("amount", "currency"))
    return same and names_invoice(row[text_field(company)], str(content.get("number") or ""))


def read_payments(odoo: Odoo, company: Company, domain: Sequence[Any]) -> Iterator[list[Remote]]:
    """Stream payments in pages: those syncd made, those that settle invoices of the sales journal, and cancelled ones.

    ``domain``: conditions that hold for ``account.payment`` and ``account.move`` alike, such as on ``write_date``. One
    that syncd made and that settles nothing at present shows the amount 0. In the end come the settled invoices of the
    sales journal that have no payment of their own, as ``invoice/<id>``.
    """
    base = [("company_id", "=", company.id), ("partner_type", "=", "customer")]
    for rows in odoo.pages("account.payment", [*base, *domain], payment_columns(company)):
        names = odoo.external_ids("account.payment", [row["id"] for row in rows])
        linked = {move for row in rows for move in row["reconciled_invoice_ids"]}
        sales = set(odoo.ids("account.move", [*_sales(company), ("id", "in", sorted(linked))])) if linked else set()
        page = [_standing(row, mark_of("payment", names.get(row["id"])), sales, company) for row in rows]
        yield [remote for remote in page if remote is not None]
    for rows in odoo.pages("account.move", [*_sales(company), *_paid(), *domain], MOVE_FIELDS):
        moves = {row["id"]: row for row in rows}
        found = read_settlements_of(odoo, company, moves)
        yield [settlement_remote(moves[move], one) for move, one in found.items() if one.payment is None]


def _standing(row: Row, mark: str | None, sales: Collection[int], company: Company) -> Remote | None:
    void, settling = row["state"] in void_states(company), settles(row, company)
    invoices = [move for move in row["reconciled_invoice_ids"] if move in sales] if settling else []
    if mark is None and not void and not invoices:
        return None
    remote = payment_remote(row, mark, company, invoices[0] if len(invoices) == 1 else None)
    if not void and not settling:
        remote.fields["amount"] = 0
    return remote


def standing_payments(odoo: Odoo, company: Company) -> frozenset[str]:
    """Give the ids of all payments that stand, and ``invoice/<id>`` of all settled invoices; two calls."""
    live = [("company_id", "=", company.id), ("partner_type", "=", "customer")]
    payments = odoo.ids("account.payment", [*live, ("state", "not in", void_states(company))])
    moves = odoo.ids("account.move", [*_sales(company), *_paid()])
    return frozenset([*map(str, payments), *(f"invoice/{move}" for move in moves)])


def _sales(company: Company) -> list[Any]:
    journal = [("journal_id", "=", company.journal.id)] if company.journal else []
    return [("company_id", "=", company.id), ("move_type", "in", list(SALES)), *journal]


def _paid() -> list[Any]:
    return [("state", "=", "posted"), ("payment_state", "in", list(PAID))]
