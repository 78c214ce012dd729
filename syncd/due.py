"""The records a pass looks at, read from the mirror and understood: what changed, and what waits."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy.engine import Row

from syncd.facts import Seen
from syncd.model import Client, Invoice, Kind, Rejection
from syncd.payload import read_client, read_invoice
from syncd.session import Session
from syncd.state import work


class DueClient(NamedTuple):
    """One client to look at."""

    id: str
    revision: int
    client: Client | Rejection
    gone: bool


class DueInvoice(NamedTuple):
    """One invoice to look at, with its client as far as the mirror has it."""

    id: str
    revision: int
    seen: Seen
    invoice: Invoice | Rejection
    client: Client | Rejection | None
    client_revision: int | None


@dataclass(frozen=True, slots=True)
class Range:
    """What a pass looks at: revisions in (since, upto], and single records that wait."""

    since: int
    upto: int
    waiting: frozenset[tuple[Kind, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Narrow:
    """What a run writes at most: issue dates (inclusive) and statuses."""

    since: date | None = None
    until: date | None = None
    statuses: frozenset[str] = frozenset()

    @property
    def all(self) -> bool:
        """Nothing is left out."""
        return self.since is None and self.until is None and not self.statuses

    def takes(self, invoice: Invoice) -> bool:
        """Tell whether an invoice is within; one without an issue date is within no dates."""
        if self.statuses and invoice.status not in self.statuses:
            return False
        if self.since is None and self.until is None:
            return True
        day = invoice.issue_date
        return (
            day is not None and (self.since is None or day >= self.since) and (self.until is None or day <= self.until)
        )


def clients(session: Session, reach: Range) -> Iterator[list[DueClient]]:
    """Stream the clients that changed or wait."""
    ids = {record_id for kind, record_id in reach.waiting if kind == "client"}
    for rows in _chunks(session, "client", reach, ids):
        yield [_client(row) for row in rows]


def named_clients(session: Session, ids: Iterable[str]) -> Iterator[list[DueClient]]:
    """Stream single clients."""
    for rows in work.by_id(session.store, session.source, "client", ids):
        yield [_client(row) for row in rows]


def invoices(session: Session, reach: Range, also: Iterable[str] = ()) -> Iterator[list[DueInvoice]]:
    """Stream the invoices that changed or wait, and others by id."""
    ids = {record_id for kind, record_id in reach.waiting if kind != "client"} | set(also)
    for rows in _chunks(session, "invoice", reach, ids):
        yield with_clients(session, rows)


def every_invoice(session: Session) -> Iterator[list[DueInvoice]]:
    """Stream all invoices of the mirror."""
    for rows in work.every(session.store, session.source, "invoice"):
        yield with_clients(session, rows)


def _chunks(session: Session, kind: Kind, reach: Range, waiting: Collection[str]) -> Iterator[list[Row[Any]]]:
    """Stream what changed, then what waits; each once, though its revision may grow from one question to the next."""
    seen: set[str] = set()
    for rows in work.changed(session.store, session.source, kind, reach.since, reach.upto):
        seen.update(row.id for row in rows if row.id in waiting)
        yield list(rows)
    for rows in work.by_id(session.store, session.source, kind, [one for one in waiting if one not in seen]):
        yield list(rows)


def _client(row: Row[Any]) -> DueClient:
    return DueClient(row.id, row.revision, read_client(orjson.loads(row.raw)), row.gone_at is not None)


def with_clients(session: Session, rows: Iterable[Row[Any]]) -> list[DueInvoice]:
    """Understand invoices, each with its client."""
    rows = list(rows)
    wanted = sorted({row.client_id for row in rows if row.client_id})
    with session.store.read() as connection:
        known = {
            row.id: (read_client(orjson.loads(row.raw)), row.revision)
            for row in work.read(connection, session.source, "client", wanted)
        }
    zone = session.policy.zone
    return [
        DueInvoice(
            row.id,
            row.revision,
            seen_of(row),
            read_invoice(orjson.loads(row.raw), zone),
            *known.get(row.client_id, (None, None)),
        )
        for row in rows
    ]


def seen_of(row: Row[Any]) -> Seen:
    """Say when the mirror saw a record what it is."""
    status, issued = (None if seconds is None else _moment(seconds) for seconds in (row.status_seen, row.issued_seen))
    return Seen(_moment(row.first_seen), status, row.gone_at is not None, issued)


@lru_cache(maxsize=256)  # thousands of records were first seen in one cycle
def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
