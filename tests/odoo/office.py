"""A company whose books are a real Odoo: an account to change, a syncd to run, books to look at."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Collection
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from connectors.odoo.client import Odoo
from syncd.sandbox.change import patch_client, patch_invoice
from syncd.sandbox.server import Sandbox
from tests.odoo.place import Place

Json = dict[str, Any]
KEY = "FASTFAKTURA_API_KEY"
ODOO_KEY = "ODOO_API_KEY"
PATIENCE = 3000
"""Seconds for one command: 1,500 invoices take six minutes, and a busy machine several times that."""
REGEX = r"^(?P<prefix1>.*?)(?P<seq>\d*)(?P<suffix>\D*)$"

SETTINGS = """\
[syncd]
state = "sqlite:///{state}"
log_level = "error"

[source.main]
api_key = {{ env = "FASTFAKTURA_API_KEY" }}
base_url = "{source}"
full_sweep = "1s"
client_sweep = "1s"
detail_sweep = "1s"

[target.books]
connector = "odoo"
url = "{url}"
database = "{database}"
user = "sync"
api_key = {{ env = "ODOO_API_KEY" }}
journal = "FF"
payment_journal = "BNK1"
request_limit = "1s"
timeout = "5m"
max_voids = 1000
taxes = {{ "0" = "Sync 0%" }}
"""


def prepare(place: Place) -> int:
    """Make what an administrator makes once: a sales journal for FastFaktura's invoices; give its id."""
    admin = place.admin()
    (sales,) = admin.search_read("account.journal", [("code", "=", "INV")], ["default_account_id"])
    journal = {
        "name": "FastFaktura",
        "code": "FF",
        "type": "sale",
        "default_account_id": sales["default_account_id"][0],
        "sequence_override_regex": REGEX,
    }
    made = admin.call("account.journal", "create", vals_list=[journal])
    return int(made[0] if isinstance(made, list) else made)


def give_rates(place: Place, day: str) -> None:
    """Give every active currency but the company's the rate it has, from an earlier day on."""
    admin = place.admin()
    rates = admin.search_read("res.currency.rate", [], ["currency_id", "rate"])
    old = [{"currency_id": one["currency_id"][0], "rate": one["rate"], "name": day} for one in rates]
    admin.call("res.currency.rate", "create", vals_list=old)


