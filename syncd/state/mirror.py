"""The mirror in the state: a source's records as last seen, raw, with the revision of their last change.

Every function works inside the transaction of the connection it is given. An invoice is planned from its detail, so
its revision moves when a detail is stored that says something new; a client's moves with its row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from syncd.model import Kind
from syncd.state import bulk
from syncd.state.tables import body, record, source

T = TypeVar("T")

CHUNK = 500
"""The most ids in one statement."""


class Row(NamedTuple):
    """One row of a list: what the mirror keeps of it beside its JSON, ``raw``."""

    id: str
    number: str | None
    client_id: str | None
    status: str | None
    print: bytes
    raw: bytes


class Detail(NamedTuple):
    """One invoice as its own request answered; ``asked``: the row's fingerprint when it was asked for."""

    id: str
    number: str | None
    client_id: str | None
    status: str | None
    print: bytes
    raw: bytes
    asked: bytes
    validators: str | None = None


class Due(NamedTuple):
    """An invoice whose detail has to be read; ``n`` is its place, to go on from."""

    n: int
    id: str
    row_print: bytes
    number: str | None = None
    validators: str | None = None


class Stored(NamedTuple):
    """What storing came to, as counts of records."""

    new: int = 0
    changed: int = 0
    twice: tuple[tuple[str, bytes, bytes], ...] = ()
    """Ids that this very walk showed before with another fingerprint: they changed, or two records share one."""


def begin(conn: Connection, name: str, now: int) -> None:
    """Make the source known."""
    if conn.execute(sa.select(source.c.name).where(source.c.name == name)).first() is None:
        conn.execute(source.insert().values(name=name, revision=0, first_seen=now))


def pulled(conn: Connection, name: str, now: int) -> int:
    """Note that a whole cycle is over; return the revision the mirror has reached."""
    conn.execute(source.update().where(source.c.name == name).values(last_pull=now))
    return revision(conn, name)


def revision(conn: Connection, name: str) -> int:
    """Return the revision the mirror has reached, 0 before the first pull."""
    return conn.execute(_REVISION, {"of": name}).scalar() or 0


# -- storing -----------------------------------------------------------------------------------------------------------


def store_rows(conn: Connection, name: str, kind: Kind, rows: Sequence[Row], *, walk: int, now: int) -> Stored:
    """Store the rows of a page, shown by this walk; the details of new and changed invoices become due."""
    known = {found.id: found for found in _known(conn, name, kind, [row.id for row in rows])}
    fresh = [row for row in rows if row.id not in known]
    moved, seen = [], []
    for row in rows:
        if (before := known.get(row.id)) is None:
            continue
        if before.row_print != row.print or before.gone_at is not None:
            moved.append((before, row))
        elif before.walk < walk:
            seen.append(before.n)
    if fresh:
        _insert(conn, name, kind, fresh, walk, now)
    changed = _move(conn, name, kind, moved, walk, now) if moved else 0
    for part in chunks(seen):
        conn.execute(_SEEN, {"places": part, "shown_by": walk})
    twice = tuple((row.id, before.row_print, row.print) for before, row in moved if before.walk == walk)
    return Stored(len(fresh), changed, twice)


_INSERT, _INSERT_BODY = record.insert(), body.insert()


def _insert(conn: Connection, name: str, kind: Kind, rows: Sequence[Row], walk: int, now: int) -> None:
    first = (conn.execute(_LAST).scalar() or 0) + 1
    whole = kind == "client"
    revisions = _revisions(conn, name, len(rows)) if whole else iter([0] * len(rows))
    values = [
        {
            "n": n, "source": name, "kind": kind, "id": row.id, "number": row.number, "client_id": row.client_id,
            "status": row.status, "row_print": row.print, "revision": next(revisions), "first_seen": now,
            "changed_at": now, "detail_due": not whole, "walk": walk,
        }
        for n, row in enumerate(rows, first)
    ]  # fmt: skip
    bulk.execute(conn, _INSERT, values)
    bulk.execute(conn, _INSERT_BODY, [{"n": n, "raw": row.raw} for n, row in enumerate(rows, first)])


_ROW_MOVED = (
    record.update()
    .where(record.c.n == sa.bindparam("at"))
    .values({
        name: sa.bindparam(name)
        for name in (
            *("number", "client_id", "status", "status_seen", "issued_seen", "row_print", "revision", "changed_at"),
            *("detail_due", "gone_at", "walk"),
        )
    })
)  # fmt: skip
_BODY = (
    body.update()
    .where(body.c.n == sa.bindparam("at"))
    .values(raw=sa.bindparam("raw"), validators=sa.bindparam("validators"))
)


