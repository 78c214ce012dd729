"""Invoices written to Odoo in batches: made, their tax set, posted and read back; each at most once.

Four hundred invoices take eight to ten calls, two more where the tax of some was set. They are made by external id, a
hundred in a call (``load``, which gives back what stands there already), their tax and receivable lines are read, the
tax lines that differ from the source's are set, all whose draft comes to the source's totals are posted, and what
stands then is read back. What Odoo refuses, or comes to other totals with, does not stay. The same entry sent again
finds what it made, and finishes it if it was never posted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from connectors.odoo.amounts_io import read_beforehand
from connectors.odoo.chatter_io import write_notes
from connectors.odoo.client import Odoo
from connectors.odoo.company import Company
from connectors.odoo.move_calls import INVOICES, LINES, POSTED, POSTED_LINES, Calls, Work, batches, make
from connectors.odoo.move_changes import change
from connectors.odoo.move_finish import finish, withdraw
from connectors.odoo.move_totals import fresh
from connectors.odoo.move_voids import void
from connectors.odoo.moves import POSITION, again_name, read_told
from connectors.odoo.positions_io import leave_off
from syncd.connector import Done, Entry, Outcome, Rejected, Unknown, Verb
from syncd.errors import NotSent, Unreachable


def write_moves(odoo: Odoo, company: Company, entries: Sequence[Entry]) -> Iterator[tuple[int, Outcome]]:
    """Carry out entries on invoices: what is voided, then what changes, then what is made; one outcome for each.

    Raises ``NotSent`` where nothing at all was carried out; after another error what has no outcome is in doubt.
    """
    calls = Calls(odoo, company)
    try:
        for verbs, carry_out in STEPS:
            works = [Work(entry, read_told(entry.payload)) for entry in entries if entry.verb in verbs]
            limits = (POSTED, POSTED_LINES) if carry_out is create else (INVOICES, LINES)
            for batch in batches(works, *limits):
                carry_out(calls, batch)
                yield from ((work.entry.number, work.outcome or Unknown()) for work in batch)
    except NotSent as error:
        if calls.wrote:
            raise Unreachable(str(error)) from error
        raise


def create(calls: Calls, works: Sequence[Work]) -> None:
    """Make invoices, set their tax, post them and read them back; what is not right does not stay."""
    _rename(calls, [work for work in works if work.told.again])
    leave_off(calls, works)
    told = read_beforehand(calls.odoo, calls.company, works)
    alike = [[work for work in works if (POSITION in work.whole.head) == given] for given in (False, True)]
    batched = (some for kind in alike for some in batches(kind))
    made = [work for some in batched for work in make(calls, some, lambda one: one.whole.head, beforehand=told)]
    write_notes(calls, made)  # before they are posted: what stands posted has its notes, wherever a run ended
    finish(calls, [work for work in made if work.outcome is None], fresh(calls.company))
    withdraw(calls, works)
    _say_taken(calls, [work for work in works if isinstance(work.outcome, Rejected)])


def _rename(calls: Calls, works: Sequence[Work]) -> None:
    """Give another name to what is made anew where one that was reversed still bears it; the number is the reference.

    A name is free once nothing posted bears it; of those that were taken back each bears one at most.
    """
    if not works or calls.company.number != "name":
        return
    names = {work.entry.number: _names(work) for work in works}
    journal = calls.company.journal
    domain = [("journal_id", "=", journal.id if journal else 0), ("state", "=", "posted")]
    domain.append(("name", "in", sorted({name for some in names.values() for name in some})))
    taken = {row["name"] for row in calls.odoo.search_read("account.move", domain, ["name"])}
    for work in works:
        number = work.whole.head["name"]
        name = next((name for name in names[work.entry.number] if name not in taken), number)
        if name != number:
            head = {**work.whole.head, "name": name, "ref": number}
            work.told = replace(work.told, whole=replace(work.whole, head=head))


def _say_taken(calls: Calls, works: Sequence[Work]) -> None:
    """Add what to do where a number that was refused is that of another entry; a cancelled one has freed its own."""
    names = sorted({work.whole.head["name"] for work in works} - {""})
    if not names:
        return
    journal = calls.company.journal
    domain = [("journal_id", "=", journal.id if journal else 0), ("state", "=", "posted"), ("name", "in", names)]
    taken = {row["name"]: row["id"] for row in calls.odoo.search_read("account.move", domain, ["name"])}
    for work in works:
        name = work.whole.head["name"]
        if isinstance(work.outcome, Rejected) and taken.get(name, work.id) != work.id:
            told = (
                f"{name} is the number of another entry that is posted in this journal (id {taken[name]}): give one of "
                "them another number, or cancel the other in Odoo if it is not to stand."
            )
            work.outcome = replace(work.outcome, reason=f"{work.outcome.reason} {told}")


def _names(work: Work) -> list[str]:
    number = work.whole.head["name"]
    return [number, *(again_name(number, time) for time in range(2, work.told.again + 2))]


def adopt(calls: Calls, works: Sequence[Work]) -> None:
    """Bind to what stands: Odoo need not know."""
    del calls
    for work in works:
        work.outcome = Done(work.entry.external_id or "")


STEPS: Final[tuple[tuple[tuple[Verb, ...], Callable[[Calls, Sequence[Work]], None]], ...]] = (
    (("adopt",), adopt),
    (("void",), void),  # before what may take a number that it frees
    (("update", "post"), change),
    (("create",), create),
)
