"""The logic of a walk over the pages of a list, without I/O: which page next, where the list ends, in what order it is.

Nothing is assumed that FastFaktura's documentation does not promise: neither a page size, nor an order, nor that rows
keep their page between two requests. Source: vendor API reference v1, ``GET /invoices`` and ``GET /clients``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from syncd.errors import Unreachable
from syncd.pull.distinct import Distinct

Order = Literal["newest", "oldest", "none", "unknown"]

LONGEST = 1_000_000
"""Pages after which a walk is taken for one that never ends."""

ENOUGH = 4
"""Comparisons between rows before their order is believed."""

SAMPLE = 12
"""Rows of a page that are looked at for the order."""

SEVERAL = 3
"""Pages of a walk after which its paging information, if it was right throughout, is believed."""

SURE = 0.8
"""The share of comparisons that must agree for an order."""

ORDER_KEYS = ("created_at", "issue_date", "issued_at", "invoice_date", "date")


@dataclass(slots=True)
class Walk:
    """One walk over a list from page ``page`` on; ``first`` is the number of the list's first page."""

    first: int
    page: int
    last_ids: tuple[str, ...] = ()
    """The ids of the last page that brought rows."""
    before_ids: frozenset[str] = frozenset()
    first_ids: frozenset[str] = frozenset()
    """The ids of the list's first two pages, for some servers begin again past the end."""
    taken: int = 0
    last_page: int | None = None
    """The last page that brought rows not seen just before."""
    doubt: bool = False
    ended: bool = False
    endless: bool = False
    """Rows only come again: where the list ends is not known."""
    asked: int = 0
    trusted: bool = False
    """Whether paging information is believed that says a page is the last; else one more is asked for."""
    announced: bool = False
    """The page just taken is the last one, says paging information not yet believed."""
    lied: bool = False
    confirmed: bool = False
    """The end was where paging information had said."""
    seen: Distinct = field(default_factory=Distinct)
    """The ids shown; ``shown`` counts them as often as pages showed them."""
    shown: int = 0

    def take(self, ids: Sequence[str] | None, last: bool | None) -> bool:  # noqa: FBT001 - three values, no flag
        """Take a page's ids, ``None`` for one past the first that is refused; tell whether it belongs to the list.

        ``last``: what paging information says; that more comes ends nothing, that this is the last is believed once
        the page after it brings nothing new. A page that only repeats ids is not believed to be the end until the
        next one repeats as well: rows may have shifted by just one page between two requests.
        """
        self.asked += 1
        if self.asked > LONGEST:
            raise Unreachable(f"The list does not end: after {LONGEST} pages there are still more.")
        announced, self.announced = self.announced, False
        if not ids:
            self.ended, self.confirmed = True, announced
            return False
        self.endless = self._endless(ids)
        repeats = self.first_ids.union(self.before_ids, self.last_ids).issuperset(ids)
        self.lied = self.lied or (announced and not repeats)
        last = None if self.lied else last
        if repeats:
            self.ended, self.confirmed = self.doubt or announced or last is True or self.endless, announced
            self.doubt = True
            self.page += 1
            return False
        self.taken += 1
        if self.page < self.first + 2:
            self.first_ids = self.first_ids.union(ids)
        self.before_ids = frozenset(self.last_ids)
        self.last_ids, self.last_page, self.doubt = tuple(ids), self.page, False
        self.page += 1
        self.announced = last is True and not self.trusted
        self.ended = (last is True and self.trusted) or self.endless
        return True

    @property
    def reliable(self) -> bool | None:
        """Tell whether paging information is to be believed from now on; ``None`` where this walk does not tell."""
        return False if self.lied else (True if self.confirmed and self.taken >= SEVERAL else None)

    def _endless(self, ids: Sequence[str]) -> bool:
        """Tell whether rows only come again: some servers begin anew past the end, and in another order each time.

        What shifts while a list is walked is shown twice at most, however much of it shifts at once.
        """
        once = set(ids)
        self.seen.add(once)
        self.shown += len(once)
        return self.shown > 2 * len(self.seen) + 3 * len(once) and not self.seen.full


@dataclass(slots=True)
class Votes:
    """Comparisons of rows of one page, half a page apart so that rows shaken a little do not count."""

    rising: int = 0
    falling: int = 0
    previous: Any = field(default=None)

    def hear(self, rows: Sequence[Any]) -> None:
        """Compare rows of a page by date, else by number; a page of one row with the page before."""
        some = rows[:: max(1, len(rows) // SAMPLE)]
        keys = [key for key in map(order_key, some) if key is not None]
        half = max(1, len(keys) // 2)
        pairs = list(zip(keys, keys[half:], strict=False))
        if len(keys) == 1 and self.previous is not None:
            pairs = [(self.previous, keys[0])]
        for earlier, later in pairs:
            if earlier[0] == later[0]:
                self.rising += earlier < later
                self.falling += earlier > later
        self.previous = keys[-1] if keys else None

    def order(self) -> Order:
        """Return the order, ``unknown`` while too little was seen."""
        total = self.rising + self.falling
        if total < ENOUGH:
            return "unknown"
        if self.rising >= SURE * total:
            return "oldest"
        return "newest" if self.falling >= SURE * total else "none"


def order_key(row: Any) -> tuple[str, Any] | None:
    """Return what tells a row's age: when it was made, else a date of issue, else its number."""
    if not isinstance(row, dict):
        return None
    for name in ORDER_KEYS:
        value = row.get(name)
        if isinstance(value, (str, int, float)) and not isinstance(value, bool) and value != "":
            return name + type(value).__name__, value
    number = row.get("number")
    digits = re.findall(r"\d+", str(number)) if isinstance(number, (str, int)) else []
    return ("number", tuple(map(int, digits))) if digits else None


def first_page_of(zero: Sequence[str] | None, one: Sequence[str] | None, two: Sequence[str]) -> tuple[int, bool]:
    """Tell the number of the first page, and whether that is certain, from the ids on pages 0, 1 and 2.

    ``zero`` and ``one`` are ``None`` where they were refused. A server whose pages start at 1 may show page 1 when
    asked for 0; one whose pages start at 0 may repeat its only page when asked for 1: then both begin at 0 alike.
    """
    if zero is None or (not zero and one):
        return 1, True
    if not zero:
        return (0, False) if one is None else (1, False)
    if not one:
        return 0, True
    if len(set(zero) & set(one)) * 2 <= len(set(one)):
        return 0, True
    return (1, True) if two and not set(two) <= set(one) else (0, False)