_NO_VALIDATORS = (
    body.update()
    .where(body.c.n.in_(sa.bindparam("places", expanding=True)), body.c.validators.is_not(None))
    .values(validators=None)
)


def _move(conn: Connection, name: str, kind: Kind, moved: list[tuple[Any, Row]], walk: int, now: int) -> int:
    """Store rows that changed; return how many records that changes. An invoice's own request tells what it changed."""
    whole = kind == "client"
    shows = [whole or before.gone_at is not None for before, _ in moved]
    revisions = _revisions(conn, name, sum(shows))
    values = [
        {
            "at": before.n, "number": row.number, "client_id": row.client_id, "status": row.status, "gone_at": None,
            **_seen(before, row.status, now, earlier=before.first_seen < now), "row_print": row.print,
            "revision": next(revisions) if shown else before.revision,
            "changed_at": now if shown else before.changed_at,
            "detail_due": not whole, "walk": max(walk, before.walk),
        }
        for (before, row), shown in zip(moved, shows, strict=True)
    ]  # fmt: skip
    conn.execute(_ROW_MOVED, values)
    bodies = [
        {"at": before.n, "raw": row.raw, "validators": None}
        for before, row in moved
        if whole or before.detail_print is None
    ]
    if bodies:
        conn.execute(_BODY, bodies)
    # A detail whose row moved is read whatever a server with a coarse clock says of it.
    conn.execute(_NO_VALIDATORS, {"places": [before.n for before, _ in moved]})
    return sum(shows)


_DETAIL = (
    record.update()
    .where(record.c.n == sa.bindparam("at"))
    .values({
        name: sa.bindparam(name) for name in ("detail_print", "revision", "changed_at", "detail_at", "detail_due")
    })
)  # fmt: skip
_DETAIL_MOVED = _DETAIL.values(
    {name: sa.bindparam(name) for name in ("number", "client_id", "status", "status_seen", "issued_seen", "gone_at")}
)


def store_details(conn: Connection, name: str, details: Sequence[Detail], *, now: int) -> Stored:
    """Store what each invoice's own request answered; where it says nothing new, only that it was read."""
    known = {found.id: found for found in _known(conn, name, "invoice", [detail.id for detail in details])}
    details = [detail for detail in {detail.id: detail for detail in details}.values() if detail.id in known]
    told, moved, same, bodies = [], [], [], []
    news = [d for d in details if known[d.id].detail_print != d.print or known[d.id].gone_at is not None]
    revisions = _revisions(conn, name, len(news))
    for detail in news:
        before = known[detail.id]
        # A row that changed while its detail was under way asks for the detail once more.
        due = before.row_print != detail.asked
        # A list may lag behind: what the invoice's first own answer says otherwise is no change that was seen.
        earlier = before.detail_print is not None and before.first_seen < now
        values = {
            "at": before.n,
            "detail_print": detail.print,
            "revision": next(revisions),
            "changed_at": now,
            "detail_at": now,
            "detail_due": due,
        }
        bodies.append({"at": before.n, "raw": detail.raw, "validators": detail.validators})
        if detail[1:4] == (before.number, before.client_id, before.status) and before.gone_at is None:
            told.append(values)
        else:
            moved.append(
                values
                | {
                    "number": detail.number,
                    "client_id": detail.client_id,
                    "status": detail.status,
                    **_seen(before, detail.status, now, earlier=earlier),
                    "gone_at": None,
                }
            )
    for detail in details:
        before = known[detail.id]
        if before.detail_print == detail.print and before.gone_at is None:
            same.append({"at": before.n, "detail_at": now, "detail_due": before.row_print != detail.asked})
    for statement, values_ in (
        (_DETAIL, told),
        (_DETAIL_MOVED, moved),
        (_READ, same),
        (_BODY, bodies),
    ):
        bulk.execute(conn, statement, values_)
    new = sum(known[detail.id].detail_print is None for detail in news)
    return Stored(new, len(news) - new)


def _seen(before: Any, status: str | None, now: int, *, earlier: bool) -> dict[str, int | None]:
    """Say when a record was first seen in this status, and as no draft any more.

    ``earlier``: an earlier cycle saw it as it was; else two answers only disagree, and nothing tells when it changed.
    """
    if status == before.status or not earlier:
        return {"status_seen": before.status_seen, "issued_seen": before.issued_seen}
    return {"status_seen": now, "issued_seen": now if before.status == "draft" else before.issued_seen}


_READ = (
    record.update()
    .where(record.c.n == sa.bindparam("at"))
    .values(detail_at=sa.bindparam("detail_at"), detail_due=sa.bindparam("detail_due"))
)


