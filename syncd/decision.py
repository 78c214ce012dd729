"""What the planner's decisions are made of: operations under their marks and keys, and problems in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from syncd.connector import ARCHIVED, Content, Operation, Scalar, Verb
from syncd.facts import Binding, Policy
from syncd.marks import key, mark
from syncd.model import Kind, Rejection
from syncd.money import amount
from syncd.problems import Finding


@dataclass(frozen=True, slots=True)
class Decision:
    """What one record needs: operations in order, and findings that stand in the way.

    ``anew``: what follows in the plan after this one, once the record is reversed; if the target would not have that,
    nothing is reversed.
    """

    operations: tuple[Operation, ...] = ()
    findings: tuple[Finding, ...] = ()
    anew: Operation | None = None


NOTHING = Decision()
NO_NAMES: Mapping[str, str] = {}


def operate(
    verb: Verb,
    kind: Kind,
    record_id: str,
    content: Content,
    binding: Binding | None,
    *,
    occasion: str = "",
) -> Operation:
    """Give the operation of a verb; ``occasion`` tells it from others of its kind on the same record."""
    record_mark = mark(kind, record_id)
    return Operation(
        verb=verb,
        kind=kind,
        id=record_id,
        mark=record_mark,
        key=key(record_mark, verb, occasion),
        content=content,
        external_id=binding.external_id if binding else None,
        version=binding.version if binding else None,
    )


def conflict(kind: Kind, record_id: str, label: str, path: str, sides: tuple[Scalar, Scalar, Scalar]) -> Finding:
    """Tell that both sides changed a field: ``sides`` are base, source and target."""
    base, source, target = (text(path, side) for side in sides)
    told = {"record": label, "field": path, "base": base, "source": source, "target": target}
    return Finding("conflict", kind, record_id, told)


def period_locked(kind: Kind, record_id: str, content: Content, policy: Policy) -> Decision | None:
    """Tell that the day of a content is closed in the books; ``None`` where it is not."""
    day = content.get("paid_date" if kind == "payment" else "issue_date")
    closed = policy.payments_locked_until if kind == "payment" else policy.locked_until
    if kind == "client" or closed is None or not day or str(day) > closed.isoformat():
        return None
    return problem(
        "period_locked",
        kind,
        record_id,
        record=label(content),
        date=str(day),
        locked=closed.isoformat(),
    )


def not_held(content: Content, policy: Policy) -> Decision | None:
    """Tell that the books cannot hold the currency of an invoice; ``None`` where they can."""
    number, currency = content["number"], content["currency"]
    if policy.currencies is None or currency in policy.currencies:
        return None
    return problem("currency_not_held", "invoice", content["invoice_id"], number=number, currency=currency)


def refused(kind: Kind, record_id: str, rejection: Rejection) -> Decision:
    """Tell that the source's payload was not understood: once, or to each target that is to have such an invoice."""
    of_all = rejection.status not in ("draft", "cancelled")
    return Decision((), (Finding(rejection.code, kind, record_id, dict(rejection.parameters), at_source=of_all),))


def problem(code: str, kind: Kind, record_id: str, **parameters: str) -> Decision:
    """Decide that nothing is done, and why."""
    return Decision((), (Finding(code, kind, record_id, parameters),))


def label(content: Content) -> str:
    """Name a record as a person would."""
    return str(
        content.get("number") or content.get("name") or content.get("invoice_id") or content.get("client_id") or ""
    )


def before_after(differences: Mapping[str, tuple[Scalar, Scalar]], clients: Mapping[str, str] = NO_NAMES) -> str:
    """Tell up to five differences, each with both values; ``clients``: what clients are called, by their ids."""
    shown = [
        f"client: {' → '.join(clients.get(str(one), text(path, one)) for one in pair)}"
        if path == "client_id" and clients
        else f"{path}: {text(path, pair[0])} → {text(path, pair[1])}"
        for path, pair in list(differences.items())[:5]
    ]
    return "; ".join(shown) + (f"; and {len(differences) - 5} more" if len(differences) > 5 else "")


def text(path: str, value: Scalar) -> str:
    """Show a value; a number is cents."""
    if path == "archived_at" and value == ARCHIVED:
        return "archived"
    if isinstance(value, int):
        return amount(value)
    return value or "nothing"
