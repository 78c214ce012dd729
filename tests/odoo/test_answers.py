"""Answers lost between Odoo and syncd: Odoo has done it and syncd does not know; still each thing stands once."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.crash.forks import Forks
from tests.odoo.proxy import Proxy
from tests.odoo.stage import Moments, Phase, Stage, State, opened

STATES = pytest.mark.parametrize("state", ["kept", "deleted"])
PHASES = pytest.mark.parametrize("phase", ["first", "second"])
LOST = "adopted_differs"
"""The problem that a lost state leaves where texts changed at the source meanwhile."""


class Play:
    """One run with a fault in it, on books of its own, and what is wrong after it was made good."""

    def __init__(self, folder: Path, series: str, forks: Forks, source: Moments, phase: Phase) -> None:
        self.folder, self.series, self.forks, self.source, self.phase = folder, series, forks, source, phase
        self.numbers = count(1)

    def act(self, state: State, **fault: Any) -> tuple[list[str], list[str]]:
        """Run with a fault, then until quiet: the names of the calls it struck, and what is wrong in the end."""
        folder = self.folder / str(next(self.numbers))
        own = opened(folder, self.series, self.source.first, self.forks, unsettle=True)
        with own as stage, Proxy(stage.place.url) as proxy:
            stage.configure(proxy.url, unsettle=True)
            if self.phase == "second":
                stage.run()
                stage.sandbox = self.source.second
                stage.configure(proxy.url, unsettle=True)
            proxy.reset(**fault)
            stage.run(code=None)
            struck = list(proxy.lost)
            proxy.reset()
            if state == "deleted":
                stage.forget()
            return struck, self.wrong(stage, state)

    def wrong(self, stage: Stage, state: State) -> list[str]:
        expected = {LOST} if (self.phase, state) == ("second", "deleted") else set()
        problems = [one["sentence"] for one in stage.until_quiet() if one["code"] not in expected]
        mails = [f"{mails} mails were made"] if (mails := stage.mails()) else []
        return [*problems, *stage.wrong(), *stage.made_twice(), *mails]


@STATES
@PHASES
def test_each_answer_that_is_lost_in_turn_is_made_good(
    tmp_path: Path,
    server: str,
    forks: Forks,
    source: Moments,
    phase: Phase,
    state: State,
    note: Callable[[str], None],
) -> None:
    play = Play(tmp_path, server, forks, source, phase)
    failed, tried = [], []
    for number in count(1):
        struck, wrong = play.act(state, lose=number)
        if not struck:
            break
        tried.append(struck[0])
        failed += [f"answer {number} ({struck[0]}): {what}" for what in wrong]
    note(f"Answers lost, Odoo {server}, {phase} run, state {state}: {len(tried)} ({', '.join(tried)})")
    assert len(tried) > 5
    assert not failed, "\n".join(failed)


@PHASES
def test_many_answers_lost_in_one_run_are_made_good(
    tmp_path: Path, server: str, forks: Forks, source: Moments, phase: Phase
) -> None:
    play = Play(tmp_path, server, forks, source, phase)
    for every in (2, 3):
        struck, wrong = play.act("kept", lose_every=every)
        assert struck
        assert wrong == []


def test_a_connection_cut_before_odoo_saw_the_call_is_made_good(
    tmp_path: Path, server: str, forks: Forks, source: Moments
) -> None:
    play = Play(tmp_path, server, forks, source, "second")
    failed = []
    for number in count(1):
        struck, wrong = play.act("kept", cut=number)
        if not struck:
            break
        failed += [f"call {number} ({struck[0]}): {what}" for what in wrong]
    assert not failed, "\n".join(failed)


def test_slow_answers_change_nothing(tmp_path: Path, server: str, forks: Forks, source: Moments) -> None:
    play = Play(tmp_path, server, forks, source, "first")
    assert play.act("kept", delay=0.3) == ([], [])
