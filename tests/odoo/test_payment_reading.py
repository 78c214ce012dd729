"""Payments as they stand in a real Odoo, and what they settle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from connectors.odoo.payment_io import find_payments, read_payments, standing_payments
from connectors.odoo.rows import Row
from syncd.connector import (
    Done,
    Remote,
)
from tests.odoo.payment_desk import DAY, Desk, seated
from tests.odoo.place import Place


@pytest.fixture
def desk(odoo: Place) -> Desk:
    return seated(odoo)


def remotes(desk: Desk, domain: Sequence[Any] = ()) -> dict[str, Remote]:
    return {one.external_id: one for page in read_payments(desk.odoo, desk.company, domain) for one in page}


def test_what_stands_is_read_with_what_it_settles(desk: Desk) -> None:
    ours, theirs, together, apart = desk.invoice(), desk.invoice(), desk.invoice(), desk.invoice()
    (done,) = desk.write(desk.entry(ours))
    (own,) = desk.pays(theirs)
    (shared,) = desk.pays(together, apart, grouped=True)
    loose = desk.enters("for nothing in particular", 33.0)
    assert isinstance(done, Done)
    found = remotes(desk)
    mine = found[done.external_id]
    assert mine.mark == desk.wanted(ours).mark
    assert (mine.fields, mine.refs, mine.void) == (
        {"currency": "EUR", "amount": 12500, "paid_date": DAY},
        {"invoice": str(ours)},
        False,
    )
    assert (found[str(own)].mark, found[str(own)].refs) == (None, {"invoice": str(theirs)})
    assert found[str(shared)].fields["amount"] == 25000
    assert found[f"invoice/{apart}"].fields == {"currency": "EUR", "amount": 12500, "paid_date": DAY}
    assert str(loose) not in found
    assert {done.external_id, str(own), f"invoice/{apart}"} <= standing_payments(desk.odoo, desk.company)
    if desk.place.version < 18:
        desk.odoo.call("account.payment", "action_draft", [own])
    desk.odoo.call("account.payment", "action_cancel", [own])
    assert remotes(desk)[str(own)].void
    assert str(own) not in standing_payments(desk.odoo, desk.company)


def test_a_match_that_a_person_took_away_shows_as_settling_nothing(desk: Desk) -> None:
    move = desk.invoice()
    (done,) = desk.write(desk.entry(move))
    assert isinstance(done, Done)
    (before,) = desk.odoo.search_read("account.payment", [("id", "=", int(done.external_id))], ["write_date"])
    lines = desk.person.ids("account.move.line", [("move_id", "=", move), ("reconciled", "=", True)])
    desk.person.call("account.move.line", "remove_move_reconcile", lines)
    found: Row = remotes(desk, [("write_date", ">=", before["write_date"][:19])])
    assert found[done.external_id].fields["amount"] == 0
    assert not found[done.external_id].void


def test_a_copy_that_a_person_made_of_a_payment_is_not_taken_for_ours(desk: Desk) -> None:
    move = desk.invoice()
    (done,) = desk.write(desk.entry(move))
    assert isinstance(done, Done)
    desk.person.call("account.payment", "copy", [int(done.external_id)])
    ((found, *others),) = desk.find(desk.wanted(move, known=False))
    assert (found[0], found[1].external_id, others) == ("mark", done.external_id, [])


def test_calls_do_not_grow_with_what_is_looked_for(desk: Desk) -> None:
    moves = [desk.invoice() for _ in range(3)]
    desk.write(desk.entry(moves[0]))
    desk.pays(moves[1])
    odoo = desk.wire()
    find_payments(odoo, desk.company, [desk.wanted(move) for move in moves * 50])
    assert odoo.calls <= 8