class Office:
    """One account, one Odoo database, and a syncd."""

    def __init__(self, folder: Path, sandbox: Sandbox, place: Place, **settings: Any) -> None:
        """Prepare the books and write the settings; nothing is run yet."""
        self.folder, self.sandbox, self.place = folder, sandbox, place
        self.journal = prepare(place)
        self.books: Odoo = place.admin()
        self.configure(**settings)

    def configure(self, url: str | None = None, **settings: Any) -> None:
        """Write the settings, with more keys of the target, or by way of a proxy."""
        text = SETTINGS.format(
            state=self.folder / "state.db",
            source=self.sandbox.base_url,
            url=url or self.place.url,
            database=self.place.database,
        )
        more = "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
        (self.folder / "syncd.toml").write_text(text + more)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of syncd in a process of its own."""
        environment = {**os.environ, KEY: "ffk_sandbox", ODOO_KEY: self.place.sync_key}
        words = [sys.executable, "-m", "syncd", "-c", str(self.folder / "syncd.toml"), *arguments]
        return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)

    def run(self, *arguments: str, code: int | None = 0) -> Json:
        """Sync once; expect this exit code and give what was said of the target."""
        ended = self.command("run", "--json", *arguments)
        told = f"exit {ended.returncode}\n{ended.stdout[-6000:]}{ended.stderr[-3000:]}"
        assert code is None or ended.returncode == code, told
        document: Json = json.loads(ended.stdout)
        return {**document["targets"][0], "problems": document["problems"], "exit_code": document["exit_code"]}

    def forget(self) -> None:
        """Lose the state."""
        for suffix in ("", "-wal", "-shm", ".lock"):
            (self.folder / f"state.db{suffix}").unlink(missing_ok=True)

    def dump(self) -> Json:
        """Give all records of the source, as they are now."""
        dump: Json = httpx.get(f"{self.sandbox.root}/_sandbox/dump").json()
        return dump

    def change_invoice(self, invoice: Json, **fields: object) -> None:
        """Change an invoice at the source."""
        patch_invoice(self.sandbox.account, invoice["id"], fields)

    def change_client(self, client: Json, **fields: object) -> None:
        """Change a client at the source."""
        patch_client(self.sandbox.account, client["id"], fields)

    def invoices(self, *statuses: str) -> list[Json]:
        """Give the source's invoices of these statuses that have a total."""
        return [one for one in self.dump()["invoices"] if one["status"] in statuses and one["total_cents"] > 0]

    # -- what the books hold, read by the administrator and told apart by number ---------------------------------------

    def moves(self) -> list[Json]:
        """Read all invoices of the journal."""
        fields = (
            *("name", "ref", "state", "move_type", "invoice_date", "invoice_date_due", "partner_id", "currency_id"),
            *("amount_untaxed", "amount_tax", "amount_total", "amount_residual", "payment_state"),
        )
        return self.books.search_read("account.move", [("journal_id", "=", self.journal)], fields)

    def move(self, invoice: Json) -> Json:
        """Give the one standing record of an invoice."""
        (found,) = [one for one in self.moves() if one["name"] == invoice["number"] and one["state"] != "cancel"]
        return found

    def taxes(self, moves: list[Json]) -> dict[int, Counter[str]]:
        """Add up the tax of each rate of each move, in its currency, as cents; positive on what is owed to us."""
        lines = self.books.search_read(
            "account.move.line",
            [("move_id", "in", [one["id"] for one in moves]), ("tax_line_id", "!=", False)],
            ["move_id", "tax_line_id", "amount_currency"],
        )
        rates = {one["id"]: one["amount"] for one in self.books.search_read("account.tax", [], ["amount"])}
        found: dict[int, Counter[str]] = defaultdict(Counter)
        for line in lines:
            rate = f"{rates[line['tax_line_id'][0]]:g}"
            found[line["move_id"][0]][rate] -= cents(line["amount_currency"])
        return found

    def payments(self) -> list[Json]:
        """Read all payments that stand."""
        states = ["posted", "in_process", "paid"]
        fields = ["amount", "currency_id", "date", "payment_type", "state", "move_id"]
        return self.books.search_read("account.payment", [("state", "in", states)], fields)

    def wrong(self, but: Collection[str] = ()) -> list[str]:
        """Say what the books hold otherwise than the source says; the reckoning shares nothing with syncd.

        ``but``: invoices (ids) that are a problem, so that they do not stand.
        """
        moves = self.moves()
        standing: dict[str, list[Json]] = defaultdict(list)
        for one in moves:
            if one["state"] == "posted":
                standing[one["name"]].append(one)
        told: list[str] = []
        taxes = self.taxes([one for some in standing.values() for one in some])
        booked = ("sent", "opened", "overdue", "paid")
        issued = [one for one in self.dump()["invoices"] if one["status"] in booked and one["id"] not in but]
        for invoice in issued:
            found = standing.pop(invoice["number"], [])
            if len(found) != 1:
                told.append(f"{invoice['number']}: stands {len(found)} times")
                continue
            told += [f"{invoice['number']}: {what}" for what in _differences(invoice, found[0], taxes[found[0]["id"]])]
        told += [f"{name}: stands and should not" for name in standing]
        told += [f"{one['name']}: is left a draft" for one in moves if one["state"] == "draft"]
        due = sum(1 for one in issued if one["status"] == "paid" and one["total_cents"])
        if len(self.payments()) != due:
            told.append(f"{len(self.payments())} payments stand, {due} were made")
        return told

    def wrong_payments(self) -> list[str]:
        """Say which paid invoices have not one payment of their total, of the day on which they were paid."""
        dump = self.dump()
        zone = ZoneInfo(dump["business"]["timezone"])
        moves = {one["name"]: one["id"] for one in self.moves() if one["state"] == "posted"}
        found: dict[int, list[tuple[int, str]]] = defaultdict(list)
        states = [("state", "in", ["posted", "in_process", "paid"])]
        for one in self.books.search_read("account.payment", states, ["amount", "date", "reconciled_invoice_ids"]):
            for move in one["reconciled_invoice_ids"]:
                found[move].append((cents(one["amount"]), one["date"]))
        told = []
        for invoice in dump["invoices"]:
            if invoice["status"] == "paid" and invoice["total_cents"]:
                moment = max(one["created_at"] for one in invoice["events"] if one["type"] == "paid")
                day = f"{datetime.fromisoformat(moment).astimezone(zone):%Y-%m-%d}"
                stands = found[moves[invoice["number"]]]
                if stands != [(abs(invoice["total_cents"]), day)]:
                    told.append(f"{invoice['number']}: has the payments {stands}, and was paid on {day}")
        return told


