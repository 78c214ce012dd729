"""An account loaded from a CSV of invoice lines in the layout of UCI's *Online Retail*.

Columns: InvoiceNo, StockCode, Description, Quantity, InvoiceDate (Europe/London local time),
UnitPrice (rounded half up to cents), CustomerID (may be empty), Country; plain or xz-compressed.
What the file lacks is added from a fixed seed and is an invention: VAT, currencies (amounts are
relabelled, not converted), due dates, statuses, events, payments and contact details.

Data set: Chen, D. (2015). Online Retail. UCI Machine Learning Repository, 352.
https://doi.org/10.24432/C5BW33 (CC BY 4.0).
"""

import csv
import lzma
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TextIO
from zlib import crc32
from zoneinfo import ZoneInfo

import orjson

from syncd.sandbox.account import Account
from syncd.sandbox.markets import Market, market_of
from syncd.sandbox.records import Event, Invoice, Json, Rounding, make_id, tax_cents, whole

DAY = 86_400
REPEAT_DAYS = 378  # the file spans 374 days; whole weeks keep the weekdays
LONDON = ZoneInfo("Europe/London")
HEADER = [
    *("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice"),
    *("CustomerID", "Country"),
]


class BadFile(ValueError):
    """The file is not in the layout; the message says where."""


@dataclass(slots=True)
class Sheet:
    """One invoice of the file: its lines as JSON texts, and (net in cents, rate) of each."""

    number: str
    customer: str
    country: str
    date: str
    market: Market
    lines: list[str] = field(default_factory=list)
    nets: list[tuple[int, int]] = field(default_factory=list)


def load(
    path: Path,
    *,
    limit: int | None = None,
    multiply: int = 1,
    open_share: float = 0.03,
    cancelled_share: float = 0.01,
    seed: int = 1,
    rounding: Rounding = "rate",
) -> Account:
    """Return an account with the first `limit` invoices of the file, all of them by default.

    `multiply` repeats the history, each repetition 378 days earlier than the one before, with
    other ids and with numbers ending in `-1`, `-2`, …; the clients stay the same. `open_share`
    of the invoices of the newest repetition are open (drawn from its newest third); everything
    older is settled: paid, or cancelled (`cancelled_share`). There are no drafts. Raise BadFile.
    """
    account = Account(business_of(), rounding=rounding, seed=seed)
    base = []
    for sheet in sheets(path, limit, seed):
        client = _client(account, sheet)
        base.append(_invoice(sheet, client["id"], seed, rounding))
    base.sort(key=lambda item: item.created)
    for back in range(multiply - 1, 0, -1):
        rng = random.Random(f"retail {seed} {back}")
        for item in base:
            _settle(rng, account, _repeated(item, back, seed), cancelled_share)
    _newest(random.Random(f"retail {seed}"), account, base, open_share, cancelled_share)
    account.touched()
    for item in account.invoices.values():
        item.modified = account.modified
    return account


def business_of() -> Json:
    """Return the profile of the company."""
    return {
        "name": "Online Retail (sandbox) Ltd",
        "email": "office@online-retail.example",
        "country": "GB",
        "currency": "GBP",
        "timezone": "Europe/London",
    }


def sheets(path: Path, limit: int | None, seed: int) -> Iterator[Sheet]:
    """Yield the file's invoices in the order of their first lines, a day at a time."""
    opened = lzma.open if path.suffix == ".xz" else open
    try:
        with opened(path, "rt", encoding="utf-8", newline="") as file:
            yield from _sheets(file, limit, seed)
    except (UnicodeDecodeError, csv.Error, lzma.LZMAError, EOFError) as error:
        raise BadFile(f"{path}: {error}") from error


def _sheets(file: TextIO, limit: int | None, seed: int) -> Iterator[Sheet]:
    rows = csv.reader(file)
    if (header := next(rows, [])) != HEADER:
        raise BadFile(f"line 1: expected {','.join(HEADER)}, found {','.join(header)[:200]}")
    writer = LineWriter(seed)
    today: dict[str, Sheet] = {}
    given, day = 0, ""
    for row in rows:
        try:
            number, stock, description, quantity, date, price, customer, country = row
            if date[:10] != day:
                yield from today.values()
                given += len(today)
                today, day = {}, date[:10]
                if given == limit:
                    return
            sheet = today.get(number)
            if sheet is None:
                if given + len(today) == limit:
                    continue  # lines of invoices already begun may still come this day
                sheet = Sheet(number, customer, country, date, market_of(country))
                today[number] = sheet
            writer.write(sheet, stock, description, int(quantity), price)
        except (ValueError, ArithmeticError) as error:
            raise BadFile(f"line {rows.line_num}: {error}") from error
    yield from today.values()


