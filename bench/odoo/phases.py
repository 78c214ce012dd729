"""What calls were for, and where the time went between the first and the last of them. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bench.odoo.proxy import Call

KINDS = ("set-up", "partners", "create", "tax", "post", "read back", "settle", "look again")
"""``set-up``: all before the first write. ``tax``: reading and setting tax lines. ``read back``: of invoices.
``settle``: payments, with all that is read for them. ``look again``: all after the last write was checked."""

INVOICES = frozenset(("create", "tax", "post", "read back"))
READS = frozenset(
    (
        "search",
        "search_read",
        "read",
        "fields_get",
        "get_external_id",
        "search_count",
        "has_group",
        "formatted_read_group",
    )
)
SETTLES = frozenset(("account.payment", "account.payment.register", "account.partial.reconcile"))
FOR_PAYMENTS = frozenset(("commercial_partner_id", "amount_residual_currency", "full_reconcile_id"))
"""Fields that are read of invoices and their lines only where payments are made."""


def kinds(calls: Sequence[Call]) -> list[str]:
    """Tell what each call was for; the calls are in the order of their beginning."""
    writes = [place for place, call in enumerate(calls) if writes_something(call)]
    if not writes:
        return ["set-up"] * len(calls)
    after = range(writes[-1] + 1, len(calls))
    checked = next((place for place in after if calls[place].model == "account.move"), len(calls))
    found: list[str] = []
    for place, call in enumerate(calls):
        kind = "set-up" if place < writes[0] else "look again" if place > checked else _kind(call)
        found.append("settle" if kind == "read back" and found[-1] == "settle" else kind)
    return found


def writes_something(call: Call) -> bool:
    """Tell whether a call writes."""
    return call.model.startswith(("res.partner", "account.")) and call.method not in READS


def _kind(call: Call) -> str:
    if call.model.startswith("res.partner"):
        return "partners"
    if (
        call.model in SETTLES
        or call.model.startswith("account.full")
        or call.method in ("reconcile", "remove_move_reconcile")
    ):
        return "settle"
    if call.fields & FOR_PAYMENTS and call.method in READS:
        return "settle"
    if call.model == "account.move.line":
        return "tax"
    return {"action_post": "post", "create": "create", "load": "create"}.get(call.method, "read back")


@dataclass(frozen=True)
class Phases:
    """One run.

    ``seconds``: from the first call to the last answer, by what was waited for. ``busy``: seconds of Odoo at work, of
    all connections together. ``named``: kind → name → how often it was called, and its milliseconds at Odoo in all.
    ``posts``: when each batch of invoices was posted, the seconds spent on invoices by then, and those posted in it.
    ``making``: when the first invoice was begun.
    ``settling``: when the first payment was begun.
    """

    calls: Counter[str]
    named: Mapping[str, Mapping[str, tuple[int, float]]]
    seconds: Mapping[str, float]
    busy: float
    posts: list[tuple[float, float, tuple[int, ...]]]
    began: float
    making: float
    settling: float
    ended: float

    @property
    def total(self) -> float:
        """Seconds from the first call to the last answer."""
        return sum(self.seconds.values())

    @property
    def unpaid(self) -> float:
        """Seconds without those of payments."""
        return self.total - self.seconds.get("settle", 0.0)


def phases(calls: Sequence[Call]) -> Phases:
    """Share the time out: what passes until an answer comes belongs to that call, the client's own thinking too."""
    calls = sorted(calls, key=lambda call: call.began)
    told = list(zip(calls, kinds(calls), strict=True))
    seconds: dict[str, float] = defaultdict(float)
    posts: list[tuple[float, float, tuple[int, ...]]] = []
    latest, spent, posted, done = calls[0].began, 0.0, list[int](), 0.0
    for call, kind in sorted(told, key=lambda one: one[0].ended):
        if posted and kind == "create" and call.began >= done:
            posts.append((latest, spent, tuple(posted)))
            posted = []
        seconds[kind] += call.ended - latest
        spent += call.ended - latest if kind in INVOICES else 0.0
        latest = call.ended
        if kind == "post":
            posted, done = [*posted, *call.ids], call.ended
    if posted:
        posts.append((done, spent, tuple(posted)))
    settling = next((call.began for call, kind in told if kind == "settle"), latest)
    making = next((call.began for call, kind in told if kind == "create"), calls[0].began)
    busy = sum(call.ended - call.began for call in calls)
    counted = Counter(kind for _, kind in told)
    return Phases(counted, _named(told), seconds, busy, posts, calls[0].began, making, settling, latest)


def _named(told: Sequence[tuple[Call, str]]) -> dict[str, dict[str, tuple[int, float]]]:
    found: dict[str, dict[str, tuple[int, float]]] = defaultdict(dict)
    for call, kind in told:
        times, ms = found[kind].get(call.name, (0, 0.0))
        found[kind][call.name] = times + 1, ms + 1000 * (call.ended - call.began)
    return found


def quarters(
    found: Phases, lines: Mapping[int, int], used: Callable[[float], float] | None = None
) -> Iterator[tuple[float, float]]:
    """Give milliseconds per invoice and per line of the four quarters of the invoices; ``lines``: of each id.

    ``used``: processor seconds of the server by a time of the clock, to be told instead of the time that passed. Within
    one batch the invoices count as evenly spread.
    """
    times, invoices, so_far = [0.0], [0], [0]
    for at, spent, ids in found.posts:
        times.append(used(at) - used(found.making) if used else spent)
        invoices.append(invoices[-1] + len(ids))
        so_far.append(so_far[-1] + sum(lines.get(one, 0) for one in ids))
    ends = [_at(invoices, part * invoices[-1] / 4) for part in range(5)]
    for begin, end in pairwise(ends):
        took, made, long = (_between(axis, begin, end) for axis in (times, invoices, so_far))
        yield 1000 * took / max(made, 1e-9), 1000 * took / max(long, 1e-9)


def _at(axis: Sequence[float], value: float) -> float:
    """Give the place of a value on a rising axis, in parts of its steps."""
    place = min(max(bisect_left(axis, value), 1), len(axis) - 1) if len(axis) > 1 else 0
    if not place:
        return 0.0
    step = axis[place] - axis[place - 1]
    return place - 1 + ((value - axis[place - 1]) / step if step else 1.0)


def _between(axis: Sequence[float], begin: float, end: float) -> float:
    def value(at: float) -> float:
        whole = min(int(at), len(axis) - 1)
        rest = at - whole
        return axis[whole] + (rest * (axis[whole + 1] - axis[whole]) if rest else 0.0)

    return value(end) - value(begin)
