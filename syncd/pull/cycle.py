"""What one cycle of pulling works with, what it has learnt of the source, and what it comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson
from sqlalchemy.engine import Connection

from syncd.errors import Missing
from syncd.fastfaktura import FastFaktura
from syncd.model import Kind
from syncd.problems import Finding
from syncd.progress import Progress
from syncd.pull import questions
from syncd.pull.failing import Failing
from syncd.settings import SourceSettings
from syncd.state import cursors, mirror
from syncd.state.store import Store

FEW = 20
"""Of fewer known records nothing can be concluded from some that are missing."""

DAY = 86_400


class Stop(Protocol):
    """Asks a cycle to end early, such as a ``threading.Event``."""

    def is_set(self) -> bool:
        """Tell whether to end."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """What one cycle came to.

    ``requests``: how many by purpose (``business hot growing sweep clients details confirm``). ``findings`` is all
    that is wrong at the source as far as known now, not only what this cycle saw. ``whole``: it was not stopped early.
    """

    new: int
    changed: int
    gone: int
    requests: dict[str, int]
    revision: int
    findings: tuple[Finding, ...]
    holds: tuple[Finding, ...]
    whole: bool


@dataclass(slots=True)
class Cycle:
    """One cycle over one source; used by the thread that called ``pull``, which alone writes."""

    source: SourceSettings
    api: FastFaktura
    store: Store
    pool: ThreadPoolExecutor
    now: int
    progress: Progress
    stop: Stop | None
    released: frozenset[str]
    learnt: dict[str, Any]
    """Kept in the cursor ``learnt``: ``first_page order last_page end_page grown_upto ignored_at``, times and
    what is owed."""
    elapsed: float
    """Seconds since the last whole cycle; infinite in the first, and where the clock does not tell."""
    known: int
    """Records known when the cycle began."""
    failing: Failing
    requests: Counter[str] = field(default_factory=Counter)
    new: int = 0
    changed: int = 0
    gone: int = 0
    findings: dict[tuple[str, str, str], Finding] = field(default_factory=dict)
    holds: list[Finding] = field(default_factory=list)
    candidates: dict[str, str] = field(default_factory=dict)
    """Invoices that a finished walk did not show, and which walk: a 404 for one of them says that it is gone."""
    absent: dict[str, list[str]] = field(default_factory=dict)
    """Of these, by walk, the ones that answered 404."""
    withheld: set[str] = field(default_factory=set)
    """Invoices that a hold is about: too many to ask for each."""
    same_account: bool = False
    first_page: int = 1

    @property
    def name(self) -> str:
        """The source's name."""
        return self.source.name

    @property
    def owner(self) -> str:
        """The owner of the source's cursors."""
        return f"source:{self.source.name}"

    @property
    def stopped(self) -> bool:
        """Tell whether the cycle was asked to end."""
        return self.stop is not None and self.stop.is_set()

    def find(self, code: str, kind: str, record_id: str, **parameters: str) -> Finding:
        """Note what is wrong with one record."""
        found = self.findings[code, kind, record_id] = Finding(code, kind, record_id, parameters, at_source=True)
        return found

    def hold(self, code: str, **parameters: str) -> None:
        """Stop what follows from a surprise until a person lets it pass."""
        self.holds.append(Finding(code, "hold", "", parameters))

    def count(self, stored: mirror.Stored) -> None:
        """Add up what storing came to."""
        self.new += stored.new
        self.changed += stored.changed

    def get(self, name: str) -> Any:
        """Read a cursor of the source."""
        with self.store.read() as conn:
            text = cursors.get(conn, self.owner, name)
        return None if text is None else orjson.loads(text)

    def put(self, conn: Connection, name: str, value: Any) -> None:
        """Keep a cursor of the source, in the transaction of what it stands for."""
        cursors.put(conn, self.owner, name, orjson.dumps(value).decode())

    def learn(self, **values: Any) -> None:
        """Keep what was learnt of the source."""
        self.learnt.update(values)
        with self.store.write() as conn:
            self.put(conn, "learnt", self.learnt)


class OtherAccount(Exception):
    """None of the records known so far is there any more."""


def check_account(cycle: Cycle, kind: Kind, ids: Iterable[str]) -> None:
    """Before anything of a page is stored, make sure that the account is still the one known so far.

    FastFaktura names no account. One known id proves it; a page without any has up to twenty known records asked for,
    clients first, for those are never deleted.
    """
    if cycle.same_account or not cycle.known or "account_changed" in cycle.released:
        return
    with cycle.store.read() as conn:
        if questions.known_ids(conn, cycle.name, kind, list(ids)):
            cycle.same_account = True
            return
        clients = questions.sample_ids(conn, cycle.name, "client", FEW)
        invoices = questions.sample_ids(conn, cycle.name, "invoice", FEW - len(clients))
    sample = [(cycle.api.client, one) for one in clients] + [(cycle.api.invoice, one) for one in invoices]
    for ask, record_id in sample:
        cycle.requests["confirm"] += 1
        try:
            ask(record_id)
        except Missing:
            continue
        cycle.same_account = True
        return
    if not sample:
        return
    cycle.hold("account_changed", known=str(cycle.known), asked=str(len(sample)))
    raise OtherAccount
