"""A company whose books are a hostile ledger: an account to change, a syncd to run, books to look at."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from syncd.sandbox.change import patch_client, patch_invoice
from syncd.sandbox.data import made_up
from syncd.sandbox.options import Options
from syncd.sandbox.server import Sandbox
from tests.crash import oracle
from tests.crash.forks import Forks
from tests.hostile.fixtures import HostileServer, installed

Json = dict[str, Any]
KEY = "FASTFAKTURA_API_KEY"
PATIENCE = 20.0

SETTINGS = """\
[syncd]
state = "sqlite:///{state}"
log_level = "error"

[source.main]
api_key = {{ env = "{key}" }}
base_url = "{url}"
full_sweep = "1s"
client_sweep = "1s"
detail_sweep = "1s"

"""


class Office:
    """One account, one ledger, and one syncd or several, each with a state of its own."""

    def __init__(self, folder: Path, forks: Forks, sandbox: Sandbox, server: HostileServer) -> None:
        """Nothing is run yet."""
        self.folder, self.forks, self.sandbox, self.server = folder, forks, sandbox, server
        self.before = self.dump()

    def desk(self, name: str = "one") -> Path:
        """Give the folder of one syncd."""
        desk = self.folder / name
        desk.mkdir(parents=True, exist_ok=True)
        return desk

    def configure(self, name: str = "one", **target: Any) -> None:
        """Write the settings of one syncd; a short ``settle_delay`` unless told otherwise."""
        base = SETTINGS.format(state=self.desk(name) / "state.db", key=KEY, url=self.sandbox.base_url)
        settings = {"settle_delay": 0.3, **target}
        (self.desk(name) / "syncd.toml").write_text(base + self.server.settings(**settings))

    def run(self, *arguments: str, code: int | None = 0, name: str = "one") -> Json:
        """Sync once, in a process of its own; expect this exit code and give what was said of the target."""
        if not (self.desk(name) / "syncd.toml").exists():
            self.configure(name)
        ended = self.forks.run(self.desk(name), "run", "--json", *arguments)
        assert code is None or ended.code == code, f"exit {ended.code}\n{ended.out[-3000:]}{ended.err[-3000:]}"
        document: Json = ended.json()
        return {**document["targets"][0], "problems": document["problems"], "exit_code": document["exit_code"]}

    def explain(self, record: Json) -> str:
        """Ask why a record stands there or does not."""
        ended = self.forks.run(self.desk("one"), "explain", record["id"])
        assert ended.code == 0, ended
        return str(ended.out)

    def still_standing(self) -> tuple[list[tuple[str, str, str]], Decimal]:
        """Give what ``reconcile`` finds to stand against the source (kind, status there, here), and the totals' gap."""
        ended = self.forks.run(self.desk("one"), "reconcile", "--json")
        assert ended.code == 1, ended
        (target,) = ended.json()["targets"]
        gap = sum(
            (Decimal(one["target"]["total"]) - Decimal(one["source"]["total"]) for one in target["totals"]), Decimal()
        )
        return [(one["kind"], one["source"], one["target"]) for one in target["differences"]], gap

    def forget(self, name: str = "one") -> None:
        """Lose the state."""
        for suffix in ("", "-wal", "-shm"):
            (self.desk(name) / f"state.db{suffix}").unlink(missing_ok=True)

    def dump(self) -> Json:
        """Give all records of the source, as they are now."""
        dump: Json = httpx.get(f"{self.sandbox.root}/_sandbox/dump").json()
        return dump

    def wrong(self) -> list[str]:
        """Say what the books hold otherwise than they should, by the oracle's and by the ledger's own word."""
        audit = self.server.audit()
        found = oracle.wrong_in_books(self.dump(), self.before, self.server.records())
        return found + ([] if audit["clean"] else [f"audit: {audit}"])

    def idle(self, name: str = "one", code: int = 0) -> None:
        """Run once more, and make sure that there is nothing to do and nothing is done."""
        records = self.server.records()
        assert self.run(name=name, code=code)["planned"] == []
        assert self.server.records() == records

    def invoice(self, status: str, place: int = 0) -> Json:
        """Pick an invoice with this status and a total, by its place among them."""
        fitting = [one for one in self.dump()["invoices"] if one["status"] == status and one["total_cents"] > 0]
        invoice: Json = fitting[place]
        return invoice

    def change_invoice(self, invoice: Json, **fields: object) -> None:
        """Change an invoice at the source."""
        patch_invoice(self.sandbox.account, invoice["id"], fields)

    def change_client(self, client: Json, **fields: object) -> None:
        """Change a client at the source."""
        patch_client(self.sandbox.account, client["id"], fields)

    def there(self, invoice: Json) -> Json:
        """Give the one live record of an invoice in the books."""
        (found,) = self.all_there("invoice", number=invoice["number"])
        return found

    def payments(self, invoice: Json) -> list[Json]:
        """Give the live payments of an invoice in the books."""
        return self.all_there("payment", invoice=self.there(invoice)["id"])

    def all_there(self, kind: str, **fields: object) -> list[Json]:
        """Give the live records of a kind that hold these fields."""
        live = [one for one in self.server.records(kind) if not one["void"] and not one["deleted"]]
        return [one for one in live if fields.items() <= one["fields"].items()]


def codes(run: Json) -> Counter[str]:
    """Count the problems of a run by their code."""
    return Counter(one["code"] for one in run["problems"])


def until(true: Callable[[], bool]) -> None:
    """Wait for something that another process does, but not for ever."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.01)


Open = Callable[..., Office]
BOTH = pytest.mark.parametrize("mode", ["keyless", "keyed"])


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Give the environment of a syncd that knows the connector ``hostile`` and the account's key."""
    return installed(tmp_path_factory.mktemp("installed")) | {KEY: "ffk_sandbox"}


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Iterator[Forks]:
    """Hold a warm process that runs the commands."""
    with Forks(tmp_path_factory.mktemp("forks"), environment) as running:
        yield running


@pytest.fixture
def office(tmp_path: Path, forks: Forks) -> Iterator[Open]:
    """Open offices by ``office(mode, **options of the ledger)``."""
    with ExitStack() as stack:

        def begin(mode: Any, *, clients: int = 12, invoices: int = 30, **options: Any) -> Office:
            account = made_up(11, clients=clients, invoices=invoices, today=date(2026, 6, 1))
            sandbox = stack.enter_context(Sandbox(Options(envelope="data", paging="meta"), account))
            server = stack.enter_context(HostileServer(tmp_path / "hostile.db", mode, **options))
            return Office(tmp_path, forks, sandbox, server)

        yield begin
