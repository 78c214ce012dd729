"""Cycles against the sandbox: the first load, what changes, what leaves, and what an idle cycle costs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from syncd.sandbox import change, life
from syncd.sandbox.data import made_up
from syncd.sandbox.server import Sandbox

from .conftest import Start
from .support import Puller, api_of, assert_in_step, between, requests

ENVELOPES = ("bare", "data", "items", "results", "named")
PAGES = [
    {"past_end": "empty"},
    {"past_end": "repeat_last"},
    {"past_end": "not_found"},
    {"first_page": 0, "past_end": "repeat_last"},
    {"first_page": 0, "before_first": "refused", "past_end": "not_found"},
    {"before_first": "refused"},
    {"before_first": "empty"},
    {"envelope": "data", "paging": "meta"},
    {"envelope": "data", "paging": "pagination", "first_page": 0},
    {"envelope": "items", "paging": "next"},
    {"envelope": "bare", "paging": "links"},
    {"envelope": "results", "paging": "total"},
]
ORDERS = ("newest", "oldest", "none", "unstable")


def churn(sandbox: Sandbox, puller: Puller) -> None:
    for seed in (1, 2):
        life.live(sandbox.account, seed, 0.2)
        puller.pull()
    puller.pull(full=True)


@pytest.mark.parametrize("envelope", ENVELOPES)
def test_every_envelope_is_followed_through_a_life(start: Start, envelope: str) -> None:
    sandbox, puller = start(envelope=envelope)
    puller.pull()
    assert_in_step(puller, sandbox)
    churn(sandbox, puller)
    assert_in_step(puller, sandbox)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("pages", PAGES, ids=str)
def test_every_way_of_paging_in_every_order_brings_everything(start: Start, pages: dict[str, Any], order: str) -> None:
    sandbox, puller = start(order=order, **pages)
    puller.pull()
    settle(puller, sandbox, rounds=10 if order == "unstable" else 0)
    life.live(sandbox.account, 1, 0.2)
    puller.pull()
    settle(puller, sandbox, rounds=10 if order == "unstable" else 2)
    assert order == "unstable" or not puller.before.holds


def settle(puller: Puller, sandbox: Sandbox, rounds: int) -> None:
    """Where rows change places with every request a round may miss some; go round until all is there, so many times."""
    for _ in range(rounds):
        with contextlib.suppress(AssertionError):
            assert_in_step(puller, sandbox)
            return
        puller.pull(full=True)
    assert_in_step(puller, sandbox)


@pytest.mark.parametrize("size", [1, 2, 39, 40, 41, 1000])
@pytest.mark.parametrize("first_page", [0, 1])
@pytest.mark.parametrize("past_end", ["empty", "repeat_last", "not_found"])
def test_any_page_size_brings_everything(start: Start, size: int, first_page: int, past_end: str) -> None:
    sandbox, puller = start(page_size=size, first_page=first_page, past_end=past_end)
    puller.pull()
    assert_in_step(puller, sandbox)
    life.live(sandbox.account, 1, 0.2)
    puller.pull(full=True)
    assert_in_step(puller, sandbox)


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_a_first_load_reads_the_newest_invoices_first_whatever_end_of_the_list_they_are_on(
    start: Start, order: str
) -> None:
    sandbox, puller = start(made_up(clients=12, invoices=400), order=order, page_size=100)
    puller.pull()
    asked = [path.rpartition("/")[2] for path in sandbox.traffic.log if "/invoices/" in path]
    assert sorted(asked) == sorted(sandbox.account.invoices)
    by_age = sorted(sandbox.account.invoices.values(), key=lambda invoice: invoice.created)
    older = {invoice.id for invoice in by_age[:200]}
    assert sum(name in older for name in asked[-100:]) > 90


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_an_ordinary_cycle_sees_whatever_an_invoice_does(start: Start, order: str) -> None:
    sandbox, puller = start(order=order)
    puller.pull()
    assert puller.learnt("order") == order
    for seed in range(4):
        done = life.live(sandbox.account, seed, 0.3)
        before = puller.before.revision
        puller.pull()
        wanted = {i for key, ids in done.items() if not key.startswith("client") for i in ids}
        # A reminder moves no row: it is seen when the details are read again.
        wanted -= set(done.get("reminded", ()))
        assert wanted <= puller.changed_since(before)


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_many_invoices_born_paid_are_seen_at_the_growing_end(start: Start, order: str) -> None:
    sandbox, puller = start(order=order)
    puller.pull()
    made = [change.insert(sandbox.account, {"status": "paid"}).id for _ in range(25)]
    pulled = puller.pull()
    assert pulled.new == 25
    assert set(made) <= set(puller.records("invoice"))
    assert_in_step(puller, sandbox)


def test_where_there_is_no_order_the_sweep_brings_what_is_born_paid(start: Start) -> None:
    sandbox, puller = start(order="none")
    puller.pull()
    assert puller.learnt("order") == "none"
    for _ in range(5):
        change.insert(sandbox.account, {"status": "paid"})
    assert puller.pull().requests.get("growing", 0) == 0
    puller.pull(after=24 * 60)
    assert_in_step(puller, sandbox)


def test_a_round_of_the_sweep_takes_as_long_as_it_should(start: Start) -> None:
    sandbox, puller = start(order="none", page_size=1)
    puller.pull()
    invoice = change.insert(sandbox.account, {"status": "paid"})
    asked = 0
    for _ in range(25):
        requests(sandbox)
        asked += puller.pull(after=60).requests["sweep"]
    assert invoice.id in puller.records("invoice")
    assert 40 <= asked <= 2 * 45


def test_an_idle_cycle_costs_the_open_invoices(start: Start, note: Callable[[str], None]) -> None:
    account = made_up(clients=60, invoices=1200)
    opened = [x for x in account.invoices.values() if x.status in ("draft", "sent", "opened", "overdue")]
    sandbox, puller = start(account, page_size=50)
    puller.pull()
    requests(sandbox)
    pulled = puller.pull()
    asked = requests(sandbox).total()
    assert (pulled.new, pulled.changed, pulled.gone) == (0, 0, 0)
    assert asked == sum(pulled.requests.values())
    assert pulled.requests["hot"] <= len(opened) // 50 + 8
    assert asked <= pulled.requests["hot"] + 8
    note(f"an idle cycle with {len(opened)} of 1200 invoices open: {asked} requests {pulled.requests}")


def test_an_idle_cycle_moves_no_revision(start: Start) -> None:
    _, puller = start(signed_public_url=True)
    before = puller.pull().revision
    assert puller.pull(after=25 * 60, full=True, details=True).revision == before


def test_a_reminder_is_seen_when_the_details_are_read_again(start: Start) -> None:
    sandbox, puller = start()
    puller.pull()
    invoice = next(x for x in sandbox.account.invoices.values() if x.status in ("sent", "opened"))
    sandbox.account.happen(invoice.id, "reminder", channel="email")
    before = puller.before.revision
    for _ in range(24):
        puller.pull(after=60)
    assert puller.changed_since(before) == {invoice.id}


def test_details_of_open_invoices_are_spread_over_the_day(start: Start) -> None:
    sandbox, puller = start(made_up(clients=12, invoices=300), page_size=50)
    puller.pull()
    most = max(puller.pull(after=60).requests.get("details", 0) for _ in range(48))
    opened = sum(x.status in ("draft", "sent", "opened", "overdue") for x in sandbox.account.invoices.values())
    assert 0 < most <= opened / 8


def test_a_draft_that_vanished_is_gone_at_once(start: Start) -> None:
    sandbox, puller = start()
    draft = change.insert(sandbox.account, {"status": "draft"})
    puller.pull()
    sandbox.account.vanish(draft.id)
    pulled = puller.pull()
    assert pulled.gone == 1
    assert puller.row(draft.id).gone_at is not None
    assert draft.id in puller.changed_since(pulled.revision - 1)


def test_a_settled_invoice_that_vanished_is_gone_after_a_whole_round(start: Start) -> None:
    sandbox, puller = start()
    puller.pull()
    paid = next(x for x in sandbox.account.invoices.values() if x.status == "paid")
    sandbox.account.vanish(paid.id)
    assert puller.pull().gone == 0
    pulled = puller.pull(full=True)
    assert pulled.gone == 1
    assert pulled.requests["confirm"] == 1
    assert_in_step(puller, sandbox)


def test_what_was_gone_and_is_back_is_there_again(start: Start) -> None:
    sandbox, puller = start()
    draft = change.insert(sandbox.account, {"status": "draft"})
    puller.pull()
    sandbox.account.vanish(draft.id)
    before = puller.pull().revision
    sandbox.account.added(draft)
    puller.pull()
    assert puller.row(draft.id).gone_at is None
    assert draft.id in puller.changed_since(before)


def test_the_moment_a_status_was_seen_is_known_only_after_another_one(start: Start) -> None:
    sandbox, puller = start()
    invoice = change.insert(sandbox.account, {"status": "sent"})
    puller.pull()
    assert puller.row(invoice.id).status_seen is None
    sandbox.account.happen(invoice.id, "paid")
    puller.pull()
    assert puller.row(invoice.id).status_seen == int(puller.at.timestamp())
    assert puller.row(invoice.id).status == "paid"


def test_a_list_that_lags_behind_in_the_first_load_dates_no_payment(start: Start) -> None:
    sandbox, puller = start()
    paid = change.insert(sandbox.account, {"status": "paid", "_paid": None})

    def lagging(path: str, body: bytes) -> bytes:
        return body if paid.id in path else body.replace(b'"paid"', b'"sent"')

    behind = puller.api
    with between(sandbox, lagging) as url, contextlib.closing(api_of(url, sandbox.key, pool=4)) as puller.api:
        puller.pull()
    puller.api = behind
    assert (puller.row(paid.id).status, puller.row(paid.id).status_seen) == ("paid", None)
    puller.pull(full=True)
    assert (puller.row(paid.id).status, puller.row(paid.id).status_seen) == ("paid", None)


def test_the_moment_of_issue_is_known_only_of_what_was_seen_as_a_draft(start: Start) -> None:
    sandbox, puller = start()
    draft, sent = (change.insert(sandbox.account, {"status": status}) for status in ("draft", "sent"))
    puller.pull()
    sandbox.account.send(draft.id, ["email"], reminder=False)
    sandbox.account.happen(sent.id, "opened")
    puller.pull()
    issued = int(puller.at.timestamp())
    sandbox.account.happen(draft.id, "paid")
    puller.pull()
    assert puller.row(draft.id).issued_seen == issued
    assert puller.row(sent.id).issued_seen is None


def test_a_client_that_an_invoice_needs_is_fetched_at_once(start: Start) -> None:
    sandbox, puller = start()
    puller.pull()
    client = sandbox.account.create_client({"name": "Just made"})
    change.insert(sandbox.account, {"client_id": client["id"], "status": "paid"})
    puller.pull(after=0.1)
    assert client["id"] in puller.records("client")


def test_a_client_that_is_nowhere_stays_missing(start: Start) -> None:
    sandbox, puller = start()
    puller.pull()
    change.insert(sandbox.account, {"client_id": "nobody"})
    pulled = puller.pull(after=0.1)
    assert pulled.requests["clients"] == 1
    assert puller.pull(after=0.1).requests.get("clients", 0) == 0
    assert "nobody" not in puller.records("client")


def test_a_server_that_ignores_the_status_is_noticed_and_the_sweep_takes_over(start: Start) -> None:
    sandbox, puller = start(ignore_status=True)
    puller.pull()
    puller.pull()
    assert puller.learnt("ignored_at") is not None
    assert puller.pull().requests.get("hot", 0) == 0
    life.live(sandbox.account, 1, 0.3)
    puller.pull(after=24 * 60)
    assert_in_step(puller, sandbox)
    sandbox.change(ignore_status=False)
    puller.pull(after=25 * 60)
    assert puller.learnt("ignored_at") is None


def test_a_long_pause_is_made_up_for_in_one_cycle(start: Start) -> None:
    sandbox, puller = start(order="none")
    puller.pull()
    life.live(sandbox.account, 1, 0.5)
    puller.pull(after=30 * 24 * 60)
    assert_in_step(puller, sandbox)


@pytest.mark.parametrize("etag", ["etag", "last_modified"])
def test_what_a_server_says_did_not_change_is_not_sent_again(start: Start, etag: str) -> None:
    sandbox, puller = start(etag=etag)
    puller.pull()
    before = puller.pull(full=True, details=True).revision
    assert puller.pull(full=True, details=True).revision == before
    for seed in range(4):
        done = life.live(sandbox.account, seed, 0.3)
        puller.pull()
        for invoice_id in done.get("paid", []):
            assert puller.records("invoice")[invoice_id]["status"] == "paid"
    puller.pull(full=True, details=True)
    assert_in_step(puller, sandbox)
    for invoice_id, raw in puller.records("invoice").items():
        assert len(raw["events"]) == len(sandbox.account.invoices[invoice_id].events)
