"""The contract between the engine and a connector: what a connector is given, and what it must, may and must not do.

Words (``docs/connectors.md`` tells them at length):

- *content*: one record in the engine's own terms, a JSON document. Scalars are text, integers (cents) or ``None``;
  ``lines`` is a list of ``[description, quantity, unit_price, tax_rate]`` and ``events`` a list of
  ``[event_id, type, occurred_at, data]``. The fields of each kind are in ``FIELDS``.
- *fields*: the same, flat: ``{"number": …, "lines.1.quantity": …, "events.<event_id>.type": …}``; see
  ``syncd.fields``. The engine compares fields; a value a connector cannot read stays the text it found.
- *mark*: a short key made from the source record alone. A connector must write it with the record, in one atomic
  effect, where the target has a place for it, so that the record is found again without any state.
- *key*: the idempotency key of one operation; the same operation has the same key on every machine.

A connector decides nothing, keeps no mappings and retries no write. It is used by one thread at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

from pydantic import BaseModel
from structlog.typing import FilteringBoundLogger

from syncd.errors import Choices, NoDocument
from syncd.model import KINDS, Kind
from syncd.secret import Secret

if TYPE_CHECKING:  # the contract itself does no I/O, nor does what is pure and knows it
    from syncd.http import Http

CONTRACT = 1
"""The version of this contract; a connector declares the one it was written for."""

Verb = Literal["create", "adopt", "update", "post", "settle", "unsettle", "void", "archive", "attach"]

Scalar = str | int | None
Content = dict[str, Any]
Fields = dict[str, Scalar]

FIELDS: dict[Kind, tuple[str, ...]] = {
    "client": (
        "client_id",
        "name",
        "email",
        "phone",
        "address",
        "country",
        "locale",
        "external_id",
        "tags",
        "archived_at",
    ),
    "invoice": (
        *(
            "invoice_id",
            "number",
            "client_id",
            "client_name",
            "currency",
            "subtotal",
            "tax",
            "total",
            "status",
        ),
        *("issue_date", "due_date", "paid_date", "public_url", "notes", "lines", "events", "pdf"),
    ),
    "payment": (
        "invoice_id",
        "number",
        "client_id",
        "currency",
        "amount",
        "paid_date",
        "issue_date",
    ),
}
"""Every field of each kind, in order. Amounts are cents, dates ISO, times ISO in UTC with ``Z``, tags ``a;b``.

``pdf`` is ``ATTACHED`` or nothing; only a connector with the verb ``attach`` declares it.
"""

ATTACHED = "attached"
"""What an invoice's ``pdf`` says where its document hangs on it; the document's name and bytes are no content."""

ARCHIVED = "1970-01-01T00:00:00Z"
"""What ``archived_at`` says where the target knows that a client is archived and not since when; shown as a word."""

LINE_FIELDS = ("description", "quantity", "unit_price", "tax_rate")
EVENT_FIELDS = ("event_id", "type", "occurred_at", "data")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a connector can do; declared, and checked by the engine before it plans.

    ``contract``: the version of the contract it was written for, as a number and not as ``CONTRACT``.
    ``fields``: the fields of each kind that it writes *and* reads back (others are never compared); a kind left out
    is never written. ``picture``: the target is a picture of the source (every status is shown, every change is
    written), not books in which money once booked stands. ``batch``: the most operations in one ``write``; ``None``
    is a whole plan in one. ``refs``: kinds whose target id a payload of another kind holds, so that they must stand
    before it is rendered. ``replay_safe``: the same key and bytes sent again have no second effect.
    ``settle_delay``: seconds after which a write whose answer was lost has either happened or never will; nothing is
    looked up or sent again before.
    ``currencies``: ISO codes, ``None`` is any. ``taxes``: tax is booked by code, which ``Context.taxes`` may name.
    ``reverses``: a ``void`` with ``changes`` leaves the record and reverses it, so that it can be made anew beside it.
    """

    contract: int
    fields: Mapping[Kind, frozenset[str]]
    verbs: frozenset[Verb]
    picture: bool = False
    batch: int | None = 1
    refs: frozenset[Kind] = frozenset()
    replay_safe: bool = False
    settle_delay: float = 0.0
    currencies: frozenset[str] | None = None
    taxes: bool = False
    reverses: bool = False


@dataclass(frozen=True, slots=True)
class Books:
    """What a target is at this moment, read only.

    ``identity`` names the books so that other credentials, another company or another folder are noticed (stable for
    as long as they are the same books), and ``where`` tells a person where those are, without secrets. ``findings``
    are sentences on what is missing or wrong, for ``check``, and ``summary`` says what was found in a few words.
    ``choices``: what settings can be that depend on the books, for whoever asks a person: key (``taxes.25`` for a rate)
    → value as it is written → what a person knows it by.
    ``empty``: nothing at all stands there, so there is nothing to look for. ``history``: records that syncd did not
    write stand there. ``token``: what ``changes`` would give as the token now, where that is known without reading
    all that stands. ``locked_until``: the last closed day; ``payments_locked_until``: that of
    payments (``date.min`` where none is closed), if it is another.
    """

    company: str
    identity: str
    empty: bool = False
    history: bool = False
    token: str | None = None
    currencies: frozenset[str] | None = None
    locked_until: date | None = None
    payments_locked_until: date | None = None
    findings: tuple[str, ...] = ()
    choices: Choices = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    summary: str = ""
    where: str = ""

    @property
    def told(self) -> str:
        """Name the books so that a person knows them from any others."""
        return f"{self.company} ({self.where})" if self.where else self.company


