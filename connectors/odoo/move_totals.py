"""What an invoice comes to in Odoo, and the tax set to the source's, to the cent and tax by tax.

All of it is in two kinds of lines: those of the taxes and the receivable one, whose amount is the total. From Odoo 16
on the tax line alone is written and the receivable follows; before, both are, in the invoice's currency and the
company's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, NamedTuple

import orjson

from connectors.odoo.client import Odoo
from connectors.odoo.company import Company
from connectors.odoo.move_calls import Calls, Work, refused
from connectors.odoo.moves import POSITION, TERM, Whole
from connectors.odoo.rows import Row, cents_of, link
from connectors.odoo.writes import halved
from syncd.money import amount, half_up

_OLD: Final = (".id", "line_ids/.id", "line_ids/credit", "line_ids/debit", "line_ids/amount_currency")


class Booked(NamedTuple):
    """One line of the ledger: cents in the invoice's currency and in the company's, credit negative."""

    id: int
    amount: int
    balance: int


@dataclass(slots=True)
class Standing:
    """The tax lines of an invoice by tax, and its receivable lines.

    ``untaxed``: what its other lines come to, where the receivable does not tell: Odoo 14 and 15 sum up unrounded taxes
    for it when taxes are rounded globally, and in another currency it may miss the lines by a cent.
    ``due``: the day on which the last of it falls due.
    """

    taxes: dict[str, list[Booked]] = field(default_factory=lambda: defaultdict(list))
    receivable: list[Booked] = field(default_factory=list)
    untaxed: int | None = None
    due: str = ""


def read_standing(odoo: Odoo, company: Company, ids: Sequence[int], only: Sequence[Any] = ()) -> dict[int, Standing]:
    """Read what invoices come to; every invoice has a receivable line, even one of zero."""
    if not ids:
        return {}
    domain = [("move_id", "in", list(ids)), *only, "|", ("tax_line_id", "!=", False), company.features.receivable]
    fields = ["move_id", "tax_line_id", "amount_currency", "balance", "date_maturity"]
    standing: dict[int, Standing] = defaultdict(Standing)
    for row in odoo.search_read("account.move.line", domain, fields):
        line = Booked(row["id"], cents_of(row["amount_currency"]), cents_of(row["balance"]))
        invoice, tax = standing[link(row["move_id"])], link(row["tax_line_id"])
        (invoice.taxes[str(tax)] if tax else invoice.receivable).append(line)
        if not tax:
            invoice.due = max(invoice.due, row["date_maturity"] or "")
    if standing and not company.features.tax_totals and company.rounding == "global":
        for row in odoo.search_read("account.move", [("id", "in", sorted(standing))], ["amount_untaxed"]):
            standing[row["id"]].untaxed = cents_of(row["amount_untaxed"])
    return dict(standing)


def fresh(company: Company) -> list[Any]:
    """Give the condition that only lines of drafts meet that were never posted."""
    before = [("move_id.posted_before", "=", False)] if company.features.posted_before else []
    return [("move_id.state", "=", "draft"), *before]


def corrections(standing: Standing, whole: Whole) -> dict[int, int] | str:
    """Say which tax and receivable lines are to be set to what, or, as a sentence, why that does not help.

    Odoo books the tax of a customer invoice as a credit, that of a credit note as a debit.
    """
    sign = 1 if whole.head["move_type"] == "out_refund" else -1
    total = -sign * sum(line.amount for line in standing.receivable)
    found = {tax: sign * sum(line.amount for line in lines) for tax, lines in standing.taxes.items()}
    untaxed = total - sum(found.values()) if standing.untaxed is None else standing.untaxed
    if untaxed != whole.untaxed:
        return f"Odoo comes to a subtotal of {amount(untaxed)} instead of {amount(whole.untaxed)}."
    wanted: dict[int, int] = {}
    for tax in found | dict(whole.taxes):
        want, have = whole.taxes.get(tax, 0), found.get(tax, 0)
        if want == have:
            continue
        if not standing.taxes.get(tax):
            return f"Odoo books no tax line for the tax with id {tax}, on which {amount(want)} could be set."
        first = standing.taxes[tax][0]
        wanted[first.id] = first.amount + sign * (want - have)
    if standing.untaxed is not None and (wanted or total != whole.total):
        first = standing.receivable[0]
        wanted[first.id] = first.amount - sign * (whole.total - total)
    return wanted


def whole_of(move: Row, lines: Sequence[Row], standing: Standing, company: Company) -> Whole:
    """Give an invoice as it stands, so that it can be put back or reversed; the lines were read with ``analytic``."""
    sign = 1 if move["move_type"] == "out_refund" else -1
    taxes = {tax: sign * sum(line.amount for line in booked) for tax, booked in standing.taxes.items()}
    total = -sign * sum(line.amount for line in standing.receivable)
    head = {
        "move_type": move["move_type"],
        "partner_id/.id": str(link(move["partner_id"])),
        "journal_id/.id": str(link(move["journal_id"])),
        "currency_id/.id": str(link(move["currency_id"])),
        "invoice_date": move["invoice_date"] or "",
        "invoice_date_due": move["invoice_date_due"] or "",
        TERM: _cell(move.get("invoice_payment_term_id")),
        "name": move["name"] or "",
        "narration": move["narration"] or "",
        POSITION: _cell(move.get("fiscal_position_id")),
    }
    cells = [_cells(line, company.features.analytic) for line in lines]
    return Whole(head, cells, taxes, total - sum(taxes.values()), total)


def _cells(line: Row, analytic: Sequence[str]) -> list[str]:
    numbers = [str(line[name] or 0) for name in ("quantity", "price_unit")]
    cells = [line["name"] or "", *numbers, _cell(line["account_id"]), _cell(line["tax_ids"])]
    product = _cell(line.get("product_id"))
    cells += [str(line["discount"] or 0), product, _cell(line.get("product_uom_id")) if product else ""]
    return cells + [_cell(line.get(column.partition("/")[0])) for column in analytic]


def _cell(value: Any) -> str:
    """Write what a line names as ``load`` takes it: a link (id and name), a list of ids, or a table of JSON."""
    if isinstance(value, dict):
        return orjson.dumps(value).decode()
    ids = value[:1] if value and isinstance(value[-1], str) else value
    return ",".join(map(str, ids or ()))


def set_due(calls: Calls, works: Sequence[tuple[Work, Standing]]) -> None:
    """Have drafts fall due on the day that they are to: a payment term that comes to another is taken off."""
    moved = [
        (work, standing, day)
        for work, standing in works
        if (day := work.whole.head["invoice_date_due"]) and standing.due not in ("", day)
    ]
    halved(
        moved,
        lambda some: calls.load(
            "account.move", (".id", TERM, "invoice_date_due"), [[str(work.id), "", day] for work, _, day in some]
        ),
        lambda item, error: refused(item[0], error),
    )
    set_maturity(calls, [item for item in moved if item[0].outcome is None])


def set_maturity(calls: Calls, works: Sequence[tuple[Work, Standing, str]]) -> None:
    """Let receivable lines fall due on a day; from Odoo 16 on they follow their invoice by themselves."""
    if calls.company.features.display_type_product:
        return
    halved(
        [(work, str(line.id), day) for work, standing, day in works for line in standing.receivable],
        lambda some: calls.load("account.move.line", (".id", "date_maturity"), [item[1:] for item in some]),
        lambda item, error: refused(item[0], error),
    )


def set_taxes(calls: Calls, wanted: Sequence[tuple[Work, Standing, Mapping[int, int]]]) -> None:
    """Set the tax lines of drafts, of all in one call; what Odoo will not have is noted in the works."""
    changed = [one for one in wanted if one[2]]
    if calls.company.features.tax_totals:
        items = [(work, str(line), amount(cents)) for work, _, lines in changed for line, cents in lines.items()]
        fields = (".id", "amount_currency")
        halved(
            items,
            lambda some: calls.load("account.move.line", fields, [item[1:] for item in some]),
            lambda item, error: refused(item[0], error),
        )
    else:
        halved(
            changed,
            lambda some: calls.load("account.move", _OLD, [row for one in some for row in _both(*one)]),
            lambda item, error: refused(item[0], error),
        )


def _both(work: Work, standing: Standing, wanted: Mapping[int, int]) -> list[list[str]]:
    """Give the tax lines as they are to be and the receivable line that balances them, for Odoo 14 and 15."""
    old = {line.id: line for lines in standing.taxes.values() for line in lines}
    first = standing.receivable[0]
    new = [
        Booked(number, cents, _balance(old[number], cents, first)) for number, cents in wanted.items() if number in old
    ]
    currency = first.amount - sum(line.amount - old[line.id].amount for line in new)
    company = first.balance - sum(line.balance - old[line.id].balance for line in new)
    new.append(Booked(first.id, wanted.get(first.id, currency), company))
    rows = [
        ["", str(line.id), amount(max(-line.balance, 0)), amount(max(line.balance, 0)), amount(line.amount)]
        for line in new
    ]
    rows[0][0] = str(work.id)
    return rows


def _balance(line: Booked, cents: int, receivable: Booked) -> int:
    """Give an amount in the company's currency, at the rate at which the line itself was booked."""
    known = line if line.amount else receivable
    return half_up(Decimal(cents) * known.balance / known.amount) if known.amount else cents
