"""What an invoice is to be after a change: the change itself, and all else as it stands in Odoo; pure.

A person may have moved a due date, reworded a line, or given it another account, or another tax of the same rate:
what FastFaktura did not change stays theirs. A line keeps its account by its text, so that it keeps it also where
another line was put before it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Final

from connectors.odoo.moves import BY_RATE, POSITION, TERM, Whole
from connectors.odoo.taxes import Taxes
from syncd.connector import Rejected

_HEAD: Final = {
    "client_id": "partner_id/.id",
    "currency": "currency_id/.id",
    "issue_date": "invoice_date",
    "due_date": "invoice_date_due",
}
_NAME, _QUANTITY, _PRICE, _ACCOUNT, _TAX, _DISCOUNT, _PRODUCT, _UNIT, _ANALYTIC = range(9)
_CELLS: Final = {
    "description": (_NAME,),
    "quantity": (_QUANTITY,),
    "unit_price": (_PRICE, _DISCOUNT),
    "tax_rate": (_TAX,),
}
_MONEY: Final = frozenset(("subtotal", "tax", "total", "lines"))


@dataclass(frozen=True, slots=True)
class Kept:
    """``whole``: the invoice as it is to be. ``rows``: for each of its lines the place it has now, or ``None``."""

    whole: Whole
    rows: tuple[int | None, ...]


def keep(told: Whole, stands: Whole, changes: Collection[str], taxes: Taxes, *, draft: bool) -> Kept | Rejected:
    """Put the paths in ``changes`` as they are told into the invoice that stands.

    ``draft``: Odoo has computed its taxes anew, so that they are taken from what is told.
    """
    wanted, there = [_whole(line) for line in told.lines], [_whole(line) for line in stands.lines]
    twins = _twins([line[_NAME] for line in wanted], [line[_NAME] for line in there])
    lines: list[list[str]] = []
    rows: list[int | None] = []
    meant: dict[str, set[str]] = {}
    for place in range(max(len(wanted), len(there))):
        moved = frozenset(field for field in _CELLS if f"lines.{place + 1}.{field}" in changes)
        old = there[place] if place < len(there) else None
        if place >= len(wanted):
            if old and not moved:  # a person's own
                lines.append(old)
                rows.append(place)
            continue
        if old is None and not moved:  # a person took it out
            continue
        twin = twins.get(place)
        line = _line(wanted[place], old, there[twin] if twin is not None else None, moved, taxes)
        meant.setdefault(wanted[place][_TAX], set()).add(line[_TAX])
        lines.append(line)
        rows.append(place if old else None)
    whole = replace(told, head=_head(told.head, stands.head, changes), lines=lines)
    if not draft and not any(path.partition(".")[0] in _MONEY for path in changes):
        return Kept(replace(whole, taxes=stands.taxes, untaxed=stands.untaxed, total=stands.total), tuple(rows))
    found = _meant(meant, there, taxes)
    if isinstance(found, Rejected):
        return found
    for line in lines:
        line[_TAX] = found.get(line[_TAX], line[_TAX])
    amounts = {found.get(tax, tax): value for tax, value in told.taxes.items()}
    return Kept(replace(whole, taxes=amounts), tuple(rows))


def _head(told: Mapping[str, str], stands: Mapping[str, str], changes: Collection[str]) -> dict[str, str]:
    kept = {column: stands[column] for path, column in _HEAD.items() if path not in changes}
    kept[TERM] = stands[TERM]
    if "notes" not in changes and "public_url" not in changes:
        kept["narration"] = stands["narration"]
    if "client_id" not in changes:
        kept[POSITION] = stands[POSITION]
    if "number" not in changes and stands["name"] not in ("", "/"):
        kept["name"] = stands["name"]
    return {**told, **kept}


def _whole(cells: Sequence[str]) -> list[str]:
    """Give a line all of its cells, but for what it is analysed under."""
    return [*cells, *["0", "", ""][len(cells) - _DISCOUNT :]]


def _twins(wanted: Sequence[str], there: Sequence[str]) -> dict[int, int]:
    """Pair lines by their texts, and those that only changed theirs by their place."""
    twins: dict[int, int] = {}
    for what, first, end, start, stop in SequenceMatcher(None, there, wanted, autojunk=False).get_opcodes():
        if what == "equal" or (what == "replace" and end - first == stop - start):
            twins |= zip(range(start, stop), range(first, end), strict=True)
    return twins


def _line(
    told: Sequence[str],
    old: Sequence[str] | None,
    twin: Sequence[str] | None,
    moved: Collection[str],
    taxes: Taxes,
) -> list[str]:
    """Give one line: cells that moved as they are told, others as they stand, account and analysis of its twin."""
    analytic = twin[_ANALYTIC:] if twin is not None else [""] * len((old or ())[_ANALYTIC:])
    line = [*told[:_ANALYTIC], *analytic]
    if twin is not None and _rate(twin[_TAX], taxes) == _rate(told[_TAX], taxes):
        for cell in (_ACCOUNT, _TAX, _PRODUCT, _UNIT):
            line[cell] = twin[cell]
    if old is not None:
        for field in _CELLS.keys() - moved:
            for cell in _CELLS[field]:
                line[cell] = old[cell]
        if not moved:
            line = list(old)
    return line


def _meant(meant: Mapping[str, set[str]], there: Sequence[Sequence[str]], taxes: Taxes) -> dict[str, str] | Rejected:
    """Tell for each tax that is told the one that its lines have instead; of one rate there may be only one."""
    found: dict[str, str] = {}
    for told, cells in meant.items():
        rate = _rate(told, taxes)
        own = cells - {told}
        if not own and told.startswith(BY_RATE):
            own = {line[_TAX] for line in there if _rate(line[_TAX], taxes) == rate}
            if not own:
                return Rejected(f"{rate} %: none of its lines in Odoo tells which tax is meant.", "tax_not_found")
        if len(own) > 1 or any(_rate(cell, taxes) != rate for cell in own):
            return Rejected(f"its lines of {rate or 0} % bear other taxes in Odoo, set by hand; change it there.")
        found[told] = own.pop() if own else told
    return found


def _rate(cell: str, taxes: Taxes) -> str:
    """Tell the rate of the taxes that a cell names; those that are not known by their ids."""
    if cell.startswith(BY_RATE):
        return cell.removeprefix(BY_RATE)
    ids = [one for one in cell.split(",") if one]
    return " + ".join(taxes.rate_of(int(one)) or f"tax {one}" for one in ids)
