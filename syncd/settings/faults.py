"""Faults of the settings, collected while they are read: each with its line and what would be right."""

from __future__ import annotations

import difflib
import re
import zoneinfo
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel, SecretStr
from pydantic_core import ErrorDetails

from syncd.errors import SettingsError
from syncd.settings.lines import BARE, Path

_SHOULD = {
    "string_type": 'should be text in quotes, or { env = "…" } and the like',
    "int_type": "should be a whole number",
    "int_parsing": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_type": "should be a number",
    "float_parsing": "should be a number",
    "bool_type": "should be true or false",
    "bool_parsing": "should be true or false",
    "dict_type": "should be a table, as in { name = … }",
    "model_type": "should be a table, as in { name = … }",
    "list_type": "should be a list, as in [ … ]",
    "tuple_type": "should be a list, as in [ … ]",
    "path_type": "should be a path in quotes",
    "date_type": "should be a date, as in 2026-01-31",
    "date_parsing": "should be a date, as in 2026-01-31",
    "date_from_datetime_parsing": "should be a date, as in 2026-01-31",
    "date_from_datetime_inexact": "should be a date without a time, as in 2026-01-31",
    "too_short": "has too few entries",
}
_ONE_WAY = (
    'should be text in quotes, or one of { env = "…" }, { file = "…" }, { credential = "…" }, { command = ["…"] }'
)
_RANGE = ("greater_than", "greater_than_equal", "less_than", "less_than_equal", "multiple_of")
_UNQUOTED = ", and without quotes"
_KEY = re.compile(r"ffk_\w+")
"""What looks like a FastFaktura key, wherever it was put by mistake."""


class Faults:
    """The faults found so far, each under its key's line; secrets that were read never show in them.

    ``fetched``: the keys whose text comes from elsewhere, where it can be nothing but text.
    """

    def __init__(self, name: str, lines: dict[Path, int]) -> None:
        self.name, self.lines = name, lines
        self.secrets: set[str] = set()
        self.fetched: set[Path] = set()
        self._found: list[tuple[int, str]] = []
        self._paths: set[Path] = set()

    def add(self, path: Path, sentence: str) -> None:
        """Keep a fault of a key; the sentence goes on after the key."""
        line = self.line(path)
        self._paths.add(path)
        end = "" if sentence.endswith((".", "?", "…")) else "."
        self._found.append((line, f"{self.name}:{line}: {dotted(path)} {sentence}{end}"))

    def told_around(self, path: Path) -> bool:
        """Tell whether a table that a key stands in has a fault itself; a section's do not count."""
        return any(path[:depth] in self._paths for depth in range(3, len(path)))

    def line(self, path: Path) -> int:
        """Find the line of a key, or of the nearest table around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def check(self) -> None:
        """Raise ``SettingsError`` with all faults in the order of their lines, if there are any."""
        if self._found:
            unique = dict.fromkeys(sorted(self._found, key=lambda one: one[0]))
            raise SettingsError([self._masked(sentence) for _, sentence in unique])

    def _masked(self, sentence: str) -> str:
        for secret in sorted(self.secrets, key=len, reverse=True):
            if len(secret) >= 4 and secret not in ("true", "false"):
                sentence = sentence.replace(secret, "***")
        return _KEY.sub("***", sentence)

    def explain(
        self,
        path: Path,
        errors: Iterable[ErrorDetails],
        model: type[BaseModel],
        names: Iterable[str],
    ) -> None:
        """Put a schema's errors into sentences; ``names``: all keys the section may have."""
        hidden = secret_keys(model)
        for one in _blamed_once(errors):
            place = keys_of(one["loc"])
            secret = not place or place[0] in hidden
            top = len(place) <= 1
            told = _sentence(dict(one), model, names if top else (), secret=secret)
            quoted = (*path, *place) not in self.fetched and _quoted_number(dict(one))
            self.add((*path, *place), told + (_UNQUOTED if quoted else ""))


