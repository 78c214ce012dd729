"""Contents made flat, so that any two can be compared path by path, and the one meaning of "equal"."""

from __future__ import annotations

from collections.abc import Collection

from syncd.connector import EVENT_FIELDS, LINE_FIELDS, Content, Fields, Scalar


def flatten(content: Content, only: Collection[str] | None = None) -> Fields:
    """Make a content flat: lines become ``lines.<n>.<field>`` (from 1), events ``events.<event_id>.<field>``.

    What is flat already stays so. ``only``: the top fields to keep (``lines`` and ``events`` stand for all below them).
    """
    flat: Fields = {}
    for name, value in content.items():
        if only is not None and name.partition(".")[0] not in only:
            continue
        if name == "lines" and isinstance(value, list):
            for number, line in enumerate(value, 1):
                for field, cell in zip(LINE_FIELDS, line, strict=True):
                    flat[f"lines.{number}.{field}"] = cell
        elif name == "events" and isinstance(value, list):
            for event in value:
                for field, cell in zip(EVENT_FIELDS, event, strict=True):
                    flat[f"events.{event[0]}.{field}"] = cell
        else:
            flat[name] = value
    return flat


def lookup(fields: Fields, path: str) -> Scalar:
    """Read one path; what a line or event repeats of its invoice (``lines.3.number``) is the invoice's own."""
    if path in fields:
        return fields[path]
    group, _, rest = path.partition(".")
    if group == "lines" and rest:
        number, _, field = rest.partition(".")
        if field == "line":
            return number if f"lines.{number}.quantity" in fields else None
        return fields.get(field) if f"lines.{number}.quantity" in fields else None
    if group == "events" and rest:
        event, _, field = rest.rpartition(".")
        return fields.get(field) if f"events.{event}.type" in fields else None
    return None


def differences(expected: Fields, found: Fields) -> dict[str, tuple[Scalar, Scalar]]:
    """Name every path on which two records differ, with (expected, found); missing is ``None``."""
    different = {}
    for path in expected.keys() | found.keys():
        one, other = lookup(expected, path), lookup(found, path)
        if not same(one, other):
            different[path] = (one, other)
    return dict(sorted(different.items()))


def never(_path: str, _expected: Scalar, _found: Scalar) -> bool:
    """Take no value for another one in another dress."""
    return False


def same(one: Scalar, other: Scalar) -> bool:
    """Tell whether two values mean the same; empty text is as good as none, zero is not."""
    return one == other or (one in (None, "") and other in (None, ""))
