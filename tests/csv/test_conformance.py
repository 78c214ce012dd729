"""The CSV ledger's connector keeps the contract, whole and split by month."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.csv import CsvConnector
from connectors.csv.settings import CsvSettings
from syncd.connector import Connector
from syncd.testing import ConnectorConformance
from tests.hostile.fixtures import context


class TestWhole(ConnectorConformance):
    """One file for each table."""

    partition = "none"

    @pytest.fixture
    def fresh(self, tmp_path: Path) -> Callable[[], Connector]:
        """Connect to one folder of this test."""
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        values = {"path": str(tmp_path / "books"), "partition": self.partition}
        settings = CsvSettings.model_validate(values)
        lent = context(scratch)  # a folder without files is known again by the state's tokens
        return lambda: CsvConnector(settings, lent)


class TestByMonth(TestWhole):
    """One file for each table and month."""

    partition = "month"
