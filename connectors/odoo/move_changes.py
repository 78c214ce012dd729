"""Invoices changed in Odoo: texts, the due date and the chatter where they stand, all else through a draft.

A posted invoice takes its texts and its due date as it is. Its lines, date, currency and partner change only as a
draft (``button_draft``): head and lines, each where it stands, tax, post. The number is kept, and what Odoo will not
have is put back as it was. A note with an external id is left on an invoice before it becomes a draft, so that a draft
that a broken run left behind is told from one that a person made: the first is finished by the same entry sent again,
the second stays a draft.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from connectors.odoo.chatter import Note, note_fields
from connectors.odoo.chatter_io import read_notes, write_notes
from connectors.odoo.company import Company
from connectors.odoo.errors import OdooAnswer
from connectors.odoo.move_calls import Calls, Work, refused
from connectors.odoo.move_finish import finish, otherwise, withdraw
from connectors.odoo.move_io import move_rows, product_lines
from connectors.odoo.move_keeping import keep
from connectors.odoo.move_reading import is_locked, is_void, move_fields
from connectors.odoo.move_totals import read_standing, set_maturity, whole_of
from connectors.odoo.moves import POSITION, TERM, Told, Whole, external_id
from connectors.odoo.positions_io import leave_off
from connectors.odoo.rows import Row, anything_paid, link, settled_by
from connectors.odoo.writes import halved, outcome_of
from syncd.connector import Rejected, Stale
from syncd.fields import lookup, same

Lines = Mapping[int, Sequence[Row]]
NOTE = "mail.mt_note"
STATES = {"draft": "a draft", "cancel": "cancelled"}


def change(calls: Calls, works: Sequence[Work]) -> None:
    """Carry out changes, and post drafts that are to be posted."""
    for work in works:
        work.id = int(work.entry.external_id or 0)
    ids = [work.id for work in works]
    rows, lines = move_rows(calls.odoo, ids), product_lines(calls.odoo, calls.company, ids, analytic=True)
    notes = read_notes(calls.odoo, [work.id for work in works if work.told.events])
    for work in works:
        _look(work, rows.get(work.id), lines.get(work.id, ()), notes.get(work.id, {}), calls.company)
    write_notes(calls, [work for work in works if work.outcome is None], notes)
    due = [work for work in works if work.outcome is None]
    _in_place(calls, [work for work in due if not work.told.rewrite], lines)
    _rewrite(calls, [work for work in due if work.told.rewrite], rows, lines)
    posts = [work for work in due if work.outcome is None and work.entry.verb == "post"]
    for work in posts:
        _keep_due_date(work, rows[work.id])
    finish(calls, posts)
    withdraw(calls, posts)
    for work in due:
        if work.outcome is None:
            work.done()


def _look(work: Work, row: Row | None, lines: Sequence[Row], notes: Mapping[str, Note], company: Company) -> None:
    """Compare what stands with what the plan saw: a field is as it was before, or as it is to be, or it is stale.

    Not so the tax of a draft, which Odoo computes anew when a posted invoice becomes one.
    """
    if row is None or is_void(row):
        work.outcome = Stale("it no longer stands in Odoo" if row is None else "it is cancelled in Odoo")
        return
    fields = {**move_fields(row, lines, company), **note_fields(notes)}
    open_ = False
    for path, (before, after) in work.told.changes.items():
        if path == "client_id":
            open_ = True  # the source's id; Odoo tells only its own
            continue
        found = lookup(fields, path)
        known = same(found, before) or same(found, after) or (row["state"] == "draft" and path in ("tax", "total"))
        if not known:
            work.outcome = Stale(f"{path} is {found!r} in Odoo, and was {before!r}")
            return
        open_ = open_ or not same(found, after)
    if not open_ and (row["state"] == "posted" or not work.told.post):
        work.done()
    elif work.entry.verb == "post" and row["state"] == "draft" and (told := otherwise(row, work, company)):
        work.refuse(told)


def _keep_due_date(work: Work, row: Row) -> None:
    """Let a draft that is posted as it stands be due when a person has it due, where FastFaktura changed nothing."""
    if "due_date" not in work.told.changes:
        head = {**work.whole.head, "invoice_date_due": row["invoice_date_due"] or ""}
        work.told = replace(work.told, whole=replace(work.whole, head=head))


def _in_place(calls: Calls, works: Sequence[Work], lines: Lines) -> None:
    """Write texts and due dates, of all that change the same columns in one call; then the texts of lines."""
    groups: dict[tuple[str, ...], list[Work]] = defaultdict(list)
    for work in works:
        if work.told.texts:
            groups[tuple(sorted(work.told.texts))].append(work)
    for columns, some in groups.items():
        _load_texts(calls, columns, some)
    if not calls.company.features.display_type_product:
        _due_dates(calls, [work for work in works if work.outcome is None and "invoice_date_due" in work.told.texts])
    named: list[tuple[Work, str, str]] = []
    for work in works:
        own = [str(line["id"]) for line in lines.get(work.id, ())]
        texts = sorted((int(number), text) for number, text in work.told.names.items())
        if texts and texts[-1][0] > len(own):
            work.outcome = work.outcome or Stale(f"it has {len(own)} lines in Odoo")
        named += [(work, own[number - 1], text) for number, text in texts if work.outcome is None]
    halved(
        named,
        lambda some: calls.load("account.move.line", (".id", "name"), [item[1:] for item in some]),
        lambda item, error: refused(item[0], error),
    )


def _load_texts(calls: Calls, columns: Sequence[str], works: Sequence[Work]) -> None:
    def send(some: Sequence[Work]) -> None:
        rows = [[str(work.id), *(work.told.texts[name] for name in columns)] for work in some]
        calls.load("account.move", (".id", *columns), rows)

    halved(works, send, refused)


def _due_dates(calls: Calls, works: Sequence[Work]) -> None:
    """Let the receivable lines follow."""
    standing = read_standing(calls.odoo, calls.company, [work.id for work in works])
    set_maturity(calls, [(work, standing[work.id], work.told.texts["invoice_date_due"]) for work in works])


def _rewrite(calls: Calls, works: Sequence[Work], rows: Mapping[int, Row], lines: Lines) -> None:
    """Write head and lines, of a draft; what was posted is made a draft and posted again."""
    for work in works:
        _refuse_fixed(work, rows[work.id], calls.company)
    due = [work for work in works if work.outcome is None]
    standing = read_standing(calls.odoo, calls.company, [work.id for work in due])
    old = {work.id: whole_of(rows[work.id], lines.get(work.id, ()), standing[work.id], calls.company) for work in due}
    places = {work.id: _keep(work, old[work.id], rows[work.id], calls.company) for work in due}
    due = [work for work in due if work.outcome is None]
    leave_off(calls, due)
    _keep_drafts(calls, [work for work in due if rows[work.id]["state"] == "draft" and work.entry.verb == "update"])
    posted = [work for work in due if rows[work.id]["state"] == "posted"]
    _note(calls, posted)
    calls.act("button_draft", [work for work in posted if work.outcome is None])
    drafts = [work for work in due if work.outcome is None]
    for work in drafts:
        ids = [line["id"] for line in lines.get(work.id, ())]
        _write(calls, work, work.told.texts, rows[work.id], ids, places[work.id])
    finish(calls, [work for work in drafts if work.outcome is None])
    refused_ = [work for work in drafts if isinstance(work.outcome, Rejected)]
    texts = {work.id: _texts(rows[work.id], work.told.texts) for work in refused_}
    _put_back(calls, refused_, old, texts, lines, posted)


def _keep(work: Work, old: Whole, row: Row, company: Company) -> Sequence[int | None]:
    """Let what did not change be as it stands; give the place that each line has now."""
    kept = keep(work.whole, old, work.told.changes, company.taxes, draft=row["state"] == "draft")
    if isinstance(kept, Rejected):
        work.outcome = kept
        return ()
    work.told = replace(work.told, whole=kept.whole)
    return kept.rows


def _refuse_fixed(work: Work, row: Row, company: Company) -> None:
    """Refuse what must not become a draft; Odoo itself would take the payment off a paid invoice."""
    if work.outcome is not None or row["state"] != "posted":
        return
    if anything_paid(row):
        work.refuse(f"{settled_by(row)}, and is not changed.")
    elif row.get("restrict_mode_hash_table"):
        work.refuse("its journal in Odoo is locked by hashes: what is posted there is never changed.")
    elif is_locked(row, company):
        work.refuse(f"it is of {row['date']}, a period that is closed in Odoo.", "period_locked")


def _keep_drafts(calls: Calls, works: Sequence[Work]) -> None:
    """Do not post what a person made a draft: only what bears the note of this very entry."""
    if not works:
        return
    domain = [("model", "=", "account.move"), ("res_id", "in", [work.id for work in works])]
    notes = calls.odoo.ids("mail.message", domain)
    names = set(calls.odoo.external_ids("mail.message", notes).values()) if notes else set()
    for work in works:
        work.told = replace(work.told, post=work.told.post and _note_id(calls, work) in names)


def _note(calls: Calls, works: Sequence[Work]) -> None:
    """Leave a note on posted invoices that are about to become drafts; once each."""

    def send(some: Sequence[Work]) -> None:
        columns = ("id", "model", "res_id", "body", "message_type", "subtype_id/id")
        rows = [[_note_id(calls, one), "account.move", str(one.id), _told(one), "comment", NOTE] for one in some]
        calls.load("mail.message", columns, rows, once=True)

    halved(works, send, refused)


def _note_id(calls: Calls, work: Work) -> str:
    return external_id(work.entry.mark, work.entry.key, calls.company.id) + "-u"


def _told(work: Work) -> str:
    """Say which fields changed, but for events, which have notes of their own; the names need no escaping."""
    names = dict.fromkeys(path.partition(".")[0] for path in work.told.changes if not path.startswith("events."))
    return f"<p>Changed in FastFaktura: {', '.join(names)}.</p>"


def _write(
    calls: Calls, work: Work, texts: Mapping[str, str], row: Row, ids: Sequence[int], places: Sequence[int | None]
) -> None:
    """Write one invoice; ``row`` and ``ids``: it and its lines as they stand, ``places``: which each line is to be."""
    if not calls.company.features.display_type_product:
        places = [None] * len(places)  # Odoo 14 and 15 leave a line that stands in the currency and at the rate it had
    values = {
        **{name: text or False for name, text in texts.items()},
        **_head(work.whole.head, row),
        "invoice_line_ids": _lines(work.whole, ids, places, calls.company),
    }
    try:
        calls.call("account.move", "write", [work.id], vals=values)
    except OdooAnswer as error:
        work.outcome = outcome_of(error)


def _head(head: Mapping[str, str], row: Row) -> dict[str, Any]:
    """Give what ``write`` takes of the head.

    The partner only where it changes: Odoo (from 16 on) puts the partner's payment term and the company's terms in the
    place of those that stand whenever a partner is written, be it the same.
    """
    partner, day = int(head["partner_id/.id"] or 0), head["invoice_date"]
    values: dict[str, Any] = {
        "currency_id": int(head["currency_id/.id"]),
        "invoice_date": day or False,
        "invoice_date_due": head["invoice_date_due"] or False,
        "invoice_payment_term_id": int(head[TERM] or 0) or False,
    }
    if partner != link(row["partner_id"]):
        values |= {"partner_id": partner or False, "narration": head["narration"] or False}
    if day:
        values["date"] = day
    if POSITION in head:
        values["fiscal_position_id"] = int(head[POSITION] or 0) or False
    return values


def _lines(whole: Whole, ids: Sequence[int], places: Sequence[int | None], company: Company) -> list[list[Any]]:
    """Give what ``write`` takes of the lines: changed where they stand, added and taken out."""
    gone = [[2, number, 0] for place, number in enumerate(ids) if place not in places]
    if len(gone) == len(ids):
        gone = [[5, 0, 0]]  # taken out one by one, Odoo 14 keeps what they came to in the old currency
    lines = zip([_line(cells, company.features.analytic) for cells in whole.lines], places, strict=True)
    return gone + [[0, 0, line] if place is None else [1, ids[place], line] for line, place in lines]


def _line(cells: Sequence[str], analytic: Sequence[str]) -> dict[str, Any]:
    name, quantity, price, account, taxes, *more = cells
    discount, product, unit = [*more, "", "", ""][:3]
    values = {"product_id": int(product), "product_uom_id": int(unit or 0) or False} if product else {}
    for column, cell in zip(analytic, more[3:], strict=False):  # a new line has none
        values[column.partition("/")[0]] = orjson.loads(cell) if cell else False
    return values | {
        "name": name,
        "quantity": float(quantity),
        "price_unit": float(price),
        "account_id": int(account),
        "tax_ids": [[6, 0, [int(tax) for tax in taxes.split(",") if tax]]],
        "discount": float(discount or 0),
    }


def _texts(row: Row, columns: Collection[str]) -> dict[str, str]:
    """Give the name and the texts that an invoice had before they were written."""
    return {column: str(row.get(column) or "") for column in ("name", *columns)}


def _put_back(
    calls: Calls,
    works: Sequence[Work],
    old: Mapping[int, Whole],
    texts: Mapping[int, Mapping[str, str]],
    lines: Lines,
    posted: Sequence[Work],
) -> None:
    """Put invoices back as they were; what came of the change stays what it was."""
    calls = calls.insisting
    were_posted = {work.id for work in posted}
    again = [
        Work(work.entry, Told(old[work.id], post=work.id in were_posted), work.id)
        for work in works
        if work.id in were_posted or work.entry.verb == "post"
    ]
    if not again:
        return
    moves = [work.id for work in again]
    rows, stands = move_rows(calls.odoo, moves), product_lines(calls.odoo, calls.company, moves)
    calls.act("button_draft", [work for work in again if rows.get(work.id, {}).get("state") == "posted"])
    for work in [work for work in again if work.outcome is None]:
        were, ids = [line["id"] for line in lines.get(work.id, ())], [line["id"] for line in stands.get(work.id, ())]
        places = [ids.index(number) if number in ids else None for number in were]
        _write(calls, work, texts[work.id], rows[work.id], ids, places)
    finish(calls, [work for work in again if work.outcome is None])
    left = {work.id: work.outcome.reason for work in again if isinstance(work.outcome, Rejected | Stale)}
    rows = move_rows(calls.odoo, list(left)) if left else {}
    for work in works:
        if work.id in left and isinstance(work.outcome, Rejected):
            told = _stands(rows.get(work.id), were_posted=work.id in were_posted)
            work.outcome = replace(work.outcome, reason=f"{work.outcome.reason} {told}: {left[work.id]}")


def _stands(row: Row | None, *, were_posted: bool) -> str:
    """Say how an invoice stands that could not be put back."""
    if row is None:
        return "It is gone from Odoo"
    if row["state"] == "posted":
        return "It stands posted in Odoo, and not as before"
    if row["state"] == "draft" and were_posted:
        return "It is a draft now, for Odoo would not post it as before"
    return f"It could not be put back, and is {STATES.get(row['state'], row['state'])} in Odoo"
