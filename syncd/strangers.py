"""Records of another account: what syncd wrote in the books, and the source knows nothing of."""

from __future__ import annotations

from collections.abc import Iterable

from syncd.connector import Kind, Remote
from syncd.marks import mark
from syncd.session import Session
from syncd.state import work


def own_names(session: Session, kind: Kind) -> frozenset[str]:
    """Give what the source's own records of a kind are called there: a picture has their ids, books have marks."""
    with session.store.read() as connection:
        ids = work.ids(connection, session.source, kind)
        return frozenset(ids if session.can.picture else (mark(kind, one) for one in ids))


class Strangers:
    """Counts invoices that syncd wrote, until one turns out to be the source's: then none is strange."""

    def __init__(self, session: Session) -> None:
        self.count = 0
        self._picture = session.can.picture
        self._session = session
        self._known: frozenset[str] | None = None
        self._ours = False

    def look_at(self, remotes: Iterable[Remote]) -> None:
        """Look at some of what stands there."""
        for one in remotes if not self._ours else ():
            named = one.external_id if self._picture else one.mark
            if one.kind != "invoice" or named is None:
                continue
            if self._known is None:
                self._known = own_names(self._session, "invoice")
            self._ours = named in self._known
            self.count = 0 if self._ours else self.count + 1
            if self._ours:
                return
