"""A file of the ledger is deleted: it is built anew, and nothing else is lost, neither news nor what a person did."""

from __future__ import annotations

import shutil

import pytest

import syncd.apply
from syncd.closing import Applied
from syncd.doubt import Clock
from syncd.sandbox.change import insert, patch_invoice
from syncd.session import Session
from tests.system.company import csvs, whole, write_rows
from tests.system.conftest import Found
from tests.system.expected import assert_equal


@pytest.mark.parametrize("table", ["clients", "invoices", "invoice_lines", "payments", "events"])
def test_a_deleted_file_is_built_anew(table: str, found: Found) -> None:
    company = found()
    company.run()
    before = csvs(company)
    (company.ledger / f"{table}.csv").unlink()
    company.run()
    assert csvs(company) == before
    assert company.reconcile() == []


def test_a_file_deleted_while_the_source_changes_is_built_anew_in_order(found: Found) -> None:
    company = found()
    company.run()
    (company.ledger / "invoices.csv").unlink()
    insert(company.sandbox.account, {"status": "paid"})
    company.run()
    assert_equal(company)


@pytest.mark.parametrize("noted", [False, True], ids=["untouched", "with a column of a person's"])
@pytest.mark.parametrize("table", ["clients", "invoices", "invoice_lines", "payments", "events"])
def test_what_changes_at_the_source_while_a_file_is_missing_is_written(table: str, noted: bool, found: Found) -> None:
    company = found()
    account = company.sandbox.account
    paid, changed = (insert(account, {"status": "sent"}) for _ in range(2))
    company.run()
    if noted:
        write_rows(company.ledger / "invoices.csv", [[*row, "note"] for row in whole(company.ledger / "invoices.csv")])
        company.run()
    (company.ledger / f"{table}.csv").unlink()
    patch_invoice(account, paid.id, {"_happened": "paid"})
    line = {"description": "Another text", "quantity": 3, "unit_price_cents": 4_321, "tax_rate": 25}
    patch_invoice(account, changed.id, {"lines": [line], "due_date": "2031-01-31"})
    company.run("--full", "--details")
    assert company.reconcile() == []
    assert company.run()["targets"][0]["written"] == 0


@pytest.mark.parametrize("table", ["clients", "invoice_lines", "payments", "events"])
def test_a_row_that_a_person_took_out_stays_out_when_a_file_is_built_anew(table: str, found: Found) -> None:
    company = found()
    company.run()
    gone = company.column("payments.csv", "invoice_id")[0]
    for name in ("invoices", "invoice_lines", "events", "payments"):
        rows = whole(company.ledger / f"{name}.csv")
        write_rows(company.ledger / f"{name}.csv", [row for row in rows if row[0] != gone])
    company.run()
    (company.ledger / f"{table}.csv").unlink()
    company.run()
    for name in ("invoices", "invoice_lines", "events", "payments"):
        assert gone not in company.column(f"{name}.csv", "invoice_id"), name


@pytest.mark.parametrize("lost", [False, True], ids=["state kept", "state lost"])
def test_edits_in_a_file_that_is_built_anew_are_forgotten(lost: bool, found: Found) -> None:
    company = found()
    new = insert(company.sandbox.account, {"status": "sent"})
    company.run()
    path = company.ledger / "invoices.csv"
    write_rows(path, [[*row[:10], "2030-01-01", *row[11:]] if row[0] == new.id else row for row in whole(path)])
    if lost:
        company.forget()
    company.run(code=1 if lost else 0)
    path.unlink()
    assert company.run()["targets"][0]["kept_by_hand"] == 0
    assert company.reconcile() == []
    patch_invoice(company.sandbox.account, new.id, {"due_date": "2031-01-31"})
    company.run()
    assert company.reconcile() == []


@pytest.mark.parametrize("table", ["clients", "invoices", "invoice_lines", "payments", "events"])
def test_reconcile_names_what_a_missing_file_held(table: str, found: Found) -> None:
    company = found()
    company.run()
    held = {row[0] for row in company.rows(f"{table}.csv")}
    (company.ledger / f"{table}.csv").unlink()
    told = company.reconcile()
    assert sorted(one["id"] for one in told) == sorted(held)
    if table in ("clients", "invoices", "payments"):
        assert {(one["kind"], one["what"]) for one in told} == {(table.removesuffix("s"), "missing")}


def test_an_edited_line_is_kept_when_the_file_of_invoices_is_built_anew(found: Found) -> None:
    company = found()
    company.run()
    path = company.ledger / "invoice_lines.csv"
    rows = whole(path)
    rows[1][3] = "In my own words"
    write_rows(path, rows)
    (company.ledger / "invoices.csv").unlink()
    assert company.run()["targets"][0]["kept_by_hand"] == 1
    assert whole(path)[1][3] == "In my own words"
    assert {one["id"] for one in company.reconcile()} == {rows[1][0]}


def test_an_edit_is_forgotten_with_the_ledger_it_stood_in(found: Found) -> None:
    company = found()
    new = insert(company.sandbox.account, {"status": "sent"})
    company.run()
    path = company.ledger / "invoices.csv"
    write_rows(path, [[*row[:10], "2030-01-01", *row[11:]] if row[0] == new.id else row for row in whole(path)])
    assert company.run()["targets"][0]["kept_by_hand"] == 1
    for file in company.ledger.glob("*.csv"):
        file.unlink()
    (company.ledger / ".syncd.json").unlink()
    assert company.run()["targets"][0]["kept_by_hand"] == 0
    patch_invoice(company.sandbox.account, new.id, {"due_date": "2031-01-31"})
    company.run()
    assert company.reconcile() == []


def test_a_deleted_ledger_is_built_anew(found: Found) -> None:
    company = found()
    company.run()
    before = csvs(company)
    shutil.rmtree(company.ledger)
    company.run()
    assert csvs(company) == before
    assert_equal(company)


def test_a_file_deleted_between_reading_and_writing_is_built_anew(
    found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = found()
    account = company.sandbox.account
    one = insert(account, {"status": "sent"})
    company.run()
    patch_invoice(account, one.id, {"due_date": "2027-03-03"})
    carry_out, plans = syncd.apply.apply, list[int]()

    def once_deleted(session: Session, plan: int, clock: Clock) -> Applied:
        if not plans:
            (company.ledger / "invoices.csv").unlink()
        plans.append(plan)
        return carry_out(session, plan, clock)

    monkeypatch.setattr(syncd.apply, "apply", once_deleted)
    company.run(code=None)
    assert len(plans) > 1, "what was to be written had moved, and was planned anew"
    company.run()
    assert_equal(company)


def test_a_look_at_the_plan_while_the_ledger_is_away_forgets_nothing(found: Found) -> None:
    company = found()
    first = company.run()["targets"][0]["planned"]
    gone = company.column("payments.csv", "invoice_id")[0]
    for name in ("invoices", "invoice_lines", "events", "payments"):
        rows = whole(company.ledger / f"{name}.csv")
        write_rows(company.ledger / f"{name}.csv", [row for row in rows if row[0] != gone])
    company.run()
    before, away = company.bytes_of_ledger(), company.folder / "away"
    company.ledger.rename(away)
    planned = company.syncd("plan", "--json").document["targets"][0]["planned"]
    assert planned == first, "what a run would do: build it anew"
    shutil.rmtree(company.ledger, ignore_errors=True)
    away.rename(company.ledger)
    assert company.run()["targets"][0]["written"] == 0
    assert company.bytes_of_ledger() == before
