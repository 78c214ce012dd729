"""The life of invoices, through the command line, into a small stand-in for Odoo: what ``make test`` can try in seconds.

``test_agreement.py`` keeps the stand-in and the real servers in agreement; ``test_life.py`` tries the same on those.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from syncd.sandbox.change import patch_invoice
from syncd.sandbox.data import made_up
from syncd.sandbox.life import live
from tests.crash.forks import Forks
from tests.odoo.proxy import Proxy
from tests.odoo.stage import Stage, served, warm
from tests.odoo.standin.server import Server

SERIES = pytest.mark.parametrize("standin", ["latest", "14"], indirect=True)
pytestmark = SERIES


@pytest.fixture
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
    with served(made_up(11, clients=12, invoices=40, today=date(2026, 6, 1))) as sandbox:
        place = standin.place()
        yield Stage(tmp_path, sandbox, place, forks)
        place.close()


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


def test_a_dropped_answer_is_found_and_nothing_is_done_twice(stage: Stage) -> None:
    with Proxy(stage.place.url) as proxy:
        stage.configure(proxy.url)
        stage.run(code=None)
        calls = list(dict.fromkeys(proxy.writes))
        numbers = [proxy.writes.index(name) + 1 for name in calls]
    assert len(numbers) > 5
