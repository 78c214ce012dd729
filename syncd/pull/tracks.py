"""Tracks: walks over one list each, with what is done on each page - the hot set and the growing end."""

from __future__ import annotations

from math import inf
from typing import Any

from sqlalchemy.engine import Connection

from syncd.errors import Answer, Missing, Unreachable
from syncd.model import Kind
from syncd.problems import Finding
from syncd.pull import questions
from syncd.pull.cycle import Cycle
from syncd.pull.pages import Page
from syncd.pull.walk import Order, Votes, Walk
from syncd.state import mirror

ROUNDS = 5
"""The most walks over a list that a first load makes until one brings nothing new."""

MOST_FOUND = 500
"""Findings of a round that are kept."""

STEPS_BACK = 20
"""Pages that the growing end is looked for before the one where it was last time."""


STRAYS = 2
"""Pages in a row past the last one known, with nothing that came since, that are the end of the growing end."""


class Track:
    """A walk over a list to its end; each page is stored in one transaction with what ``keep`` adds to it."""

    purpose = "sweep"
    ahead = False
    """Whether the next page may be asked for before this one is stored."""
    believes = True
    """Whether the list may end where paging information says so, if it was right before."""

    def __init__(
        self, cycle: Cycle, kind: Kind, *, status: str | None = None, page: int | None = None, walk: int = 0
    ) -> None:
        """Start at ``page``, the first if not given; ``walk`` is the number of the round that its rows count for."""
        self.cycle = cycle
        self.kind = kind
        self.status = status
        self.round = walk
        self.walk = self._from(cycle.first_page if page is None else page)
        self.done = False

    def _from(self, page: int) -> Walk:
        """Begin a walk at a page."""
        trusted = self.believes and self.cycle.learnt.get("paging", {}).get(self.kind, False)
        return Walk(self.cycle.first_page, page, trusted=trusted)

    @property
    def order(self) -> Order:
        """In which order the list shows invoices, as far as this walk tells."""
        return "unknown"

    def next(self) -> int | None:
        """Return the page to ask for next, ``None`` at the end."""
        return None if self.done or self.walk.ended else self.walk.page

    def validators(self, page: int) -> Any:  # noqa: ARG002 - for those that know something of the page
        """Return what to send along so that the server may answer that nothing changed."""
        return None

    def advance(self, page: Page) -> bool:
        """Move on past a page; tell whether it belongs to the list. Nothing is stored yet."""
        return self.walk.take(None if page.missing else page.ids, page.last)

    def take(self, page: Page, *, belongs: bool) -> None:
        """Store a page."""
        stored = mirror.Stored()
        for finding in page.findings:
            self.cycle.findings[(finding.code, finding.kind, finding.id)] = finding
        with self.cycle.store.write() as conn:
            if belongs:
                stored = self.store(conn, page)
            self.keep(conn, page, stored)
        self.cycle.count(stored)
        self.look(page, belongs=belongs)

    def follow(self) -> Track | None:
        """Return the walk that comes after this one."""
        return None

    def store(self, conn: Connection, page: Page) -> mirror.Stored:
        """Store the rows."""
        cycle = self.cycle
        return mirror.store_rows(conn, cycle.name, self.kind, page.rows, walk=self.round, now=cycle.now)

    def keep(self, conn: Connection, page: Page, stored: mirror.Stored) -> None:
        """Keep the walk's cursor."""

    def look(self, page: Page, *, belongs: bool) -> None:
        """Judge what the page brought."""

    def refused(self, error: Answer) -> None:
        """The server does not serve this list at all."""
        raise Unreachable(f"The list of {self.kind}s cannot be read: {error}") from error


class Hot(Track):
    """Every page of one status that can still move."""

    purpose = "hot"

    def __init__(self, cycle: Cycle, status: str, walk: int, pages: dict[str, Any]) -> None:
        """Walk over the invoices of one status; ``shown`` collects their ids.

        ``pages``: what is known of each page whose answer had an ETag, to be asked for only if it changed.
        """
        super().__init__(cycle, "invoice", status=status, walk=walk)
        self.pages = pages
        self.kept: dict[str, Any] = {}
        self.shown: set[str] = set()
        self.ignored = self.barred = False
        self.answered = True

    def validators(self, page: int) -> Any:
        """Return the ETag of the page as it was; a date is too coarse to be sure."""
        known = self.pages.get(f"{self.status} {page}")
        return (known["etag"], None) if known else None

    def advance(self, page: Page) -> bool:
        """Move on; a page that did not change shows what it showed."""
        name = f"{self.status} {self.walk.page}"
        if page.unchanged:
            self.kept[name] = known = self.pages[name]
            self.shown.update(known["ids"])
            return self.walk.take(known["ids"], known["last"])
        if page.validators and page.validators[0] and page.ids:
            self.kept[name] = {"etag": page.validators[0], "ids": page.ids, "last": page.last}
        return super().advance(page)

    def look(self, page: Page, *, belongs: bool) -> None:  # noqa: ARG002 - each track judges what it needs
        """Collect the ids; rows of another status say that the filter is ignored."""
        self.shown.update(page.ids)
        if any(row.status != self.status for row in page.rows):
            self.ignored = self.done = True

    def refused(self, error: Answer) -> None:
        """Go without this status: it is left to the sweep; a 404 may but say that no invoice has it."""
        self.done, self.answered = True, False
        self.barred = not isinstance(error, Missing)

    @property
    def whole(self) -> bool:
        """Tell whether the walk came to its end."""
        return self.answered and not self.ignored and self.walk.ended


