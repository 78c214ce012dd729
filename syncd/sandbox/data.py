"""A made-up account from a seed: clients, invoices from draft to cancelled, and their timelines."""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

from syncd.sandbox.account import Account
from syncd.sandbox.companies import company, place_of
from syncd.sandbox.records import Event, Invoice, Json, Rounding, lines_json, make_id, totals

DAY = 86_400
SPAN = 400 * DAY  # how far back the history reaches

WORK = (
    *(
        "Consulting",
        "Rådgivning",
        "Redesign av nettside",
        "Conseil en organisation",
        "Måleriarbete",
    ),
    *(
        "Timer i mars, 37,5 t",
        "Travel expenses",
        "Entretien annuel",
        "Support; monthly fee",
        "Frakt",
    ),
    *("Møbler til møterom", "Bokföring", "Pain au levain · 40 pièces", "Print run, 500 copies"),
)
AWKWARD_WORK = (
    *("=SUM(A1:A9)", "'quoted", "-10% rabatt", "+47 option", "@mention", '5" pipe, "galvanised"'),
    *("First line\nsecond line", "a;b;c", "Tab\there", "Größe: 10 €", "=cmd|' /C calc'!A0"),
    *("", "Ünïcödé ✓ 𝄞", " leading space", "1e5", "0012"),
)
NOTES = (None, None, None, "Takk for handelen!", "Merci de votre confiance.", "PO 4711; see mail")
UNITS = (9900, 50000, 12550, 79, 4999, 125000, 33333, 1, 8995, 29990)


def made_up(
    seed: int = 1,
    *,
    clients: int = 20,
    invoices: int = 60,
    today: date | None = None,
    rounding: Rounding = "rate",
) -> Account:
    """Return an account that is always the same for these arguments.

    `today` (default: this day) is when the history ends. `rounding` is how the account rounds
    the tax of its invoices, half up.
    """
    rng = random.Random(f"made-up {seed}")
    account = Account(business_of(), rounding=rounding, seed=seed)
    now = int(datetime.combine(today or datetime.now(UTC).date(), datetime.min.time(), UTC).timestamp())
    for number in range(clients):
        client = company(rng, seed, number)
        if rng.random() < 0.05:
            client["archived_at"] = _iso(now - rng.randrange(200) * DAY)
        account.clients[client["id"]] = client
    moments = sorted(now - int(rng.random() ** 1.2 * SPAN) - 3600 for _ in range(invoices))
    everybody = list(account.clients.values())
    for number, moment in enumerate(moments if everybody else ()):
        made = _invoice(rng, account, rng.choice(everybody), number, moment)
        _lived(rng, made, now)
        account.invoices[made.id] = made
    account.touched()
    for made in account.invoices.values():
        made.modified = account.modified
    return account


def business_of() -> Json:
    """Return the profile of the company whose account this is."""
    return {
        "name": "Nordlys Håndverk AS",
        "email": "post@nordlys.example",
        "phone": "+4722334455",
        "address": "Storgata 1, 0155 Oslo",
        "country": "NO",
        "currency": "NOK",
        "timezone": "Europe/Oslo",
        "vat_number": "NO999888777MVA",
        "locale": "nb",
    }


def lines_of(rng: random.Random, rates: tuple[int, ...]) -> list[Json]:
    """Return one to six lines: mostly one rate, now and then several; odd quantities and text."""
    mixed = rng.random() < 0.3
    rate = rng.choice(rates[:1] * 4 + rates)
    lines: list[Json] = []
    for _ in range(rng.choice((1, 1, 2, 2, 3, 4, 6))):
        quantity: Any = rng.choice((1, 1, 1, 2, 3, 7, 12, 37.5, 0.25, 1.75))
        lines.append(
            {
                "description": rng.choice(AWKWARD_WORK if rng.random() < 0.08 else WORK),
                "quantity": quantity,
                "unit_price_cents": rng.choice((*UNITS, rng.randint(100, 90000))),
                "tax_rate": rng.choice(rates) if mixed else rate,
            }
        )
    if rng.random() < 0.06:  # a discount
        lines.append({**lines[0], "description": "Rabatt", "quantity": -1, "unit_price_cents": 50})
    return lines


def draft(rng: random.Random, account: Account, client: Json, invoice_id: str, number: str, at: int) -> Invoice:
    """Return a draft for `client` made at the moment `at`; one in twenty-five is a credit."""
    place = place_of(client)
    lines = lines_of(rng, place.rates)
    if rng.random() < 0.04:
        lines = [{**line, "quantity": -line["quantity"]} for line in lines]
    subtotal, tax, total = totals(lines, account.rounding)
    due = datetime.fromtimestamp(at, UTC).date() + timedelta(days=rng.choice((10, 14, 30, 30, 45)))
    return Invoice(
        id=invoice_id,
        number=number,
        client_id=client["id"],
        currency=place.currency,
        subtotal_cents=subtotal,
        tax_cents=tax,
        total_cents=total,
        status="draft",
        due_date=None if rng.random() < 0.03 else due.isoformat(),
        created=at,
        issued=None,
        paid=None,
        notes=rng.choice(AWKWARD_WORK) if rng.random() < 0.03 else rng.choice(NOTES),
        lines=lines_json(lines),
        events=(Event("created", at),),
    )


def _invoice(rng: random.Random, account: Account, client: Json, number: int, at: int) -> Invoice:
    year = datetime.fromtimestamp(at, UTC).year
    invoice_id = make_id(account.seed, "invoice", number)
    return draft(rng, account, client, invoice_id, f"{year}-{number + 1:05d}", at)


def _lived(rng: random.Random, invoice: Invoice, now: int) -> None:
    """Let the invoice live from its creation until now."""
    age = (now - invoice.created) // DAY
    if rng.random() < (0.4 if age < 10 else 0.02):
        return
    at = invoice.created + rng.randint(60, 3000)
    events = [*invoice.events, Event("sent", at, rng.choice(("email", "email", "sms", "link")))]
    invoice.issued, invoice.status = at, "sent"
    if rng.random() < 0.7 and (seen := at + rng.randint(600, 2 * DAY)) < now:
        events.append(Event("opened", seen))
        invoice.status, at = "opened", seen
    overdue = invoice.due_date is not None and invoice.due_date < _iso(now)[:10]
    if overdue and rng.random() < 0.35:
        at = max(at, min(now - 60, at + 25 * DAY))
        events.append(Event("reminder", at, "email"))
    end = at + rng.randint(3600, 20 * DAY)
    fate = rng.random()
    if end < now and fate < 0.86:
        events.append(Event("paid", end))
        invoice.status, invoice.paid = "paid", end
    elif end < now and fate < 0.90:
        events.append(Event("cancelled", end))
        invoice.status = "cancelled"
    elif overdue:
        invoice.status = "overdue"
    invoice.events = tuple(events)


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
