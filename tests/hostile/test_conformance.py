"""The hostile ledger's connector keeps the contract, in both modes, while the ledger behaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from syncd.connector import Connector
from syncd.testing import ConnectorConformance
from tests.hostile.fixtures import HostileServer, connect, hostile

__all__ = ["hostile"]


class TestKeyless(ConnectorConformance):
    """A ledger that honours no idempotency key."""

    @pytest.fixture
    def fresh(self, hostile: Callable[..., HostileServer], tmp_path: Path) -> Callable[[], Connector]:
        """Connect to one ledger of this test."""
        server = hostile("keyless", page=2)
        return lambda: connect(server, tmp_path)


class TestKeyed(ConnectorConformance):
    """A ledger that remembers the key of every operation."""

    @pytest.fixture
    def fresh(self, hostile: Callable[..., HostileServer], tmp_path: Path) -> Callable[[], Connector]:
        """Connect to one ledger of this test."""
        server = hostile("keyed", page=2)
        return lambda: connect(server, tmp_path)
