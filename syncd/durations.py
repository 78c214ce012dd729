"""Durations as people write them: ``90s``, ``5m``, ``24h``, ``1d``, ``1h30m``. Pure."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

_FORM = re.compile(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,8})s)?")


def duration(text: str) -> timedelta | None:
    """Read a duration, or ``None`` where it is none or takes no time at all."""
    form = _FORM.fullmatch(text.strip())
    if form is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in form.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds) or None


def duration_text(value: timedelta) -> str:
    """Write a duration in the largest unit that says it exactly: ``24h`` stays ``24h`` up to two days."""
    seconds = int(value.total_seconds())
    if seconds >= 172_800 and seconds % 86_400 == 0:
        return f"{seconds // 86_400}d"
    for size, unit in ((3600, "h"), (60, "m")):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _setting(value: object) -> timedelta:
    if isinstance(value, timedelta) and value > timedelta(0):
        return value
    read = duration(value) if isinstance(value, str) else None
    if read is None:
        raise ValueError('should be a duration, such as "90s", "5m", "24h" or "1d"')
    return read


Duration = Annotated[timedelta, BeforeValidator(_setting), PlainSerializer(duration_text)]
"""A setting that is a duration."""
