"""Payments between FastFaktura and Odoo: translated both ways, and what is to be done about each; pure.

A paid invoice is settled by one customer payment (``account.payment``) of its total in its currency: inbound, and
outbound where the total is negative (a credit note is paid out). Its external id is ``syncd.<mark>-<8 digits>`` of key
and company: one that was taken back keeps its own, and the next one has another. Its text is ``<number> <mark>``.

The id of a payment in Odoo is the id of its ``account.payment``. An invoice that a person settled in any other way (a
bank statement's line, several payments, one payment for several invoices, an entry by hand) has no payment of its own:
there it is ``invoice/<id of the account.move>``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import orjson

from connectors.odoo.company import Company
from connectors.odoo.moves import external_id
from connectors.odoo.rows import Row, cents_of, currency_of
from syncd.connector import Content, Entry, Fields, Operation, Rejected, Remote, Verb
from syncd.money import amount

_BY_HAND: Final = re.compile(r"invoice/([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Due:
    """One entry on a payment, read from its payload.

    ``name``: external id of the payment. ``amount``: cents, negative where it is paid out.
    ``external_id``: the payment (or ``invoice/<id>``) that the entry adopts or takes back.
    """

    entry: int
    verb: Verb
    name: str
    invoice: int
    number: str
    amount: int
    currency: str
    currency_id: int
    date: str
    journal: int
    text: str
    external_id: str | None = None

    @property
    def label(self) -> str:
        """What a person calls the invoice."""
        return f"invoice {self.number}" if self.number else f"the invoice (account.move {self.invoice})"

    @property
    def told(self) -> str:
        """The amount as a person writes it."""
        return f"{amount(self.amount)} {self.currency}"


def shape_payment(content: Content, company: Company) -> Content:
    """Give a payment as Odoo will hold it: as it is."""
    del company
    return content


def render_payment(operation: Operation, company: Company) -> bytes | Rejected:
    """Give the payload of settle, adopt and unsettle, or why there can be none; ``refs["invoice"]``: the move's id."""
    if operation.verb not in ("settle", "adopt", "unsettle"):
        return Rejected(f"a payment that stands in Odoo is not changed ({operation.verb}); correct it there.")
    content, invoice = operation.content, operation.refs.get("invoice", "")
    cents, currency, day = content.get("amount"), str(content.get("currency") or ""), content.get("paid_date")
    if not isinstance(cents, int) or (not day and operation.verb != "unsettle"):
        return Rejected("the payment has no amount or no date.")
    if day and operation.verb != "adopt" and (refused := _refused(operation.verb, currency, str(day), company)):
        return refused
    number = str(content.get("number") or "")
    journal = company.payment_journal
    payload = {
        "amount": cents,
        "currency": currency,
        "currency_id": company.currencies.get(currency, 0),
        "date": str(day or ""),
        "invoice": int(invoice) if invoice.isdecimal() else 0,
        "journal": journal.id if journal else 0,
        "name": external_id(operation.mark, operation.key, company.id),
        "number": number,
        "text": f"{number} {operation.mark}".strip(),
    }
    return orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)


def _refused(verb: Verb, currency: str, day: str, company: Company) -> Rejected | None:
    """Say why a payment of this currency and day can neither be written nor taken back."""
    if locked := locked_day(day, company):
        return locked
    if verb != "settle":
        return None
    if company.no_payments:
        return Rejected(company.no_payments)
    if company.payment_journal is None:
        return Rejected("it is not clear in which journal of Odoo payments are booked; set payment_journal.")
    if currency not in company.currencies:
        return Rejected(f"the currency {currency} is not active in Odoo.", "currency_not_held")
    if not company.has_rate(currency, date.fromisoformat(day)):
        return Rejected(f"Odoo has no rate of {currency} for {day} or before, and would book it at 1.", "no_rate")
    return None


def locked_day(day: str, company: Company) -> Rejected | None:
    """Say that a day lies in a period that is closed for payments, where it does."""
    locked = company.locked.payment
    if locked is None or day > locked.isoformat():
        return None
    return Rejected(f"the payment is of {day}, but Odoo is closed for payments up to {locked}.", "period_locked")


def read_due(entry: Entry) -> Due:
    """Read an entry's payload back."""
    said = orjson.loads(entry.payload)
    return Due(entry.number, entry.verb, **said, external_id=entry.external_id)


def load_fields(company: Company) -> list[str]:
    """Give the columns of ``account.payment.load``."""
    columns = ["id", "payment_type", "partner_type", "partner_id/.id", "amount", "currency_id/.id", "date"]
    columns += ["journal_id/.id", text_field(company)]
    return [*columns, "invoice_ids/.id"] if company.features.payment_invoice_ids else columns


def load_row(due: Due, partner: int, company: Company) -> list[str]:
    """Give the row of a new payment; ``partner``: whose receivable line the invoice has."""
    direction = "inbound" if due.amount > 0 else "outbound"
    row = [due.name, direction, "customer", str(partner), amount(abs(due.amount)), str(due.currency_id)]
    row += [due.date, str(due.journal), due.text]
    return [*row, str(due.invoice)] if company.features.payment_invoice_ids else row


def text_field(company: Company) -> str:
    """Name the field that holds a payment's text."""
    return "memo" if company.features.memo else "ref"


def posted_states(company: Company) -> list[str]:
    """Name the states of a payment that is booked."""
    return ["in_process", "paid"] if company.features.memo else ["posted"]


def void_states(company: Company) -> list[str]:
    """Name the states of a payment that is cancelled."""
    return ["canceled", "rejected"] if company.features.memo else ["cancel"]


def payment_columns(company: Company) -> list[str]:
    """Name what is read of a payment."""
    columns = ["name", "amount", "currency_id", "date", "state", "payment_type", "partner_id", "journal_id", "move_id"]
    return [*columns, "is_reconciled", "reconciled_invoice_ids", text_field(company)]


def settled_invoice(external_id: str | None) -> int | None:
    """Read the move's id in ``invoice/<id>``."""
    found = _BY_HAND.fullmatch(external_id or "")
    return int(found[1]) if found else None


def payment_fields(row: Row) -> Fields:
    """Read a payment of Odoo's in the fields of a payment."""
    cents = cents_of(row["amount"])
    cents = cents if row["payment_type"] == "inbound" else -cents
    return {"currency": currency_of(row), "amount": cents, "paid_date": row["date"] or None}


def settles(row: Row, company: Company) -> bool:
    """Tell whether a payment is booked and matched, or (18 and later) has no entry that could be."""
    if row["state"] not in posted_states(company):
        return False
    return bool(row["is_reconciled"]) or not row["move_id"]


def payment_remote(row: Row, mark: str | None, company: Company, invoice: int | None = None) -> Remote:
    """Give a payment as it stands; ``invoice``: the move that it settles, or is to."""
    void = row["state"] in void_states(company)
    refs: Mapping[Any, str] = {"invoice": str(invoice)} if invoice else {}
    return Remote("payment", str(row["id"]), mark, None, payment_fields(row), void=void, refs=refs)
