"""Places to try one fault after another in: each on the books as they were before the run that it strikes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from syncd.sandbox.server import Sandbox
from tests.crash.forks import Forks
from tests.odoo import place
from tests.odoo.stage import Moments, Phase, Stage, State

Fault = TypeVar("Fault")
Result = TypeVar("Result")

EVERY = int(os.environ.get("CRASH_EVERY", "1"))
"""Only each so many-th fault is tried, for a quicker look."""

QUICK = EVERY > 20
"""For a quick look of some minutes, other faults are tried less often, too."""

HANDS = 2
"""How many faults are tried at once: one waits for Odoo, or for time to pass, while another works."""

LOST = "adopted_differs"
"""The problem that a lost state leaves where texts changed at the source meanwhile."""


class Slot:
    """A stage whose books and state can be put back as they were before the run."""

    def __init__(self, folder: Path, series: str, forks: Forks, source: Moments, phase: Phase, **settings: Any) -> None:
        """Make the books: empty, or as the first run left them."""
        self.phase, self._before, self._settings = phase, folder / "before", settings
        self.place = place.fresh(series)
        self.stage = Stage(folder, source.first, self.place, forks, **settings)
        self._before.mkdir()
        if phase == "second":
            self.stage.run()
            self.stage.sandbox = source.second
            shutil.copy(folder / "state.db", self._before)
        place.keep(self.place)

    def again(self, url: str | None = None, sandbox: Sandbox | None = None) -> Stage:
        """Put everything back; ``url``: what stands before Odoo; ``sandbox``: another with the same account."""
        self.stage.sandbox = sandbox or self.stage.sandbox
        self.stage.forget()
        shutil.copytree(self._before, self.stage.folder, dirs_exist_ok=True)
        place.put_back(self.place)
        self.configure(url)
        return self.stage

    def configure(self, url: str | None) -> None:
        """Write the settings, with another address of Odoo."""
        self.stage.configure(url, **self._settings)

    def wrong(self, state: State) -> list[str]:
        """Run until it is quiet after a fault, the state ``kept`` or ``deleted``; say what is wrong all the same."""
        stage, expected = self.stage, set[str]()
        if state == "deleted":
            stage.forget()
            expected = {LOST} if self.phase == "second" else expected
        try:
            problems = stage.until_quiet()
        except AssertionError as error:
            return [str(error)[-600:]]
        strange = [f"a problem: {one['sentence']}" for one in problems if one["code"] not in expected]
        mails = [f"{mails} mails were made"] if (mails := stage.mails()) else []
        reconciled = None if problems else stage.command("reconcile")
        differs = [f"reconcile: {reconciled.stdout[-300:]}"] if reconciled and reconciled.returncode else []
        return [*strange, *stage.wrong(), *stage.made_twice(), *mails, *differs]

    def close(self) -> None:
        """Drop the books."""
        place.drop(self.place)


class Slots:
    """As many slots as there are hands, lent to whoever tries a fault."""

    def __init__(self, phase: Phase) -> None:
        """Begin with none."""
        self.phase = phase
        self._free: SimpleQueue[Slot] = SimpleQueue()

    def add(self, slot: Slot) -> None:
        """Have one more to lend."""
        self._free.put(slot)

    def each(self, attempt: Callable[[Slot, Fault], Result], faults: Sequence[Fault]) -> list[Result]:
        """Try faults, several at once; give the results in their order."""

        def one(fault: Fault) -> Result:
            slot = self._free.get()
            try:
                return attempt(slot, fault)
            finally:
                self._free.put(slot)

        with ThreadPoolExecutor(HANDS) as pool:
            return list(pool.map(one, faults))


@contextmanager
def slots(folder: Path, series: str, forks: Forks, source: Moments, phase: Phase, **settings: Any) -> Iterator[Slots]:
    """Make slots, and drop their books in the end; ``settings`` of the target."""
    made = Slots(phase)
    with ExitStack() as stack:
        for number in range(HANDS):
            slot = Slot(folder / str(number), series, forks, source, phase, **settings)
            stack.callback(slot.close)
            made.add(slot)
        yield made
