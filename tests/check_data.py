"""The ledger of real invoices against the raw file, by a reading of both that shares nothing with syncd.

``python -m tests.check_data FILE [--limit N]`` serves the invoices of FILE (the layout of UCI's *Online Retail*) as an
account, syncd makes a ledger of it, and each invoice of the ledger is compared with its lines in FILE: how many there
are, what each says, their sum, in which month and for which country. What FILE lacks is invented by the sandbox: tax is
compared with what the rates of the ledger's own lines come to, payments with the invoices that are paid.
"""

from __future__ import annotations

import argparse
import csv
import json
import lzma
import os
import subprocess
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

CENT = Decimal("0.01")
KEY = "ffk_of_the_check"
AS_TEXT = "=+-@\t\r'"
"""First characters before which a ledger has a quote."""
SHOWN = 20


@dataclass(slots=True)
class Invoice:
    """One invoice as one side tells it; money in cents, ``digest`` of its lines in order."""

    month: str
    country: str
    lines: int = 0
    subtotal: int = 0
    digest: int = 0

    def add(self, description: str, quantity: int, cents: int) -> None:
        """Add a line."""
        self.lines += 1
        self.subtotal += quantity * cents
        self.digest = zlib.crc32(f"{quantity}|{cents}|{description}\n".encode(), self.digest)


Invoices = dict[str, Invoice]
"""By number."""


@dataclass(slots=True)
class Ledger:
    """The ledger as it stands, and what in it contradicts itself."""

    invoices: Invoices = field(default_factory=dict)
    tax: Counter[str] = field(default_factory=Counter)
    total: Counter[str] = field(default_factory=Counter)
    """By month."""
    faults: list[str] = field(default_factory=list)


def in_cents(amount: str) -> int:
    """Read an amount, rounded half up to cents."""
    return int(Decimal(amount).quantize(CENT, ROUND_HALF_UP).scaleb(2))


def raw_invoices(path: Path, limit: int | None = None) -> Invoices:
    """Sum the lines of the raw file, of its first ``limit`` invoices in order of appearance."""
    found: Invoices = {}
    prices: dict[str, int] = {}
    opened = lzma.open if path.suffix == ".xz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            number, price = row["InvoiceNo"], row["UnitPrice"]
            if number not in found:
                if limit is not None and len(found) >= limit:
                    continue
                found[number] = Invoice(row["InvoiceDate"][:7], row["Country"])
            if price not in prices:
                prices[price] = in_cents(price)
            found[number].add(row["Description"] or row["StockCode"], int(row["Quantity"]), prices[price])
    return found


def rows(folder: Path, name: str) -> Iterator[dict[str, str]]:
    """Read one table of a ledger."""
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, strict=True)


def read_ledger(folder: Path) -> Ledger:
    """Read the ledger, and check within it that tax, totals and payments are what they must be."""
    ledger = Ledger()
    # The sandbox tags each client with the country as the raw file names it.
    country = {row["client_id"]: row["tags"] for row in rows(folder, "clients")}
    nets = _read_lines(folder, ledger)
    paid: Counter[str] = Counter()
    for row in rows(folder, "invoices"):
        number, month = row["number"], row["issue_date"][:7]
        one = ledger.invoices.setdefault(number, Invoice("", ""))
        if one.month:
            ledger.faults.append(f"{number} stands twice in invoices.csv")
        one.month, one.country = month, country.get(row["client_id"], "a client that is not there")
        subtotal, tax, total = (in_cents(row[name]) for name in ("subtotal", "tax", "total"))
        _same(ledger, number, "subtotal and its lines", subtotal, one.subtotal)
        _same(ledger, number, "tax and its lines' rates", tax, _tax(nets.pop(number, {})))
        _same(ledger, number, "total and subtotal + tax", total, subtotal + tax)
        ledger.tax[month] += tax
        ledger.total[month] += total
        if row["status"] == "paid" and total:
            paid[number] = total
    for row in rows(folder, "payments"):
        _same(ledger, row["number"], "payment and what is owed", in_cents(row["amount"]), paid.pop(row["number"], 0))
    ledger.faults += [f"{number} is paid and has no payment" for number in paid]
    without = [number for number, one in ledger.invoices.items() if not one.month]
    ledger.faults += [f"{number} has lines and is no invoice" for number in without]
    return ledger


def _read_lines(folder: Path, ledger: Ledger) -> dict[str, dict[str, int]]:
    """Add the lines to the ledger's invoices; give each one's nets by rate."""
    nets: dict[str, dict[str, int]] = {}
    for row in rows(folder, "invoice_lines"):
        number, text = row["number"], row["description"]
        if text[:1] == "'" and text[1:2] and text[1] in AS_TEXT:
            text = text[1:]
        quantity, cents = int(row["quantity"]), in_cents(row["unit_price"])
        one = ledger.invoices.setdefault(number, Invoice("", ""))
        one.add(text, quantity, cents)
        if row["line"] != str(one.lines):
            ledger.faults.append(f"{number}: line {row['line']} stands where line {one.lines} should")
        by_rate = nets.setdefault(number, {})
        by_rate[row["tax_rate"]] = by_rate.get(row["tax_rate"], 0) + quantity * cents
    return nets


def _tax(nets: dict[str, int]) -> int:
    """Round once for each rate, half up."""
    return sum(int((net * Decimal(rate) / 100).quantize(Decimal(1), ROUND_HALF_UP)) for rate, net in nets.items())


def _same(ledger: Ledger, number: str, what: str, one: int, other: int) -> None:
    if one != other:
        ledger.faults.append(f"{number}: {what} differ: {one} and {other} cents")


