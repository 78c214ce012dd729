"""Connectors are found without being imported, and one that cannot be used is named with the reason."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from syncd.registry import Installed, installed, load

Install = Callable[..., None]
WHOLE = """
from pydantic import BaseModel
class Connector:
    class Settings(BaseModel): pass
    def open(self): ...
    def changes(self, since): ...
    def find(self, wanted): ...
    def render(self, operation, books): ...
    def write(self, entries): ...
    def close(self): ...
"""
FOREIGN = """
class Declared:
    contract = 99
Connector.capabilities = Declared()
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def install(name: str, code: str, package: str) -> None:
        (tmp_path / f"{package}.py").write_text(code)
        folder = tmp_path / f"{package}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        entry = f"[syncd.connectors]\n{name} = {package}:Connector\n"
        (folder / "entry_points.txt").write_text(entry)

    yield install
    for name in set(sys.modules) - before:
        if name.startswith("books_"):
            del sys.modules[name]


def found(name: str) -> Installed:
    return load(installed()[name])


def test_looking_imports_nothing_and_loading_only_the_one_asked_for(install: Install) -> None:
    install("one", WHOLE, "books_one")
    install("two", "raise SystemError('must not be imported')", "books_two")
    assert installed()["one"].status == "found"
    assert "books_one" not in sys.modules
    one = found("one")
    assert (one.status, one.package, one.connector.__name__) == ("ready", "books_one", "Connector")
    assert "books_two" not in sys.modules


def test_two_packages_with_one_name_are_an_error_naming_both(install: Install) -> None:
    install("same", WHOLE, "books_a")
    install("same", WHOLE, "books_b")
    same = found("same")
    assert same.status == "doubled"
    assert "books_a and books_b" in same.reason


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("Other = 1", "has no attribute 'Connector'"),
        ("Connector = 1", "must lead to a class"),
        ("class Connector: pass", "needs Settings, a pydantic model"),
        (WHOLE.replace("def write", "def writes"), "it lacks write"),
        (WHOLE + FOREIGN, "contract 99, this syncd speaks 1"),
    ],
)
def test_what_is_no_usable_connector_is_told_with_the_reason(install: Install, code: str, told: str) -> None:
    install("broken", code, "books_broken")
    broken = found("broken")
    assert broken.status == "broken"
    assert broken.reason.startswith("books_broken (books_broken:Connector) ")
    assert told in broken.reason
