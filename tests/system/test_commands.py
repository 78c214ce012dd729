"""What people and scripts read: stories, states, problems, mappings; JSON documents, and no colours in a pipe."""

from __future__ import annotations

import csv
import json
import os
import re
import sqlite3
import subprocess
import time
from datetime import date
from subprocess import PIPE

import pytest

from syncd.cli.console import when
from syncd.model import STATUSES
from syncd.sandbox.account import Account
from syncd.sandbox.change import insert, patch_client, patch_invoice
from syncd.sandbox.data import made_up
from tests.daemon.process import until
from tests.system.company import Company
from tests.system.conftest import Found
from tests.system.expected import assert_equal

DOCUMENTS = ("run", "plan", "status", "reconcile", "problems", "check")


@pytest.fixture
def company(found: Found) -> Company:
    """A company that was synced once, with one invoice that cannot be."""
    one = found()
    bad = insert(one.sandbox.account, {"status": "teleported", "number": "BAD-1"})
    assert bad.number == "BAD-1"
    one.run(code=1)
    return one


def test_each_command_gives_one_json_document_that_names_its_schema(company: Company) -> None:
    number = company.column("invoices.csv", "number")[0]
    for words in (*([name] for name in DOCUMENTS), ["explain", number], ["mappings", "list"], ["problems", "list"]):
        said = company.syncd(*words, "--json")
        assert re.fullmatch(r"syncd\.[a-z]+/1", said.document["schema"]), said
        assert said.out.count("\n{") == 0


def test_a_process_prints_one_json_document_and_nothing_else(company: Company) -> None:
    said = company.process("run", "--json")
    assert said.code == 1
    assert next(iter(json.loads(said.out))) == "schema"
    assert said.err == ""


def test_a_pipe_gets_no_colours_and_no_bars(company: Company) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    environment |= {"TERM": "xterm-256color", "COLUMNS": "200"}
    for words in (
        ["run"],
        ["reconcile"],
        ["status"],
        ["problems"],
        ["explain", "BAD-1"],
        ["--help"],
        ["run", "nowhere"],
    ):
        ended = subprocess.run(company.command(*words), capture_output=True, check=False, env=environment, timeout=60)
        assert b"\x1b" not in ended.stdout + ended.stderr, words
        assert b"\r" not in ended.stdout, words


def test_explain_asks_for_a_name(company: Company) -> None:
    said = company.syncd("explain", " ")
    assert (said.code, said.out) == (2, "")
    assert "Name a client or invoice" in said.err


def test_explain_tells_the_whole_story_of_an_invoice(company: Company) -> None:
    new = insert(company.sandbox.account, {"status": "sent"})
    company.run(code=1)
    patch_invoice(company.sandbox.account, new.id, {"_happened": "paid"})
    company.run(code=1)
    for called in (new.number, new.id):
        story = company.syncd("explain", called, "--json").document["records"][0]
        assert (story["id"], story["status"]) == (new.id, "paid")
        assert [(one["verb"], one["kind"], one["state"]) for one in story["journal"]].count(
            ("create", "invoice", "done")
        ) == 1
        assert ("settle", "payment", "done") in [(one["verb"], one["kind"], one["state"]) for one in story["journal"]]
        assert {one["kind"] for one in story["targets"][0]["stands"]} == {"invoice", "payment"}
    said = company.syncd("explain", new.number)
    assert said.code == 0
    for word in (new.number, new.id, "paid", "create invoice", "settle payment", "status: sent → paid"):
        assert word in said.out, said.out


def test_explain_tells_why_a_record_is_not_there(company: Company) -> None:
    said = company.syncd("explain", "BAD-1")
    assert said.code == 0
    assert "teleported" in said.out
    assert "does not stand there: a problem stands in the way" in said.out


def test_explain_tells_why_a_record_is_rightly_not_there(found: Found) -> None:
    company = found(target={"undated": "first_seen"})
    account = company.sandbox.account
    draft, sent = insert(account, {"status": "draft"}), insert(account, {"status": "sent"})
    free = insert(account, {"status": "paid", "subtotal_cents": 0, "tax_cents": 0, "total_cents": 0, "lines": []})
    company.run(code=None)
    assert "invoice does not stand there: it is a draft" in company.syncd("explain", draft.id).out
    assert "payment does not stand there: it is sent, not paid" in company.syncd("explain", sent.id).out
    assert "payment does not stand there: its total is zero" in company.syncd("explain", free.id).out
    company.configure(target={"undated": "first_seen", "start_date": date(2999, 1, 1)})
    late = insert(account, {"status": "sent"})
    company.run(code=None)
    assert "before the target's `start_date` 2999-01-01" in company.syncd("explain", late.id).out


