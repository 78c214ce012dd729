"""Payments written to Odoo by lists: loaded, posted and matched with their invoices, hundreds in about ten calls.

Every entry may be sent again at any time: each step looks first at what the ones before it did. A payment is got or
made by its external id, and so is the match; what a person paid meanwhile is found and never paid again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from connectors.odoo.client import Odoo
from connectors.odoo.company import Company
from connectors.odoo.errors import OdooAnswer
from connectors.odoo.payment_batch import Batch
from connectors.odoo.payment_match import Match, complete, match, meanwhile, separate
from connectors.odoo.payment_reading import (
    find_payments,
    is_open,
    read_by,
    read_firms,
    read_moves,
    read_near,
    read_payments,
    read_settlements_of,
    standing_payments,
)
from connectors.odoo.payment_undo import cancel, unsettle
from connectors.odoo.payments import (
    Due,
    load_fields,
    load_row,
    locked_day,
    payment_fields,
    posted_states,
    read_due,
    settles,
    text_field,
    void_states,
)
from connectors.odoo.rows import Row, link, mark_of
from connectors.odoo.settlements import Settlement, chosen, judge, strangers
from connectors.odoo.writes import halved, outcome_of
from syncd.connector import Done, Entry, Exists, Outcome, Rejected, Stale, Unknown
from syncd.errors import NotSent, Unreachable

__all__ = ["find_payments", "read_payments", "standing_payments", "write_payments"]

NO_ENTRY = (
    "Odoo books no entry for payments in this journal, and does not take {label} for settled by one; "
    "give the journal's payment method an outstanding account, then retry."
)

STILL_OPEN = "Odoo matched the payment of {label}, but shows the invoice as open all the same; look at it there."


def write_payments(odoo: Odoo, company: Company, entries: Sequence[Entry]) -> Iterator[tuple[int, Outcome]]:
    """Carry out settle, adopt and unsettle; one outcome for each entry.

    ``NotSent`` where nothing was carried out; a call whose answer was lost leaves what is not done in doubt.
    """
    batch, dues = Batch(odoo, company), [read_due(entry) for entry in entries]
    try:
        unsettle(batch, [due for due in dues if due.verb == "unsettle"])
        _settle(batch, [due for due in dues if due.verb in ("settle", "adopt")])
    except OdooAnswer as error:
        for due in batch.left(dues):
            batch.refuse(due, error)
    except Unreachable as error:
        if not batch.wrote:
            raise NotSent(str(error), error.retry_after) from error
        for due in batch.left(dues):
            batch.outcomes[due.entry] = Unknown(str(error))
    for due in batch.left(dues):
        batch.outcomes[due.entry] = Rejected(f"a payment that stands in Odoo is not changed ({due.verb}).")
    yield from batch.outcomes.items()


def _settle(batch: Batch, dues: Sequence[Due]) -> None:
    """Settle what is open, by a payment that stands or a new one, and say by what the rest is settled."""
    if not dues:
        return
    batch.moves = read_moves(batch.odoo, {due.invoice for due in dues})
    to_pay: list[Due] = []
    settled: list[Due] = []
    for due in dues:
        verdict = judge(batch.moves.get(due.invoice), due)
        if isinstance(verdict, Rejected):
            batch.outcomes[due.entry] = verdict
        else:
            (to_pay if verdict == "open" else settled).append(due)
    rows, names = read_near(
        batch.odoo,
        batch.company,
        texts={due.text for due in (*to_pay, *settled)},
        ids={int(due.external_id) for due in dues if due.external_id and due.external_id.isdecimal()},
        partners={_partner(batch, due) for due in to_pay},
    )
    standing = {name: rows[number] for number, name in names.items() if mark_of("payment", name)}
    _already(batch, settled, rows, standing)
    _choose(batch, to_pay, rows, names, standing)
    _load(batch, [due for due in batch.left(to_pay) if due.entry not in batch.payments])
    _post(batch, batch.left(to_pay))
    _take_back(batch, match(batch, batch.left(to_pay)))
    _verify(batch, batch.left(to_pay))


def _partner(batch: Batch, due: Due) -> int:
    return link(batch.moves[due.invoice]["commercial_partner_id"])


def _own(due: Due, rows: Mapping[int, Row], standing: Mapping[str, Row]) -> Row | None:
    """Give the payment of an entry that stands already: the one it adopts, or made when it was sent before."""
    if due.verb == "adopt":
        return rows.get(int(due.external_id)) if due.external_id and due.external_id.isdecimal() else None
    return standing.get(due.name)


def _already(batch: Batch, dues: Sequence[Due], rows: Mapping[int, Row], standing: Mapping[str, Row]) -> None:
    """Say by what invoices are settled; a payment of syncd's that came too late is taken back."""
    if not dues:
        return
    made = {row["id"] for row in standing.values()}
    how = read_settlements_of(batch.odoo, batch.company, {due.invoice: batch.moves[due.invoice] for due in dues})
    late: list[tuple[Due, int]] = []
    unfinished: list[Match] = []
    matched: list[tuple[Due, Settlement]] = []
    for due in dues:
        own, settlement = _own(due, rows, standing), how.get(due.invoice)
        there = settlement.external_id if settlement else f"invoice/{due.invoice}"
        if own and settles(own, batch.company) and due.invoice in own["reconciled_invoice_ids"]:
            there = str(own["id"])
            if settlement and settlement.partial:
                unfinished.append(Match(due, [settlement.partial], list(settlement.lines)))
            elif settlement and settlement.full and own["id"] in made:
                matched.append((due, settlement))
        elif own and own["id"] in made and not own["is_reconciled"] and own["state"] not in void_states(batch.company):
            late.append((due, own["id"]))
        ours = there == due.external_id or bool(own and there == str(own["id"]))
        batch.outcomes[due.entry] = Done(there) if ours else Exists(there)
    complete(batch, unfinished)
    shared = Counter(settlement.full for _, settlement in matched)
    separate(batch, [(due, settlement.lines) for due, settlement in matched if shared[settlement.full] > 1])
    posted = posted_states(batch.company)
    by_state = {flag: [one for one in late if (rows[one[1]]["state"] in posted) is flag] for flag in (True, False)}
    cancel(batch, by_state[True], by_state[False], lambda item, error: batch.refuse(item[0], error, _LATE))


