"""A column of the ledger is deleted or renamed: it is built anew, and what a person did besides is kept."""

from __future__ import annotations

import pytest

from syncd.sandbox.change import insert, patch_invoice
from tests.system.company import Company, csvs, whole, write_rows
from tests.system.conftest import Found
from tests.system.expected import assert_equal

KEYS = {
    "clients": ["client_id"],
    "invoices": ["invoice_id"],
    "invoice_lines": ["invoice_id", "line"],
    "payments": ["invoice_id"],
    "events": ["invoice_id", "event_id"],
}
"""The columns without which nothing can be told apart."""


def without(company: Company, table: str, column: str) -> None:
    """Delete one column."""
    path = company.ledger / f"{table}.csv"
    rows = whole(path)
    at = rows[0].index(column)
    write_rows(path, [row[:at] + row[at + 1 :] for row in rows])


@pytest.mark.parametrize("table", KEYS)
def test_a_deleted_column_is_built_anew(table: str, found: Found) -> None:
    company = found()
    company.run()
    header = whole(company.ledger / f"{table}.csv")[0]
    for column in header:
        if column in KEYS[table]:
            continue
        without(company, table, column)
        assert {one["field"].rpartition(".")[2] for one in company.reconcile()} <= {column}
        insert(company.sandbox.account, {"status": "paid"})
        if table == "clients":
            company.sandbox.account.create_client({"name": f"New {column}"})
        assert company.run()["targets"][0]["kept_by_hand"] == 0, column
        assert company.reconcile() == [], column
        assert_equal(company)


def test_a_deleted_column_of_states_is_no_mass_of_voids(found: Found) -> None:
    company = found()
    for _ in range(12):
        insert(company.sandbox.account, {"status": "cancelled"})
        archived = company.sandbox.account.create_client({"name": "Gone AS"})
        company.sandbox.account.archive_client(archived["id"])
    company.run()
    for table, column in (("invoices", "status"), ("clients", "archived_at")):
        without(company, table, column)
        company.run()
        assert_equal(company)


@pytest.mark.parametrize("partition", ["none", "year"])
def test_a_renamed_column_is_a_persons_and_ours_stands_beside_it(partition: str, found: Found) -> None:
    company = found(target={"partition": partition})
    company.run()
    path = next(path for path in sorted(company.ledger.glob("invoices*.csv")) if len(whole(path)) > 3)
    header, *rows = whole(path)
    at = header.index("due_date")
    edited = [[*row[:3], "In my words", *row[4:]] if n == 1 else row for n, row in enumerate(rows)]
    write_rows(path, [[*header[:at], "Pay by", *header[at + 1 :], "note"], *([*row, f"n {row[0]}"] for row in edited)])
    assert company.run()["targets"][0]["kept_by_hand"] == 1
    assert whole(path)[0] == [*header, "Pay by", "note"]
    assert whole(path)[1:] == [[*row, row[at], f"n {row[0]}"] for row in edited]
    assert [one["field"] for one in company.reconcile()] == ["client_name"]


def test_a_column_that_is_deleted_while_its_record_changes_holds_what_the_source_says(found: Found) -> None:
    company = found()
    new = insert(company.sandbox.account, {"status": "sent", "due_date": "2027-01-31"})
    company.run()
    without(company, "invoices", "due_date")
    without(company, "invoice_lines", "quantity")
    line = {"description": "Another text", "quantity": 3, "unit_price_cents": 4_321, "tax_rate": 25}
    patch_invoice(company.sandbox.account, new.id, {"due_date": "2027-03-31", "lines": [line, line]})
    company.run("--full", "--details")
    assert_equal(company)
    assert company.run()["targets"][0]["written"] == 0


@pytest.mark.parametrize(("table", "column"), [(table, column) for table, names in KEYS.items() for column in names])
def test_without_a_column_that_tells_rows_apart_nothing_is_written(table: str, column: str, found: Found) -> None:
    company = found()
    company.run()
    before = csvs(company)
    without(company, table, column)
    stood = csvs(company)
    insert(company.sandbox.account, {"status": "paid"})
    said = company.syncd("run")
    assert said.code == 3, said
    assert f"{table}.csv cannot be understood" in said.err
    assert column in said.err
    assert csvs(company) == stood
    (company.ledger / f"{table}.csv").write_bytes(before[f"{table}.csv"])
    company.run()
    assert_equal(company)
