"""What is written, byte by byte and record by record."""

from __future__ import annotations

import csv
import fcntl
import io
import random
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.csv.cells import Dress, guard, read_cell, unguard, write_cell
from connectors.csv.files import Rows
from connectors.csv.rows import line_slots
from connectors.csv.settings import CsvSettings
from syncd.connector import Done, Exists, Operation, Rejected, Stale
from syncd.errors import NotSent
from syncd.fields import differences
from tests.csv.conftest import Make, change, client, entry, expected, invoice, loading, payment, standing, texts

DRESSES: list[dict[str, Any]] = [
    {},
    {"partition": "year"},
    {"partition": "month", "delimiter": ";", "decimal": ",", "date_format": "%d.%m.%Y"},
    {"encoding": "utf-8-sig", "delimiter": "\t"},
    {"encoding": "cp1252", "delimiter": "|", "date_format": "%m/%d/%Y"},
]


@pytest.mark.parametrize("dress", DRESSES)
def test_what_is_loaded_first_stands_as_it_was_given_in_any_dress(make: Make, dress: dict[str, Any]) -> None:
    connector, entries = make(**dress), loading()
    assert {type(outcome) for _, outcome in connector.write(entries)} == {Done}
    found = standing(connector)
    for name, fields in expected(entries).items():
        assert differences(fields, found.pop(name)) == {}
    assert found == {}


def test_the_tables_have_the_columns_and_the_order_of_the_design(make: Make, books: Path) -> None:
    list(make().write(loading([invoice(2), invoice(1)])))
    rows = (books / "invoices.csv").read_bytes().decode().split("\r\n")
    assert rows[0].startswith("invoice_id,number,client_id,client_name,currency,subtotal,tax,total,status,issue_date,")
    assert rows[1].startswith(
        "i1,2026-001,c1,Åse 1 & Sons,NOK,1234.51,308.62,1543.13,paid,2025-01-15,2025-01-28,2025-01-20,"
    )
    lines = (books / "invoice_lines.csv").read_bytes().decode().split("\r\n")
    assert lines[:3] == [
        "invoice_id,number,line,description,quantity,unit_price,tax_rate",
        "i1,2026-001,1,Work 1.1,2.5,10.00,25",
        "i2,2026-002,1,Work 2.1,2.5,10.00,25",
    ]


@pytest.mark.parametrize("dress", DRESSES)
def test_a_load_in_any_order_or_in_pieces_gives_the_same_bytes(
    make: Make, books: Path, tmp_path: Path, dress: dict[str, Any]
) -> None:
    entries = loading()
    list(make(**dress).write(entries))
    whole = texts(books)
    for seed in range(3):
        mixed = list(entries)
        random.Random(seed).shuffle(mixed)
        books.rename(tmp_path / f"old{seed}")
        connector = make(**dress)
        pieces = [mixed] if seed == 0 else [mixed[:5], mixed[5:9], mixed[9:]]
        for piece in pieces:
            list(connector.write(piece))
        assert texts(books) == whole


def test_writing_the_same_again_finds_it_there_and_writes_no_byte(make: Make, books: Path) -> None:
    connector = make()
    list(connector.write(loading()))
    before = {path.name: path.stat().st_mtime_ns for path in books.iterdir() if path.name != ".syncd.lock"}
    assert {type(outcome) for _, outcome in connector.write(loading())} == {Exists}
    assert before == {path.name: path.stat().st_mtime_ns for path in books.iterdir() if path.name != ".syncd.lock"}


@pytest.mark.parametrize("dress", DRESSES)
def test_an_update_changes_its_cells_and_replaces_only_the_files_it_touches(
    make: Make, books: Path, dress: dict[str, Any]
) -> None:
    connector = make(**dress)
    list(connector.write(loading()))
    before = {path.name: path.stat().st_ino for path in books.glob("*.csv")}
    assert isinstance(
        change(connector, "invoice", invoice(3), {"status": ("paid", "cancelled"), "tax": (30862, -5)}), Done
    )
    changed = {path.name for path in books.glob("*.csv") if path.stat().st_ino != before[path.name]}
    assert len(changed) == 1
    assert changed.pop().startswith("invoices")
    assert standing(connector)["invoice", "i3"]["tax"] == -5


@pytest.mark.parametrize("dress", DRESSES)
def test_updates_lead_to_the_bytes_of_a_first_load(
    make: Make, books: Path, tmp_path: Path, dress: dict[str, Any]
) -> None:
    moved = invoice(3, issue_date="2026-11-30", number="2020-1", lines=[["=new", "1", 5, "0"], ["b", "2", 7, "25"]])
    list(make(**dress).write(loading([moved, *(invoice(n) for n in (1, 2, 4, 5, 6))])))
    wanted = texts(books)
    books.rename(tmp_path / "wanted")
    connector = make(**dress)
    list(connector.write(loading()))
    new, old = expected([entry(0, "create", "invoice", moved)]), expected([entry(0, "create", "invoice", invoice(3))])
    pairs = differences(old["invoice", "i3"], new["invoice", "i3"])
    assert isinstance(change(connector, "invoice", invoice(3), pairs), Done)
    numbers = {"number": ("2026-003", "2020-1")}
    assert isinstance(change(connector, "payment", payment(invoice(3)), {**numbers}), Done)
    got = texts(books)
    assert {name: text for name, text in got.items() if name in wanted} == wanted
    assert all(text.count(b"\n") == 1 for name, text in got.items() if name not in wanted)


