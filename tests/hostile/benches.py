"""What the tests of the hostile ledger share: connectors driven by hand, and clients to write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from syncd.connector import Content, Entry, Outcome
from syncd.testing import Bench, Samples
from tests.hostile.connector import HostileConnector
from tests.hostile.fixtures import HostileServer, connect

Start = Callable[..., HostileServer]
BenchOn = Callable[..., Bench]
SAMPLES = Samples()


@pytest.fixture
def bench_on(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """Open connectors to ledgers by ``bench_on(server, **settings)``; they end with the test."""
    connectors: list[HostileConnector] = []

    def make(server: HostileServer, **settings: object) -> Bench:
        connectors.append(connect(server, tmp_path, **settings))
        return Bench(connectors[-1])

    yield make
    for connector in connectors:
        connector.close()


def clients(count: int, name: str = "Client") -> list[Content]:
    """Make some clients."""
    return [
        {
            **SAMPLES.client,
            "client_id": f"c-{n:02}",
            "name": f"{name} {n:02}",
            "email": f"{n}@example.com",
        }
        for n in range(count)
    ]


def creates(bench: Bench, contents: list[Content]) -> list[Entry]:
    """Render the creation of clients."""
    return [bench.entry(bench.operation("create", "client", content)) for content in contents]


def kinds(outcomes: list[Outcome]) -> set[type[Outcome]]:
    """Say which outcomes there are."""
    return {type(outcome) for outcome in outcomes}
