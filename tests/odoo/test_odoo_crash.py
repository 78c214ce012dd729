"""Stopped dead at every point of a run into a real Odoo, state kept or deleted: nothing is lost or there twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.crash.slots import Point
from tests.odoo.slots import EVERY, Slot, Slots
from tests.odoo.stage import Phase

WRITES = ("res.partner/load", "account.move/load", "account.move/action_post", "account.payment/load")
"""Calls of Odoo 19 without which a run would not be what this is about."""


def attempt(slot: Slot, point: Point) -> None:
    """Stop a run dead at a point, run again, and note all that is wrong then."""
    stopped = slot.again().fork("run", stop_at=point.number)
    if stopped.code == -9:
        point.wrong += slot.wrong(point.state)
    else:
        point.wrong.append(f"it was not reached any more (exit {stopped.code}) {stopped.err[-300:]}")


def counted(slot: Slot, _: None) -> list[str]:
    """Run once without a stop and name the points passed."""
    stage = slot.again()
    file = stage.folder / "points"
    run = stage.fork("run", "--json", count=file)
    assert run.code == 0, run.out[-3000:] + run.err[-3000:]
    assert stage.wrong() == []
    return file.read_text("utf-8").splitlines()


def chosen(names: list[str], phase: Phase) -> list[Point]:
    """Every point of apply, twice; of observe the commits to the state, which is then as it is later.

    Pulling is the same whatever the target, and its points are tried with the CSV ledger. Looking at the books writes
    nothing to them, and a question that was not answered leaves no trace.
    """
    points = []
    for number, name in enumerate(names, 1):
        if name.startswith("apply:"):
            points += [Point(number, name, phase, "kept"), Point(number, name, phase, "deleted")]
        elif name == "observe: after commit":
            points.append(Point(number, name, phase, "kept"))
    return points


@pytest.mark.timeout(3600)
def test_a_run_stopped_dead_at_any_point_is_made_good_by_the_next(
    server: str, places: Slots, note: Callable[[str], None]
) -> None:
    (names,) = places.each(counted, [None])
    if server != "14":
        assert {f"apply: sent POST /json/2/{one}" for one in WRITES} <= set(names)
    there = chosen(names, places.phase)
    tried = there[:: EVERY | 1]  # an odd step, so that both states come up
    places.each(attempt, tried)
    wrong = [point for point in tried if point.wrong]
    in_apply = sum(point.in_apply for point in tried)
    deleted = sum(point.state == "deleted" for point in tried)
    note(
        f"Crash points, Odoo {server}, {places.phase} run: {len(names)} counted; {len(tried)} of {len(there)} stopped "
        f"dead, {in_apply} of them in apply, {deleted} with the state deleted; {len(wrong)} failed."
    )
    assert not wrong, "\n".join(map(str, wrong[:20]))
