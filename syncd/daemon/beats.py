"""The beats: when a source is pulled and a target is looked at, from ``poll`` or ``cron``, with jitter."""

from __future__ import annotations

from datetime import UTC, timedelta, tzinfo

from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from syncd.settings import SourceSettings

DRIFT = 300.0
"""Seconds between two looks at a target that nothing woke, at least; a longer ``poll`` of its source counts."""

SHARE, MOST_JITTER = 0.1, 60.0
"""By how much of its beat, and by how many seconds at most, a job may come later, so that not all come at once."""


def seconds_of(source: SourceSettings) -> float:
    """Give the seconds of a source's beat; with a cron line, those of the default beat."""
    default: timedelta = SourceSettings.model_fields["poll"].default
    return (source.poll if source.cron is None else default).total_seconds()


def beat_of(source: SourceSettings, zone: tzinfo) -> IntervalTrigger | CronTrigger:
    """Make the beat of a source; ``zone`` is that of a cron line's hours."""
    seconds = seconds_of(source)
    jitter = min(seconds * SHARE, MOST_JITTER)
    if source.cron is None:
        return IntervalTrigger(seconds=seconds, timezone=UTC, jitter=jitter)
    made = CronTrigger.from_crontab(source.cron, timezone=zone)
    made.jitter = jitter
    return made


def drift_beat_of(source: SourceSettings, zone: tzinfo) -> IntervalTrigger | CronTrigger:
    """Make the slow beat of a target that this source feeds, on which a change made there is noticed."""
    if source.cron is not None:
        return beat_of(source, zone)
    seconds = max(seconds_of(source), DRIFT)
    return IntervalTrigger(seconds=seconds, timezone=UTC, jitter=min(seconds * SHARE, MOST_JITTER))
