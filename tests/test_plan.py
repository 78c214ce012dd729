"""The planner by values: what a status means in the books, and that a plan carried out leaves nothing to plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.connector import ATTACHED, FIELDS, Content, Operation, Verb
from syncd.content import client_content, invoice_content
from syncd.decision import Decision
from syncd.facts import NOWHERE, Binding, Place, Policy, Seen
from syncd.fields import flatten
from syncd.match import Candidate
from syncd.model import Client, Invoice, Kind, Line
from syncd.plan import plan_client, plan_invoice

OnChange = Literal["problem", "update", "reverse"]
ALL = {kind: frozenset(names) for kind, names in FIELDS.items()}
VERBS: frozenset[Verb] = frozenset({"create", "adopt", "update", "settle", "unsettle", "void", "archive"})
PICTURE = Policy(ALL, VERBS, ZoneInfo("Europe/Oslo"), picture=True)
BOOKS = Policy(
    {**ALL, "invoice": ALL["invoice"] - {"status", "paid_date", "events", "public_url", "client_name"}},
    VERBS,
    ZoneInfo("UTC"),
)
FILED = replace(BOOKS, verbs=BOOKS.verbs | {"attach"})
"""Books in which each invoice's PDF hangs on it."""
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SEEN = Seen(NOON)
ACME = Client("c1", "Acme AS", email="post@acme.example", country="NO")


def invoice(**changes: object) -> Invoice:
    plain = Invoice(
        id="i1", number="2026-1", client_id="c1", currency="NOK", subtotal=10000, tax=2500, total=12500, status="sent",
        issue_date=date(2026, 3, 1), due_date=date(2026, 3, 15), paid_date=None, public_url=None, notes=None,
        lines=(Line("Work", "1", 10000, "25"),), events=(),
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]  # a test names real fields


def posted(kind: Kind, content: Content) -> Content:
    """Shape what is booked as books do that show it as posted."""
    booked = kind == "invoice" and content["status"] != "draft"
    return {**content, "status": "posted"} if booked else content


def bound(one: Invoice, policy: Policy, **changes: object) -> Place:
    base = flatten(invoice_content(one, ACME), policy.fields["invoice"])
    return Place(replace(Binding("r1", "1", base), **changes))  # type: ignore[arg-type]  # as above


def paid_place(policy: Policy = BOOKS) -> Place:
    one = invoice(status="paid", paid_date=date(2026, 3, 9))
    decision = plan_invoice(one, "i1", ACME, SEEN, bound(one, policy), NOWHERE, policy)
    (settle,) = (operation for operation in decision.operations if operation.verb == "settle")
    return Place(Binding("p1", "1", flatten(settle.content, policy.fields["payment"])))


def decide(
    one: Invoice, place: Place = NOWHERE, payment: Place = NOWHERE, policy: Policy = BOOKS, seen: Seen = SEEN
) -> Decision:
    return plan_invoice(one, "i1", ACME, seen, place, payment, policy)


def verbs(decision: Decision) -> list[str]:
    return [f"{operation.verb} {operation.kind}" for operation in decision.operations]


def codes(decision: Decision) -> list[str]:
    return [finding.code for finding in decision.findings]


@pytest.mark.parametrize("status", ["sent", "opened", "overdue"])
def test_an_open_invoice_is_booked_and_left_open(status: str) -> None:
    assert verbs(decide(invoice(status=status))) == ["create invoice"]


def test_a_draft_is_written_nowhere_unless_drafts_are_wanted() -> None:
    assert decide(invoice(status="draft"), policy=PICTURE) == Decision()
    assert verbs(decide(invoice(status="draft"), policy=replace(PICTURE, drafts=True))) == ["create invoice"]


def test_a_paid_invoice_is_booked_and_settled_on_the_day_it_was_paid() -> None:
    decision = decide(invoice(status="paid", paid_date=date(2026, 3, 9)))
    assert verbs(decision) == ["create invoice", "settle payment"]
    assert decision.operations[1].content["paid_date"] == "2026-03-09"
    assert decision.operations[1].content["amount"] == 12500


def test_a_paid_invoice_of_zero_needs_no_payment() -> None:
    one = invoice(status="paid", subtotal=0, tax=0, total=0, paid_date=date(2026, 3, 9))
    assert verbs(decide(one)) == ["create invoice"]


def test_a_cancelled_invoice_never_written_stays_unwritten_in_books_and_is_shown_in_a_picture() -> None:
    assert decide(invoice(status="cancelled")) == Decision()
    assert verbs(decide(invoice(status="cancelled"), policy=PICTURE)) == ["create invoice"]


