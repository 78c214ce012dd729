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

from connectors.csv import CsvConnector
from syncd.connector import Entry, Scalar
from syncd.errors import NotSent
from tests.csv.conftest import Make, change, invoice, loading, texts

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
