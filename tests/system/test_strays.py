"""Rows that belong to no invoice: kept, and told once as unexpected."""

from __future__ import annotations

import pytest

from syncd.sandbox.change import insert
from tests.system.company import whole, write_rows
from tests.system.conftest import Found

STRAYS = {
    "invoice_lines": [["x1", "X-1", "1", "Typed", "1", "5.00", "25"], ["x1", "X-1", "2", "Typed", "1", "5.00", "25"]],
    "events": [["x1", "X-1", "sent", "2026-01-01T10:00:00Z", "mine", "{}"]],
    "payments": [["x1", "X-1", "", "EUR", "10.00", "2026-01-01"]],
}


@pytest.mark.parametrize("partition", ["none", "year"])
@pytest.mark.parametrize("tables", [["invoice_lines"], ["events"], ["payments"], ["invoice_lines", "events"]])
def test_a_row_that_belongs_to_no_invoice_is_unexpected_and_kept(
    tables: list[str], partition: str, found: Found
) -> None:
    company = found(target={"partition": partition})
    company.run()
    paths = {table: max(company.ledger.glob(f"{table}*.csv")) for table in tables}
    for table, path in paths.items():
        write_rows(path, [*whole(path), *STRAYS[table]])
    kind = "payment" if tables == ["payments"] else "invoice"
    for _ in range(2):
        told = [(one["what"], one["kind"], one["id"], one["label"]) for one in company.reconcile()]
        assert told == [("unexpected", kind, "x1", "X-1")]
        insert(company.sandbox.account, {"status": "paid"})
        assert company.run()["targets"][0]["kept_by_hand"] == 0
        for table, path in paths.items():
            assert [row for row in whole(path) if row[0] == "x1"] == STRAYS[table]


def test_rows_without_an_id_are_unexpected_once_for_each_file(found: Found) -> None:
    company = found()
    company.run()
    for name in ("invoice_lines", "events"):
        path = company.ledger / f"{name}.csv"
        header, *rows = whole(path)
        write_rows(path, [header, *rows, *([["", "", "", f"Sum {n}", *[""] * (len(header) - 4)] for n in range(2)])])
    assert [(one["what"], one["id"]) for one in company.reconcile()] == [
        ("unexpected", "rows without an invoice_id in events.csv"),
        ("unexpected", "rows without an invoice_id in invoice_lines.csv"),
    ]


def test_what_is_left_of_an_invoice_that_was_taken_out_is_not_unexpected(found: Found) -> None:
    company = found()
    company.run()
    path = company.ledger / "invoices.csv"
    rows = whole(path)
    gone = rows.pop(3)
    write_rows(path, rows)
    for _ in range(2):
        assert {(one["what"], one["id"]) for one in company.reconcile()} in (
            {("missing", gone[0])},
            {("removed", gone[0])},
        )
        company.run()
    assert gone[0] in company.column("invoice_lines.csv", "invoice_id")
    assert gone[0] not in company.column("invoices.csv", "invoice_id")
