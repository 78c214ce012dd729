"""A slice of a real shop's invoices: the ledger against the raw file, read apart from syncd."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.check_data import check

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("SYNCD_RETAIL_DATA") or ROOT / "../shared/data/online_retail.csv.xz")
SLICE = 1500


def test_the_ledger_of_a_real_shop_is_its_raw_file_to_the_cent(tmp_path: Path) -> None:
    if not (ROOT / DATA).exists():
        pytest.skip(f"NOT CHECKED against real invoices: {DATA} is not there; set SYNCD_RETAIL_DATA")
    shown, wrong = check(ROOT / DATA, SLICE, tmp_path)
    assert wrong == []
    assert len(shown) > 1