def test_a_record_that_a_person_linked_is_adopted_once_it_was_read_and_never_made() -> None:
    unread = Place(Binding("r1", None, {}, state="linked"))
    unfound = Place(Binding("r1", None, {}, state="unfound"))
    for place in (unread, unfound):
        decision = decide(invoice(), place)
        assert (verbs(decision), codes(decision)) == ([], ["bound_to_nothing"])
    assert decide(invoice(status="cancelled"), unfound) == Decision()
    stands = flatten(invoice_content(invoice(notes="Mine"), ACME), BOOKS.fields["invoice"])
    seen = Candidate("mapping", "r1", "1", True, {path: (None, value) for path, value in stands.items()})
    decision = decide(invoice(), replace(unread, candidates=(seen,)))
    assert (verbs(decision), codes(decision)) == (["adopt invoice"], ["adopted_differs"])
    other = replace(seen, differs={**seen.differs, "total": (None, 1)})
    assert codes(decide(invoice(), replace(unread, candidates=(other,)))) == ["adopted_totals_differ"]


def test_a_cancelled_invoice_that_was_written_is_voided() -> None:
    one = invoice()
    assert verbs(decide(replace(one, status="cancelled"), bound(one, BOOKS))) == ["void invoice"]
    assert verbs(decide(replace(one, status="cancelled"), bound(one, PICTURE), policy=PICTURE)) == ["void invoice"]


def test_a_cancelled_invoice_that_was_paid_is_a_problem_in_books() -> None:
    one = invoice()
    decision = decide(replace(one, status="cancelled"), bound(one, BOOKS), paid_place())
    assert (verbs(decision), codes(decision)) == ([], ["cancelled_after_payment"])


def test_back_from_paid_is_a_problem_unless_payments_may_be_taken_back() -> None:
    one = invoice()
    assert codes(decide(one, bound(one, BOOKS), paid_place())) == ["back_from_paid"]
    assert verbs(decide(one, bound(one, BOOKS), paid_place(), replace(BOOKS, unsettle=True))) == ["unsettle payment"]
    assert "unsettle payment" in verbs(decide(one, bound(one, PICTURE), paid_place(PICTURE), PICTURE))


def test_a_draft_that_vanished_says_deleted_in_a_picture_and_an_issued_invoice_is_a_problem() -> None:
    gone = Seen(NOON, gone=True)
    draft = invoice(status="draft")
    decision = decide(draft, bound(draft, PICTURE), policy=PICTURE, seen=gone)
    assert [operation.changes for operation in decision.operations] == [{"status": ("draft", "deleted")}]
    assert codes(decide(invoice(), bound(invoice(), BOOKS), seen=gone)) == ["vanished_invoice"]


STATED = replace(BOOKS, fields={**BOOKS.fields, "invoice": BOOKS.fields["invoice"] | {"status"}})
"""Books that tell a draft from what is booked."""


@pytest.mark.parametrize("on_change", ["problem", "update", "reverse"])
def test_what_is_booked_does_not_become_a_draft_whatever_the_source_says(on_change: OnChange) -> None:
    policy = replace(STATED, on_change=on_change)
    there = bound(invoice(), policy)
    for draft in (invoice(status="draft"), invoice(status="draft", total=13000, subtotal=10500)):
        decision = decide(draft, there, policy=replace(policy, drafts=True))
        assert (verbs(decision), codes(decision)) == ([], ["changed_after_booking"])
    assert codes(decide(invoice(status="draft"), there, policy=policy, seen=Seen(NOON, gone=True))) == [
        "vanished_invoice"
    ]


@pytest.mark.parametrize("on_change", ["problem", "update", "reverse"])
def test_a_draft_that_a_person_posted_is_booked(on_change: OnChange) -> None:
    policy = replace(STATED, on_change=on_change, drafts=True)
    draft = invoice(status="draft")
    there = bound(draft, policy)
    assert there.binding
    posted = replace(there, binding=replace(there.binding, drift={"status": ("draft", "posted")}))
    assert decide(draft, posted, policy=policy) == decide(draft, there, policy=policy)
    decision = decide(replace(draft, total=13000, subtotal=10500), posted, policy=policy)
    assert (verbs(decision), codes(decision)) == ([], ["changed_after_booking"])
    gone = decide(draft, posted, policy=policy, seen=Seen(NOON, gone=True))
    assert (verbs(gone), codes(gone)) == ([], ["vanished_invoice"])


def test_money_that_changes_after_booking_is_a_problem_that_says_before_and_after() -> None:
    decision = decide(invoice(total=13000, subtotal=10500), bound(invoice(), BOOKS))
    assert (verbs(decision), codes(decision)) == ([], ["changed_after_booking"])
    assert "125.00 → 130.00" in decision.findings[0].parameters["differences"]


