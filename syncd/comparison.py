"""The comparison of what the source says with what the target really holds, by record and in totals. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from syncd.connector import ARCHIVED, Fields, Scalar
from syncd.fields import differences, never
from syncd.model import Kind
from syncd.money import amount
from syncd.words import counted

What = Literal["differs", "missing", "unexpected", "removed"]

MONEY = frozenset({"subtotal", "tax", "total", "amount", "unit_price"})
IDENTITY: dict[Kind, str] = {
    "client": "client_id",
    "invoice": "invoice_id",
    "payment": "invoice_id",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: of a field, or of a whole record (``field`` is ``""``)."""

    what: What
    kind: Kind
    id: str
    label: str
    """What a person calls the record: its number or name."""
    field: str = ""
    source: str = ""
    target: str = ""


@dataclass(slots=True)
class Sum:
    """What both sides hold of one currency in one month of issue: invoices, and cents of subtotal, tax and total."""

    source: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    target: list[int] = field(default_factory=lambda: [0, 0, 0, 0])


@dataclass(slots=True)
class Report:
    """What a comparison found."""

    target: str
    compared: int = 0
    differences: list[Difference] = field(default_factory=list)
    sums: dict[tuple[str, str], Sum] = field(default_factory=lambda: defaultdict(Sum))
    """(currency, month ``YYYY-MM``) → both sides."""
    waiting: int = 0
    """Records not written because of a problem; each is listed by ``syncd problems``."""

    held: list[str] = field(default_factory=list)
    """What holds the target or its source: what is compared may be old."""

    @property
    def in_step(self) -> bool:
        """Both sides agree, and nothing waits for a person."""
        return (
            not self.differences
            and not self.waiting
            and not self.held
            and all(one.source == one.target for one in self.sums.values())
        )


def compare(
    kind: Kind,
    record_id: str,
    expected: Fields,
    found: Fields,
    lost: Collection[str] = (),
    dressed: Callable[[str, Scalar, Scalar], bool] = never,
) -> list[Difference]:
    """Name each field on which a record differs; a row whose own number or id was edited is one difference.

    ``lost``: fields whose store is missing there; lines and events that went with it are one difference together.
    ``dressed``: tells what only looks otherwise.
    """
    different = {path: pair for path, pair in differences(expected, found).items() if not dressed(path, *pair)}
    folded = {group: _rows_of(different, group) for group in ("lines", "events") if group in lost}
    kept = {path: pair for path, pair in different.items() if path.partition(".")[0] not in folded}
    pairs = _pair_rows(kept, expected, found)
    pairs |= {group: (counted(len(rows), "row", "rows"), None) for group, rows in folded.items() if rows}
    label = name_of(expected) or record_id
    return [
        Difference("differs", kind, record_id, label, path, show(path, source), show(path, target))
        for path, (source, target) in pairs.items()
    ]


def _rows_of(paths: Iterable[str], group: str) -> set[str]:
    return {path.rpartition(".")[0] for path in paths if path.startswith(f"{group}.")}


def _pair_rows(
    found: dict[str, tuple[Scalar, Scalar]], expected: Fields, stands: Fields
) -> dict[str, tuple[Scalar, Scalar]]:
    """Take a missing row and a strange one that are otherwise equal for one row whose key was edited."""
    rows: dict[str, set[str]] = defaultdict(set)
    for path in found:
        group, _, rest = path.partition(".")
        if rest:
            rows[group].add(rest.rpartition(".")[0])
    for group, keys in rows.items():
        missing = [key for key in sorted(keys) if _row(expected, group, key) and not _row(stands, group, key)]
        strange = [key for key in sorted(keys) if _row(stands, group, key) and not _row(expected, group, key)]
        for key in missing:
            row = _row(expected, group, key)
            twin = next((other for other in strange if _alike(row, _row(stands, group, other))), None)
            if twin is not None:
                strange.remove(twin)
                for path in [path for path in found if path.startswith((f"{group}.{key}.", f"{group}.{twin}."))]:
                    del found[path]
                found[f"{group}.{key}.{'line' if group == 'lines' else 'event_id'}"] = (key, twin)
    return found


def _row(fields: Fields, group: str, key: str) -> Fields:
    start = f"{group}.{key}."
    return {path[len(start) :]: value for path, value in fields.items() if path.startswith(start)}


def _alike(one: Fields, other: Fields) -> bool:
    own = {"event_id", "line"}
    return {k: v for k, v in one.items() if k not in own and v} == {
        k: v for k, v in other.items() if k not in own and v
    }


def pair_records(
    kind: Kind, missing: Mapping[str, Fields], unexpected: Mapping[str, Fields]
) -> tuple[list[Difference], set[str], set[str]]:
    """Take a missing record and an unexpected one that are equal but for their id for one whose id was edited.

    Returns the differences, and the ids taken from either side.
    """
    own = IDENTITY[kind]
    found: list[Difference] = []
    taken_missing: set[str] = set()
    taken_unexpected: set[str] = set()
    by_content: dict[str, str] = {_digest(fields, own): external for external, fields in unexpected.items()}
    for record_id, fields in missing.items():
        external = by_content.pop(_digest(fields, own), None)
        if external is not None:
            taken_missing.add(record_id)
            taken_unexpected.add(external)
            found.append(
                Difference(
                    "differs",
                    kind,
                    record_id,
                    name_of(fields) or record_id,
                    own,
                    record_id,
                    show(own, unexpected[external].get(own, external)),
                )
            )
    return found, taken_missing, taken_unexpected


def _digest(fields: Fields, own: str) -> str:
    return repr(sorted((path, value) for path, value in fields.items() if path.rpartition(".")[2] != own and value))


def add_up(report: Report, side: Literal["source", "target"], fields: Fields) -> None:
    """Add one invoice to the totals of its currency and month; what is not readable as money counts as nothing."""
    key = (str(fields.get("currency") or "?"), str(fields.get("issue_date") or "?")[:7])
    sums = report.sums[key].source if side == "source" else report.sums[key].target
    sums[0] += 1
    for place, name in enumerate(("subtotal", "tax", "total"), 1):
        value = fields.get(name)
        sums[place] += value if isinstance(value, int) else 0


def name_of(fields: Fields) -> str:
    """Give what a person calls a record."""
    return str(fields.get("number") or fields.get("name") or "")


def paid_there(total: int, settled: int, since: str | None) -> str:
    """Tell what was paid of an invoice in the target; ``since``: on which day the last of it."""
    said = "paid" if abs(settled) >= abs(total) else f"partly paid: {amount(settled)} of {amount(total)}"
    return f"{said} (since {since})" if since else said


def show(path: str, value: Scalar) -> str:
    """Write a value as a person reads it."""
    if value is None:
        return ""
    if path == "archived_at" and value == ARCHIVED:
        return "archived"
    if isinstance(value, int) and path.rpartition(".")[2] in MONEY:
        return amount(value)
    return str(value)


def sorted_differences(found: Iterable[Difference]) -> list[Difference]:
    """Put differences in an order that stays."""
    return sorted(found, key=lambda one: (one.kind, one.label, one.id, one.field))