def _differences(invoice: Json, move: Json, taxes: Counter[str]) -> list[str]:
    sign = -1 if move["move_type"] == "out_refund" else 1
    told = []
    for ours, theirs in (("subtotal", "amount_untaxed"), ("tax", "amount_tax"), ("total", "amount_total")):
        if sign * cents(move[theirs]) != invoice[f"{ours}_cents"]:
            told.append(f"{ours} is {move[theirs]}, not {invoice[f'{ours}_cents'] / 100}")
    if sum(taxes.values()) != invoice["tax_cents"]:
        told.append(f"its tax lines come to {dict(taxes)}, not {invoice['tax_cents']}")
    told += _wrong_rates(invoice, taxes)
    if move["currency_id"][1] != invoice["currency"]:
        told.append(f"is in {move['currency_id'][1]}, not {invoice['currency']}")
    settled = move["payment_state"] in ("paid", "in_payment")
    if settled != (invoice["status"] == "paid" or not invoice["total_cents"]):
        told.append(f"is {move['payment_state']} and was {invoice['status']}")
    if settled and cents(move["amount_residual"]) and move["payment_state"] == "paid":
        told.append(f"leaves {move['amount_residual']} to be paid")
    return told


def _wrong_rates(invoice: Json, taxes: Counter[str]) -> list[str]:
    """Say where the tax of a rate is not what its lines come to, rounded in a way that gives the invoice's tax.

    To the cent, unless no way gives it (its tax was told otherwise): then as near as rounding each line can bring it.
    """
    nets: dict[str, list[Decimal]] = defaultdict(list)
    for line in invoice["lines"]:
        nets[f"{line['tax_rate']:g}"].append(Decimal(str(line["quantity"])) * line["unit_price_cents"])
    ways = [
        {rate: _whole(sum(map(_whole, each)) * Decimal(rate) / 100) for rate, each in nets.items()},
        {rate: _whole(sum(each) * Decimal(rate) / 100) for rate, each in nets.items()},
        {rate: Decimal(sum(_whole(net * Decimal(rate) / 100) for net in each)) for rate, each in nets.items()},
    ]
    likely = [way for way in ways if sum(way.values()) == invoice["tax_cents"]]
    if any(all(taxes[rate] == tax for rate, tax in way.items()) for way in likely):
        return []
    return [
        f"its tax of {rate} % is {taxes[rate]}, not {' or '.join({str(way[rate]) for way in likely or ways})}"
        for rate, each in nets.items()
        if likely or abs(taxes[rate] - sum(each) * Decimal(rate) / 100) > 1 + len(each) / 2
    ]


def _whole(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal(1), ROUND_HALF_UP)


def codes(run: Json) -> list[str]:
    """Name the problems that a run told."""
    return [one["code"] for one in run["problems"]]


def cents(value: float) -> int:
    """Read an amount of Odoo's."""
    return int((Decimal(str(value)) * 100).to_integral_value())
