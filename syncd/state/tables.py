"""The tables of the state, as SQLModel models; times are seconds since 1970 in UTC.

Bulk rows go through SQLAlchemy Core on the same tables. A change here needs a step in ``syncd/migrations/versions``.
"""

from __future__ import annotations

from sqlalchemy import Index, LargeBinary, Table, UniqueConstraint, text
from sqlmodel import Field, SQLModel


class Source(SQLModel, table=True):
    """One source: the revision its mirror has reached and when it was first polled."""

    name: str = Field(primary_key=True)
    revision: int = 0
    first_seen: int
    last_pull: int | None = None


class Record(SQLModel, table=True):
    """The mirror: one source record as last seen, without its body."""

    __table_args__ = (
        UniqueConstraint("source", "kind", "id"),
        Index("record_by_revision", "source", "revision"),
        Index("record_by_status", "source", "kind", "status"),
        Index("record_by_client", "source", "client_id"),
        Index("record_by_number", "source", "number"),
        Index("record_without_detail", "source", sqlite_where=text("detail_due")),
    )

    n: int | None = Field(default=None, primary_key=True)
    source: str
    kind: str
    id: str
    number: str | None = None
    client_id: str | None = None
    status: str | None = None
    row_print: bytes = Field(sa_type=LargeBinary)
    detail_print: bytes | None = Field(default=None, sa_type=LargeBinary)
    revision: int
    first_seen: int
    changed_at: int
    status_seen: int | None = None
    """When the present status was first seen, if the record had been seen with another one before."""
    issued_seen: int | None = None
    """When it was first seen to be no draft any more, if it had been seen as one."""
    detail_at: int | None = None
    detail_due: bool = False
    walk: int = 0
    """The last walk over all rows that showed it."""
    gone_at: int | None = None


class Body(SQLModel, table=True):
    """The raw JSON of a record, apart from its row so that the row stays small."""

    n: int = Field(primary_key=True, foreign_key="record.n")
    raw: bytes = Field(sa_type=LargeBinary)
    validators: str | None = None
    """What the server sent to ask whether it changed since: JSON of ``[etag, last_modified]``."""


class Cursor(SQLModel, table=True):
    """How far something got: a walk, a sweep, a target; ``value`` is JSON."""

    owner: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    value: str


class Target(SQLModel, table=True):
    """One target: the books it was first seen with."""

    name: str = Field(primary_key=True)
    source: str
    identity: str
    company: str
    first_seen: int


class Mapping(SQLModel, table=True):
    """The binding of a source record to a target record; ``base`` is the journal entry that was last written."""

    __table_args__ = (
        UniqueConstraint("target", "kind", "external_id"),
        Index("mapping_by_base", "base"),
        Index("mapping_removed", "target", "kind", sqlite_where=text("state = 'removed'")),
        Index("mapping_linked", "target", sqlite_where=text("state = 'linked'")),
    )

    target: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    external_id: str | None = None
    version: str | None = None
    base: int | None = Field(default=None, foreign_key="operation.n")
    state: str = "live"
    """``live``, ``void`` (taken back by us, may be made again), ``removed`` (a person took it out there), ``linked`` (a
    person named the record there; it is adopted once it is read) or ``unfound`` (no such record stands there)."""
    generation: int = 0
    """How often the record was made anew after having been taken back."""
    marked: bool = Field(default=False, sa_column_kwargs={"server_default": text("0")})
    """Whether it was seen with its mark; what has the same id and bears none is another record, then."""
    lately: bool = Field(default=False, sa_column_kwargs={"server_default": text("0")})
    """Whether it was taken out there and that was not let pass yet."""


class Observation(SQLModel, table=True):
    """What was seen at the target and differs: drift of a bound record, or a candidate for one that is not bound."""

    target: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    external_id: str = Field(primary_key=True)
    role: str
    """``drift`` (edited there), ``behind`` (an older state was put back), ``taken_back`` (voided under its mark),
    ``taken_out`` (the same, by others than syncd), ``merged`` (a client whose mark is on the record of another), or how
    a candidate was found: ``mapping`` (linked by a person; all its fields stand in ``differs``), ``mark``,
    ``external_id``, ``number``, ``email``, ``name``, or ``contested`` where others have the same one as strongly."""
    version: str | None = None
    by_hand: bool = True
    differs: str = "{}"
    """JSON: field path → [what syncd expected, what stands there]."""
    seen_at: int