def test_what_is_booked_with_other_money_than_is_paid_is_not_settled_and_told_once() -> None:
    paid, place = invoice(total=13000, status="paid", paid_date=date(2026, 3, 9)), bound(invoice(), BOOKS)
    decision = decide(paid, place)
    assert (verbs(decision), codes(decision)) == ([], ["changed_after_booking"])
    assert codes(decide(replace(paid, currency="EUR", total=12500), place)) == ["changed_after_booking"]
    updated = decide(paid, place, policy=replace(BOOKS, on_change="update"))
    assert verbs(updated) == ["update invoice", "settle payment"]
    assert "settle payment" in verbs(decide(paid, bound(invoice(), PICTURE), policy=PICTURE))


def test_a_draft_that_cannot_be_booked_is_not_settled_either_and_told_once() -> None:
    shut = replace(STATED, drafts=True, shape=posted, locked_until=date(2026, 3, 31))
    paid, place = invoice(status="paid", paid_date=date(2026, 4, 9)), bound(invoice(status="draft"), STATED)
    decision = decide(paid, place, policy=shut)
    assert (verbs(decision), codes(decision)) == ([], ["period_locked"])
    assert verbs(decide(paid, place, policy=replace(shut, locked_until=None))) == ["post invoice", "settle payment"]


def test_what_a_person_booked_with_other_money_is_settled_once_both_sides_agree() -> None:
    paid, place = invoice(status="paid", paid_date=date(2026, 3, 9)), bound(invoice(), BOOKS)
    assert place.binding is not None
    edited = Place(replace(place.binding, drift={"total": (12500, 13000)}))
    decision = decide(paid, edited)
    assert (verbs(decision), codes(decision)) == ([], ["adopted_totals_differ"])
    assert decision.findings[0].parameters["differences"] == "total: 125.00 → 130.00"
    assert codes(decide(replace(paid, total=14000), edited)) == ["conflict"]
    assert codes(decide(invoice(), edited)) == []
    assert verbs(decide(replace(paid, total=13000), edited)) == ["settle payment"]


TWO = (Line("Work", "1", 10000, "25"), Line("Trip", "1", 5000, "25"))


@pytest.mark.parametrize("status", ["draft", "sent"])
@pytest.mark.parametrize("on_change", ["problem", "update", "reverse"])
def test_money_that_both_sides_changed_is_a_conflict_and_none_of_it_is_written(
    on_change: OnChange, status: str
) -> None:
    policy = replace(STATED, drafts=True, on_change=on_change, shape=posted)
    before = invoice(status=status, lines=TWO, subtotal=15000, tax=3750, total=18750)
    drift = {
        "lines.1.unit_price": (10000, 11000), "subtotal": (15000, 16000), "tax": (3750, 4000), "total": (18750, 20000)
    }  # fmt: skip
    lines = (TWO[0], Line("Trip", "1", 6000, "25"), Line("Desk", "1", 100, "25"))
    after = replace(before, lines=lines, subtotal=16100, tax=4025, total=20125, notes="Thanks", status="sent")
    base = flatten(policy.invoice(before, ACME), policy.fields["invoice"])
    decision = decide(after, Place(Binding("r1", "1", base, drift=drift)), policy=policy)
    assert set(codes(decision)) == {"conflict"}
    assert {finding.parameters["field"] for finding in decision.findings} == {"subtotal", "tax", "total"}
    (operation,) = decision.operations
    assert (operation.verb, set(operation.changes)) == ("update", {"notes"})
    assert operation.content == {**base, "notes": "Thanks"}


def test_the_text_of_a_line_that_both_sides_changed_keeps_no_other_line_from_being_written() -> None:
    policy = replace(STATED, on_change="update")
    before = invoice(lines=TWO, subtotal=15000, tax=3750, total=18750)
    place = bound(before, policy, drift={"lines.1.description": ("Work", "By hand")})
    after = replace(before, lines=(Line("At work", "1", 10000, "25"), Line("Trip", "2", 5000, "25")))
    after = replace(after, subtotal=20000, tax=5000, total=25000)
    decision = decide(after, place, policy=policy)
    assert [finding.parameters["field"] for finding in decision.findings] == ["lines.1.description"]
    assert set(decision.operations[0].changes) == {"lines.2.quantity", "subtotal", "tax", "total"}
    repriced = replace(after, lines=(Line("At work", "1", 9000, "25"), after.lines[1]), subtotal=19000)
    assert verbs(decide(replace(repriced, tax=4750, total=23750), place, policy=policy)) == []


