"""Odoo is killed, or its connection to PostgreSQL cut off, while syncd writes: nothing is lost or there twice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Literal, NamedTuple

import pytest

from tests.crash.forks import Ended
from tests.odoo import place
from tests.odoo.own_server import OwnServer
from tests.odoo.place import Place
from tests.odoo.proxy import Proxy
from tests.odoo.slots import EVERY, QUICK, Slot, Slots
from tests.odoo.stage import State

WRITING = (
    "select backend_xid from pg_stat_activity"
    " where datname = current_database() and backend_xid is not null and pid <> pg_backend_pid()"
)
LONGEST = 10.0
"""Seconds after which a call has long been carried out."""

Moment = Literal["within", "after"]
MOMENTS: tuple[Moment, ...] = ("within", "after")
STATES: tuple[State, ...] = ("kept", "deleted")


class Fault(NamedTuple):
    """Which writing call (from 1) is struck when, and what becomes of the state."""

    call: int
    moment: Moment
    state: State


class Outcome(NamedTuple):
    """The call that was struck, what became of its transaction, how syncd ended, and what was wrong in the end."""

    struck: str
    became: str
    ended: Ended
    wrong: list[str]


class Striker:
    """Strikes Odoo: at once, or when it has begun to write."""

    def __init__(self, own: Place, blow: Callable[[], object], moment: Moment) -> None:
        self._place, self._blow, self._moment = own, blow, moment
        self.became = "committed"

    def __call__(self) -> None:
        transaction = self._begun() if self._moment == "within" else ""
        self._blow()
        until = time.monotonic() + LONGEST
        while transaction and time.monotonic() < until:
            self.became = place.sql(self._place, f"select pg_xact_status('{transaction}'::xid8)")
            if self.became != "in progress":
                break

    def _begun(self) -> str:
        until = time.monotonic() + LONGEST
        while time.monotonic() < until:
            if found := place.sql(self._place, WRITING):
                return found.splitlines()[0]
        return ""


def killed(slot: Slot, fault: Fault) -> Outcome:
    """Run, kill Odoo meanwhile, start it again, and run until quiet."""
    stage = slot.again()
    with OwnServer(slot.place, stage.folder) as odoo, Proxy(odoo.url) as proxy:
        slot.configure(proxy.url)

        def blow() -> None:
            odoo.kill()
            proxy.close()

        strike = Striker(slot.place, blow, fault.moment)
        proxy.reset(**{fault.moment: fault.call}, strike=strike)
        ended = stage.fork("run")
        struck = "".join(proxy.lost)
        slot.configure(odoo.url)
        odoo.start()
        return Outcome(struck, strike.became, ended, slot.wrong(fault.state))


def cut_off(slot: Slot, fault: Fault) -> Outcome:
    """Run, end Odoo's connections to PostgreSQL meanwhile, and run until quiet."""
    with Proxy(slot.place.url) as proxy:
        stage = slot.again(proxy.url)
        strike = Striker(slot.place, lambda: place.cut_off(slot.place), fault.moment)
        proxy.reset(within=fault.call, strike=strike)
        ended = stage.fork("run")
        struck = "".join(proxy.lost)
        proxy.reset()
        return Outcome(struck, strike.became, ended, slot.wrong(fault.state))


def writes(slot: Slot, _: None) -> list[str]:
    """Give the writing calls of a whole run."""
    with Proxy(slot.place.url) as proxy:
        slot.again(proxy.url).run()
        return list(proxy.writes)


@pytest.mark.timeout(3600)
def test_odoo_that_is_killed_while_syncd_writes_is_caught_up_with(
    server: str, places: Slots, note: Callable[[str], None]
) -> None:
    (calls,) = places.each(writes, [None])
    there = [
        Fault(number, moment, state) for number in range(1, len(calls) + 1) for moment in MOMENTS for state in STATES
    ]
    tried = there[:: EVERY | 1]
    outcomes = places.each(killed, tried)
    became = Counter(one.became for one in outcomes)
    note(
        f"Odoo {server} killed in the {places.phase} run: {len(tried)} of {len(there)} times (before and after "
        f"the commit of {len(calls)} calls, state kept and deleted); the call was {told(became)}; "
        f"{sum(bool(one.wrong) for one in outcomes)} failed."
    )
    assert all(one.struck for one in outcomes)
    assert {one.ended.code for one in outcomes} == {3}, [one.ended for one in outcomes if one.ended.code != 3]
    for one in outcomes:
        assert "Traceback" not in one.ended.out + one.ended.err
        assert "target books" in one.ended.out + one.ended.err
    assert failed(tried, outcomes) == []


@pytest.mark.timeout(3600)
def test_a_connection_to_postgresql_that_ends_while_syncd_writes_costs_nothing(
    server: str, places: Slots, note: Callable[[str], None]
) -> None:
    (calls,) = places.each(writes, [None])
    tried = [Fault(number, "within", STATES[number % 2]) for number in range(1, len(calls) + 1, 5 if QUICK else 1)]
    outcomes = places.each(cut_off, tried)
    became = Counter(one.became for one in outcomes)
    note(
        f"PostgreSQL cut off from Odoo {server}, {places.phase} run: {len(tried)} of {len(calls)} times; "
        f"the call was {told(became)}"
    )
    assert all(one.struck for one in outcomes)
    assert all("Traceback" not in one.ended.out + one.ended.err for one in outcomes)
    assert failed(tried, outcomes) == []


def told(became: Counter[str]) -> str:
    return ", ".join(f"{name} {times} times" for name, times in sorted(became.items()))


def failed(faults: list[Fault], outcomes: list[Outcome]) -> list[str]:
    return [
        f"{fault} {one.struck}, {one.became}: {what}\n{one.ended}"
        for fault, one in zip(faults, outcomes, strict=True)
        for what in one.wrong
    ]
