"""The hostile ledger's terms and syncd's, put into each other; pure."""

from __future__ import annotations

from typing import Any

import orjson

from syncd.connector import (
    Done,
    Entry,
    Exists,
    Fields,
    Operation,
    Outcome,
    Rejected,
    Remote,
    Stale,
    Unknown,
)
from syncd.model import Kind

FIELDS: dict[Kind, frozenset[str]] = {
    "client": frozenset({"name", "email", "phone", "country", "archived_at"}),
    "invoice": frozenset({"number", "client_id", "currency", "subtotal", "tax", "total", "issue_date", "due_date"}),
    "payment": frozenset({"amount", "currency", "paid_date"}),
}
"""What the ledger keeps of each kind."""

STANDS_ON: dict[Kind, Kind] = {"invoice": "client", "payment": "invoice"}
"""Which kind's target id a record of the ledger names, under that kind's word."""


def render(operation: Operation) -> bytes | Rejected:
    """Write the ledger's ``record`` for an operation: all of a new one, else what changes."""
    if operation.verb in ("create", "settle"):
        record = {name: operation.content.get(name) for name in FIELDS[operation.kind]}
        base = STANDS_ON.get(operation.kind)
        if base is not None:
            if base not in operation.refs:
                return Rejected(f"This {operation.kind} names no {base} to stand on.", "unmapped")
            record[base] = operation.refs[base]
        return _bytes(record)
    if operation.verb == "void":
        return _bytes({})
    strange = operation.changes.keys() - FIELDS[operation.kind]
    if strange:
        return Rejected(f"The ledger has no {', '.join(sorted(strange))}.", "unsupported")
    changed = {name: after for name, (_, after) in operation.changes.items()}
    if "client_id" in changed and operation.refs.get("client"):
        changed["client"] = operation.refs["client"]
    if operation.verb == "archive":
        changed.setdefault("archived_at", operation.content.get("archived_at"))
    return _bytes(changed)


def _bytes(record: dict[str, Any]) -> bytes | Rejected:
    try:
        return orjson.dumps(record, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as error:  # a lone surrogate, a number of more than 64 bits
        return Rejected(f"The ledger's JSON cannot hold this: {error}.", "unencodable")


def batch_body(entries: list[Entry]) -> bytes:
    """Write a batch; each payload goes in as the very bytes the journal has."""
    operations = [
        {
            "n": entry.number,
            "verb": entry.verb,
            "kind": entry.kind,
            "key": entry.key,
            "mark": entry.mark,
            "id": entry.external_id,
            "version": entry.version,
            "record": orjson.Fragment(entry.payload),
        }
        for entry in entries
    ]
    return orjson.dumps({"operations": operations})


def outcomes(entries: list[Entry], answer: Any) -> list[tuple[int, Outcome]]:
    """Read the answers to a batch; an entry that none of them speaks of is in doubt."""
    answers = answer.get("answers") if isinstance(answer, dict) else None
    told = {one.get("n"): one for one in answers or () if isinstance(one, dict)}
    return [(entry.number, _outcome(told.get(entry.number))) for entry in entries]


def _outcome(answer: dict[str, Any] | None) -> Outcome:
    match answer:
        case {"outcome": "done", "record": dict(record)}:
            found = remote(record)
            return Done(found.external_id, found.version)
        case {"outcome": "exists", "id": str(name), "version": int(version)}:
            return Exists(name, str(version))
        case {"outcome": "refused", "reason": str(reason)}:
            return Rejected(reason)
        case {"outcome": "stale", "reason": str(reason)}:
            return Stale(reason)
    return Unknown("The ledger's answer does not speak of this operation.")


def remote(record: dict[str, Any]) -> Remote:
    """Read one record of the ledger."""
    kind: Kind = record["kind"]
    fields: Fields = {name: record["fields"].get(name) for name in sorted(FIELDS[kind])}
    return Remote(kind, record["id"], record["mark"], str(record["version"]), fields, void=record["void"])
