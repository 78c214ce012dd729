"""What most commands begin with: find and load the settings, set up the log, open the state."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from syncd.due import Narrow
from syncd.engine import Engine
from syncd.errors import UsageError
from syncd.model import STATUSES
from syncd.progress import Progress, silent
from syncd.settings import Settings, TargetSettings, load
from syncd.state.store import Store


def settings_of(path: Path | None) -> Settings:
    """Load the settings and set up the log as they say."""
    from syncd.log import configure

    settings = load(path)
    configure(settings.log, settings.log_level, settings.secrets)
    return settings


@contextmanager
def engine(path: Path | None, *, lock: bool = True, progress: Progress = silent) -> Iterator[Engine]:
    """Open everything a command needs; SIGTERM asks it to end after the operation in flight."""
    settings = settings_of(path)
    store = Store(settings.state, lock=lock)
    stop = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: stop.set())
    try:
        yield Engine(settings, store, stop=stop, progress=progress)
    finally:
        signal.signal(signal.SIGTERM, before)
        store.close()


def targets_of(settings: Settings, names: Sequence[str]) -> list[TargetSettings]:
    """Give the named targets, or all of them."""
    unknown = [name for name in names if name not in settings.targets]
    if unknown:
        known = ", ".join(settings.targets) or "none"
        raise UsageError(f"There is no target {unknown[0]!r} in {settings.path}; its targets are: {known}.")
    return [settings.targets[name] for name in names] if names else list(settings.targets.values())


def narrowed(since: datetime | None, until: datetime | None, statuses: Sequence[str] = ()) -> Narrow:
    """Read what narrows a command to some invoices."""
    for status in statuses:
        if status not in STATUSES:
            raise UsageError(f"--status {status}: there is no such status; it is one of {', '.join(STATUSES)}.")
    if since and until and since > until:
        raise UsageError("--since lies after --until.")
    return Narrow(since.date() if since else None, until.date() if until else None, frozenset(statuses))
