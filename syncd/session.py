"""One target opened for one pass: its settings, connector, books and policy, and the state they work on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from syncd.connector import Books, Capabilities, Connector, Content, Dressing, Kind, Shaping
from syncd.facts import Policy
from syncd.fields import never
from syncd.progress import Progress, silent
from syncd.settings import TargetSettings
from syncd.state.store import Store


@dataclass(frozen=True, slots=True)
class Session:
    """What every stage of a pass over one target is given."""

    name: str
    source: str
    connector: Connector
    books: Books
    policy: Policy
    store: Store
    now: Callable[[], datetime]
    progress: Progress = silent

    @property
    def can(self) -> Capabilities:
        """What the connector declares."""
        return self.connector.capabilities

    def seconds(self) -> int:
        """The time now, in seconds since 1970."""
        return int(self.now().timestamp())


def _shape(connector: Connector, books: Books) -> Callable[[Kind, Content], Content]:
    if isinstance(connector, Shaping):
        return lambda kind, content: connector.shape(kind, content, books)
    return lambda _kind, content: content


def policy_of(target: TargetSettings, connector: Connector, books: Books, zone: tzinfo) -> Policy:
    """Put together what settings, capabilities and books say."""
    can = connector.capabilities
    closed = books.locked_until, books.payments_locked_until or books.locked_until
    locked, payments_locked = (max((day for day in (target.lock_date, one) if day), default=None) for one in closed)
    return Policy(
        fields=can.fields,
        verbs=can.verbs,
        zone=zone,
        picture=can.picture,
        drafts=target.drafts and (can.picture or "post" in can.verbs),
        all_clients=can.picture or target.clients == "all",
        unsettle=target.unsettle,
        on_change=target.on_change,
        undated=target.undated,
        start_date=target.start_date,
        locked_until=locked,
        payments_locked_until=payments_locked,
        currencies=books.currencies if books.currencies is not None else can.currencies,
        match=tuple(how for how in target.match if how != "mapping"),
        owners=target.owners,
        conflicts=target.conflicts,
        shape=_shape(connector, books),
        dressed=connector.dressed if isinstance(connector, Dressing) else never,
    )
