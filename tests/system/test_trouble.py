"""What can go wrong around a run: each with its exit code, a sentence, nothing half-written and no secret shown."""

from __future__ import annotations

import contextlib
import fcntl
import socket
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from connectors.csv import CsvConnector
from syncd import due
from syncd.connector import Entry, Outcome, Page
from syncd.due import Range
from syncd.errors import Answer
from syncd.pull import pull
from syncd.sandbox.change import insert, patch_client, patch_invoice
from syncd.sandbox.data import made_up
from syncd.state import work
from syncd.state.store import Store
from syncd.state.tables import record
from tests.system.conftest import Found
from tests.system.expected import assert_equal, counted

SECRET = "ffk_very_secret_key_0123456789"


def test_a_refused_key_names_the_account_and_is_shown_nowhere(found: Found) -> None:
    company = found()
    company.key = SECRET
    company.configure()
    for arguments in (["run"], ["run", "--json"], ["check"], ["plan"], ["status"], ["reconcile"]):
        said = company.process(*arguments)
        code = {"status": 1, "reconcile": 1}.get(arguments[0], 3)
        assert said.code == code, (arguments, said)
        assert SECRET not in said.out + said.err
        assert "Traceback" not in said.err
        if said.code:
            assert "source main" in said.out + said.err or '"main"' in said.out
    assert "401" in company.syncd("status", "--json").document["sources"][0]["error"]
    company.key = company.sandbox.key
    company.configure()
    company.run()
    assert company.syncd("status", "--json").document["sources"][0]["error"] is None
    for path in company.state.parent.iterdir():
        assert SECRET.encode() not in path.read_bytes(), path


def test_a_good_key_is_shown_nowhere_either(found: Found) -> None:
    company = found()
    company.key = company.sandbox.key
    company.settings.write_text(company.settings.read_text().replace('log_level = "warning"', 'log_level = "debug"'))
    said = company.process("run")
    assert said.code == 0, said
    assert company.sandbox.key not in said.out + said.err
    for path in (*company.state.parent.iterdir(), *company.ledger.iterdir()):
        assert company.sandbox.key.encode() not in path.read_bytes(), path