class Growing(Track):
    """One end of the list; a row is late if it was first stored after the growing end was last read."""

    purpose = "growing"
    late = 0
    """Rows of the page that are late."""

    def take(self, page: Page, *, belongs: bool) -> None:
        """Store a page."""
        self.late = 0
        super().take(page, belongs=belongs)

    def store(self, conn: Connection, page: Page) -> mirror.Stored:
        """Store the rows, and count the late ones: by their place, for a clock may be set back."""
        cycle, ids = self.cycle, [row.id for row in page.rows]
        stored = super().store(conn, page)
        after = cycle.learnt.get("grown_upto", 0)
        self.late = questions.count_later(conn, cycle.name, self.kind, ids, after=after)
        return stored


class GrowingFront(Growing):
    """The first pages of a list that begins with the newest, until one brings nothing new."""

    def look(self, page: Page, *, belongs: bool) -> None:  # noqa: ARG002 - as above
        """Stop where all was known before the growing end was last read."""
        self.done = belongs and not self.late


class GrowingBack(Growing):
    """The last pages of a list that ends with the newest.

    What comes while pages are read may stand on one already behind the walk, the last that the list had then. So
    the next cycle begins at ``resume``, the last page before the first that brought something new; ``reached`` is the
    last page of the list. Past the last one known, only what came since can stand: some servers begin anew there.
    """

    def __init__(self, cycle: Cycle, walk: int) -> None:
        """Begin where the end was in the last cycle."""
        super().__init__(cycle, "invoice", page=cycle.learnt.get("last_page"), walk=walk)
        end = cycle.learnt.get("end_page")
        self.known = inf if end is None else end
        self.start = self.resume = self.walk.page
        self.reached: int | None = None
        self.news = False
        self.steps = self.strays = 0

    def look(self, page: Page, *, belongs: bool) -> None:
        """Where the list became shorter, or nothing on the page was known, look further to the front first."""
        self.news = self.news or self.late > 0
        strange = not belongs or 0 < len(page.rows) <= self.late
        if self.walk.asked == 1 and strange and self.start > self.walk.first and self.steps < STEPS_BACK:
            self.steps += 1
            self.start = self.resume = self.start - 1
            self.walk = self._from(self.start)
            return
        last = self.walk.last_page
        if belongs and last is not None and (self.late or last <= self.known):
            self.reached, self.strays = last, 0
            self.resume = self.resume if self.news else last
            return
        self.strays += 1
        self.done = self.strays >= STRAYS


