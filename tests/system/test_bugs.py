"""A bug in one connector: each command tells it, with the trace in the log and no secret, and goes on with the rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.csv.connector import CsvConnector
from syncd.connector import Books, Page
from tests.system.company import Company
from tests.system.conftest import Found

PACKAGE = "faulty_books-1.0.dist-info"


class FaultyConnector(CsvConnector):
    """A ledger that breaks where it is told to, and quotes what it should not."""

    breaks = "open"
    quotes = ""

    def open(self) -> Books:
        if self.breaks == "open":
            raise KeyError(f"what about {self.quotes}")
        return super().open()

    def changes(self, since: str | None) -> Iterator[Page]:
        yield from super().changes(since)
        raise KeyError(f"what about {self.quotes}")


@pytest.fixture
def company(found: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Company:
    """A company whose first target breaks, and whose second is well."""
    package = tmp_path / "site" / PACKAGE
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: faulty-books\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(f"[syncd.connectors]\nfaulty = {__name__}:FaultyConnector\n")
    monkeypatch.syspath_prepend(str(package.parent))
    company = found(target={"connector": "faulty"})
    monkeypatch.setattr(FaultyConnector, "quotes", company.sandbox.key)
    more = '[target.second]\nconnector = "csv"\npath = "second"\n'
    company.settings.write_text(f"{company.settings.read_text()}\n{more}")
    return company


@pytest.mark.parametrize("breaks", ["open", "changes"])
@pytest.mark.parametrize("command", ["run", "reconcile", "check"])
def test_a_bug_of_one_connector_is_told_and_stops_no_other_target(
    company: Company, monkeypatch: pytest.MonkeyPatch, command: str, breaks: str
) -> None:
    monkeypatch.setattr(FaultyConnector, "breaks", breaks)
    company.run(code=None)
    said = company.syncd(command, "--json")
    assert said.code == 1, said
    told = str(said.document)
    assert "a fault in the connector faulty (KeyError: 'what about ***'); please report it with the log." in told
    assert "second" in told
    assert "Traceback (most recent call last)" in said.err
    assert company.sandbox.key not in said.out + said.err


def test_books_out_of_reach_weigh_more_than_a_bug_in_others(company: Company) -> None:
    company.run(code=1)
    (company.folder / "second").rename(company.folder / "away")
    (company.folder / "second").write_text("no folder")
    for command in ("run", "reconcile", "check"):
        assert company.syncd(command).code == 3, command