def test_a_run_counts_what_it_wrote_by_kind(company: Company) -> None:
    new = insert(company.sandbox.account, {"status": "sent"})
    said = company.syncd("run")
    assert "target ledger: 1 written (1 create invoice)" in said.out, (said.out, new)
    assert "1 problem waits for a person" in said.out
    again = company.syncd("run")
    assert "target ledger: nothing to do" in again.out


def test_what_a_run_only_adopts_is_not_told_as_written(company: Company) -> None:
    company.forget()
    new = insert(company.sandbox.account, {"status": "sent"})
    told = company.syncd("plan").out, company.syncd("run").out
    clients, invoices, payments = (len(company.rows(f"{name}.csv")) for name in ("clients", "invoices", "payments"))
    adopted = f"{clients} client, {invoices - 1} invoice, {payments} payment"
    assert f"target ledger: would write 1 create invoice, would adopt {adopted}" in told[0], (told, new)
    total = clients + invoices - 1 + payments
    assert f"target ledger: 1 written (1 create invoice), {total} adopted ({adopted})" in told[1], told


def test_an_invoice_and_a_client_that_changed_are_counted_once_each(found: Found) -> None:
    company = found()
    company.run()
    account = company.sandbox.account
    patch_invoice(account, next(iter(account.invoices)), {"due_date": "2031-01-31"})
    patch_client(account, next(iter(account.clients)), {"phone": "+4722334455"})
    (source,) = company.run("--full")["sources"]
    assert (source["new"], source["changed"], source["gone"]) == (0, 2, 0)


def test_a_run_after_a_plan_says_since_when_nothing_is_new(company: Company) -> None:
    insert(company.sandbox.account, {"status": "sent"})
    assert "source main: 1 new, 0 changed, 0 gone; " in company.syncd("plan").out
    said = company.syncd("run")
    assert "source main: nothing new, changed or gone since it was last read; " in said.out
    assert "target ledger: 1 written (1 create invoice)" in said.out


def test_explain_tells_whether_a_problem_was_dismissed_or_is_tried_again(company: Company) -> None:
    def told() -> str:
        lines = company.syncd("explain", "BAD-1").out.splitlines()
        return next(line for line in lines if "problem" in line and "since" in line)

    assert "dismissed" not in told()
    (one,) = company.syncd("problems", "--json").document["problems"]
    company.syncd("problems", "dismiss", str(one["id"]))
    assert ", dismissed: " in told()
    company.syncd("problems", "retry", str(one["id"]))
    assert ", tried again in the next run: " in told()


def test_explain_finds_a_client_by_name(company: Company) -> None:
    name = company.column("clients.csv", "name")[-1]
    said = company.syncd("explain", name)
    assert said.code == 0
    assert "client stands as" in said.out


def test_explain_tells_what_a_person_edited(company: Company) -> None:
    path = company.ledger / "invoices.csv"
    number = company.column("invoices.csv", "number")[0]
    due = company.column("invoices.csv", "due_date")[0]
    path.write_bytes(path.read_bytes().replace(due.encode(), b"2031-12-31", 1))
    company.run(code=1)
    said = company.syncd("explain", number)
    assert "due_date is '2031-12-31'" in said.out
    assert due in said.out


def test_status_tells_how_it_stands(company: Company) -> None:
    document = company.syncd("status", "--json").document
    assert document["last_run"]["exit_code"] == 1
    assert document["targets"][0]["stands"]["invoice"] == len(company.column("invoices.csv", "number"))
    assert document["sources"][0]["problems"] + document["targets"][0]["problems"] == 1
    assert company.syncd("status").code == 1


def pulled(company: Company, moment: float) -> None:
    """Make the last pull one of another moment."""
    with sqlite3.connect(company.state) as connection:
        connection.execute("UPDATE source SET last_pull = ?", (int(moment),))
    connection.close()


