"""The time zone in which the dates of a source are days: that of the settings, else the company's, else UTC.

The company's is the last one that its profile named and that is understood: a profile that answers badly, or forgets
its zone, moves no date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy.engine import Connection

from syncd.problems import Finding
from syncd.readers import cut
from syncd.settings import SourceSettings
from syncd.state import cursors

Origin = Literal["settings", "profile", "default"]

NAMED_BY: Mapping[Origin, str] = {
    "settings": "`timezone` of the source",
    "profile": "the company's profile in FastFaktura",
    "default": "neither the settings nor the company's profile name another",
}


@dataclass(frozen=True, slots=True)
class Zone:
    """The zone in force, and who names it."""

    zone: ZoneInfo
    origin: Origin

    def __str__(self) -> str:
        """Tell it to a person."""
        return f"{self.zone.key} ({NAMED_BY[self.origin]})"


def zone_of(connection: Connection, source: SourceSettings) -> Zone:
    """Read which zone is in force."""
    kept: dict[str, Any] = orjson.loads(cursors.get(connection, f"source:{source.name}", "business") or "{}")
    return in_force(source, _understood(kept.get("timezone")))


def in_force(source: SourceSettings, company: ZoneInfo | None = None) -> Zone:
    """Choose the zone; ``company``: what the profile is known to name."""
    if source.timezone is not None:
        return Zone(source.timezone, "settings")
    return Zone(company, "profile") if company else Zone(ZoneInfo("UTC"), "default")


def keep(connection: Connection, name: str, zone: Zone) -> None:
    """Keep the zone that the profile of a source names."""
    if zone.origin == "profile":
        cursors.put(connection, f"source:{name}", "business", orjson.dumps({"timezone": zone.zone.key}).decode())


def judge(name: str, profile: Mapping[str, Any] | None, before: Zone) -> tuple[Zone, Finding | None]:
    """Say which zone a profile just read (``None``: it could not be) asks for, and what there is to tell about it.

    A zone that is another than the one named before would move dates that stand already: a person lets that pass.
    """
    told = None if profile is None else profile.get("timezone")
    if before.origin == "settings":
        return before, None
    if (named := _understood(told)) is not None:
        moved = before.origin == "profile" and before.zone.key != named.key
        shown = {"before": before.zone.key, "now": named.key}
        return Zone(named, "profile"), Finding("zone_changed", "hold", "", shown) if moved else None
    if profile is not None and not told and before.origin == "default":
        return before, None
    found = "it could not be read" if profile is None else f"it says {cut(str(told)) if told else 'nothing'}"
    return before, Finding("zone_unclear", "source", name, {"found": found, "zone": before.zone.key}, at_source=True)


def _understood(name: object) -> ZoneInfo | None:
    try:
        return ZoneInfo(name.strip()) if isinstance(name, str) else None
    except (KeyError, ValueError, OSError):  # a KeyError: there is no such zone
        return None
