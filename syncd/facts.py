"""The facts the planner decides on: the policy of a target, what the mirror saw when, and where records stand. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Literal

from syncd.connector import ATTACHED, Content, Fields, Scalar, Verb
from syncd.content import client_content, invoice_content, payment_content
from syncd.fields import never
from syncd.match import Candidate
from syncd.merge import Conflicts, Differs, Owner
from syncd.model import Client, Invoice, Kind


@dataclass(frozen=True, slots=True)
class Policy:
    """What the settings, the capabilities and the books say about one target."""

    fields: Mapping[Kind, frozenset[str]]
    verbs: frozenset[Verb]
    zone: tzinfo
    picture: bool = False
    drafts: bool = False
    all_clients: bool = False
    """Every client is to stand there, and not only those that an invoice needs."""
    unsettle: bool = False
    on_change: Literal["problem", "update", "reverse"] = "problem"
    undated: Literal["due_date", "issue_date", "first_seen"] | None = None
    start_date: date | None = None
    locked_until: date | None = None
    payments_locked_until: date | None = None
    currencies: frozenset[str] | None = None
    match: tuple[str, ...] = ("mark", "external_id", "number", "email", "name")
    owners: Mapping[str, Owner] = field(default_factory=dict)
    conflicts: Conflicts = "person"
    shape: Callable[[Kind, Content], Content] = field(default=lambda _kind, content: content, repr=False, compare=False)
    """Gives a content as the target will hold it."""
    dressed: Callable[[str, Scalar, Scalar], bool] = field(default=never, repr=False, compare=False)
    """Tells whether what stands at a path is what was expected, in another dress."""

    def client(self, client: Client) -> Content:
        """Say what the target is to hold of a client."""
        return self.shape("client", client_content(client))

    @property
    def attaches(self) -> bool:
        """The PDF of each invoice hangs on it in the target."""
        return "attach" in self.verbs and "pdf" in self.fields.get("invoice", ())

    def invoice(self, invoice: Invoice, client: Client) -> Content:
        """Say what the target is to hold of an invoice."""
        content = invoice_content(invoice, client)
        if invoice.status != "draft" and self.attaches:
            content["pdf"] = ATTACHED
        return self.shape("invoice", content)

    def payment(self, invoice: Invoice) -> Content:
        """Say what the target is to hold of what settles an invoice."""
        return self.shape("payment", payment_content(invoice))


@dataclass(frozen=True, slots=True)
class Seen:
    """When the mirror saw what.

    ``status_seen``: when it reached its status; ``None`` while it had no other before. ``issued_seen``: when it became
    more than a draft; ``None`` if it was never seen as one.
    """

    first_seen: datetime
    status_seen: datetime | None = None
    gone: bool = False
    issued_seen: datetime | None = None


@dataclass(frozen=True, slots=True)
class Binding:
    """A mapping as the planner sees it; ``base`` is flat, ``drift`` what stands in the target instead.

    ``behind``: where the base is as an older or damaged state of the target has it, which nobody wrote; path → (what
    was last written, what stands).
    ``clients``: of an invoice whose client changed, what both are called, by their ids.
    """

    external_id: str
    version: str | None
    base: Fields
    state: Literal["live", "void", "removed", "linked", "unfound"] = "live"
    generation: int = 0
    drift: Differs = field(default_factory=dict)
    behind: Differs = field(default_factory=dict)
    clients: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> Scalar:
        """The status that the record has at the target now, whoever gave it."""
        return self.drift["status"][1] if "status" in self.drift else self.base.get("status")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands at the target: its binding, or the candidates that may be it."""

    binding: Binding | None = None
    candidates: Sequence[Candidate] = ()
    taken_back: int = 0
    """Records under the mark that stand voided there: made and taken back, perhaps by a run nobody remembers."""
    merged: bool = False
    """A client whose mark is on the record of another, so that this is the record for both."""

    @property
    def live(self) -> Binding | None:
        """The binding, if the record stands."""
        return self.binding if self.binding and self.binding.state == "live" else None

    @property
    def removed(self) -> bool:
        """A person took the record out there."""
        return self.binding is not None and self.binding.state == "removed"


NOWHERE = Place()
