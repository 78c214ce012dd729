"""The whole life of invoices, through the command line, into a real Odoo."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from syncd.sandbox.data import made_up
from syncd.sandbox.life import live
from tests.crash.forks import Forks
from tests.odoo.office import Office
from tests.odoo.place import Place
from tests.odoo.stage import Stage, served


@pytest.fixture
def office(tmp_path: Path, own_odoo: Place, forks: Forks) -> Iterator[Stage]:
    """An account with some invoices, and empty books."""
    account = made_up(11, clients=10, invoices=30, today=date(2026, 6, 1))
    with served(account) as sandbox:
        yield Stage(tmp_path, sandbox, own_odoo, forks)


def idle(office: Office, code: int = 0) -> None:
    """Run again, and make sure that there is nothing to do."""
    assert office.run(code=code)["planned"] == []


def test_every_invoice_stands_once_with_its_totals_and_payment(office: Office) -> None:
    first = office.run()
    assert first["problems"] == []
    assert office.wrong() == []
    idle(office)
    assert office.command("reconcile").returncode == 0


def test_life_goes_on_and_the_books_follow(office: Office) -> None:
    office.run()
    for seed in range(3):
        live(office.sandbox.account, seed, share=0.2)
        office.run(code=None)
        cancelled = {one["number"] for one in office.invoices("cancelled")}
        assert [one for one in office.wrong() if one.split(":")[0] not in cancelled] == []


def test_a_lost_state_is_found_again_from_the_marks(office: Office) -> None:
    office.run()
    office.forget()
    again = office.run(code=None)
    assert all(one["verb"] == "adopt" for one in again["planned"])
    assert office.wrong() == []
    idle(office)


def test_a_payment_taken_back_at_the_source_is_taken_back_in_the_books(office: Office) -> None:
    office.configure(unsettle=True)
    office.run()
    (paid, *_) = office.invoices("paid")
    office.change_invoice(paid, status="sent")
    office.run()
    assert office.wrong() == []
    assert office.move(paid)["payment_state"] == "not_paid"
    office.change_invoice(paid, status="paid")
    office.run()
    assert office.wrong() == []
    idle(office)
