"""What people and their spreadsheets do to the files."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from syncd.connector import Done, Scalar, Stale
from syncd.errors import NotSent, Unreachable
from syncd.fields import differences
from tests.csv.conftest import Make, change, client, expected, invoice, loading, standing, texts

Rows = list[list[str]]


def read(path: Path, delimiter: str = ",") -> Rows:
    return list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""), delimiter=delimiter))


def save(path: Path, rows: Rows, encoding: str = "utf-8", **dialect: Any) -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, **dialect).writerows(rows)


def comma(text: str) -> str:
    return f"{float(text):,.2f}".replace(",", "\u00a0").replace(".", ",") if text else ""


def french(rows: Rows, name: str) -> Rows:
    """As a French spreadsheet saves it: decimal comma, thousands apart, dates with the day first."""
    header, *body = rows
    for row in body:
        for at, column in enumerate(header):
            if column in ("subtotal", "tax", "total", "amount", "unit_price"):
                row[at] = comma(row[at])
            elif column in ("quantity", "tax_rate"):
                row[at] = row[at].replace(".", ",")
            elif column.endswith("_date") and row[at]:
                row[at] = "/".join(reversed(row[at].split("-")))
    assert name
    return [[column.upper() for column in header], *body]


@pytest.mark.parametrize(
    ("encoding", "dialect"),
    [
        ("utf-8-sig", {"delimiter": ";"}),
        ("cp1252", {"delimiter": ";", "quoting": csv.QUOTE_ALL, "lineterminator": "\n"}),
        ("utf-16", {"delimiter": "\t"}),
    ],
)
def test_files_in_another_dress_say_the_same_and_are_put_back_into_ours(
    make: Make, books: Path, encoding: str, dialect: dict[str, Any]
) -> None:
    connector, entries = make(), loading()
    list(connector.write(entries))
    before = texts(books)
    for path in books.glob("*.csv"):
        save(path, french(read(path), path.name), encoding, **dialect)
    found = standing(connector)
    for name, fields in expected(entries).items():
        assert differences(fields, found.pop(name)) == {}
    assert found == {}
    assert isinstance(change(connector, "invoice", invoice(1), {"status": ("paid", "sent")}), Done)
    assert texts(books)["invoices.csv"] == before["invoices.csv"].replace(b"1543.13,paid", b"1543.13,sent")


def test_columns_and_rows_a_person_added_are_kept_and_follow(make: Make, books: Path) -> None:
    connector = make()
    list(connector.write(loading()))
    header, *body = read(books / "invoices.csv")
    body = [[f"seen {row[0]}", *row] for row in reversed(body)]
    body.append(["mine", "x1", "X-1", *[""] * 7, "2020-01-01", "", "", ""])
    save(books / "invoices.csv", [["remark", *header], *body])
    assert ("invoice", "x1") in standing(connector)
    pairs: dict[str, tuple[Scalar, Scalar]] = {"issue_date": ("2025-01-15", "2029-01-01"), "number": ("2026-001", "9")}
    assert isinstance(change(connector, "invoice", invoice(1), pairs), Done)
    header, *body = read(books / "invoices.csv")
    assert header[-1] == "remark"
    assert [row[0] for row in body] == ["x1", "i3", "i6", "i4", "i2", "i5", "i1"]
    assert all(row[-1] == f"seen {row[0]}" for row in body[1:])
    assert body[0][-1] == "mine"
    assert [row[0] for row in read(books / "invoice_lines.csv")][-1] == "i1"


@pytest.mark.parametrize(
    ("name", "spoilt", "told"),
    [
        (
            "clients",
            lambda raw: raw + "mine,Min egen bør,,,,,,,,\r\n".encode("cp1252"),
            r"it is UTF-8, but for line \d+",
        ),
        ("invoices", lambda raw: raw.replace(b"i3,2026-003,", b'i3,2026-003,"', 1), "quotation mark"),
        ("invoices", lambda raw: raw[: raw.index(b",2026-004") + 5], "breaks off in its last line"),
    ],
    ids=["two encodings", "a stray quotation mark", "cut short"],
)
def test_a_spoilt_file_is_one_error_and_nothing_is_written(
    make: Make, books: Path, name: str, spoilt: Callable[[bytes], bytes], told: str
) -> None:
    connector = make()
    list(connector.write(loading()))
    path = books / f"{name}.csv"
    path.write_bytes(spoilt(path.read_bytes()))
    before = texts(books)
    with pytest.raises(Unreachable, match=told):
        standing(connector)
    with pytest.raises((Unreachable, NotSent), match=told):
        change(connector, "invoice", invoice(3), {"status": ("paid", "sent")})
    assert texts(books) == before


def test_an_edited_cell_is_kept_and_guards_itself(make: Make, books: Path) -> None:
    connector = make()
    list(connector.write(loading()))
    path = books / "invoices.csv"
    path.write_bytes(path.read_bytes().replace(b"i3,2026-003,c0", b"i3,2026-003,c77"))
    assert isinstance(change(connector, "invoice", invoice(3), {"client_id": ("c0", "c9")}), Stale)
    assert isinstance(change(connector, "invoice", invoice(3), {"status": ("paid", "sent")}), Done)
    assert standing(connector)["invoice", "i3"]["client_id"] == "c77"


@pytest.mark.parametrize("partition", ["none", "year"])
def test_any_single_cell_edit_is_one_difference(make: Make, books: Path, partition: str) -> None:
    connector, entries = make(partition=partition), loading()
    list(connector.write(entries))
    token = list(connector.changes(None))[-1].token
    wanted, edits = expected(entries), 0
    for path in books.glob("*.csv"):
        raw = path.read_bytes()
        rows = read(path)
        for at, column in enumerate(rows[0] if len(rows) > 2 else []):
            if column == "event_id" or (path.name == "clients.csv" and at == 0):
                continue  # nothing else in the files knows these; the engine pairs what is missing with what is new
            new = {"line": "77", "amount": "12,5"}.get(column, f"{rows[2][at]}x")
            copy = [list(row) for row in rows]
            copy[2][at] = new
            save(path, copy)
            found = standing(connector)
            told = [
                (name, path) for name, fields in wanted.items() for path in differences(fields, found.get(name, {}))
            ]
            told = [one for one in told if one[0][0] != "payment" or one[1] != "issue_date"]
            assert len(told) == 1, (path.name, column, told)
            assert set(found) == set(wanted)
            edits += 1
        path.write_bytes(raw)
    assert edits > 30
    assert [page.remotes for page in connector.changes(token)] == [()]


def test_an_edit_is_told_even_after_syncd_wrote_again_and_own_writes_are_not(make: Make, books: Path) -> None:
    connector = make()
    list(connector.write(loading()))
    token = list(connector.changes(None))[-1].token
    change(connector, "invoice", invoice(3), {"status": ("paid", "sent")})
    [page] = connector.changes(token)
    assert not page.remotes
    assert not page.whole
    path = books / "clients.csv"
    path.write_bytes(path.read_bytes().replace(b"c1@", b"mine@"))
    change(connector, "invoice", invoice(3), {"status": ("sent", "opened")})
    emails = [
        remote.fields["email"]
        for one in connector.changes(page.token)
        for remote in one.remotes
        if remote.kind == "client"
    ]
    assert "mine@example.com" in emails
    assert any(remote.by_hand for one in connector.changes(None) for remote in one.remotes if remote.kind == "client")
    assert not any(
        remote.by_hand for one in connector.changes(None) for remote in one.remotes if remote.kind == "payment"
    )


def test_a_missing_file_is_told_as_lost_and_built_anew(make: Make, books: Path) -> None:
    connector = make(partition="year")
    list(connector.write(loading()))
    whole = texts(books)
    for name in ("invoice_lines-2025.csv", "payments-2025.csv"):
        (books / name).unlink()
    pages = list(connector.changes(None))
    assert pages[-1].lost == frozenset({"payment"})
    lost = {one.external_id: one.lost for page in pages for one in page.remotes if one.kind == "invoice"}
    assert (lost["i1"], lost["i3"]) == (frozenset({"lines"}), frozenset())
    assert {type(outcome) for _, outcome in connector.write(loading())} >= {Done}
    assert texts(books) == whole


def test_other_settings_rebuild_the_files_with_what_people_put_there(make: Make, books: Path) -> None:
    list(make().write(loading()))
    path = books / "invoices.csv"
    path.write_bytes(path.read_bytes().replace(b"i3,2026-003,c0", b"i3,2026-003,c77"))
    connector = make(partition="year", delimiter=";", decimal=",", date_format="%d.%m.%Y")
    assert standing(connector)["invoice", "i3"]["client_id"] == "c77"
    assert isinstance(change(connector, "invoice", invoice(1), {"status": ("paid", "sent")}), Done)
    assert not path.exists()
    assert "invoices-2025.csv" in texts(books)
    assert standing(connector)["invoice", "i3"]["client_id"] == "c77"
    assert standing(connector)["invoice", "i1"]["issue_date"] == "2025-01-15"


@pytest.mark.parametrize("text", ["", "nonsense\n1;2\n", "name,email\na,b\n"])
def test_a_file_without_its_header_is_one_problem_with_a_remedy(make: Make, books: Path, text: str) -> None:
    connector = make()
    list(connector.write(loading()))
    (books / "clients.csv").write_text(text)
    with pytest.raises(Unreachable, match=r"clients\.csv cannot be understood.*built anew"):
        list(connector.changes(None))


def test_dates_that_may_be_two_days_are_one_problem(make: Make, books: Path) -> None:
    connector = make()
    list(connector.write(loading()))
    rows = read(books / "payments.csv")
    save(books / "payments.csv", [rows[0], *([*row[:5], "01/02/2026"] for row in rows[1:])])
    with pytest.raises(Unreachable, match="day before month"):
        list(connector.changes(None))


def test_dates_with_dots_have_the_day_first(make: Make, books: Path) -> None:
    connector = make()
    list(connector.write(loading()))
    rows = read(books / "payments.csv")
    save(books / "payments.csv", [rows[0], *([*row[:5], "01.02.2026"] for row in rows[1:])])
    assert standing(connector)["payment", "i1"]["paid_date"] == "2026-02-01"
    save(books / "payments.csv", [rows[0], *([*row[:5], "1/31/2026"] for row in rows[1:3]), [*rows[3][:5], "1.2.26"]])
    dates = {name[1]: fields["paid_date"] for name, fields in standing(connector).items() if name[0] == "payment"}
    assert set(dates.values()) == {"2026-01-31", "2026-02-01"}


def test_dates_with_dots_have_the_month_first_where_the_settings_say_so(make: Make, books: Path) -> None:
    connector = make(date_format="%m.%d.%Y")
    list(connector.write(loading()))
    rows = read(books / "payments.csv")
    save(books / "payments.csv", [rows[0], *([*row[:5], "01.02.2026"] for row in rows[1:])])
    assert standing(connector)["payment", "i1"]["paid_date"] == "2026-01-02"


def test_a_formula_that_a_person_put_in_is_written_back_as_it_stands(make: Make, books: Path) -> None:
    connector = make()
    list(connector.write(loading([invoice(n, client_name="=1+1") for n in range(1, 7)])))
    header, *body = read(books / "invoices.csv")
    body = [[*row, "=A1"] for row in body]
    body[2][7], body[3][10] = "=F4+G4", "=J5+14"
    save(books / "invoices.csv", [[*header, "remark"], *body, ["Sum", "", "", "", "", "=SUM(F2:F15)"]])
    before = {cell for row in read(books / "invoices.csv") for cell in row if "=" in cell}
    seen = standing(connector)
    assert isinstance(change(connector, "invoice", invoice(1), {"status": ("paid", "sent")}), Done)
    assert isinstance(change(connector, "invoice", invoice(1), {"status": ("sent", "paid")}), Done)
    rows = read(books / "invoices.csv")
    assert {cell for row in rows for cell in row if "=" in cell} == before
    assert [row[:6] for row in rows if row[0] == "Sum"] == [["Sum", "", "", "", "", "=SUM(F2:F15)"]]
    assert {row[3] for row in rows[1:] if row[0] != "Sum"} == {"'=1+1"}
    assert standing(connector) == seen


def test_a_text_of_the_source_that_lost_its_guard_in_a_spreadsheet_gets_it_again(make: Make, books: Path) -> None:
    connector = make()
    list(connector.write(loading([invoice(n, client_name="=1+1") for n in range(1, 7)])))
    path = books / "invoices.csv"
    path.write_bytes(path.read_bytes().replace(b"'=", b"="))
    assert isinstance(change(connector, "invoice", invoice(1), {"status": ("paid", "sent")}), Done)
    assert path.read_bytes().count(b",'=1+1,") == 6


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_said_by_check(make: Make, books: Path) -> None:
    connector = make()
    books.chmod(0o500)
    try:
        assert "cannot be written" in connector.open().findings[0]
    finally:
        books.chmod(0o700)


def test_a_folder_without_parent_is_a_sentence(make: Make, tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="no is not a folder; make it"):
        make(path=str(tmp_path / "no" / "books"))


def test_a_new_encoding_that_cannot_hold_what_stands_is_refused_with_record_field_and_remedy(
    make: Make, books: Path
) -> None:
    list(make().write(loading(clients=[client(0), client(1, name="Łódź AB"), client(2)])))
    before = texts(books)
    connector = make(encoding="latin-1")
    told = (
        r"clients\.csv: name of c1 holds 'Ł' \(U\+0141\), which iso8859-1 cannot hold; set encoding back to \"utf-8\""
    )
    [finding] = connector.open().findings
    assert re.search(told, finding)
    with pytest.raises(NotSent, match=told):
        change(connector, "client", client(2), {"email": ("c2@example.com", "new@example.com")})
    assert texts(books) == before
    connector = make()
    assert connector.open().findings == ()
    assert isinstance(change(connector, "client", client(1), {"name": ("Łódź AB", "Lodz AB")}), Done)
    connector = make(encoding="latin-1")
    assert connector.open().findings == ()
    assert isinstance(change(connector, "client", client(2), {"email": ("c2@example.com", "new@example.com")}), Done)
    assert "Åse".encode("latin-1") in texts(books)["clients.csv"]


def test_what_a_person_put_in_that_the_encoding_cannot_hold_is_to_be_taken_out_there(make: Make, books: Path) -> None:
    connector = make(encoding="latin-1")
    list(connector.write(loading()))
    header, *body = list(csv.reader(io.StringIO((books / "clients.csv").read_text("latin-1"), newline="")))
    save(books / "clients.csv", [[*header, "remark"], *([*row, "Ł"] for row in body)], "utf-8-sig", delimiter=";")
    [finding] = connector.open().findings
    assert "clients.csv: remark of c0 holds 'Ł' (U+0141)" in finding
    assert "take it out of clients.csv" in finding


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_a_file_saved_as_utf8_into_a_ledger_of_another_encoding_is_read_as_what_it_says(
    make: Make, books: Path, encoding: str
) -> None:
    connector, entries = make(encoding=encoding), loading()
    list(connector.write(entries))
    path = books / "clients.csv"
    path.write_bytes(path.read_bytes().decode(encoding).encode())
    assert connector.open().findings == ()
    found = standing(connector)
    for name, fields in expected(entries).items():
        assert differences(fields, found[name]) == {}
    assert isinstance(change(connector, "client", client(2), {"email": ("c2@example.com", "new@example.com")}), Done)
    assert "Åse".encode(encoding) in texts(books)["clients.csv"]
    assert standing(connector)["client", "c2"]["email"] == "new@example.com"


def test_what_syncd_wrote_is_read_as_it_was_written_though_it_could_be_utf8(make: Make, books: Path) -> None:
    """The name was read as cp1252 once too often at the source: its bytes in the ledger are those of Åse in UTF-8."""
    name = "Åse AS".encode().decode("cp1252")
    connector = make(encoding="cp1252")
    list(connector.write(loading(clients=[client(0, name=name)])))
    assert "Åse AS".encode() in texts(books)["clients.csv"]
    assert standing(connector)["client", "c0"]["name"] == name
    assert isinstance(change(connector, "client", client(0), {"email": ("c0@example.com", "new@example.com")}), Done)
    assert standing(connector)["client", "c0"]["name"] == name