_LATE = "It is settled already, and syncd's own payment, which came too late, could not be taken back: "


def _choose(
    batch: Batch,
    dues: Sequence[Due],
    rows: Mapping[int, Row],
    names: Mapping[int, str],
    standing: Mapping[str, Row],
) -> None:
    """Say by which payment each open invoice is settled, as far as one stands; those without get a new one."""
    loose = {row["id"]: row for row in rows.values() if is_open(row, names, batch.company)}
    firms = read_firms(batch.odoo, {link(row["partner_id"]) for row in loose.values()} - {0})
    for due in dues:
        own = _own(due, rows, standing)
        if own is not None:
            loose.pop(own["id"], None)
            _take(batch, due, own, ours=mark_of("payment", names.get(own["id"])) is not None)
            continue
        if due.verb == "adopt":
            batch.outcomes[due.entry] = Stale(f"what settled {due.label} in Odoo no longer does.")
            continue
        found = strangers(due, _partner(batch, due), loose.values(), firms)
        choice = chosen(due, found, text_field(batch.company)) or locked_day(due.date, batch.company)
        if isinstance(choice, Rejected):
            batch.outcomes[due.entry] = choice
        elif choice is not None:
            loose.pop(choice["id"])
            batch.payments[due.entry] = choice["id"]


def _take(batch: Batch, due: Due, row: Row, *, ours: bool) -> None:
    """Take the payment that stands, if it still is what is to settle the invoice."""
    name, draft = row["name"] or row["id"], row["state"] == "draft"
    fields = payment_fields(row)
    if row["state"] in void_states(batch.company) or (draft and not ours):
        gone = Stale(f"payment {name} of {due.label} no longer stands in Odoo.")
        batch.outcomes[due.entry] = gone if due.verb == "adopt" else Exists(str(row["id"]))
    elif fields["amount"] != due.amount or fields["currency"] != due.currency:
        batch.outcomes[due.entry] = Rejected(f"payment {name} of {due.label} was changed in Odoo; correct it there.")
    elif row["is_reconciled"]:
        other = Rejected(f"payment {name} of {due.label} settles something else in Odoo.")
        batch.outcomes[due.entry] = other if due.verb == "adopt" else meanwhile(due)
    elif draft and (locked := locked_day(row["date"], batch.company)):
        batch.outcomes[due.entry] = locked
    else:
        batch.payments[due.entry] = row["id"]
        if ours:
            batch.ours.add(row["id"])
        if draft:
            batch.drafts.add(row["id"])


