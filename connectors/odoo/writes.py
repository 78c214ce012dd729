"""Calls that write, each made once, and how a refusal finds the records it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self, TypeVar

from connectors.odoo.client import Odoo, among_others
from connectors.odoo.company import Company
from connectors.odoo.errors import LoadMessage, LoadRefused, OdooAnswer
from syncd.connector import Outcome, Rejected, Stale
from syncd.errors import NotSent

T = TypeVar("T")

INSISTING: Final = 3
"""Times that a call is made in all that takes something back; Odoo itself tries each five times (15 s)."""


@dataclass(slots=True)
class Writes:
    """Calls that write, each once; ``wrote``: one was sent, so that what follows can no longer be called not sent.

    ``tries``: times that a call is made in all when others wrote the same at the same time; nothing of it was carried
    out. One as a rule: what they wrote may have changed what is to be done, and it is planned anew.
    """

    odoo: Odoo
    company: Company
    wrote: bool = False
    tries: int = 1

    @property
    def insisting(self) -> Self:
        """The same for taking back: left undone, there stands what must not."""
        return replace(self, tries=INSISTING)

    @property
    def context(self) -> dict[str, Any]:
        """Nothing is noted in the chatter, which is quicker; unless the company keeps an audit trail."""
        return {} if self.company.features.audit_trail else {"tracking_disable": True}

    @property
    def _everything(self) -> dict[str, Any]:
        """Odoo 14 otherwise neither finds an archived partner by its id nor computes a tax that was archived since."""
        old = not self.company.features.display_type_product
        return {"active_test": False, **self.context} if old else self.context

    def call(self, model: str, method: str, ids: Sequence[int] | None, **arguments: Any) -> Any:
        """Call a method, of records or of the model."""
        again = among_others(self.tries)
        return again(self._sent, lambda: self.odoo.call(model, method, ids, context=self._everything, **arguments))

    def load(
        self,
        model: str,
        fields: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        once: bool = False,
        context: Mapping[str, Any] | None = None,
    ) -> list[int]:
        """Make records by their external ids (``once``), or change them by their ids."""
        seen = {"active_test": False, **self.context, **(context or {})}
        return self._sent(lambda: self.odoo.load(model, fields, rows, once=once, context=seen))

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


def outcome_of(error: OdooAnswer, before: str = "") -> Outcome:
    """Give the outcome of an entry that Odoo said no to, in its own words."""
    sentence = f"{before}{error.sentence or error}"
    if error.kind == "concurrent":
        return Stale(sentence)
    if error.groups:
        sentence += f" The user of the API key needs one of the groups: {', '.join(error.groups)}."
    return Rejected(sentence)


def halved(items: Sequence[T], send: Callable[[Sequence[T]], object], say: Callable[[T, OdooAnswer], None]) -> None:
    """Send all at once; where Odoo says no, leave out those it names, or find them by halves.

    One call is one transaction: what was refused had no effect, so that its parts may be sent again. A ``load`` that
    names every record tells nothing: Odoo 14 does so because of a single one.
    """
    if not items:
        return
    try:
        send(items)
    except OdooAnswer as error:
        if len(items) == 1 or error.kind in ("concurrent", "access"):
            for item in items:
                say(item, error)
            return
        named = _named(error, len(items))
        for number, message in named.items():
            say(items[number], LoadRefused(message.text, [message]))
        rest = [item for number, item in enumerate(items) if number not in named]
        middle = 0 if named else len(rest) // 2
        halved(rest[:middle], send, say)
        halved(rest[middle:], send, say)


def _named(error: OdooAnswer, count: int) -> dict[int, LoadMessage]:
    """Give the records that a refused load names, each with the first thing that is wrong with it."""
    if not isinstance(error, LoadRefused):
        return {}
    named = {message.record: message for message in reversed(error.messages) if 0 <= message.record < count}
    return named if len(named) < count else {}
