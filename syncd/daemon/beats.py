"""The beats: when a source is pulled and a target is looked at, from ``poll`` or ``cron``, with jitter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from math import inf

from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from syncd.settings import SourceSettings

DRIFT = 300.0
"""Seconds between two looks at a target that nothing woke, at least; a longer ``poll`` of its source counts."""

SHARE, MOST_JITTER = 0.1, 60.0
"""By how much of its beat, and by how many seconds at most, a job may come later, so that not all come at once."""


DAY, POLLS = 24 * 60 * 60, 6
"""A source is silent when it was not read for so many polls, and for a day; by cron lines see ``silent_after``."""


def seconds_of(source: SourceSettings) -> float:
    """Give the seconds of a source's beat; with a cron line, those of the default beat."""
    default: timedelta = SourceSettings.model_fields["poll"].default
    return (source.poll if source.cron is None else default).total_seconds()


def slack_of(source: SourceSettings) -> float:
    """Give the seconds by which a beat may come later than it is due."""
    return min(seconds_of(source) * SHARE, MOST_JITTER)


def due_after(source: SourceSettings, zone: tzinfo, moment: float) -> float | None:
    """Tell when a source pulled at a moment is due again, in seconds since 1970; ``None``: never, by its cron line."""
    if source.cron is None:
        return moment + seconds_of(source)
    later = datetime.fromtimestamp(moment, UTC) + timedelta(microseconds=1)
    fires = CronTrigger.from_crontab(source.cron, timezone=zone).get_next_fire_time(None, later)
    return None if fires is None else fires.timestamp()


def silent_after(source: SourceSettings, zone: tzinfo, moment: float) -> float:
    """Tell from when on a source that was last pulled at a moment is silent, in seconds since 1970.

    With a cron line, when it has missed two pulls and the first of them is a day ago.
    """
    if source.cron is None:
        return moment + max(POLLS * seconds_of(source), DAY)
    first = due_after(source, zone, moment)
    second = None if first is None else due_after(source, zone, first)
    return inf if first is None or second is None else max(second, first + DAY) + slack_of(source)


def beat_of(source: SourceSettings, zone: tzinfo) -> IntervalTrigger | CronTrigger:
    """Make the beat of a source; ``zone`` is that of a cron line's hours."""
    jitter = slack_of(source)
    if source.cron is None:
        return IntervalTrigger(seconds=seconds_of(source), timezone=UTC, jitter=jitter)
    made = CronTrigger.from_crontab(source.cron, timezone=zone)
    made.jitter = jitter
    return made


def drift_beat_of(source: SourceSettings, zone: tzinfo) -> IntervalTrigger | CronTrigger:
    """Make the slow beat of a target that this source feeds, on which a change made there is noticed."""
    if source.cron is not None:
        return beat_of(source, zone)
    seconds = max(seconds_of(source), DRIFT)
    return IntervalTrigger(seconds=seconds, timezone=UTC, jitter=min(seconds * SHARE, MOST_JITTER))
