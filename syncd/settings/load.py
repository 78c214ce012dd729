"""Reading of the settings file: TOML becomes frozen values, or one error with every fault in it."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, SecretStr, ValidationError

from syncd.errors import SettingsError
from syncd.registry import Installed, installed, names
from syncd.registry import load as load_connector
from syncd.settings import rules
from syncd.settings.faults import Faults, did_you_mean, keys
from syncd.settings.lines import Path as KeyPath
from syncd.settings.lines import key_lines
from syncd.settings.schema import (
    Section,
    SourceKeys,
    SourceSettings,
    SyncdSection,
    TargetKeys,
    TargetSettings,
)
from syncd.settings.values import Unavailable, fetch, reference

SECTIONS = {"syncd": "[syncd]", "source": "[source.NAME]", "target": "[target.NAME]"}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the settings file says. ``state`` is a SQLAlchemy URL; ``path`` the file it came from."""

    state: str
    log: Literal["auto", "console", "json"]
    log_level: Literal["debug", "info", "warning", "error"]
    sources: Mapping[str, SourceSettings]
    targets: Mapping[str, TargetSettings]
    path: Path

    @property
    def folder(self) -> Path:
        """Where relative paths of the settings start."""
        return self.path.parent

    @property
    def secrets(self) -> tuple[str, ...]:
        """Reveal every secret there is, for the log to mask."""
        models: list[BaseModel] = [*self.sources.values()]
        models += [target.connector_settings for target in self.targets.values()]
        return tuple(secret for model in models for secret in secrets_of(model))


