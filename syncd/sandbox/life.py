"""Life goes on: changes to an account as a working day would bring them."""

import random
from datetime import UTC, datetime

from syncd.sandbox.account import Account
from syncd.sandbox.companies import company, phone, place_of
from syncd.sandbox.data import draft
from syncd.sandbox.records import Invoice, Json

OPEN = ("draft", "sent", "opened", "overdue")


def live(account: Account, seed: int = 1, share: float = 0.01) -> Json:
    """Change about `share` of the invoices and a few clients; return the ids of what happened.

    The answer has the keys `created`, `born_paid`, `edited`, `sent`, `opened`, `reminded`,
    `paid`, `overdue`, `cancelled`, `vanished`, `clients_created`, `clients_edited` and
    `clients_archived`, each with a list of ids; an invoice stands under one key only.
    """
    rng = random.Random(f"life {seed} {len(account.invoices)}")
    with account.lock:
        done: dict[str, list[str]] = {key: [] for key in KEYS}
        count = max(1, round(share * len(account.invoices)))
        _clients(account, rng, max(1, count // 5), done)
        pool = [x for status in OPEN for x in account.listed(status, "oldest")]
        fresh = min(count, max(1, count // 3, count - len(pool)))
        for invoice in rng.sample(pool, min(len(pool), count - fresh)):
            done[_step(account, rng, invoice)].append(invoice.id)
        for _ in range(fresh):
            _create(account, rng, done)
        return {key: ids for key, ids in done.items() if ids}


KEYS = (
    *("created", "born_paid", "edited", "sent", "opened", "reminded", "paid", "overdue"),
    *("cancelled", "vanished", "clients_created", "clients_edited", "clients_archived"),
)


def _step(account: Account, rng: random.Random, invoice: Invoice) -> str:
    """Take one open invoice one step on and say how it is now."""
    chance = rng.random()
    if invoice.status == "draft":
        return _draft_step(account, rng, invoice, chance)
    if chance < 0.55:
        account.happen(invoice.id, "paid")
        return "paid"
    if chance < 0.62:
        account.happen(invoice.id, "cancelled")
        return "cancelled"
    if invoice.status == "sent" and chance < 0.9:
        account.happen(invoice.id, "opened")
        return "opened"
    due = invoice.due_date or ""
    today = datetime.fromtimestamp(account.now(), UTC).date().isoformat()
    if invoice.status != "overdue" and due < today:
        invoice.status = "overdue"
        account.touched(invoice)
        return "overdue"
    account.happen(invoice.id, "reminder", channel="email")
    return "reminded"


def _draft_step(account: Account, rng: random.Random, invoice: Invoice, chance: float) -> str:
    if chance < 0.15:
        account.vanish(invoice.id)
        return "vanished"
    if chance < 0.30:
        like = draft(rng, account, account.clients[invoice.client_id], invoice.id, invoice.number, 0)
        invoice.lines, invoice.notes = like.lines, like.notes
        invoice.subtotal_cents, invoice.tax_cents = like.subtotal_cents, like.tax_cents
        invoice.total_cents = like.total_cents
        account.touched(invoice)
        return "edited"
    account.happen(invoice.id, "sent", channel="email")
    return "sent"


def _create(account: Account, rng: random.Random, done: dict[str, list[str]]) -> None:
    client = rng.choice(list(account.clients.values()))
    invoice_id, number = account.new_id("invoice"), account.next_number()
    account.added(draft(rng, account, client, invoice_id, number, account.now()))
    chance = rng.random()
    if chance < 0.5:
        account.happen(invoice_id, "sent", channel="email")
    if chance < 0.2:
        account.happen(invoice_id, "paid")
    done["born_paid" if chance < 0.2 else "created"].append(invoice_id)


def _clients(account: Account, rng: random.Random, count: int, done: dict[str, list[str]]) -> None:
    everybody = list(account.clients)
    for client_id in rng.sample(everybody, min(len(everybody), count)):
        client = account.clients[client_id]
        chance = rng.random()
        if chance < 0.15 and client["archived_at"] is None:
            account.archive_client(client_id)
            done["clients_archived"].append(client_id)
            continue
        place = place_of(client)
        client["phone"] = phone(rng, place)
        account.touched()
        done["clients_edited"].append(client_id)
    if rng.random() < 0.5 or not everybody:
        client = {**company(rng, account.seed, len(everybody)), "id": account.new_id("client")}
        account.clients[client["id"]] = client
        account.touched()
        done["clients_created"].append(client["id"])
