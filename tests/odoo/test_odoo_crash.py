"""Stopped dead at every point of a run into a real Odoo, state kept or deleted: nothing is lost or there twice."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from tests.crash.forks import Forks
from tests.crash.slots import Point
from tests.odoo.stage import Moments, Phase, Stage, opened

EVERY = int(os.environ.get("CRASH_EVERY", "1"))
"""Only each so many-th point, for a quicker look."""

HANDS = 2
"""How many points are tried at once: one talks to Odoo while another makes its database."""

WRITES = ("res.partner/load", "account.move/load", "account.move/action_post", "account.payment/load")
"""Calls of Odoo 19 without which a run would not be what this is about."""


class Plan:
    """Where points are tried: each on books of its own, first run made already where it is the second that is cut."""

    def __init__(self, folder: Path, series: str, forks: Forks, source: Moments, phase: Phase) -> None:
        self.folder, self.series, self.forks, self.source, self.phase = folder, series, forks, source, phase
        self.numbers = count(1)

    def attempt(self, point: Point) -> None:
        """Stop a run dead at a point, run again, and note all that is wrong then."""
        with opened(self._next(), self.series, self.source.first, self.forks, unsettle=True) as stage:
            self._prepare(stage)
            stopped = stage.fork("run", stop_at=point.number)
            if stopped.code != -9:
                point.wrong.append(f"it was not reached any more (exit {stopped.code}) {stopped.err[-300:]}")
                return
            if point.state == "deleted":
                stage.forget()
            point.wrong += made_good(stage, point)

    def counted(self) -> list[str]:
        """Run once without a stop and name the points passed."""
        with opened(self._next(), self.series, self.source.first, self.forks, unsettle=True) as stage:
            self._prepare(stage)
            file = stage.folder / "points"
            run = stage.fork("run", "--json", count=file)
            assert run.code == 0, run.out[-3000:] + run.err[-3000:]
            assert stage.wrong() == []
            return file.read_text("utf-8").splitlines()

    def _prepare(self, stage: Stage) -> None:
        if self.phase == "second":
            stage.run()
            stage.sandbox = self.source.second
            stage.configure(unsettle=True)

    def _next(self) -> Path:
        return self.folder / str(next(self.numbers))


def made_good(stage: Stage, point: Point) -> list[str]:
    """Run again until quiet, and give what is wrong all the same."""
    lost = point.state == "deleted" and point.phase == "second"
    expected = {"adopted_differs"} if lost else set()
    try:
        problems = stage.until_quiet()
    except AssertionError as error:
        return [str(error)[-600:]]
    strange = [f"a problem: {one['sentence']}" for one in problems if one["code"] not in expected]
    mails = [f"{mails} mails were made"] if (mails := stage.mails()) else []
    reconciled = stage.command("reconcile") if not problems else None
    differs = [f"reconcile: {reconciled.stdout[-300:]}"] if reconciled and reconciled.returncode else []
    return [*strange, *stage.wrong(), *stage.made_twice(), *mails, *differs]


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
    return points[:: EVERY | 1]  # an odd step, so that both states come up


@pytest.mark.timeout(3600)  # every point has a database of its own
@pytest.mark.parametrize("phase", ["first", "second"])
def test_a_run_stopped_dead_at_any_point_is_made_good_by_the_next(
    tmp_path: Path, server: str, forks: Forks, source: Moments, phase: Phase, note: Callable[[str], None]
) -> None:
    plan = Plan(tmp_path, server, forks, source, phase)
    names = plan.counted()
    if server != "14":
        assert {f"apply: sent POST /json/2/{one}" for one in WRITES} <= set(names)
    points = chosen(names, phase)
    with ThreadPoolExecutor(HANDS) as pool:
        list(pool.map(plan.attempt, points))
    wrong = [point for point in points if point.wrong]
    deleted = sum(point.state == "deleted" for point in points)
    in_apply = sum(point.in_apply for point in points)
    note(
        f"Crash points, Odoo {server}, {phase} run: {len(points)} of {len(names)} points stopped dead, {in_apply} of "
        f"them in apply, {deleted} with the state deleted; {len(wrong)} failed."
    )
    assert not wrong, "\n".join(map(str, wrong[:20]))
