"""Invoices for Odoo: what it will hold of them, and what it is told; pure.

An invoice is an ``account.move``: ``out_invoice``, or for a negative total ``out_refund`` with all signs turned. Its
external id is ``syncd.<mark>-<8 digits>`` of key and company: one that was taken back keeps its own, and the next one
has another, as has one in another company of the same database. ``invoice_origin`` holds the mark as well, to be
searched for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from hashlib import blake2b
from typing import Any, Final

import orjson

from connectors.odoo import narration
from connectors.odoo.chatter import changed_events, shape_events
from connectors.odoo.company import Company
from connectors.odoo.lines import BLANK, NO_RATE, exact, line_net, lines_of, shape_lines, turned
from connectors.odoo.numbers import number_fits
from syncd.connector import Content, Operation, Rejected, Scalar
from syncd.model import Line
from syncd.money import amount
from syncd.tax import split

BOOKED: Final = ("sent", "opened", "overdue", "paid")
"""Statuses of the source that are one in the books: posted."""

TEXTS: Final = frozenset(("number", "due_date", "notes", "public_url"))
"""Fields that Odoo lets one change on a posted invoice; the texts of its lines, too."""

POSITION: Final = "fiscal_position_id/.id"
"""The column of an invoice's fiscal position. A new one leaves it out: then Odoo gives it that of its client."""

TERM: Final = "invoice_payment_term_id/.id"
"""The column of an invoice's payment term, by which Odoo computes the due date and what of it falls due when."""

BY_RATE: Final = "rate:"
"""Begins the tax of a line in a payload where only the invoice in Odoo can tell which tax it is."""


@dataclass(frozen=True, slots=True)
class Whole:
    """All that Odoo is told of an invoice, and what it must come to.

    ``head``: columns of ``account.move`` for ``load``. ``lines``: name, quantity, price, account and tax of each line,
    as text, and of some lines discount, product, unit and what they are analysed under (``Features.analytic``).
    ``taxes``: tax id → tax; with ``untaxed`` and ``total`` in cents, with the signs that Odoo shows.
    """

    head: Mapping[str, str]
    lines: list[list[str]]
    taxes: Mapping[str, int]
    untaxed: int
    total: int


