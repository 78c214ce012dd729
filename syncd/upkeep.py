"""Upkeep: how a record of any kind is adopted or made, brought up to date, or left out at the target. Pure.

It follows DESIGN section 6: matching and the three-way comparison. ``syncd.plan`` says which of these a record needs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from syncd.connector import Content, Fields, Operation, Scalar, Verb
from syncd.decision import (
    NOTHING,
    Decision,
    before_after,
    conflict,
    label,
    not_held,
    operate,
    period_locked,
    problem,
)
from syncd.facts import Binding, Place, Policy
from syncd.fields import differences, flatten
from syncd.match import Ambiguous, Candidate, choose
from syncd.merge import Merged, merge, row_of
from syncd.model import Kind
from syncd.problems import Finding

GUARDED = frozenset({"number", "client_id", "currency", "subtotal", "tax", "total", "issue_date"})
"""What must not change silently once it is booked: money, number, client and date."""
GUARDED_LINE = frozenset({"quantity", "unit_price", "tax_rate"})
MONEY = frozenset({"currency", "subtotal", "tax", "total", "amount"})
ADOPTED_AS_IT_IS: Mapping[Kind, frozenset[str]] = {
    "client": frozenset(),
    "invoice": frozenset(),
    "payment": frozenset({"paid_date"}),
}
"""What may differ when a record is adopted and ask nobody: a person's payment has the day that they booked it on."""


def adopt_or_make(kind: Kind, record_id: str, content: Content, place: Place, policy: Policy, verb: Verb) -> Decision:
    """Adopt what stands, or make the record; a payment is made by settling."""
    if linked := next((one for one in place.candidates if one.how == "mapping"), None):
        there = {path: found for path, (_, found) in linked.differs.items()}
        differs = differences(flatten(content, policy.fields[kind]), there)
        return adopt(kind, record_id, content, replace(linked, differs=differs), policy)
    if place.binding and place.binding.state in ("linked", "unfound"):
        return _bound_to_nothing(kind, record_id, content, place.binding)
    chosen = choose(kind, place.candidates, policy.match) if place.candidates else None
    if isinstance(chosen, Ambiguous):
        names = ", ".join(sorted(one.external_id for one in chosen.candidates))
        return problem("ambiguous_match", kind, record_id, record=label(content), candidates=names)
    if chosen and chosen.how == "contested":
        return problem("contested_match", kind, record_id, record=label(content), candidate=chosen.external_id)
    if chosen is None:
        if locked := period_locked(kind, record_id, content, policy):
            return locked
        generation = max(place.binding.generation if place.binding else 0, place.taken_back)
        made = {path: value for path, value in content.items() if path != "pdf"}
        if generation and kind == "invoice" and not policy.picture:
            made["generation"] = generation
        return Decision((operate(verb, kind, record_id, made, None, occasion=str(generation)),))
    return adopt(kind, record_id, content, chosen, policy)


def _bound_to_nothing(kind: Kind, record_id: str, content: Content, binding: Binding) -> Decision:
    """Make nothing in the place of what a person bound: it may stand there all the same, under another id."""
    found = f"no such {kind} stands in the books"
    reason = found if binding.state == "unfound" else "the next run looks for it"
    bound = binding.external_id or "what is another's"
    return problem("bound_to_nothing", kind, record_id, record=label(content), bound=bound, reason=reason)


def adopt(kind: Kind, record_id: str, content: Content, found: Candidate, policy: Policy) -> Decision:
    """Bind to what stands. What only syncd can have written is brought up to date; anything else is left and told."""
    if "pdf" in found.differs:  # whether its document hangs on it is no reason to leave it, nor written with it
        content = {**content, "pdf": found.differs["pdf"][1]}
        found = replace(found, differs={path: pair for path, pair in found.differs.items() if path != "pdf"})
    money = {path: pair for path, pair in found.differs.items() if path in MONEY}
    begun = policy.on_change == "reverse" and found.how == "mark" and found.differs.get("status") is None
    if money and (found.by_hand or not (policy.picture or begun)):
        shown = before_after(money)
        return problem("adopted_totals_differ", kind, record_id, record=label(content), differences=shown)
    if found.by_hand or not found.differs:
        return _adopt_as_it_is(kind, record_id, content, found, policy)
    flat = flatten(content, policy.fields[kind])
    stood = {**flat, **{path: pair[1] for path, pair in found.differs.items()}}
    base = {path: value for path, value in stood.items() if value is not None or path in flat}
    binding = Binding(found.external_id, found.version, base)
    adopted = operate("adopt", kind, record_id, dict(base), binding)
    after = update(kind, record_id, content, binding, policy)
    return Decision((adopted, *after.operations), after.findings, after.anew)


