"""What the tests of faults play on: an office whose commands run in forks, and one small company at two moments."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from syncd.sandbox.account import Account
from syncd.sandbox.options import Options
from syncd.sandbox.server import Sandbox
from tests.crash import scenario
from tests.crash.forks import Ended, Forks
from tests.odoo.office import KEY, ODOO_KEY, Json, Office
from tests.odoo.place import Place

Phase = Literal["first", "second"]
State = Literal["kept", "deleted"]
ENOUGH = 5
"""Runs after which it must be quiet."""


class Stage(Office):
    """An office whose commands run in forks of a warm process, which saves most of a second each."""

    def __init__(self, folder: Path, sandbox: Sandbox, place: Place, forks: Forks, **settings: Any) -> None:
        self.forks = forks
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder, sandbox, place, **settings)

    def fork(self, *arguments: str, count: Path | None = None, stop_at: int | None = None) -> Ended:
        """Run a command, counting its points or stopping it dead at one."""
        return self.forks.run(self.folder, *arguments, count=count, stop_at=stop_at)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command."""
        ended = self.fork(*arguments)
        return subprocess.CompletedProcess(list(arguments), ended.code, ended.out, ended.err)

    def made_twice(self) -> list[str]:
        """Say what was made more than once, void or not: invoices by mark, partners and PDFs by name."""
        moves = self.books.search_read("account.move", [("invoice_origin", "=like", "ff-i-%")], ["invoice_origin"])
        partners = self.books.search_read("res.partner", [], ["name"], context={"active_test": False})
        names = {one["name"] for one in self.dump()["clients"]}
        found = Counter(one["invoice_origin"] for one in moves)
        found += Counter(one["name"] for one in partners if one["name"] in names)
        hanging = self.books.search_read("ir.attachment", [("res_model", "=", "account.move")], ["res_id", "name"])
        found += Counter(f"{one['name']} at {one['res_id']}" for one in hanging)
        return [f"{name} was made {times} times" for name, times in found.items() if times > 1]

    def mails(self) -> int:
        """Count the mails that Odoo holds, sent or not."""
        return len(self.books.ids("mail.mail", []))

    def until_quiet(self) -> list[Json]:
        """Run until nothing is planned any more; give the problems of the last run."""
        run: Json = {}
        for _ in range(ENOUGH):
            run = self.run(code=None)
            if run["exit_code"] in (0, 1) and not run["planned"]:
                problems: list[Json] = run["problems"]
                return problems
        raise AssertionError(f"still not quiet after {ENOUGH} runs: {run}")


@dataclass(frozen=True, slots=True)
class Moments:
    """The source before the first and before the second run."""

    first: Sandbox
    second: Sandbox


@contextmanager
def moments() -> Iterator[Moments]:
    """Serve the small company of the crash tests at both of its moments."""
    with served(scenario.first()) as first, served(scenario.later()) as second:
        yield Moments(first, second)


def served(account: Account) -> Sandbox:
    """Serve an account."""
    return Sandbox(Options(envelope="data", paging="meta"), account)


@contextmanager
def warm(folder: Path, place: Place) -> Iterator[Forks]:
    """Hold a warm process whose commands know the keys of the source and of this Odoo."""
    environment = {**os.environ, KEY: "ffk_sandbox", ODOO_KEY: place.sync_key}
    with Forks(folder, environment) as running:
        yield running
