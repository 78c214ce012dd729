"""Output that is full, closed or not read to its end: no traceback, and no exit code that says something else."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from syncd.sandbox.change import patch_client
from tests.system.company import Company, Said
from tests.system.conftest import Found

FULL = "The output could not be written: No space left on device.\n"
CLOSED = "The output could not be written: Bad file descriptor.\n"


@pytest.fixture
def company(found: Found) -> Company:
    """A company that is in step."""
    company = found()
    company.run()
    return company


def ended(company: Company, words: str, redirect: str) -> Said:
    """Run a command in a shell that leads its output elsewhere."""
    shell = ["sh", "-c", f'exec "$@" {redirect}', "sh", *company.command(*words.split())]
    done = subprocess.run(shell, capture_output=True, text=True, timeout=60, check=False)
    return Said(done.returncode, done.stdout, done.stderr)


def unread(company: Company, words: str, errors: Path) -> Said:
    """Run a command whose output nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    with errors.open("w+") as file:
        command = company.command(*words.split())
        done = subprocess.run(command, stdout=writing, stderr=file, timeout=60, check=False)
    os.close(writing)
    return Said(done.returncode, "", errors.read_text())


def test_output_that_cannot_be_written_is_told_in_one_sentence(company: Company) -> None:
    for words in ("status", "status --json", "reconcile", "problems list", "mappings export", "--version", "--help"):
        assert ended(company, words, ">/dev/full") == Said(1, "", FULL), words
    for words in ("run", "reconcile --json"):
        assert ended(company, words, ">&-") == Said(1, "", CLOSED), words


def test_a_run_whose_output_is_lost_has_done_its_work_and_tells_what_is_worse(found: Found) -> None:
    company = found()
    assert ended(company, "run --json", ">/dev/full") == Said(1, "", FULL)
    assert company.reconcile() == []
    company.configure(source={"base_url": "http://127.0.0.1:9/api/v1"})
    assert ended(company, "run --json", ">/dev/full") == Said(3, "", FULL)


def test_what_stops_a_run_is_told_where_the_output_is_thrown_away_and_nothing_else_is(company: Company) -> None:
    assert ended(company, "run", ">/dev/null") == Said(0, "", "")
    company.configure(source={"base_url": "http://127.0.0.1:9/api/v1"})
    said = ended(company, "run", ">/dev/null")
    assert (said.code, said.err.startswith("source main: GET ")) == (3, True), said
    nowhere = str(company.folder / "none" / "at")
    company.configure(source={"base_url": company.sandbox.base_url}, target={"path": nowhere})
    said = ended(company, "run", ">/dev/null")
    assert (said.code, said.err.startswith("target ledger: ")) == (3, True), said
    company.configure(target={"path": str(company.ledger)})
    invoices = company.ledger / "invoices.csv"
    invoices.write_bytes(invoices.read_bytes().partition(b"\n")[0] + b"\n")
    said = ended(company, "run", ">/dev/null")
    assert (said.code, said.err.startswith("target ledger: held, nothing is written: ")) == (5, True), said


def test_a_pipe_that_is_closed_early_ends_a_command_quietly(company: Company, tmp_path: Path) -> None:
    for words in ("status", "reconcile --json", "mappings export", "--help"):
        assert unread(company, words, tmp_path / "errors") == Said(141, "", ""), words
    assert unread(company, "run nowhere", tmp_path / "errors").code == 2


def test_errors_that_cannot_be_written_leave_the_exit_code_as_it_is(company: Company) -> None:
    for redirect in ("2>/dev/full", "2>&-"):
        assert ended(company, "run nowhere", redirect) == Said(2, "", "")
    assert ended(company, "status", "2>&-").code == 0


def test_what_the_encoding_of_the_output_lacks_is_written_as_an_escape(company: Company) -> None:
    client = next(iter(company.sandbox.account.clients))
    patch_client(company.sandbox.account, client, {"name": "Blåbær"})
    company.run()
    said = company.process("explain", client, PYTHONIOENCODING="ascii")
    assert (said.code, said.err) == (0, "")
    assert "client Bl\\xe5b\\xe6r" in said.out
