"""A slice of a real shop's invoices, in a real Odoo: every total and tax to the cent, every payment once."""

from __future__ import annotations

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


@pytest.mark.timeout(3600)
def test_the_invoices_of_a_real_shop_stand_in_odoo_to_the_cent(
    tmp_path: Path, own_odoo: Place, note: Callable[[str], None]
) -> None:
    if not DATA.exists():
        pytest.skip(f"NOT CHECKED against real invoices: {DATA} is not there; set SYNCD_RETAIL_DATA")
    limit = min(SLICE, SLICE_OF_14) if own_odoo.series == "14" else SLICE
    with Sandbox(Options(), load(DATA, limit=limit)) as sandbox:
        give_rates(own_odoo, "2009-01-01")
        office = Office(tmp_path, sandbox, own_odoo)
        assert office.run()["problems"] == []
        assert office.wrong() == []
        note(f"Real invoices, Odoo {own_odoo.series}: {len(office.moves())} of {limit} stand as the source has them.")
        assert office.run()["planned"] == []
