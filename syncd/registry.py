"""The connectors that are installed: found by entry point, imported only when the settings name them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from pydantic import BaseModel

GROUP = "syncd.connectors"
METHODS = ("open", "changes", "find", "render", "write", "close")

Status = Literal["found", "ready", "broken", "doubled"]


@dataclass(frozen=True, slots=True)
class Installed:
    """One connector: ``found`` (not imported yet), ``ready`` (``connector`` is its class), or not usable.

    ``package``: the distribution that brings it. ``reason``: a sentence, where it is not usable.
    """

    name: str
    package: str
    entry: EntryPoint
    status: Status = "found"
    connector: Any = None
    reason: str = ""


def installed() -> dict[str, Installed]:
    """Name all installed connectors, in alphabetical order, importing none."""
    found: dict[str, Installed] = {}
    entries = {(one.name, one.value, _package(one)): one for one in entry_points(group=GROUP)}
    for (name, _, package), entry in sorted(entries.items()):
        if name in found:
            both = f"{found[name].package} and {package}"
            told = f"two packages bring a connector {name}: {both}; uninstall one of them."
            found[name] = replace(found[name], status="doubled", reason=told)
        else:
            found[name] = Installed(name, package, entry)
    return found


def load(one: Installed) -> Installed:
    """Import a connector and look whether it is one; never raises, for the reason is in the answer."""
    if one.status != "found":
        return one
    try:
        connector = one.entry.load()
    except Exception as error:  # noqa: BLE001 - a stranger's module may raise anything at import
        told = f"{one.package} ({one.entry.value}) cannot be imported: {type(error).__name__}: {error}"
        return replace(one, status="broken", reason=told)
    if wrong := _wrong(connector):
        told = f"{one.package} ({one.entry.value}) {wrong}"
        return replace(one, status="broken", reason=told)
    return replace(one, status="ready", connector=connector)


def contract_fault(capabilities: object) -> str | None:
    """Say what is wrong with the contract version that capabilities declare, or ``None``."""
    from syncd.connector import CONTRACT  # noqa: PLC0415 - heavy, and only wanted with a connector

    declared = getattr(capabilities, "contract", None)
    if declared == CONTRACT:
        return None
    return f"is written for contract {declared}, this syncd speaks {CONTRACT}; update the older."


def names(found: Mapping[str, Installed]) -> str:
    """List the connectors for a sentence."""
    return ", ".join(found) or "none"


def _wrong(connector: Any) -> str | None:
    if not isinstance(connector, type):
        return "is no connector: the entry point must lead to a class."
    settings = getattr(connector, "Settings", None)
    if not (isinstance(settings, type) and issubclass(settings, BaseModel)):
        return "is no connector: its class needs Settings, a pydantic model."
    if lacking := [name for name in METHODS if not callable(getattr(connector, name, None))]:
        return f"is no connector: it lacks {', '.join(lacking)}."
    declared = getattr(connector, "capabilities", None)
    return contract_fault(declared) if hasattr(declared, "contract") else None


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else "an unknown package"
