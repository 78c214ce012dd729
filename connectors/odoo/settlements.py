"""What settles an invoice in Odoo: whether it is to be paid, what paid it, and what is matched with what; pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, TypeVar

from connectors.odoo.payments import Due
from connectors.odoo.rows import PAID, Row, cents_of, currency_of, link
from syncd.connector import Fields, Rejected, Remote
from syncd.money import amount

MOVE_FIELDS: Final = (
    *("name", "state", "move_type", "currency_id", "commercial_partner_id"),
    *("amount_total", "amount_residual", "payment_state"),
)
"""What is read of an invoice (``account.move``) before it is settled."""

LINE_FIELDS: Final = (
    *("move_id", "payment_id", "account_id", "partner_id", "date", "date_maturity"),
    *("balance", "amount_currency", "currency_id"),
    *("amount_residual", "amount_residual_currency", "reconciled"),
)
"""What is read of a receivable line (``account.move.line``)."""

PARTIAL_FIELDS: Final = (
    *("debit_move_id", "credit_move_id", "debit_amount_currency", "credit_amount_currency"),
    "full_reconcile_id",
)
"""What is read of a match (``account.partial.reconcile``)."""

JOINED: Final = 100
"""Pairs that Odoo reconciles in one call, at about 60 ms each."""

T = TypeVar("T")

_KIND: Final = {"out_invoice": "customer invoice", "out_refund": "credit note"}
_UNUSUAL: Final = {
    "reversed": "is reversed by a credit note in Odoo, not paid; correct whichever side is wrong",
    "blocked": "is blocked for payment in Odoo; release it there, then retry",
    "invoicing_legacy": "comes from an older accounting system and cannot be settled in Odoo by a payment",
}


class Settlement(NamedTuple):
    """How an invoice is settled: by a payment of its own, or (``payment`` is ``None``) in any other way.

    ``amount``: cents in the invoice's currency, as far as it is settled, negative for a credit note. ``lines``: those
    that are matched with each other; ``full``: their full reconcile, 0 where they lack it; ``partial``: the one match
    that it is to be made of.
    """

    external_id: str
    payment: int | None
    amount: int
    paid_date: str
    partial: int | None = None
    lines: tuple[int, ...] = ()
    full: int = 0


class Match(NamedTuple):
    """One match of an invoice's receivable line with another entry's line; ``cents`` in the invoice's currency."""

    id: int
    lines: tuple[int, int]
    payment: int | None
    cents: int
    date: str
    full: int


def judge(move: Row | None, due: Due) -> Literal["open", "settled"] | Rejected:
    """Say whether an invoice as it stands is to be paid, is settled already, or neither."""
    if move is None:
        return Rejected(f"{due.label} no longer stands in Odoo (account.move {due.invoice}).")
    if unfit := _unfit(move, due):
        return Rejected(f"{due.label} {unfit}.")
    total, residual = cents_of(move["amount_total"]), cents_of(move["amount_residual"])
    if residual == 0 or move["payment_state"] in PAID:
        return "settled"
    if residual == total:
        return "open"
    return Rejected(
        f"{due.label} is settled in part in Odoo: {amount(residual)} of {amount(total)} {due.currency} is open; "
        "pay the rest there, or take that back, then retry."
    )


def _unfit(move: Row, due: Due) -> str | None:
    """Say what is wrong with an invoice, so that nothing can settle it."""
    if move["state"] != "posted":
        what = "cancelled" if move["state"] == "cancel" else "still a draft"
        return f"is {what} in Odoo; nothing is paid on it before it is posted there"
    kind = "out_refund" if due.amount < 0 else "out_invoice"
    if move["move_type"] != kind:
        return f"is no {_KIND[kind]} in Odoo, so {due.told} cannot settle it"
    if currency_of(move) != due.currency:
        return f"is in {currency_of(move)} in Odoo, so {due.told} cannot settle it"
    total = cents_of(move["amount_total"])
    if total != abs(due.amount):
        return f"has a total of {amount(total)} in Odoo, so {due.told} cannot settle it"
    return _UNUSUAL.get(move["payment_state"])


