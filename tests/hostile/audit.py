"""What is wrong in the hostile ledger's books, by the ledger's own word and nobody else's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from tests.hostile.ledger import Json, Ledger


def counts(ledger: Ledger) -> Json:
    """Count live records per kind and mark, payments per invoice mark, requests and faults."""
    live = ledger.rows("NOT void AND NOT deleted")
    marks = {record["id"]: record["mark"] for record in live}
    records: dict[str, dict[str, int]] = {kind: defaultdict(int) for kind in ("client", "invoice", "payment")}
    payments: dict[str, int] = defaultdict(int)
    for record in live:
        records[record["kind"]][record["mark"] or ""] += 1
        if record["kind"] == "payment":
            payments[marks.get(record["fields"]["invoice"]) or ""] += 1
    duplicates = sum(n - 1 for kind in records.values() for mark, n in kind.items() if mark)
    return {
        "records": records,
        "payments": payments,
        "duplicates": duplicates,
        "requests": ledger.counts(),
    }


def audit(ledger: Ledger) -> Json:
    """Name everything that no books should hold; ``clean`` when nothing of it is there.

    ``duplicates``: marks with several live records. ``twins``: invoice numbers with several.
    ``orphans``: records whose client or invoice does not stand. ``overpaid``: invoices with
    payments of more than their total, and by how much.
    """
    live = ledger.rows("NOT void AND NOT deleted")
    ids = {record["id"]: record for record in live}
    invoices = [one for one in live if one["kind"] == "invoice"]
    findings = {
        "duplicates": _several(live, lambda record: record["mark"]),
        "twins": _several(invoices, lambda one: one["fields"]["number"]),
        "orphans": [one["id"] for one in live if _orphan(one, ids)],
        "overpaid": _overpaid(live, ids),
    }
    return {**findings, "clean": not any(findings.values())}


def _several(records: Iterable[Json], key: Callable[[Json], Any]) -> dict[str, list[str]]:
    groups: dict[tuple[str, Any], list[str]] = defaultdict(list)
    for record in records:
        if key(record):
            groups[record["kind"], key(record)].append(record["id"])
    return {f"{kind} {value}": found for (kind, value), found in groups.items() if len(found) > 1}


def _orphan(record: Json, ids: dict[str, Json]) -> bool:
    fields = record["fields"]
    return any(name in fields and fields[name] not in ids for name in ("client", "invoice"))


def _overpaid(live: Iterable[Json], ids: dict[str, Json]) -> dict[str, int]:
    paid: dict[str, int] = defaultdict(int)
    for record in live:
        if record["kind"] == "payment":
            paid[record["fields"]["invoice"]] += record["fields"]["amount"]
    totals = {name: ids[name]["fields"]["total"] for name in paid if name in ids}
    return {name: paid[name] - total for name, total in totals.items() if abs(paid[name]) > abs(total)}
