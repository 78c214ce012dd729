"""Dates and times as a source may write them: ISO text, a time as in e-mail, or (milli)seconds since 1970.

A time with an offset, ``Z`` or ``UTC`` is what it says; one without is in UTC. A date alone is that date,
whatever the zone. Years outside of 1900 to 2999 are not understood (``0001-01-01`` stands for
"none" in some systems). Pure.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, tzinfo
from email.utils import parsedate_to_datetime

YEARS = range(1900, 3000)
EPOCH = re.compile(r"[0-9]{10}|[0-9]{13}", re.ASCII)
"""Seconds or milliseconds since 1970, as text."""

NAMES_UTC = re.compile(r" ?(?:UTC|GMT)$")

MAILED = re.compile(r"(?ai)(?:[a-z]{3}, )?\d{1,2} [a-z]{3} \d{4} \d\d:\d\d(?::\d\d)? (?:GMT|UTC?|[+-]\d{4})")
"""A time as RFC 5322 and HTTP write it, of a zone that has one meaning."""

DATE_LENGTH = 10
"""Text as long as ``2026-01-31`` or shorter is a date alone."""

MILLISECONDS_FROM = 100_000_000_000
"""Numbers from here on are milliseconds (as seconds they would lie beyond the year 5100)."""


def local_time(seconds: int) -> str:
    """Write a time in seconds since 1970 for a person, in the zone of the machine."""
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def moment_of(value: object, zone: tzinfo = UTC) -> datetime | None:
    """Read a time, aware and in UTC; a date alone is the beginning of that day in ``zone``.

    ``None`` where it is not understood.
    """
    try:
        if isinstance(value, str) and EPOCH.fullmatch(value.strip()):
            value = int(value)
        if isinstance(value, str):
            text = value.strip()
            if len(text) <= DATE_LENGTH:
                day = date.fromisoformat(text)
                moment = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
            else:
                mailed = MAILED.fullmatch(text) is not None
                moment = parsedate_to_datetime(text) if mailed else datetime.fromisoformat(_plain(text))
                moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            seconds = value if abs(value) < MILLISECONDS_FROM else value / 1000
            moment = datetime.fromtimestamp(seconds, UTC)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.year in YEARS else None


def _plain(text: str) -> str:
    """Write a time as ``fromisoformat`` reads it: RFC 3339 allows small letters, and some systems name UTC."""
    return NAMES_UTC.sub("Z", text.upper())


def day_of(value: object, zone: tzinfo) -> date | None:
    """Read a date: that of a time in ``zone``, or a date alone; ``None``: not understood."""
    if isinstance(value, str) and len(value.strip()) <= DATE_LENGTH and not EPOCH.fullmatch(value.strip()):
        try:
            day = date.fromisoformat(value.strip())
        except ValueError:
            return None
        return day if day.year in YEARS else None
    moment = value if isinstance(value, datetime) else moment_of(value, zone)
    return moment.astimezone(zone).date() if moment else None
