"""A write killed at every step of putting its files in place: what stands is the old set or the new one."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from connectors.csv.settings import CsvSettings
from syncd.errors import NotSent
from tests.csv.conftest import Make, change, invoice, loading, texts

PROGRAM = """
import os, signal, sys
from pathlib import Path
from connectors.csv import CsvConnector
from connectors.csv.settings import CsvSettings
from tests.csv.conftest import change, invoice, loading
from tests.hostile.fixtures import context
folder, scratch, stop, way = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
steps = 0
def seam(real):
    def step(*arguments, **more):
        global steps
        if steps == stop:
            os.kill(os.getpid(), signal.SIGKILL)
        steps += 1
        return real(*arguments, **more)
    return step
connector = CsvConnector(CsvSettings(path=folder), context(scratch))
connector.open()
for name in ("replace", "fsync", "unlink"):
    setattr(os, name, seam(getattr(os, name)))
if way == "first":
    list(connector.write(loading()))
else:
    pairs = {"number": ("2026-003", "X"), "issue_date": ("2024-03-15", "2027-01-01")}
    change(connector, "invoice", invoice(3), pairs)
print(steps)
"""


def run(books: Path, scratch: Path, stop: int, way: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM, str(books), str(scratch), str(stop), way]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("way", ["first", "update"])
def test_killed_anywhere_the_ledger_is_the_old_one_or_the_new_one(make: Make, books: Path, tmp_path: Path, way: str) -> None:
    scratch = tmp_path / "scratch"
    for stop in range(60):
        for path in books.iterdir() if books.exists() else ():
            path.unlink()
        connector = make()
        if way == "update":
            list(connector.write(loading()))
        old = texts(books)
        done = run(books, scratch, stop, way)
        make()
        left = texts(books)
        if done.returncode == 0:
            assert stop > 10
            break
        assert done.returncode == -9, done.stderr
        connector = make()
        assert not [path.name for path in books.iterdir() if path.name.endswith(".tmp") or "pending" in path.name]
        if way == "first":
            assert left == {} or len(left) == 5
            list(connector.write(loading()))
        elif left == old:
            pairs = {"number": ("2026-003", "X"), "issue_date": ("2024-03-15", "2027-01-01")}
            change(connector, "invoice", invoice(3), dict(pairs))
        new = texts(books)
        assert left in (old, new)
        assert [page.remotes for page in connector.changes(list(connector.changes(None))[-1].token)] == [()]
    else:
        pytest.fail("never came to the end")


def test_a_full_disk_leaves_nothing_behind_and_is_a_sentence(make: Make, books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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

    def entries():  # noqa: ANN202
        path = books / "invoices.csv"
        for one in loading([invoice(7)]):
            path.write_bytes(path.read_bytes() + b"mine,,,,,,,,,,,,\r\n") if one.kind == "client" and one.number == 0 else None
            yield one

    try:
        list(connector.write(entries()))
    except NotSent:
        list(connector.write(loading([invoice(7)])))
    assert b"mine" in texts(books)["invoices.csv"]
    assert b"2026-007" in texts(books)["invoices.csv"]
    assert CsvSettings().path == Path("books")
