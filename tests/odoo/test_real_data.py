"""A slice of a real shop's invoices, in a real Odoo: every total and tax to the cent, every payment once."""

from __future__ import annotations

import csv
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from syncd.sandbox.options import Options
from syncd.sandbox.retail import load
from syncd.sandbox.server import Sandbox
from tests.odoo.office import Office, give_rates
from tests.odoo.place import Place

ROOT = Path(__file__).parents[2]
DATA = ROOT / (os.environ.get("SYNCD_RETAIL_DATA") or "../shared/data/online_retail.csv.xz")
SLICE = int(os.environ.get("ODOO_SLICE") or 1500)
SLICE_OF_14 = 100
"""Enough of the same invoices on the older one."""

OTHERS = {"Sweden": "SEK", "Norway": "NOK", "Denmark": "DKK", "USA": "USD"}
"""Countries of which a small slice would have no invoice, and their currencies."""
OF_EACH = 5


def cut(path: Path, limit: int) -> Path:
    """Write the lines of so many invoices: some of each of the other currencies, and the first ones there are."""
    with lzma.open(DATA, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    numbers = dict.fromkeys((row["Country"], row["InvoiceNo"]) for row in rows)
    chosen = set()
    for country in OTHERS:
        chosen |= {number for where, number in [one for one in numbers if one[0] == country][:OF_EACH]}
    for _, number in numbers:
        if len(chosen) < limit:
            chosen.add(number)
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(row for row in rows if row["InvoiceNo"] in chosen)
    return path


@pytest.mark.timeout(3600)
def test_the_invoices_of_a_real_shop_stand_in_odoo_to_the_cent(
    tmp_path: Path, own_odoo: Place, note: Callable[[str], None]
) -> None:
    if not DATA.exists():
        pytest.skip(f"NOT CHECKED against real invoices: {DATA} is not there; set SYNCD_RETAIL_DATA")
    limit = min(SLICE, SLICE_OF_14) if own_odoo.series == "14" else SLICE
    with Sandbox(Options(), load(cut(tmp_path / "slice.csv", limit))) as sandbox:
        assert {one.currency for one in sandbox.account.invoices.values()} == {"GBP", "EUR", *OTHERS.values()}
        give_rates(own_odoo, "2009-01-01")
        office = Office(tmp_path, sandbox, own_odoo)
        assert office.run()["problems"] == []
        assert office.wrong() == []
        assert office.wrong_payments() == []
        stands, there = len(office.moves()), len(sandbox.account.invoices)
        note(f"Real invoices, Odoo {own_odoo.series}: {stands} of {there} stand as the source has them.")
        assert office.run()["planned"] == []