def test_texts_flow_although_money_that_changed_does_not() -> None:
    decision = decide(invoice(total=13000, notes="Thanks"), bound(invoice(), BOOKS))
    assert [set(operation.changes) for operation in decision.operations] == [{"notes"}]


def test_on_change_update_rewrites_money_only_while_unpaid_and_the_period_is_open() -> None:
    update = replace(BOOKS, on_change="update")
    changed, place = invoice(total=13000), bound(invoice(), BOOKS)
    assert verbs(decide(changed, place, policy=update)) == ["update invoice"]
    assert (
        codes(decide(replace(changed, status="paid", paid_date=date(2026, 3, 9)), place, paid_place(), update))[0]
        == "changed_after_booking"
    )
    assert codes(decide(changed, place, policy=replace(update, locked_until=date(2026, 3, 31)))) == [
        "changed_after_booking"
    ]


REVERSE = replace(BOOKS, on_change="reverse")


def test_on_change_reverse_takes_back_what_is_booked_and_says_why_and_then_makes_it_anew() -> None:
    place = bound(invoice(), BOOKS)
    decision = decide(invoice(total=13000, notes="Thanks"), place, policy=REVERSE)
    (void,) = decision.operations
    assert (void.verb, dict(void.changes)) == ("void", {"notes": (None, "Thanks"), "total": (12500, 13000)})
    assert void.content["total"] == 12500
    undone = Place(replace(place.binding, state="void", generation=1)) if place.binding else NOWHERE
    (anew,) = decide(invoice(total=13000), undone, policy=REVERSE).operations
    assert (anew.verb, anew.content["generation"]) == ("create", 1)
    assert decision.anew is not None
    assert decision.anew.key == anew.key


def test_texts_alone_reverse_nothing_and_a_picture_is_just_updated() -> None:
    assert verbs(decide(invoice(notes="Thanks"), bound(invoice(), BOOKS), policy=REVERSE)) == ["update invoice"]
    picture = replace(PICTURE, on_change="reverse")
    assert verbs(decide(invoice(total=13000), bound(invoice(), PICTURE), policy=picture)) == ["update invoice"]


def test_what_is_paid_is_not_reversed() -> None:
    changed = invoice(total=13000, status="paid", paid_date=date(2026, 3, 9))
    decision = decide(changed, bound(invoice(status="paid"), BOOKS), paid_place(), REVERSE)
    assert (verbs(decision), set(codes(decision))) == ([], {"changed_after_booking"})


def test_an_invoice_that_is_paid_and_changed_at_once_is_reversed_before_it_is_settled() -> None:
    changed = invoice(total=13000, status="paid", paid_date=date(2026, 3, 9))
    place = bound(invoice(), BOOKS)
    assert verbs(decide(changed, place, policy=REVERSE)) == ["void invoice"]
    undone = Place(replace(place.binding, state="void", generation=1)) if place.binding else NOWHERE
    assert verbs(decide(changed, undone, policy=REVERSE)) == ["create invoice", "settle payment"]


def test_nothing_is_reversed_in_a_closed_period_nor_where_the_new_one_would_be_in_one() -> None:
    old, new = invoice(), invoice(issue_date=date(2026, 1, 5))
    shut = replace(REVERSE, locked_until=date(2026, 3, 31))
    told = decide(invoice(total=13000), bound(old, BOOKS), policy=shut)
    assert (verbs(told), codes(told)) == ([], ["changed_after_booking"])
    assert told.findings[0].parameters["differences"].endswith("(not written, for its period is closed)")
    told = decide(new, bound(old, BOOKS), policy=replace(REVERSE, locked_until=date(2026, 1, 31)))
    assert (verbs(told), codes(told)) == ([], ["period_locked", "changed_after_booking"])


def test_nothing_is_reversed_for_a_currency_that_the_books_cannot_hold() -> None:
    poor = replace(REVERSE, currencies=frozenset({"NOK"}))
    told = decide(invoice(currency="JPY"), bound(invoice(), BOOKS), policy=poor)
    assert (verbs(told), codes(told)) == ([], ["currency_not_held", "changed_after_booking"])


def test_what_a_person_edited_in_the_books_is_not_reversed() -> None:
    edited = bound(invoice(), BOOKS)
    assert edited.binding is not None
    place = Place(replace(edited.binding, drift={"notes": (None, "Called them")}))
    told = decide(invoice(total=13000), place, policy=REVERSE)
    assert (verbs(told), codes(told)) == ([], ["changed_after_booking"])


