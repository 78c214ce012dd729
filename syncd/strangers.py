"""Invoices of another account: what syncd wrote in books where nothing is bound, and the source knows none of it."""

from __future__ import annotations

from collections.abc import Iterable

from syncd.connector import Remote
from syncd.marks import mark
from syncd.session import Session
from syncd.state import work


class Strangers:
    """Counts invoices that syncd wrote, until one turns out to be the source's: then none is strange."""

    def __init__(self, session: Session) -> None:
        self.count = 0
        self._picture = session.can.picture
        self._session = session
        self._known: frozenset[str] | None = None
        self._ours = False

    def look_at(self, remotes: Iterable[Remote]) -> None:
        """Look at some of what stands there; a picture has the ids of the source, books have marks."""
        for one in remotes if not self._ours else ():
            named = one.external_id if self._picture else one.mark
            if one.kind != "invoice" or named is None:
                continue
            self._ours = named in self._marks()
            self.count = 0 if self._ours else self.count + 1
            if self._ours:
                return

    def _marks(self) -> frozenset[str]:
        """Read what the source's own would be called there."""
        if self._known is None:
            with self._session.store.read() as connection:
                ids = work.ids(connection, self._session.source, "invoice")
                self._known = frozenset(ids if self._picture else (mark("invoice", one) for one in ids))
        return self._known
