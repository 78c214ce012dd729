"""The life of invoices, through the command line, into a small stand-in for Odoo: tried in seconds.

``test_agreement.py`` keeps the stand-in and the real servers in agreement; ``test_life.py`` tries the same on those.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from connectors.odoo.errors import NoDatabase, OdooAnswer
from connectors.odoo.tags import tag_ids
from syncd.connector import Stale
from syncd.errors import Refused
from syncd.sandbox.change import insert, patch_invoice
from syncd.sandbox.data import made_up
from syncd.sandbox.life import live
from tests.crash.forks import Forks
from tests.odoo.proxy import Proxy
from tests.odoo.stage import Stage, served, warm
from tests.odoo.standin.server import Server


@pytest.fixture(params=["latest", "14"])
def standin(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A stand-in of one series, with empty books; asked for what it has not, it fails the test."""
    with Server(request.param) as server:
        yield server
    assert server.unsupported == []


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    with Server("latest") as any_one, warm(tmp_path_factory.mktemp("forks"), any_one.place()) as running:
        yield running  # the keys are the same for each


@pytest.fixture
def stage(tmp_path: Path, standin: Server, forks: Forks) -> Iterator[Stage]:
    """An account with some invoices, and empty books."""
    account = made_up(11, clients=12, invoices=40, today=date(2026, 6, 1))
    with served(account) as sandbox, closing(standin.place()) as place:
        yield Stage(tmp_path, sandbox, place, forks)


def test_every_invoice_stands_once_with_its_totals_and_payment(stage: Stage) -> None:
    assert stage.run()["problems"] == []
    assert stage.wrong() == []
    assert stage.run()["planned"] == []
    assert stage.command("reconcile").returncode == 0


def test_life_goes_on_and_the_books_follow(stage: Stage) -> None:
    stage.run()
    for seed in range(3):
        live(stage.sandbox.account, seed, share=0.2)
        stage.run(code=None)
        cancelled = {one["number"] for one in stage.invoices("cancelled")}
        assert [one for one in stage.wrong() if one.split(":")[0] not in cancelled] == []
    assert stage.made_twice() == []


def test_a_lost_state_is_found_again_from_the_marks(stage: Stage) -> None:
    stage.run()
    stage.forget()
    again = stage.run(code=None)
    assert {one["verb"] for one in again["planned"]} == {"adopt"}
    assert stage.wrong() == []
    assert stage.run()["planned"] == []


def test_one_bad_record_leaves_the_others_as_they_are_to_be(stage: Stage) -> None:
    one, other, *_ = stage.invoices("sent", "opened", "overdue")
    patch_invoice(stage.sandbox.account, other["id"], {"number": one["number"]})
    problems = stage.run(code=None)["problems"]
    assert len(problems) == 1
    assert "same name" in str(problems) or "unique" in str(problems)
    assert stage.made_twice() == []


def test_a_posted_invoice_that_changed_is_written_anew_and_posted_again(stage: Stage) -> None:
    stage.configure(on_change="update")
    stage.run()
    invoice, *_ = stage.invoices("sent", "opened", "overdue")
    before = stage.move(invoice)
    lines = [{**line, "unit_price_cents": line["unit_price_cents"] + 1000} for line in invoice["lines"]]
    stage.change_invoice(invoice, lines=lines)
    assert stage.run()["problems"] == []
    assert stage.wrong() == []
    after = stage.move(invoice)
    assert after["id"] == before["id"]
    assert after["amount_total"] > before["amount_total"]


def test_dropped_answers_are_found_and_nothing_is_done_twice(stage: Stage) -> None:
    with Proxy(stage.place.url) as proxy:
        for seed in range(2):
            live(stage.sandbox.account, seed, share=0.2)
            stage.configure(proxy.url)
            proxy.reset(lose_every=2)
            stage.run(code=None)
            assert proxy.lost
            proxy.reset()
            problems = stage.until_quiet()
            assert {one["code"] for one in problems} <= {"cancelled_after_payment"}
            assert stage.wrong() == []
    assert stage.made_twice() == []


def test_each_writing_call_that_meets_others_once_is_made_good_in_the_same_run(stage: Stage) -> None:
    invoice, *_ = stage.invoices("sent", "opened", "overdue")
    stage.change_client({"id": invoice["client_id"]}, tags=["VIP", "åpen post"])
    with Proxy(stage.place.url) as proxy:
        stage.configure(proxy.url)
        proxy.reset(busy=1)
        assert stage.run()["problems"] == []
        assert {"res.partner.category.load", "account.move.action_post"} <= set(proxy.lost)
        assert stage.wrong() == []
        assert stage.made_twice() == []
        assert stage.run()["planned"] == []


def test_a_tag_that_others_write_at_the_same_time_for_long_is_planned_anew_and_not_refused(standin: Server) -> None:
    with closing(standin.place()) as place, Proxy(place.url) as proxy:
        odoo = place.client(url=proxy.url)
        proxy.reset(busy=3)
        told = tag_ids(odoo, ["åpen post"])
        assert isinstance(told["åpen post"], Stale)
        assert tag_ids(odoo, ["åpen post"]) == {"åpen post": 1}


def test_what_odoo_gives_up_as_too_much_at_once_is_sent_in_parts_until_it_stands(stage: Stage) -> None:
    with Proxy(stage.place.url) as proxy:
        stage.configure(proxy.url)
        proxy.reset(most=4)
        assert stage.run(code=3)["error"]
        assert stage.run()["problems"] == []
        assert 0 < len(proxy.lost) <= 14
        assert stage.wrong() == []
        assert stage.run()["planned"] == []
    assert stage.made_twice() == []


def test_what_got_no_answer_again_is_sent_in_parts_only_when_it_can_no_longer_be_under_way(stage: Stage) -> None:
    stage.run()
    new = [insert(stage.sandbox.account, {"status": "sent"}) for _ in range(2)]
    with Proxy(stage.place.url) as proxy:
        stage.configure(proxy.url)
        proxy.reset(most=1)
        stage.run(code=3)
        stage.run()
        first, again, *parts = [
            at for at, name in zip(proxy.times, proxy.writes, strict=True) if name == "account.move.load"
        ]
        assert again - first >= 1  # request_limit
        assert parts[0] - again >= 1
        assert len(proxy.lost) == len(parts) == len(new)
        assert stage.wrong() == []


def test_a_wrong_key_and_a_wrong_database_are_told_apart(standin: Server) -> None:
    with closing(standin.place()) as place:
        with pytest.raises(NoDatabase):
            replace(place, database="none").client().connect()
        with pytest.raises(Refused):
            replace(place, keys={**place.keys, "ODOO_SYNC_API_KEY": "another-key"}).client().connect()


def test_what_the_stand_in_has_not_fails_loudly() -> None:
    with Server("latest") as server, closing(server.place()) as place:
        with pytest.raises(OdooAnswer, match="no Unsupported"):
            place.client().call("account.move", "copy", [1])
        assert len(server.unsupported) == 1
