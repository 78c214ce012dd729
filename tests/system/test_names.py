"""Names may hold anything: what commands a terminal is shown as an escape, and what is markup to us as text."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from syncd.sandbox.change import insert, patch_client, patch_invoice
from tests.system.company import Company
from tests.system.conftest import Found

NAME = "\x1b[31mA [red]B[/] :car:\x07\x9b2J\u202e \\"
SHOWN = "\\x1b[31mA [red]B[/] :car:\\x07\\x9b2J\\u202e \\"


@pytest.fixture
def company(found: Found) -> Company:
    """A company with a client and an invoice of such a name: one invoice is written, one is a problem."""
    company = found(target={"undated": "issue_date"})
    account = company.sandbox.account
    client = next(iter(account.clients))
    patch_client(account, client, {"name": NAME})
    insert(account, {"status": "sent", "number": f"1{NAME}", "client_id": client})
    insert(account, {"status": NAME, "number": f"2{NAME}", "client_id": client})
    company.run(code=1)
    return company


def on_a_terminal(company: Company, *words: str, kind: str = "dumb") -> str:
    """Run a command on a terminal and give what that gets."""
    ours, theirs = os.openpty()
    environment = {**os.environ, "TERM": kind}
    with subprocess.Popen(company.command(*words), stdout=theirs, stderr=theirs, env=environment):
        os.close(theirs)
        got = b""
        while part := _read(ours):
            got += part
    os.close(ours)
    return got.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # nobody has the other end any more
        return b""


def test_long_work_shows_how_far_it_is_on_a_terminal(company: Company) -> None:
    told = on_a_terminal(company, "reconcile", kind="xterm")
    assert re.search(r"compared .* [0-9]+/", told), told
    assert company.syncd("reconcile").err == ""


def test_no_command_hands_a_name_to_the_terminal_as_it_is(company: Company) -> None:
    account = company.sandbox.account
    told = company.syncd("explain", f"1{NAME}").out
    assert f"1{SHOWN}" in told
    told += company.syncd("explain", f"2{NAME}").out + company.syncd("problems").out
    told += company.syncd("problems", "list").out + company.syncd("status").out
    new = insert(account, {"status": "sent", "number": f"3{NAME}", "client_id": next(iter(account.clients))})
    planned = company.syncd("plan").out
    assert f"create invoice 3{SHOWN}" in planned
    patch_invoice(account, new.id, {"number": f"4{NAME}"})
    company.run(code=1)
    company.syncd("run")
    invoices = company.ledger / "invoices.csv"
    invoices.write_bytes(b"".join(invoices.read_bytes().splitlines(keepends=True)[:-1]))
    compared = company.syncd("reconcile").out
    assert f"invoice\t4{SHOWN}\t{new.id}\tmissing" in compared
    told += planned + compared
    assert not [sign for sign in told if sign not in "\n\t" and not sign.isprintable()], told


def test_a_table_on_a_terminal_shows_such_names_too(company: Company) -> None:
    for words in (["problems", "list"], ["explain", f"1{NAME}"]):
        said = on_a_terminal(company, *words)
        assert {"[red]B[/]", ":car:\\x07\\x9b2J\\u202e"} <= set(said.split()), said
        assert not [sign for sign in said if sign not in "\r\n" and not sign.isprintable()], said


def test_a_document_holds_the_name_and_no_control_character(company: Company) -> None:
    said = company.syncd("explain", f"1{NAME}", "--json")
    assert said.document["records"][0]["number"] == f"1{NAME}"
    assert not [sign for sign in said.out if sign != "\n" and not sign.isprintable()]