class Plan(SQLModel, table=True):
    """One plan: the operations under it would bring the target in step up to ``revision``."""

    __table_args__ = (Index("plan_by_target", "target", "n"),)

    n: int | None = Field(default=None, primary_key=True)
    run: int = Field(foreign_key="run.n")
    target: str
    made_at: int
    revision: int
    state: str = "open"
    """``open``, ``applied``, ``held``, ``dry`` or ``dropped``."""
    counts: str = "{}"


class Operation(SQLModel, table=True):
    """The journal: one operation, its payload written down before it is sent, closed with its outcome."""

    __table_args__ = (
        UniqueConstraint("plan", "key"),
        Index("operation_in_order", "plan", "stage", "place"),
        Index("operation_of_record", "id"),
        Index("operation_in_doubt", "target", sqlite_where=text("state = 'sent'")),
    )

    n: int | None = Field(default=None, primary_key=True)
    plan: int = Field(foreign_key="plan.n")
    target: str
    stage: int
    place: str
    """Sorts operations of a stage: issue date, number, id."""
    verb: str
    kind: str
    id: str
    mark: str
    key: str
    revision: int
    external_id: str | None = None
    version: str | None = None
    client_id: str | None = None
    """The source's client an invoice or payment belongs to, to find the target's id of it."""
    changes: str | None = None
    """JSON of an update: field path → [before, after]."""
    state: str = "planned"
    """``planned``, ``sent``, then ``done``, ``rejected``, ``stale``, ``lost`` (certainly not done) or ``dropped``."""
    sent_at: int | None = None
    closed_at: int | None = None
    outcome: str | None = None


class Payload(SQLModel, table=True):
    """The bytes of an operation, apart from its row so that closing it stays cheap."""

    n: int = Field(primary_key=True, foreign_key="operation.n")
    content: bytes | None = Field(default=None, sa_type=LargeBinary)
    """What the record says once this is done, flat or nested; ``None``: the payload says it."""
    payload: bytes | None = Field(default=None, sa_type=LargeBinary)
    """What is sent, rendered; ``None``: not rendered before what it stands on has an id."""


class Run(SQLModel, table=True):
    """One run: when, by which command, and how it ended."""

    n: int | None = Field(default=None, primary_key=True)
    command: str
    started_at: int
    ended_at: int | None = None
    exit_code: int | None = None
    summary: str = "{}"


class Problem(SQLModel, table=True):
    """What cannot be synced until somebody acts."""

    __table_args__ = (
        UniqueConstraint("owner", "kind", "id", "code"),
        Index("problem_by_state", "owner", "state"),
    )

    n: int | None = Field(default=None, primary_key=True)
    owner: str
    """A target, or ``source:NAME`` for what is wrong at the source."""
    kind: str
    id: str
    code: str
    parameters: str
    since: int
    state: str = "open"
    """``open``, ``retry`` (looked at again in the next run) or ``dismissed``."""


class Hold(SQLModel, table=True):
    """A safety stop; ``released`` lets it pass once."""

    owner: str = Field(primary_key=True)
    code: str = Field(primary_key=True)
    parameters: str
    since: int
    released: bool = False


class Credential(SQLModel, table=True):
    """What a connector must keep over runs, such as tokens that rotate."""

    owner: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    value: str


metadata = SQLModel.metadata


def _table(name: str) -> Table:
    return metadata.tables[name]


source, record, body, cursor = _table("source"), _table("record"), _table("body"), _table("cursor")
target, mapping, observation = _table("target"), _table("mapping"), _table("observation")
plan, operation, payload, run = (
    _table("plan"),
    _table("operation"),
    _table("payload"),
    _table("run"),
)
problem, hold, credential = _table("problem"), _table("hold"), _table("credential")