@dataclass(frozen=True, slots=True)
class Remote:
    """One record as it stands in the target.

    ``version``: whatever changes when the record changes, to guard writes; ``None`` where the target has none.
    ``refs``: kind → target id of the records it stands on, where the target knows those and not the source's ids: the
    engine tells from ``refs["client"]`` which ``client_id`` that is.
    ``foreign``: others made it, for ends of their own, so that it is no surprise where nothing is bound to it.
    ``settled``: cents of a booked invoice that are paid there (negative for a credit note), where the target tells.
    ``lost``: fields (paths, or first parts of paths) whose store is missing there (a file, a table, a column), or which
    only an older state, put back, can have so: that is nobody's edit, and they are written anew.
    ``void``: it was voided or cancelled there, so it binds nothing.
    ``taken_out``: it is void, and the target can tell that others than syncd made it so: a state that does not know of
    it leaves it out, too, and does not make it again.
    ``by_hand``: ``False`` where the target can prove that nobody but syncd has written it, ``True`` where that is not
    known. ``stray``: only parts of the record stand there (lines of an invoice that does not), so that it is none: it
    binds nothing, and is a surprise where nothing is bound to its id.
    """

    kind: Kind
    external_id: str
    mark: str | None
    version: str | None
    fields: Fields
    void: bool = False
    taken_out: bool = False
    by_hand: bool = True
    refs: Mapping[Kind, str] = field(default_factory=dict)
    foreign: bool = False
    lost: frozenset[str] = frozenset()
    stray: bool = False
    settled: int = 0


@dataclass(frozen=True, slots=True)
class Gone:
    """A record that no longer stands in the target, or a row a person took out."""

    kind: Kind
    external_id: str