def test_an_unexpected_error_that_quotes_a_key_shows_it_nowhere(found: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    company = found()

    def quoting(*_: object, **__: object) -> None:
        raise ValueError(f"Illegal header value {company.key!r}")

    company.key = company.sandbox.key
    monkeypatch.setattr("connectors.csv.connector.CsvConnector.open", quoting)
    said = company.syncd("run", "--json")
    assert "Illegal header value" in said.document["targets"][0]["error"]
    assert company.key not in said.out + said.err
    for path in company.state.parent.iterdir():
        assert company.key.encode() not in path.read_bytes(), path
    company.key = "another-key-0123456789"  # which does not look like one of FastFaktura's
    company.configure()
    monkeypatch.setattr("syncd.cli.status._status", quoting)
    said = company.syncd("status")
    assert said.code == 1
    assert "Illegal header value" in said.err
    assert company.key not in said.out + said.err


def test_an_unexpected_error_at_one_source_stops_no_other(found: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    company = found()
    more = f"""
[source.other]
api_key = "{company.sandbox.key}"
base_url = "{company.sandbox.base_url}"

[target.second]
connector = "csv"
source = "other"
path = "second"
"""
    company.configure({"source": "main"})
    company.settings.write_text(company.settings.read_text() + more)

    def failing(source: Any, *given: Any, **named: Any) -> Any:
        if source.name == "main":
            raise ValueError(f"something about {company.sandbox.key}")
        return pull(source, *given, **named)

    monkeypatch.setattr("syncd.engine.pull", failing)
    report = company.run(code=3)
    assert [bool(one["error"]) for one in report["sources"]] == [True, False]
    assert "something about ***" in report["sources"][0]["error"]
    assert [one["name"] for one in report["targets"]] == ["second"]
    assert (company.folder / "second" / "invoices.csv").exists()
    assert company.syncd("status", "--json").document["last_run"]["exit_code"] == 3


@pytest.mark.parametrize("error", [Answer("the books say no", 200), ValueError("a bug")], ids=["answer", "bug"])
def test_a_target_that_answers_with_an_error_stops_the_reconciling_of_no_other(
    found: Found, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    company = found()
    more = '[target.second]\nconnector = "csv"\npath = "second"\n'
    company.settings.write_text(f"{company.settings.read_text()}\n{more}")
    company.run()

    def failing(connector: CsvConnector, since: str | None) -> Iterator[Page]:
        if connector.place == str(company.ledger):
            raise error
        return changes(connector, since)

    changes = CsvConnector.changes
    monkeypatch.setattr(CsvConnector, "changes", failing)
    said = company.syncd("reconcile", "--json")
    assert said.code == 1, said
    assert [(one["name"], one["in_step"]) for one in said.document["targets"]] == [("second", True)]
    (told,) = said.document["errors"]
    assert told["target"] == "ledger"
    assert str(error) in told["said"]
    assert "target ledger: " in company.syncd("reconcile").err


def test_a_key_from_the_environment_is_in_no_list_of_processes(found: Found) -> None:
    company = found()
    company.settings.write_text(
        company.settings.read_text().replace(f'"{company.sandbox.key}"', '{ env = "FASTFAKTURA_API_KEY" }')
    )
    assert company.process("run", FASTFAKTURA_API_KEY=company.sandbox.key).code == 0
    missing = company.process("run")
    assert missing.code == 2
    assert "FASTFAKTURA_API_KEY" in missing.err


def test_an_unreachable_source_is_told_with_exit_3(found: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.http._BACKOFF", lambda _: 0.0)
    company = found()
    company.run()
    before = company.bytes_of_ledger()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        company.base_url = f"http://127.0.0.1:{free.getsockname()[1]}/api/v1"
    company.configure()
    said = company.syncd("run")
    assert said.code == 3, said
    assert "source main" in said.err
    assert company.bytes_of_ledger() == before


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown status": ({"status": "teleported"}, "unknown_status"),
    "an unknown currency": ({"currency": "XDR"}, "unknown_currency"),
    "text where cents belong": ({"total_cents": "12.50"}, "bad_cents"),
    "a fraction where cents belong": ({"tax_cents": 12.5}, "bad_cents"),
    "a missing field": ({"_remove": ["number"]}, "missing_field"),
    "a missing client": ({"_remove": ["client_id"]}, "missing_field"),
    "an unknown client": ({"client_id": "00000000-0000-4000-a000-000000000000"}, "unknown_client"),
    "totals that do not add up": ({"total_cents": 1}, "totals_do_not_add_up"),
    "lines that are none": ({"lines": "none"}, "unreadable"),
    "a date that is none": ({"due_date": "the day after"}, "unreadable"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_payload_is_one_problem_and_all_others_go_through(name: str, found: Found) -> None:
    company = found()
    account = company.sandbox.account
    bad = insert(account, {"status": "sent"})
    number = bad.number
    fields, code = BAD[name]
    patch_invoice(account, bad.id, fields)
    document = company.run(code=1)
    assert len(document["problems"]) == 1, document["problems"]
    assert (document["problems"][0]["id"], document["problems"][0]["kind"]) == (bad.id, "invoice")
    assert counted(document) in ({code: 1}, {"unreadable": 1}, {"missing_field": 1}), document["problems"]
    issued = {one.number for one in account.invoices.values() if one.status != "draft"} - {number}
    assert set(company.column("invoices.csv", "number")) == issued
    assert company.syncd("problems").code == 1
    assert number in company.syncd("explain", bad.id, "--json").out or "_remove" in fields
    assert company.run(code=1)["problems"] == document["problems"], "a second run says something else"
    account.invoices[bad.id].raw = None
    account.invoices[bad.id].removed = ()
    good = {"status": "sent", "currency": "EUR", "client_id": next(iter(account.clients)), "due_date": None}
    lines = [{"description": "Good", "quantity": 1, "unit_price_cents": 100, "tax_rate": 25}]
    patch_invoice(account, bad.id, {**good, "lines": lines})
    assert company.run("--full")["problems"] == []
    assert_equal(company)


def test_ids_that_come_twice_are_a_problem_and_all_others_go_through(found: Found) -> None:
    company = found()
    account = company.sandbox.account
    one, other = insert(account, {"status": "sent"}), insert(account, {"status": "sent"})
    patch_invoice(account, other.id, {"id": one.id})
    document = company.run(code=1)
    assert "duplicate_id" in counted(document), document["problems"]
    ids = company.column("invoices.csv", "invoice_id")
    assert len(ids) == len(set(ids))
    assert {each.id for each in account.invoices.values() if each.status != "draft"} - {one.id, other.id} <= set(ids)


def test_a_client_that_cannot_be_read_holds_back_its_invoices_only(found: Found) -> None:
    company = found()
    account = company.sandbox.account
    client = next(one.client_id for one in account.invoices.values() if one.status == "paid")
    patch_client(account, client, {"name": 17})
    document = company.run(code=1)
    assert {one["code"] for one in document["problems"]} <= {"missing_field", "unreadable", "client_unreadable"}
    theirs = {one.number for one in account.invoices.values() if one.client_id == client}
    issued = {one.number for one in account.invoices.values() if one.status != "draft"}
    assert set(company.column("invoices.csv", "number")) == issued - theirs
    patch_client(account, client, {"name": "Readable AS"})
    company.run("--full")
    assert_equal(company)


def test_a_second_syncd_on_the_same_state_exits_4_at_once(found: Found) -> None:
    company = found(latency=0.2)
    first = subprocess.Popen(company.command("run"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 30
        while company.sandbox.traffic.total == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        began = time.monotonic()
        said = company.syncd("run")
        assert said.code == 4, said
        assert time.monotonic() - began < 2
        assert str(first.pid) in said.err
        assert company.syncd("status").code == 0
    finally:
        out, err = first.communicate(timeout=60)
    assert first.returncode == 0, out + err
    assert_equal(company)


def test_a_lock_left_behind_by_a_dead_process_holds_nobody_up(found: Found) -> None:
    company = found()
    company.run()
    lock = next(path for path in company.state.parent.iterdir() if path.name.endswith(".lock"))
    with lock.open("a+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert company.syncd("run").code == 4
    company.run()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[syncd", "toml:1:"),
        ("[sorce.main]\n", "did you mean"),
        ('[source.main]\napi_key = "ffk_abcdef"\nbase_url = "http://elsewhere.example/api"\n', "http"),
        ('[source.main]\napi_key = "ffk_abcdef"\npoll = "soon"\n', "poll"),
        ('[source.main]\napi_key = { file = "missing.txt" }\n', "missing.txt"),
    ],
)
def test_wrong_settings_exit_2_with_a_sentence(found: Found, text: str, word: str) -> None:
    company = found()
    company.settings.write_text(text)
    said = company.syncd("run")
    assert said.code == 2, said
    assert word in said.err.lower()
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "nowhere"],
        ["run", "--status", "lost"],
        ["run", "--details"],
        ["fly"],
        ["explain", "nobody"],
    ],
)
def test_wrong_usage_exits_2_with_a_sentence(found: Found, arguments: list[str]) -> None:
    company = found()
    said = company.syncd(*arguments)
    assert said.code == 2, said
    assert said.err.strip()


def test_reconcile_is_not_in_step_with_a_source_that_was_never_read(found: Found) -> None:
    """Neither an empty ledger, nor a full one whose state was lost."""
    company = found()
    for _ in range(2):
        said, document = company.syncd("reconcile"), company.syncd("reconcile", "--json").document
        assert (said.code, said.out) == (1, ""), said
        assert "source main has never been read" in said.err
        assert (document["in_step"], document["targets"]) == (False, [])
        assert "source main has never been read" in document["errors"][0]["said"]
        company.run()
        assert company.reconcile() == []
        company.forget()


@pytest.mark.parametrize("command", ["run", "plan", "reconcile"])
def test_dates_that_cannot_be_meant_exit_2_with_one_sentence(found: Found, command: str) -> None:
    company = found()
    for option in ("--since", "--until"):
        said = company.syncd(command, option, "2026-02-30")
        assert (said.code, said.out, said.err) == (2, "", "'2026-02-30' is no date; write it like 2026-01-31.\n")
    said = company.syncd(command, "--since", "2026-02-02", "--until", "2026-02-01")
    assert (said.code, said.out, said.err) == (2, "", "--since lies after --until.\n")


@pytest.fixture
def few_variables() -> Iterator[None]:
    """Let SQLite take fewer values in one statement than a load has operations."""

    def lower(driver: sqlite3.Connection, _record: object) -> None:
        driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 1100)

    sa.event.listen(Engine, "connect", lower)
    yield
    sa.event.remove(Engine, "connect", lower)


@pytest.mark.usefixtures("few_variables")
def test_a_large_first_load_whose_answer_was_lost_is_settled_in_the_next_run(
    found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = found(made_up(seed=43, clients=20, invoices=800), page_size=500)
    with monkeypatch.context() as patch:
        write = CsvConnector.write

        def lost(connector: CsvConnector, entries: Iterator[Entry]) -> Iterator[tuple[int, Outcome]]:
            next(write(connector, entries))
            raise RuntimeError("killed here")

        patch.setattr(CsvConnector, "write", lost)
        company.run(code=1)
    company.run()
    assert_equal(company)


def test_what_changed_and_waits_is_looked_at_once_though_it_changes_again_meanwhile(found: Found) -> None:
    company = found()
    company.run()
    seen: Counter[str] = Counter()
    with contextlib.closing(Store(f"sqlite:///{company.state}")) as store:
        session: Any = SimpleNamespace(store=store, source="main", policy=SimpleNamespace(zone=UTC))
        with store.read() as connection:
            upto, ids = work.revision(connection, "main"), set(work.ids(connection, "main", "invoice"))
        for invoices in due.invoices(session, Range(0, upto, frozenset(("invoice", one) for one in ids))):
            seen.update(one.id for one in invoices)
            with store.write() as connection:  # what a pull finds meanwhile
                connection.execute(sa.update(record).values(revision=record.c.revision + upto))
    assert seen == Counter(ids)


def test_what_changes_while_all_is_read_is_read_once(found: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    company = found()
    company.run()
    monkeypatch.setattr(work, "CHUNK", 7)
    seen: Counter[str] = Counter()
    with contextlib.closing(Store(f"sqlite:///{company.state}")) as store:
        with store.read() as connection:
            upto, ids = work.revision(connection, "main"), set(work.ids(connection, "main", "invoice"))
        for rows in work.every(store, "main", "invoice"):
            seen.update(row.id for row in rows)
            if len(seen) < len(ids):  # what a pull finds meanwhile
                with store.write() as connection:
                    connection.execute(sa.update(record).values(revision=record.c.revision + upto))
    assert seen == Counter(ids)
