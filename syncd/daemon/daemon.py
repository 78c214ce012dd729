"""What the daemon's jobs do: pull a source, pass over a target, and tell how it went.

A pass over a target follows a pull of its source that ended well, as in ``syncd run``: while a source is being
pulled, cannot be read or is held, its targets are owed a pass, which they get when it is good again.
"""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace
from datetime import tzinfo
from typing import Any

import orjson
from sqlalchemy.engine import Connection

from syncd import log as logs
from syncd.daemon.beats import beat_of, drift_beat_of, seconds_of
from syncd.daemon.history import History
from syncd.daemon.jobs import Jobs
from syncd.engine import Engine, SourceRun
from syncd.errors import StateError
from syncd.problems import Finding, sentence
from syncd.settings import Settings, TargetSettings
from syncd.state import cursors, journal, problems, work
from syncd.state.store import Store
from syncd.sync import Passed, Wish
from syncd.words import counted


class Daemon:
    """Sources and targets on their beats. Jobs are named ``pull SOURCE`` and ``apply TARGET``."""

    def __init__(self, settings: Settings, store: Store) -> None:
        """Prepare; nothing runs before ``start``."""
        stop = threading.Event()
        self.jobs = Jobs(stop, bound)
        self.jobs.when_ended = self._ended
        self.engine = Engine(settings, store, stop=stop, progress=self.jobs.show_life)
        self.history = History(self.engine.now)
        self.fault: StateError | None = None
        """Why the daemon has to end by itself."""
        self._good: set[str] = set()
        """Sources whose last pull ended well, and that are not being pulled."""
        self._owed: set[str] = set()
        """Targets to pass over as soon as their source is good."""
        self._awaits: dict[str, set[str]] = {}
        """By target: jobs of older settings that may still write to its books."""
        self._zones: dict[str, tzinfo] = {}

    def start(self) -> None:
        """Begin, with a first pull of each source at once."""
        self.use(self.engine.settings)
        self.jobs.start()

    def end(self, patience: float) -> list[str]:
        """Stop; give the jobs that still hang after ``patience`` seconds."""
        return self.jobs.end(patience)

    def status(self) -> str:
        """Say in one line how it goes."""
        return self.jobs.status()

    def use(self, settings: Settings) -> None:
        """Have the jobs that these settings ask for; what runs ends with the settings it began with."""
        old, jobs = self.engine.settings, self.jobs
        engine = replace(self.engine, settings=settings)
        zones = {name: engine.zone(name) for name in settings.sources}
        self.engine = engine
        moved = {name for name in settings.targets if old.targets.get(name) != settings.targets[name]}
        with jobs.lock:
            leaving = {f"apply {name}" for name in old.targets if name in moved or name not in settings.targets}
            leaving &= jobs.running.keys()
            self._awaits = {name: leaving - {f"apply {name}"} for name in moved}
            self._good, self._owed = set(), set(settings.targets)
            self._zones = zones
        jobs.afresh()
        jobs.keep({f"pull {name}" for name in settings.sources} | {f"apply {name}" for name in settings.targets})
        for name, source in settings.sources.items():
            jobs.put(f"pull {name}", self._pull, name, beat_of(source, zones[name]))
            jobs.wake(f"pull {name}")
        for name, target in settings.targets.items():
            beat = drift_beat_of(settings.sources[target.source], zones[target.source])
            jobs.put(f"apply {name}", self._apply, name, beat)

    def _lost(self, engine: Engine) -> bool:
        """Tell whether the state was taken away under us, and then ask the daemon to end."""
        if self.fault is None:
            try:
                engine.store.stands()
            except StateError as error:
                self.fault = error
                os.kill(os.getpid(), signal.SIGTERM)
        return self.fault is not None

    def _ended(self, job: str) -> None:
        with self.jobs.lock:
            freed = [name for name, others in self._awaits.items() if job in others]
            for name in freed:
                self._awaits[name].discard(job)
        for name in freed:
            self.jobs.wake(f"apply {name}")

    # -- sources -------------------------------------------------------------------------------------------------------

    def _pull(self, name: str) -> None:
        """Pull a source, and wake its targets where something changed or waits."""
        engine = self.engine
        with self.jobs.lock:
            self._good.discard(name)
        if name not in engine.settings.sources or self._lost(engine):
            return
        went = engine.pull(name)
        if engine.stop.is_set() or self._stopped(engine, went):
            return
        with self.jobs.lock:
            if engine is self.engine:  # else the next pull, with the new settings, will tell
                self._good.add(name)
        for target in engine.settings.targets.values():
            if target.source == name and self._wanted(engine, target):
                self.jobs.wake(f"apply {target.name}")

    def _stopped(self, engine: Engine, went: SourceRun) -> bool:
        """Tell how a pull went; True when its targets get nothing to do."""
        job, log = f"pull {went.name}", bound(f"pull {went.name}")
        if went.error is not None:
            self._failed(engine, went, went.error)
            return True
        self._keep_beat(engine, went.name, back=self.jobs.answered(job))
        if went.holds:
            told = told_of(went.holds)
            if self.jobs.note(job, f"source {went.name} is held: {told}"):
                log.warning("source.held", reason=told, remedy=f"syncd release {went.name}")
            self.history.source_stopped(engine.store, went.name, 5, {"held": [one.code for one in went.holds]})
            return True
        self.history.source_well(went.name)
        if self.jobs.note(job, None):
            log.info("source.recovered")
        pulled = went.pulled
        if pulled and (pulled.new or pulled.changed or pulled.gone):
            requests = sum(pulled.requests.values())
            log.info("source.pulled", new=pulled.new, changed=pulled.changed, gone=pulled.gone, requests=requests)
        return False

    def _failed(self, engine: Engine, went: SourceRun, error: str) -> None:
        name, job, log = went.name, f"pull {went.name}", bound(f"pull {went.name}")
        if went.refused:
            wait = self.jobs.pause(job, seconds_of(engine.settings.sources[name]))
            log.warning("source.refused", error=error, again_in=wait)
            self.jobs.note(job, f"{error}; tried again in {wait} s or after a reload")
        elif self.jobs.note(job, error) or not went.waits:
            log.warning("source.failed", error=error)
        self.history.source_stopped(engine.store, name, 3, {"error": error})

    def _keep_beat(self, engine: Engine, name: str, *, back: bool) -> None:
        """Go back to the beat after a pause, or to the company's hours once its time zone is known."""
        source, zone = engine.settings.sources[name], engine.zone(name)
        moved = source.cron is not None and zone != self._zones.get(name)
        self._zones[name] = zone
        if back or moved:
            self.jobs.beat(f"pull {name}", beat_of(source, zone))
        for target in engine.settings.targets.values() if moved else ():
            if target.source == name:
                self.jobs.beat(f"apply {target.name}", drift_beat_of(source, zone))

    def _wanted(self, engine: Engine, target: TargetSettings) -> bool:
        """Tell whether a target has something to do now."""
        if self.jobs.waits(f"apply {target.name}"):
            return False
        with self.jobs.lock:
            if target.name in self._owed:
                return True
        with engine.store.read() as connection:
            return behind(connection, target)

    # -- targets -------------------------------------------------------------------------------------------------------

    def _apply(self, name: str) -> None:
        """Pass over a target if its source is good; else it is owed a pass."""
        engine = self.engine
        target = engine.settings.targets.get(name)
        if target is None or self._lost(engine):
            return
        with self.jobs.lock:
            if target.source not in self._good or self._awaits.get(name):
                self._owed.add(name)
                return
            self._owed.discard(name)
        number = self.history.begin(engine.store)
        code, passed = 3, Passed(name)
        try:
            passed = engine.sync(target, number, Wish())
            code = passed.exit_code
        finally:
            self.history.end(engine.store, number, code, passed)
        if not engine.stop.is_set():
            self._tell(engine, target, number, passed)

    def _tell(self, engine: Engine, target: TargetSettings, number: int, passed: Passed) -> None:
        """Log how a pass went, and wait with the next one where the credentials were refused."""
        job = f"apply {target.name}"
        log = bound(job).bind(run=number)
        if passed.error is not None and passed.refused:
            wait = self.jobs.pause(job, seconds_of(engine.settings.sources[target.source]))
            log.warning("target.refused", error=passed.error, again_in=wait)
            self.jobs.note(job, f"{passed.error}; tried again in {wait} s or after a reload")
            return
        if self.jobs.answered(job):
            log.info("target.recovered")
        if passed.error is not None:
            log.warning("target.failed", error=passed.error, written=passed.applied.done)
            self.jobs.note(job, passed.error)
        elif passed.holds:
            told = told_of(passed.holds)
            if self.jobs.note(job, f"target {target.name} is held: {told}"):
                log.warning("target.held", reason=told, remedy=f"syncd release {target.name}")
        else:
            done, count = passed.applied, passed.problems
            waiting = (
                f"target {target.name}: {counted(count, 'problem waits', 'problems wait')} for a person"
                if count
                else None
            )
            if self.jobs.note(job, waiting) or done.done or done.rejected or done.doubt:
                numbers = {"written": done.done, "rejected": done.rejected, "in_doubt": done.doubt}
                log.info("target.synced", **numbers, problems=count)


def bound(job: str) -> Any:
    """Make a logger that names the source or target of a job."""
    kind, _, name = job.partition(" ")
    return logs.logger(**{"source" if kind == "pull" else "target": name})


def told_of(holds: list[Finding]) -> str:
    """Put holds in one sentence after the other."""
    return " ".join(sentence(one) for one in holds)


def behind(connection: Connection, target: TargetSettings) -> bool:
    """Tell whether a target is behind its source, or has something that was left, in doubt, let pass or to retry."""
    step = orjson.loads(cursors.get(connection, f"target:{target.name}", "step") or "{}")
    return bool(
        step.get("revision") != work.revision(connection, target.source)
        or cursors.again(connection, target.name)
        or problems.listed(connection, [target.name, f"source:{target.source}"], states=("retry",))
        or journal.count_in_doubt(connection, target.name)
        or any(row.released for row in problems.holds(connection, target.name))
    )
