"""What spreadsheets and their users leave around the rows of a table is no edit and no record."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable

import pytest

from syncd.sandbox.change import insert
from tests.system.company import Company, Rows, csvs, whole, write_rows
from tests.system.conftest import Found
from tests.system.expected import assert_equal


def sorted_otherwise(rows: Rows) -> Rows:
    header, *body = rows
    random.Random(len(body)).shuffle(body)
    return [header, *body]


def empty_rows_and_columns(rows: Rows) -> Rows:
    wide = [[*row, "", "", ""] for row in rows]
    empty = [""] * len(wide[0])
    return [*wide[:3], empty, [" "] * len(empty), *wide[3:], empty, empty, []]


def rows_below_empty_ones(rows: Rows) -> Rows:
    return [*rows[:-2], [], ["", ""], *rows[-2:]]


CHANGES: list[Callable[[Rows], Rows]] = [sorted_otherwise, empty_rows_and_columns, rows_below_empty_ones]


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_spreadsheet_leaves_around_the_rows_is_nothing(change: Callable[[Rows], Rows], found: Found) -> None:
    company = found()
    company.run()
    for path in company.ledger.glob("*.csv"):
        write_rows(path, change(whole(path)))
    understood(company)


@pytest.mark.parametrize(
    ("line", "delimiter"), [("sep=;", ";"), ('"sep=;"', ";"), ("sep=;;;;;;;", ";"), ("SEP=,", ","), ("sep=\t", "\t")]
)
def test_a_first_line_that_tells_the_delimiter_is_understood(line: str, delimiter: str, found: Found) -> None:
    company = found()
    company.run()
    for path in company.ledger.glob("*.csv"):
        path.write_bytes(f"\ufeff{line}\r\n{joined(whole(path), delimiter)}".encode())
    understood(company)


def joined(rows: Rows, delimiter: str) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def understood(company: Company) -> None:
    """Nothing is told, a run without change writes nothing, and the next change puts the files right."""
    stood = csvs(company)
    assert company.reconcile() == []
    assert company.run()["targets"][0]["kept_by_hand"] == 0
    assert csvs(company) == stood
    company.sandbox.account.create_client({"name": "New"})
    insert(company.sandbox.account, {"status": "paid"})
    company.run()
    assert company.reconcile() == []
    assert_equal(company)


def test_a_note_to_the_right_of_the_table_is_kept(found: Found) -> None:
    company = found()
    company.run()
    path = company.ledger / "invoices.csv"
    header, *rows = whole(path)
    noted = [[*row, "", "seen", "", ""] if n == 2 else [*row, "", "", "", ""] for n, row in enumerate(rows)]
    write_rows(path, [[*header, "", "", "", ""], *noted])
    for _ in range(2):
        assert company.reconcile() == []
        insert(company.sandbox.account, {"status": "paid"})
        company.run()
        assert [*rows[2], "", "seen"] in whole(path)
        assert whole(path)[0] == [*header, "", ""]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("names", ["*.csv", "invoices.csv"])
def test_unicode_text_of_a_spreadsheet_is_understood(names: str, encoding: str, found: Found) -> None:
    company = found()
    company.run()
    for path in company.ledger.glob(names):
        path.write_bytes(f"\ufeff{joined(whole(path), chr(9))}".encode(encoding))
    understood(company)


def test_unicode_text_without_its_mark_is_one_error_and_stays_as_it_is(found: Found) -> None:
    company = found()
    company.run()
    path = company.ledger / "invoices.csv"
    path.write_bytes(joined(whole(path), "\t").encode("utf-16-le"))
    stood = csvs(company)
    insert(company.sandbox.account, {"status": "paid"})
    said = company.syncd("run")
    assert said.code == 3, said
    assert "invoices.csv cannot be understood" in said.err
    assert csvs(company) == stood
