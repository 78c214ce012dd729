"""A person has their hands in the ledger: what they took out, put in or dressed otherwise is kept and understood."""

from __future__ import annotations

import contextlib
import csv
import io
import sqlite3
from collections.abc import Callable

import pytest

from syncd.sandbox.change import insert, patch_client, patch_invoice
from syncd.sandbox.data import made_up
from tests.system.company import Company, csvs, whole, write_rows
from tests.system.conftest import Found
from tests.system.expected import assert_equal, counted


@pytest.mark.parametrize("table", ["clients", "invoices", "payments"])
def test_a_row_removed_by_hand_is_not_written_again(table: str, found: Found) -> None:
    company = found()
    company.run()
    path = company.ledger / f"{table}.csv"
    rows = whole(path)
    gone = rows.pop(3)
    write_rows(path, rows)
    told = [one for one in company.reconcile() if one["id"] == gone[0]]
    assert any(one["what"] in ("missing", "removed") for one in told), told
    company.run()
    assert whole(path) == rows
    insert(company.sandbox.account, {"status": "paid"})
    company.run("--full")
    assert gone[0] not in [row[0] for row in whole(path)]
    assert len(whole(path)) == len(rows) + (table != "clients")


def test_what_both_sides_changed_to_the_same_follows_the_source_again(found: Found) -> None:
    company = found()
    client = next(iter(company.sandbox.account.clients))
    company.run()
    path = company.ledger / "clients.csv"
    write_rows(path, [[*row[:3], "+4791234567", *row[4:]] if row[0] == client else row for row in whole(path)])
    assert company.run()["targets"][0]["kept_by_hand"] == 1
    patch_client(company.sandbox.account, client, {"phone": "+4791234567"})
    assert company.run("--full")["targets"][0]["kept_by_hand"] == 0
    patch_client(company.sandbox.account, client, {"phone": "+4740000000"})
    company.run("--full")
    assert_equal(company)


@pytest.mark.parametrize("table", ["invoice_lines", "events"])
def test_a_line_or_event_removed_by_hand_is_not_written_again(table: str, found: Found) -> None:
    company = found()
    company.run()
    path = company.ledger / f"{table}.csv"
    rows = whole(path)
    gone = rows.pop(5)
    write_rows(path, rows)
    differences = company.reconcile()
    assert {one["id"] for one in differences} == {gone[0]}
    company.run()
    assert whole(path) == rows
    insert(company.sandbox.account, {"status": "sent"})
    company.run()
    assert gone not in whole(path)


def test_a_removed_row_that_goes_on_changing_is_a_problem_and_written_anew_when_asked(found: Found) -> None:
    company = found()
    new = insert(company.sandbox.account, {"status": "sent"})
    company.run()
    path = company.ledger / "invoices.csv"
    write_rows(path, [row for row in whole(path) if row[0] != new.id])
    company.run()
    patch_invoice(company.sandbox.account, new.id, {"_happened": "paid"})
    assert counted(company.run(code=1)) == {"removed_there": 1}
    assert company.syncd("problems", "retry").code == 0
    company.run()
    assert new.id in company.column("invoices.csv", "invoice_id")
    assert new.id in company.column("payments.csv", "invoice_id")


def test_who_looks_like_a_record_that_stands_is_still_written_after_a_lost_state(found: Found) -> None:
    company = found()
    account = company.sandbox.account
    company.run()
    old = next(iter(account.clients.values()))
    twin = account.create_client({"name": "Brand new", "email": old["email"]})
    insert(account, {"status": "sent", "client_id": twin["id"]})
    company.forget()
    company.run()
    assert_equal(company)


def test_a_draft_that_vanished_before_it_was_written_is_missed_by_nobody(found: Found) -> None:
    company = found()
    draft = insert(company.sandbox.account, {"status": "draft"})
    company.run()
    company.sandbox.account.vanish(draft.id)
    company.run("--full")
    company.configure({"drafts": True})
    company.run()
    assert company.reconcile() == []


def test_a_lost_state_adopts_what_stands_and_changes_no_byte(found: Found) -> None:
    company = found()
    company.run()
    before = company.bytes_of_ledger()
    company.forget()
    document = company.run()
    assert {one["verb"] for one in document["targets"][0]["planned"]} == {"adopt"}
    assert company.bytes_of_ledger() == before
    insert(company.sandbox.account, {"status": "paid"})
    company.run()
    assert_equal(company)


