"""syncd against the hostile ledger, through the command line: whatever goes wrong there, each record is there once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from syncd.sandbox.change import insert, patch_invoice
from tests.crash.forks import Ended
from tests.hostile.office import BOTH, Json, Office, Open, codes, environment, forks, office, until

__all__ = ["environment", "forks", "office"]

REFUSED = "refuse me"


def booked_by_hand(here: Office, invoice: Json, number: str) -> str:
    """Book an invoice under a number as a person would, and give its id there."""
    amounts = {name: invoice[f"{name}_cents"] for name in ("subtotal", "tax", "total")}
    same = {name: invoice[name] for name in ("client_id", "currency", "due_date")}
    day = min(one["created_at"] for one in invoice["events"] if one["type"] == "sent")[:10]
    name = next(one["name"] for one in here.dump()["clients"] if one["id"] == invoice["client_id"])
    client = here.all_there("client", name=name)[0]["id"]
    return here.server.add("invoice", {**same, **amounts, "number": number, "client": client, "issue_date": day})


def bind(here: Office, invoice: str, there: str) -> Ended:
    """Bind an invoice by hand."""
    file = here.desk() / "bound.csv"
    file.write_text(f"target,kind,id,external_id\nbooks,invoice,{invoice},{there}\n")
    return here.forks.run(here.desk(), "mappings", "import", str(file))


@BOTH
def test_what_is_refused_in_a_batch_is_told_and_everything_else_goes_through(office: Open, mode: str) -> None:
    here = office(mode, clients=45, invoices=120)
    client, other = (here.dump()["clients"][place] for place in (3, 4))
    invoice = here.invoice("paid", 2)
    while invoice["client_id"] == client["id"]:
        invoice = here.invoice("paid", 3)
    here.change_client(client, name=f"{REFUSED} Ltd")
    here.change_invoice(invoice, number=REFUSED)
    run = here.run(code=1)
    refused = [one for one in run["problems"] if one["code"] == "rejected_by_target"]
    assert {one["id"] for one in refused} >= {invoice["id"]}
    assert run["rejected"] == len(refused) <= 2
    assert run["written"] + run["rejected"] + run["left"] == sum(one["count"] for one in run["planned"])
    waiting = {one["id"] for one in run["problems"]}
    missing = [one for one in here.dump()["invoices"] if one["client_id"] != client["id"] and one["id"] not in waiting]
    numbers = {one["fields"]["number"] for one in here.all_there("invoice")}
    assert {one["number"] for one in missing if one["status"] not in ("draft", "cancelled")} <= numbers
    assert here.server.audit()["clean"]
    here.change_client(client, name=f"{other['name']} II")
    here.change_invoice(invoice, number="2026-accepted")
    here.run()
    assert here.wrong() == []
    here.idle()


@BOTH
def test_what_was_refused_is_not_sent_again_before_it_changes(office: Open, mode: str) -> None:
    here = office(mode)
    here.change_invoice(here.invoice("sent"), number=REFUSED)
    here.run(code=1)
    sent = here.server.counts()["requests"]["batch"]
    here.idle(code=1)
    assert here.server.counts()["requests"]["batch"] == sent


@BOTH
def test_what_was_refused_and_is_taken_back_at_the_source_is_no_problem_any_more(office: Open, mode: str) -> None:
    here = office(mode)
    here.run()
    client = next(one for one in here.dump()["clients"] if one["id"] == here.invoice("sent")["client_id"])
    here.change_client(client, name=f"{REFUSED} Ltd")
    here.run(code=1)
    here.idle(code=1)
    here.change_client(client, name=client["name"])
    here.run()
    assert here.wrong() == []
    here.idle()


def test_a_client_that_was_refused_and_is_needed_no_more_is_no_problem_any_more(office: Open) -> None:
    here = office("keyless", clients=20, invoices=10)
    busy = {one["client_id"] for one in here.dump()["invoices"]}
    client = next(one for one in here.dump()["clients"] if one["id"] not in busy)
    here.change_client(client, name=f"{REFUSED} Ltd")
    invoice = insert(here.sandbox.account, {"status": "sent", "client_id": client["id"]})
    here.run(code=1)
    for settings in ({}, {"on_change": "update"}):  # with other settings everything is looked at again
        here.configure(**settings)
        assert codes(here.run(code=1)) == {"rejected_by_target": 1, "waits_for_client": 1}
    patch_invoice(here.sandbox.account, invoice.id, {"_happened": "cancelled"})
    here.run()
    here.idle()


def test_explain_tells_why_a_record_does_not_stand_there(office: Open) -> None:
    here = office("keyless")
    account = here.sandbox.account
    draft, sent = here.invoice("draft"), here.invoice("sent")
    others = [one for one in here.dump()["invoices"] if one["client_id"] != sent["client_id"]]
    paid, open_ = (next(one for one in others if one["status"] == status) for status in ("paid", "overdue"))
    busy = {one["client_id"] for one in here.dump()["invoices"]}
    client = next(one for one in here.dump()["clients"] if one["id"] == sent["client_id"])
    idle = [one for one in here.dump()["clients"] if one["id"] not in busy]
    here.change_client(client, name=f"{REFUSED} Ltd")
    here.run(code=1)
    assert "it is a draft, and drafts are not written there" in here.explain(draft)
    assert "client does not stand there: a problem stands in the way" in here.explain(client)
    assert "invoice does not stand there: a problem stands in the way" in here.explain(sent)
    assert all("no invoice that is to be written needs it" in here.explain(one) for one in idle)
    new = insert(account, {"status": "sent", "client_id": paid["client_id"]})
    here.change_invoice(open_, _happened="cancelled")
    here.run(code=1)
    assert "payment does not stand there: it is sent, not paid" in here.explain({"id": new.id})
    told = here.explain(open_)
    assert "invoice no longer stands; it stood as" in told
    assert "invoice does not stand there: it is cancelled in FastFaktura" in told


@BOTH
@pytest.mark.parametrize("fault", ["lost", "error_after", "truncated", "short", "half", "drop", "error_before"])
def test_a_lost_answer_is_settled_in_the_same_run(office: Open, mode: str, fault: str) -> None:
    here = office(mode, every={fault: 2})
    here.run()
    assert here.server.counts()["requests"][f"batch {fault}"] > 0
    assert here.wrong() == []
    here.idle()


@BOTH
@pytest.mark.parametrize("raising", [False, True])
@pytest.mark.parametrize("most", [7, 1])
def test_what_is_too_much_for_the_books_at_once_is_sent_in_parts_until_it_stands(
    office: Open, mode: str, most: int, *, raising: bool
) -> None:
    here = office(mode, clients=40, invoices=90, most=most)
    here.configure(raising=raising)
    few = 1 if not raising else 2 if mode == "keyed" else 6  # it ends at what is raised, but for what is sent again
    assert 0 in (here.run(code=None)["exit_code"] for _ in range(few))
    assert here.wrong() == []
    assert all(times == 1 for of_kind in here.server.counts()["records"].values() for times in of_kind.values())
    assert here.server.counts()["requests"]["batch given up"] <= 10  # each size once or twice, and not for each part
    here.idle()
    new = [insert(here.sandbox.account, {"status": "sent"}) for _ in range(3 * most)]
    assert 0 in (here.run(code=None)["exit_code"] for _ in range(few))
    assert all(len(here.all_there("invoice", number=one.number)) == 1 for one in new)


@pytest.mark.parametrize(("mode", "raising"), [("keyed", True), ("keyed", False), ("keyless", False)])
def test_one_record_that_never_gets_an_answer_stands_in_no_others_way(
    office: Open, mode: str, *, raising: bool
) -> None:
    here = office(mode, clients=40, invoices=90)
    here.configure(raising=raising)
    here.change_invoice(here.invoice("sent"), number="never answer me")
    for _ in range(4):
        here.run(code=None)
    run = here.run(code=1)
    assert (run["in_doubt"], run["written"]) == (int(mode == "keyed"), 0)
    numbers = {one["fields"]["number"] for one in here.all_there("invoice")}
    booked = [one for one in here.dump()["invoices"] if one["status"] not in ("draft", "cancelled")]
    assert {one["number"] for one in booked} - numbers == {"never answer me"}
    here.server.behave(mute_text="")
    here.run()
    assert here.wrong() == []
    here.idle()


@BOTH
@pytest.mark.parametrize("raising", [False, True])
def test_books_that_answer_no_write_at_all_are_left_alone_until_the_next_run(
    office: Open, mode: str, *, raising: bool
) -> None:
    here = office(mode, clients=40, invoices=90, every={"drop": 1})
    here.configure(raising=raising)
    for _ in range(2):
        before = here.server.counts()["requests"].get("batch", 0)
        assert here.run(code=3)["error"]
        assert here.server.counts()["requests"]["batch"] - before <= 12
    here.server.behave(every={})
    here.run(code=None)
    here.run()
    assert here.wrong() == []
    here.idle()


def test_what_nothing_can_tell_waits_until_a_person_says_what_stands(office: Open) -> None:
    here = office("keyless", uncertain=True, script=("ok", "drop"))
    assert codes(here.run(code=1))["in_doubt_unresolved"] > 1
    run = here.run(code=1)
    assert (run["in_doubt"], run["planned"]) == (codes(run)["in_doubt_unresolved"], [])
    invoice = here.invoice("sent")
    there = booked_by_hand(here, invoice, invoice["number"])
    assert bind(here, invoice["id"], f"{there}1").code == 0
    assert here.forks.run(here.desk(), "problems", "retry").code == 0
    assert codes(here.run(code=1)) == {"bound_to_nothing": 1}
    assert len(here.all_there("invoice", number=invoice["number"])) == 1
    assert bind(here, invoice["id"], there).code == 0
    assert here.run()["in_doubt"] == 0
    assert here.wrong() == []
    assert here.there(invoice)["id"] == there
    here.idle()


def test_what_was_written_before_the_books_failed_is_told_with_the_failure(office: Open) -> None:
    here = office("keyless")
    here.configure(attempts=1)
    here.run()
    insert(here.sandbox.account, {"status": "sent", "client_id": here.invoice("sent")["client_id"]})
    before = here.server.counts()["requests"]["read"]
    here.run("--dry-run")
    good = ["ok"] * (here.server.counts()["requests"]["read"] - before)
    here.server.behave(reads_script=[*good, "drop"])
    run = here.run(code=3)
    assert run["error"]
    assert (run["written"], run["operations"]) == (1, [{"verb": "create", "kind": "invoice", "count": 1}])
    insert(here.sandbox.account, {"status": "sent", "client_id": here.invoice("sent")["client_id"]})
    here.run("--dry-run")
    here.server.behave(reads_script=[*good, "drop"])
    ended = here.forks.run(here.desk(), "run")
    assert "target books: 1 written (1 create invoice) before that." in ended.err, ended
    here.run()
    here.idle()


@BOTH
def test_a_commit_that_comes_late_is_waited_for(office: Open, mode: str) -> None:
    here = office(mode, every={"late": 2}, late=0.4)
    here.configure(settle_delay=0.8)
    here.run()
    assert here.server.counts()["requests"]["batch late"] > 0
    here.server.wait()
    assert here.wrong() == []
    here.idle()


@BOTH
def test_a_commit_that_comes_late_after_we_were_asked_to_slow_down_is_waited_for(office: Open, mode: str) -> None:
    here = office(mode, script=["busy", "busy", "late", "busy", "late"], late=0.6, retry_after=0)
    here.configure(settle_delay=1.0)
    here.run()
    here.server.wait()
    assert here.wrong() == []
    here.idle()


@BOTH
def test_a_commit_that_comes_after_our_patience_is_not_made_twice(office: Open, mode: str) -> None:
    here = office(mode, script=["slow", "ok", "slow"], late=0.6)
    here.configure(timeout=0.3, settle_delay=1.0)
    here.run(code=None)
    here.server.wait()
    here.run()
    assert here.wrong() == []
    here.idle()


@BOTH
def test_a_commit_still_to_come_when_the_state_is_lost_is_not_made_twice(
    office: Open, mode: str, environment: dict[str, str]
) -> None:
    here = office(mode, script=["late"], late=0.7)
    here.configure(settle_delay=1.2)
    command = [sys.executable, "-m", "syncd", "-c", "syncd.toml", "run"]
    with subprocess.Popen(command, cwd=here.desk(), env=environment, stdout=subprocess.DEVNULL) as process:
        until(lambda: here.server.counts()["requests"].get("batch late", 0) > 0)
        process.send_signal(signal.SIGKILL)
    here.forget()
    here.run()
    here.server.wait()
    assert here.wrong() == []
    here.idle()


@BOTH
def test_too_many_requests_are_asked_again_later(office: Open, mode: str) -> None:
    here = office(mode, script=["busy", "ok", "busy"], reads_script=["busy"], retry_after=0)
    here.run()
    assert here.server.counts()["requests"]["batch busy"] == 2
    assert here.wrong() == []


@BOTH
def test_a_stop_while_the_books_ask_to_slow_down_is_no_failure_and_leaves_nothing_in_doubt(
    office: Open, mode: str, environment: dict[str, str]
) -> None:
    here = office(mode, every={"busy": 1}, retry_after=0)
    here.configure()
    command = [sys.executable, "-m", "syncd", "-c", "syncd.toml", "run", "--json"]
    with subprocess.Popen(command, cwd=here.desk(), env=environment, stdout=subprocess.PIPE) as process:
        until(lambda: here.server.counts()["requests"].get("batch busy", 0) > 0)
        process.send_signal(signal.SIGTERM)
        document = json.loads(process.communicate()[0])
    (target,) = document["targets"]
    assert (process.returncode, document["stopped"], target["error"]) == (1, True, None)
    assert (target["in_doubt"], target["written"]) == (0, 0)
    assert target["left"] == sum(one["count"] for one in target["planned"])
    here.server.behave(every={})
    here.run()
    assert here.wrong() == []


@BOTH
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_mixture_of_faults_comes_out_right(office: Open, mode: str, seed: int) -> None:
    here = office(mode, clients=40, invoices=90, seed=seed, rate=0.4, late=0.2, retry_after=0)
    here.configure(settle_delay=0.5)
    runs = [here.run(code=None)["exit_code"]]
    here.server.behave(rate=0.0)
    while runs[-1] and len(runs) < 4:
        runs.append(here.run(code=None)["exit_code"])
    here.server.wait()
    assert runs[-1] == 0, runs
    assert here.wrong() == []
    here.idle()


@BOTH
def test_a_record_that_somebody_saves_meanwhile_is_read_again_and_then_written(office: Open, mode: str) -> None:
    here = office(mode, clients=40, invoices=90)
    here.run()
    here.server.behave(stale_every=3)
    for place, client in enumerate(here.dump()["clients"]):
        here.change_client(client, email=f"new{place}@example.com")
    run = here.run("--force")
    assert any(one["verb"] == "update" and one["count"] > 9 for one in run["planned"])
    assert here.wrong() == []
    here.idle()


@BOTH
def test_after_the_state_is_lost_everything_is_adopted_and_nothing_written(office: Open, mode: str) -> None:
    here = office(mode, clients=40, invoices=90)
    here.run()
    records = here.server.records()
    here.forget()
    run = here.run()
    assert {one["verb"] for one in run["planned"]} == {"adopt"}
    assert here.server.records() == records
    here.idle()


@BOTH
def test_what_a_person_edits_there_is_kept_and_a_conflict_is_told(office: Open, mode: str) -> None:
    here = office(mode)
    here.run()
    client = next(one for one in here.dump()["clients"] if here.all_there("client", name=one["name"]))
    (record,) = here.all_there("client", name=client["name"])
    here.server.edit(record["id"], phone="+4790000000")
    run = here.run()
    assert (run["kept_by_hand"], run["planned"]) == (1, [])
    here.change_client(client, phone="+4791111111", country="DK")
    run = here.run(code=1)
    (conflict,) = run["problems"]
    assert (conflict["code"], conflict["id"], conflict["parameters"]["field"]) == ("conflict", client["id"], "phone")
    (record,) = here.all_there("client", name=client["name"])
    assert (record["fields"]["phone"], record["fields"]["country"]) == ("+4790000000", "DK")
    here.configure(conflicts="source")
    here.run()
    (record,) = here.all_there("client", name=client["name"])
    assert record["fields"]["phone"] == "+4791111111"
    here.idle()


@BOTH
def test_what_both_sides_changed_to_the_same_is_no_edit_and_changes_on(office: Open, mode: str) -> None:
    here = office(mode)
    here.run()
    client = next(one for one in here.dump()["clients"] if here.all_there("client", name=one["name"]))
    (record,) = here.all_there("client", name=client["name"])
    here.server.edit(record["id"], phone="+4790000000", email="by@hand.example")
    here.run()
    here.change_client(client, phone="+4790000000")
    version = here.all_there("client", name=client["name"])[0]["version"]
    assert here.run()["kept_by_hand"] == 1
    assert here.all_there("client", name=client["name"])[0]["version"] == version
    here.change_client(client, email="by@hand.example")
    assert here.run()["kept_by_hand"] == 0
    here.idle()
    here.change_client(client, phone="+4791111111")
    here.run()
    (record,) = here.all_there("client", name=client["name"])
    assert record["fields"]["phone"] == "+4791111111"
    assert here.all_there("client", name=client["name"])[0]["version"] == version + 1
    here.idle()


@BOTH
def test_what_other_people_write_and_delete_there_is_none_of_our_business(office: Open, mode: str) -> None:
    here = office(mode)
    theirs = here.server.add("client", {"name": "Somebody else"})
    here.run()
    here.server.delete(theirs)
    mine = here.server.add("client", {"name": "Another one"})
    here.idle()
    assert [one["id"] for one in here.all_there("client", name="Another one")] == [mine]


@BOTH
def test_what_a_person_deletes_there_is_not_written_again(office: Open, mode: str) -> None:
    here = office(mode)
    here.run()
    invoice = here.invoice("sent")
    here.server.delete(here.there(invoice)["id"])
    here.idle()
    here.change_invoice(invoice, due_date="2026-12-24")
    run = here.run(code=1)
    assert [one["code"] for one in run["problems"]] == ["removed_there"]
    assert here.all_there("invoice", number=invoice["number"]) == []


def test_what_stands_under_its_number_or_e_mail_is_adopted_and_not_written_again(office: Open) -> None:
    here = office("keyless")
    invoice = here.invoice("sent")
    client = next(one for one in here.dump()["clients"] if one["id"] == invoice["client_id"])
    texts = {name: client[name] for name in ("name", "email", "phone", "country", "archived_at")}
    there = here.server.add("client", texts)
    amounts = {name: invoice[f"{name}_cents"] for name in ("subtotal", "tax", "total")}
    same = {name: invoice[name] for name in ("number", "client_id", "currency", "due_date")}
    day = min(one["created_at"] for one in invoice["events"] if one["type"] == "sent")[:10]
    here.server.add("invoice", {**same, **amounts, "client": there, "issue_date": day})
    run = here.run("--force")
    assert {(one["verb"], one["kind"]): one["count"] for one in run["planned"] if one["verb"] == "adopt"} == {
        ("adopt", "client"): 1,
        ("adopt", "invoice"): 1,
    }
    assert here.wrong() == []
    here.idle()


def test_a_client_with_the_mark_of_another_account_is_left_to_it_however_alike_they_are(office: Open) -> None:
    here = office("keyless")
    invoice = here.invoice("sent")
    client = next(one for one in here.dump()["clients"] if one["id"] == invoice["client_id"])
    texts = {name: client[name] for name in ("name", "email", "phone", "country", "archived_at")}
    theirs = here.server.add("client", texts, mark="ff-c-0123456789abcdef0123")
    here.run()
    assert here.there(invoice)["fields"]["client"] != theirs
    here.change_client(client, phone="+4791111111", archived_at="2026-05-20T10:00:00Z")
    here.run()
    (kept,) = [one for one in here.server.records("client") if one["id"] == theirs]
    assert (kept["fields"], kept["version"]) == (texts, 1)
    assert here.forks.run(here.desk("one"), "reconcile").code == 0
    here.idle()


def test_a_contact_is_that_of_the_client_that_fits_it_best_and_waits_where_two_fit_it_alike(office: Open) -> None:
    here = office("keyless", clients=12, invoices=40)
    booked = ("sent", "opened", "overdue", "paid")
    invoices = {one["client_id"]: one for one in here.dump()["invoices"] if one["status"] in booked}
    named, mailed, twin, other = list(invoices)[:4]
    here.change_client({"id": named}, name="Acme", email=None)
    here.change_client({"id": mailed}, name="Xyz", email="a@x.example")
    for client in (twin, other):
        here.change_client({"id": client}, email="twins@x.example")
    acme = here.server.add("client", {"name": "Acme", "email": "a@x.example"})
    twins = here.server.add("client", {"name": "Twins", "email": "twins@x.example"})
    assert codes(here.run(code=1))["contested_match"] == 2
    assert here.there(invoices[mailed])["fields"]["client"] == acme
    assert here.there(invoices[named])["fields"]["client"] != acme
    assert here.run(code=1)["written"] == 0
    assert not here.all_there("invoice", number=invoices[twin]["number"])
    here.change_client({"id": other}, email="other@x.example")
    assert codes(here.run(code=1))["contested_match"] == 0
    assert here.there(invoices[twin])["fields"]["client"] == twins
    assert here.there(invoices[other])["fields"]["client"] != twins


def test_mappings_put_into_an_empty_state_are_nobodys_edits(office: Open) -> None:
    here = office("keyless")
    here.run()
    kept, edited = here.desk() / "kept.csv", here.invoice("sent")
    assert here.forks.run(here.desk(), "mappings", "export", str(kept)).code == 0
    here.server.edit(here.there(edited)["id"], due_date="2031-01-01")
    here.forget()
    assert here.forks.run(here.desk(), "mappings", "import", str(kept)).code == 0
    before = here.server.records()
    ran = here.run(code=1)
    assert [one["code"] for one in ran["problems"]] == ["adopted_differs"]
    assert "2031-01-01" in str(ran["problems"])
    assert ran["kept_by_hand"] == 1
    assert here.server.records() == before
    here.idle(code=1)


def test_a_record_bound_by_hand_keeps_its_money_and_its_texts(office: Open) -> None:
    here = office("keyless")
    here.run()
    invoice = here.invoice("sent")
    there = here.there(invoice)
    alike = here.server.add("invoice", {**there["fields"], "total": there["fields"]["total"] + 1})
    here.server.delete(there["id"])
    here.run(code=None)
    here.forget()
    bound = here.desk() / "bound.csv"
    bound.write_text(f"target,kind,id,external_id\nbooks,invoice,{invoice['id']},{alike}\n")
    assert here.forks.run(here.desk(), "mappings", "import", str(bound)).code == 0
    before = here.server.records()
    assert codes(here.run(code=1)) == {"adopted_totals_differ": 1}
    assert here.server.records() == before


@pytest.mark.parametrize("wrong", ["never there", "deleted", "another kind"])
def test_what_is_bound_by_hand_to_nothing_is_a_problem_and_made_only_when_a_person_says_so(
    office: Open, wrong: str
) -> None:
    here = office("keyless")
    here.run()
    stands = here.invoice("sent")
    new = insert(here.sandbox.account, {"status": "sent", "client_id": stands["client_id"]})
    here.run("--dry-run")
    invoice = next(one for one in here.dump()["invoices"] if one["id"] == new.id)
    by_hand, other = booked_by_hand(here, invoice, "BY-HAND"), here.server.add("invoice", here.there(stands)["fields"])
    here.server.delete(other)
    there = {"never there": "I-4171", "deleted": other, "another kind": here.all_there("client")[0]["id"]}
    assert bind(here, new.id, there[wrong]).code == 0
    for _ in range(2):
        run = here.run(code=1)
        assert (codes(run), run["planned"]) == ({"bound_to_nothing": 1}, [])
        assert there[wrong] in run["problems"][0]["sentence"]
    assert f"bound by hand to what does not stand there: {there[wrong]}" in here.explain(invoice)
    assert here.all_there("invoice", number=new.number) == []
    assert bind(here, new.id, by_hand).code == 0
    assert [(one["verb"], one["kind"]) for one in here.run(code=1)["planned"]] == [("adopt", "invoice")]
    assert here.all_there("invoice", number=new.number) == []


def test_what_is_bound_by_hand_to_a_void_record_is_not_made(office: Open) -> None:
    here = office("keyless")
    here.run()
    here.change_invoice(here.invoice("overdue"), _happened="cancelled")
    here.run()
    new = insert(here.sandbox.account, {"status": "sent", "client_id": here.invoice("sent")["client_id"]})
    void = next(one["id"] for one in here.server.records("invoice") if one["void"])
    here.forget()
    assert bind(here, new.id, void).code == 0
    assert codes(here.run(code=1)) == {"bound_to_nothing": 1}
    assert here.all_there("invoice", number=new.number) == []


def test_a_person_lets_go_of_what_they_bound_to_nothing_and_a_second_slip_is_no_reason_to_make_it(office: Open) -> None:
    here = office("keyless")
    here.run()
    new = insert(here.sandbox.account, {"status": "sent", "client_id": here.invoice("sent")["client_id"]})
    here.run("--dry-run")
    assert bind(here, new.id, "I-4171").code == 0
    assert codes(here.run(code=1)) == {"bound_to_nothing": 1}
    assert here.forks.run(here.desk(), "problems", "retry").code == 0
    assert bind(here, new.id, "I-4172").code == 0
    assert codes(here.run(code=1)) == {"bound_to_nothing": 1}
    assert here.all_there("invoice", number=new.number) == []
    assert here.forks.run(here.desk(), "problems", "retry").code == 0
    here.run()
    assert len(here.all_there("invoice", number=new.number)) == 1
    here.idle()


def test_mappings_that_are_exported_bind_what_stands_and_what_a_person_took_out(office: Open) -> None:
    here = office("keyless")
    made = [insert(here.sandbox.account, {"status": "sent"}).id for _ in range(3)]
    here.run()
    voided, taken, other = (one for one in here.dump()["invoices"] if one["id"] in made)
    here.change_invoice(voided, _happened="cancelled")
    here.server.delete(here.there(taken)["id"])
    here.run()
    kept = here.desk() / "kept.csv"
    assert here.forks.run(here.desk(), "mappings", "export", str(kept)).code == 0
    here.server.delete(here.there(other)["id"])
    here.forget()
    assert here.forks.run(here.desk(), "mappings", "import", str(kept)).code == 0
    assert codes(here.run(code=1)) == {"bound_to_nothing": 1}
    assert here.all_there("invoice", number=other["number"]) == []
    assert here.forks.run(here.desk(), "problems", "retry").code == 0
    here.run()
    assert here.all_there("invoice", number=voided["number"]) == []
    assert here.all_there("invoice", number=taken["number"]) == []
    assert here.there(other)["id"]
    here.change_invoice(taken, _happened="reminder", due_date="2031-05-01")
    here.run(code=None)
    assert here.all_there("invoice", number=taken["number"]) == []


def test_another_time_zone_that_a_person_lets_pass_moves_no_date_of_what_is_booked(office: Open) -> None:
    here = office("keyed")
    account = here.sandbox.account
    account.clock = datetime(2026, 3, 14, 23, 30, tzinfo=UTC).timestamp
    invoice = insert(account, {"number": "LATE", "status": "paid"})
    account.clock = time.time
    here.run()
    records = here.server.records()
    account.business = {**account.business, "timezone": "America/New_York"}
    ended = here.forks.run(here.desk("one"), "run", "--full", "--json")
    assert (ended.code, ended.json()["sources"][0]["held"][0]["code"]) == (5, "zone_changed"), ended
    assert here.server.records() == records
    here.forks.run(here.desk("one"), "release", "main")
    run = here.run(code=1)
    told = {(one["code"], one["kind"]) for one in run["problems"] if one["id"] == invoice.id}
    assert told == {("changed_after_booking", "invoice"), ("changed_after_booking", "payment")}
    for before, after in zip(records, here.server.records(), strict=True):
        assert before["fields"].get("issue_date") == after["fields"].get("issue_date")
        if before["kind"] == "payment":
            assert before == after