def notes(company: Company, code: int) -> list[str]:
    said = company.syncd("status", "--json")
    assert said.code == code, said
    return [note["code"] for note in said.document["sources"][0]["notes"]]


@pytest.mark.parametrize(
    ("beat", "well", "silent"),
    [({"poll": "5m"}, 23, 25), ({"poll": "12h"}, 71, 73), ({"cron": "0 6 * * mon"}, 7 * 24, 14 * 24 + 1)],
)
def test_status_exits_1_when_a_source_is_silent_as_its_beat_has_it(
    found: Found, beat: dict[str, str], well: int, silent: int
) -> None:
    company = found(source=beat)
    company.run()
    pulled(company, time.time() - well * 3600)
    assert "source_silent" not in notes(company, 0)
    pulled(company, time.time() - silent * 3600)
    assert "source_silent" in notes(company, 1)
    assert "has not been read since" in company.syncd("status").out


def served(company: Company) -> None:
    """Let the daemon have run last."""
    with sqlite3.connect(company.state) as connection:
        connection.execute("UPDATE run SET command = 'serve'")
    connection.close()


def test_status_tells_when_each_source_is_read_next_and_since_when_that_is_overdue(found: Found) -> None:
    company = found(source={"poll": "2h"})
    assert company.syncd("status", "--json").document["sources"][0]["next_run"] is None
    company.run()
    assert company.syncd("status", "--json").document["sources"][0]["next_run"] is None, "who runs it, and when?"
    served(company)
    source = company.syncd("status", "--json").document["sources"][0]
    assert source["next_run"] == source["last_pull"] + 2 * 3600
    said = company.syncd("status").out
    assert said.count(f"\t{when(source['next_run'])}\n") == 2, "as the source is read, its target is written"
    unpaid = sum(one.status in ("sent", "opened", "overdue") for one in company.sandbox.account.invoices.values())
    assert f"{unpaid} open" in said
    pulled(company, time.time() - 3 * 3600)
    due = company.syncd("status", "--json").document["sources"][0]["next_run"]
    assert due < time.time() - 3500
    assert f"\toverdue since {when(due)}\n" in company.syncd("status").out
    company.source = {}
    company.configure()
    source = company.syncd("status", "--json").document["sources"][0]
    assert source["next_run"] == source["last_pull"] + 5 * 60, "the beat that is nowhere set"


def test_status_tells_that_the_order_of_the_list_is_not_known_where_that_costs_something(found: Found) -> None:
    def nameless() -> Account:
        account = made_up(seed=3, clients=8, invoices=30)
        for invoice in account.invoices.values():
            patch_invoice(account, invoice.id, {"number": "no digits in it"})
        return account

    for account, options, told in (
        (None, {"page_size": 10}, False),
        (None, {"page_size": 10, "order": "none"}, True),
        (nameless(), {"page_size": 10}, True),
        (nameless(), {"page_size": 50}, False),
        (made_up(invoices=0), {"page_size": 10}, False),
    ):
        company = found(account, **options)
        company.run(code=None)
        listed = company.syncd("status", "--json").document["sources"][0]["notes"]
        assert ("order_unknown" in [note["code"] for note in listed]) == told, options


def test_status_before_the_first_run_says_so(found: Found) -> None:
    said = found().syncd("status")
    assert said.code == 0
    assert "Nothing has run yet" in said.out


def test_a_dismissed_problem_is_not_shown_until_its_cause_changes(company: Company) -> None:
    problem = company.syncd("problems", "--json").document["problems"][0]
    assert (problem["code"], problem["record"] != "") == ("unknown_status", True)
    assert problem["remedy"]
    assert company.syncd("problems", "dismiss", str(problem["id"])).code == 0
    assert company.syncd("problems").code == 0
    company.run()
    bad = next(one for one in company.sandbox.account.invoices.values() if one.number == "BAD-1")
    patch_invoice(company.sandbox.account, bad.id, {"status": "vaporised"})
    company.run("--full", code=1)
    assert company.syncd("problems").code == 1


def test_retrying_or_dismissing_what_is_not_there_exits_2(company: Company) -> None:
    assert company.syncd("problems", "dismiss", "9999").code == 2
    assert company.syncd("problems", "retry", "9999").code == 2


