"""What `check` tells the books to lack for the invoices that are to be written, before any is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel

from syncd.connector import FIELDS, Books, Capabilities, Context
from syncd.engine import Engine
from syncd.needs import lacks
from syncd.sandbox.change import insert
from syncd.sandbox.data import made_up
from syncd.sandbox.options import Options
from syncd.sandbox.server import Sandbox
from syncd.secret import Secret
from syncd.settings import Settings, SourceSettings, TargetSettings
from syncd.state.store import Store

Asked = list[tuple[str, str | None]]


class Empty(BaseModel):
    """There is nothing to set."""


class Ledger:
    """Books in euros that have a tax of 25 % alone."""

    Settings: ClassVar[type[BaseModel]] = Empty
    place = "here"
    capabilities = Capabilities(
        contract=1,
        fields={kind: frozenset(fields) for kind, fields in FIELDS.items() if kind != "payment"},
        verbs=frozenset({"create"}),
    )
    asked: ClassVar[Asked] = []

    def __init__(self, settings: Empty, context: Context) -> None:
        """Open nothing."""

    def open(self) -> Books:
        return Books(company="Ledger", identity="here", currencies=frozenset({"EUR"}), findings=("7 % is said.",))

    def lacking(self, rates: Iterable[tuple[str, str | None]], books: Books) -> Iterable[str]:
        del books
        self.asked[:] = rates
        return [f"{rate} % is said." if rate == "7" else f"no {rate} %" for rate, _ in self.asked if rate != "25"]

    def __getattr__(self, name: str) -> Any:
        return lambda *_: SimpleNamespace()


@dataclass
class Desk:
    """An account with one client, and a syncd."""

    sandbox: Sandbox
    engine: Engine

    def insert(self, currency: str, rate: int, **fields: object) -> None:
        line = {"description": "Hours", "quantity": 2, "unit_price_cents": 5000, "tax_rate": rate}
        client = next(iter(self.sandbox.account.clients))
        usual = {"client_id": client, "status": "sent", "currency": currency, "lines": [line]}
        insert(self.sandbox.account, {**usual, **fields})

    def lacks(self, rows: Iterable[Any] = ()) -> list[str]:
        with self.engine.session(self.engine.settings.targets["books"]) as session:
            return lacks(session, rows)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    account = made_up(3, clients=1, invoices=0, today=date(2026, 6, 1))
    with Sandbox(Options(), account) as sandbox:
        told = {"name": "main", "api_key": Secret("ffk_sandbox"), "base_url": sandbox.base_url}
        own = {"connector": "ledger", "connector_class": Ledger, "connector_settings": Empty(), "source": "main"}
        target = TargetSettings.model_validate({"name": "books", "start_date": date(2026, 1, 1), **own})
        state = f"sqlite:///{tmp_path / 'state.db'}"
        sources, path = {"main": SourceSettings.model_validate(told)}, tmp_path / "syncd.toml"
        store = Store(state)
        yield Desk(sandbox, Engine(Settings(state, "auto", "error", sources, {"books": target}, path), store))
        store.close()


def test_currencies_and_rates_of_invoices_to_be_written_are_compared_with_the_books(desk: Desk) -> None:
    desk.insert("EUR", 25)
    desk.insert("SEK", 25)
    desk.insert("SEK", 12)
    desk.insert("EUR", 7)
    desk.engine.pull("main")
    assert desk.lacks() == [
        "2 invoices are to be written in SEK, which the books cannot hold; turn the currency on there.",
        "For invoices that are to be written: no 12 %",
    ]
    country = next(iter(desk.sandbox.account.clients.values()))["country"]
    assert [(rate, country) for rate in ("12", "25", "7")] == Ledger.asked


def test_what_is_not_to_be_written_needs_nothing(desk: Desk) -> None:
    desk.insert("SEK", 12, status="draft")
    desk.insert("SEK", 12, status="cancelled")
    desk.insert("SEK", 12, issue_date="2025-12-31")
    desk.engine.pull("main")
    assert desk.lacks() == []


def test_before_anything_was_read_the_first_page_tells_of_currencies(desk: Desk) -> None:
    rows = [{"currency": "SEK", "status": status} for status in ("sent", "draft")]
    usual = {"number": "1", "client_id": "c", "subtotal_cents": 1, "tax_cents": 0, "total_cents": 1}
    listed = [{"id": str(n), "issued_at": "2026-05-01", **usual, **row} for n, row in enumerate(rows)]
    assert desk.lacks([*listed, "nonsense"]) == [
        "1 invoice is to be written in SEK, which the books cannot hold; turn the currency on there."
    ]
    undated = [{name: value for name, value in row.items() if name != "issued_at"} for row in listed]
    assert desk.lacks(undated) == [], "they may be from before the start date"
