"""One place to try points in, for each kind of target: a folder, the books, and the two moments of the source."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from syncd.sandbox.server import Sandbox
from tests.crash import oracle
from tests.crash.forks import Ended, Forks
from tests.hostile.fixtures import HostileServer

Kind = Literal["csv", "keyless", "keyed"]
Phase = Literal["first", "second"]
State = Literal["kept", "deleted"]
KEY = "FASTFAKTURA_API_KEY"

SETTINGS = """\
[syncd]
state = "sqlite:///{folder}/state.db"
log_level = "error"

[source.main]
api_key = {{ env = "{key}" }}
base_url = "{url}"
concurrency = 1
client_sweep = "1s"

"""
"""Cycles are a second apart for each other, however soon one follows: so each finds the clients' sweep due."""
LEDGER = '[target.books]\nconnector = "csv"\npath = "ledger"\n'
DELAY = 0.2
"""Seconds: the ledger's ``settle_delay``; none of its commits here is later than a moment."""


@dataclass(frozen=True, slots=True)
class Source:
    """The source at both moments: two servers, and what they hold."""

    servers: dict[Phase, Sandbox]
    dumps: dict[Phase, oracle.Json]


@dataclass(slots=True)
class Point:
    """One point that is tried, and what was found wrong afterwards."""

    number: int
    name: str
    phase: Phase
    state: State
    wrong: list[str] = field(default_factory=list)

    @property
    def in_apply(self) -> bool:
        """Tell whether it lies between the first word to the target and the last outcome."""
        return self.name.startswith("apply:")

    def __str__(self) -> str:
        """Say where it is, and what is wrong."""
        return f"{self.phase} run, point {self.number} ({self.name}), state {self.state}: {'; '.join(self.wrong)}"


class Slot:
    """A folder in which one run after another is tried, with books of its own."""

    def __init__(self, folder: Path, kind: Kind, forks: Forks, source: Source) -> None:
        """Make the folder; start the books where they are a server."""
        folder.mkdir(parents=True)
        self.folder, self.kind, self.forks, self.source = folder, kind, forks, source
        self.server = None if kind == "csv" else HostileServer(folder / "hostile.db", kind)

    def close(self) -> None:
        """Stop the books."""
        if self.server is not None:
            self.server.stop()

    def settle(self, phase: Phase, before: Path | None) -> None:
        """Put everything as it is before a run: empty, or as an earlier run left it."""
        self._delete_state()
        shutil.rmtree(self.folder / "ledger", ignore_errors=True)
        if before is not None:
            shutil.copytree(before, self.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("hostile*"))
        if self.server is not None:
            if before is None:
                self.server.reset()
            else:
                self.server.load(before / "hostile.copy")
        target = LEDGER if self.server is None else self.server.settings(unsettle=True, settle_delay=DELAY, batch=2)
        base = SETTINGS.format(folder=self.folder, key=KEY, url=self.source.servers[phase].base_url)
        (self.folder / "syncd.toml").write_text(base + target)

    def keep(self, where: Path) -> None:
        """Keep everything as a run left it."""
        where.mkdir()
        shutil.copy(self.folder / "state.db", where)
        if self.server is None:
            shutil.copytree(self.folder / "ledger", where / "ledger")
        else:
            self.server.save(where / "hostile.copy")

    def _delete_state(self) -> None:
        for name in ("state.db", "state.db-wal", "state.db-shm"):
            (self.folder / name).unlink(missing_ok=True)

    def run(self, *arguments: str, count: Path | None = None, stop_at: int | None = None) -> Ended:
        """Run a command of syncd here."""
        return self.forks.run(self.folder, *arguments, count=count, stop_at=stop_at)

    def try_point(self, point: Point, before: Path | None) -> None:
        """Stop a run dead at a point, run again, and note all that is wrong then."""
        self.settle(point.phase, before)
        stopped = self.run("run", stop_at=point.number)
        if stopped.code != -9:
            point.wrong.append(f"it was not reached any more (exit {stopped.code}) {stopped.err[-300:]}")
            return
        if point.state == "deleted":
            self._delete_state()
        again = self.run("run", "--json")
        told = self._told(again, point)
        point.wrong += self._wrong(point, told)
        point.wrong += self._not_idle()

    def _told(self, run: Ended, point: Point) -> frozenset[str]:
        """Read the problems of a run; only a state that was lost may have any."""
        if run.code not in (0, 1):
            point.wrong.append(f"the next run ended with {run.code}: {run.err[-300:]}")
            return frozenset()
        problems = run.json()["problems"]
        strange = [one["sentence"] for one in problems if one["code"] not in self._expected_problems(point)]
        point.wrong += [f"a problem: {sentence}" for sentence in strange]
        return frozenset(one["id"] for one in problems)

    def _expected_problems(self, point: Point) -> tuple[str, ...]:
        """Books whose binding is lost keep their texts where the source changed meanwhile, and syncd says so."""
        lost = point.state == "deleted" and point.phase == "second" and self.server is not None
        return ("adopted_differs",) if lost else ()

    def _wrong(self, point: Point, told: frozenset[str]) -> list[str]:
        dump = self.source.dumps[point.phase]
        if self.server is None:
            expected, found = oracle.tables(dump), oracle.read(self.folder / "ledger")
            differing = [name for name in expected if expected[name] != found[name]]
            left = [one.name for one in (self.folder / "ledger").glob(".*tmp")]
            return [f"{name}.csv is not what the source says" for name in differing] + left
        earlier = self.source.dumps["first"]
        wrong = oracle.wrong_in_books(oracle.kept_as_told(dump, earlier, told), earlier, self.server.records())
        audit = self.server.audit()
        return wrong + ([] if audit["clean"] else [f"the ledger's own audit: {audit}"])

    def _not_idle(self) -> list[str]:
        """Run once more: nothing is planned, nothing is written, both sides agree."""
        before = self._bytes()
        idle = self.run("run", "--json")
        wrong = []
        if idle.code not in (0, 1):
            return [f"the last run ended with {idle.code}: {idle.err[-300:]}"]
        if planned := idle.json()["targets"][0]["planned"]:
            wrong.append(f"the last run still planned {planned}")
        if self._bytes() != before:
            wrong.append("the last run wrote something")
        if self.server is None and (agreed := self.run("reconcile")).code:
            wrong.append(f"reconcile ended with {agreed.code}: {agreed.out[-300:]}")
        return wrong

    def _bytes(self) -> object:
        """Give everything that a write would change: bytes and times of files, versions of records."""
        if self.server is None:
            files = sorted((self.folder / "ledger").iterdir())
            return [(one.name, one.stat().st_mtime_ns, one.stat().st_ino, one.read_bytes()) for one in files]
        return self.server.records()


def counted(slot: Slot, phase: Phase, before: Path | None) -> list[str]:
    """Run once without a stop and name the points passed."""
    slot.settle(phase, before)
    file = slot.folder / "points"
    run = slot.run("run", "--json", count=file)
    assert run.code == 0, run.err
    assert run.json()["problems"] == []
    points = file.read_text("utf-8").splitlines()
    write = "after replace .invoices.csv* invoices.csv" if slot.server is None else "sent POST /batch"
    lists = {f"pull: before GET /api/v1/{name}" for name in ("invoices", "clients")}
    assert lists | {"apply: after commit", f"apply: {write}"} <= set(points)
    return points


def kept_after_first(slot: Slot, where: Path) -> Path:
    """Do the first run and keep what it leaves."""
    slot.settle("first", None)
    assert slot.run("run").code == 0
    slot.keep(where)
    return where
