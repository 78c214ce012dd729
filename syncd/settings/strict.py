"""Numbers, booleans and dates as TOML has them: pydantic would take a number or ``true`` written as text as well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from syncd.settings.lines import Path
from syncd.settings.partial import Lacking

_KINDS: dict[type, str] = {bool: "bool_type", int: "int_type", float: "float_type", date: "date_type"}


def lax(written: object, made: object, place: Path = ()) -> Iterator[ErrorDetails]:
    """Find the values that are of another type than what was written."""
    if isinstance(written, Mapping):
        for key, item in written.items():
            yield from lax(item, _member(made, key), (*place, key))
    elif isinstance(written, list) and isinstance(made, list | tuple) and len(written) == len(made):
        for index, item in enumerate(written):
            yield from lax(item, made[index], (*place, index))
    elif _coerced(written, made):
        yield ErrorDetails(type=_KINDS[type(made)], loc=place, msg="", input=written)


def _member(made: object, key: str) -> object:
    if isinstance(made, BaseModel):
        names = {field.alias or name: name for name, field in type(made).model_fields.items()}
        try:
            return getattr(made, names.get(key, key), None)
        except Lacking:
            return None
    return made.get(key) if isinstance(made, Mapping) else None


def _coerced(written: object, made: object) -> bool:
    """Tell whether a value was made by reading something else as its type, not by a validator that knows better."""
    kind = type(made)
    if kind not in _KINDS or type(written) is kind:
        return False
    if kind is date:
        return isinstance(written, int | float) or (isinstance(written, str) and "-" not in written)
    if kind is float and type(written) is int:
        return False
    try:
        return bool(TypeAdapter(kind).validate_python(written) == made)
    except ValidationError:
        return False
