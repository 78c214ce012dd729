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
from pydantic_core import ErrorDetails

from syncd.errors import SettingsError
from syncd.registry import Installed, installed, names
from syncd.registry import load as load_connector
from syncd.settings import rules
from syncd.settings.faults import Faults, did_you_mean, keys, nearest, secret_keys
from syncd.settings.lines import Path as KeyPath
from syncd.settings.lines import key_lines
from syncd.settings.partial import Unknown, partial, takes_any
from syncd.settings.rules import PartialTarget
from syncd.settings.schema import (
    Section,
    SourceKeys,
    SourceSettings,
    SyncdSection,
    TargetKeys,
    TargetSettings,
)
from syncd.settings.strict import lax
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

    ``lost``: the keys whose text could not be had; ``secret``: those that hold secrets.
    """

    path: Path
    tree: dict[str, Any]
    faults: Faults
    environment: Mapping[str, str]
    connectors: dict[str, Installed]
    written: dict[str, Any]
    lost: set[KeyPath] = field(default_factory=set)
    secret: set[KeyPath] = field(default_factory=set)


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
    beside = rules.sections(tree, faults, SECTIONS, NAME)
    reading = Reading(path.absolute(), tree, faults, environment, installed(), deepcopy(tree))
    rules.safe_file(reading.path, reading.written, faults)
    _fetch_texts(reading)
    program = _program(reading)
    sources = {name: _source(reading, name, raw) for name, raw in reading.tree.get("source", {}).items()}
    certain = [name for name in sources if ("source", name) not in beside] or list(sources)
    targets = [
        _target(reading, name, raw, list(sources), certain) for name, raw in reading.tree.get("target", {}).items()
    ]
    rules.literal_secrets(reading.path, reading.written, faults, reading.secret)
    rules.encrypted(reading.tree, faults)
    rules.not_yet(targets, faults)
    rules.places(targets, reading.path.parent, faults, beside)
    faults.check()
    return Settings(
        _absolute(program.state, reading.path.parent),
        program.log,
        program.log_level,
        {name: _source_settings(name, checked) for name, checked in sources.items()},
        {one.name: _target_settings(one) for one in targets},
        reading.path,
    )


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
            reading.faults.fetched.add(here)
        except Unavailable as error:
            reading.faults.add(here, f"{error}.")
            reading.lost.add(here)


def _checked(reading: Reading, path: KeyPath, model: type[BaseModel], raw: dict[str, Any], unknown: Unknown) -> Any:
    """Make a schema's value and keep its faults; where keys are bad it is a partial one, or ``None``."""
    secret = secret_keys(model)
    reading.secret |= {(*path, key) for key in raw if key in secret or unknown.near.get(key) in secret}
    lost = {str(key[len(path)]) for key in reading.lost if key[: len(path)] == path}
    good = {key: item for key, item in raw.items() if key not in lost or key not in unknown.known}
    try:
        value, errors = _judged(model, good, lost | unknown.may_be(keys(model), raw))
    except Exception as error:  # noqa: BLE001 - a connector's validator may raise anything
        reading.faults.add(path, f"cannot be checked: {type(error).__name__}: {error}")
        return None
    told = lost | set(unknown.near.values())
    kept = [one for one in errors if not (one["type"] == "missing" and one["loc"] and one["loc"][0] in told)]
    kept += [one for one in lax(good, value) if (*path, *one["loc"]) not in reading.faults.fetched]
    reading.faults.explain(path, kept, model, unknown.known)
    return value


def _judged(model: type[BaseModel], raw: dict[str, Any], lacking: set[str]) -> tuple[Any, list[ErrorDetails]]:
    """Validate a section; where keys are bad or lacking, judge once more what does not depend on them."""
    errors: list[ErrorDetails] = []
    try:
        value = model.model_validate(raw)
        if not lacking:
            return value, []
    except ValidationError as error:
        errors = error.errors(include_url=False)
    keyed = [one for one in errors if one["loc"]]
    value, across = partial(model, raw, lacking | {str(one["loc"][0]) for one in keyed})
    if value is None and not lacking:
        return None, errors
    return value, [*keyed, *across]