def settlement_of(move: Row, matches: Sequence[Match], payments: Mapping[int, Row]) -> Settlement:
    """Say how a settled invoice was; a payment is its own when it is the only match, and of the invoice's total."""
    sign = -1 if move["move_type"] == "out_refund" else 1
    total, residual = cents_of(move["amount_total"]), cents_of(move["amount_residual"])
    day = max((match.date for match in matches), default="")
    real = [match for match in matches if match.cents]
    own = payments.get(real[0].payment or 0) if len(real) == 1 else None
    if own and cents_of(own["amount"]) == total == real[0].cents and own["currency_id"] == move["currency_id"]:
        only = real[0] if len(matches) == 1 and not real[0].full and residual == 0 else None
        partial = only.id if only else None
        return Settlement(str(own["id"]), int(own["id"]), sign * total, day, partial, real[0].lines, real[0].full)
    return Settlement(f"invoice/{move['id']}", None, sign * total, day)


def settlement_remote(move: Row, settlement: Settlement) -> Remote:
    """Give an invoice's settlement that is no payment of its own."""
    fields: Fields = {"currency": currency_of(move), "amount": settlement.amount, "paid_date": settlement.paid_date}
    return Remote("payment", settlement.external_id, None, None, fields, refs={"invoice": str(move["id"])})


def strangers(due: Due, partner: int, payments: Iterable[Row], partners: Mapping[int, int]) -> list[Row]:
    """Pick payments that a person registered and did not match, and that are of the amount, currency and client.

    ``payments``: booked, unmatched, none of syncd's; ``partners``: a partner's id → its firm's.
    """
    direction = "inbound" if due.amount > 0 else "outbound"
    return [
        row
        for row in payments
        if row["payment_type"] == direction
        and cents_of(row["amount"]) == abs(due.amount)
        and currency_of(row) == due.currency
        and partners.get(link(row["partner_id"]), link(row["partner_id"])) == partner
    ]


def names_invoice(text: Any, number: str) -> bool:
    """Tell whether a payment's text holds the invoice's number as a word of its own."""
    return bool(number) and bool(re.search(rf"(?<![\w-]){re.escape(number)}(?![\w-])", str(text or "")))


def chosen(due: Due, found: Sequence[Row], text: str) -> Row | Rejected | None:
    """Take the one unmatched payment that names the invoice; where that is not clear, leave it to a person.

    ``text``: the name of the field that holds a payment's text.
    """
    named = [row for row in found if names_invoice(row[text], due.number)]
    if len(named) == 1:
        return named[0]
    if not found:
        return None
    which = ", ".join(str(row["name"] or row["id"]) for row in named or found)
    return Rejected(
        f"Odoo holds unmatched payments of this client over {due.told} ({which}), any of which may be the one of "
        f"{due.label}; match it there, or write the invoice's number into it, then retry."
    )


class Joint(NamedTuple):
    """What tells which pairs Odoo can reconcile in one call.

    ``account``: one for all of a call. ``kind``: client and currency, each of which Odoo takes by itself. ``days``: of
    the debit and of the credit line, by which it puts those of one kind in order before it matches them.
    """

    account: int
    kind: tuple[int, int]
    days: tuple[str, str]


class Pair(NamedTuple):
    """How the receivable lines of an invoice and of its payment are matched.

    ``row``: of ``account.partial.reconcile.load``, where the amounts agree in both currencies. ``lines``: for
    ``reconcile``, which books the exchange difference. ``joint``: where it may do other pairs in the same call.
    """

    row: list[str] | None
    lines: list[int]
    joint: Joint | None = None


def pair(due: Due, invoice: Sequence[Row], payment: Sequence[Row]) -> Pair | Rejected:
    """Say how the open receivable lines of an invoice are matched with the line of its payment."""
    if len(payment) != 1 or payment[0]["reconciled"]:
        return Rejected(f"the payment of {due.label} is matched with something else in Odoo; look at it there.")
    one, other = invoice[0], payment[0]
    if any(line["account_id"] != other["account_id"] for line in invoice):
        return Rejected(f"{due.label} and its client's payments are on different receivable accounts in Odoo.")
    lines = [int(line["id"]) for line in (*invoice, other)]
    if len(invoice) > 1 or one["currency_id"] != other["currency_id"] or not _agree(one, other, "amount_currency"):
        return Pair(None, lines)
    debit, credit = (one, other) if one["amount_currency"] > 0 else (other, one)
    joint = _joint(debit, credit)
    if not _agree(one, other, "balance"):
        return Pair(None, lines, joint)
    sums = [abs(one["balance"]), abs(debit["amount_currency"]), abs(credit["amount_currency"])]
    name = f"syncd.match-{link(other['payment_id'])}-{due.invoice}"
    row = [name, str(debit["id"]), str(credit["id"]), *(amount(cents_of(value)) for value in sums)]
    return Pair(row, lines, joint)


