"""What the sandbox stores: invoices kept small, their events, and the arithmetic of totals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from typing import Any, Literal, NamedTuple, TypeAlias

import orjson

Json: TypeAlias = dict[str, Any]
Number: TypeAlias = int | Decimal
Rounding = Literal["rate", "rate_unrounded", "line", "total"]

CURRENCIES = ("EUR", "USD", "GBP", "NOK", "SEK", "DKK")
LOCALES = ("fr", "en", "nb", "sv")
STATUSES = ("draft", "sent", "opened", "paid", "overdue", "cancelled")
MOST_CENTS = 2**53 - 1  # whole numbers beyond it are not exact in every JSON
LINE_FIELDS = ("description", "quantity", "unit_price_cents", "tax_rate")


class Event(NamedTuple):
    """One entry of a timeline: what happened, when (epoch seconds) and by which channel."""

    kind: str
    at: int
    channel: str | None = None


@dataclass(slots=True)
class Invoice:
    """One invoice. `lines` is its finished JSON array; times are epoch seconds.

    `raw` lies over the fields when they are answered: malformed values, unknown fields.
    `removed` names fields that are left out of the answers. `modified` counts up with time.
    """

    id: str
    number: str
    client_id: str
    currency: str
    subtotal_cents: int
    tax_cents: int
    total_cents: int
    status: str
    due_date: str | None
    created: int
    issued: int | None
    paid: int | None
    notes: str | None
    lines: bytes
    events: tuple[Event, ...]
    modified: int = 0
    raw: Json | None = None
    removed: tuple[str, ...] = ()


def make_id(*parts: object) -> str:
    """Return the UUID (version 4 in form) that always belongs to these parts."""
    text = "\0".join(map(str, parts)).encode()
    hexed = blake2b(text, digest_size=16).hexdigest()
    return f"{hexed[:8]}-{hexed[8:12]}-4{hexed[13:16]}-a{hexed[17:20]}-{hexed[20:]}"


def hundredth(amount: Number) -> int:
    """Return a hundredth of `amount`, rounded half up (away from zero)."""
    size = amount if amount >= 0 else -amount
    cents = int((size + 50) // 100)
    return cents if amount >= 0 else -cents


def whole(amount: Number) -> int:
    """Return `amount` rounded half up (away from zero)."""
    return hundredth(amount * 100)


def tax_cents(nets: Iterable[tuple[Number, Number]], rounding: Rounding) -> int:
    """Return the tax in cents of lines given as (net in cents, rate in percent).

    `rate`: for each rate once, on the sum of the rounded lines (EN 16931); `rate_unrounded`: the
    same on unrounded lines; `line`: on each line; `total`: once on the whole. Half up.
    """
    if rounding == "line":
        return sum(hundredth(net * rate) for net, rate in nets)
    if rounding == "total":
        products: list[Number] = [net * rate for net, rate in nets]
        return hundredth(sum(products, 0))
    sums: dict[Number, Number] = {}
    for net, rate in nets:
        sums[rate] = sums.get(rate, 0) + (whole(net) if rounding == "rate" else net)
    return sum(hundredth(net * rate) for rate, net in sums.items())


def totals(lines: Sequence[Mapping[str, Any]], rounding: Rounding) -> tuple[int, int, int]:
    """Return subtotal, tax and total in cents of `lines` (documented InvoiceLine objects).

    Raise OverflowError where one of them is beyond `MOST_CENTS`.
    """
    nets = [(_exact(line["quantity"]) * line["unit_price_cents"], _exact(line["tax_rate"])) for line in lines]
    try:
        subtotal = sum(whole(net) for net, _ in nets)
        tax = tax_cents(nets, rounding)
    except InvalidOperation:
        raise OverflowError("more digits than are reckoned with") from None
    if max(abs(subtotal), abs(tax), abs(subtotal + tax)) > MOST_CENTS:
        raise OverflowError(f"more than {MOST_CENTS} cents")
    return subtotal, tax, subtotal + tax


def lines_json(lines: Iterable[Mapping[str, Any]]) -> bytes:
    """Return `lines` as they are answered: the four documented fields of each."""
    return orjson.dumps([{name: line[name] for name in LINE_FIELDS} for line in lines])


def _exact(value: float) -> Number:
    return value if isinstance(value, int) else Decimal(str(value))
