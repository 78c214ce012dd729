"""Fixtures of the tests of the whole program."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import syncd.cli.app
from syncd.sandbox.account import Account
from syncd.sandbox.data import made_up
from syncd.sandbox.options import Options
from syncd.sandbox.server import Sandbox
from tests.system.company import Company

Found = Callable[..., Company]


@pytest.fixture(autouse=True, scope="session")
def one_command_line() -> Iterator[None]:
    """Put the command line together once for all the commands that run within this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(syncd.cli.app, "command", functools.cache(syncd.cli.app.command))
        yield


@pytest.fixture
def found(tmp_path: Path) -> Iterator[Found]:
    """Founds companies: a sandbox with these options, and settings with these keys of source and target."""
    with ExitStack() as stack:

        def begin(
            account: Account | None = None,
            *,
            source: dict[str, Any] | None = None,
            target: dict[str, Any] | None = None,
            **options: Any,
        ) -> Company:
            served = stack.enter_context(
                Sandbox(Options(**options), account or made_up(seed=3, clients=8, invoices=30))
            )
            folder = tmp_path / f"company {len(list(tmp_path.iterdir()))}"
            return Company(served, folder, source or {}, target or {})

        yield begin