PAIR_FIELDS: Final = (
    *("id", "debit_move_id/.id", "credit_move_id/.id", "amount"),
    *("debit_amount_currency", "credit_amount_currency"),
)
"""The columns of ``pair``'s rows. The external id keeps two who match the same at once from doing it twice."""


_RESIDUAL: Final = {"balance": "amount_residual", "amount_currency": "amount_residual_currency"}


def _agree(one: Row, other: Row, whole: Literal["balance", "amount_currency"]) -> bool:
    """Tell whether two lines, both wholly open, cancel each other out in one currency.

    The company's may be 0.00: a cent of a smaller currency, which Odoo 14 cannot reconcile in any other way.
    """
    mine, theirs, rest = cents_of(one[whole]), cents_of(other[whole]), _RESIDUAL[whole]
    if whole == "amount_currency" and not mine:
        return False
    return mine == -theirs and cents_of(one[rest]) == mine and cents_of(other[rest]) == theirs


def _joint(debit: Row, credit: Row) -> Joint | None:
    """Say with what a pair may be reconciled; ``None``: by itself, for Odoo would not know its lines for a pair."""
    if debit["partner_id"] != credit["partner_id"] or not (debit["balance"] > 0 > credit["balance"]):
        return None
    if any(line["balance"] != line["amount_residual"] for line in (debit, credit)):
        return None
    days = [str(line["date_maturity"] or line["date"]) for line in (debit, credit)]
    kind = (link(debit["partner_id"]), link(debit["currency_id"]))
    return Joint(link(debit["account_id"]), kind, (days[0], days[1]))


def together(items: Iterable[T], joint: Callable[[T], Joint | None], most: int = JOINED) -> list[list[T]]:
    """Put pairs into as few calls as will do, so that Odoo cannot but match each with its own.

    Of one client and currency it matches the earliest debit line with the earliest credit line, and so on: so each
    later pair of a call has to be later on both sides.
    """
    calls: list[list[T]] = []
    last: list[dict[tuple[int, tuple[int, int]], tuple[str, str]]] = []
    known = [(item, found) for item in items if (found := joint(item))]
    for item, found in sorted(known, key=lambda one: (one[1].account, one[1].days)):
        key = (found.account, found.kind)
        for call, ends in zip(calls, last, strict=True):
            before = ends.get(key, ("", ""))
            same_account = not ends or next(iter(ends))[0] == found.account
            if same_account and len(call) < most and all(a < b for a, b in zip(before, found.days, strict=True)):
                call.append(item)
                ends[key] = found.days
                break
        else:
            calls.append([item])
            last.append({key: found.days})
    return calls


def knots(pairs: Sequence[Sequence[int]], partials: Iterable[Row]) -> list[tuple[list[int], list[int]] | None]:
    """Give for each pair of lines its matches, and all lines they join (the exchange difference's, too).

    ``None``: its lines are not matched with each other, or with those of another pair.
    """
    place = {line: number for number, lines in enumerate(pairs) for line in lines}
    matches: list[list[int]] = [[] for _ in pairs]
    lines = [list(one) for one in pairs]
    matched, mixed = set[int](), set[int]()
    for row in partials:
        ends = (link(row["debit_move_id"]), link(row["credit_move_id"]))
        found = [place[line] for line in ends if line in place]
        if len(set(found)) > 1:
            mixed |= set(found)
        elif len(found) > 1:
            matched.add(found[0])
        for number in set(found):
            matches[number].append(int(row["id"]))
            lines[number] += [line for line in ends if line not in lines[number]]
    whole = matched - mixed
    return [(matches[number], lines[number]) if number in whole else None for number in range(len(pairs))]


def matches_of(partials: Iterable[Row], lines: Mapping[int, Row], moves: Collection[int]) -> dict[int, list[Match]]:
    """Put matches to the invoices whose lines they settle."""
    found: dict[int, list[Match]] = {}
    for row in partials:
        debit, credit = link(row["debit_move_id"]), link(row["credit_move_id"])
        for own, other, side in ((debit, credit, "debit"), (credit, debit, "credit")):
            move = link(lines[own]["move_id"]) if own in lines else 0
            if move in moves and other in lines:
                there, cents = lines[other], cents_of(row[f"{side}_amount_currency"])
                payment, full = link(there["payment_id"]) or None, link(row["full_reconcile_id"])
                match = Match(int(row["id"]), (own, other), payment, cents, str(there["date"]), full)
                found.setdefault(move, []).append(match)
    return found
