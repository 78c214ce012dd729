"""The safety stops (DESIGN section 12): pure judgements on what a plan is about to do, each with its numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from syncd.connector import Operation
from syncd.problems import Finding
from syncd.words import counted

FEW = 20
"""Below so many bound records a share says nothing."""

SOME = 10
"""So many records of a kind a person may take out at once at least, whatever the settings say of voids."""

LIFE = frozenset(
    {
        "status",
        "client_name",
        "paid_date",
        "public_url",
        "events",
        "archived_at",
        "tags",
        "external_id",
    }
)
"""What changes in the ordinary life of an invoice or client; each invoice shows when its client changed its name."""


@dataclass(frozen=True, slots=True)
class Stakes:
    """What is at stake in a plan, as the stops look at it."""

    bound: int
    """Records bound before this plan; counted only where one of the others asks for it, else 0."""
    surprising: int
    """Of them, those whose content changes beyond what life brings."""
    taken_back: int
    """Operations that void, unsettle or archive."""
    strangers: int
    """Unbound records that stand there already under other ids, the source's or another's."""
    undecided: bool = False
    """Books with a history, met for the first time, and no ``start_date`` says from when syncd writes."""
    missing: Mapping[str, int] = field(default_factory=dict)
    """What was taken out there and not let pass yet: records by kind; ``rows``: invoices that lack lines or events."""


def is_surprising(operation: Operation, behind: Collection[str] = ()) -> bool:
    """Tell whether a change to a bound record is more than its ordinary life; fields in ``behind`` are only mended."""
    if operation.kind == "payment" or operation.verb not in ("update", "void", "archive"):
        return False
    return any(path.partition(".")[0] not in LIFE for path in operation.changes if path not in behind)


def judge_books(identity: str, expected: str, now: str, before: str) -> list[Finding]:
    """Stop where the books behind a target's credentials are not those it was first seen with."""
    return [] if identity == expected else [_hold("books_changed", before=before, now=now)]


def judge_source(before: str, now: str, bound: int, known: int) -> list[Finding]:
    """Stop where a target is fed by another source than before, which knows none of the records that stand in it."""
    if before == now or not bound or known:
        return []
    return [_hold("source_changed", before=before, now=now, known=str(bound))]


def judge(stakes: Stakes, max_share: float, max_taken_back: int) -> list[Finding]:
    """Name every reason to stop before anything is written; none: go on."""
    found = []
    if stakes.bound >= FEW and stakes.surprising > stakes.bound * max_share:
        share = f"{stakes.surprising / stakes.bound:.0%}"
        found.append(
            _hold(
                "too_many_changes",
                changed=str(stakes.surprising),
                known=str(stakes.bound),
                share=share,
                allowed=f"{max_share:.0%}",
            )
        )
    if stakes.taken_back > max_taken_back:
        found.append(_hold("too_many_voids", count=str(stakes.taken_back), allowed=str(max_taken_back)))
    allowed = max(SOME, max_taken_back)
    if max(stakes.missing.values(), default=0) > allowed:
        count = str(sum(stakes.missing.values()))
        found.append(_hold("too_many_removed", count=count, what=_missing(stakes.missing), allowed=str(allowed)))
    if stakes.undecided and stakes.bound == 0:
        found.append(_hold("history_without_start_date"))
    if stakes.bound == 0 and stakes.strangers >= FEW:
        found.append(_hold("strange_books", count=str(stakes.strangers)))
    return found


def _missing(counts: Mapping[str, int]) -> str:
    whole = [counted(many, kind, f"{kind}s") for kind, many in sorted(counts.items()) if kind != "rows"]
    rows = [f"lines or events of {counted(counts['rows'], 'invoice', 'invoices')}"] if counts.get("rows") else []
    return ", ".join(whole + rows)


def _hold(code: str, **parameters: str) -> Finding:
    return Finding(code, "hold", "", parameters)
