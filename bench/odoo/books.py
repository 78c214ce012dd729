"""The books of one run: an Odoo database prepared for it, payloads for the naive client, and what stands in the end."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import orjson

from bench.account import Account
from bench.odoo.proxy import Proxy
from bench.odoo.server import Server
from connectors.odoo import narration
from tests.odoo import place
from tests.odoo.office import cents, give_rates, prepare

Json = dict[str, Any]

BOOKED = ("sent", "opened", "overdue", "paid")
LANGUAGES = {"en": "en_US", "fr": "fr_FR", "nb": "nb_NO", "sv": "sv_SE"}

SETTINGS = """\
[syncd]
state = "sqlite:///{folder}/state.db"
log_level = "error"

[source.shop]
api_key = {{ env = "BENCH_KEY" }}
base_url = "{source}"

[target.books]
connector = "odoo"
url = "{url}"
database = "{database}"
user = "sync"
api_key = {{ env = "BENCH_ODOO_KEY" }}
journal = "FF"
payment_journal = "BNK1"
connections = {connections}
max_voids = 100000
taxes = {{ "0" = "Sync 0%" }}
"""


@dataclass(frozen=True)
class Source:
    """What the account holds: all that is booked, with day of issue and of payment, and who it is for."""

    base_url: str
    invoices: list[Json]
    clients: dict[str, Json]

    @property
    def lines(self) -> dict[str, int]:
        """Lines of each number."""
        return {one["number"]: len(one["lines"]) for one in self.invoices}

    @property
    def paid(self) -> list[Json]:
        """What is to be settled by a payment."""
        return [one for one in self.invoices if one["paid_on"] and one["total_cents"]]


def source(account: Account) -> Source:
    """Read the account by its control surface, not by the API that is measured."""
    root = account.base_url.removesuffix("/api/v1")
    dump = httpx.get(f"{root}/_sandbox/dump", trust_env=False, timeout=120).json()
    zone = ZoneInfo(dump["business"]["timezone"])
    invoices = [one for one in dump["invoices"] if one["status"] in BOOKED]
    for one in invoices:
        one["issued_on"], one["paid_on"] = _day(one, "sent", zone), _day(one, "paid", zone)
    return Source(account.base_url, invoices, {one["id"]: one for one in dump["clients"]})


def _day(invoice: Json, kind: str, zone: ZoneInfo) -> str | None:
    at = next((event["created_at"] for event in invoice["events"] if event["type"] == kind), None)
    return datetime.fromisoformat(at).astimezone(zone).date().isoformat() if at else None


class Books:
    """A database with a journal for FastFaktura's invoices and rates for every day, while the ``with`` block lasts."""

    def __init__(self, server: Server) -> None:
        """Make it, and prepare it as an administrator would."""
        self._place = server.database()
        os.environ["BENCH_ODOO_KEY"] = self._place.sync_key
        self.database, self.version = self._place.database, self._place.version
        self.journal = prepare(self._place)
        give_rates(self._place, "2009-01-01")
        self._odoo = self._place.admin()

    def close(self) -> None:
        """Delete it."""
        place.drop(self._place)

    def settings(self, folder: Path, source: Source, proxy: Proxy, connections: int) -> Path:
        """Write settings for syncd: this account, this database by way of the proxy, a state in the folder."""
        path, said = folder / "syncd.toml", {"url": proxy.url, "database": self.database, "connections": connections}
        path.write_text(SETTINGS.format(folder=folder, source=source.base_url, **said), encoding="utf-8")
        return path

    def payloads(self, folder: Path, source: Source, proxy: Proxy, *, account: bool) -> Path:
        """Write what the naive client is to send: the values that syncd sends, one record at a time."""
        names = _Ids(self)
        document = {
            "port": proxy.port,
            "database": self.database,
            "payment_journal": names.payment_journal,
            "clients": {key: names.partner(one) for key, one in source.clients.items()},
            "invoices": [names.move(one, account=account) for one in source.invoices],
        }
        path = folder / "payloads.json"
        path.write_bytes(orjson.dumps(document))
        return path

    def moves(self) -> list[Json]:
        """Read what stands in the journal."""
        fields = ("name", "state", "move_type", "amount_untaxed", "amount_tax", "amount_total", "payment_state")
        found: list[Json] = []
        for page in self._odoo.pages("account.move", [("journal_id", "=", self.journal)], fields):
            found += page
        return found

    def search(self, model: str, domain: list[Any], fields: list[str]) -> list[Json]:
        """Read records."""
        return self._odoo.search_read(model, domain, fields)


