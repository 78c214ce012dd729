"""The texts of all problems, one entry for each code. Data only; ``syncd.problems`` works with it.

``record`` is always there: the number or name where there is one, else the id. A ``many`` text has
``count`` and the parameters named in ``cause``; a remedy has only those as well, and ``record``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Stage = Literal["pull", "plan", "adopt", "send", "attach"]
"""What finds a problem, and tells that it is gone."""

Waits = Literal["source", "books", "both", "rarely", "person"]
"""When a record with a problem is looked at again: when it changes at the source; in every cycle, for settings or books
may mend it; when either side changes; after a while; when a person acts. A person can ask for it at any time."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of problem; ``cause``: the parameters that make two findings the same cause."""

    code: str
    sentence: str
    many: str
    remedy: str
    parameters: tuple[str, ...] = ()
    cause: tuple[str, ...] = ()
    waits: Waits = "source"
    stage: Stage = "plan"
    severity: Literal["problem", "hold", "note"] = "problem"


_RETRY = "then `syncd problems retry`."

_PAYLOAD = (
    Problem(
        "unreadable",
        "{record}: FastFaktura's field {field} cannot be understood: it holds {found}.",
        "{count} records: FastFaktura's field {field} cannot be understood.",
        "Correct the record in FastFaktura; if it looks right there, report it with this line.",
        ("record", "field", "found"),
        ("field",),
    ),
    Problem(
        "missing_field",
        "{record}: FastFaktura sent it without the field {field}.",
        "{count} records came from FastFaktura without the field {field}.",
        "Fill the field in FastFaktura; if it is filled there, report it with this line.",
        ("record", "field"),
        ("field",),
    ),
    Problem(
        "bad_cents",
        "{record}: {field} should be a whole number of cents, but holds {found}.",
        "{count} records: {field} should be a whole number of cents and is not.",
        "Save the record again in FastFaktura; if it stays so, report it to FastFaktura.",
        ("record", "field", "found"),
        ("field",),
    ),
    Problem(
        "unknown_status",
        "Invoice {record} has a status that syncd does not know: {found}.",
        "{count} invoices have a status that syncd does not know: {found}.",
        "Nothing is written for it until it has a known status; a newer syncd may know this one.",
        ("record", "found"),
        ("found",),
    ),
    Problem(
        "unknown_currency",
        "Invoice {record} is in a currency that syncd does not know: {found}.",
        "{count} invoices are in a currency that syncd does not know: {found}.",
        "Nothing is written for it; book it by hand, or correct the currency in FastFaktura.",
        ("record", "found"),
        ("found",),
    ),
    Problem(
        "totals_do_not_add_up",
        "Invoice {record} does not add up: subtotal {subtotal} and tax {tax} are not {total}.",
        "{count} invoices do not add up: subtotal and tax are not the total.",
        "Correct the invoice in FastFaktura; its amounts are the truth and are never guessed.",
        ("record", "subtotal", "tax", "total"),
    ),
    Problem(
        "duplicate_id",
        "FastFaktura lists two different {kind}s under the one id {id}.",
        "FastFaktura lists {count} ids twice, each with different contents.",
        "Report it to FastFaktura; the record as syncd knew it before stays.",
        waits="books",
        stage="pull",
    ),
    Problem(
        "record_without_id",
        "One of the {kind}s that FastFaktura listed has no id: {found}.",
        "FastFaktura listed {count} records that have no id.",
        "Report it to FastFaktura; a record without an id cannot be followed.",
        ("found",),
        waits="books",
        stage="pull",
    ),
    Problem(
        "unknown_client",
        "Invoice {record} is for the client {client_id}, which FastFaktura does not have.",
        "{count} invoices are for clients that FastFaktura does not have.",
        "Give the invoice an existing client in FastFaktura, or report it there.",
        ("number", "client_id"),
        waits="books",
    ),
    Problem(
        "client_unreadable",
        "Invoice {record} waits: its client {client_id} cannot be understood.",
        "{count} invoices wait for clients that cannot be understood.",
        "Mend the client first; it has a problem of its own.",
        ("number", "client_id"),
        waits="books",
    ),
    Problem(
        "detail_unreadable",
        "The details of {kind} {record} cannot be read from FastFaktura: {reason}",
        "The details of {count} records cannot be read from FastFaktura.",
        "syncd asks again in every cycle; if it stays so, report it to FastFaktura.",
        ("record", "reason"),
        waits="books",
        stage="pull",
    ),
)