@dataclass(frozen=True, slots=True)
class Page:
    """A part of what changed: records, what went, and after the last page the ``token`` for next time.

    ``whole``: this stream shows everything that stands, so what it does not show is gone. ``lost``: kinds of which a
    store is missing (a file, a table): what of them is not shown nobody took out, and it is written anew. ``by_hand``:
    ``False`` where the target can prove that nobody but syncd took anything out. ``standing``: the ids of all that
    stands of a kind, where the target does not tell what was deleted: what is not among them is gone.
    """

    remotes: tuple[Remote, ...] = ()
    gone: tuple[Gone, ...] = ()
    token: str | None = None
    whole: bool = False
    lost: frozenset[Kind] = frozenset()
    by_hand: bool = True
    standing: Mapping[Kind, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A source record that is looked for: what it can be recognised by.

    ``external_id``: the target's own id, where it was known (the record is looked at again, after a lost answer).
    """

    kind: Kind
    id: str
    mark: str
    content: Content
    refs: Mapping[Kind, str] = field(default_factory=dict)
    external_id: str | None = None


How = Literal["mark", "external_id", "number", "email", "name"]


@dataclass(frozen=True, slots=True)
class Found:
    """Candidates for one wanted record, each with how it was found; ``certain``: none means absent for certain."""

    kind: Kind
    id: str
    candidates: tuple[tuple[How, Remote], ...] = ()
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Operation:
    """One change at a target, decided and not yet rendered.

    ``changes`` (update): field path → (before, after); on a ``void``, what changed at the source, so that the record is
    reversed to be made anew, and not just taken back. ``content``: of an invoice that is made anew it holds, beside the
    fields, ``generation``: how often one was made and taken back before. ``refs``: kind → target id of the records it
    stands on; during planning an id that is not known yet is ``""``. ``external_id`` and ``version``: the record it
    changes.
    """

    verb: Verb
    kind: Kind
    id: str
    mark: str
    key: str
    content: Content
    changes: Mapping[str, tuple[Scalar, Scalar]] = field(default_factory=dict)
    refs: Mapping[Kind, str] = field(default_factory=dict)
    external_id: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation as it stands in the journal: what ``write`` is given, and given again in a replay."""

    number: int
    verb: Verb
    kind: Kind
    id: str
    mark: str
    key: str
    payload: bytes
    external_id: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """Carried out; the record's id and version as it stands now."""

    external_id: str
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Exists:
    """A record with this mark or key stood there already; nothing was written."""

    external_id: str
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """The target, or the translation, will not have it; ``reason`` is a sentence, the target's own where it has one."""

    reason: str
    code: str = "rejected"


@dataclass(frozen=True, slots=True)
class Stale:
    """The record is no longer what the plan saw; nothing was written; it is read and planned anew."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """It was sent and no answer came: in doubt."""

    reason: str = ""


Outcome = Done | Exists | Rejected | Stale | Unknown


def _no_document(invoice_id: str) -> bytes:
    raise NoDocument(f"no source lends the PDF of invoice {invoice_id}")


@dataclass(frozen=True, slots=True)
class Context:
    """What the engine lends a connector: its name, an HTTP client factory, the clock, a logger, room for files.

    ``folder``: where relative paths of the settings start. ``scratch``: a folder for temporary files. ``tokens``: a
    small durable place, ``tokens.get(name)`` and ``tokens.put(name, text)``, committed at once. ``taxes``: the target's
    tax code for each rate, or for a rate by the client's country, as the settings have it. ``document``: gives the PDF
    of an invoice by the source's id, for ``attach``; raises ``NoDocument`` where it cannot be had. It may be called by
    several threads. ``offers``: somebody is there to be asked, so that ``Books.choices`` are worth reading more for.
    """

    target: str
    http: Callable[..., Http]
    now: Callable[[], datetime]
    log: FilteringBoundLogger
    folder: Path
    scratch: Path
    tokens: Tokens
    taxes: Mapping[str, str | Mapping[str, str]] = field(default_factory=dict)
    document: Callable[[str], bytes] = _no_document
    offers: bool = False


class Tokens(Protocol):
    """A small durable place for what must outlive a run."""

    def get(self, name: str) -> str | None:
        """Read what was put under this name."""

    def put(self, name: str, text: str) -> None:
        """Keep a text under this name, durably, before returning."""


class Connector(Protocol):
    """One set of books. Made by the class's constructor with ``(settings, context)``; nothing is opened by that."""

    Settings: ClassVar[type[BaseModel]]
    """The connector's own settings: pydantic, ``extra="forbid"``; descriptions and defaults feed the example file."""

    capabilities: Capabilities
    """Declared; may depend on the settings."""

    @property
    def place(self) -> str:
        """Name the books in one text without secrets; two targets with the same text write to the same books.

        Asked before ``open``, which nothing may be opened for, and again after it, when more may be known.
        """

    def open(self) -> Books:
        """Read what the books are. Must not write, but for completing what an interrupted ``write`` had committed to.

        Raises ``Unreachable`` or ``Refused`` with a sentence when it cannot work at all.
        """

    def changes(self, since: str | None) -> Iterator[Page]:
        """Stream what changed at the target since the token (``None``: everything that stands).

        Must raise where it cannot go on; a stream that ends early would make records look deleted.
        """

    def find(self, wanted: Iterable[Wanted]) -> Iterator[Found]:
        """Answer for each wanted record, in the order given, what stands there by mark, id, number, e-mail or name."""

    def render(self, operation: Operation, books: Books) -> bytes | Rejected:
        """Translate; pure: identical input gives identical bytes."""

    def write(self, entries: Iterable[Entry]) -> Iterator[tuple[int, Outcome]]:
        """Carry out a batch, in the order given: clients, invoices, payments, each by date and number.

        Yields one outcome for each entry's number. Must raise ``NotSent`` when nothing of the batch was carried out,
        for certain; any other exception leaves every entry without an outcome in doubt. Must never send anything twice.
        """

    def close(self) -> None:
        """Let go of connections and files."""


@runtime_checkable
class Shaping(Protocol):
    """What a connector may have besides: a target that cannot hold every content as it is says how it holds it."""

    def shape(self, kind: Kind, content: Content, books: Books) -> Content:
        """Give a content as the target will hold it and show it again; pure, and itself when asked twice.

        What the engine compares, and renders, is in this shape.
        """


@runtime_checkable
class Dressing(Protocol):
    """What a connector may have besides: programs save what stands there anew, and some values then look otherwise."""

    def dressed(self, path: str, expected: Scalar, found: Scalar) -> bool:
        """Tell whether a value is the expected one in another dress; pure.

        It is nobody's edit and no difference, and is put right like what was lost.
        """


@runtime_checkable
class Taxing(Protocol):
    """What a connector may have besides: books that hold tax by code say which taxes they lack, for ``check``."""

    def lacking(self, rates: Iterable[tuple[str, str | None]], books: Books) -> Iterable[str]:
        """Say in sentences for which tax rates no tax is to be had, each rate with a client's country, or ``None``.

        Comes after ``open``, writes nothing, and names who mends it how.
        """


__all__ = [
    "ARCHIVED",
    "ATTACHED",
    "CONTRACT",
    "EVENT_FIELDS",
    "FIELDS",
    "KINDS",
    "LINE_FIELDS",
    "Books",
    "Capabilities",
    "Connector",
    "Content",
    "Context",
    "Done",
    "Dressing",
    "Entry",
    "Exists",
    "Fields",
    "Found",
    "Gone",
    "How",
    "Kind",
    "Operation",
    "Outcome",
    "Page",
    "Rejected",
    "Remote",
    "Scalar",
    "Secret",
    "Shaping",
    "Stale",
    "Taxing",
    "Tokens",
    "Unknown",
    "Verb",
    "Wanted",
]