def _blamed_once(errors: Iterable[ErrorDetails]) -> Iterator[ErrorDetails]:
    """Keep of what the members of a union say to the same value only the first, and none beside one within it."""
    errors = list(errors)
    places = [keys_of(one["loc"]) for one in errors]
    for index, (one, place) in enumerate(zip(errors, places, strict=True)):
        member = len(place) < len(one["loc"]) and one["loc"][-1] != "[key]"
        within = any(len(other) > len(place) and other[: len(place)] == place for other in places)
        if not (member and (within or place in places[:index])):
            yield one


def keys_of(location: Sequence[str | int]) -> Path:
    """Leave out of an error's place what pydantic puts in for the members of a union."""
    members = ("str", "int", "float", "bool", "[key]")
    return tuple(part for part in location if part not in members and not str(part).startswith("dict["))


def _sentence(one: dict[str, Any], model: type[BaseModel], names: Iterable[str], *, secret: bool) -> str:
    kind, shown = one["type"], "" if secret else f", not {_shown(one['input'])}"
    given, context = str(one["input"]), one.get("ctx", {})
    match kind:
        case "missing":
            told = f"is missing: {_description(model, one['loc'])}".rstrip(": ")
        case "string_too_short" if not given.strip():
            told = f"is empty: {_description(model, one['loc'])}".rstrip(": ")
        case "string_type" if isinstance(one["input"], dict):
            told = f"{_ONE_WAY}{shown}"
        case "extra_forbidden":
            told = f"is no setting{did_you_mean(str(one['loc'][-1]), names)}"
        case "literal_error":
            expected = context["expected"].replace("'", '"')
            near = did_you_mean(given, re.findall(r'"([^"]*)"', expected))
            told = f"should be {expected}{shown}{near}"
        case "zoneinfo_str":
            near = did_you_mean(given, zoneinfo.available_timezones())
            told = f"should be a time zone, as in Europe/Oslo{shown}{near}"
        case "value_error":
            told = _own(str(context["error"]), shown)
        case _:
            told = _SHOULD.get(kind) or re.sub(r"^\w+ should", "should", one["msg"])
            told += shown
    return told


def _quoted_number(one: dict[str, Any]) -> bool:
    """Tell whether a number that is out of its range was written as text on top of that."""
    return one["type"] in _RANGE and type(one["input"]) is str and bool(re.fullmatch(r"\s*[-+.\d_]+\s*", one["input"]))


def _own(text: str, shown: str) -> str:
    """Take a validator's own words; one that begins with "should" goes on after the key by itself."""
    first = text.split(" ", 1)[0]
    if first == "should":
        return text + shown
    return text if first in ("is", "has", "names", "cannot") else f"cannot be used: {text}"


def _description(model: type[BaseModel], location: Sequence[str | int]) -> str:
    for name, field in model.model_fields.items():
        if location and location[0] in (name, field.alias):
            return field.description or ""
    return ""


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Find the name that was meant by a misspelt one, if one is near."""
    by_case = {one.lower(): one for one in names}
    near = difflib.get_close_matches(name.lower(), by_case, n=1, cutoff=0.6)
    return by_case[near[0]] if near else None


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Suggest the nearest name, if one is near."""
    near = nearest(name, names)
    return f"; did you mean {near}?" if near else ""


def dotted(path: Path) -> str:
    """Write a key as TOML does: ``target.books.taxes."5.5"``, elements of arrays as ``[2]`` from 1."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            name = part if BARE.fullmatch(part) else '"' + part.replace('"', '\\"') + '"'
            text += f".{name}" if text else name
    return text


def keys(model: type[BaseModel]) -> list[str]:
    """Name the keys of a schema as they are written."""
    return [field.alias or name for name, field in model.model_fields.items()]


def secret_keys(model: type[BaseModel]) -> set[str]:
    """Name the keys of a schema that hold a secret, or something with a secret in it."""
    return {field.alias or name for name, field in model.model_fields.items() if _is_secret(field.annotation)}


def _is_secret(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, SecretStr):
        return True
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return bool(secret_keys(annotation))
    return any(_is_secret(part) for part in get_args(annotation))
