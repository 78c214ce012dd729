"""The versions that README says were tried are those that the tests ran on."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tests.odoo.place import Place
from tests.odoo.test_real_data import SLICE, SLICE_OF_14

README = Path(__file__).parents[2] / "README.md"


def test_readme_names_the_version_that_is_tried_and_how_many_real_invoices(
    odoo: Place, note: Callable[[str], None]
) -> None:
    client = odoo.client()
    client.connect()
    version = client.version
    note(f"Odoo {odoo.series} is version {version}.")
    rows = [line for line in README.read_text("utf-8").splitlines() if line.startswith(f"| {version} (Community) |")]
    assert len(rows) == 1, f"README has no row for Odoo {version}"
    if "ODOO_SLICE" not in os.environ:  # the whole number
        invoices = SLICE_OF_14 if odoo.series == "14" else SLICE
        assert f"{invoices:,} invoices of a real shop" in rows[0]