def wrong(source: Source, moves: list[Json]) -> tuple[int, int]:
    """Count the invoices whose totals are not the source's to the cent, and those not settled as they were paid.

    What does not stand once is wrong in both.
    """
    standing: dict[str, list[Json]] = {}
    for move in moves:
        if move["state"] == "posted":
            standing.setdefault(move["name"], []).append(move)
    totals = payments = 0
    for one in source.invoices:
        found = standing.pop(one["number"], [])
        if len(found) != 1:
            totals, payments = totals + 1, payments + 1
            continue
        sign = -1 if found[0]["move_type"] == "out_refund" else 1
        held = [sign * cents(found[0][f"amount_{name}"]) for name in ("untaxed", "tax", "total")]
        totals += held != [one[f"{name}_cents"] for name in ("subtotal", "tax", "total")]
        settled = found[0]["payment_state"] in ("paid", "in_payment")
        payments += settled != (one["paid_on"] is not None or not one["total_cents"])
    return totals + len(standing), payments + len(standing)


class _Ids:
    """What payloads refer to, by the ids of one database."""

    def __init__(self, books: Books) -> None:
        self.journal = books.journal
        self.currencies = {one["name"]: one["id"] for one in books.search("res.currency", [], ["name"])}
        self.countries = {one["code"]: one["id"] for one in books.search("res.country", [], ["code"])}
        taxes = books.search("account.tax", [("name", "like", "Sync ")], ["amount"])
        self.taxes = {one["amount"]: one["id"] for one in taxes}
        journals = books.search("account.journal", [], ["code", "default_account_id"])
        self.payment_journal = next(one["id"] for one in journals if one["code"] == "BNK1")
        self.account = next(one["default_account_id"][0] for one in journals if one["code"] == "FF")

    def partner(self, client: Json) -> Json:
        return {
            "name": client["name"],
            "email": client["email"] or False,
            "phone": client["phone"] or False,
            "street": client["address"] or False,
            "country_id": self.countries.get(client["country"], False),
            "lang": LANGUAGES[client["locale"]],
            "is_company": True,
            "category_id": client["tags"],  # by name; the client makes them
        }

    def move(self, invoice: Json, *, account: bool) -> Json:
        sign = -1 if invoice["total_cents"] < 0 else 1
        return {
            "client": invoice["client_id"],
            "paid_on": invoice["paid_on"] if invoice["total_cents"] else None,
            "vals": {
                "move_type": "out_refund" if sign < 0 else "out_invoice",
                "journal_id": self.journal,
                "currency_id": self.currencies[invoice["currency"]],
                "invoice_date": invoice["issued_on"],
                "invoice_date_due": invoice["due_date"],
                "invoice_payment_term_id": False,
                "name": invoice["number"],
                "payment_reference": invoice["number"],
                "narration": narration.written(invoice["notes"], invoice["public_url"], html=True),
                "invoice_line_ids": [[0, 0, self._line(one, sign, account=account)] for one in invoice["lines"]],
            },
        }

    def _line(self, line: Json, sign: int, *, account: bool) -> Json:
        given = {"account_id": self.account} if account else {}
        return {
            "name": line["description"],
            "quantity": sign * line["quantity"],
            "price_unit": line["unit_price_cents"] / 100,
            "tax_ids": [[6, 0, [self.taxes[float(line["tax_rate"])]]]],
            **given,
        }
