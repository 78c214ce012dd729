"""A person edits one cell: it is named, it is kept, and nothing else is reported."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from syncd.sandbox.change import insert, patch_client, patch_invoice
from syncd.sandbox.data import made_up
from tests.crash import oracle
from tests.system import editor
from tests.system.company import Company, Json
from tests.system.conftest import Found
from tests.system.edits import SHAPES, Edit, chosen, meaning
from tests.system.expected import dump

EACH = 100
"""Edits of each of the five files."""
KIND = {"clients": "client", "payments": "payment"}


class Editor:
    """The other process, which edits as it is told."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, editor.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def edit(self, path: Path, row: int, column: int, text: str, way: str) -> str:
        """Edit a cell (rows from 0, without the header); return what stood there."""
        told = {"path": str(path), "row": row + 1, "column": column, "text": text, "way": way}
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(told), file=self._process.stdin, flush=True)
        before: str = json.loads(self._process.stdout.readline())
        return before

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture
def other_process() -> Iterator[Editor]:
    running = Editor()
    yield running
    running.close()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("table", SHAPES)
def test_an_edited_cell_is_named_with_both_values_and_kept(
    table: str, found: Found, other_process: Editor, note: Callable[[str], None]
) -> None:
    rng = random.Random(f"edits {table}")
    company = found(
        made_up(seed=11, clients=8, invoices=24),
        source={"detail_sweep": "24h", "concurrency": 1},
        page_size=200,
        envelope="data",
        paging="meta",
    )
    company.run()
    assert company.reconcile() == []
    wrong: list[str] = []
    moved = 0
    for number in range(EACH):
        edit = chosen(rng, table, company.rows(f"{table}.csv"))
        moves = number % 5 == 4
        moved += moves
        if failure := tried(company, other_process, edit, rng if moves else None):
            wrong.append(f"{number}: {edit}{' while another record changed' if moves else ''}: {failure}")
            start_anew(company)
    note(
        f"Edited cells of {table}.csv: {EACH} edits, {moved} of them while another record changed; {len(wrong)} failed."
    )
    assert not wrong, "\n".join(wrong)


def tried(company: Company, other: Editor, edit: Edit, rng: random.Random | None) -> str:
    """Make an edit, look at it, and take it back; say what went wrong."""
    path = company.ledger / f"{edit.table}.csv"
    before = company.bytes_of_ledger()
    row = company.rows(path.name)[edit.row]
    expected = difference(edit, row)
    try:
        assert other.edit(path, edit.row, edit.at, edit.after, edit.way) == edit.before
        edited = company.bytes_of_ledger()
        assert_named(company, expected)
        if rng is None:
            company.run()
            assert csvs(company) == csvs_of(edited), "the run did not keep the files byte for byte"
            place = edit.row
        else:
            place = kept_through_a_change(company, edit, row, rng)
            assert_named(company, expected)
        assert meaning(edit.shape, other.edit(path, place, edit.at, edit.before, edit.way)) == meaning(
            edit.shape, edit.after
        )
        assert rng or csvs(company) == csvs_of(before), "the cell was not put back"
        left = company.reconcile()
        assert left == [], f"not in step after the cell was put back: {left}"
    except AssertionError as failure:
        return str(failure)
    return ""


def difference(edit: Edit, row: list[str]) -> Json:
    """Say what reconcile is to report."""
    field = edit.column
    if edit.table == "invoice_lines":
        field = f"lines.{row[2]}.{edit.column}"
    elif edit.table == "events":
        field = f"events.{row[4]}.{edit.column}"
    return {
        "what": "differs",
        "kind": KIND.get(edit.table, "invoice"),
        "id": row[0],
        "field": field,
        "source": edit.before if edit.shape == "data" else meaning(edit.shape, edit.before),
        "target": edit.after if edit.shape == "data" else meaning(edit.shape, edit.after),
    }


def assert_named(company: Company, expected: Json) -> None:
    found = [{name: one[name] for name in expected} for one in company.reconcile()]
    assert found == [expected], f"reconcile names {found} and not {expected}"


def kept_through_a_change(company: Company, edit: Edit, row: list[str], rng: random.Random) -> int:
    """Let another record of the same file change at the source, sync, and find the edited row where it is now."""
    another_changes(company, edit.table, row[0], rng)
    company.run()
    typed = [*row[: edit.at], edit.after, *row[edit.at + 1 :]]
    one_edit = {key_of(edit.table, row): 1, key_of(edit.table, typed): -1}
    for table, wanted in oracle.tables(dump(company)).items():
        stands = company.rows(f"{table}.csv")
        missing = Counter(key_of(table, one) for one in wanted[1:])
        missing.subtract(key_of(table, one) for one in stands)
        told = {key: count for key, count in missing.items() if count}
        expected = one_edit if table == edit.table else {}
        assert told == expected, f"{table}.csv holds other rows than the source and one edit: {told}"
    return [key_of(edit.table, one) for one in company.rows(f"{edit.table}.csv")].index(key_of(edit.table, typed))


def key_of(table: str, row: list[str]) -> tuple[str, ...]:
    """What the cells of a row mean, as something to count."""
    return tuple(meaning(shape, cell) for shape, cell in zip(SHAPES[table].values(), row, strict=True))


def another_changes(company: Company, table: str, owner: str, rng: random.Random) -> None:
    """Change a record that stands in the same file, but is not this one."""
    account = company.sandbox.account
    if table == "clients":
        others = [one for one in account.clients if one != owner]
        patch_client(account, rng.choice(others), {"phone": f"+4522{rng.randrange(100_000, 999_999)}"})
        return
    if table == "payments":
        insert(account, {"status": "paid", "client_id": rng.choice(list(account.clients))})
        return
    others = [
        one.id for one in account.invoices.values() if one.id != owner and one.status not in ("draft", "cancelled")
    ]
    change: dict[str, Any] = {"due_date": f"2027-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"}
    chosen_one = rng.choice(others)
    if table == "invoice_lines":
        lines = json.loads(account.invoices[chosen_one].lines)
        lines[0]["description"] = f"Work {rng.randrange(10_000)}"
        change["lines"] = lines
    if table == "events":
        change["_happened"] = "reminder"
    patch_invoice(account, chosen_one, change)


def csvs(company: Company) -> dict[str, bytes]:
    return csvs_of(company.bytes_of_ledger())


def csvs_of(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if name.endswith(".csv")}


def start_anew(company: Company) -> None:
    """Begin a fresh ledger after a failure, so that the next edit is not blamed for it."""
    company.forget()
    for path in company.ledger.iterdir():
        path.unlink()
    company.run(code=None)