def test_a_reversal_that_a_lost_state_knew_of_is_finished() -> None:
    begun = Candidate("mark", "r1", "7", by_hand=False, differs={"total": (13000, 12500)})
    decision = decide(invoice(total=13000), Place(candidates=(begun,)), policy=REVERSE)
    assert verbs(decision) == ["adopt invoice", "void invoice"]
    assert dict(decision.operations[1].changes) == {"total": (12500, 13000)}
    by_hand = replace(begun, by_hand=True)
    assert codes(decide(invoice(total=13000), Place(candidates=(by_hand,)), policy=REVERSE)) == [
        "adopted_totals_differ"
    ]


def test_nothing_is_booked_into_a_closed_period() -> None:
    assert codes(decide(invoice(), policy=replace(BOOKS, locked_until=date(2026, 3, 31)))) == ["period_locked"]


def test_a_period_may_be_closed_for_invoices_and_open_for_payments() -> None:
    paid = replace(invoice(), status="paid", paid_date=date(2026, 3, 9))
    place = bound(invoice(), BOOKS)
    closed = replace(BOOKS, locked_until=date(2026, 3, 31))
    assert verbs(decide(paid, place, policy=closed)) == ["settle payment"]
    both = replace(closed, payments_locked_until=date(2026, 3, 31))
    assert codes(decide(paid, place, policy=both)) == ["period_locked"]


def test_a_payment_to_be_taken_back_in_a_closed_period_is_told_by_the_number_of_its_invoice() -> None:
    one, closed = invoice(), replace(BOOKS, unsettle=True, payments_locked_until=date(2026, 3, 31))
    there = paid_place()
    assert there.binding
    unnumbered = {path: value for path, value in there.binding.base.items() if path != "number"}
    place = Place(replace(there.binding, base=unnumbered))
    (finding,) = decide(one, bound(one, BOOKS), place, closed).findings
    assert (finding.code, finding.parameters["record"]) == ("period_locked", one.number)


def test_what_was_issued_before_the_start_is_not_written_and_what_stands_is_not_dropped() -> None:
    late = replace(BOOKS, start_date=date(2026, 4, 1))
    assert decide(invoice(), policy=late) == Decision()
    assert verbs(decide(invoice(status="paid", paid_date=date(2026, 4, 2)), bound(invoice(), BOOKS), policy=late)) == [
        "settle payment"
    ]


def test_an_invoice_of_an_unknown_client_is_a_problem() -> None:
    assert codes(plan_invoice(invoice(), "i1", None, SEEN, NOWHERE, NOWHERE, BOOKS)) == ["unknown_client"]


def test_a_currency_the_target_cannot_hold_is_a_problem() -> None:
    assert codes(decide(invoice(), policy=replace(BOOKS, currencies=frozenset({"EUR"})))) == ["currency_not_held"]


def test_a_payment_without_a_date_is_a_problem_if_it_was_never_seen_unpaid() -> None:
    paid = invoice(status="paid")
    assert codes(decide(paid)) == ["undated_payment"]
    settle = decide(
        paid, seen=Seen(NOON, status_seen=datetime(2026, 3, 9, 23, 30, tzinfo=UTC)), policy=PICTURE
    ).operations[-1]
    assert settle.content["paid_date"] == "2026-03-10"  # the date in Oslo
    assert decide(paid, policy=replace(BOOKS, undated="due_date")).operations[-1].content["paid_date"] == "2026-03-15"


def test_an_invoice_without_a_date_is_a_problem_if_it_was_never_seen_as_a_draft() -> None:
    opened = invoice(status="opened", issue_date=None)
    assert codes(decide(opened, seen=Seen(NOON, status_seen=NOON))) == ["undated_invoice"]
    assert codes(decide(opened, policy=replace(BOOKS, undated="issue_date"))) == ["undated_invoice"]
    dated = decide(opened, policy=replace(BOOKS, undated="first_seen"))
    assert dated.operations[0].content["issue_date"] == "2026-03-01"
    dated = decide(opened, policy=replace(BOOKS, undated="due_date"))
    assert dated.operations[0].content["issue_date"] == "2026-03-15"
    issued = Seen(NOON, status_seen=NOON, issued_seen=datetime(2026, 3, 9, 23, 30, tzinfo=UTC))
    assert (
        decide(opened, seen=issued, policy=PICTURE).operations[0].content["issue_date"] == "2026-03-10"
    )  # the date in Oslo


def test_a_date_that_was_once_written_stays_although_the_source_has_none() -> None:
    one = invoice(status="paid", issue_date=None)
    decision = decide(one, bound(invoice(status="paid"), PICTURE), paid_place(PICTURE), PICTURE, Seen(NOON, NOON))
    assert not any("issue_date" in operation.changes for operation in decision.operations)