def _program(reading: Reading) -> Any:
    raw = reading.tree.get("syncd", {})
    return _checked(reading, ("syncd",), SyncdSection, raw, Unknown.of(raw, keys(SyncdSection)))


def _source(reading: Reading, name: str, raw: dict[str, Any]) -> Any:
    if "poll" in raw and "cron" in raw:
        reading.faults.add(("source", name, "cron"), "cannot be set beside poll; keep one of them.")
    return _checked(reading, ("source", name), SourceKeys, raw, Unknown.of(raw, keys(SourceKeys)))


def _target(reading: Reading, name: str, raw: dict[str, Any], sources: list[str], certain: list[str]) -> PartialTarget:
    """Check a target: what every target may say, and what its connector asks for."""
    path: KeyPath = ("target", name)
    own = keys(TargetKeys)
    found = _connector(reading, path, raw)
    connector = found.connector if found else None
    theirs = keys(connector.Settings) if connector else []
    unknown = Unknown.of(raw, [*own, *theirs], taken=connector is not None and takes_any(connector.Settings))
    source = None
    if "source" in raw or "source" not in unknown.near.values():
        source = rules.source_of(reading.faults, name, raw, certain if raw.get("source") is None else sources)
    shared = {key: value for key, value in raw.items() if key in own}
    special = {key: value for key, value in raw.items() if key not in own}
    value = _checked(reading, path, TargetKeys, shared, unknown)
    settings = _checked(reading, path, connector.Settings, special, unknown) if connector else None
    return PartialTarget(name, raw, source, found, value, settings)


def _source_settings(name: str, checked: SourceKeys) -> SourceSettings:
    return SourceSettings(**_given(checked), name=name)


def _target_settings(read: PartialTarget) -> TargetSettings:
    given = _given(read.keys) | {"source": read.source, "name": read.name}
    return TargetSettings(**given, connector_class=read.connector, connector_settings=read.settings)


def _given(section: Section) -> dict[str, Any]:
    """Give what a section says itself, by its keys."""
    fields = type(section).model_fields
    return {fields[name].alias or name: getattr(section, name) for name in section.model_fields_set}


def _connector(reading: Reading, target: KeyPath, raw: dict[str, Any]) -> Installed | None:
    """Find a target's connector. A misspelt one is told, and the target judged by what it is near to."""
    path = (*target, "connector")
    if "connector" not in raw:
        return _misspelt_connector(reading, target, raw)
    named = raw["connector"]
    if not isinstance(named, str) or path in reading.lost:
        return None
    if named not in reading.connectors:
        guess = did_you_mean(named, reading.connectors)
        there = names(reading.connectors)
        reading.faults.add(path, f'is "{named}", but installed are only: {there}{guess}')
        return _loaded(reading, nearest(named, reading.connectors))
    found = _loaded(reading, named)
    if found and found.status != "ready":
        reading.faults.add(path, f"cannot be used: {found.reason}")
    return found


def _misspelt_connector(reading: Reading, target: KeyPath, raw: dict[str, Any]) -> Installed | None:
    """Find the connector by a key that is near to ``connector``; without one nobody else would tell the key."""
    for key, named in raw.items():
        if key not in keys(TargetKeys) and nearest(key, ["connector"]):
            found = _loaded(reading, named)
            if found is None or found.connector is None:
                reading.faults.add((*target, key), "is no setting; did you mean connector?")
            return found
    return None


def _loaded(reading: Reading, named: object) -> Installed | None:
    if not isinstance(named, str) or named not in reading.connectors:
        return None
    ready = reading.connectors[named] = load_connector(reading.connectors[named])
    return ready
