"""Each way a write can go wrong at the hostile ledger, and that its connector tells it truly."""

from __future__ import annotations

import pytest

from syncd.connector import Done, Exists, Rejected, Stale, Unknown
from syncd.errors import NotSent, Unreachable
from tests.hostile.benches import (
    SAMPLES,
    BenchOn,
    Start,
    bench_on,
    clients,
    creates,
    kinds,
)
from tests.hostile.fixtures import hostile

__all__ = ["bench_on", "hostile"]

LATE = 0.45


@pytest.mark.parametrize("fault", ["lost", "error_after", "truncated"])
def test_a_lost_answer_leaves_every_entry_in_doubt_though_all_was_written(
    hostile: Start, bench_on: BenchOn, fault: str
) -> None:
    server = hostile("keyless", script=[fault])
    bench = bench_on(server)
    assert kinds(bench.send(*creates(bench, clients(5)))) == {Unknown}
    assert len(server.records()) == 5
    assert bench.look("client", clients(5)[3]).candidates[0][0] == "mark"


@pytest.mark.parametrize("fault", ["drop", "error_before"])
def test_a_connection_dropped_before_the_effect_is_in_doubt_and_certainly_absent(
    hostile: Start, bench_on: BenchOn, fault: str
) -> None:
    server = hostile("keyless", script=[fault])
    bench = bench_on(server)
    assert kinds(bench.send(*creates(bench, clients(2)))) == {Unknown}
    assert server.records() == []
    found = bench.look("client", clients(1)[0])
    assert (found.candidates, found.certain) == ((), True)


def test_half_of_a_batch_may_be_written_when_the_answer_is_lost(hostile: Start, bench_on: BenchOn) -> None:
    server = hostile("keyless", script=["half"])
    bench = bench_on(server)
    assert kinds(bench.send(*creates(bench, clients(6)))) == {Unknown}
    assert [record["fields"]["name"] for record in server.records()] == [
        "Client 00",
        "Client 01",
        "Client 02",
    ]


def test_an_entry_that_the_answer_does_not_speak_of_is_in_doubt(hostile: Start, bench_on: BenchOn) -> None:
    server = hostile("keyless", script=["short"])
    bench = bench_on(server)
    outcomes = bench.send(*creates(bench, clients(4)))
    assert [type(outcome) for outcome in outcomes] == [Done, Done, Unknown, Unknown]
    assert len(server.records()) == 4


def test_a_late_commit_is_not_there_at_first_and_is_after_the_settle_delay(hostile: Start, bench_on: BenchOn) -> None:
    server = hostile("keyless", script=["late"], late=LATE)
    bench = bench_on(server)
    assert bench.connector.capabilities.settle_delay > LATE
    assert kinds(bench.send(*creates(bench, clients(3)))) == {Unknown}
    assert bench.look("client", clients(1)[0]).candidates == ()
    server.wait()
    assert len(server.records()) == 3
    assert bench.look("client", clients(1)[0]).candidates[0][0] == "mark"


def test_a_commit_that_comes_after_the_callers_timeout_is_in_doubt(hostile: Start, bench_on: BenchOn) -> None:
    server = hostile("keyless", script=["slow"], late=1.0)
    bench = bench_on(server, timeout=0.2)
    assert kinds(bench.send(*creates(bench, clients(3)))) == {Unknown}
    assert server.records() == []
    server.wait()
    assert len(server.records()) == 3


def test_a_commit_that_is_still_to_come_survives_the_end_of_the_ledger(hostile: Start, bench_on: BenchOn) -> None:
    server = hostile("keyless", script=["late"], late=LATE)
    bench = bench_on(server)
    bench.send(*creates(bench, clients(3)))
    server.stop()
    server.start()
    assert len(server.records()) == 3


def test_without_keys_the_same_create_twice_makes_two_records(hostile: Start, bench_on: BenchOn) -> None:
    server = hostile("keyless")
    bench = bench_on(server)
    assert not bench.connector.capabilities.replay_safe
    entries = creates(bench, clients(2))
    first, second = bench.send(*entries), bench.send(*entries)
    assert kinds(first + second) == {Done}
    assert server.counts()["duplicates"] == 2
    assert len(server.audit()["duplicates"]) == 2
    assert not server.audit()["clean"]


def test_with_keys_the_same_create_twice_is_one_record_and_one_answer(hostile: Start, bench_on: BenchOn) -> None:
    server = hostile("keyed", script=["lost"])
    bench = bench_on(server)
    entries = creates(bench, clients(2))
    assert kinds(bench.send(*entries)) == {Unknown}
    server.kill()
    server.start()
    again, third = bench.send(*entries), bench.send(*entries)
    assert kinds(again) <= {
        Done,
        Unknown,
    }  # the connection to the killed one may have been noticed only now
    assert kinds(third) == {Done}
    assert (len(server.records()), server.audit()["clean"]) == (2, True)


def test_with_keys_a_replay_waits_for_the_first_that_is_still_running(hostile: Start, bench_on: BenchOn) -> None:
    server = hostile("keyed", script=["late"], late=LATE)
    bench = bench_on(server)
    entries = creates(bench, clients(2))
    assert kinds(bench.send(*entries)) == {Unknown}
    assert server.records() == []
    assert kinds(bench.send(*entries)) == {Done}
    assert len(server.records()) == 2


def test_with_keys_other_content_under_a_known_key_is_told_what_stands(hostile: Start, bench_on: BenchOn) -> None:
    server = hostile("keyed")
    bench = bench_on(server)
    (done,) = bench.send(*creates(bench, clients(1)))
    (outcome,) = bench.send(*creates(bench, clients(1, name="Renamed")))
    assert isinstance(done, Done)
    assert outcome == Exists(done.external_id, "1")
    assert server.records()[0]["fields"]["name"] == "Client 00"