def test_what_an_older_state_of_the_books_has_as_a_draft_is_posted_and_not_only_updated() -> None:
    policy = replace(STATED, drafts=True, shape=posted)
    place = bound(invoice(status="draft"), policy, behind={"status": ("posted", "draft")})
    decision = decide(invoice(), place, policy=policy)
    assert (verbs(decision), codes(decision)) == (["post invoice"], [])
    assert dict(decision.operations[0].changes) == {"status": ("draft", "posted")}


def test_one_candidate_by_mark_that_nobody_else_can_have_touched_is_adopted_and_brought_up_to_date() -> None:
    old = Candidate("mark", "r1", "7", by_hand=False, differs={"status": ("paid", "sent"), "total": (12500, 12000)})
    decision = decide(invoice(status="paid", paid_date=date(2026, 3, 9)), Place(candidates=(old,)), policy=PICTURE)
    adopt, update, settle = decision.operations
    assert (adopt.verb, update.verb, settle.verb) == ("adopt", "update", "settle")
    assert dict(update.changes) == {"status": ("sent", "paid"), "total": (12000, 12500)}


def test_a_link_that_was_signed_anew_is_nobodys_edit_and_brought_up_to_date() -> None:
    one, old = invoice(public_url="https://ff.example/i/1?signature=new"), "https://ff.example/i/1?signature=old"
    differs = {"public_url": (one.public_url, old), "notes": ("", "By hand")}
    there = Candidate("mark", "r1", "7", by_hand=True, differs=differs)
    decision = decide(one, Place(candidates=(there,)), policy=PICTURE)
    assert (verbs(decision), codes(decision)) == (["adopt invoice", "update invoice"], ["adopted_differs"])
    assert dict(decision.operations[1].changes) == {"public_url": (old, one.public_url)}
    assert "public_url" not in decision.findings[0].parameters["differences"]
    elsewhere = replace(there, differs={"public_url": (one.public_url, "https://books.example/")})
    decision = decide(one, Place(candidates=(elsewhere,)), policy=PICTURE)
    assert (verbs(decision), codes(decision)) == (["adopt invoice"], ["adopted_differs"])


def test_adoption_never_rewrites_money() -> None:
    there = Candidate("number", "r1", "7", by_hand=True, differs={"total": (12500, 12000)})
    assert decide(invoice(), Place(candidates=(there,))).operations[0].verb == "create"  # another total: not the one
    marked = replace(there, how="mark")
    assert codes(decide(invoice(), Place(candidates=(marked,)))) == ["adopted_totals_differ"]


def test_a_payment_of_another_day_is_adopted_and_asks_nobody() -> None:
    paid = invoice(status="paid", paid_date=date(2026, 3, 9))
    there = Candidate("external_id", "p1", "7", by_hand=True, differs={"paid_date": ("2026-03-09", "2026-03-12")})
    decision = decide(paid, bound(paid, BOOKS), Place(candidates=(there,)))
    assert (verbs(decision), codes(decision)) == (["adopt payment"], [])
    other = replace(there, differs={**there.differs, "amount": (12500, 12000)})
    assert codes(decide(paid, bound(paid, BOOKS), Place(candidates=(other,)))) == ["adopted_totals_differ"]


def test_several_candidates_are_a_problem_that_names_them() -> None:
    two = tuple(Candidate("email", name, None, by_hand=True, differs={}) for name in ("r1", "r2"))
    decision = plan_client(ACME, "c1", Place(candidates=two), BOOKS, needed=True)
    assert (codes(decision), decision.findings[0].parameters["candidates"]) == (["ambiguous_match"], "r1, r2")


def test_a_candidate_that_others_fit_as_well_is_a_problem_that_names_it() -> None:
    there = Candidate("contested", "r1", None, by_hand=True, differs={})
    decision = plan_client(ACME, "c1", Place(candidates=(there,)), BOOKS, needed=True)
    assert (codes(decision), decision.findings[0].parameters["candidate"]) == (["contested_match"], "r1")


def test_an_edit_by_a_person_is_kept_and_a_change_on_both_sides_is_a_conflict() -> None:
    drift = {"phone": ("", "+47 1"), "name": ("Acme AS", "ACME")}
    base = flatten(client_content(ACME))
    place = Place(Binding("r1", "1", base, drift=drift))
    assert plan_client(ACME, "c1", place, BOOKS, needed=True) == Decision()
    renamed = replace(ACME, name="Acme Norge AS", email="new@acme.example")
    decision = plan_client(renamed, "c1", place, BOOKS, needed=True)
    assert [dict(operation.changes) for operation in decision.operations] == [
        {"email": ("post@acme.example", "new@acme.example")}
    ]
    assert codes(decision) == ["conflict"]