def _load(batch: Batch, dues: Sequence[Due]) -> None:
    """Make new payments, as drafts; one that stands under its external id all the same is taken as it is."""
    loaded: dict[int, Due] = {}

    def send(some: Sequence[Due]) -> None:
        rows = [load_row(due, _partner(batch, due), batch.company) for due in some]
        ids = batch.load("account.payment", load_fields(batch.company), rows, once=True)
        loaded.update(zip(ids, some, strict=True))

    halved(dues, send, batch.refuse)
    rows = read_by(batch.odoo, batch.company, [("id", "in", sorted(loaded))]) if loaded else {}
    for number, due in loaded.items():
        if number in rows:
            _take(batch, due, rows[number], ours=True)
        else:
            batch.outcomes[due.entry] = Stale(f"the payment of {due.label} was deleted in Odoo at the same time.")


def _post(batch: Batch, dues: Sequence[Due]) -> None:
    """Post the drafts; one that Odoo will not post does not stay."""
    refused: dict[int, OdooAnswer] = {}

    def send(some: Sequence[Due]) -> None:
        batch.call("account.payment", "action_post", [batch.payments[due.entry] for due in some])

    drafts = [due for due in dues if batch.payments[due.entry] in batch.drafts]
    halved(drafts, send, lambda due, error: refused.update({due.entry: error}))
    for due in drafts:
        if due.entry in refused:
            batch.outcomes[due.entry] = outcome_of(refused[due.entry])
    unposted = [(due, batch.payments[due.entry]) for due in drafts if due.entry in refused]
    halved(
        unposted,
        lambda some: batch.call("account.payment", "unlink", [number for _, number in some]),
        lambda item, error: batch.refuse(item[0], refused[item[0].entry], f"its draft stays, for {error.sentence}: "),
    )


def _verify(batch: Batch, dues: Sequence[Due]) -> None:
    """Read the invoices again: what is not settled, wholly and once, does not keep its payment."""
    batch.moves = read_moves(batch.odoo, {due.invoice for due in dues})
    failed: list[tuple[Due, Outcome]] = []
    for due in dues:
        verdict = judge(batch.moves.get(due.invoice), due)
        payment = batch.payments[due.entry]
        if verdict == "settled":
            known = payment in batch.ours or due.verb == "adopt"
            batch.outcomes[due.entry] = Done(str(payment)) if known else Exists(str(payment))
        elif verdict == "open":
            why = NO_ENTRY if payment in batch.without_entry else STILL_OPEN
            failed.append((due, Rejected(why.format(label=due.label))))
        else:
            failed.append((due, verdict))
    _take_back(batch, failed, matched=True)


def _take_back(batch: Batch, failed: Sequence[tuple[Due, Outcome]], *, matched: bool = False) -> None:
    """Cancel syncd's payments that could not be matched, and note why; a person's payment stays as it is.

    So does one that was matched by another syncd at the same time, unless ``matched`` ones are to go as well.
    """
    ours = [batch.payments[due.entry] for due, _ in failed if batch.payments[due.entry] in batch.ours]
    rows = read_by(batch.odoo, batch.company, [("id", "in", ours)]) if ours else {}
    loose: list[tuple[Due, int]] = []
    for due, outcome in failed:
        row = rows.get(batch.payments[due.entry])
        if row and row["is_reconciled"] and not matched:
            batch.outcomes[due.entry] = meanwhile(due)
            continue
        batch.outcomes[due.entry] = outcome
        if row and row["state"] in posted_states(batch.company):
            loose.append((due, row["id"]))
    before = "its payment stands unmatched in Odoo and could not be taken back: "
    cancel(batch, loose, [], lambda item, error: batch.refuse(item[0], error, before))
