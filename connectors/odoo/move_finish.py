"""The last steps of whatever writes an invoice: due date and tax set, posted, read back; and taken away if wrong."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Final

from connectors.odoo.company import Company
from connectors.odoo.errors import OdooAnswer
from connectors.odoo.move_calls import Calls, Work
from connectors.odoo.move_io import move_rows
from connectors.odoo.move_reading import number_of
from connectors.odoo.move_totals import Standing, corrections, read_standing, set_due, set_taxes
from connectors.odoo.rows import Row, currency_of, decimal, link
from connectors.odoo.writes import halved
from syncd.connector import Exists, Rejected
from syncd.money import amount

DIFFER: Final = "totals_differ"


def finish(calls: Calls, works: Sequence[Work], only: Sequence[Any] = ()) -> None:
    """Bring drafts to their due date and the source's tax, post those that are to be posted, and read back.

    What came of each is noted.

    ``only``: a condition that drafts of others or of an earlier time do not meet; they are left as they stand.
    """
    ready, changed = _taxed(calls, works, only)
    posted = calls.act("action_post", [work for work in ready if work.told.post])
    _check(calls, [*posted, *(work for work in ready if not work.told.post)], changed)


def otherwise(row: Row, work: Work, company: Company) -> str | None:
    """Say by what a draft that a person changed would be booked otherwise than it was invoiced, beside its amounts."""
    head, changes = work.whole.head, work.told.changes
    day, currency = row["invoice_date"] or "", str(link(row["currency_id"]))
    told = "and it is to be posted with what FastFaktura says; change it back."
    if "issue_date" not in changes and day != head["invoice_date"]:
        return f"its date was changed in Odoo from {head['invoice_date']} to {day or 'none'}, {told}"
    if "currency" not in changes and currency != head["currency_id/.id"]:
        return f"its currency was changed in Odoo to {currency_of(row)}, {told}"
    if "number" not in changes and not _has_number(row, work, company):
        return f"its number was changed in Odoo from {head['name']} to {row['name'] or 'none'}, {told}"
    return None


def withdraw(calls: Calls, works: Sequence[Work]) -> None:
    """Take back what came to nothing. What was made: a draft is deleted, what was posted is cancelled.

    A draft that a person has written since is theirs; and what was a draft before it was posted is one again. What Odoo
    does not let be taken back, in a journal locked by hashes for one, stands, and is said to.
    """
    calls = calls.insisting
    failed = [work for work in works if work.id and isinstance(work.outcome, Rejected)]
    rows = move_rows(calls.odoo, [work.id for work in failed]) if failed else {}
    posted: dict[str, list[Work]] = {"button_cancel": [], "button_draft": []}
    drafts = []
    for work in failed:
        row, made = rows.get(work.id, {}), work.entry.verb == "create"
        if row.get("state") == "posted":
            posted["button_cancel" if made else "button_draft"].append(work)
        elif made and row.get("state") == "draft" and not row.get("posted_before"):
            if link(row.get("write_uid")) == calls.company.uid:
                drafts.append(work.id)
            else:
                work.outcome = Exists(str(work.id))
    for button, some in posted.items():
        _press(calls, button, some)
    halved(drafts, lambda ids: _delete(calls, ids), lambda *_: None)


def _press(calls: Calls, button: str, works: Sequence[Work]) -> None:
    halved(works, lambda some: calls.call("account.move", button, [work.id for work in some]), _stands)


def _stands(work: Work, error: OdooAnswer) -> None:
    """Add that what came out wrong could not be taken away."""
    if isinstance(work.outcome, Rejected):
        told = f"It stands posted in Odoo all the same, and could not be taken back: {error.sentence} Reverse it there."
        work.outcome = replace(work.outcome, reason=f"{work.outcome.reason} {told}")


def _delete(calls: Calls, ids: Sequence[int]) -> None:
    """Delete drafts, without their numbers first: Odoo deletes no number from the middle of a series."""
    calls.call("account.move", "write", ids, vals={"name": "/"})
    calls.call("account.move", "unlink", ids)


def _taxed(calls: Calls, works: Sequence[Work], only: Sequence[Any]) -> tuple[list[Work], set[int]]:
    """Set what differs; give the works that come to the source's totals, and the invoices of which a tax was set."""
    standing = read_standing(calls.odoo, calls.company, [work.id for work in works], only)
    wanted = []
    for work in works:
        if work.id not in standing:
            work.outcome = Exists(str(work.id))
            continue
        lines = corrections(standing[work.id], work.whole)
        if isinstance(lines, str):
            work.refuse(lines, DIFFER)
        else:
            wanted.append((work, standing[work.id], lines))
    set_due(calls, [(work, found) for work, found, _ in wanted])
    set_taxes(calls, [one for one in wanted if one[0].outcome is None])
    changed = {work.id for work, _, lines in wanted if lines}
    return [work for work, _, _ in wanted if work.outcome is None], changed


def _check(calls: Calls, works: Sequence[Work], changed: Collection[int]) -> None:
    """Read invoices back, and the taxes of those of which some were set."""
    if not works:
        return
    ids = [work.id for work in works]
    rows = move_rows(calls.odoo, ids)
    standing = read_standing(calls.odoo, calls.company, [one for one in ids if one in changed])
    for work in works:
        found = rows.get(work.id)
        fault = _fault(found, work, calls.company) if found else "it was deleted in Odoo at the same time."
        fault = fault or _tax_fault(standing.get(work.id), work)
        if fault:
            work.refuse(fault, DIFFER)
        else:
            work.done()


def _tax_fault(standing: Standing | None, work: Work) -> str | None:
    """Say that Odoo did not keep a tax as it was set."""
    still = corrections(standing, work.whole) if standing else {}
    return still if isinstance(still, str) else "Odoo did not keep the tax as it was set." if still else None


def _fault(row: Row, work: Work, company: Company) -> str | None:
    """Say what is not as it is to be, of what Odoo decides by itself: state, totals, number and dates."""
    whole, head = work.whole, work.whole.head
    totals = [("subtotal", "amount_untaxed", whole.untaxed), ("total", "amount_total", whole.total)]
    for name, field, want in totals:
        if decimal(row[field]) * 100 != want:
            return f"Odoo comes to a {name} of {row[field]} instead of {amount(want)}."
    state = "posted" if work.told.post else "draft"
    if row["state"] != state:
        return f"Odoo left it {row['state']} instead of {state}."
    if not work.told.post:
        return None
    if not _has_number(row, work, company):
        return f"Odoo gave it the number {row['name']} instead of {head['name']}."
    day = head["invoice_date"]
    if (row["invoice_date"], row["date"]) != (day, day):
        return f"Odoo moved it from {day} to {row['date']}; is that period closed?"
    due = head["invoice_date_due"]
    if due and row["invoice_date_due"] != due:
        return f"Odoo has it due on {row['invoice_date_due']} instead of {due}."
    return None


def _has_number(row: Row, work: Work, company: Company) -> bool:
    """Tell whether an invoice has the number it is to have, where that is more than a reference."""
    return company.number != "name" or work.whole.head["name"] in ("", row["name"], number_of(row, company))