@dataclass(frozen=True, slots=True)
class Told:
    """A payload: what an entry is to do.

    ``whole``: the invoice (create, post, and update where the lines or the head are written anew: ``rewrite``).
    ``post``: it is to be posted in the end. ``changes``: path → before and after. ``texts``: columns that change in
    place; ``names``: line number → new text. ``events``: what its chatter is to tell, as shaped. ``credit``: number and
    date of the credit note, should one be needed to void it; ``reverse``: it is, for the invoice is made anew.
    ``again``: how often one was made and taken back before.
    """

    whole: Whole | None = None
    post: bool = False
    rewrite: bool = False
    changes: Mapping[str, list[Scalar]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    events: Sequence[Sequence[Any]] = ()
    credit: Mapping[str, str] = field(default_factory=dict)
    reverse: bool = False
    again: int = 0


def shape_invoice(content: Content, company: Company) -> Content:
    """Give an invoice as Odoo will hold it and show it again; itself when asked twice.

    Without a due date Odoo takes the invoice's date. What is booked has no other status than that.
    """
    shaped = dict(content)
    shaped["status"] = "posted" if content["status"] in BOOKED else content["status"]
    shaped["due_date"] = content.get("due_date") or content.get("issue_date")
    shaped["notes"], shaped["public_url"] = narration.shaped(content.get("notes"), content.get("public_url"))
    lines = shape_lines(lines_of(content), content["subtotal"], content["total"], company)
    shaped["lines"] = [list(line) for line in lines]
    shaped["events"] = shape_events(content.get("events"), company)
    return shaped


def external_id(mark: str, key: str, company: int) -> str:
    """Make the external id of what the operation with this key makes in a company: one in the whole database."""
    return f"syncd.{mark}-{blake2b(f'{company}/{key}'.encode(), digest_size=4).hexdigest()}"


def render_invoice(operation: Operation, company: Company) -> bytes | Rejected:
    """Write what Odoo is told, as JSON (``Told``); refuse what it would refuse, or book otherwise than meant."""
    content = operation.content
    if unfit := _unfit(content):
        return unfit
    told: Told | Rejected
    if operation.verb == "create":
        told = _made(operation, company)
    elif operation.verb in ("update", "post"):
        told = _changed(operation, company)
    elif operation.verb == "void":
        told = _voided(operation, company)
    else:
        told = Told()
    if isinstance(told, Rejected):
        return told
    try:
        return orjson.dumps(asdict(told), option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        return Rejected("it holds half a character, which UTF-8 cannot; take it out at the source.", "unencodable")


def read_told(payload: bytes) -> Told:
    """Read a payload back."""
    said = orjson.loads(payload)
    if said["whole"] is not None:
        said["whole"] = Whole(**said["whole"])
    return Told(**said)


def _made(operation: Operation, company: Company) -> Told | Rejected:
    whole = _whole(operation, company)
    if isinstance(whole, Rejected):
        return whole
    content = operation.content
    posts, events, again = content["status"] == "posted", content.get("events") or (), content.get("generation", 0)
    return Told(whole, post=posts, events=events, again=again)


def _changed(operation: Operation, company: Company) -> Told | Rejected:
    """Say what changes in place, and what only a draft can take."""
    content, changes = operation.content, {path: list(pair) for path, pair in operation.changes.items()}
    rewrite = any(not _in_place(path) for path in changes)
    posts = content.get("status") == "posted"
    whole: Whole | Rejected | None = None
    if rewrite and (turns := _turns(changes)):
        return turns
    if rewrite or operation.verb == "post":
        whole = _whole(operation, company)
    elif posts and "number" in changes:
        whole = _number_refused(content, company)
    if isinstance(whole, Rejected):
        return whole
    described = {path: pair[1] for path, pair in changes.items() if path.endswith(".description") and not rewrite}
    names = {path.split(".")[1]: str(text or "") for path, text in described.items()}
    events = changed_events(content, changes)
    return Told(whole, posts, rewrite, changes, _texts(content, changes.keys(), company), names, events)


def _in_place(path: str) -> bool:
    if path.startswith("lines."):
        return path.endswith(".description")
    return path in TEXTS or path == "status" or path.startswith("events.")


def _turns(changes: Mapping[str, list[Scalar]]) -> Rejected | None:
    """Refuse what would make an invoice of a credit note or the other way round: Odoo keeps them apart."""
    before, after = changes.get("total", (0, 0))
    if not (isinstance(before, int) and isinstance(after, int)) or (before < 0) == (after < 0):
        return None
    went = f"its total went from {amount(before)} to {amount(after)}"
    return Rejected(f"{went}, and Odoo makes no credit note of an invoice nor the other way round; void it in Odoo.")


def _texts(content: Content, changed: Collection[str], company: Company) -> dict[str, str]:
    """Give the columns that change in place."""
    texts: dict[str, str] = {}
    if "number" in changed:
        texts |= {company.number: content.get("number") or "", "payment_reference": content.get("number") or ""}
    if "due_date" in changed:
        texts["invoice_date_due"] = content.get("due_date") or ""
    if "notes" in changed or "public_url" in changed:
        texts["narration"] = _narration(content, company)
    return texts


def _narration(content: Content, company: Company) -> str:
    html = narration.is_html(company)
    return narration.written(content.get("notes"), content.get("public_url"), html=html)


def _whole(operation: Operation, company: Company) -> Whole | Rejected:
    """Put all of an invoice into columns, with signs turned for a credit note, and say what it must come to."""
    content = operation.content
    lines, sign = lines_of(content), -1 if content["total"] < 0 else 1
    if refused := _refused(content, lines, company):
        return refused
    cells = _tax_cells(lines, content, company)
    if isinstance(cells, Rejected):
        return cells
    taxes = _taxes(lines, content, cells)
    if isinstance(taxes, Rejected):
        return taxes
    return Whole(
        head=_head(operation, company),
        lines=[_row(line, sign, cells[line.tax_rate], company) for line in lines],
        taxes={tax: sign * value for tax, value in taxes.items()},
        untaxed=sign * content["subtotal"],
        total=sign * content["total"],
    )


def _head(operation: Operation, company: Company) -> dict[str, str]:
    content, number = operation.content, operation.content.get("number") or ""
    journal = company.journal
    return {
        "move_type": "out_refund" if content["total"] < 0 else "out_invoice",
        "partner_id/.id": operation.refs.get("client", ""),
        "journal_id/.id": str(journal.id) if journal else "",
        "currency_id/.id": str(company.currencies[content["currency"]]),
        "invoice_date": content.get("issue_date") or "",
        "invoice_date_due": content.get("due_date") or "",
        TERM: "",  # else the partner's replaces the due date
        "invoice_cash_rounding_id/.id": "",  # else the default of new ones rounds the total
        "name": number if company.number == "name" else "",
        "ref": number if company.number == "ref" else "",
        "payment_reference": number,
        "invoice_origin": operation.mark,
        "narration": _narration(content, company),
    }


def _row(line: Line, sign: int, tax: str, company: Company) -> list[str]:
    quantity = turned(line.quantity) if sign < 0 else line.quantity
    cells = [quantity, amount(line.unit_price)]
    if line.tax_rate == NO_RATE:
        return [line.description, *cells, str(company.difference_account or ""), tax]
    if product := company.product(line.tax_rate):
        text = line.description or BLANK  # else Odoo 14 puts the product's own text there
        return [text, *cells, str(product.account or company.account or ""), tax, "0", str(product.id), ""]
    return [line.description, *cells, str(company.account or ""), tax]


def _tax_cells(lines: Sequence[Line], content: Content, company: Company) -> dict[str, str] | Rejected:
    """Find the tax of each rate. The client's country is not known of an invoice that changes: there Odoo tells."""
    cells = {NO_RATE: ""}
    for rate in dict.fromkeys(line.tax_rate for line in lines if line.tax_rate != NO_RATE):
        found = company.taxes.id_for(rate, content.get("client_country"))
        if isinstance(found, int):
            cells[rate] = str(found)
        elif "client_country" not in content:
            cells[rate] = BY_RATE + rate
        else:
            return Rejected(found, "tax_not_found")
    return cells


def _taxes(lines: Sequence[Line], content: Content, cells: Mapping[str, str]) -> dict[str, int] | Rejected:
    """Split the tax so that it comes to the source's, and give it by tax."""
    parts = split([exact(line) for line in lines], content["tax"], content["subtotal"])
    if parts is None:
        rates = ", ".join(dict.fromkeys(f"{line.tax_rate or 0} %" for line in lines)) or "no rate at all"
        told = f"no rounding of lines with {rates} comes to {amount(content['tax'])} {content['currency']}."
        return Rejected(told, "tax_does_not_add_up")
    return {cells[rate]: tax for rate, (_, tax) in parts.rates.items() if rate in cells}


def _refused(content: Content, lines: Sequence[Line], company: Company) -> Rejected | None:
    """Say why an invoice cannot stand in Odoo as it is."""
    currency = content["currency"]
    if company.no_invoices:
        return Rejected(company.no_invoices)
    if currency not in company.currencies:
        return Rejected(f"the currency {currency} is not active in Odoo.", "currency_not_held")
    if number := _number_refused(content, company):
        return number
    comes_to = sum(map(line_net, lines))
    if comes_to != content["subtotal"]:
        told = f"they come to {amount(comes_to)} {currency}, the subtotal is {amount(content['subtotal'])}."
        return Rejected(told, "lines_do_not_add_up")
    return _not_posted(content, lines, company) if content["status"] == "posted" else None


def _not_posted(content: Content, lines: Sequence[Line], company: Company) -> Rejected | None:
    """Say why an invoice cannot be posted, or not as it is meant."""
    currency, day = content["currency"], content.get("issue_date")
    if not day:
        return Rejected("it has no date; nothing is booked without one.")
    if not company.has_rate(currency, date.fromisoformat(day)):
        return Rejected(f"Odoo has no rate of {currency} for {day} or before, and would book it at 1.", "no_rate")
    closed = company.locked.invoice
    if closed and day <= closed.isoformat():
        return Rejected(f"it is of {day}, but Odoo is closed for invoices up to {closed}.", "period_locked")
    return None if lines else Rejected("it has no lines, and Odoo books no invoice without any.")


def _number_refused(content: Content, company: Company) -> Rejected | None:
    """Say why Odoo would not take the number, or take it for another."""
    number, day = content.get("number") or "", content.get("issue_date")
    if company.number == "ref" or (not number and content.get("status") != "posted"):
        return None
    if not number.strip() or number == "/":
        return Rejected("it has no number, so that Odoo would give it one of its own.", "number_does_not_fit")
    if "\n" in number:
        return Rejected("its number holds a line break, which Odoo cannot count on from.", "number_does_not_fit")
    journal = company.journal
    if journal is None or journal.free_numbers or not day or number_fits(number, date.fromisoformat(day)):
        return None
    return Rejected(
        f'the journal "{journal.name}" reads years and months in numbers, and {number} would be of another than {day}.',
        "number_does_not_fit",
    )


def _voided(operation: Operation, company: Company) -> Told | Rejected:
    """Say how an invoice is taken back; one that is made anew stays, so that the new one needs another name."""
    content, changes = operation.content, operation.changes
    after = {**content, **{path: changes[path][1] for path in ("number", "issue_date") if path in changes}}
    if changes and after.get("number") == content.get("number"):
        again = {**after, "number": again_name(content.get("number") or "", 2), "status": "posted"}
        if refused := _number_refused(again, company):
            return refused
    return Told(credit=_credit(content, company), reverse=bool(changes))


def again_name(number: str, time: int) -> str:
    """Name what is made for the second or a later time while the number is taken by one that was reversed."""
    return f"{number}-{time}"


def _credit(content: Content, company: Company) -> dict[str, str]:
    """Number and date the credit note that reverses an invoice: on its own day, or the first open one after it."""
    closed = company.locked.invoice
    day = content.get("issue_date") or ""
    if closed and day <= closed.isoformat():
        day = (closed + timedelta(days=1)).isoformat()
    return {"number": content.get("number") or "", "date": day}


def _unfit(content: Content) -> Rejected | None:
    """Refuse a character that Odoo cannot store."""
    texts = [content.get(name) for name in ("number", "notes", "public_url")]
    texts += [line.description for line in lines_of(content)]
    if any(isinstance(text, str) and "\0" in text for text in texts):
        return Rejected("it holds a NUL character, which Odoo cannot store; take it out at the source.", "unencodable")
    return None
