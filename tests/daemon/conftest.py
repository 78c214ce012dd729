"""A sandbox, somebody who listens to what systemd is told, and a daemon that is not started yet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.sandbox.data import made_up
from syncd.sandbox.server import Sandbox
from tests.daemon.process import Daemon, Systemd
from tests.hostile.fixtures import HostileServer


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(account=made_up(7, clients=8, invoices=40)) as running:
        yield running


@pytest.fixture
def systemd() -> Iterator[Systemd]:
    listening = Systemd()
    yield listening
    listening.close()


@pytest.fixture
def daemon(tmp_path: Path, sandbox: Sandbox, systemd: Systemd) -> Iterator[Daemon]:
    made = Daemon(tmp_path, sandbox, systemd)
    made.settings(made.ledger())
    yield made
    made.close()


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[HostileServer]:
    server = HostileServer(tmp_path / "hostile.db", "keyed")
    yield server
    server.kill()