_DATES = (
    Problem(
        "undated_invoice",
        "Nothing tells when invoice {record} was issued.",
        "{count} invoices have nothing that tells when they were issued.",
        'Set `undated` of the target to "first_seen", or to "due_date" where it has one; '
        '"issue_date" dates payments only.',
        ("number",),
        waits="books",
    ),
    Problem(
        "undated_payment",
        "Nothing tells when invoice {record} was paid.",
        "{count} paid invoices have no paying date.",
        'Set `undated` of the target to "issue_date" or "first_seen", or to "due_date" where it has one.',
        ("number",),
        waits="books",
    ),
    Problem(
        "zone_unclear",
        "The company's profile in FastFaktura names no time zone that is known ({found}); dates are days in {zone}.",
        "The profiles of {count} companies name no time zone that is known.",
        "Set `timezone` of the source, or the time zone of the profile in FastFaktura, to one such as Europe/Oslo.",
        ("found", "zone"),
        waits="books",
        stage="pull",
    ),
    Problem(
        "period_locked",
        "{record} belongs to {date}, but the books are closed up to {locked}.",
        "{count} records belong to a period that is closed up to {locked}.",
        "Open the period in the books or move `lock_date`, or book it by hand in an open period.",
        ("record", "date", "locked"),
        ("locked",),
        waits="books",
    ),
)

_LIFE = (
    Problem(
        "cancelled_after_payment",
        "Invoice {record} was paid and then cancelled; its payment stands in the books.",
        "{count} invoices were paid and then cancelled; their payments stand in the books.",
        "Refund or move the payment in the books and void the invoice there, "
        "or take the cancelling back in FastFaktura.",
        ("number",),
        waits="person",
    ),
    Problem(
        "cancelled_but_settled",
        "{record} was cancelled in FastFaktura, but not in the books: {reason}",
        "{count} records were cancelled in FastFaktura, but not in the books: {reason}",
        "Take what is paid or credited off the invoice in the books, "
        f"{_RETRY[:-1]}; or take the cancelling back in FastFaktura.",
        ("record", "reason"),
        ("reason",),
        stage="send",
    ),
    Problem(
        "back_from_paid",
        "Invoice {record} was paid and is {status} again; its payment stands in the books.",
        "{count} invoices were paid and no longer are; their payments stand in the books.",
        "Set `unsettle = true` to void such payments, or void this one in the books.",
        ("number", "status"),
        waits="books",
    ),
    Problem(
        "vanished_client",
        "The client {name} no longer exists in FastFaktura, which only ever archives clients; it stays in the books.",
        "{count} clients no longer exist in FastFaktura, which only ever archives clients; they stay in the books.",
        "Ask at FastFaktura what became of it; if it should be gone, dismiss this.",
        ("name",),
        waits="person",
    ),
    Problem(
        "vanished_invoice",
        "Invoice {record} ({status}) no longer exists in FastFaktura; it stands in the books.",
        "{count} issued invoices no longer exist in FastFaktura; they stand in the books.",
        "Void it in the books if that is right; issued invoices are never taken away unasked.",
        ("number", "status"),
        waits="person",
    ),
    Problem(
        "changed_after_booking",
        "{record} changed in FastFaktura after it was booked: {differences}.",
        "{count} records changed in FastFaktura after they were booked.",
        'Correct the books by hand and retry. `on_change = "update"` or `"reverse"` writes such changes by itself, '
        "but only of what is unpaid and of an open period.",
        ("record", "differences"),
        waits="person",
    ),
    Problem(
        "conflict",
        "{record}: {field} was changed on both sides: it was {base}, FastFaktura says {source}, "
        "the books say {target}.",
        "{count} values of {field} were changed on both sides.",
        'Make both sides equal, or let `conflicts = "source"` or `"target"` decide.',
        ("record", "field", "base", "source", "target"),
        ("field",),
        waits="books",
    ),
)

