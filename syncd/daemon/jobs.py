"""The jobs of the daemon, whatever they do: when they run, what ails them, and whether they are alive.

The scheduler says when; each job runs in a thread of its own and never twice at a time, so that what hangs delays
nobody else.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Container
from datetime import UTC, timedelta
from typing import Any

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, JobSubmissionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from syncd import log as logs
from syncd.engine import utc_now
from syncd.errors import SyncdError
from syncd.systemd import notify, watchdog_interval

HEARTBEAT, BEAT = "heartbeat", 30.0
"""The job that shows that the scheduler is alive, and its seconds where systemd asks for none."""

MOST_JOBS = 4096
"""Threads are made when needed; with fewer than there are jobs, one that hangs could delay another."""

LONGEST_PAUSE = 3600.0
"""Seconds after which refused credentials are tried again, at the latest."""

HUNG = 7200.0
"""Seconds without progress after which a job is beyond all its limits, and systemd may start the daemon anew."""

Work = Callable[[str], object]
Naming = Callable[[str], Any]
"""Makes the logger of a job by its name."""


class Jobs:
    """Jobs by name, each with its beat; ``stop`` keeps any more from starting."""

    def __init__(self, stop: threading.Event, logger_of: Naming) -> None:
        """Prepare; nothing runs before ``start``."""
        self.stop, self.logger_of = stop, logger_of
        self.lock = threading.Condition(threading.RLock())
        """Guards what stands below; notified when a job ends."""
        self.running: dict[str, float] = {}
        """Jobs that run, with the monotonic time of their last sign of life."""
        self.again: set[str] = set()
        """Running jobs that were woken meanwhile."""
        self.refusals: dict[str, int] = {}
        self.paused: dict[str, float] = {}
        """Jobs whose credentials were refused: how often in a row, and until which monotonic time they wait."""
        self.troubles: dict[str, str] = {}
        """What ails a job, as a sentence."""
        self.when_ended: Callable[[str], None] = lambda _job: None
        self._hung: list[str] = []
        self._here = threading.local()
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(MOST_JOBS)},
            job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None},
        )
        self._scheduler.add_listener(self._collided, EVENT_JOB_MAX_INSTANCES)
        # Beats that fall into a run are expected; a job that raises is told by itself.
        logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)

    def start(self) -> None:
        """Start the scheduler and its heartbeat, which feeds systemd's watchdog."""
        every = IntervalTrigger(seconds=watchdog_interval() or BEAT, timezone=UTC)
        self._scheduler.add_job(self._heartbeat, every, id=HEARTBEAT, next_run_time=utc_now())
        self._scheduler.start()

    def end(self, patience: float) -> list[str]:
        """Let no job begin any more and those that run finish; give those that still run after ``patience`` seconds."""
        self.keep(())
        with self.lock:
            self.stop.set()
            self.lock.wait_for(lambda: not self.running, patience)
            hanging = sorted(self.running)
        if not hanging and self._scheduler.running:
            self._scheduler.shutdown()
        return hanging

    def keep(self, wanted: Container[str]) -> None:
        """Forget all jobs but these; one that runs is not interrupted."""
        for job in self._scheduler.get_jobs():
            if job.id != HEARTBEAT and job.id not in wanted:
                with contextlib.suppress(JobLookupError):
                    job.remove()

    def put(self, job: str, work: Work, name: str, beat: Any) -> None:
        """Have a job do ``work(name)`` on its beat, in the place of one of this name."""
        self._scheduler.add_job(self._run, beat, args=(job, work, name), id=job, replace_existing=True)

    def wake(self, job: str) -> None:
        """Have a job run now, or once more if it is running."""
        with self.lock:
            if job in self.running:
                self.again.add(job)
                return
        self._at(job, 0)

    def beat(self, job: str, beat: Any) -> None:
        """Give a job this beat from now on."""
        with contextlib.suppress(JobLookupError):
            self._scheduler.reschedule_job(job, trigger=beat)

    def _at(self, job: str, seconds: float) -> None:
        with contextlib.suppress(JobLookupError):  # gone with the settings that asked for it
            self._scheduler.modify_job(job, next_run_time=utc_now() + timedelta(seconds=seconds))

    def _collided(self, event: JobSubmissionEvent) -> None:
        """A beat that falls into a run is left out; one that fell just behind its end comes a little later."""
        with self.lock:
            busy = event.job_id in self.running
        if not busy and event.job_id != HEARTBEAT:
            self._at(event.job_id, 1)

    def _run(self, job: str, work: Work, name: str) -> None:
        """Run a job, and once more if it was woken meanwhile."""
        with self.lock:
            if self.stop.is_set():
                return
            self.running[job] = time.monotonic()
        self._here.job = job
        more = True
        try:
            while more:
                self._try(job, work, name)
                with self.lock:
                    more = job in self.again and not self.stop.is_set()
                    self.again.discard(job)
                    if not more:
                        del self.running[job]
        finally:
            with self.lock:
                self.running.pop(job, None)
                self.lock.notify_all()
            self.when_ended(job)

    def _try(self, job: str, work: Work, name: str) -> None:
        """Do the work; whatever it raises, the job goes on at its next beat."""
        try:
            work(name)
        except SyncdError as error:
            self.logger_of(job).error("job.failed", error=str(error))
            self.note(job, f"{job}: {error}")
        except Exception as error:  # noqa: BLE001 - a bug in one job stops no other; it is logged with its trace
            self.logger_of(job).exception("job.broke")
            self.note(job, f"{job} failed unexpectedly ({type(error).__name__}); the log tells more.")

    def note(self, job: str, trouble: str | None) -> bool:
        """Keep what ails a job, or that nothing does; tell systemd, and tell whether it is news."""
        with self.lock:
            before = self.troubles.pop(job, None)
            if trouble is not None:
                self.troubles[job] = trouble
        if trouble == before:
            return False
        notify(f"STATUS={self.status()}")
        return True

    def status(self) -> str:
        """Say in one line how it goes, for ``systemctl status``."""
        with self.lock:
            troubles = sorted(self.troubles.values())
        return " ".join(" | ".join(troubles).split())[:500] or "Nothing stands in the way."

    def pause(self, job: str, beat: float) -> int:
        """Let a job whose credentials are refused wait, longer each time; give the seconds."""
        with self.lock:
            count = self.refusals[job] = self.refusals.get(job, 0) + 1
            seconds = max(beat, min(LONGEST_PAUSE, beat * 2.0 ** min(count, 20)))
            self.paused[job] = time.monotonic() + seconds
        self._at(job, seconds)
        return round(seconds)

    def waits(self, job: str) -> bool:
        """Tell whether a job waits because its credentials were refused."""
        with self.lock:
            return time.monotonic() < self.paused.get(job, 0)

    def answered(self, job: str) -> bool:
        """Forget refusals; tell whether there were any."""
        with self.lock:
            self.paused.pop(job, None)
            return bool(self.refusals.pop(job, 0))

    def afresh(self) -> None:
        """Forget refusals and troubles: the settings are new."""
        with self.lock:
            for kept in (self.refusals, self.paused, self.troubles):
                kept.clear()

    def show_life(self, done: int, total: int | None, what: str) -> None:
        """Note that the job of this thread gets on; an engine calls it as its progress."""
        del done, total, what
        job = getattr(self._here, "job", "")
        with self.lock:
            if job in self.running:
                self.running[job] = time.monotonic()

    def _heartbeat(self) -> None:
        """Feed the watchdog: that this runs shows that the scheduler does; but not while a job hangs for good."""
        now = time.monotonic()
        with self.lock:
            hung = sorted(job for job, seen in self.running.items() if now - seen > HUNG)
        if hung and hung != self._hung:
            logs.logger().error("job.hung", jobs=hung, seconds=HUNG)
        self._hung = hung
        if not hung:
            notify("WATCHDOG=1")
