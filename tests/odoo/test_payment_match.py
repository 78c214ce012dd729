"""Payments whose company amounts differ from their invoices': matched many in a call, and never with another's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.odoo import payment_match
from connectors.odoo.company_io import read_company
from connectors.odoo.settings import OdooSettings
from connectors.odoo.settlements import Joint, knots, together
from syncd.connector import Done
from syncd.secret import Secret
from tests.odoo.payment_desk import Desk, seated
from tests.odoo.place import Place


class Two(NamedTuple):
    """A pair, by the day of its debit line and of its credit line."""

    number: int
    joint: Joint


DAYS = st.tuples(st.integers(1, 6).map("2026-03-{:02d}".format), st.integers(1, 6).map("2026-03-{:02d}".format))
PAIRS = st.lists(
    st.builds(Joint, st.integers(1, 2), st.tuples(st.integers(1, 2), st.integers(1, 2)), DAYS), max_size=30
).map(lambda joints: [Two(number, joint) for number, joint in enumerate(joints)])


@given(pairs=PAIRS, shuffled=st.randoms(use_true_random=False), most=st.integers(1, 9))
def test_however_odoo_orders_what_is_of_one_day_each_line_meets_its_own(
    pairs: list[Two], shuffled: Any, most: int
) -> None:
    calls = together(pairs, lambda one: one.joint, most)
    assert sorted(one.number for call in calls for one in call) == [one.number for one in pairs]
    for call in calls:
        assert len(call) <= most
        assert len({one.joint.account for one in call}) == 1
        for kind in {one.joint.kind for one in call}:
            sides: list[list[int]] = []
            for side in (0, 1):
                lines = [one for one in call if one.joint.kind == kind]
                shuffled.shuffle(lines)
                sides.append([one.number for one in sorted(lines, key=lambda one: one.joint.days[side])])
            assert sides[0] == sides[1]


def test_pairs_of_different_clients_and_rising_days_take_one_call() -> None:
    joints = [Joint(1, (n % 10, 1), (f"2026-03-{n + 1:02d}", f"2026-04-{n + 1:02d}")) for n in range(28)]
    assert len(together(joints, lambda one: one)) == 1


def row(number: int, debit: int, credit: int, full: int = 0) -> dict[str, Any]:
    return {
        "id": number,
        "debit_move_id": [debit, "d"],
        "credit_move_id": [credit, "c"],
        "full_reconcile_id": [full, "f"] if full else False,
    }


def test_a_pair_is_matched_with_itself_and_with_its_exchange_difference_alone() -> None:
    pairs = [(1, 2), (3, 4), (5, 6), (7, 8)]
    rows = [row(11, 1, 2), row(12, 1, 90), row(13, 3, 4), row(14, 5, 8), row(15, 7, 6)]
    assert knots(pairs, rows) == [([11, 12], [1, 2, 90]), ([13], [3, 4]), None, None]
    assert knots([(1, 2)], []) == [None]


@pytest.fixture
def desk(odoo: Place) -> Desk:
    desk = seated(odoo)
    rates(desk)
    return desk


def rates(desk: Desk) -> None:
    """From the 10th of March on the krone is worth less."""
    domain = [("currency_id", "=", desk.company.currencies["NOK"]), ("name", "=", "2026-03-10")]
    if not desk.person.ids("res.currency.rate", domain):
        vals = {"currency_id": desk.company.currencies["NOK"], "name": "2026-03-10", "rate": 12.25}
        desk.person.call("res.currency.rate", "create", vals_list=[vals])


def matching(desk: Desk, moves: Sequence[int]) -> list[Any]:
    """How the invoices are matched: per invoice its lines, their amounts, and the entry of the difference."""
    told = []
    for move in moves:
        (line,) = desk.odoo.search_read(
            "account.move.line", [("move_id", "=", move), ("reconciled", "=", True)], ["full_reconcile_id"]
        )
        fields = ["move_id", "balance", "amount_currency", "amount_residual", "payment_id", "journal_id", "date"]
        lines = desk.odoo.search_read(
            "account.move.line", [("full_reconcile_id", "=", line["full_reconcile_id"][0])], fields
        )
        assert {one["amount_residual"] for one in lines} == {0.0}
        assert sum(round(100 * one["balance"]) for one in lines) == 0
        other = [one for one in lines if one["move_id"][0] != move and not one["payment_id"]]
        entries = desk.odoo.search_read(
            "account.move", [("id", "in", [one["move_id"][0] for one in other])], ["state", "journal_id", "date"]
        )
        told.append(
            sorted((one["balance"], one["amount_currency"], one["journal_id"][0], one["date"]) for one in lines)
            + sorted((one["state"], one["journal_id"][0], one["date"]) for one in entries)
        )
    return told


CASES = [(12500 + 1000 * n, f"2026-03-{n + 1:02d}", f"2026-03-{n + 15:02d}") for n in range(5)]


def test_many_exchange_differences_are_booked_in_few_calls_as_odoo_itself_books_them(desk: Desk) -> None:
    moves = [desk.invoice(cents, "NOK", day=day) for cents, day, _ in CASES]
    moves.append(desk.invoice(-5000, "NOK"))
    paid = [*(day for *_, day in CASES), "2026-03-22"]
    cents = [*(amount for amount, *_ in CASES), -5000]
    entries = [desk.entry(move, some, "NOK", day=day) for move, some, day in zip(moves, cents, paid, strict=True)]
    odoo = desk.wire()
    outcomes = desk.write(*entries, odoo=odoo)
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert odoo.calls <= (13 if desk.place.version >= 19 else 14)
    by_hand = [desk.invoice(some, "NOK", day=day) for some, day, _ in CASES] + [desk.invoice(-5000, "NOK")]
    for move, day in zip(by_hand, paid, strict=True):
        desk.pays(move, payment_date=day)
    assert matching(desk, moves) == matching(desk, by_hand)
    again = desk.wire()
    assert desk.write(*entries, odoo=again) == outcomes
    assert again.writes == 0


def test_one_of_many_is_taken_back_and_the_others_stay(desk: Desk) -> None:
    moves = [desk.invoice(cents, "NOK", day=day) for cents, day, _ in CASES]
    entries = [desk.entry(move, cents, "NOK", day=day) for move, (cents, _, day) in zip(moves, CASES, strict=True)]
    outcomes = desk.write(*entries)
    assert isinstance(outcomes[2], Done)
    before = matching(desk, [*moves[:2], *moves[3:]])
    back = desk.entry(moves[2], CASES[2][0], "NOK", verb="unsettle", external_id=outcomes[2].external_id)
    assert desk.write(back) == [Done(outcomes[2].external_id)]
    assert desk.state(moves[2]) == ("not_paid", 145.0)
    assert matching(desk, [*moves[:2], *moves[3:]]) == before


def test_what_odoo_mixed_up_is_undone_and_matched_one_by_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    if desk.place.version < 19:
        pytest.skip("each is a call of its own before 19")
    monkeypatch.setattr(payment_match, "together", lambda pairs, joint: [[one for one in pairs if joint(one)]])
    moves = [desk.invoice(12500, "NOK", day=f"2026-03-0{n}") for n in range(1, 5)]
    days = ["2026-03-21", "2026-03-20", "2026-03-22", "2026-03-23"]  # the first two cross
    entries = [desk.entry(move, 12500, "NOK", day=day) for move, day in zip(moves, days, strict=True)]
    odoo = desk.wire()
    assert all(isinstance(outcome, Done) for outcome in desk.write(*entries, odoo=odoo))
    for move, day in zip(moves, days, strict=True):
        found = matching(desk, [move])[0]
        assert day in {one[3] for one in found if len(one) == 4}


@pytest.mark.parametrize("lost", range(3, 7))
def test_after_a_lost_answer_each_has_a_full_reconcile_of_its_own(desk: Desk, lost: int) -> None:
    moves = [desk.invoice(cents, "NOK", day=day) for cents, day, _ in CASES]
    entries = [desk.entry(move, cents, "NOK", day=day) for move, (cents, _, day) in zip(moves, CASES, strict=True)]
    desk.write(*entries, odoo=desk.wire(lose=lost))
    outcomes = desk.write(*entries)
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    lines = desk.odoo.search_read(
        "account.move.line", [("move_id", "in", moves), ("reconciled", "=", True)], ["full_reconcile_id"]
    )
    assert len({one["full_reconcile_id"][0] for one in lines}) == len(moves)


def settings(place: Place) -> OdooSettings:
    key = Secret(place.sync_key)
    return OdooSettings(url=place.url, database=place.database, api_key=key, user="sync", payment_journal="BNK1")


def waiting_tax(desk: Desk) -> int:
    """An administrator makes a tax of 20 % that falls due by payment; give its id."""
    admin, new = desk.person, desk.company.features.account_type
    admin.call("res.company", "write", [desk.company.id], vals={"tax_exigibility": True})
    if known := admin.ids("account.tax", [("tax_exigibility", "=", "on_payment")]):
        return known[0]
    kind: dict[str, object] = {"account_type": "liability_current"}
    if not new:
        _, liability = admin.call(
            "ir.model.data", "check_object_reference", module="account", xml_id="data_account_type_current_liabilities"
        )
        kind = {"user_type_id": liability}
    account = {"code": "2599", "name": "Tax that waits", "reconcile": True, **kind}
    (waits,) = admin.call("account.account", "create", vals_list=[account])
    (paid,) = admin.ids("account.tax", [("name", "=", "Sync 20%")])
    made = admin.call("account.tax", "copy", [paid], default={"name": "On payment 20%"})
    tax = made if isinstance(made, int) else made[0]
    vals = {"tax_exigibility": "on_payment", "cash_basis_transition_account_id": waits}
    admin.call("account.tax", "write", [tax], vals=vals)
    return int(tax)


def test_tax_that_falls_due_by_payment_is_booked_by_odoo(own_odoo: Place) -> None:
    desk = seated(own_odoo)
    tax = waiting_tax(desk)
    books = read_company(desk.odoo, settings(own_odoo), {})
    assert books.features.cash_basis
    line = {"name": "Work", "quantity": 1, "price_unit": 100.0, "account_id": desk.account, "tax_ids": [[6, 0, [tax]]]}
    moves = [desk.invoice(12000, day=f"2026-03-0{n}", invoice_line_ids=[[0, 0, line]]) for n in range(1, 4)]
    entries = [desk.entry(move, 12000, day=f"2026-03-1{n}") for n, move in enumerate(moves)]
    assert all(isinstance(outcome, Done) for outcome in desk.write(*entries, company=books))
    due = desk.odoo.search_read(
        "account.move", [("tax_cash_basis_rec_id", "!=", False)], ["state", "date"], order="date"
    )
    assert [(one["state"], one["date"]) for one in due] == [("posted", f"2026-03-1{n}") for n in range(3)]