_BOOKS = (
    Problem(
        "currency_not_held",
        "Invoice {record} is in {currency}, which the books cannot hold.",
        "{count} invoices are in {currency}, which the books cannot hold.",
        "Turn the currency on in the books, or book the invoice by hand.",
        ("number", "currency"),
        ("currency",),
        waits="books",
    ),
    Problem(
        "ambiguous_match",
        "{record}: several records in the books may be it: {candidates}.",
        "{count} records may each be one of several in the books.",
        "Bind it with `syncd mappings import`, or merge the doubles in the books.",
        ("record", "candidates"),
        waits="books",
    ),
    Problem(
        "contested_match",
        "{record}: the record {candidate} in the books may be it, and others of FastFaktura fit it as well.",
        "{count} records may be ones in the books that others of FastFaktura fit as well.",
        "Bind the right one with `syncd mappings import`; the others are then made.",
        ("record", "candidate"),
        waits="books",
    ),
    Problem(
        "bound_to_nothing",
        "{record} was bound by hand to {bound}, and {reason}; nothing is written for it.",
        "{count} records were bound by hand, and {reason}; nothing is written for them.",
        "Bind it to the right id with `syncd mappings import`; if it does not stand there at all, "
        "`syncd problems retry` lets go of the binding, and the next run writes it.",
        ("record", "bound", "reason"),
        ("reason",),
        waits="books",
    ),
    Problem(
        "bound_from_nothing",
        "{bound} was bound by hand to {record}, but FastFaktura has no such {kind}.",
        "{count} records of the books were bound by hand to what FastFaktura does not have.",
        "Bind it to the right record with `syncd mappings import`, or let go of it with `syncd problems retry`.",
        ("bound",),
        waits="books",
    ),
    Problem(
        "adopted_differs",
        "{record} stood in the books already and was bound to; it differs: {differences}.",
        "{count} records stood in the books already and were bound to; they differ.",
        "Make both sides equal; what a person wrote in the books is not overwritten.",
        ("record", "differences"),
        waits="both",
        stage="adopt",
    ),
    Problem(
        "adopted_totals_differ",
        "{record} stands in the books already, but with other amounts: {differences}.",
        "{count} records stand in the books already, but with other amounts.",
        "Correct the amounts in the books, or void the record there.",
        ("record", "differences"),
        waits="books",
    ),
    Problem(
        "removed_there",
        "{record} was taken out of the books by hand; it is not written again.",
        "{count} records were taken out of the books by hand; they are not written again.",
        "If it should stand there after all: put it back there as it was, or ask for it with `syncd problems retry`.",
        ("record",),
        waits="person",
    ),
    Problem(
        "rejected_by_target",
        "The books will not have {record}: {reason}",
        "The books will not have {count} records: {reason}",
        f"Mend what the reason names, {_RETRY}",
        ("record", "reason"),
        ("reason",),
        stage="send",
    ),
    Problem(
        "unwritable",
        "{record} cannot be written: {reason}",
        "{count} records cannot be written: {reason}",
        "Mend what the reason names, in FastFaktura or in the settings; it is written in the next run.",
        ("record", "reason"),
        ("reason",),
        waits="books",
    ),
    Problem(
        "unencodable",
        "{record} cannot be written: {reason}",
        "{count} records hold characters that cannot be written.",
        "Take the character out in FastFaktura, or choose an encoding that holds it.",
        ("record", "reason"),
        waits="books",
    ),
    Problem(
        "tax_not_found",
        "{record} cannot be booked, for a tax has no code: {reason}",
        "{count} records cannot be booked, for a tax has no code: {reason}",
        "Name the tax under `taxes` in the target's settings, or make it in the books.",
        ("record", "reason"),
        ("reason",),
        waits="books",
    ),
    Problem(
        "lines_do_not_add_up",
        "{record}: its lines do not come to its subtotal: {reason}",
        "{count} invoices have lines that do not come to their subtotal.",
        "Correct it in FastFaktura, or name the account for such differences in the target's settings.",
        ("record", "reason"),
        waits="books",
    ),
    Problem(
        "tax_does_not_add_up",
        "{record}: its tax cannot be booked by rate: {reason}",
        "{count} invoices have a tax that no rounding of their lines' rates comes to.",
        "Correct the rates or the tax in FastFaktura.",
        ("record", "reason"),
        waits="books",
    ),
    Problem(
        "no_rate",
        "{record} would be booked at an exchange rate of 1: {reason}",
        "{count} records would be booked at an exchange rate of 1: {reason}",
        "Let an administrator enter the currency's rate in the books; the next run writes the record.",
        ("record", "reason"),
        ("reason",),
        waits="books",
    ),
    Problem(
        "number_does_not_fit",
        "{record}: the books will not take its number: {reason}",
        "{count} invoices have a number that the books will not take: {reason}",
        "Give it a number at FastFaktura, set the journal up for free numbers as the connector's documentation tells, "
        "or book the number as reference.",
        ("record", "reason"),
        ("reason",),
        waits="books",
    ),
    Problem(
        "totals_differ",
        "{record} was not booked, for the books came to other totals: {reason}",
        "{count} invoices were not booked, for the books came to other totals.",
        f"See what the reason names; correct the invoice or the books, {_RETRY}",
        ("record", "reason"),
        stage="send",
    ),
    Problem(
        "in_doubt",
        "{record} was sent to the books and no answer came; nothing else happens to it before that is settled.",
        "{count} records were sent to the books and no answer came.",
        "Nothing: every run settles it first, by asking the books. If it stays, see whether the books answer at all.",
        ("record",),
        waits="books",
    ),
    Problem(
        "in_doubt_unresolved",
        "{record}: a {verb} was sent, its answer was lost, and whether it happened cannot be told.",
        "{count} operations were sent whose answers were lost, and nothing tells if they happened.",
        f"Look in the books; bind the record with `syncd mappings import` if it stands there, {_RETRY} "
        "What is not bound then counts as not carried out, and is sent again.",
        ("record", "verb"),
        waits="person",
        stage="send",
    ),
    Problem(
        "stale_too_often",
        "{record} changed in the books each time it was to be written.",
        "{count} records changed in the books each time they were to be written.",
        "Something else keeps writing it; stop that. syncd tries again in the next cycle.",
        ("record",),
        waits="books",
        stage="send",
    ),
    Problem(
        "pdf_missing",
        "The PDF of invoice {record} is not attached: {reason}",
        "The PDFs of {count} invoices are not attached.",
        "The invoice stands without it. syncd asks for the PDF again, ever more rarely; "
        "`syncd problems retry` asks at once.",
        ("record", "reason"),
        waits="rarely",
        stage="attach",
    ),
    Problem(
        "pdf_waits",
        "The PDF of invoice {record} is not attached yet: {reason}",
        "The PDFs of {count} invoices are not attached yet: {reason}",
        "Nothing: the next run asks for it.",
        ("record", "reason"),
        ("reason",),
        waits="books",
        stage="attach",
    ),
    Problem(
        "waits_for_client",
        "Invoice {record} waits for its client {client_id} to be written.",
        "{count} invoices wait for their clients to be written.",
        "Mend the client's problem first.",
        ("number", "client_id"),
        waits="books",
    ),
    Problem(
        "waits_for_other",
        "{record} waits for another record that it stands on.",
        "{count} records wait for others that they stand on.",
        "Mend the problem of its client or invoice first.",
        ("record",),
        waits="books",
        stage="send",
    ),
)