def test_what_both_sides_changed_to_the_same_counts_as_written() -> None:
    base = flatten(client_content(ACME))
    place = Place(Binding("r1", "1", base, drift={"phone": ("", "+47 1"), "name": ("Acme AS", "ACME")}))
    now = replace(ACME, name="ACME")
    decision = plan_client(now, "c1", place, BOOKS, needed=True)
    assert (verbs(decision), codes(decision)) == (["adopt client"], [])
    assert decision.operations[0].content == {**base, "name": "ACME"}
    assert verbs(plan_client(now, "c1", place, PICTURE, needed=True)) == ["adopt client"]


def test_a_due_date_that_both_sides_moved_alike_counts_as_written_and_a_total_does_not() -> None:
    moved = replace(invoice(), due_date=date(2026, 4, 30))
    there = bound(invoice(), BOOKS)
    assert there.binding
    edited = replace(there.binding, drift={"due_date": (there.binding.base["due_date"], "2026-04-30")})
    decision = decide(moved, Place(edited))
    assert (verbs(decision), codes(decision)) == (["adopt invoice"], [])
    assert decision.operations[0].content["due_date"] == "2026-04-30"
    renumbered = replace(there.binding, drift={"number": (there.binding.base["number"], "77")})
    assert decide(invoice(number="77"), Place(renumbered)) == Decision()


def test_a_client_that_vanished_is_told_and_stays() -> None:
    place = Place(Binding("r1", "1", flatten(client_content(ACME))))
    decision = plan_client(ACME, "c1", place, PICTURE, needed=True, gone=True)
    assert (verbs(decision), codes(decision)) == ([], ["vanished_client"])
    assert plan_client(ACME, "c1", NOWHERE, PICTURE, needed=True, gone=True) == Decision()


def test_a_record_a_person_took_out_is_not_written_again_and_told_once_the_source_changes_it() -> None:
    place = bound(invoice(), PICTURE, state="removed")
    assert decide(invoice(), place, policy=PICTURE) == Decision()
    assert codes(decide(invoice(notes="x"), place, policy=PICTURE)) == ["removed_there"]


def test_an_invoice_that_a_person_took_out_and_that_is_paid_at_the_source_is_told() -> None:
    place, paid = bound(invoice(), BOOKS, state="removed"), invoice(status="paid", paid_date=date(2026, 3, 9))
    assert decide(invoice(), place) == Decision()
    assert (verbs(decide(paid, place)), codes(decide(paid, place))) == ([], ["removed_there"])
    assert decide(paid, place, paid_place()) == Decision()


def test_a_pdf_is_attached_by_an_operation_of_its_own_after_all_else() -> None:
    decision = decide(invoice(status="paid", paid_date=date(2026, 3, 9)), policy=FILED)
    assert verbs(decision) == ["create invoice", "settle payment", "attach invoice"]
    create, _, attach = decision.operations
    assert "pdf" not in create.content
    assert dict(attach.changes) == {"pdf": (None, ATTACHED)}


def test_a_pdf_is_attached_once_and_not_to_a_draft() -> None:
    one = invoice()
    there = bound(one, FILED)
    assert verbs(decide(one, there, policy=FILED)) == ["attach invoice"]
    hung = Place(replace(there.binding, base={**there.binding.base, "pdf": ATTACHED}))  # type: ignore[type-var, union-attr]  # it is bound
    assert decide(one, hung, policy=FILED) == Decision()
    assert verbs(decide(replace(one, notes="x"), hung, policy=FILED)) == ["update invoice"]
    assert decide(one, there, policy=BOOKS) == Decision()
    assert verbs(decide(invoice(status="draft"), policy=replace(FILED, drafts=True))) == ["create invoice"]


def test_a_pdf_that_a_person_took_off_stays_off() -> None:
    one = invoice()
    base = {**flatten(invoice_content(one, ACME), FILED.fields["invoice"]), "pdf": ATTACHED}
    place = Place(Binding("r1", "1", base, drift={"pdf": (ATTACHED, None)}))
    assert decide(one, place, policy=FILED) == Decision()
    assert decide(one, place, policy=replace(FILED, conflicts="source")) == Decision()


def test_an_adopted_invoice_gets_the_pdf_it_has_not_and_keeps_the_one_it_has() -> None:
    without = Candidate("mark", "r1", "7", by_hand=True, differs={"pdf": (ATTACHED, None)})
    decision = decide(invoice(), Place(candidates=(without,)), policy=FILED)
    assert (verbs(decision), codes(decision)) == (["adopt invoice", "attach invoice"], [])
    assert decision.operations[1].external_id == "r1"
    assert verbs(decide(invoice(), Place(candidates=(replace(without, differs={}),)), policy=FILED)) == [
        "adopt invoice"
    ]