def compare(raw: Invoices, ledger: Ledger) -> list[str]:
    """Name what differs between the raw file and the ledger, invoice by invoice and by country and month."""
    found = list(ledger.faults)
    found += [f"{number} is not in the ledger" for number in raw.keys() - ledger.invoices.keys()]
    found += [f"{number} is not in the raw file" for number in ledger.invoices.keys() - raw.keys()]
    both = raw.keys() & ledger.invoices.keys()
    found += [f"{n}: {raw[n]} became {ledger.invoices[n]}" for n in both if raw[n] != ledger.invoices[n]]
    ours, theirs = groups(raw), groups(ledger.invoices)
    return found + [
        f"{country}, {month}: (invoices, lines, subtotal) are {theirs.get((country, month))} and not {sums}"
        for (country, month), sums in ours.items()
        if theirs.get((country, month)) != sums
    ]


def groups(invoices: Invoices) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Sum invoices, lines and subtotals by country and month."""
    sums: dict[tuple[str, str], tuple[int, int, int]] = {}
    for one in invoices.values():
        count, lines, subtotal = sums.get((one.country, one.month), (0, 0, 0))
        sums[one.country, one.month] = (count + 1, lines + one.lines, subtotal + one.subtotal)
    return sums


def table(raw: Invoices, ledger: Ledger) -> list[str]:
    """Show both sides month by month, over all countries."""
    shown = [f"{'month':8}{'invoices':>16}{'lines':>16}{'subtotal, raw':>16}{'ledger':>16}{'tax':>16}{'total':>16}"]
    for month in sorted({one.month for one in raw.values()}):
        ours = [one for one in raw.values() if one.month == month]
        theirs = [one for one in ledger.invoices.values() if one.month == month]
        sums = [(sum(one.lines for one in side), sum(one.subtotal for one in side)) for side in (ours, theirs)]
        counts = (len(ours), len(theirs), sums[0][0], sums[1][0])
        money = (sums[0][1], sums[1][1], ledger.tax[month], ledger.total[month])
        figures = [*(f"{count:>8}" for count in counts), *(f"{cents / 100:>16,.2f}" for cents in money)]
        shown.append(f"{month:8}" + "".join(figures))
    return shown


@contextmanager
def serving(data: Path, limit: int | None) -> Iterator[str]:
    """Serve the account in a process of its own; give its base URL."""
    words = ["sandbox", "--json", "--load", str(data), "--key", KEY]
    words += [] if limit is None else ["--limit", str(limit)]
    with subprocess.Popen([sys.executable, "-m", "syncd", *words], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield str(json.loads(process.stdout.readline())["base_url"])
        finally:
            process.terminate()


class Syncd:
    """syncd with one source and one ledger in a folder, each command in a process of its own."""

    def __init__(self, folder: Path, base_url: str) -> None:
        """Write the settings."""
        self.books = folder / "books"
        self._settings = folder / "syncd.toml"
        self._settings.write_text(
            f'[syncd]\nstate = "sqlite:///{folder}/state.db"\nlog_level = "warning"\n'
            f'[source.shop]\napi_key = {{ env = "CHECKED_KEY" }}\nbase_url = "{base_url}"\n'
            f'[target.books]\nconnector = "csv"\npath = "{self.books}"\n',
            encoding="utf-8",
        )

    def __call__(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Run a command with ``--json``; give its exit code and its document."""
        command = [sys.executable, "-m", "syncd", "-c", str(self._settings), *words, "--json"]
        environment = {**os.environ, "CHECKED_KEY": KEY}
        ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, env=environment)
        return ended.returncode, json.loads(ended.stdout or "{}")

    def stamps(self) -> dict[str, tuple[int, int, int]]:
        """Tell of each file what any writing changes."""
        files = [(path.name, path.stat()) for path in sorted(self.books.iterdir())]
        return {name: (stat.st_ino, stat.st_size, stat.st_mtime_ns) for name, stat in files}


def check(data: Path, limit: int | None, folder: Path) -> tuple[list[str], list[str]]:
    """Make a ledger of the data in this folder; give the table, and all that is not as it should be."""
    wrong = []
    with serving(data, limit) as base_url:
        syncd = Syncd(folder, base_url)
        code, said = syncd("run")
        if code:
            return [], [f"syncd run ended with {code}: {json.dumps(said)[:2000]}"]
        stood = syncd.stamps()
        code, said = syncd("run")
        if code or syncd.stamps() != stood or any(target["written"] for target in said["targets"]):
            wrong.append(f"a second run wrote something: exit {code}, {said.get('targets')}")
        code, said = syncd("reconcile")
        if code:
            wrong.append(f"syncd reconcile ended with {code}: {json.dumps(said)[:2000]}")
    raw, ledger = raw_invoices(data, limit), read_ledger(syncd.books)
    return table(raw, ledger), wrong + compare(raw, ledger)


def main() -> int:
    """Check, print the table and what differs; 0 where nothing does."""
    parser = argparse.ArgumentParser(description="Compare a ledger of real invoices with their raw file.")
    parser.add_argument("data", type=Path, help="invoice lines in the layout of UCI's Online Retail, .csv or .csv.xz")
    parser.add_argument("--limit", type=int, help="only the first so many invoices")
    given = parser.parse_args()
    if not given.data.exists():
        print(f"{given.data} is not there; set SYNCD_RETAIL_DATA to the file", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="syncd-check-") as folder:
        shown, wrong = check(given.data, given.limit, Path(folder))
    print("\n".join([*shown, *wrong[:SHOWN]]))
    agrees = "The ledger agrees with the raw file; reconcile finds nothing, a second run wrote nothing."
    print(f"{len(wrong)} differences" if wrong else agrees)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
