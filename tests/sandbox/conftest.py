"""Running sandboxes, and a caller that has the key, for the tests of the sandbox."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from typing import Any

import httpx
import pytest

from syncd.sandbox.account import Account
from syncd.sandbox.data import made_up
from syncd.sandbox.options import Options
from syncd.sandbox.server import Sandbox

TODAY = date(2026, 6, 1)


class Caller:
    """A sandbox and an HTTP client that sends its key."""

    def __init__(self, sandbox: Sandbox, http: httpx.Client) -> None:
        self.sandbox = sandbox
        self.http = http

    def get(self, path: str, **params: Any) -> Any:
        """Return the JSON of an API call that must succeed."""
        answer = self.http.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Return the JSON of a control call that must succeed."""
        answer = self.http.request(method, f"{self.sandbox.root}/_sandbox/{path}", json=body or {})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def walk(self, path: str = "/invoices", first: int = 1) -> list[Any]:
        """Return the rows of all pages of a bare list that ends with an empty page."""
        rows: list[Any] = []
        while page := self.get(path, page=first):
            rows += page
            first += 1
        return rows


Start = Callable[..., Caller]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start sandboxes with `start(option=…)`; `account=` brings data of one's own."""
    with ExitStack() as stack:

        def started(account: Account | None = None, **options: Any) -> Caller:
            data = account or made_up(7, clients=12, invoices=40, today=TODAY)
            sandbox = stack.enter_context(Sandbox(Options().changed(options), data))
            headers = {"X-Api-Key": sandbox.key}
            client = httpx.Client(base_url=sandbox.base_url, headers=headers, trust_env=False)
            return Caller(sandbox, stack.enter_context(client))

        yield started


@pytest.fixture
def caller(start: Start) -> Caller:
    """Return a caller of a sandbox with default options."""
    return start()
