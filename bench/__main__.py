"""All measurements in one run, side by side, and what of the targets they reach. See ``--help``.

On a machine that does other work as well, seconds say little: each rate is also told by processor seconds.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from bench import report
from bench.account import Account
from bench.child import Measured, measure
from syncd.state.store import Store

THREADS = 4
"""As many as syncd has by default."""

BEAT = 300
"""Seconds between two cycles of the daemon by default: an idle cycle reads the slices of the sweeps due by then."""

PARTS = ("load", "cycles", "growth", "dlt")


@dataclass
class Bench:
    """What was asked for, and what was measured so far."""

    data: Path
    limit: int | None
    repeat: int
    times: int
    folder: Path
    runs: dict[str, list[Measured]] = field(default_factory=dict)
    loading: float = 0.0
    """Seconds that the account took to load the file."""

    def keep(self, name: str, one: Measured) -> Measured:
        """Keep a measurement and show it at once."""
        self.runs.setdefault(name, []).append(one)
        print(report.row(one), flush=True)
        return one

    def fresh(self, name: str) -> Path:
        """Make a folder of its own."""
        folder = self.folder / f"{name} {len(list(self.folder.iterdir()))}"
        folder.mkdir()
        return folder

    def syncd(self, account: Account, folder: Path, name: str) -> Measured:
        """Run ``syncd run`` in a folder, as a command."""
        words = ["syncd", "-c", str(account.settings(folder)), "run", "--json"]
        one = measure(name, words, account, folder)
        one.rows = sum(target["written"] for target in one.said["targets"])
        return self.keep(name, one)


def loads(bench: Bench, account: Account) -> Path:
    """Measure first loads: the bare loop, pull alone, pull and ledger, in turn; give the folder of the last ledger."""
    folder = bench.folder
    for _ in range(bench.repeat):
        folder = bench.fresh("load")
        bare = measure("bare loop", ["bench.bare", account.base_url, str(THREADS)], account, folder)
        bare.requests = bare.said["details"]  # without the list, which is not timed
        bench.keep("bare loop", bare)
        pull = measure("pull", ["bench.pulling", str(account.settings(folder))], account, folder)
        pull.rows = pull.said["new"]
        bench.keep("pull", pull)
        folder = bench.fresh("load")
        print(report.purposes(bench.syncd(account, folder, "pull + ledger")))
    return folder


def cycles(bench: Bench, account: Account, folder: Path, prefix: str = "") -> None:
    """Measure cycles as a command: nothing changed since five minutes ago, then 1 % changed."""
    for _ in range(bench.repeat):
        _later(folder)
        one = bench.syncd(account, folder, f"{prefix}idle cycle")
        print(report.purposes(one))
    if prefix:
        return
    happened = account.live(0.01)
    print("  changed: " + ", ".join(f"{len(ids)} {what}" for what, ids in happened.items()))
    _later(folder)
    one = bench.syncd(account, folder, "1 % changed")
    print(report.purposes(one))


def _later(folder: Path) -> None:
    """Put the end of the last cycle back by a beat, so that the next one reads what a daemon's would.

    Through syncd's own store, which leaves the file as a run that ended cleanly does: it is not read through again.
    """
    store = Store(f"sqlite:///{folder}/state.db")
    with closing(store), store.write() as connection:
        where = "owner = 'source:shop' AND name = 'learnt'"
        learnt = orjson.loads(connection.exec_driver_sql(f"SELECT value FROM cursor WHERE {where}").scalar_one())
        for name in ("began_at", "ended_at"):
            learnt[name] -= BEAT
        connection.exec_driver_sql(f"UPDATE cursor SET value = ? WHERE {where}", (orjson.dumps(learnt).decode(),))


def dlt(bench: Bench, account: Account) -> None:
    """Measure dlt, list only and with details: first load, and again with nothing changed."""
    folder = bench.fresh("dlt")
    for how in ("list", "details"):
        for when in ("first", "again"):
            name = f"dlt {how}, {when}"
            one = measure(name, ["bench.with_dlt", account.base_url, str(folder), how], account, folder)
            one.rows = sum(one.said["rows"].values())
            bench.keep(name, one)


def growth(bench: Bench) -> None:
    """Measure a history several times as long with as many open invoices: first load and idle cycle."""
    with Account(bench.data, limit=bench.limit, multiply=bench.times) as account:
        folder = bench.fresh("growth")
        bench.syncd(account, folder, f"{bench.times} x history: pull + ledger")
        cycles(bench, account, folder, f"{bench.times} x history: ")


def run(bench: Bench, parts: list[str]) -> None:
    """Measure the parts asked for."""
    print(report.HEAD)
    with Account(bench.data, limit=bench.limit) as account:
        bench.loading = account.loading
        folder: Path | None = None
        if "load" in parts:
            folder = loads(bench, account)
        if "cycles" in parts:
            if folder is None:
                folder = bench.fresh("load")
                bench.syncd(account, folder, "pull + ledger")
            cycles(bench, account, folder)
    if "growth" in parts:
        growth(bench)
    if "dlt" in parts:  # last: its second load takes longer than all the rest
        with Account(bench.data, limit=bench.limit) as account:
            dlt(bench, account)
    print("\n".join(report.verdicts(bench.runs, bench.times, bench.loading)))


def main() -> int:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure syncd on real invoices.")
    parser.add_argument("data", type=Path, help="invoice lines in the layout of UCI's Online Retail, .csv or .csv.xz")
    parser.add_argument("--limit", type=int, help="only the first so many invoices")
    parser.add_argument("--repeat", type=int, default=3, help="how often what is short is measured (default 3)")
    parser.add_argument("--times", type=int, default=10, help="how many times longer the long history is (default 10)")
    parser.add_argument("--only", choices=PARTS, action="append", help="only this part; may be given several times")
    given = parser.parse_args()
    if not given.data.exists():
        print(f"{given.data} is not there; set SYNCD_RETAIL_DATA to the file", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the account's process ends, too
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder:
        run(Bench(given.data, given.limit, given.repeat, given.times, Path(folder)), given.only or list(PARTS))
    return 0


if __name__ == "__main__":
    sys.exit(main())
