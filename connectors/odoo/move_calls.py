"""The calls that write invoices, and one entry under way: what it is to do, its invoice in Odoo, what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from connectors.odoo.amounts import Beforehand
from connectors.odoo.errors import OdooAnswer
from connectors.odoo.moves import Told, Whole, external_id
from connectors.odoo.writes import Writes, halved, outcome_of
from syncd.connector import Done, Entry, Outcome, Rejected

INVOICES: Final = 100
LINES: Final = 2000
"""The most invoices and lines made in one call: Odoo needs 10 to 15 seconds for it, where it may take a minute."""

POSTED: Final = 400
POSTED_LINES: Final = 8000
"""The same for what is posted in one call, which takes a fifth of the time."""

QUICKLY: Final = {"skip_analytic_sync": True}
"""Odoo 19 else writes each new line once more with the analytic distribution that it has computed just before; the
analytic items themselves are made when the invoice is posted (``account.move.line._inverse_analytic_distribution``)."""

_LINE: Final = (
    "name",
    "quantity",
    "price_unit",
    "account_id/.id",
    "tax_ids/.id",
    "discount",
    "product_id/.id",
    "product_uom_id/.id",
)


@dataclass(slots=True)
class Work:
    """One entry under way; ``id``: its invoice in Odoo, 0 while it has none."""

    entry: Entry
    told: Told
    id: int = 0
    outcome: Outcome | None = None

    @property
    def whole(self) -> Whole:
        """All of the invoice, where the payload has it."""
        if self.told.whole is None:
            raise ValueError(f"the payload of operation {self.entry.number} holds no invoice")
        return self.told.whole

    def refuse(self, reason: str, code: str = "rejected") -> None:
        """Note why it cannot be."""
        self.outcome = Rejected(reason, code)

    def done(self) -> None:
        """Note that it is as it is to be."""
        self.outcome = Done(str(self.id))


@dataclass(slots=True)
class Calls(Writes):
    """Calls that write invoices."""

    def act(self, method: str, works: Iterable[Work], **arguments: Any) -> list[Work]:
        """Call a method of the works' invoices, all at once if Odoo will; give those for which it was carried out."""
        asked = list(works)
        halved(asked, lambda some: self.call("account.move", method, [work.id for work in some], **arguments), refused)
        return [work for work in asked if work.outcome is None]


def refused(work: Work, error: OdooAnswer) -> None:
    """Note Odoo's own words."""
    work.outcome = outcome_of(error)


def make(
    calls: Calls,
    works: Sequence[Work],
    head: Callable[[Work], Mapping[str, str]],
    suffix: str = "",
    beforehand: Beforehand | None = None,
) -> list[Work]:
    """Get or make the works' invoices by their external ids; give those that stand then.

    ``beforehand``: what Odoo would write on the lines is told, and it does not.
    """

    def name(work: Work) -> str:
        return external_id(work.entry.mark, work.entry.key, calls.company.id)

    def send(some: Sequence[Work]) -> None:
        cells = max((len(line) for work in some for line in work.whole.lines), default=1)
        names = [*_LINE, *calls.company.features.analytic][:cells]
        names += beforehand.columns if beforehand else ()
        columns = ["id", *head(some[0]), *(f"invoice_line_ids/{name}" for name in names)]
        rows = [row for work in some for row in _rows(work, f"{name(work)}{suffix}", head(work), cells, beforehand)]
        made = calls.load("account.move", columns, rows, once=True, context=QUICKLY if beforehand else None)
        for work, found in zip(some, made, strict=True):
            work.id = found

    halved(works, send, refused)
    return [work for work in works if work.outcome is None]


def batches(works: Iterable[Work], invoices: int = INVOICES, most: int = LINES) -> Iterator[list[Work]]:
    """Cut into what one call takes: so many invoices, and lines."""
    batch: list[Work] = []
    lines = 0
    for work in works:
        more = len(work.told.whole.lines) if work.told.whole else 1
        if batch and (len(batch) == invoices or lines + more > most):
            yield batch
            batch, lines = [], 0
        batch.append(work)
        lines += more
    if batch:
        yield batch


def _rows(
    work: Work, name: str, head: Mapping[str, str], cells: int, beforehand: Beforehand | None
) -> Iterator[list[str]]:
    """Give an invoice's rows: all of it and the first line, then each other line by itself."""
    first = [name, *head.values()]
    lines = work.whole.lines
    told = beforehand.cells(lines, head) if beforehand else [[]] * len(lines)
    rows = [[*line, *[""] * (cells - len(line)), *more] for line, more in zip(lines, told, strict=True)]
    for row in rows or [[""] * (cells + len(beforehand.columns if beforehand else ()))]:
        yield [*first, *row]
        first = [""] * len(first)
