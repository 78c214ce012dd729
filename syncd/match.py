"""Which candidate a record without a mapping is bound to: one hit adopts, several are a problem, none creates.

DESIGN section 6: a target record is bound once, so it is that of the record which fits it by the strongest way; an
invoice's number counts only together with currency, total and client or date; a name counts only where e-mail and
country do not contradict; empty and repeated numbers never adopt.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from syncd.connector import How, Scalar
from syncd.merge import Differs
from syncd.model import Kind


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record of the target that may be the one: how it was found, and on which fields it differs from the source."""

    how: How | Literal["mapping", "contested"]
    """``mapping``: a person bound it. ``contested``: several records of the source fit it, none more than another."""
    external_id: str
    version: str | None
    by_hand: bool
    differs: Differs


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several records could be the one; a person must say which."""

    candidates: tuple[Candidate, ...]


def choose(kind: Kind, candidates: Sequence[Candidate], order: Collection[str]) -> Candidate | Ambiguous | None:
    """Take the candidates of the first way of matching, in the settings' order, that has any left.

    A contested one is left only where there is no stronger way.
    """
    if contested := next((one for one in candidates if one.how == "contested"), None):
        return contested
    for how in order:
        fitting = {one.external_id: one for one in candidates if one.how == how and fits(kind, how, one.differs)}
        if len(fitting) == 1:
            return next(iter(fitting.values()))
        if fitting:
            return Ambiguous(tuple(fitting.values()))
    return None


def fits(kind: Kind, how: str, differs: Differs) -> bool:
    """Tell whether what was found by number or name counts."""
    if how == "number" and kind == "invoice":
        money = not {"number", "currency", "total"} & differs.keys()
        return money and not {"client_id", "issue_date"} <= differs.keys()
    if how == "name":
        return not any(_contradicts(differs.get(field)) for field in ("email", "country"))
    return True


def _contradicts(pair: tuple[Scalar, Scalar] | None) -> bool:
    return pair is not None and bool(pair[0]) and bool(pair[1])