def detail_unchanged(conn: Connection, name: str, read: Sequence[Due], *, now: int) -> None:
    """Note that these details were asked for and are what they were."""
    known = {found.id: found for found in _known(conn, name, "invoice", [each.id for each in read])}
    values = [
        {"at": each.n, "detail_at": now, "detail_due": known[each.id].row_print != each.row_print} for each in read
    ]
    if values:
        conn.execute(_READ, values)


def mark_gone(conn: Connection, name: str, kind: Kind, ids: Sequence[str], *, now: int) -> None:
    """Note that these records are no longer at the source; their last content stays."""
    found = [each for each in _known(conn, name, kind, ids) if each.gone_at is None]
    revisions = _revisions(conn, name, len(found))
    for each in found:
        gone = {"gone_at": now, "changed_at": now, "revision": next(revisions), "detail_due": False}
        conn.execute(record.update().where(record.c.n == each.n).values(gone))


def mark_seen(conn: Connection, name: str, kind: Kind, ids: Sequence[str], *, walk: int) -> None:
    """Note that these records are there although the walk did not show them."""
    for part in chunks(ids):
        conn.execute(
            record.update().where(of_kind(name, kind), record.c.id.in_(part), record.c.walk < walk).values(walk=walk)
        )


def make_due(conn: Connection, name: str, ids: Sequence[str]) -> None:
    """Have the details of these invoices read."""
    for part in chunks(ids):
        conn.execute(record.update().where(of_kind(name, "invoice"), record.c.id.in_(part)).values(detail_due=True))


def make_all_due(conn: Connection, name: str, statuses: Sequence[str] | None, *, before: int) -> None:
    """Have the details of all invoices (in one of ``statuses``) read that were last read before that time."""
    old = (record.c.gone_at.is_(None), sa.func.coalesce(record.c.detail_at, 0) < before)
    chosen = () if statuses is None else (record.c.status.in_(statuses),)
    conn.execute(record.update().where(of_kind(name, "invoice"), *chosen, *old).values(detail_due=True))


def make_oldest_due(conn: Connection, name: str, statuses: Sequence[str], limit: int) -> None:
    """Have the details of those invoices read that were read longest ago."""
    query = (
        sa.select(record.c.n)
        .where(of_kind(name, "invoice"), record.c.status.in_(statuses), record.c.gone_at.is_(None))
        .order_by(record.c.detail_at, record.c.n)
        .limit(limit)
    )
    for part in chunks(conn.execute(query).scalars().all()):
        conn.execute(record.update().where(record.c.n.in_(part)).values(detail_due=True))


# -- what all of it stands on ------------------------------------------------------------------------------------------


def of_kind(name: str, kind: Kind) -> sa.ColumnElement[bool]:
    """Choose the records of one kind."""
    return sa.and_(record.c.source == name, record.c.kind == kind)


_KNOWN = (
    *(
        record.c.n,
        record.c.id,
        record.c.number,
        record.c.client_id,
        record.c.status,
        record.c.row_print,
    ),
    *(
        record.c.detail_print,
        record.c.revision,
        record.c.first_seen,
        record.c.changed_at,
        record.c.status_seen,
        record.c.issued_seen,
        record.c.walk,
        record.c.gone_at,
    ),
)


# Statements of the busiest path are built once: building one costs more than running it.
_KNOWN_BY_ID = sa.select(*_KNOWN).where(
    record.c.source == sa.bindparam("name"),
    record.c.kind == sa.bindparam("kind"),
    record.c.id.in_(sa.bindparam("ids", expanding=True)),
)
_SEEN = (
    record.update().where(record.c.n.in_(sa.bindparam("places", expanding=True))).values(walk=sa.bindparam("shown_by"))
)
_TAKE = (
    source.update().where(source.c.name == sa.bindparam("of")).values(revision=source.c.revision + sa.bindparam("more"))
)
_REVISION = sa.select(source.c.revision).where(source.c.name == sa.bindparam("of"))
_LAST = sa.select(sa.func.max(record.c.n))


def _known(conn: Connection, name: str, kind: Kind, ids: Sequence[str]) -> Iterator[Any]:
    for part in chunks(ids):
        yield from conn.execute(_KNOWN_BY_ID, {"name": name, "kind": kind, "ids": part}).all()


def _revisions(conn: Connection, name: str, number: int) -> Iterator[int]:
    """Take the next ``number`` revisions of the source."""
    if not number:
        return iter(())
    conn.execute(_TAKE, {"of": name, "more": number})
    return count(revision(conn, name) - number + 1)


def chunks(items: Iterable[T]) -> Iterator[list[T]]:
    """Give so many at a time as one statement takes."""
    listed = list(items)
    for start in range(0, len(listed), CHUNK):
        yield listed[start : start + CHUNK]
