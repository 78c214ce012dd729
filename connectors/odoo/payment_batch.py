"""One batch of entries on payments under way: what is sent, what came of it, and how a refusal finds its record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from connectors.odoo.client import Odoo
from connectors.odoo.company import Company
from connectors.odoo.errors import LoadRefused, OdooAnswer
from connectors.odoo.payments import Due, Row
from syncd.connector import Outcome, Rejected, Stale
from syncd.errors import NotSent

T = TypeVar("T")


@dataclass(slots=True)
class Batch:
    """A batch under way.

    ``wrote``: a call that writes was sent. ``moves``: the invoices as read last. ``payments``: entry → the payment that
    settles it; ``ours``: those of them that syncd made; ``drafts``: those that are still to be posted;
    ``without_entry``: those that Odoo books no entry for (18 and later, without an outstanding account).
    """

    odoo: Odoo
    company: Company
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    wrote: bool = False
    moves: Mapping[int, Row] = field(default_factory=dict)
    payments: dict[int, int] = field(default_factory=dict)
    ours: set[int] = field(default_factory=set)
    drafts: set[int] = field(default_factory=set)
    without_entry: set[int] = field(default_factory=set)

    @property
    def context(self) -> dict[str, Any]:
        """Nothing is noted in the chatter, which is quicker; unless the company keeps an audit trail."""
        return {} if self.company.features.audit_trail else {"tracking_disable": True}

    def call(self, model: str, method: str, ids: Sequence[int] | None, **arguments: Any) -> Any:
        """Write once."""
        return self._sent(lambda: self.odoo.call(model, method, ids, context=self.context, **arguments))

    def load(self, model: str, fields: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
        """Get or make records by their external ids."""
        return self._sent(lambda: self.odoo.load(model, fields, rows, once=True, context=self.context))

    def _sent(self, send: Callable[[], T]) -> T:
        try:
            done = send()
        except NotSent:
            raise
        except BaseException:
            self.wrote = True
            raise
        self.wrote = True
        return done

    def left(self, dues: Iterable[Due]) -> list[Due]:
        """Give the entries that have no outcome yet."""
        return [due for due in dues if due.entry not in self.outcomes]

    def refuse(self, due: Due, error: OdooAnswer, before: str = "") -> None:
        """Note that Odoo would not have it; what others wrote at the same time is read and planned anew."""
        self.outcomes[due.entry] = outcome_of(error, before)


def outcome_of(error: OdooAnswer, before: str = "") -> Outcome:
    """Give the outcome of an entry that Odoo said no to, in its own words."""
    sentence = f"{before}{error.sentence or error}"
    if error.kind == "concurrent":
        return Stale(sentence)
    if error.groups:
        sentence += f" The user of the API key needs one of the groups: {', '.join(error.groups)}."
    return Rejected(sentence)


def halved(items: Sequence[T], send: Callable[[Sequence[T]], None], refused: Callable[[T, OdooAnswer], None]) -> None:
    """Send all at once; where Odoo says no, leave out those it names, or find them by halves.

    One call is one transaction: what was refused had no effect, so that its parts may be sent again.
    """
    if not items:
        return
    try:
        send(items)
    except OdooAnswer as error:
        if len(items) == 1 or error.kind in ("concurrent", "access"):
            for item in items:
                refused(item, error)
            return
        named = _named(error, len(items))
        for number, text in named.items():
            refused(items[number], OdooAnswer(text, name=error.name, sentence=text, kind=error.kind))
        rest = [item for number, item in enumerate(items) if number not in named]
        middle = 0 if named else len(rest) // 2
        halved(rest[:middle], send, refused)
        halved(rest[middle:], send, refused)


def _named(error: OdooAnswer, count: int) -> dict[int, str]:
    """Give the records that a refused load names, each with what is wrong with it."""
    if not isinstance(error, LoadRefused):
        return {}
    return {message.record: message.text for message in reversed(error.messages) if 0 <= message.record < count}