def secrets_of(value: object) -> list[str]:
    """Reveal the secrets within a value."""
    if isinstance(value, SecretStr):
        return [value.get_secret_value()]
    if isinstance(value, BaseModel):
        value = {name: getattr(value, name) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return [secret for item in value for secret in secrets_of(item)]
    return []


@dataclass(slots=True)
class Reading:
    """A settings file being read: ``tree`` with texts fetched, ``written`` as it stands there.

    ``lost``: the keys whose text could not be had.
    """

    path: Path
    tree: dict[str, Any]
    faults: Faults
    environment: Mapping[str, str]
    connectors: dict[str, Installed]
    written: dict[str, Any]
    lost: set[KeyPath] = field(default_factory=set)


def find(given: Path | str | None = None, environment: Mapping[str, str] = os.environ) -> Path:
    """Find the settings file: the given one, $SYNCD_CONFIG, or the first of the usual places."""
    named = given or environment.get("SYNCD_CONFIG")
    if named:
        path = Path(named).expanduser()
        if not path.is_file():
            raise SettingsError([f"{path}: there is no such settings file."])
        return path
    home = environment.get("XDG_CONFIG_HOME") or "~/.config"
    usual = ("syncd.toml", f"{home}/syncd/config.toml", "/etc/syncd/config.toml")
    for place in usual:
        path = Path(place).expanduser()
        if path.is_file():
            return path
    raise SettingsError([f"There is no settings file: looked for {', '.join(usual)}; name one with -c FILE."])


def load(given: Path | str | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read and check the settings; raise ``SettingsError`` with every fault, each as ``file:line: …``."""
    path = find(given, environment)
    text, tree = _parsed(path)
    faults = Faults(str(path), key_lines(text))
    rules.sections(tree, faults, SECTIONS, NAME)
    reading = Reading(path.absolute(), tree, faults, environment, installed(), deepcopy(tree))
    rules.safe_file(reading.path, reading.written, faults)
    _fetch_texts(reading)
    program = _program(reading)
    sources = _sources(reading)
    targets = _targets(reading, list(reading.tree.get("source", {})))
    rules.literal_secrets(reading.path, reading.written, faults, rules.secrets_in(reading.tree, reading.connectors))
    rules.encrypted(reading.tree, faults)
    rules.not_yet(targets, faults)
    rules.places(targets, reading.path.parent, faults)
    faults.check()
    if program is None:
        raise AssertionError("settings without a fault are settings")
    state = _absolute(program.state, reading.path.parent)
    return Settings(state, program.log, program.log_level, sources, targets, reading.path)


def _parsed(path: Path) -> tuple[str, dict[str, Any]]:
    text = ""
    try:
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
        return text, tomllib.loads(text)
    except OSError as error:
        raise SettingsError([f"{path}: cannot be read: {error.strerror}."]) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SettingsError([f"{path}:{line}: this is not UTF-8 text; save it as UTF-8."]) from None
    except tomllib.TOMLDecodeError as error:
        place = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", str(error))
        line = int(place[1]) if place and place[1] else text.count("\n") + 1
        told = str(error)[: place.start()] if place else str(error)
        column = f" (column {place[2]})" if place and place[2] else ""
        hint = "a value is text in quotes, a number, true, false, a date, a list or a table"
        told = f"{told}; {hint}" if told == "Invalid value" else told
        raise SettingsError([f"{path}:{line}: this is not TOML: {told}{column}."]) from None


def _absolute(state: str, folder: Path) -> str:
    return f"sqlite:///{folder / Path(state.removeprefix('sqlite:///')).expanduser()}"


def _fetch_texts(reading: Reading) -> None:
    """Put in the texts that come from elsewhere; what cannot be had is a fault, and its key is lost."""
    for name in SECTIONS:
        sections = reading.tree.get(name, {})
        if name == "syncd":
            _fill(reading, ("syncd",), sections)
        else:
            for key, section in sections.items():
                _fill(reading, (name, key), section)


def _fill(reading: Reading, path: KeyPath, held: dict[Any, Any] | list[Any]) -> None:
    for key, value in list(held.items() if isinstance(held, dict) else enumerate(held)):
        here = (*path, key)
        asked = reference(value)
        if asked is None:
            if isinstance(value, dict | list):
                _fill(reading, here, value)
            continue
        if asked[0] == "command" and not rules.may_run(reading.path):
            reading.lost.add(here)
            continue
        try:
            held[key] = fetch(*asked, reading.path.parent, reading.environment)
            reading.faults.secrets.add(held[key])
        except Unavailable as error:
            reading.faults.add(here, f"{error}.")
            reading.lost.add(here)


def _validated(reading: Reading, path: KeyPath, model: type[BaseModel], raw: dict[str, Any], known: list[str]) -> Any:
    """Make a schema's value, or keep its faults and give ``None``; a lost key is not blamed twice."""
    lost = {key[len(path)] for key in reading.lost if key[: len(path)] == path}
    try:
        value = model.model_validate({key: item for key, item in raw.items() if key not in lost})
    except ValidationError as error:
        kept = [
            one
            for one in error.errors(include_url=False)
            if not (one["type"] == "missing" and one["loc"] and one["loc"][0] in lost)
        ]
        if kept:
            reading.faults.explain(path, kept, model, known)
        return None
    except Exception as error:  # noqa: BLE001 - a connector's validator may raise anything
        reading.faults.add(path, f"cannot be checked: {type(error).__name__}: {error}")
        return None
    return None if lost else value


def _program(reading: Reading) -> SyncdSection | None:
    raw = reading.tree.get("syncd", {})
    value: SyncdSection | None = _validated(reading, ("syncd",), SyncdSection, raw, keys(SyncdSection))
    return value


def _sources(reading: Reading) -> dict[str, SourceSettings]:
    made: dict[str, SourceSettings] = {}
    for name, raw in reading.tree.get("source", {}).items():
        value = _validated(reading, ("source", name), SourceKeys, raw, keys(SourceKeys))
        if value is not None:
            made[name] = SourceSettings(**_given(value), name=name)
    return made


def _targets(reading: Reading, sources: list[str]) -> dict[str, TargetSettings]:
    made: dict[str, TargetSettings] = {}
    for name, raw in reading.tree.get("target", {}).items():
        target = _target(reading, name, raw, sources)
        if target is not None:
            made[name] = target
    return made


def _target(reading: Reading, name: str, raw: dict[str, Any], sources: list[str]) -> TargetSettings | None:
    path: KeyPath = ("target", name)
    own = keys(TargetKeys)
    connector = _connector(reading, name, raw)
    source = rules.source_of(reading.faults, name, raw, sources)
    theirs = keys(connector.Settings) if connector else []
    shared = {key: value for key, value in raw.items() if key in own}
    special = {key: value for key, value in raw.items() if key not in own}
    value = _validated(reading, path, TargetKeys, shared, own)
    if connector is None:
        return None
    settings = _validated(reading, path, connector.Settings, special, [*own, *theirs])
    if value is None or settings is None or source is None:
        return None
    given = _given(value) | {"source": source, "name": name}
    return TargetSettings(**given, connector_class=connector, connector_settings=settings)


def _given(section: Section) -> dict[str, Any]:
    """Give what a section says itself, by its keys."""
    fields = type(section).model_fields
    return {fields[name].alias or name: getattr(section, name) for name in section.model_fields_set}


def _connector(reading: Reading, target: str, raw: dict[str, Any]) -> Any:
    named = raw.get("connector")
    path: KeyPath = ("target", target, "connector")
    if not isinstance(named, str) or path in reading.lost:
        return None
    found = reading.connectors.get(named)
    if found is None:
        guess = did_you_mean(named, reading.connectors)
        there = names(reading.connectors)
        reading.faults.add(path, f'is "{named}", but installed are only: {there}{guess}')
        return None
    ready = reading.connectors[named] = load_connector(found)
    if ready.status != "ready":
        reading.faults.add(path, f"cannot be used: {ready.reason}")
    return ready.connector
