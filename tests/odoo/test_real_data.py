"""A slice of a real shop's invoices, in a real Odoo: every total and tax to the cent, every payment once."""

from __future__ import annotations

import os
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


def test_the_invoices_of_a_real_shop_stand_in_odoo_to_the_cent(
    tmp_path: Path, own_odoo: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    if own_odoo.version < 19:
        pytest.skip("the real data is tried on the newest Odoo")
    if not DATA.exists():
        pytest.skip(f"NOT CHECKED against real invoices: {DATA} is not there; set SYNCD_RETAIL_DATA")
    with Sandbox(Options(), load(DATA, limit=SLICE)) as sandbox:
        give_rates(own_odoo, "2009-01-01")
        office = Office(tmp_path, sandbox, own_odoo)
        first = office.run(code=None)
        assert office.wrong(but={one["id"] for one in first["problems"]}) == []
        with capsys.disabled():
            print(f"\n{len(office.moves())} of {SLICE} real invoices stand; {len(first['problems'])} problems")
        assert len(first["problems"]) == 0
        assert office.run()["planned"] == []