class Sweep(Track):
    """A slice of a round over all rows of a kind; the cursor is kept with each page, so that it can be resumed.

    The cursor: ``walk`` (number of the round), ``page`` (next), ``ids`` (of the last page stored), ``votes`` on the
    order, ``new`` rows of the round, rows ``shown``, ``pages`` of the last whole round, ``owed`` pages, ``found``
    (findings of this round and the one before), ``short`` (a round that showed too few), ``last_page`` (with rows),
    ``calm_page`` (the last before the first with a new row), ``first_ids`` (of the first two pages), ``finished``
    (rounds), ``twice`` (ids shown with two different contents, in this round and ``twice_before``: once a record may
    have changed, again two share an id).
    """

    ahead = True
    believes = False

    def __init__(self, cycle: Cycle, kind: Kind, cursor: dict[str, Any], limit: float) -> None:
        """Resume the round that ``cursor`` is in, or begin one; read about ``limit`` pages."""
        self.cursor = cursor
        begins = cursor.get("page") is None
        if begins:
            cursor.update(walk=cursor.get("walk", 0) + 1, page=cycle.first_page, ids=[], votes=[0, 0], new=0, asked=0)
            cursor.update(shown=0, last_page=None, calm_page=None, first_ids=[])
            cursor["twice"], cursor["twice_before"] = {}, cursor.get("twice", {})
            cursor["found"] = [[], *cursor.get("found", [])[:1]]
        self.overlap = set(cursor["ids"])
        page = cursor["page"] - 1 if self.overlap else cursor["page"]
        super().__init__(cycle, kind, page=max(page, cycle.first_page), walk=cursor["walk"])
        self.walk.first_ids = frozenset(cursor.get("first_ids", ())) - self.overlap
        self.purpose = "clients" if kind == "client" else "sweep"
        self.limit = limit + bool(self.overlap)
        self.votes = Votes(*cursor["votes"])
        self.before = cursor["asked"]

    @property
    def order(self) -> Order:
        """Give the order of the rows shown so far."""
        return self.votes.order() if self.kind == "invoice" else "unknown"

    def next(self) -> int | None:
        """Stop when the slice is done, but not in doubt whether that was the end; the round goes on next time."""
        return None if self.walk.asked >= self.limit and not self.walk.doubt else super().next()

    def advance(self, page: Page) -> bool:
        """Where the first page shows nothing of the page it was, rows have shifted too far: begin the round again."""
        overlap, self.overlap = self.overlap, set()
        if overlap and overlap.isdisjoint(page.ids) and self.walk.page > self.walk.first:
            self.walk = self._from(self.walk.first)
            self.limit += 1
            return False
        belongs = super().advance(page)
        self.cursor["shown"] = self.cursor.get("shown", 0) + len(page.ids)
        if self._endless(len(page.ids)):
            self.walk.ended = self.walk.endless = True
        return belongs

    def keep(self, conn: Connection, page: Page, stored: mirror.Stored) -> None:
        """Keep the cursor; at the end of the list the round is finished."""
        cursor, walk = self.cursor, self.walk
        self.votes.hear(page.raw)
        cursor["found"][0] = merged(cursor["found"][0], page.findings)
        for record_id, *prints in stored.twice:
            pair = sorted(each.hex() for each in prints)
            cursor["twice"][record_id] = pair
            if cursor["twice_before"].get(record_id) == pair:
                shared = Finding("duplicate_id", self.kind, record_id, at_source=True)
                cursor["found"][0] = merged(cursor["found"][0], [shared])
        cursor["votes"] = [self.votes.rising, self.votes.falling]
        cursor["new"] += stored.new
        cursor["asked"] = self.before + walk.asked
        cursor["owed"] = max(0.0, cursor.get("owed", 0.0) - 1)
        cursor["page"], cursor["ids"] = walk.page, list(walk.last_ids)
        self._keep_place()
        if walk.ended:
            if walk.reliable is not None:
                self.cycle.learnt["paging"] = self.cycle.learnt.get("paging", {}) | {self.kind: walk.reliable}
            finished = cursor.get("finished", 0) + 1
            cursor.update(page=None, ids=[], pages=cursor["asked"], finished=finished)
        self.cycle.put(conn, f"sweep:{self.kind}", cursor)

    def _keep_place(self) -> None:
        """Keep where the list begins and where it ends."""
        cursor, walk = self.cursor, self.walk
        if walk.endless:
            cursor.update(last_page=None, calm_page=None)
        elif walk.last_page is not None:
            cursor["last_page"] = walk.last_page
            if not cursor["new"]:
                cursor["calm_page"] = walk.last_page
            if walk.last_page < walk.first + 2:
                cursor["first_ids"] = sorted(walk.first_ids)

    def _endless(self, size: int) -> bool:
        """Tell of a round in slices, none of which knows what the others saw, whether rows only come again."""
        if self.before + self.walk.asked <= 2 * self.cursor.get("pages", inf) + 3:
            return False
        with self.cycle.store.read() as conn:
            known = questions.count_there(conn, self.cycle.name, self.kind)
        return bool(self.cursor["shown"] > 2 * known + 3 * size)


class Load(Sweep):
    """A round of the first load; another follows until one brings nothing new."""

    def follow(self) -> Track | None:
        """Walk again unless the last walk brought nothing new, or was but one page, within which nothing can shift."""
        return None if settled(self.cursor) else Load(self.cycle, self.kind, self.cursor, inf)


def settled(cursor: dict[str, Any]) -> bool:
    """Tell whether a first load needs no further walk."""
    finished = cursor.get("finished", 0) if cursor.get("page") is None else 0
    return finished >= ROUNDS or (finished > 0 and (not cursor["new"] or cursor["pages"] <= 1))


def merged(kept: list[list[Any]], found: list[Finding]) -> list[list[Any]]:
    """Add findings to those of a round, each once, the first so many."""
    if not found:
        return kept
    by_record = {tuple(each[:3]): each for each in kept}
    for one in found:
        by_record.setdefault((one.code, one.kind, one.id), [one.code, one.kind, one.id, dict(one.parameters)])
    return list(by_record.values())[:MOST_FOUND]