def test_what_stands_under_other_ids_is_adopted_once_and_gets_the_ids_of_the_source(found: Found) -> None:
    company = found()
    company.run()
    paths = sorted(company.ledger.glob("*.csv"))
    before = [sorted(row[0] for row in whole(path)) for path in paths]
    for path in paths:
        head, *rows = whole(path)
        write_rows(path, [head, *([f"K-{row[0]}", *row[1:]] for row in rows)])
    company.forget()
    document = company.run("--force")
    assert {one["verb"] for one in document["targets"][0]["planned"]} == {"adopt", "settle"}
    assert [sorted(row[0] for row in whole(path)) for path in paths] == before
    assert company.reconcile() == []
    new = insert(company.sandbox.account, {"status": "sent"})
    company.run()
    patch_invoice(company.sandbox.account, new.id, {"_happened": "paid"})
    assert company.run()["targets"][0]["written"] > 0
    assert_equal(company)


def test_a_lost_state_keeps_what_was_edited_by_hand(found: Found) -> None:
    company = found()
    company.run()
    path = company.ledger / "invoices.csv"
    rows = whole(path)
    rows[2][10] = "2031-01-31"
    write_rows(path, rows)
    company.run()
    company.forget()
    company.run(code=None)
    insert(company.sandbox.account, {"status": "sent"})
    company.run(code=None)
    assert rows[2] in whole(path)
    assert [(one["id"], one["field"], one["target"]) for one in company.reconcile()] == [
        (rows[2][0], "due_date", "2031-01-31")
    ]


def test_asking_for_what_only_a_person_can_make_equal_has_it_looked_at_once(found: Found) -> None:
    company = found()
    company.run()
    path = company.ledger / "invoices.csv"
    rows = whole(path)
    rows[2][10] = "2031-01-31"
    write_rows(path, rows)
    company.forget()
    assert counted(company.run(code=1)) == {"adopted_differs": 1}
    assert company.syncd("problems", "retry").code == 0
    assert counted(company.run(code=1)) == {"adopted_differs": 1}
    with contextlib.closing(sqlite3.connect(company.state)) as connection:
        assert connection.execute("SELECT state FROM problem").fetchall() == [("open",)], "else it is asked for ever"


def test_rows_and_columns_that_a_person_added_are_kept_and_reported(found: Found) -> None:
    company = found()
    company.run()
    path = company.ledger / "invoices.csv"
    rows = [[*row, f"note {place}"] for place, row in enumerate(whole(path))]
    rows[0][-1] = "booked by"
    mine = [
        "my-own-row",
        "MINE-1",
        "",
        "My own client",
        "EUR",
        "1.00",
        "0.25",
        "1.25",
        "paid",
        "2025-12-24",
        "",
        "",
        "",
        "mine",
    ]
    rows.append(mine)
    write_rows(path, rows)
    stood = csvs(company)
    assert [(one["what"], one["id"]) for one in company.reconcile()] == [("unexpected", "my-own-row")]
    company.run()
    assert csvs(company) == stood
    new = insert(company.sandbox.account, {"status": "paid"})
    company.run()
    after = whole(path)
    assert after[0] == rows[0]
    assert mine in after
    assert all(row in after for row in rows)
    assert [row[-1] for row in after if row[0] == new.id] == [""]
    assert len(after) == len(rows) + 1


def test_what_both_sides_changed_apart_is_kept_for_a_person(found: Found) -> None:
    company = found()
    new = insert(company.sandbox.account, {"status": "sent", "due_date": "2027-01-31"})
    company.run()
    path = company.ledger / "invoices.csv"
    path.write_bytes(path.read_bytes().replace(b"2027-01-31", b"2027-02-28"))
    company.run()
    patch_invoice(company.sandbox.account, new.id, {"due_date": "2027-03-31"})
    assert counted(company.run(code=1)) == {"conflict": 1}
    assert due(company, new.id) == "2027-02-28"
    said = company.syncd("problems", "list")
    assert all(day in said.out for day in ("2027-01-31", "2027-02-28", "2027-03-31")), said
    patch_invoice(company.sandbox.account, new.id, {"_happened": "paid"})
    assert counted(company.run(code=1)) == {"conflict": 1}
    assert due(company, new.id) == "2027-02-28"
    assert new.id in company.column("payments.csv", "invoice_id"), "a conflict of one field held back another"
    patch_invoice(company.sandbox.account, new.id, {"due_date": "2027-02-28"})
    company.run("--full")
    assert company.reconcile() == []


