"""A stand-in for the engine that drives one connector by hand, and the records it writes."""

# ruff: noqa: S101 - tests are made of asserts

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from syncd.connector import (
    Connector,
    Content,
    Done,
    Entry,
    Exists,
    Fields,
    Found,
    Operation,
    Outcome,
    Page,
    Remote,
    Scalar,
    Shaping,
    Verb,
    Wanted,
)
from syncd.fields import differences, flatten
from syncd.marks import key, mark
from syncd.model import KINDS, Kind

ID_FIELD: dict[Kind, str] = {
    "client": "client_id",
    "invoice": "invoice_id",
    "payment": "invoice_id",
}

Changes = Mapping[str, tuple[Scalar, Scalar]]
"""Field path → (before, after)."""

CLIENT: Content = {
    "client_id": "c-1",
    "name": "Åse & Søn AS",
    "email": "ase@example.com",
    "phone": "+4722334455",
    "address": "Storgata 1, 0155 Oslo",
    "country": "NO",
    "locale": "nb",
    "external_id": None,
    "tags": "retail;nordic",
    "archived_at": None,
}
INVOICE: Content = {
    "invoice_id": "i-1",
    "number": "2026-001",
    "client_id": "c-1",
    "client_name": "Åse & Søn AS",
    "currency": "NOK",
    "subtotal": 10000,
    "tax": 2500,
    "total": 12500,
    "status": "sent",
    "issue_date": "2026-01-31",
    "due_date": "2026-02-14",
    "paid_date": None,
    "public_url": None,
    "notes": None,
    "lines": [["Consulting", "2", 4000, "25"], ["Travel, by train", "0.5", 4000, "25"]],
    "events": [["e-1", "sent", "2026-01-31T09:00:00Z", "{}"]],
}
PAYMENT: Content = {
    "invoice_id": "i-1",
    "number": "2026-001",
    "client_id": "c-1",
    "currency": "NOK",
    "amount": 12500,
    "paid_date": "2026-02-10",
    "issue_date": "2026-01-31",
}


@dataclass(frozen=True, slots=True)
class Samples:
    """One record of each kind, in the engine's terms; the payment settles the invoice."""

    client: Content = field(default_factory=lambda: dict(CLIENT))
    invoice: Content = field(default_factory=lambda: dict(INVOICE))
    payment: Content = field(default_factory=lambda: dict(PAYMENT))

    def of(self, kind: Kind) -> Content:
        """Give the record of one kind."""
        return {"client": self.client, "invoice": self.invoice, "payment": self.payment}[kind]


class Bench:
    """Drives one connector as the engine does, remembering the ids and versions it answered."""

    def __init__(self, connector: Connector) -> None:
        """Open the books."""
        self.connector = connector
        self.books = connector.open()
        self.known: dict[tuple[Kind, str], Done | Exists] = {}
        self._number = 0

    def operation(
        self,
        verb: Verb,
        kind: Kind,
        content: Content,
        changes: Changes | None = None,
        occasion: str = "0",
    ) -> Operation:
        """Decide one operation; a change goes to the record as last answered."""
        content, name = self.shaped(kind, content), str(content[ID_FIELD[kind]])
        known = None if verb in ("create", "settle") else self.known[kind, name]
        refs = self._refs(kind, content)
        if verb == "attach" and known and kind in self.connector.capabilities.refs:
            refs = {kind: known.external_id}
        return Operation(
            verb=verb,
            kind=kind,
            id=name,
            mark=mark(kind, name),
            key=key(mark(kind, name), verb, occasion),
            content={**content, **{path: after for path, (_, after) in (changes or {}).items()}},
            changes=changes or {},
            refs=refs,
            external_id=known.external_id if known else None,
            version=known.version if known else None,
        )

    def _refs(self, kind: Kind, content: Content) -> dict[Kind, str]:
        refs: dict[Kind, str] = {}
        for base in self.connector.capabilities.refs:
            if KINDS.index(base) < KINDS.index(kind) and ID_FIELD[base] in content:
                known = self.known.get((base, str(content[ID_FIELD[base]])))
                refs[base] = known.external_id if known else ""
        return refs

    def entry(self, operation: Operation) -> Entry:
        """Render an operation as the journal keeps it."""
        payload = self.connector.render(operation, self.books)
        assert isinstance(payload, bytes), f"{operation.verb} {operation.kind} was not rendered: {payload}"
        self._number += 1
        return Entry(
            self._number,
            operation.verb,
            operation.kind,
            operation.id,
            operation.mark,
            operation.key,
            payload,
            operation.external_id,
            operation.version,
        )

    def send(self, *entries: Entry) -> list[Outcome]:
        """Write one batch; the outcomes in the order of the entries, one for each."""
        answers = list(self.connector.write(iter(entries)))
        assert sorted(number for number, _ in answers) == sorted(entry.number for entry in entries)
        outcomes = dict(answers)
        for entry in entries:
            outcome = outcomes[entry.number]
            if isinstance(outcome, Done | Exists):
                self.known[entry.kind, entry.id] = outcome
        return [outcomes[entry.number] for entry in entries]

    def do(self, verb: Verb, kind: Kind, content: Content, changes: Changes | None = None) -> Done:
        """Carry out one operation that must succeed."""
        (outcome,) = self.send(self.entry(self.operation(verb, kind, content, changes)))
        assert isinstance(outcome, Done), f"{verb} {kind}: {outcome}"
        return outcome

    def stand(self, samples: Samples, upto: Kind = "payment") -> None:
        """Write the samples, each kind in a batch of its own, as far as the connector has them."""
        for kind in KINDS[: KINDS.index(upto) + 1]:
            if kind in self.connector.capabilities.fields:
                self.do("settle" if kind == "payment" else "create", kind, samples.of(kind))

    def shown(self, since: str | None = None) -> tuple[dict[tuple[Kind, str], Remote], list[Page]]:
        """Read the changes: records by kind and id, and the pages they came on."""
        pages = list(self.connector.changes(since))
        return {(one.kind, one.external_id): one for page in pages for one in page.remotes}, pages

    def look(self, kind: Kind, content: Content) -> Found:
        """Look for one record."""
        name = str(content[ID_FIELD[kind]])
        refs = self._refs(kind, content)
        wanted = Wanted(kind, name, mark(kind, name), self.shaped(kind, content), refs)
        (found,) = self.connector.find(iter([wanted]))
        return found

    def remote(self, kind: Kind, content: Content) -> Remote | None:
        """Read one record that was written, as it stands now."""
        known = self.known[kind, str(content[ID_FIELD[kind]])]
        return self.shown()[0].get((kind, known.external_id))

    def expected(self, kind: Kind, content: Content) -> Fields:
        """Say what the target must show of a content."""
        return flatten(self.shaped(kind, content), self.connector.capabilities.fields[kind])

    def shaped(self, kind: Kind, content: Content) -> Content:
        """Give a content as the target holds it."""
        return self.connector.shape(kind, content, self.books) if isinstance(self.connector, Shaping) else content

    def differing(self, kind: Kind, content: Content) -> dict[str, tuple[Scalar, Scalar]]:
        """Compare what stands with a content, on the fields the connector declares."""
        remote = self.remote(kind, content)
        assert remote is not None, f"the {kind} is not shown"
        only = self.connector.capabilities.fields[kind]
        fields = dict(remote.fields)
        for (base, name), known in self.known.items():
            if base == "client" and remote.refs.get("client") == known.external_id:
                fields["client_id"] = name
        return differences(self.expected(kind, content), flatten(fields, only))
