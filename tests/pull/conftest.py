"""Fixtures of the tests of pulling: a sandbox with some habits, and a source that is pulled from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from syncd.sandbox.account import Account
from syncd.sandbox.data import made_up
from syncd.sandbox.options import Options
from syncd.sandbox.server import Sandbox

from .support import Puller, api_of

Start = Callable[..., tuple[Sandbox, Puller]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a sandbox with these options and a source on it that was never pulled."""
    with ExitStack() as stack:

        def begin(account: Account | None = None, **options: Any) -> tuple[Sandbox, Puller]:
            account = account or made_up(clients=12, invoices=40)
            sandbox = stack.enter_context(Sandbox(Options(**{"page_size": 7, **options}), account))
            api = api_of(sandbox.base_url, sandbox.key, pool=4, attempts=4, sleep=lambda _: None)
            stack.callback(api.close)
            folder = tmp_path / f"state {len(list(tmp_path.iterdir()))}"
            puller = Puller(folder, api)
            stack.callback(puller.close)
            return sandbox, puller

        yield begin