@pytest.mark.parametrize("word", ["dismiss", "retry"])
def test_where_one_of_the_problems_is_not_there_none_is_marked_and_those_missing_are_named(
    company: Company, word: str
) -> None:
    before = company.syncd("problems", "--json").document
    there = str(before["problems"][0]["id"])
    said = company.syncd("problems", word, there, "9999", "100000000000000000000", "9999")
    assert said.code == 2
    assert "There are no problems 9999, 100000000000000000000; nothing was changed" in said.err
    assert company.syncd("problems", "--json").document == before
    with sqlite3.connect(company.state) as connection:
        assert connection.execute("SELECT DISTINCT state FROM problem").fetchall() == [("open",)]
    connection.close()
    assert company.syncd("problems", word, there, there).code == 0


def test_where_no_problem_waits_there_is_none_to_try_again(found: Found) -> None:
    company = found()
    company.run()
    said = company.syncd("problems", "retry")
    assert (said.code, said.out) == (0, "No problems.\n")


def test_mappings_survive_a_lost_state_through_a_file(company: Company) -> None:
    file = company.folder / "mappings.csv"
    assert company.syncd("mappings", "export", str(file)).code == 0
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    stands = len(company.rows("clients.csv")) + len(company.rows("invoices.csv")) + len(company.rows("payments.csv"))
    assert len(rows) == stands
    listed = company.syncd("mappings", "list", "--json").document["mappings"]
    assert {(one["kind"], one["id"]) for one in listed} == {(one["kind"], one["id"]) for one in rows}
    before = {name: data for name, data in company.bytes_of_ledger().items() if name.endswith(".csv")}
    company.forget()
    said = company.syncd("mappings", "import", str(file))
    assert said.code == 0, said
    company.run(code=1)
    assert {name: data for name, data in company.bytes_of_ledger().items() if name.endswith(".csv")} == before
    bad = next(one for one in company.sandbox.account.invoices.values() if one.number == "BAD-1")
    patch_invoice(company.sandbox.account, bad.id, {"status": "sent"})
    company.run("--full")
    assert_equal(company)
    assert company.syncd("mappings", "import", str(file)).code == 0


def test_mappings_that_contradict_are_refused_whole(company: Company) -> None:
    file = company.folder / "mappings.csv"
    company.syncd("mappings", "export", str(file))
    header, first, *_ = file.read_text(encoding="utf-8").splitlines()
    target, kind, record, *_ = first.split(",")
    file.write_text(f"{header}\n{target},{kind},{record},somebody-else,,live\n", encoding="utf-8")
    said = company.syncd("mappings", "import", str(file))
    assert said.code == 2, said
    assert "line 2:" in said.err
    assert "Nothing was imported" in said.err


def test_what_fastfaktura_does_not_have_is_bound_to_nothing(found: Found) -> None:
    """The line is refused once the source was read; before, every record may be there, and it is told afterwards."""
    company = found()
    file = company.folder / "mappings.csv"
    file.write_text("target,kind,id,external_id\nledger,invoice,no-such,r-1\n", encoding="utf-8")
    assert company.syncd("mappings", "import", str(file)).code == 0
    for _ in range(2):
        told = company.run(code=1)["problems"]
        assert [(one["code"], one["id"]) for one in told] == [("bound_from_nothing", "no-such")]
    said = company.syncd("mappings", "import", str(file))
    assert (said.code, "line 2: " in said.err, "no-such" in said.err) == (2, True, True), said
    assert company.syncd("problems", "retry").code == 0
    company.run()
    assert_equal(company)


def test_a_row_of_a_ledger_that_was_bound_by_hand_and_is_not_there_is_a_problem(found: Found) -> None:
    company = found()
    company.run()
    new = insert(company.sandbox.account, {"status": "sent"})
    company.run("--dry-run")
    file = company.folder / "mappings.csv"
    file.write_text(f"target,kind,id,external_id\nledger,invoice,{new.id},made-up-row\n", encoding="utf-8")
    assert company.syncd("mappings", "import", str(file)).code == 0
    assert [one["code"] for one in company.run(code=1)["problems"]] == ["bound_to_nothing"]
    assert new.id not in company.column("invoices.csv", "invoice_id")
    assert company.syncd("problems", "retry").code == 0
    company.run()
    assert_equal(company)