def _adopt_as_it_is(kind: Kind, record_id: str, content: Content, found: Candidate, policy: Policy) -> Decision:
    """Bind to what a person made or edited, and tell how it differs; only what is no edit is brought up to date."""
    nobodys = {path: pair[1] for path, pair in found.differs.items() if _is_nobodys(path, *pair, policy)}
    differs = {path: pair for path, pair in found.differs.items() if path not in nobodys}
    stands = {**content, **nobodys}
    binding = Binding(found.external_id, found.version, flatten(stands, policy.fields[kind]))
    adopted = operate("adopt", kind, record_id, stands, binding)
    signed = update(kind, record_id, content, binding, policy).operations
    if differs.keys() <= ADOPTED_AS_IT_IS[kind]:
        return Decision((adopted, *signed))
    told = problem("adopted_differs", kind, record_id, record=label(content), differences=before_after(differs))
    return Decision((adopted, *signed), told.findings)


def _is_nobodys(path: str, expected: Scalar, found: Scalar, policy: Policy) -> bool:
    """Tell a difference that is no edit: a link signed at another time, or a value in another dress."""
    if path == "public_url" and isinstance(expected, str) and isinstance(found, str):
        return expected.partition("?")[0] == found.partition("?")[0]
    return policy.dressed(path, expected, found)


def update(
    kind: Kind,
    record_id: str,
    content: Content,
    binding: Binding,
    policy: Policy,
    *,
    settled: bool = False,
) -> Decision:
    """Bring a bound record up to date, three-way; what is booked changes only as ``on_change`` says."""
    flat = flatten(content, policy.fields[kind])
    merged = merge(binding.base, flat, binding.drift, policy.owners, policy.conflicts)
    findings = tuple(conflict(kind, record_id, label(content), path, sides) for path, sides in merged.conflicts.items())
    if kind == "invoice" and not policy.picture:
        merged = _without(merged, _waiting(merged, differences(binding.base, flat)), binding.base)
    booked = _booked(kind, merged.changes)
    draft = binding.status == "draft"
    reopened = not draft and flat.get("status") == "draft" and not policy.picture
    if reopened and "status" in merged.changes:  # nothing booked becomes a draft again, nor follows a draft's changes
        booked = {**booked, "status": merged.changes["status"]}
    posting = _posted(merged.changes)
    if posting and (locked := period_locked(kind, record_id, content, policy)):
        return locked
    if booked and not policy.picture and kind != "client" and not draft:
        locked = period_locked(kind, record_id, dict(binding.base), policy)
        touched = bool(findings or binding.drift)
        if policy.on_change == "reverse" and kind == "invoice" and not (settled or locked or touched or reopened):
            reversing = _reverse(record_id, content, binding, policy, merged.changes)
            if reversing.anew:
                return reversing
            findings += reversing.findings
        if policy.on_change != "update" or settled or locked or reopened:
            why = _why_not(kind, policy, settled=settled, locked=bool(locked), touched=touched)
            told = {"record": label(content), "differences": before_after(booked, binding.clients) + why}
            findings += (Finding("changed_after_booking", kind, record_id, told),)
            merged = _without(merged, booked, binding.base)
    if not merged.changes:
        agreed = _agreed(kind, record_id, binding, merged, policy) if binding.drift else ()
        return Decision(agreed, findings)
    verb = _update_verb(merged.changes, binding.behind)
    occasion = repr((binding.version, sorted(merged.changes.items())))
    operation = operate(verb, kind, record_id, content, binding, occasion=occasion)
    return Decision((replace(operation, content=merged.base, changes=merged.changes),), findings)


