"""What can be said of a section although some of its keys are bad: its good keys, and its own rules over them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from syncd.settings.faults import nearest


@dataclass(frozen=True, slots=True)
class Unknown:
    """The keys of a section that are no settings. ``near``: those that are misspelt, and the key that is near.

    ``known``: the keys there are. ``strange``: there are keys that are near to none.
    """

    known: list[str]
    near: dict[str, str]
    strange: bool

    @classmethod
    def of(cls, raw: Mapping[str, Any], known: list[str], *, taken: bool = False) -> Unknown:
        """Look for the keys of a section that are not known; none are where its schema has them ``taken`` all the same.

        Else nothing would be told of them, and what they might be meant for would be lacking for no fault.
        """
        found = {key: nearest(key, known) for key in raw if key not in known and not taken}
        return cls(known, {key: near for key, near in found.items() if near}, None in found.values())

    def may_be(self, keys: Iterable[str], raw: Mapping[str, Any]) -> set[str]:
        """Tell which of the keys that are not written may be meant by one of these."""
        meant = self.near.values()
        return {key for key in keys if key not in raw and (self.strange or key in meant)}


def takes_any(model: type[BaseModel]) -> bool:
    """Tell whether a schema takes keys that it does not know, which the contract asks connectors not to do."""
    return model.model_config.get("extra") != "forbid"


class Lacking(Exception):
    """A key was asked for whose value is not known, for it is bad; nothing that depends on it can be said."""


def partial(model: type[BaseModel], raw: Mapping[str, Any], lacking: set[str]) -> tuple[Any, list[ErrorDetails]]:
    """Make a value of the good keys in ``raw`` that raises ``Lacking`` where another is asked for.

    With it come the faults that the model's own rules over several keys find, each at the key it is about.
    Every rule runs by itself: one that cannot be judged, or that finds a fault, keeps no other from running.
    """
    good = {key: item for key, item in raw.items() if key not in lacking}
    rules = [name for name, one in model.__pydantic_decorators__.model_validators.items() if one.info.mode == "after"]
    value = _attempt(model, good, lacking, silent=rules, asked=[])
    errors: list[ErrorDetails] = []
    for name in rules:
        asked: list[str] = []
        found = _attempt(model, good, lacking, silent=[other for other in rules if other != name], asked=asked)
        if isinstance(found, ValidationError):
            errors += _at_their_key(found, [key for key in asked if key in good], good)
    return (None if isinstance(value, ValidationError) else value), errors


def is_whole(value: object) -> bool:
    """Tell whether a value was made of all its keys."""
    return value is not None and not hasattr(value, "__lacking__")


def _attempt(
    model: type[BaseModel], good: dict[str, Any], lacking: set[str], *, silent: Iterable[str], asked: list[str]
) -> BaseModel | ValidationError | None:
    """Validate what is good; ``None`` where a rule asks for what is lacking, however it takes that.

    Nothing is lost by that: a key lacks only where its fault is told, and once it is mended the rule is asked again.
    """
    try:
        made: BaseModel = _variant(model, lacking, silent=silent, asked=asked).model_validate(good)
    except ValidationError as error:
        return error
    except Exception:  # noqa: BLE001 - a connector's validator may raise anything when a key is lacking
        return None
    return made


def _variant(model: type[BaseModel], lacking: set[str], *, silent: Iterable[str], asked: list[str]) -> Any:
    """Derive a model that needs no lacking key, runs no silent rule, and notes in ``asked`` what is read of it."""
    keys = {name: field.alias or name for name, field in model.model_fields.items()}
    absent = [name for name, key in keys.items() if key in lacking]

    def read(self: BaseModel, name: str) -> Any:
        if name in absent:
            raise Lacking(keys[name])
        if name in keys:
            asked.append(keys[name])
        return model.__getattribute__(self, name)

    def pass_by(self: BaseModel, *_: object) -> BaseModel:
        return self

    body: dict[str, Any] = {**dict.fromkeys(absent), **dict.fromkeys(silent, pass_by)}
    body |= {"__annotations__": dict.fromkeys(absent, Any), "__getattribute__": read, "__lacking__": True}
    metaclass: Any = type(model)
    return metaclass(model.__name__, (model,), {"__module__": model.__module__, **body})


def _at_their_key(found: ValidationError, asked: list[str], good: dict[str, Any]) -> Iterator[ErrorDetails]:
    """Place a rule's faults at the written key that their words name, else at the one that was read last."""
    for one in found.errors(include_url=False):
        if one["loc"]:
            continue
        words = set(re.findall(r"\w+", one["msg"]))
        key = next((key for key in asked if key in words), asked[-1] if asked else None)
        yield one if key is None else {**one, "loc": (key,), "input": good[key]}
