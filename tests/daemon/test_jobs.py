"""The jobs themselves, whatever they do: none twice at a time, none lost, none that takes others down."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
import structlog
from apscheduler.triggers.interval import IntervalTrigger

from syncd.daemon import jobs as module
from syncd.daemon.beats import beat_of, drift_beat_of, due_after, silent_after
from syncd.daemon.jobs import Jobs
from syncd.errors import Unreachable
from syncd.secret import Secret
from syncd.settings import SourceSettings
from tests.daemon.process import Systemd, until

SELDOM = IntervalTrigger(hours=1, timezone=UTC)


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    made = Jobs(threading.Event(), lambda job: structlog.get_logger().bind(job=job))
    made.start()
    yield made
    made.end(10)


def source(**keys: object) -> SourceSettings:
    return SourceSettings.model_validate({"name": "main", "api_key": Secret("ffk_made_up"), **keys})


def test_a_job_woken_while_it_runs_runs_once_more_and_never_beside_itself(jobs: Jobs) -> None:
    go, calls, beside = threading.Event(), [0, 0], []

    def work(_name: str) -> None:
        calls[0] += 1
        calls[1] += 1
        beside.append(calls[1])
        go.wait(10)
        calls[1] -= 1

    jobs.put("pull main", work, "main", SELDOM)
    jobs.wake("pull main")
    until(lambda: calls[0] == 1)
    for _ in range(5):
        jobs.wake("pull main")
    go.set()
    until(lambda: not jobs.running)
    assert calls == [2, 0]
    assert set(beside) == {1}


def test_a_job_woken_the_moment_it_ends_runs_all_the_same(jobs: Jobs) -> None:
    seen = list[str]()
    jobs.put("pull main", seen.append, "main", SELDOM)

    def reached(number: int) -> bool:
        return len(seen) >= number

    for number in range(1, 20):
        jobs.wake("pull main")
        until(partial(reached, number))
    assert len(seen) == 19


def test_a_bug_in_a_job_is_logged_with_its_trace_and_the_job_goes_on(
    jobs: Jobs, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[str] = []

    def work(name: str) -> None:
        calls.append(name)
        if len(calls) == 1:
            raise ZeroDivisionError
        if len(calls) == 2:
            raise Unreachable("source main: no answer in time")

    with caplog.at_level(logging.INFO):
        jobs.put("pull main", work, "main", IntervalTrigger(seconds=1, timezone=UTC))
        until(lambda: len(calls) >= 2 and "no answer" in jobs.status())
        until(lambda: len(calls) >= 3)
    assert "APScheduler" not in caplog.text


def test_one_job_that_hangs_does_not_keep_others_from_running(jobs: Jobs) -> None:
    go, seen = threading.Event(), list[str]()
    for number in range(30):
        jobs.put(f"apply {number}", lambda _name: go.wait(20), "", SELDOM)
        jobs.wake(f"apply {number}")
    jobs.put("pull main", seen.append, "main", SELDOM)
    jobs.wake("pull main")
    until(lambda: seen)
    go.set()


def test_after_the_end_was_asked_for_nothing_begins_and_what_hangs_is_named(jobs: Jobs) -> None:
    go, seen = threading.Event(), list[str]()
    jobs.put("apply books", lambda _name: go.wait(20), "books", SELDOM)
    jobs.put("pull main", seen.append, "main", SELDOM)
    jobs.wake("apply books")
    until(lambda: jobs.running)
    assert jobs.end(0.1) == ["apply books"]
    jobs.wake("pull main")
    go.set()
    assert jobs.end(10) == []
    assert seen == []


def test_the_watchdog_is_not_fed_while_a_job_hangs_beyond_all_limits(
    systemd: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", f"@{systemd.name}")
    monkeypatch.setenv("WATCHDOG_USEC", "200000")
    jobs, go = Jobs(threading.Event(), lambda job: structlog.get_logger().bind(job=job)), threading.Event()
    jobs.start()
    until(lambda: systemd.heard_of("WATCHDOG=1"))
    monkeypatch.setattr(module, "HUNG", 0.5)
    progress = threading.Event()

    def work(_name: str) -> None:
        while not progress.wait(0.05):
            jobs.show_life(1, None, "pages")
        go.wait(20)

    jobs.put("apply books", work, "books", SELDOM)
    jobs.wake("apply books")
    before = len(systemd.heard)
    until(lambda: len(systemd.heard) >= before + 10)  # longer than it may hang: but it gets on
    progress.set()
    began = time.monotonic()
    until(lambda: jobs._hung == ["apply books"])
    silent = len(systemd.heard)
    until(lambda: time.monotonic() > began + 1.5)
    assert len(systemd.heard) == silent
    go.set()
    until(lambda: len(systemd.heard) > silent)
    assert jobs.end(10) == []


def test_refused_credentials_wait_longer_each_time_and_at_most_an_hour(jobs: Jobs) -> None:
    jobs.put("pull main", lambda _name: None, "main", SELDOM)
    waits = [jobs.pause("pull main", 300.0) for _ in range(6)]
    assert waits == [600, 1200, 2400, 3600, 3600, 3600]
    assert jobs.waits("pull main")
    assert jobs.answered("pull main")
    assert not jobs.waits("pull main")
    assert not jobs.answered("pull main")
    assert jobs.pause("pull main", 86_400.0) == 86_400


def test_a_beat_comes_a_tenth_later_at_most() -> None:
    now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    gaps = {beat_of(source(poll="100s"), UTC).get_next_fire_time(now, now) - now for _ in range(50)}
    assert len(gaps) > 10
    assert timedelta(seconds=100) <= min(gaps) <= max(gaps) <= timedelta(seconds=110)
    daily = beat_of(source(poll="24h"), UTC)
    assert daily.get_next_fire_time(now, now) - now <= timedelta(hours=24, seconds=60)


def test_a_cron_line_means_hours_of_the_company() -> None:
    beat = beat_of(source(cron="0 7 * * mon-fri"), ZoneInfo("Europe/Oslo"))
    saturday = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
    monday = beat.get_next_fire_time(None, saturday)
    seven = datetime(2026, 3, 30, 5, 0, tzinfo=UTC)  # summer time began on Sunday
    assert timedelta(0) <= monday - seven <= timedelta(seconds=30)


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_a_source_is_due_a_beat_after_it_was_pulled_or_when_its_cron_line_fires_next() -> None:
    oslo, pulled = ZoneInfo("Europe/Oslo"), at("2026-03-23T06:00:00+01:00")  # a Monday
    assert due_after(source(poll="2h"), oslo, pulled) == at("2026-03-23T08:00:00+01:00")
    weekly = source(cron="0 6 * * mon")
    assert due_after(weekly, oslo, pulled) == at("2026-03-30T06:00:00+02:00")  # summer time began
    assert due_after(weekly, oslo, pulled - 1) == pulled


@pytest.mark.parametrize(
    ("keys", "quiet"),
    [
        ({"poll": "5m"}, timedelta(days=1)),
        ({"poll": "12h"}, timedelta(days=3)),
        ({"cron": "0 6 * * mon"}, timedelta(days=14)),
        ({"cron": "0 6 * * *"}, timedelta(days=2)),
        ({"cron": "*/5 * * * *"}, timedelta(days=1, minutes=5)),
        ({"cron": "*/5 6 * * mon-fri"}, timedelta(days=1, minutes=5)),
    ],
)
def test_a_source_is_silent_once_it_missed_two_pulls_of_its_cron_line_or_six_polls_but_not_within_a_day(
    keys: dict[str, str], quiet: timedelta
) -> None:
    pulled = at("2026-06-01T06:00:00+00:00")  # a Monday
    after = silent_after(source(**keys), UTC, pulled)
    assert timedelta(0) <= timedelta(seconds=after - pulled) - quiet <= timedelta(seconds=30)


def test_a_target_is_looked_at_seldom_when_nothing_wakes_it() -> None:
    now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    quick = drift_beat_of(source(poll="10s"), UTC)
    assert quick.get_next_fire_time(now, now) - now >= timedelta(minutes=5)
    slow = drift_beat_of(source(poll="2h"), UTC)
    assert slow.get_next_fire_time(now, now) - now >= timedelta(hours=2)