def test_a_cell_that_is_not_what_the_plan_saw_makes_the_whole_update_stale(make: Make, books: Path) -> None:
    connector = make()
    list(connector.write(loading()))
    before = texts(books)
    assert isinstance(change(connector, "invoice", invoice(3), {"status": ("sent", "void"), "tax": (30862, 1)}), Stale)
    assert isinstance(change(connector, "invoice", invoice(3), {"lines.9.quantity": ("1", "2")}), Stale)
    assert isinstance(change(connector, "client", client(9), {"name": ("a", "b")}), Stale)
    assert texts(books) == before


def test_an_unsettled_payment_takes_its_row_out(make: Make) -> None:
    connector = make(partition="year")
    list(connector.write(loading()))
    content = payment(invoice(3))
    payload = connector.render(Operation("unsettle", "payment", "i3", "m", "k", content), connector.open())
    assert isinstance(payload, bytes)
    assert [type(outcome) for _, outcome in connector.write([entry(1, "unsettle", "payment", content, payload)])] == [
        Done
    ]
    assert ("payment", "i3") not in standing(connector)


def test_what_an_encoding_cannot_hold_is_rejected_with_field_and_character(make: Make) -> None:
    connector = make(encoding="cp1252")
    for name in ("Ω", "\0", "\ud800"):
        content = client(1, name=f"a{name}")
        rejected = connector.render(Operation("create", "client", "c1", "m", "k", content), connector.open())
        assert isinstance(rejected, Rejected)
        assert rejected.code == "unencodable"
        assert "name" in rejected.reason
        assert f"U+{ord(name):04X}" in rejected.reason or name == "\0"


def test_two_syncds_do_not_write_one_folder_at_a_time(make: Make, books: Path) -> None:
    connector = make()
    books.mkdir(exist_ok=True)
    with (books / ".syncd.lock").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(NotSent, match="Another syncd"):
            list(connector.write(loading()))
    assert texts(books) == {}


def test_mode_and_other_files_of_the_folder_are_kept(make: Make, books: Path) -> None:
    connector = make()
    list(connector.write(loading()))
    (books / "notes.txt").write_text("mine")
    (books / "invoices.csv").chmod(0o640)
    change(connector, "invoice", invoice(1), {"status": ("paid", "sent")})
    assert (books / "invoices.csv").stat().st_mode & 0o777 == 0o640
    assert (books / "notes.txt").read_text() == "mine"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_any_text_survives_a_cell_and_no_cell_is_a_formula(text: str) -> None:
    for holds in ("text", "phone", "amount", "number", "date", "time", "count"):
        cell = write_cell(text, holds, Dress(decimal=",", delimiter=";"))
        assert not cell or cell[0] not in "=@\t\r"
        assert cell[:1] not in {"+", "-"} or cell[1:].replace(",", "").isdecimal()
    assert unguard(guard(text)) == text
    assert (read_cell(write_cell(text, "text", Dress()), "text", Dress()) or "") == text


@given(
    st.lists(st.lists(st.one_of(st.text(max_size=5), st.sampled_from([",", ";", '"', "\r", "\n", "\t"])), min_size=2)),
    st.sampled_from([",", ";", "\t", "|"]),
)
def test_rows_are_written_as_the_standard_library_writes_them(rows: list[list[str]], delimiter: str) -> None:
    ours, theirs = io.StringIO(newline=""), io.StringIO(newline="")
    Rows(ours, delimiter).write(rows)
    csv.writer(theirs, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    assert ours.getvalue() == theirs.getvalue()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=4, max_size=4))
def test_any_text_survives_the_files(make: Make, books: Path, some: list[str]) -> None:
    for path in books.glob("*") if books.exists() else ():
        path.unlink()
    lines = [[some[0], "1", 100, "25"], [some[1], "-2.5", -100, "0"]]
    events = [["e1", some[2], "2026-01-01T00:00:00Z", some[3]]]
    entries = loading(
        [invoice(1, number=some[1], client_name=some[0], lines=lines, events=events)], [client(1, name=some[2])]
    )
    connector = make()
    list(connector.write(entries))
    found = standing(connector)
    assert all(differences(fields, found[name]) == {} for name, fields in expected(entries).items())
    for text in texts(books).values():
        for row in csv.reader(io.StringIO(text.decode(), newline="")):
            assert not any(cell[:1] in {"=", "@", "\t", "\r"} for cell in row)


def test_line_numbers_that_a_person_edited_are_told_by_their_place() -> None:
    def slots(*numbers: str) -> list[str]:
        return list(line_slots([["i", "n", number] for number in numbers]))

    assert slots("1", "2", "7", "4") == ["1", "2", "3", "4"]
    assert slots("1", "2", "2", "4") == ["1", "2", "3", "4"]
    assert slots("1", "x", "3") == ["1", "2", "3"]
    assert slots("1", "3", "4") == ["1", "3", "4"]
    assert slots("2", "1", "3") == ["1", "2", "3"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"decimal": ","},
        {"encoding": "klingon"},
        {"encoding": "utf-16"},
        {"date_format": "%d.%m.%y"},
        {"date_format": "%d.%d.%Y"},
        {"colour": "red"},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="1 validation error"):
        CsvSettings.model_validate(wrong)


def test_a_manifest_says_which_files_belong_together(make: Make, books: Path) -> None:
    list(make().write(loading()))
    manifest = orjson.loads((books / ".syncd.json").read_bytes())
    assert set(manifest["files"]) == set(texts(books))
    assert manifest["files"]["invoice_lines.csv"]["rows"] == 21
