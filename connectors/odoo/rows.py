"""What a row of Odoo says: links, amounts, currencies, whose record it is, how far an invoice is paid; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from syncd.connector import Kind
from syncd.money import half_up

Row = Mapping[str, Any]
"""A record as Odoo shows it: field → value, false where it is empty."""

SALES: Final = ("out_invoice", "out_refund")
"""The types (``move_type``) of what is sold: invoices and credit notes."""

PAID: Final = ("paid", "in_payment")
"""The payment states of an invoice on which nothing is left to pay; a zero total is ``paid``, too."""

_UNPAID: Final = ("not_paid", "blocked", False, None)
_OURS: Final = re.compile(r"syncd\.(ff-([cip])-[0-9a-z]+)(?:-[0-9a-z]{8})?")
_CREDIT: Final = re.compile(r"syncd\.ff-i-[0-9a-f]+-[0-9a-z]{8}-r")


def mark_of(kind: Kind, external_id: str | None) -> str | None:
    """Read the mark in an external id, or ``None`` where syncd made no record of this kind by it."""
    found = _OURS.fullmatch(external_id or "")
    return found[1] if found and found[2] == kind[0] else None


def is_credit(external_id: str | None) -> bool:
    """Tell whether an external id is that of a credit note with which syncd reversed an invoice."""
    return bool(_CREDIT.fullmatch(external_id or ""))


def link(value: Any) -> int:
    """Read the id in a link to one record, ``[id, name]`` or false; 0 where there is none."""
    if isinstance(value, list | tuple):
        value = value[0] if value else 0
    return int(value) if isinstance(value, int) else 0


def decimal(value: Any) -> Decimal:
    """Read a number of Odoo's, which are binary fractions in JSON, as the decimal it stands for; false is 0."""
    return Decimal(str(value or 0))


def cents_of(value: Any) -> int:
    """Read an amount as cents."""
    return half_up(decimal(value) * 100)


def currency_of(row: Row) -> str | None:
    """Read the ISO code of a record's currency, by which Odoo calls it."""
    value = row.get("currency_id")
    return str(value[1]) if isinstance(value, list | tuple) and len(value) > 1 else None


def anything_paid(move: Row) -> bool:
    """Tell whether anything was paid on a posted invoice of some amount."""
    if move.get("state") != "posted" or not decimal(move.get("amount_total")):
        return False
    open_ = decimal(move.get("amount_residual")) == decimal(move.get("amount_total"))
    return not open_ or move.get("payment_state") not in _UNPAID


def nothing_left(move: Row) -> bool:
    """Tell whether nothing is left to pay on a posted invoice of some amount."""
    return move["state"] == "posted" and bool(cents_of(move["amount_total"])) and move["payment_state"] in PAID


def settled_by(move: Row) -> str:
    """Say how far an invoice is settled on which something was paid or credited; the row does not tell by which."""
    whole = nothing_left(move) or not decimal(move.get("amount_residual"))
    if not whole:
        return "a part of it is paid or credited in Odoo"
    return (
        "it is set off against a credit note in Odoo" if move["payment_state"] == "reversed" else "it is paid in Odoo"
    )


def paid_cents(move: Row) -> int:
    """Read how much was paid on an invoice; negative on a credit note.

    A payment without an entry (18 and later) leaves all of it open, though it is ``in_payment``.
    """
    if not anything_paid(move):
        return 0
    open_ = 0 if move.get("payment_state") in PAID else decimal(move.get("amount_residual"))
    cents = int((decimal(move.get("amount_total")) - open_) * 100)
    return -cents if move.get("move_type") == "out_refund" else cents
