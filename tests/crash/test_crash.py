"""Stopped dead at every point and run again, state kept or deleted: nothing is lost, nothing is there twice."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import httpx
import pytest

from syncd.sandbox.account import Account
from syncd.sandbox.options import Options
from syncd.sandbox.server import Sandbox
from tests.crash import scenario
from tests.crash.forks import Forks
from tests.crash.slots import KEY, Kind, Phase, Point, Slot, Source, State, counted, kept_after_first
from tests.hostile.fixtures import installed

EVERY = int(os.environ.get("CRASH_EVERY", "1"))
"""Only each so many-th point, for a quicker look; ``make test-crash`` tries them all."""

KINDS: tuple[Kind, ...] = ("csv", "keyless", "keyed")

HANDS = {"csv": 2, "keyed": 2, "keyless": 6}
"""How many points are tried at once; without keys, most of the time is spent waiting for what may be under way."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("crash")


@pytest.fixture(scope="module")
def forks(folder: Path) -> Iterator[Forks]:
    with Forks(folder, installed(folder / "installed") | {KEY: "ffk_sandbox"}) as running:
        yield running


@pytest.fixture(scope="module")
def source() -> Iterator[Source]:
    with served(scenario.first()) as first, served(scenario.later()) as later:
        servers: dict[Phase, Sandbox] = {"first": first, "second": later}
        dumps = {phase: httpx.get(f"{one.root}/_sandbox/dump").json() for phase, one in servers.items()}
        yield Source(servers, dumps)


def served(account: Account) -> Sandbox:
    """Serve an account with paging information, so that no request is spent on an empty page."""
    return Sandbox(Options(envelope="data", paging="meta"), account)


@pytest.mark.timeout(1800)  # a busy machine is no failure
@pytest.mark.parametrize("phase", ["first", "second"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_stopped_dead_at_any_point_is_made_good_by_the_next(
    folder: Path, forks: Forks, source: Source, kind: Kind, phase: Phase, note: Callable[[str], None]
) -> None:
    here = folder / f"{kind}-{phase}"
    slots = [Slot(here / str(number), kind, forks, source) for number in range(HANDS[kind])]
    try:
        before = kept_after_first(slots[0], here / "kept") if phase == "second" else None
        points = points_of(counted(slots[0], phase, before), kind, phase)[:: EVERY | 1]  # odd: both states come up
        try_all(points, slots, before)
    finally:
        for slot in slots:
            slot.close()
    wrong = [point for point in points if point.wrong]
    note(sentence(kind, phase, points))
    assert not wrong, "\n".join(map(str, wrong[:20]))


@pytest.mark.timeout(600)
def test_there_are_hundreds_of_points_and_more_than_half_of_them_lie_in_apply(
    folder: Path, forks: Forks, source: Source, note: Callable[[str], None]
) -> None:
    runs, points = 0, dict[tuple[Kind, Phase, int], Point]()
    for kind in KINDS:
        here = folder / f"{kind}-counted"
        slot = Slot(here / "0", kind, forks, source)
        try:
            tried = points_of(counted(slot, "first", None), kind, "first")
            before = kept_after_first(slot, here / "kept")
            tried += points_of(counted(slot, "second", before), kind, "second")
        finally:
            slot.close()
        runs += len(tried)
        points |= {(kind, point.phase, point.number): point for point in tried}
    in_apply = sum(point.in_apply for point in points.values())
    note(f"Crash points there are: {len(points)}, {in_apply} of them in apply; {runs} runs, the state kept or deleted.")
    assert len(points) >= 300
    assert in_apply * 2 >= len(points)


def points_of(names: list[str], kind: Kind, phase: Phase) -> list[Point]:
    """Every point with the state kept; with the state deleted those after the first word to the target.

    What was stopped before that left nothing but its state, so with that deleted they are all alike: one will do.
    Pulling is the same whatever the target, and its points are tried with one of them.
    """
    points = []
    for number, name in enumerate(names, 1):
        states: tuple[State, ...] = ("kept", "deleted") if name.startswith("apply:") or number == 1 else ("kept",)
        if kind == "csv" or not name.startswith("pull:"):
            points += [Point(number, name, phase, state) for state in states]
    return points


def try_all(points: list[Point], slots: list[Slot], before: Path | None) -> None:
    """Try points, as many at once as there are slots."""
    free: SimpleQueue[Slot] = SimpleQueue()
    for slot in slots:
        free.put(slot)

    def attempt(point: Point) -> None:
        slot = free.get()
        try:
            slot.try_point(point, before)
        finally:
            free.put(slot)

    with ThreadPoolExecutor(len(slots)) as pool:
        list(pool.map(attempt, points))


def sentence(kind: Kind, phase: Phase, points: list[Point]) -> str:
    """Count what was tried and what went wrong."""
    failed = sum(bool(point.wrong) for point in points)
    in_apply = sum(point.in_apply for point in points)
    deleted = sum(point.state == "deleted" for point in points)
    ledger = {"csv": "CSV ledger", "keyless": "hostile ledger without keys", "keyed": "hostile ledger with keys"}[kind]
    return (
        f"Crash points, {ledger}, {phase} run: {len(points)} runs stopped dead, {in_apply} of them in apply, "
        f"{deleted} with the state deleted; {failed} failed."
    )
