"""Answers lost between Odoo and syncd: Odoo has done it and syncd does not know; still each thing stands once."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tests.odoo.proxy import Proxy
from tests.odoo.slots import QUICK, Slot, Slots
from tests.odoo.stage import State

STATES: tuple[State, ...] = ("kept", "deleted")


class Fault(NamedTuple):
    """What happens to the writing calls of a run, by their number from 1, and to the state after it."""

    lose: int = 0
    lose_every: int = 0
    cut: int = 0
    delay: float = 0.0
    state: State = "kept"


class Outcome(NamedTuple):
    """The calls that were struck, all writing calls of that run, and what was wrong in the end."""

    struck: list[str]
    writes: list[str]
    wrong: list[str]


def states(number: int) -> tuple[State, ...]:
    """The states in which an answer is lost: both, or for a quick look each in turn."""
    return (STATES[number % 2],) if QUICK else STATES


def act(slot: Slot, fault: Fault) -> Outcome:
    """Run with a fault, then until quiet."""
    with Proxy(slot.place.url) as proxy:
        stage = slot.again(proxy.url)
        proxy.reset(lose=fault.lose, lose_every=fault.lose_every, cut=fault.cut, delay=fault.delay)
        stage.run(code=None)
        struck, writes = list(proxy.lost), list(proxy.writes)
        proxy.reset()
        return Outcome(struck, writes, slot.wrong(fault.state))


def test_each_answer_that_is_lost_in_turn_is_made_good(server: str, places: Slots, note: Callable[[str], None]) -> None:
    (whole,) = places.each(act, [Fault()])
    assert len(whole.writes) > 5
    assert whole.wrong == []
    numbers = range(1, len(whole.writes) + 1)
    faults = [Fault(lose=number, state=state) for number in numbers for state in states(number)]
    outcomes = places.each(act, faults)
    kept = sum(fault.state == "kept" for fault in faults)
    note(
        f"Answers lost, Odoo {server}, {places.phase} run: each of {len(numbers)}, {kept} times with the state kept, "
        f"{len(faults) - kept} times with it deleted; "
        f"{sum(bool(one.wrong) for one in outcomes)} failed ({', '.join(whole.writes)})"
    )
    assert all(one.struck for one in outcomes)
    assert failed(faults, outcomes) == []


def test_many_answers_lost_in_one_run_are_made_good(places: Slots) -> None:
    faults = [Fault(lose_every=2), Fault(lose_every=3)]
    outcomes = places.each(act, faults)
    assert all(one.struck for one in outcomes)
    assert failed(faults, outcomes) == []


def test_a_connection_cut_before_odoo_saw_the_call_is_made_good(places: Slots) -> None:
    (whole,) = places.each(act, [Fault(delay=0.1)])  # slow answers change nothing
    assert whole.wrong == []
    faults = [Fault(cut=number) for number in range(1, len(whole.writes) + 1, 4 if QUICK else 1)]
    outcomes = places.each(act, faults)
    assert all(one.struck for one in outcomes)
    assert failed(faults, outcomes) == []


def test_each_writing_call_of_a_first_run_that_meets_others_once_is_made_good_in_that_run(slot: Slot) -> None:
    busy(slot)


def test_each_writing_call_of_a_later_run_that_meets_others_once_is_made_good_in_that_run(booked_slot: Slot) -> None:
    busy(booked_slot)


def test_what_odoo_gives_up_as_too_much_at_once_is_sent_in_parts_until_it_stands(slot: Slot) -> None:
    with Proxy(slot.place.url) as proxy:
        stage = slot.again(proxy.url)
        proxy.reset(most=2)
        assert 0 in (stage.run(code=None)["exit_code"] for _ in range(3))
        assert proxy.lost
        assert {"account.move.load", "account.move.action_post"} <= set(proxy.writes)
        assert stage.run()["planned"] == []
    assert stage.wrong() + stage.wrong_payments() + stage.made_twice() == []


def busy(slot: Slot) -> None:
    """Run with everything switched on, while somebody writes the same at the same time as each call does."""
    with Proxy(slot.place.url) as proxy:
        stage = slot.again()
        stage.configure(proxy.url, chatter=True, pdf=True, on_change="update", unsettle=True)
        proxy.reset(busy=1)
        run = stage.run(code=None)
        assert "res.partner.category.load" in proxy.lost
        assert len(proxy.lost) == len(set(proxy.writes)) > 5
    assert (run["exit_code"], run["problems"]) == (0, [])
    assert stage.wrong() + stage.wrong_payments() + stage.made_twice() == []


def failed(faults: list[Fault], outcomes: list[Outcome]) -> list[str]:
    return [f"{fault} {one.struck}: {what}" for fault, one in zip(faults, outcomes, strict=True) for what in one.wrong]
