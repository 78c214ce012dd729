"""Clocks that were wrong once: what they said does not stick."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from syncd.sandbox import change
from syncd.state import runs

from .conftest import Start
from .support import Puller, assert_in_step, requests

YEARS = timedelta(days=14 * 365)


def last_pull(puller: Puller) -> int | None:
    with puller.store.read() as conn:
        return runs.last_pull(conn, "main")


@pytest.mark.parametrize("first_load", [True, False])
def test_a_clock_that_was_ahead_once_is_forgotten(start: Start, first_load: bool) -> None:
    sandbox, puller = start(page_size=10)
    if not first_load:
        puller.pull()
    puller.at += YEARS
    puller.pull()
    puller.at -= YEARS
    requests(sandbox)
    client = next(iter(sandbox.account.clients))
    change.patch_client(sandbox.account, client, {"name": "After the clock"})
    puller.pull()
    asked = requests(sandbox)
    assert asked["GET /clients"] >= 2
    assert asked["GET /business"] == 1
    assert last_pull(puller) == int(puller.at.timestamp())
    assert_in_step(puller, sandbox)
    requests(sandbox)
    puller.pull()
    assert requests(sandbox)["GET /clients"] <= 1


def test_what_changes_after_a_clock_was_ahead_is_dated_by_the_clock_as_it_is(start: Start) -> None:
    sandbox, puller = start()
    puller.pull()
    puller.at += YEARS
    puller.pull()
    puller.at -= YEARS
    opened = next(x.id for x in sandbox.account.invoices.values() if x.status == "sent")
    change.patch_invoice(sandbox.account, opened, {"status": "paid"})
    made = change.insert(sandbox.account, {"status": "paid"}).id
    puller.pull()
    now = int(puller.at.timestamp())
    assert puller.row(opened).status_seen == now
    assert puller.row(made).first_seen == now


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_the_growing_end_is_followed_whatever_the_clock_does(start: Start, order: str) -> None:
    sandbox, puller = start(order=order)
    puller.at += YEARS
    puller.pull()
    puller.at -= YEARS
    puller.pull()
    for back in (30, -5, 100_000):
        for _ in range(20):
            change.insert(sandbox.account, {"status": "paid"})
        puller.at -= timedelta(seconds=back)
        requests(sandbox)
        assert puller.pull(after=0).new == 20
    requests(sandbox)
    puller.pull()
    assert puller.before.requests["growing"] <= 2
    assert_in_step(puller, sandbox)


def test_details_read_while_the_clock_was_ahead_are_read_again(start: Start) -> None:
    sandbox, puller = start()
    puller.at += YEARS
    puller.pull()
    puller.at -= YEARS
    opened = {x.id for x in sandbox.account.invoices.values() if x.status in ("draft", "sent", "opened", "overdue")}
    requests(sandbox)
    puller.pull()
    asked = {line.rsplit("/", 1)[1] for line in sandbox.traffic.log if "/invoices/" in line}
    assert opened <= asked
    assert puller.row(next(iter(opened))).detail_at <= int(datetime.timestamp(puller.at))