WRONG_LINES = {
    "no such target": "elsewhere,client,c-9,x-9,,live",
    "no such kind": "ledger,cheque,c-9,x-9,,live",
    "a cell missing": "ledger,client,c-9",
    "a cell empty": "ledger,client,c-9,,,live",
    "a cell too many": "ledger,client,c-9,x-9,,live,more",
    "bound twice": "ledger,client,c-1,x-9,,live",
    "two bound to one": "ledger,client,c-9,x-1,,live",
}


@pytest.mark.parametrize("wrong", WRONG_LINES)
def test_an_import_of_mappings_names_the_line_that_is_wrong_and_imports_nothing(found: Found, wrong: str) -> None:
    """A blank line and a cell of two lines come before it: lines are counted as an editor shows them."""
    company = found()
    file = company.folder / "mappings.csv"
    good = 'target,kind,id,external_id,version,state\n\nledger,client,c-1,x-1,"one\ntwo",live\n'
    file.write_text(f"{good}{WRONG_LINES[wrong]}\n", encoding="utf-8")
    said = company.syncd("mappings", "import", str(file))
    assert said.code == 2, said
    assert f"{file}, line 5: " in said.err, said
    assert "Nothing was imported" in said.err
    assert company.syncd("mappings", "list", "--json").document["mappings"] == []
    file.write_text(good, encoding="utf-8")
    assert company.syncd("mappings", "import", str(file)).code == 0
    assert len(company.syncd("mappings", "list", "--json").document["mappings"]) == 1


def test_check_says_what_is_good_and_what_to_mend(company: Company) -> None:
    document = company.syncd("check", "--json").document
    assert {one["what"] for one in document["checks"]} == {"settings", "state", "source main", "target ledger"}
    assert all(one["good"] for one in document["checks"])
    company.sandbox.key = "ffk_another"


@pytest.mark.parametrize("invoices", [0, 30])
def test_an_account_whose_pages_begin_at_0_is_checked_and_read_also_while_it_is_empty(
    found: Found, invoices: int
) -> None:
    account = made_up(seed=3, clients=8 if invoices else 0, invoices=invoices)
    company = found(account, first_page=0, past_end="not_found")
    checks = company.syncd("check", "--json").document["checks"]
    assert all(one["good"] for one in checks), checks
    company.run()
    if invoices:
        assert_equal(company)


def test_exit_codes_of_a_run_in_a_process(found: Found) -> None:
    company = found()
    assert company.process("run").code == 0
    bad = insert(company.sandbox.account, {"status": "teleported"})
    assert company.process("run").code == 1
    assert company.process("run", "nowhere").code == 2
    patch_invoice(company.sandbox.account, bad.id, {"status": "sent"})
    company.run("--full")
    company.key = "ffk_wrong_key"
    company.configure()
    assert company.process("run").code == 3
    assert company.process("reconcile").code == 0


def test_a_run_that_is_asked_to_end_says_so_and_the_next_completes(found: Found) -> None:
    company = found(latency=0.05, source={"concurrency": 1})
    with subprocess.Popen(company.command("run"), stdout=PIPE, stderr=PIPE, text=True) as running:
        until(lambda: company.sandbox.traffic.counts["GET /invoices/{id}"] or running.poll() is not None)
        running.terminate()
        out, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (1, ""), out
    assert "Stopped before all was done" in out
    assert not (company.ledger / "invoices.csv").exists()
    company.run()
    assert_equal(company)


def test_help_names_the_statuses_and_a_flag_takes_no_value(found: Found) -> None:
    told = found().syncd("run", "--help").out
    words = set(re.findall(r"[\w-]+", told))
    assert words >= {*STATUSES, "--full", "TARGET"}
    assert not re.search(r"--full +<bool>", told)


def test_json_may_be_asked_for_before_the_last_word(found: Found) -> None:
    company = found()
    company.run()
    for words in ("problems --json list", "mappings --json list"):
        command, option, last = words.split()
        assert company.syncd(command, option, last).document == company.syncd(command, last, option).document


def test_help_tells_of_every_command(found: Found) -> None:
    company = found()
    said = company.syncd("--help")
    assert said.code == 0
    for name in (
        "check",
        "demo",
        "explain",
        "mappings",
        "plan",
        "problems",
        "reconcile",
        "release",
        "run",
        "sandbox",
        "serve",
        "status",
    ):
        assert name in said.out
        told = company.syncd(name, "--help")
        assert told.code == 0
        assert "Usage" in told.out
