"""Reading the hostile ledger, and what the ledger promises by itself."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from itertools import pairwise

import pytest

from syncd.connector import Done
from syncd.errors import Refused, Unreachable
from tests.hostile.behaviour import FAULTS, Mode, Options, draw
from tests.hostile.benches import SAMPLES, BenchOn, Start, bench_on, clients, creates, kinds
from tests.hostile.fixtures import ROOT, hostile, hostile_environment

__all__ = ["bench_on", "hostile", "hostile_environment"]


def test_the_changes_of_other_people_are_shown_and_nothing_else(hostile: Start, bench_on: BenchOn) -> None:
    server = hostile("keyless", page=2)
    bench = bench_on(server)
    bench.send(*creates(bench, clients(5)))
    token = bench.shown()[1][-1].token
    names = [record["id"] for record in server.records()]
    server.edit(names[1], phone="+4799999999")
    server.delete(names[2])
    mine = server.add("client", {"name": "By hand"})
    shown, pages = bench.shown(token)
    assert {key[1] for key in shown} == {names[1], mine}
    assert shown["client", names[1]].fields["phone"] == "+4799999999"
    assert shown["client", mine].mark is None
    assert [gone.external_id for page in pages for gone in page.gone] == [names[2]]
    assert not any(page.whole for page in pages)


def test_what_changes_while_the_feed_is_read_hides_nothing(hostile: Start, bench_on: BenchOn) -> None:
    server = hostile("keyless", page=3)
    bench = bench_on(server)
    bench.send(*creates(bench, clients(9)))
    names = [record["id"] for record in server.records()]
    seen: list[str] = []
    for number, page in enumerate(bench.connector.changes(None)):
        seen += [remote.external_id for remote in page.remotes]
        if number == 0:
            server.edit(names[0], phone="1")
            server.edit(names[1], phone="2")
    assert set(seen) == set(names)


def test_the_token_of_other_books_shows_everything(hostile: Start, bench_on: BenchOn) -> None:
    one, other = hostile("keyless", name="one.db"), hostile("keyless", name="other.db")
    bench, stranger = bench_on(one), bench_on(other)
    bench.send(*creates(bench, clients(5)))
    stranger.send(*creates(stranger, clients(2)))
    for token in (bench.shown()[1][-1].token, f"{one.store}:1", f"{stranger.books.identity}:999"):
        shown, pages = stranger.shown(token)
        assert len(shown) == 2
        assert all(page.whole for page in pages)


@pytest.mark.parametrize("fault", ["busy", "drop", "error_before"])
def test_reading_outlasts_a_fault_and_raises_when_faults_do_not_end(
    hostile: Start, bench_on: BenchOn, fault: str
) -> None:
    server = hostile("keyless", retry_after=0)
    bench = bench_on(server, attempts=2)
    bench.send(*creates(bench, clients(3)))
    server.behave(reads_script=[fault])
    assert len(bench.shown()[0]) == 3
    server.behave(reads_script=[fault])
    assert bench.look("client", clients(1)[0]).candidates
    server.behave(reads_script=[fault, fault])
    with pytest.raises(Unreachable):
        bench.shown()


def test_an_answer_cut_off_in_the_middle_of_the_feed_raises_and_does_not_end_it(
    hostile: Start, bench_on: BenchOn
) -> None:
    server = hostile("keyless", page=2)
    bench = bench_on(server, attempts=1)
    bench.send(*creates(bench, clients(5)))
    server.behave(reads_script=["ok", "truncated"])
    pages = bench.connector.changes(None)
    assert next(pages).token is None
    with pytest.raises(Unreachable):
        next(pages)


def test_a_search_that_may_have_missed_something_is_not_certain(hostile: Start, bench_on: BenchOn) -> None:
    bench = bench_on(hostile("keyless", uncertain=True))
    assert not bench.look("client", SAMPLES.client).certain


def test_records_are_found_by_number_email_name_and_id(hostile: Start, bench_on: BenchOn) -> None:
    server = hostile("keyless")
    bench = bench_on(server)
    client = server.add("client", {"name": "By hand", "email": "hand@example.com"})
    server.add("invoice", {"number": "2026-001", "client": client})
    wanted = {
        **SAMPLES.client,
        "external_id": client,
        "name": "By hand",
        "email": "hand@example.com",
    }
    assert [how for how, _ in bench.look("client", wanted).candidates] == [
        "external_id",
        "email",
        "name",
    ]
    assert [how for how, _ in bench.look("invoice", SAMPLES.invoice).candidates] == ["number"]
    assert bench.look("payment", SAMPLES.payment).candidates == ()


def test_adopting_says_nothing_to_the_ledger(hostile: Start, bench_on: BenchOn) -> None:
    server = hostile("keyless")
    bench = bench_on(server)
    bench.known["client", "c-1"] = Done(server.add("client", {"name": "By hand"}), "1")
    bench.do("adopt", "client", SAMPLES.client)
    assert "batch" not in server.counts()["requests"]


def test_a_wrong_key_is_refused_and_never_named(hostile: Start, bench_on: BenchOn) -> None:
    server = hostile("keyless", api_key="right-key-1234")
    with pytest.raises(Refused) as caught:
        bench_on(server, api_key="wrong-key-1234")
    assert "wrong-key-1234" not in str(caught.value)
    assert bench_on(server).books.company == "Hostile Ltd"


def test_the_books_outlive_the_ledger(hostile: Start, bench_on: BenchOn) -> None:
    server = hostile("keyless", refuse_every=50)
    bench = bench_on(server)
    bench.stand(SAMPLES)
    before = (server.records(), server.counts(), server.call("/_hostile/options"))
    bench.connector.close()
    server.kill()
    server.start()
    assert (server.records(), server.counts(), server.call("/_hostile/options")) == before
    assert bench.connector.open() == bench_on(server).books


def test_a_ledger_can_become_other_books(hostile: Start, bench_on: BenchOn) -> None:
    server = hostile("keyed", refuse_every=50)
    bench = bench_on(server)
    bench.send(*creates(bench, clients(3)))
    server.reset(page=7)
    books = bench.connector.open()
    assert books.empty
    assert books.identity != bench.books.identity
    assert server.call("/_hostile/options") == Options(page=7).model_dump(mode="json")
    assert kinds(bench.send(*creates(bench, clients(3)))) == {Done}
    assert len(server.records()) == 3


def test_faults_are_drawn_by_counting_alone() -> None:
    options = Options(seed=7, rate=0.5)
    drawn = [draw(options, turn) for turn in range(1, 400)]
    assert drawn == [draw(options, turn) for turn in range(1, 400)]
    assert set(drawn) == set(FAULTS)
    assert 120 < drawn.count("ok") < 280
    every = [draw(Options(every={"lost": 3, "busy": 5}), turn) for turn in range(1, 16)]
    assert [turn for turn, fault in enumerate(every, 1) if fault == "lost"] == [3, 6, 9, 12, 15]
    assert [turn for turn, fault in enumerate(every, 1) if fault == "busy"] == [5, 10]


@pytest.mark.parametrize("mode", ["keyless", "keyed"])
def test_two_callers_at_once_are_told_apart(hostile: Start, bench_on: BenchOn, mode: Mode) -> None:
    server = hostile(mode)
    benches = [bench_on(server) for _ in range(4)]
    threads = [
        threading.Thread(target=lambda bench=bench: bench.send(*creates(bench, clients(20)))) for bench in benches
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.records()) == (80 if mode == "keyless" else 20)
    changes = [record["seq"] for record in server.records()]
    assert all(one < other for one, other in pairwise(changes))


def test_another_process_finds_the_connector_through_its_entry_point(
    hostile_environment: dict[str, str],
) -> None:
    program = (
        "from syncd.registry import installed, load;"
        "one = load(installed()['hostile']);"
        "print(one.package, one.status, one.reason)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        env=hostile_environment,
        cwd=ROOT.anchor,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "hostile-ledger ready"


def test_the_settings_section_names_the_ledger(hostile: Start) -> None:
    server = hostile("keyed", api_key="a-key")
    text = server.settings("books", start_date="2026-01-01")
    assert text.startswith('[target.books]\nconnector = "hostile"\n')
    assert f"url = {json.dumps(server.url)}" in text
    assert "a-key" not in text
