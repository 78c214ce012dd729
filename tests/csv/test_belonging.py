"""Which files of a folder are the ledger's, and which are a person's own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from syncd.connector import Done, Exists
from syncd.errors import Unreachable
from syncd.fields import differences
from tests.csv.conftest import Make, change, expected, invoice, loading, standing, texts

SENT: dict[str, tuple[str | int | None, str | int | None]] = {"status": ("paid", "sent")}


@pytest.mark.parametrize(
    ("partition", "original", "copy"),
    [
        ("none", "invoices.csv", "invoices-2026.csv"),
        ("none", "payments.csv", "payments-undated.csv"),
        ("year", "invoices-2026.csv", "invoices-2026-01.csv"),
        ("year", "invoices-2026.csv", "invoices.csv"),
        ("month", "invoices-2025-01.csv", "invoices-2025.csv"),
    ],
)
@pytest.mark.parametrize("manifest", [True, False])
def test_a_copy_that_has_the_name_of_another_partition_is_a_persons_own(
    make: Make, books: Path, partition: str, original: str, copy: str, *, manifest: bool
) -> None:
    connector = make(partition=partition)
    list(connector.write(loading()))
    token, before = connector.open().token, texts(books)
    shutil.copy(books / original, books / copy)
    if not manifest:
        (books / ".syncd.json").unlink()
    assert connector.open().token == token
    assert set(standing(connector)) == set(expected(loading()))
    assert {type(outcome) for _, outcome in connector.write(loading())} == {Exists}
    assert texts(books) == {**before, copy: before[original]}
    assert isinstance(change(connector, "invoice", invoice(1), SENT), Done)
    assert standing(connector)["invoice", "i1"]["status"] == "sent"
    assert texts(books).keys() == {*before, copy}
    assert texts(books)[copy] == before[original]
    page = list(connector.changes(None))[-1]
    assert page.by_hand is not manifest
    assert page.lost == frozenset()


@pytest.mark.parametrize("manifest", [True, False])
@pytest.mark.parametrize(("before", "after"), [("none", "year"), ("year", "month"), ("month", "none")])
def test_a_ledger_of_another_partition_is_carried_over_with_or_without_its_manifest(
    make: Make, books: Path, tmp_path: Path, before: str, after: str, *, manifest: bool
) -> None:
    list(make(partition=after).write(loading()))
    wanted = texts(books).keys()
    books.rename(tmp_path / "wanted")
    list(make(partition=before).write(loading()))
    if not manifest:
        (books / ".syncd.json").unlink()
    connector = make(partition=after)
    for name, fields in expected(loading()).items():
        assert differences(fields, standing(connector)[name]) == {}
    assert isinstance(change(connector, "invoice", invoice(1), SENT), Done)
    assert texts(books).keys() == wanted
    assert standing(connector).keys() == expected(loading()).keys()
    assert standing(connector)["invoice", "i1"]["status"] == "sent"
    assert not list(connector.changes(None))[-1].lost


def test_a_persons_file_in_the_way_of_a_new_partition_is_one_problem_and_is_not_touched(
    make: Make, books: Path
) -> None:
    list(make().write(loading()))
    shutil.copy(books / "invoices.csv", books / "invoices-2026.csv")
    before = texts(books)
    with pytest.raises(Unreachable, match=r"invoices-2026\.csv is not one of syncd's files.*move it away"):
        make(partition="year")
    assert texts(books) == before
    (books / "invoices-2026.csv").unlink()
    assert set(standing(make(partition="year"))) == set(expected(loading()))


@pytest.mark.parametrize("name", ["events.csv", "clients.csv"])
def test_a_folder_that_has_the_name_of_a_file_is_one_problem_with_a_remedy(make: Make, books: Path, name: str) -> None:
    connector = make()
    list(connector.write(loading()))
    (books / name).unlink()
    (books / name).mkdir()
    told = rf"{name} is a folder, and syncd needs this name for a file; move it away and run again\."
    with pytest.raises(Unreachable, match=told):
        connector.open()
    with pytest.raises(Unreachable, match=told):
        list(connector.write(loading()))
    (books / name).rename(books / "moved")
    (books / "events-2026.csv").mkdir()
    assert {type(outcome) for _, outcome in connector.write(loading())} >= {Done}
    assert set(standing(connector)) == set(expected(loading()))


@pytest.mark.parametrize(
    "text",
    [
        '{"files": [1], "settings": 5, "lineage": 3, "ledger": null}',
        '{"files": {"invoices.csv": 1, "clients.csv": {"stat": 2}}, "settings": {}, "lineage": [3], "ledger": {}}',
        '{"settings": {"partition": "week", "delimiter": 1, "decimal": "", "encoding": "x", "date_format": ""}}',
        "[1]",
        "7",
        "{",
    ],
)
def test_what_is_not_as_it_should_be_in_a_manifest_is_as_if_it_were_not_there(
    make: Make, books: Path, text: str
) -> None:
    connector = make()
    list(connector.write(loading()))
    (books / ".syncd.json").write_text(text)
    assert connector.open().identity
    assert set(standing(connector)) == set(expected(loading()))
    assert [page.by_hand for page in connector.changes("a token of before")] != []
    assert isinstance(change(connector, "invoice", invoice(1), SENT), Done)
    assert standing(connector)["invoice", "i1"]["status"] == "sent"


def test_the_part_of_a_broken_manifest_that_is_whole_still_counts(make: Make, books: Path) -> None:
    connector = make()
    list(connector.write(loading()))
    identity = connector.open().identity
    path = books / ".syncd.json"
    path.write_bytes(path.read_bytes().replace(b'"lineage": [', b'"lineage": 3, "other": ['))
    assert connector.open().identity == identity
    assert not any(page.by_hand for page in connector.changes(None))
