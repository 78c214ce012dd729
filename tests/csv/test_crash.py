"""A write killed at every step of putting its files in place: what stands is the old set or the new one."""

from __future__ import annotations

import errno
import itertools
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.csv import CsvConnector, commit
from connectors.csv.merging import Merging
from syncd.connector import Done, Entry, Scalar, Stale
from syncd.errors import NotSent, Unreachable
from tests.csv.conftest import Make, change, client, invoice, loading, standing, texts

PAIRS: dict[str, tuple[Scalar, Scalar]] = {"number": ("2026-003", "X"), "issue_date": ("2024-03-15", "2027-01-01")}


def write(connector: CsvConnector, way: str) -> None:
    if way == "first":
        list(connector.write(loading()))
    else:
        change(connector, "invoice", invoice(3), PAIRS)


def killed(connector: CsvConnector, stop: int, way: str) -> bool:
    """Write in a process of its own, killed before its step ``stop``; tell whether it was."""
    steps = itertools.count()

    def seam(real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **more: Any) -> Any:
            if next(steps) == stop:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **more)

        return step

    def child() -> None:
        for name in ("replace", "fsync", "unlink"):
            setattr(os, name, seam(getattr(os, name)))
        write(connector, way)

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


@pytest.mark.parametrize("way", ["first", "update"])
def test_killed_anywhere_the_ledger_is_the_old_one_or_the_new_one(make: Make, books: Path, way: str) -> None:
    for stop in range(60):
        for path in books.iterdir() if books.exists() else ():
            path.unlink()
        connector = make()
        if way == "update":
            list(connector.write(loading()))
        old = texts(books)
        if not killed(connector, stop, way):
            assert stop > 10
            break
        connector = make()
        left = texts(books)
        assert not [path.name for path in books.iterdir() if path.name.endswith(".tmp") or "pending" in path.name]
        if way == "first":
            assert len(left) in (0, 5)
        if left == old:
            write(connector, way)
        new = texts(books)
        assert left in (old, new)
        assert [page.remotes for page in connector.changes(list(connector.changes(None))[-1].token)] == [()]
    else:
        pytest.fail("never came to the end")


