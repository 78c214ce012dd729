"""One small company at two moments: what it invoiced at first, and what became of it. Always the same."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from syncd.sandbox.account import Account
from syncd.sandbox.change import insert, patch_client, patch_invoice
from syncd.sandbox.data import made_up

SEED = 5
TODAY = date(2026, 6, 1)
START = int(datetime(2026, 3, 2, 22, 30, tzinfo=UTC).timestamp())
"""Half past eleven in the evening in Oslo: a date is not the date of its time in UTC, later in the year."""
DAY = 86_400


def first() -> Account:
    """The account before the first run: every status, a credit, a total of zero."""
    account = made_up(SEED, clients=8, invoices=0, today=TODAY)
    for client, status, cents, quantity in FIRST:
        _invoice(account, client, status, cents, quantity)
    return account


FIRST = (
    *((0, "sent", 50_000, 1), (1, "sent", 12_345, 3), (2, "opened", 9_900, 1), (3, "overdue", 33_333, 2)),
    *((0, "paid", 125_000, 1), (4, "paid", 79, 7), (1, "paid", 50_000, -1), (2, "paid", 0, 1)),
    *((3, "draft", 4_999, 4), (4, "cancelled", 8_995, 1), (5, "sent", 29_990, 2), (5, "paid", 10_001, 1)),
)


def later() -> Account:
    """The same account before the second run.

    Two invoices were paid, one cancelled, one is no longer paid, a draft was sent; a due date, notes and a client's
    name and e-mail changed; one invoice and one that was born paid are new, for clients without any so far.
    """
    account = first()
    ids = list(account.invoices)
    clients = list(account.clients)
    account.clock = lambda: float(START + 60 * DAY)
    patch_invoice(account, ids[0], {"due_date": "2026-12-24", "notes": "Later, please."})
    patch_invoice(account, ids[1], {"_happened": "paid"})
    patch_invoice(account, ids[2], {"_happened": "cancelled"})
    patch_invoice(account, ids[3], {"_happened": "paid"})
    patch_invoice(account, ids[4], {"status": "sent"})
    patch_invoice(account, ids[8], {"_happened": "sent"})
    patch_client(account, clients[5], {"name": "=Renamed & Søn", "email": "new@renamed.example"})
    _invoice(account, 6, "sent", 77_700, 1)
    _invoice(account, 7, "paid", 20_000, 1)
    return account


def _invoice(account: Account, client: int, status: str, cents: int, quantity: int) -> None:
    place = len(account.invoices)
    at = START + place * 4 * DAY
    account.clock = lambda: float(at)
    fields: dict[str, Any] = {
        "client_id": list(account.clients)[client],
        "status": status,
        "due_date": datetime.fromtimestamp(at + 14 * DAY, UTC).date().isoformat(),
        "lines": [
            {"description": f"Work {place}", "quantity": quantity, "unit_price_cents": cents, "tax_rate": 25},
            {"description": '=1+1; "more"', "quantity": quantity, "unit_price_cents": cents // 7, "tax_rate": 12},
        ],
    }
    insert(account, fields)