def leave_out(
    kind: Kind, record_id: str, content: Content, place: Place, policy: Policy, *, due: bool = False
) -> Decision:
    """Leave out what a person took out; only say so when the source goes on changing it, or a payment is due for it."""
    base = place.binding.base if place.binding else {}
    if not due and not base:
        return NOTHING  # a person told so with an import of mappings; what it was like is not known
    if not due and not merge(base, flatten(content, policy.fields[kind]), {}, policy.owners, "source").changes:
        return NOTHING
    return problem("removed_there", kind, record_id, record=label(content))


def _agreed(kind: Kind, record_id: str, binding: Binding, merged: Merged, policy: Policy) -> tuple[Operation, ...]:
    """Take for written what both sides changed to the same, or its next change would be a conflict; nothing booked.

    What is only ``behind`` is no change of anybody.
    """
    moved = differences(binding.base, merged.base)
    booked = kind != "client" and not policy.picture and _booked(kind, moved)
    if not moved or booked or "adopt" not in policy.verbs:
        return ()
    return (operate("adopt", kind, record_id, merged.base, binding, occasion=repr((binding.version, moved))),)


def _why_not(kind: Kind, policy: Policy, *, settled: bool, locked: bool, touched: bool) -> str:
    """Say why what is booked stays as it is though the settings let it change."""
    if policy.on_change == "problem" or kind != "invoice":
        return ""
    reasons = {"it is paid": settled, "its period is closed": locked, "it was edited in the books": touched}
    why = " and ".join(reason for reason, holds in reasons.items() if holds)
    return f" (not written, for {why})" if why else ""


def _reverse(
    record_id: str, content: Content, binding: Binding, policy: Policy, changes: Mapping[str, tuple[Scalar, Scalar]]
) -> Decision:
    """Reverse what is booked, so that the plan after this one books it anew; only if that one will be possible."""
    undone = Place(replace(binding, state="void", generation=binding.generation + 1))
    anew = not_held(content, policy) or adopt_or_make("invoice", record_id, content, undone, policy, "create")
    if not anew.operations:
        return anew
    void = operate("void", "invoice", record_id, dict(binding.base), binding, occasion=binding.external_id)
    return Decision((replace(void, changes=changes),), (), anew.operations[0])


def _booked(kind: Kind, changes: Mapping[str, tuple[Scalar, Scalar]]) -> dict[str, tuple[Scalar, Scalar]]:
    """Pick the changes of what is booked; a line changes whole or not at all."""
    rows = {row_of(path) for path in changes if _guarded(path)} - {""}
    return {path: pair for path, pair in changes.items() if kind == "payment" or _guarded(path) or row_of(path) in rows}


def _waiting(merged: Merged, moved: Collection[str]) -> set[str]:
    """Name the changes that wait for a conflict about money: what books hold of it changes whole or not at all.

    A part would add up to what neither side says; and no draft is posted before. ``moved``: what the source changed.
    """
    rows = {row_of(path) for path in merged.conflicts} - {""}
    stays = [path for path in moved if path in merged.conflicts or row_of(path) in rows]
    if not any(path in MONEY or (row_of(path) and _guarded(path)) for path in stays):
        return set()
    money = {path for path in _booked("invoice", merged.changes) if path in MONEY or row_of(path)}
    return money | ({"status"} if _posted(merged.changes) else set())


def _without(merged: Merged, kept: Collection[str], base: Fields) -> Merged:
    changes = {path: pair for path, pair in merged.changes.items() if path not in kept}
    after = {path: value for path, value in merged.base.items() if path not in kept}
    after |= {path: base[path] for path in kept if path in base}
    return Merged(changes, merged.conflicts, after)


def _update_verb(changes: Mapping[str, tuple[Scalar, Scalar]], behind: Collection[str]) -> Verb:
    """Name what a change comes to; what only mends an older state takes nothing back, but what is to be booked is."""
    if _posted(changes):
        return "post"
    moved = {path: after for path, (_, after) in changes.items() if path not in behind}
    if moved.get("status") in ("cancelled", "deleted"):
        return "void"
    return "archive" if moved.get("archived_at") else "update"


def _posted(changes: Mapping[str, tuple[Scalar, Scalar]]) -> bool:
    """Tell whether a draft becomes booked; a target's books show that as the status ``posted``."""
    return changes.get("status") == ("draft", "posted")


def _guarded(path: str) -> bool:
    if path.startswith("lines."):
        return path.rpartition(".")[2] in GUARDED_LINE
    return path in GUARDED
