"""Connectors installed for a test: real packages with real entry points in a folder of their own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

Install = Callable[..., None]
Write = Callable[..., Path]

BOOKS = """
from syncd.connector import Capabilities

class Ledger:
    Settings = Settings
    def __init__(self, settings, context):
        self.capabilities = Capabilities(fields={}, verbs=frozenset(), contract=CONTRACT)
        self.place = str(context.folder / settings.path)
    def open(self): ...
    def changes(self, since): ...
    def find(self, wanted): ...
    def render(self, operation, books): ...
    def write(self, entries): ...
    def close(self): ...
"""
"""The class of a connector that is never opened, for after its ``Settings``; ``install`` says its ``CONTRACT``."""

LEDGER = (
    """
from pathlib import Path
from typing import Literal
from pydantic import BaseModel, ConfigDict, Field, SecretStr

class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    path: Path = Field(Path("ledger"), description="The folder.")
    url: str = Field("https://books.example.com", description="Where it is.")
    token: SecretStr = Field(SecretStr(""), description="Its token.")
    shape: Literal["round", "square"] = Field("round", description="How it looks.")
"""
    + BOOKS
)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a connector: ``install("ledger")``, with other code, package or contract if wanted."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    before = set(sys.modules)

    def install(name: str, *, code: str = LEDGER, package: str = "", contract: int = 1) -> None:
        package = package or f"syncd-{name}"
        module = package.replace("-", "_")
        (site / f"{module}.py").write_text(f"CONTRACT = {contract}\n{dedent(code)}")
        folder = site / f"{module}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(f"[syncd.connectors]\n{name} = {module}:Ledger\n")

    yield install
    for name in set(sys.modules) - before:
        if name.startswith("syncd_"):
            del sys.modules[name]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a settings file that only its owner can read, unless told otherwise."""

    def write(text: str, mode: int = 0o600) -> Path:
        path = tmp_path / "syncd.toml"
        path.write_text(dedent(text))
        path.chmod(mode)
        return path

    return write
