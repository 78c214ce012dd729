"""Both clients into the same Odoo in one run, side by side, and what of the targets syncd reaches. See ``--help``.

Each client gets a database of its own on the same server, prepared alike, and goes through the same proxy, which counts
and times the calls. What syncd reads of the source is read before (``syncd plan``); what is timed runs from the first
call to Odoo to the last answer, for both. The invoices are the same, with the same values. ``syncd run`` also looks at
the books before and after, which the naive client does not.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from bench.account import Account
from bench.child import measure
from bench.odoo import report
from bench.odoo.books import Books, Source, source, wrong
from bench.odoo.phases import phases, quarters
from bench.odoo.proxy import Proxy
from bench.odoo.report import Case, Run
from bench.odoo.server import Meter, Server
from bench.odoo.shop import shortened


@dataclass(frozen=True)
class Comparison:
    """What a case is made of."""

    name: str
    workers: int
    faster: float
    short: bool = False


COMPARISONS = {
    "one": Comparison("real, one connection", 0, 1.5),
    "two": Comparison("real, two workers", 2, 3.0),
    "short": Comparison("three lines, one connection", 0, 5.0, short=True),
}


@dataclass
class Bench:
    """What was asked for."""

    data: Path
    limit: int
    naive: int | None
    account: bool
    folder: Path

    def fresh(self, name: str) -> Path:
        """Make a folder of its own."""
        folder = self.folder / f"{name}-{len(list(self.folder.iterdir()))}"
        folder.mkdir()
        return folder


def compare(bench: Bench, asked: Comparison) -> Case:
    """Measure both clients on one server."""
    folder, lanes = bench.fresh("case"), max(asked.workers, 1)
    data = shortened(bench.data, folder, bench.limit) if asked.short else bench.data
    naive = None
    with (
        Account(data, limit=None if asked.short else bench.limit) as account,
        Server(asked.workers, folder) as server,
        Proxy(server.url) as proxy,
    ):
        held = source(account)
        syncd = _syncd(bench, account, held, server, proxy, lanes)
        if bench.naive != 0:
            fewer = replace(held, invoices=held.invoices[: bench.naive])
            naive = _naive(bench, account, fewer, server, proxy)
    return Case(asked.name, lanes, asked.faster, syncd, naive)


def _syncd(bench: Bench, account: Account, held: Source, server: Server, proxy: Proxy, lanes: int) -> Run:
    """Measure ``syncd run`` into empty books, once it has read the source."""
    folder, books = bench.fresh("syncd"), Books(server)
    try:
        words = ["syncd", "-c", str(books.settings(folder, held, proxy, lanes))]
        measure("syncd plan", [*words, "plan", "--json"], account, folder)
        proxy.reset()
        with server.meter(books.database) as meter:
            one = measure("syncd run", [*words, "run", "--json"], account, folder)
        for problem in one.said["problems"][:5]:
            print(f"  problem: {problem}")
        return _run(held, books, proxy, meter, one.wall, one.cpu)
    finally:
        books.close()


def _naive(bench: Bench, account: Account, held: Source, server: Server, proxy: Proxy) -> Run:
    """Measure the naive client into empty books."""
    folder, books = bench.fresh("naive"), Books(server)
    try:
        payloads = books.payloads(folder, held, proxy, account=bench.account)
        proxy.reset()
        with server.meter(books.database) as meter:
            one = measure("naive", ["bench.odoo.naive", str(payloads)], account, folder)
        return _run(held, books, proxy, meter, one.wall, one.cpu)
    finally:
        books.close()


def _run(held: Source, books: Books, proxy: Proxy, meter: Meter, wall: float, cpu: float) -> Run:
    """Put together what the proxy, the meter and the books tell of a run."""
    found, moves, lines = phases(proxy.calls), books.moves(), held.lines
    long = {move["id"]: lines.get(move["name"], 0) for move in moves}
    four, worked = list(quarters(found, long)), list(quarters(found, long, meter.until))
    used = meter.until(found.ended) - meter.until(found.began)
    settling = meter.until(found.ended) - meter.until(found.settling) if found.calls["settle"] else 0.0
    return Run(
        invoices=len(held.invoices),
        lines=sum(lines.values()),
        payments=len(held.paid),
        phases=found,
        wall=wall,
        cpu=cpu,
        server=(used - settling, used),
        quarters=(four[0], four[-1]),
        worked=(worked[0], worked[-1]),
        wrong=wrong(held, moves),
    )


def main() -> int:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m bench.odoo", description="Measure syncd on a real Odoo.")
    parser.add_argument("data", type=Path, help="invoice lines in the layout of UCI's Online Retail, .csv or .csv.xz")
    parser.add_argument("--limit", type=int, default=2000, help="the first so many invoices (default 2000)")
    parser.add_argument("--naive", type=int, help="only so many of them for the naive client; 0: none")
    parser.add_argument("--no-account", action="store_true", help="the naive client leaves the account to Odoo")
    parser.add_argument("--only", choices=tuple(COMPARISONS), action="append", help="only this; may be given again")
    parser.add_argument("--calls", action="store_true", help="list syncd's calls too, by name")
    given = parser.parse_args()
    if not given.data.exists():
        print(f"{given.data} is not there; set SYNCD_RETAIL_DATA to the file", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the processes that were started end, too
    os.environ["no_proxy"] = "127.0.0.1"  # OdooRPC would go by way of the machine's proxy
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder:
        bench = Bench(given.data, given.limit, given.naive, not given.no_account, Path(folder))
        cases = []
        for name in given.only or COMPARISONS:
            cases.append(compare(bench, COMPARISONS[name]))
            told = [*report.table(cases[-1]), *(report.listed(cases[-1]) if given.calls else ())]
            print("\n".join(told), flush=True)
    print("\n".join(report.verdicts(cases)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