class LineWriter:
    """Writes lines as JSON text; remembers texts, prices and rates, which repeat by thousands."""

    def __init__(self, seed: int) -> None:
        """Choose rates from `seed`."""
        self._seed = seed
        self._texts: dict[str, str] = {}
        self._prices: dict[str, int] = {}
        self._rates: dict[tuple[Market, str], int] = {}

    def write(self, sheet: Sheet, stock: str, description: str, quantity: int, price: str) -> None:
        """Add one line to the sheet; an empty description becomes the stock code."""
        description = description or stock
        text = self._texts.get(description)
        if text is None:
            text = self._texts[description] = orjson.dumps(description).decode()
        cents = self._prices.get(price)
        if cents is None:
            cents = self._prices[price] = whole(Decimal(price) * 100)
        rate = self._rates.get((sheet.market, stock))
        if rate is None:
            rate = self._rates[sheet.market, stock] = self._rate(sheet.market, stock)
        sheet.lines.append(
            f'{{"description":{text},"quantity":{quantity},"unit_price_cents":{cents},"tax_rate":{rate}}}'
        )
        sheet.nets.append((quantity * cents, rate))

    def _rate(self, market: Market, stock: str) -> int:
        """Return the rate: 8 % of the articles count as print, 6 % as food, the rest standard."""
        share = crc32(f"{self._seed} {stock}".encode()) % 100 if stock[:1].isdigit() else 99
        return market.print_rate if share < 8 else market.food_rate if share < 14 else market.rate


def _client(account: Account, sheet: Sheet) -> Json:
    client_id = make_id(account.seed, "retail client", sheet.customer, sheet.country)
    if client_id not in account.clients:
        code = sheet.market.code
        known = sheet.customer
        account.clients[client_id] = {
            "id": client_id,
            "name": f"Customer {known}" if known else f"Unknown customer ({sheet.country})",
            "email": f"{known}.{(code or 'xx').lower()}@example.com" if known else None,
            "phone": f"+4420794{known}" if known else None,
            "address": f"{crc32(known.encode()) % 200 + 1} Trade Street, {sheet.country}" if known else None,
            "country": code,
            "locale": sheet.market.locale,
            "external_id": None,
            "tags": [sheet.country],
            "archived_at": None,
        }
    return account.clients[client_id]


def _invoice(sheet: Sheet, client_id: str, seed: int, rounding: Rounding) -> Invoice:
    issued = int(datetime.fromisoformat(sheet.date).replace(tzinfo=LONDON).timestamp())
    subtotal = sum(net for net, _ in sheet.nets)
    tax = tax_cents(sheet.nets, rounding)
    return Invoice(
        id=make_id(seed, "retail", sheet.number),
        number=sheet.number,
        client_id=client_id,
        currency=sheet.market.currency,
        subtotal_cents=subtotal,
        tax_cents=tax,
        total_cents=subtotal + tax,
        status="sent",
        due_date=_due(sheet.date),
        created=issued - 120,
        issued=issued,
        paid=None,
        notes=None,
        lines=f"[{','.join(sheet.lines)}]".encode(),
        events=(),
    )


def _repeated(item: Invoice, back: int, seed: int) -> Invoice:
    shift = back * REPEAT_DAYS
    issued = (item.issued or 0) - shift * DAY
    return Invoice(
        make_id(seed, "retail", item.number, back),
        f"{item.number}-{back}",
        item.client_id,
        item.currency,
        item.subtotal_cents,
        item.tax_cents,
        item.total_cents,
        "sent",
        _due(datetime.fromtimestamp(issued, UTC).date().isoformat()),
        issued - 120,
        issued,
        None,
        None,
        item.lines,
        (),
    )


def _newest(rng: random.Random, account: Account, base: list[Invoice], open_share: float, cancelled: float) -> None:
    """Add the newest repetition, with its open invoices."""
    wanted = round(open_share * len(base))
    able = [item.id for item in base[-max(wanted * 2, len(base) // 3) :] if item.total_cents > 0]
    chosen = set(rng.sample(able, min(wanted, len(able))))
    end = base[-1].created if base else 0
    for item in base:
        if item.id in chosen:
            _leave_open(rng, item, datetime.fromtimestamp(end, UTC).date().isoformat())
            account.invoices[item.id] = item
        else:
            _settle(rng, account, item, cancelled)


def _leave_open(rng: random.Random, item: Invoice, today: str) -> None:
    item.events = _sent(rng, item)
    seen = len(item.events) > 2
    overdue = (item.due_date or "") < today
    item.status = "overdue" if overdue else "opened" if seen else "sent"


def _settle(rng: random.Random, account: Account, item: Invoice, cancelled: float) -> None:
    events, issued = _sent(rng, item), item.issued or 0
    owed = item.total_cents > 0
    days = rng.choice((1, 3, 7, 14, 21, 28, 30, 31, 38)) if owed else 1
    at = issued + days * DAY + rng.randrange(DAY)
    if days > 30:
        events = (*events, Event("reminder", issued + 31 * DAY, "email"))
        at += 2 * DAY
    if owed and rng.random() < cancelled:
        item.status = "cancelled"
        item.events = (*events, Event("cancelled", at))
    else:
        item.status, item.paid = "paid", at
        item.events = (*events, Event("paid", at))
    account.invoices[item.id] = item


def _sent(rng: random.Random, item: Invoice) -> tuple[Event, ...]:
    issued = item.issued or 0
    first = (Event("created", item.created), Event("sent", issued, "email"))
    return (*first, Event("opened", issued + rng.randrange(600, DAY))) if rng.random() < 0.6 else first


def _due(date: str) -> str:
    return (datetime.fromisoformat(date[:10]) + timedelta(days=30)).date().isoformat()