@pytest.mark.parametrize(("decides", "day"), [("source", "2027-03-31"), ("target", "2027-02-28")])
def test_conflicts_are_decided_as_the_settings_say(decides: str, day: str, found: Found) -> None:
    company = found(target={"conflicts": decides})
    new = insert(company.sandbox.account, {"status": "sent", "due_date": "2027-01-31"})
    company.run()
    path = company.ledger / "invoices.csv"
    path.write_bytes(path.read_bytes().replace(b"2027-01-31", b"2027-02-28"))
    patch_invoice(company.sandbox.account, new.id, {"due_date": "2027-03-31"})
    company.run()
    assert due(company, new.id) == day


def due(company: Company, invoice: str) -> str:
    return dict(
        zip(company.column("invoices.csv", "invoice_id"), company.column("invoices.csv", "due_date"), strict=True)
    )[invoice]


def semicolons(company: Company) -> None:
    dress(company, delimiter=";")


def decimal_commas(company: Company) -> None:
    dress(company, delimiter=";", decimal=",", dates="%d.%m.%Y", bom=True)


def line_feeds(company: Company) -> None:
    dress(company, end="\n", quoting=csv.QUOTE_ALL)


def other_order(company: Company) -> None:
    dress(company, turned=True, bom=True)


def american(company: Company) -> None:
    dress(company, dates="%m/%d/%Y", grouped=True)


def tabs_in_utf_16(company: Company) -> None:
    dress(company, delimiter="\t", encoding="utf-16")


AMOUNTS = {"subtotal", "tax", "total", "amount", "unit_price", "quantity", "tax_rate"}
DATES = {"issue_date", "due_date", "paid_date"}


def dress(
    company: Company,
    *,
    delimiter: str = ",",
    decimal: str = ".",
    dates: str = "",
    bom: bool = False,
    end: str = "\r\n",
    quoting: int = csv.QUOTE_MINIMAL,
    turned: bool = False,
    grouped: bool = False,
    encoding: str = "utf-8",
) -> None:
    """Save all files as a spreadsheet of another country would."""

    def cell(name: str, text: str) -> str:
        if name in AMOUNTS and text:
            if grouped and "." in text:
                text = f"{float(text):,.2f}"
            return text.replace(".", decimal) if decimal != "." else text
        if name in DATES and text and dates:
            year, month, day = text.split("-")
            return dates.replace("%Y", year).replace("%m", month).replace("%d", day)
        return text

    for path in sorted(company.ledger.glob("*.csv")):
        header, *rows = whole(path)
        table = [header, *([cell(name, text) for name, text in zip(header, row, strict=True)] for row in rows)]
        if turned:
            table = [row[::-1] for row in table]
        text = io.StringIO()
        csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(table)  # type: ignore[arg-type]  # what a test writes there
        path.write_bytes((("\ufeff" if bom else "") + text.getvalue()).encode(encoding))


@pytest.mark.parametrize("saved", [semicolons, decimal_commas, line_feeds, other_order, american, tabs_in_utf_16])
def test_a_file_saved_by_a_spreadsheet_in_another_dress_is_understood(
    saved: Callable[[Company], None], found: Found
) -> None:
    company = found(made_up(seed=61, clients=8, invoices=40))
    company.run()
    saved(company)
    stood = csvs(company)
    assert company.reconcile() == []
    company.run()
    assert csvs(company) == stood, "a run without change wrote"
    new = insert(company.sandbox.account, {"status": "paid"})
    company.run()
    assert company.reconcile() == []
    assert csvs(company)["invoices.csv"] != stood["invoices.csv"]
    assert new.number.encode() in csvs(company)["invoices.csv"].replace(b"\0", b"")


def test_a_file_that_cannot_be_understood_is_one_sentence_and_stays_as_it_is(found: Found) -> None:
    company = found()
    company.run()
    path = company.ledger / "invoices.csv"
    path.write_bytes(b"this is no table\r\nat all\r\n")
    insert(company.sandbox.account, {"status": "paid"})
    said = company.syncd("run")
    assert said.code in (1, 3), said
    assert "invoices.csv" in said.err
    assert path.read_bytes() == b"this is no table\r\nat all\r\n"
    path.unlink()
    company.run()
    assert_equal(company)
