"""A spreadsheet takes phones, numbers and ids for numbers and saves them so: nobody's edit, and put right."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from decimal import Decimal

import pytest

from syncd.sandbox.change import insert, patch_client
from tests.system.company import Company, csvs, whole, write_rows
from tests.system.conftest import Found
from tests.system.expected import counted

TEXTS = ("phone", "number", "external_id", "address", "description")


def plain(text: str) -> str:
    return str(int(text.replace(" ", "")))


def exponent(text: str) -> str:
    return f"{Decimal(plain(text)):.2E}".replace(".", ",")


def saved(company: Company, shown: Callable[[str], str], *tables: str) -> None:
    """Save files as a spreadsheet that takes all texts that may be numbers for numbers, between semicolons."""
    for table in tables:
        path = company.ledger / f"{table}.csv"
        header, *body = whole(path)
        for row in body:
            for at, name in enumerate(header):
                if name in TEXTS and row[at].lstrip("'+").replace(" ", "").isdecimal():
                    row[at] = shown(row[at].lstrip("'"))
        text = io.StringIO()
        csv.writer(text, delimiter=";", lineterminator="\r\n").writerows([header, *body])
        path.write_bytes(text.getvalue().encode("utf-8-sig"))


def begun(found: Found) -> Company:
    company = found()
    account = company.sandbox.account
    told = {"external_id": "00815", "address": "0155"}
    account.create_client({"name": "Ada", "phone": "+47 912 34 567", **told})
    client = account.create_client({"name": "Bo", "phone": "+4791234568", **told})
    line = {"description": "0042", "quantity": 2, "unit_price_cents": 4_321, "tax_rate": 25}
    insert(account, {"status": "paid", "client_id": client["id"], "number": "00123", "lines": [line]})
    company.run()
    return company


def rows(company: Company) -> dict[str, set[tuple[str, ...]]]:
    return {name: set(map(tuple, whole(company.ledger / name))) for name in csvs(company)}


@pytest.mark.parametrize("shown", [plain, exponent])
@pytest.mark.parametrize(
    "tables",
    [("clients", "invoices", "invoice_lines", "payments", "events"), ("clients", "invoices"), ("events", "payments")],
    ids=" ".join,
)
def test_what_was_taken_for_a_number_is_no_edit_and_stands_right_again(
    shown: Callable[[str], str], tables: tuple[str, ...], found: Found
) -> None:
    company = begun(found)
    before = rows(company)
    saved(company, shown, *tables)
    assert company.reconcile() == []
    document = company.run()
    assert document["targets"][0]["kept_by_hand"] == 0
    insert(company.sandbox.account, {"status": "paid"})
    company.run()
    after = rows(company)
    assert {name: before[name] - after[name] for name in before} == {name: set() for name in before}
    assert company.reconcile() == []
    assert company.run()["targets"][0]["written"] == 0


def test_another_number_is_an_edit_and_kept(found: Found) -> None:
    company = begun(found)
    path = company.ledger / "clients.csv"
    table = whole(path)
    row = next(row for row in table if row[1] == "Bo")
    row[3] = "4791234569"
    write_rows(path, table)
    stood = csvs(company)
    assert [(one["id"], one["field"], one["target"]) for one in company.reconcile()] == [
        (row[0], "phone", "4791234569")
    ]
    assert company.run()["targets"][0]["kept_by_hand"] == 1
    assert csvs(company) == stood


def test_what_was_taken_for_a_number_changes_at_the_source_meanwhile(found: Found) -> None:
    company = begun(found)
    saved(company, exponent, "clients")
    client = next(one for one in company.sandbox.account.clients.values() if one["name"] == "Bo")
    patch_client(company.sandbox.account, client["id"], {"phone": "+4799999999", "external_id": "00816"})
    assert counted(company.run()) == {}
    assert "+4799999999" in company.column("clients.csv", "phone")
    assert company.reconcile() == []


def test_what_was_taken_for_a_number_is_put_right_after_a_lost_state(found: Found) -> None:
    company = begun(found)
    before = rows(company)
    saved(company, exponent, "clients", "invoices")
    company.forget()
    assert counted(company.run()) == {}
    assert rows(company) == before
