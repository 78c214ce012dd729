"""One company as a test sees it: a served account, a settings file, a state, a ledger, and syncd told what to do."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import syncd.cli
from syncd.sandbox.server import Sandbox

Json = dict[str, Any]
Rows = list[list[str]]
KEY = "FASTFAKTURA_API_KEY"
SWEEPING = {"full_sweep": "1s", "client_sweep": "1s", "detail_sweep": "1s"}
"""Settings of a source with which each run reads everything."""


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Json:
        """The one JSON document on stdout, whose first key names its schema."""
        document: Json = json.loads(self.out)
        assert next(iter(document)) == "schema", self.out[:200]
        return document

    def __str__(self) -> str:
        """Show all of it, for messages of assertions."""
        return f"exit {self.code}\n{self.out}{self.err}"


@dataclass
class Company:
    """An account, and the folder in which syncd keeps its settings, its state and the ledger."""

    sandbox: Sandbox
    folder: Path
    source: dict[str, Any] = field(default_factory=dict)
    target: dict[str, Any] = field(default_factory=dict)
    key: str = ""
    base_url: str = ""

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.configure()

    @property
    def ledger(self) -> Path:
        return self.folder / "books"

    @property
    def settings(self) -> Path:
        return self.folder / "syncd.toml"

    @property
    def state(self) -> Path:
        return self.folder / "state" / "state.db"

    def configure(self, target: Mapping[str, Any] | None = None, source: Mapping[str, Any] | None = None) -> None:
        """Write the settings; what is given is added to what was there."""
        self.target |= target or {}
        self.source |= source or {}
        first = {"api_key": self.key or self.sandbox.key, "base_url": self.base_url or self.sandbox.base_url}
        lines = ["[syncd]", f'state = "sqlite:///{self.state}"', 'log_level = "warning"', "", "[source.main]"]
        lines += [f"{name} = {toml(value)}" for name, value in {**first, **SWEEPING, **self.source}.items()]
        own = {"connector": "csv", "path": str(self.ledger)}
        lines += ["", "[target.ledger]", *(f"{name} = {toml(value)}" for name, value in {**own, **self.target}.items())]
        self.state.parent.mkdir(exist_ok=True)
        self.settings.touch(mode=0o600)
        self.settings.write_text("\n".join([*lines, ""]), encoding="utf-8")

    def syncd(self, *arguments: str) -> Said:
        """Run a command within this process."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = syncd.cli.run(["-c", str(self.settings), *arguments])
        return Said(code, out.getvalue(), err.getvalue())

    def command(self, *arguments: str) -> list[str]:
        """The words of a command that runs in a process of its own."""
        return [sys.executable, "-m", "syncd", "-c", str(self.settings), *arguments]

    def process(self, *arguments: str, **environment: str) -> Said:
        """Run a command in a process of its own."""
        ended = subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, **environment},
        )
        return Said(ended.returncode, ended.stdout, ended.stderr)

    def run(self, *arguments: str, code: int | None = 0) -> Json:
        """Sync once within this process, as is expected of it; give the document."""
        said = self.syncd("run", *arguments, "--json")
        assert code is None or said.code == code, said
        return said.document

    def reconcile(self) -> list[Json]:
        """Compare, and give the differences of the one target."""
        said = self.syncd("reconcile", "--json")
        report: Json = said.document["targets"][0]
        assert said.code == (0 if report["in_step"] else 1), said
        found: list[Json] = report["differences"]
        return found

    def bytes_of_ledger(self) -> dict[str, bytes]:
        """All that stands in the folder of the ledger."""
        return {path.name: path.read_bytes() for path in sorted(self.ledger.iterdir()) if path.is_file()}

    def rows(self, name: str, *, delimiter: str = ",", encoding: str = "utf-8") -> Rows:
        """Read one file of the ledger, without its header."""
        text = (self.ledger / name).read_bytes().decode(encoding)
        return list(csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter))[1:]

    def column(self, name: str, column: str) -> list[str]:
        """Read one column of one file."""
        return self.column_as(name, column, "utf-8")

    def column_as(self, name: str, column: str, encoding: str) -> list[str]:
        """Read one column of one file in an encoding."""
        with (self.ledger / name).open(encoding=encoding, newline="") as file:
            return [row[column] for row in csv.DictReader(file)]

    def forget(self) -> None:
        """Delete the state."""
        for suffix in ("", "-wal", "-shm", ".lock"):
            self.state.with_name(self.state.name + suffix).unlink(missing_ok=True)

    def requests(self) -> Counter[str]:
        """What was asked of the account since the last call."""
        counts = Counter(self.sandbox.traffic.counts)
        self.sandbox.traffic.reset()
        return counts


def toml(value: Any) -> str:
    """Write a value as TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, str) else str(value)


def write_rows(path: Path, rows: Rows) -> None:
    """Write a file of a ledger as syncd would."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    path.write_bytes(text.getvalue().encode())


def whole(path: Path) -> Rows:
    """Read a file of a ledger with its header."""
    return list(csv.reader(io.StringIO(path.read_bytes().decode(), newline="")))


def csvs(company: Company) -> dict[str, bytes]:
    """Read the tables of the ledger, byte by byte."""
    return {name: data for name, data in company.bytes_of_ledger().items() if name.endswith(".csv")}