def test_a_cancelled_invoice_gets_no_pdf_any_more() -> None:
    one = invoice()
    assert verbs(decide(replace(one, status="cancelled"), bound(one, FILED), policy=FILED)) == ["void invoice"]


# Plans carried out on a target that does as it is told.

texts = st.text(max_size=8)
statuses = st.sampled_from(["draft", "sent", "opened", "overdue", "paid", "cancelled"])
lines = st.lists(st.builds(Line, texts, st.just("2"), st.integers(-500, 500), st.sampled_from(["0", "25"])), max_size=3)
invoices = st.builds(
    invoice,
    status=statuses,
    total=st.sampled_from([0, 12500, -300]),
    notes=st.none() | texts,
    lines=lines.map(tuple),
    paid_date=st.just(date(2026, 3, 9)),
    due_date=st.none() | st.dates(date(2026, 1, 1), date(2026, 12, 31)),
)
policies = st.builds(
    lambda policy, drafts, unsettle, on_change: replace(
        policy,
        drafts=drafts and policy.picture,
        unsettle=unsettle and on_change == "problem",  # taken back first, rewritten or reversed in the plan after
        on_change=on_change,
    ),
    st.sampled_from([PICTURE, BOOKS, FILED, replace(PICTURE, verbs=FILED.verbs)]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["problem", "update", "reverse"]),
)


def carry_out(operations: tuple[Operation, ...], places: dict[str, Place], policy: Policy) -> None:
    for one in operations:
        base = flatten(one.content, policy.fields[one.kind])
        before = places[one.kind].binding
        if one.verb == "attach":  # what counts as last written is what was, and this
            assert before is not None
            places[one.kind] = Place(replace(before, base={**before.base, "pdf": one.changes["pdf"][1]}))
            continue
        undone = one.verb == "unsettle" or (one.verb == "void" and not policy.picture)
        generation = (before.generation if before else 0) + undone
        external_id = before.external_id if before and one.verb not in ("create", "settle") else one.key
        places[one.kind] = Place(Binding(external_id, "1", base, "void" if undone else "live", generation))


@given(st.lists(invoices, min_size=1, max_size=5), policies)
def test_the_plan_after_carrying_out_a_plan_is_empty(history: list[Invoice], policy: Policy) -> None:
    places = {"invoice": NOWHERE, "payment": NOWHERE}
    for one in history:
        decision = plan_invoice(one, "i1", ACME, SEEN, places["invoice"], places["payment"], policy)
        carry_out(decision.operations, places, policy)
        if decision.anew:  # reversed, and made anew in the plan after
            decision = plan_invoice(one, "i1", ACME, SEEN, places["invoice"], places["payment"], policy)
            carry_out(decision.operations, places, policy)
        again = plan_invoice(one, "i1", ACME, SEEN, places["invoice"], places["payment"], policy)
        assert again.operations == ()
        assert codes(again) == codes(decision)


@given(st.lists(invoices, min_size=1, max_size=5))
def test_a_picture_ends_up_the_same_whatever_happened_on_the_way(history: list[Invoice]) -> None:
    long, short = {"invoice": NOWHERE, "payment": NOWHERE}, {"invoice": NOWHERE, "payment": NOWHERE}
    shown = replace(PICTURE, drafts=True)
    for one in history:
        carry_out(plan_invoice(one, "i1", ACME, SEEN, long["invoice"], long["payment"], shown).operations, long, shown)
    last = history[-1]
    carry_out(plan_invoice(last, "i1", ACME, SEEN, NOWHERE, NOWHERE, shown).operations, short, shown)
    for kind in ("invoice", "payment"):
        assert shown_by(long[kind]) == shown_by(short[kind])


def shown_by(place: Place) -> dict[str, object] | None:
    return {path: value for path, value in place.live.base.items() if value} if place.live else None


@given(st.lists(invoices, min_size=1, max_size=5), policies)
def test_every_operation_of_a_record_has_a_key_of_its_own(history: list[Invoice], policy: Policy) -> None:
    places = {"invoice": NOWHERE, "payment": NOWHERE}
    keys: list[str] = []
    for number, one in enumerate(history):
        decision = plan_invoice(one, "i1", ACME, SEEN, places["invoice"], places["payment"], policy)
        keys += [operation.key for operation in decision.operations]
        carry_out(decision.operations, places, policy)
        for kind, place in places.items():
            if place.binding:
                places[kind] = Place(replace(place.binding, version=str(number)))
    assert len(keys) == len(set(keys))
