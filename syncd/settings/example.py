"""``config.example.toml``, made from the schemas: descriptions as comments, defaults commented out."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import PurePath
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from syncd.durations import duration_text
from syncd.registry import Installed, installed, load
from syncd.settings.faults import secret_keys
from syncd.settings.lines import BARE
from syncd.settings.schema import SourceKeys, SyncdSection, TargetKeys

WIDTH = 100
LATER = ("taxes", "write_external_id")
"""Keys that no connector of this version has a use for, or only some: their own documentation tells them."""
HEAD = """\
# The settings of syncd. What is commented out shows the default, or an example where there is none.
#
# A text may come from elsewhere: { env = "NAME" }, { file = "PATH" }, { credential = "NAME" }
# (systemd) or { command = ["program", "argument"] } may stand for any "text",
# and for a number, true or false. These are written without quotes.
# Durations are written 90s, 5m, 24h or 1d; relative paths start at this file's folder.
"""


def example() -> str:
    """Write the example: the program, one source, and one target for each installed connector."""
    parts = [HEAD, _section("syncd", _keys(SyncdSection))]
    parts.append(_section("source.main", _keys(SourceKeys)))
    first = True
    for found in map(load, installed().values()):
        if found.status == "ready":
            parts.append(_target(found, first=first))
            first = False
        else:
            parts.append(f"# The connector {found.name} cannot be used: {found.reason}\n")
    return "\n".join(parts)


def _target(found: Installed, *, first: bool) -> str:
    """Write a target: its connector, what that needs, and (in the first) what every target may say."""
    shared = dict(_fields(TargetKeys))
    kind = shared.pop("connector")
    parts = [_key("connector", kind, shown=found.name, secret=False)]
    parts += _keys(found.connector.Settings)
    if first:
        parts += [_key(name, one, secret=False) for name, one in shared.items() if name not in LATER]
    else:
        parts.append("# And whatever the first target shows that is not of its connector alone.\n")
    return _section(f"target.{found.name}", parts)


def _section(name: str, parts: Iterable[str]) -> str:
    return f"[{name}]\n\n" + "\n".join(parts)


def _keys(model: type[BaseModel]) -> list[str]:
    secrets = secret_keys(model)
    return [_key(name, one, secret=name in secrets) for name, one in _fields(model)]


def _fields(model: type[BaseModel]) -> list[tuple[str, FieldInfo]]:
    return [(one.alias or name, one) for name, one in model.model_fields.items()]


def _key(name: str, one: FieldInfo, *, secret: bool, shown: object = None) -> str:
    """Write one key under its description; only what must be set is not commented out."""
    told = textwrap.wrap(one.description or "", WIDTH - 2)
    needed = one.is_required()
    value = _value(name, one, secret=secret) if shown is None else shown
    line = f"{toml_key(name)} = {toml(value)}"
    return "\n".join([*(f"# {text}" for text in told), line if needed else f"# {line}"]) + "\n"


def _value(name: str, one: FieldInfo, *, secret: bool) -> object:
    if one.examples:
        return one.examples[0]
    if secret:
        return {"env": name.upper()}
    default = one.get_default(call_default_factory=False)
    return "" if default is None or default is PydanticUndefined else default


def toml_key(name: str) -> str:
    """Write a key, in quotes where it needs them."""
    return name if BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def toml(value: object) -> str:
    """Write a value as TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, timedelta):
        return f'"{duration_text(value)}"'
    if isinstance(value, int | float | date):
        return str(value)
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{toml_key(str(key))} = {toml(item)}" for key, item in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list | tuple | set | frozenset):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    if isinstance(value, str | PurePath | ZoneInfo):
        return json.dumps(str(value), ensure_ascii=False)
    raise TypeError(f"a default of type {type(value).__name__} cannot be written as TOML")
