"""Two targets whose books turn out to be the same only once they are opened."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel
from sqlalchemy.engine import Connection

from syncd.connector import Books, Capabilities, Context
from syncd.engine import Engine
from syncd.errors import Refused
from syncd.secret import Secret
from syncd.settings import Settings, SourceSettings, TargetSettings
from syncd.state import runs
from syncd.state.store import Store


class Named(BaseModel):
    """The company that a target names, or none."""

    company: str = ""


class Register:
    """Books of companies: ``""`` is whichever there is, which only opening tells."""

    Settings: ClassVar[type[BaseModel]] = Named
    alone: ClassVar[str] = "1"
    capabilities = Capabilities(contract=1, fields={}, verbs=frozenset())

    def __init__(self, settings: Named, context: Context) -> None:
        del context
        self.place = settings.company

    def open(self) -> Books:
        self.place = self.place or self.alone
        return Books(company=self.place, identity=self.place)

    def __getattr__(self, name: str) -> Any:
        return lambda *_: SimpleNamespace()


@dataclass
class Desk:
    """One state, and settings that change."""

    store: Store
    settings: Settings

    def configure(self, **companies: str) -> None:
        targets = {name: target(name, company) for name, company in companies.items()}
        self.settings = replace(self.settings, targets=targets)

    def open(self, name: str) -> str:
        """Open a target's books as any command does, in a process of its own."""
        with Engine(self.settings, self.store).session(self.settings.targets[name]) as session:
            return session.books.company


def target(name: str, company: str) -> TargetSettings:
    own = {"connector": "register", "connector_class": Register, "connector_settings": Named(company=company)}
    return TargetSettings.model_validate({"name": name, "source": "main", **own})


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    sources = {"main": SourceSettings.model_validate({"name": "main", "api_key": Secret("ffk_made_up")})}
    state = f"sqlite:///{tmp_path / 'state.db'}"
    store = Store(state)
    yield Desk(store, Settings(state, "auto", "error", sources, {}, tmp_path / "syncd.toml"))
    store.close()


def test_a_target_whose_books_are_those_of_another_is_refused_and_the_first_goes_on(desk: Desk) -> None:
    desk.configure(books="", again="1")
    assert desk.open("books") == "1"
    with pytest.raises(Refused, match="target again: these books are those of target books"):
        desk.open("again")
    assert desk.open("books") == "1"


def test_other_books_are_not_refused(desk: Desk) -> None:
    desk.configure(books="", other="2")
    assert [desk.open("books"), desk.open("other"), desk.open("books")] == ["1", "2", "1"]


def test_what_a_target_had_under_other_settings_or_before_it_was_removed_is_free(desk: Desk) -> None:
    desk.configure(one="1", two="2")
    assert [desk.open("one"), desk.open("two")] == ["1", "2"]
    desk.configure(one="2", two="1")
    assert [desk.open("one"), desk.open("two")] == ["2", "1"]
    desk.configure(three="1")
    assert desk.open("three") == "1"


def test_books_that_become_those_of_another_target_are_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.configure(books="", other="2")
    assert [desk.open("books"), desk.open("other")] == ["1", "2"]
    monkeypatch.setattr(Register, "alone", "2")
    with pytest.raises(Refused):
        desk.open("books")


def test_of_two_targets_that_open_the_same_books_at_one_moment_one_has_them(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.configure(books="", again="1")
    keep, both = runs.keep_place, threading.Barrier(2)

    def together(connection: Connection, name: str, told: list[str]) -> None:
        """Let both have looked before either notes anything, if they can."""
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(0.5)
        keep(connection, name, told)

    with monkeypatch.context() as patch, ThreadPoolExecutor() as pool:
        patch.setattr(runs, "keep_place", together)
        first = [pool.submit(desk.open, name) for name in ("books", "again")]
        refused = [one.exception() for one in first]
    assert [type(one) for one in refused if one] == [Refused]
    opened = "books" if refused[0] is None else "again"
    assert desk.open(opened) == "1"