def test_a_full_disk_leaves_nothing_behind_and_is_a_sentence(
    make: Make, books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = make()
    list(connector.write(loading()))
    before, names = texts(books), {path.name for path in books.iterdir()}

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(NotSent, match="the disk is full"):
            change(connector, "invoice", invoice(3), {"status": ("paid", "sent")})
    assert texts(books) == before
    assert {path.name for path in books.iterdir()} == names


def test_what_a_person_changes_while_syncd_writes_is_not_lost(make: Make, books: Path) -> None:
    connector = make()
    list(connector.write(loading()))

    def entries() -> Iterator[Entry]:
        path = books / "invoices.csv"
        for one in loading([invoice(7)]):
            if one.number == 0:
                path.write_bytes(path.read_bytes() + b"mine,,,,,,,,,,,,\r\n")
            yield one

    try:
        list(connector.write(entries()))
    except NotSent:
        list(connector.write(loading([invoice(7)])))
    assert b"mine" in texts(books)["invoices.csv"]
    assert b"2026-007" in texts(books)["invoices.csv"]


EMAIL: dict[str, tuple[Scalar, Scalar]] = {"email": ("c1@example.com", "new@example.com")}
EDIT = (b"c1@example.com", b"mine@example.com")
DUE = (b"2026-05-28", b"2030-01-01")


def edit(path: Path, before_after: tuple[bytes, bytes]) -> None:
    raw = path.read_bytes()
    assert before_after[0] in raw
    path.write_bytes(raw.replace(*before_after))


def stopped(connector: CsvConnector, renames: int, changes: dict[str, tuple[Scalar, Scalar]]) -> None:
    """Change a client and stop for good once so many tables were put in place."""

    def child() -> None:
        real, left = os.replace, itertools.count(1)

        def replace(one: Any, other: Any) -> None:
            if str(other).endswith(".csv") and next(left) > renames:
                os.kill(os.getpid(), signal.SIGKILL)
            real(one, other)

        os.replace = replace  # type: ignore[assignment]  # put in its place for the test
        change(connector, "client", client(1), changes)

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("partition", ["none", "year"])
def test_what_a_person_saves_between_the_two_passes_is_not_overwritten(
    make: Make, books: Path, monkeypatch: pytest.MonkeyPatch, partition: str
) -> None:
    list(make().write(loading()))
    connector, real = make(partition=partition), Merging.apply
    name, edited = ("clients.csv", EDIT) if partition == "none" else ("invoices.csv", DUE)

    def apply(self: Merging, outcomes: Any) -> None:
        edit(books / name, edited)
        real(self, outcomes)

    with monkeypatch.context() as patch:
        patch.setattr(Merging, "apply", apply)
        with pytest.raises(NotSent, match=rf"{name} was changed while syncd was writing"):
            change(connector, "client", client(1), EMAIL)
    assert edited[1] in texts(books)[name]
    assert not [path for path in books.iterdir() if path.name.endswith(".tmp") or "pending" in path.name]
    outcome = change(connector, "client", client(1), EMAIL)
    assert isinstance(outcome, Stale if partition == "none" else Done)
    assert any(edited[1] in text for text in texts(books).values())


@pytest.mark.parametrize("renames", [0, 2])
def test_an_edit_after_a_crash_keeps_the_old_set_while_it_still_stands(make: Make, books: Path, renames: int) -> None:
    list(make().write(loading()))
    before = set(texts(books))
    connector = make(partition="year")
    stopped(connector, renames, EMAIL)
    edit(books / "invoices.csv", DUE)
    connector = make(partition="year")
    assert set(texts(books)) == before
    assert standing(connector)["invoice", "i5"]["due_date"] == "2030-01-01"
    assert isinstance(change(connector, "client", client(1), EMAIL), Done)
    assert "invoices.csv" not in texts(books)
    assert standing(connector)["invoice", "i5"]["due_date"] == "2030-01-01"


def test_an_edit_to_a_file_that_has_to_go_after_a_crash_is_set_aside_and_told(make: Make, books: Path) -> None:
    list(make().write(loading()))
    connector = make(partition="year")
    stopped(connector, 12, EMAIL)
    edit(books / "invoices.csv", DUE)
    next(books.glob(".clients.csv.*.tmp")).replace(books / "clients.csv")
    connector = make(partition="year")
    assert "invoices.csv" not in texts(books)
    assert DUE[1] in texts(books)["invoices.edited-1.csv"]
    assert standing(connector)["invoice", "i5"]["due_date"] == "2026-05-28"
    [finding] = connector.open().findings
    assert "invoices.edited-1.csv holds a file that somebody edited" in finding


def test_an_edit_to_a_file_renamed_before_a_crash_is_a_persons(make: Make, books: Path) -> None:
    connector = make()
    list(connector.write(loading()))

    def child() -> None:
        real = commit.fsync_folder

        def stop(folder: Path) -> None:
            if b"new@example.com" in (books / "clients.csv").read_bytes():
                os._exit(9)
            real(folder)

        commit.fsync_folder = stop
        change(connector, "client", client(1), EMAIL)

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(60)
    assert process.exitcode == 9
    edit(books / "clients.csv", (b"c2@example.com", b"mine@example.com"))
    connector = make()
    told = {one.external_id: one for page in connector.changes(None) for one in page.remotes if one.kind == "client"}
    assert told["c2"].fields["email"] == "mine@example.com"
    assert all(one.by_hand for one in told.values())
    assert told["c1"].fields["email"] == "new@example.com"


def test_a_rename_that_fails_is_made_up_for_and_vouched_for(
    make: Make, books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = make()
    list(connector.write(loading()))
    real = os.replace

    def replace(one: Any, other: Any) -> None:
        if str(other).endswith("payments.csv"):
            raise OSError(errno.EIO, "Input/output error")
        real(one, other)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace)
        with pytest.raises(Unreachable, match="could not all be put in place"):
            change(connector, "invoice", invoice(3), PAIRS)
    connector = make()
    found = standing(connector)
    assert found["payment", "i3"]["number"] == "2026-003"
    assert found["invoice", "i3"]["number"] == "X"
    rows = texts(books)["payments.csv"].split(b"\r\n")
    assert rows[-2].startswith(b"i3,")
    assert not any(one.by_hand for page in connector.changes(None) for one in page.remotes)
