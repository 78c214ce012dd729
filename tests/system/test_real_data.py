"""A slice of a real shop's invoices: the ledger against the raw file, read apart from syncd."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.check_data import check, compare, raw_invoices, read_ledger

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("SYNCD_RETAIL_DATA") or ROOT / "../shared/data/online_retail.csv.xz")
SLICE = 1500


def test_the_ledger_of_a_real_shop_is_its_raw_file_to_the_cent(tmp_path: Path) -> None:
    if not (ROOT / DATA).exists():
        pytest.skip(f"NOT CHECKED against real invoices: {DATA} is not there; set SYNCD_RETAIL_DATA")
    shown, wrong = check(ROOT / DATA, SLICE, tmp_path)
    assert wrong == []
    assert len(shown) > 1
    _one_cent_more(tmp_path / "books" / "invoice_lines.csv")
    changed = compare(raw_invoices(ROOT / DATA, SLICE), read_ledger(tmp_path / "books"))
    assert changed, "a cent more on one line went unnoticed"


def _one_cent_more(path: Path) -> None:
    """Raise the unit price of the last line."""
    *lines, last = path.read_bytes().splitlines(keepends=True)
    cells = last.split(b",")
    assert cells[-2].count(b".") == 1
    cells[-2] = f"{float(cells[-2]) + 0.01:.2f}".encode()
    path.write_bytes(b"".join([*lines, b",".join(cells)]))
