"""The settings as they are in effect, with every secret masked: for ``check`` and for ``--json``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, SecretStr

from syncd.durations import duration_text
from syncd.settings.load import Settings
from syncd.settings.schema import TargetSettings

MASK = "***"


def describe(settings: Settings) -> dict[str, Any]:
    """Give the settings in effect, defaults included, as a JSON document in the order of the schemas."""
    return {
        "path": str(settings.path),
        "syncd": {
            "state": settings.state,
            "log": settings.log,
            "log_level": settings.log_level,
        },
        "source": {name: _section(source) for name, source in settings.sources.items()},
        "target": {name: _target(target) for name, target in settings.targets.items()},
    }


def _target(target: TargetSettings) -> dict[str, Any]:
    shown = _section(target, without=("name", "connector", "connector_name", "connector_settings"))
    own = _section(target.connector_settings, without=())
    return {"connector": target.connector_name, **shown, **own}


def _section(model: BaseModel, without: tuple[str, ...] = ("name",)) -> dict[str, Any]:
    fields = type(model).model_fields
    return {name: _shown(getattr(model, name)) for name in fields if name not in without}


def _shown(value: object) -> Any:
    match value:
        case SecretStr():
            shown: Any = MASK
        case BaseModel():
            shown = _section(value, without=())
        case Mapping():
            shown = {str(key): _shown(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            shown = [_shown(item) for item in value]
        case timedelta():
            shown = duration_text(value)
        case None | str() | int() | float():
            shown = value
        case _:
            shown = str(value)
    return shown