_HOLDS = tuple(
    Problem(code, text, text, remedy, parameters, parameters, waits="person", severity="hold")
    for code, text, remedy, parameters in (
        (
            "account_changed",
            "None of {asked} records asked for, of {known} known so far, is in this FastFaktura account.",
            "Check the API key: it seems to be another account's. If the account is right, `syncd release` the source.",
            ("known", "asked"),
        ),
        (
            "walk_too_short",
            "FastFaktura showed only {seen} of {known} known {kind}s.",
            "See whether they are there in FastFaktura; if they are truly gone, `syncd release` the source.",
            ("kind", "seen", "known"),
        ),
        (
            "zone_changed",
            "The company's profile in FastFaktura names the time zone {now}; the dates so far are days in {before}.",
            "If that is right, `syncd release` the source; dates near midnight move. If not, set its `timezone`.",
            ("before", "now"),
        ),
        (
            "source_changed",
            "It was fed by the source {before}; the source {now} knows none of the {known} records that stand in it.",
            "Set `source` back; if the change is meant, give the target other books, or `syncd release` the target.",
            ("before", "now", "known"),
        ),
        (
            "books_changed",
            "These books are not those of before: then {before}, now {now}.",
            "Check the target's settings and credentials; if the change is meant, `syncd release` the target.",
            ("before", "now"),
        ),
        (
            "too_many_changes",
            "{changed} of {known} records ({share}) would change at once; {allowed} are allowed.",
            "Look at `syncd plan`; if it is right, `syncd release` the target or raise `max_change_share`.",
            ("changed", "known", "share", "allowed"),
        ),
        (
            "too_many_voids",
            "{count} records would be voided, unsettled or archived at once; {allowed} are allowed.",
            "Look at `syncd plan`; if it is right, `syncd release` the target or raise `max_voids`.",
            ("count", "allowed"),
        ),
        (
            "too_many_removed",
            "{count} records or their rows are gone from the books ({what}); {allowed} of a kind at once are allowed.",
            (
                "If a file was spoilt, put a good one in its place or delete it; it is then built anew. If they were "
                "taken out on purpose, `syncd release` the target; they stay out."
            ),
            ("count", "what", "allowed"),
        ),
        (
            "strange_books",
            "Nothing is bound yet, but {count} invoices stand in these books under other ids.",
            "If the state was lost, restore it; if another account wrote them, name other books; else `syncd release`.",
            ("count",),
        ),
        (
            "history_without_start_date",
            "These books have a history, and no `start_date` says from when syncd writes.",
            "Set `start_date` of the target to the first issue date that syncd is to write.",
            (),
        ),
    )
)

_NOTES = (
    Problem(
        "source_silent",
        "The source {source} has not been read since {since}.",
        "{count} sources are no longer read.",
        "See `syncd status` and the log; check the service, the network and the API key.",
        ("source", "since"),
        waits="books",
    ),
    Problem(
        "order_unknown",
        "FastFaktura lists invoices in no order that syncd can tell; those born settled may only come with the sweep.",
        "FastFaktura lists invoices of {count} sources in no order that syncd can tell.",
        "Nothing need be done; a shorter `full_sweep` finds such invoices sooner.",
        waits="books",
        severity="note",
    ),
    Problem(
        "status_ignored",
        "FastFaktura ignores or refuses the status filter; open invoices come with the sweep.",
        "FastFaktura ignores or refuses the status filter for {count} sources.",
        "Nothing need be done; a shorter `full_sweep` sees changes sooner.",
        waits="books",
        severity="note",
    ),
)

CATALOGUE: dict[str, Problem] = {one.code: one for one in (*_PAYLOAD, *_DATES, *_LIFE, *_BOOKS, *_HOLDS, *_NOTES)}