def test_a_ledger_with_unique_marks_says_what_stands_there_already(hostile: Start, bench_on: BenchOn) -> None:
    server = hostile("keyless", unique_marks=True)
    bench = bench_on(server)
    (done,), (outcome,) = (
        bench.send(*creates(bench, clients(1))),
        bench.send(*creates(bench, clients(1))),
    )
    assert isinstance(done, Done)
    assert outcome == Exists(done.external_id, "1")


def test_a_part_of_a_batch_is_refused_with_the_ledgers_own_reason(hostile: Start, bench_on: BenchOn) -> None:
    server = hostile("keyless")
    bench = bench_on(server)
    contents = clients(5)
    contents[2]["name"] = "Please refuse me"
    outcomes = bench.send(*creates(bench, contents))
    assert outcomes[2] == Rejected("The name 'Please refuse me' is not allowed here.")
    assert kinds(outcomes[:2] + outcomes[3:]) == {Done}
    assert len(server.records()) == 4


def test_every_third_operation_is_refused_if_so_wished(hostile: Start, bench_on: BenchOn) -> None:
    bench = bench_on(hostile("keyless", refuse_every=3))
    outcomes = bench.send(*creates(bench, clients(7)))
    assert [n for n, outcome in enumerate(outcomes, 1) if isinstance(outcome, Rejected)] == [3, 6]


def test_too_many_requests_are_not_sent_and_say_how_long_to_wait(hostile: Start, bench_on: BenchOn) -> None:
    server = hostile("keyless", script=["busy"], retry_after=7)
    bench = bench_on(server)
    with pytest.raises(NotSent) as caught:
        bench.send(*creates(bench, clients(2)))
    assert caught.value.retry_after == 7
    assert (server.records(), server.counts()["requests"]["batch busy"]) == ([], 1)


def test_a_ledger_that_is_not_there_was_sent_nothing(hostile: Start, bench_on: BenchOn) -> None:
    server = hostile("keyless")
    bench = bench_on(server, attempts=1)
    bench.connector.close()
    server.stop()
    with pytest.raises(NotSent):
        bench.send(*creates(bench, clients(2)))
    with pytest.raises(Unreachable):
        bench.connector.open()


def test_a_batch_that_is_too_large_is_refused_unread(hostile: Start, bench_on: BenchOn) -> None:
    server = hostile("keyless")
    bench = bench_on(server)
    assert kinds(bench.send(*creates(bench, clients(31)))) == {Rejected}
    assert server.records() == []
    assert kinds(bench.send(*creates(bench, clients(30)))) == {Done}


def test_no_write_is_ever_sent_twice(hostile: Start, bench_on: BenchOn) -> None:
    server = hostile(
        "keyless",
        script=["lost", "drop", "error_before", "error_after", "truncated", "half", "short"],
    )
    bench = bench_on(server)
    for n in range(1, 8):
        bench.send(*creates(bench, clients(2)))
        requests = server.counts()["requests"]
        assert sum(count for name, count in requests.items() if name.startswith("batch ")) == n


def test_a_version_that_somebody_else_raised_is_stale(hostile: Start, bench_on: BenchOn) -> None:
    server = hostile("keyless", stale_every=2)
    bench = bench_on(server)
    bench.do("create", "client", SAMPLES.client)
    old = SAMPLES.client["name"]
    bench.do("update", "client", SAMPLES.client, changes={"name": (old, "Once")})
    twice = bench.operation("update", "client", SAMPLES.client, {"name": ("Once", "Twice")})
    (outcome,) = bench.send(bench.entry(twice))
    assert outcome == Stale("It has version 3 now.")
    assert server.records()[0]["fields"]["name"] == "Once"


def test_settling_raises_the_version_of_the_invoice_if_so_wished(hostile: Start, bench_on: BenchOn) -> None:
    server = hostile("keyless", payment_touches_invoice=True)
    bench = bench_on(server)
    bench.stand(SAMPLES)
    assert server.records("invoice")[0]["version"] == 2
    (outcome,) = bench.send(bench.entry(bench.operation("void", "invoice", SAMPLES.invoice)))
    assert isinstance(outcome, Stale)


def test_an_invoice_of_a_closed_period_is_refused(hostile: Start, bench_on: BenchOn) -> None:
    bench = bench_on(hostile("keyless", locked_until="2026-01-31"))
    assert str(bench.books.locked_until) == "2026-01-31"
    bench.stand(SAMPLES, "client")
    (outcome,) = bench.send(bench.entry(bench.operation("create", "invoice", SAMPLES.invoice)))
    assert outcome == Rejected("The period of 2026-01-31 is closed.")


def test_an_invoice_with_a_payment_cannot_be_voided(hostile: Start, bench_on: BenchOn) -> None:
    bench = bench_on(hostile("keyless"))
    bench.stand(SAMPLES)
    (outcome,) = bench.send(bench.entry(bench.operation("void", "invoice", SAMPLES.invoice)))
    assert isinstance(outcome, Rejected)


def test_the_audit_finds_a_second_payment(hostile: Start, bench_on: BenchOn) -> None:
    server = hostile("keyless")
    bench = bench_on(server)
    bench.stand(SAMPLES)
    assert server.audit()["clean"]
    bench.do("settle", "payment", SAMPLES.payment)
    found = server.audit()
    (invoice,) = server.records("invoice")
    assert found["overpaid"] == {invoice["id"]: 12500}
    assert len(found["duplicates"]) == 1
    assert server.counts()["payments"] == {invoice["mark"]: 2}
