"""Plans and the journal: operations written down before they are sent, closed with their outcome.

Every function works on an open connection; who calls it decides what is one transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from syncd.connector import Content, Entry, Operation
from syncd.model import Kind
from syncd.state import bulk
from syncd.state.tables import operation, payload, plan

STAGES: dict[Kind, int] = {"client": 1, "invoice": 2, "payment": 3}
"""The order of writing: what others stand on comes first."""

PART = 5_000
"""Operations that one statement changes: SQLite keeps the pages that a statement changes in memory until it is done."""

ATTACHMENTS = 4
"""The stage after those: nothing stands on a document."""


class Planned(NamedTuple):
    """An operation on its way into the journal, with its rendered payload if it could be rendered yet."""

    operation: Operation
    payload: bytes | None
    place: str
    revision: int
    client_id: str | None


def open_plan(connection: Connection, *, run: int, target: str, revision: int, now: int) -> int:
    """Begin a plan up to a revision of the mirror; return its number."""
    values = {
        "run": run,
        "target": target,
        "revision": revision,
        "made_at": now,
        "state": "open",
        "counts": "{}",
    }
    return int(connection.execute(sa.insert(plan).values(values).returning(plan.c.n)).scalar_one())


def close_plan(connection: Connection, number: int, state: str, counts: dict[str, int] | None = None) -> None:
    """Say what became of a plan."""
    values: dict[str, Any] = {"state": state}
    if counts is not None:
        values["counts"] = orjson.dumps(counts).decode()
    connection.execute(sa.update(plan).where(plan.c.n == number).values(values))


def drop_open(connection: Connection, target: str) -> None:
    """Give up what an earlier, interrupted plan had not sent; what it had sent stays in doubt."""
    for number in (
        connection.execute(sa.select(plan.c.n).where(plan.c.target == target, plan.c.state == "open")).scalars().all()
    ):
        leave(connection, number)
        close_plan(connection, number, "dropped")


_INSERT, _INSERT_BYTES = sa.insert(operation), sa.insert(payload)


def add(connection: Connection, plan_number: int, target: str, planned: Sequence[Planned]) -> None:
    """Write operations down under a plan."""
    if not planned:
        return
    last = connection.execute(sa.select(sa.func.max(operation.c.n))).scalar() or 0
    rows, bytes_rows = [], []
    for number, item in enumerate(planned, last + 1):
        rows.append(_row(number, plan_number, target, item))
        content = None if item.operation.content == {} else orjson.dumps(item.operation.content)
        same = content == item.payload
        bytes_rows.append({"n": number, "content": None if same else content, "payload": item.payload})
    bulk.execute(connection, _INSERT, rows)
    bulk.execute(connection, _INSERT_BYTES, bytes_rows)


def _row(number: int, plan_number: int, target: str, item: Planned) -> dict[str, Any]:
    one = item.operation
    return {
        "n": number,
        "plan": plan_number,
        "target": target,
        "stage": ATTACHMENTS if one.verb == "attach" else STAGES[one.kind],
        "place": item.place,
        "verb": one.verb,
        "kind": one.kind,
        "id": one.id,
        "mark": one.mark,
        "key": one.key,
        "revision": item.revision,
        "external_id": one.external_id,
        "version": one.version,
        "client_id": item.client_id,
        "changes": orjson.dumps(one.changes).decode() if one.changes else None,
        "state": "planned",
    }


_SENT = sa.text("operation.state = 'sent'")
"""As the index of what is in doubt says it: a bound value would not be found to be the same."""

_READ = sa.select(operation, payload.c.content, payload.c.payload).join(payload, payload.c.n == operation.c.n)


def planned(
    connection: Connection, plan_number: int, *, stage: int, voids: bool, after: tuple[str, int], limit: int
) -> Sequence[Row[Any]]:
    """Read the next voids of a stage, or what else is to be sent, in order of place and number."""
    return connection.execute(
        _READ.where(
            operation.c.plan == plan_number,
            operation.c.stage == stage,
            operation.c.state == "planned",
            (operation.c.verb == "void") == voids,
            sa.tuple_(operation.c.place, operation.c.n) > sa.tuple_(*(sa.literal(part) for part in after)),
        )
        .order_by(operation.c.place, operation.c.n)
        .limit(limit)
    ).all()


def sent_of_plan(
    connection: Connection, plan_number: int, *, after: tuple[int, str, int], limit: int
) -> Sequence[Row[Any]]:
    """Read the next operations of a plan that was sent as one batch, over all stages in order."""
    return connection.execute(
        _READ.where(
            operation.c.plan == plan_number,
            operation.c.state == "sent",
            sa.tuple_(operation.c.stage, operation.c.place, operation.c.n)
            > sa.tuple_(*(sa.literal(part) for part in after)),
        )
        .order_by(operation.c.stage, operation.c.place, operation.c.n)
        .limit(limit)
    ).all()


def in_doubt(connection: Connection, target: str) -> Sequence[Row[Any]]:
    """Read what was sent and never answered, oldest first."""
    in_order = (operation.c.plan, operation.c.stage, operation.c.place, operation.c.n)
    return connection.execute(_READ.where(operation.c.target == target, _SENT).order_by(*in_order)).all()


def records_in_doubt(connection: Connection, target: str) -> set[tuple[str, str]]:
    """Name the records (kind, id) with an operation that was sent and never answered."""
    rows = connection.execute(sa.select(operation.c.kind, operation.c.id).where(operation.c.target == target, _SENT))
    return {(kind, record_id) for kind, record_id in rows}


def plans_in_doubt(connection: Connection, target: str) -> Sequence[int]:
    """Name the plans of which something was sent and never answered, oldest first."""
    plans = sa.select(operation.c.plan).where(operation.c.target == target, _SENT)
    return connection.execute(plans.distinct().order_by(operation.c.plan)).scalars().all()


def last_in_doubt(connection: Connection, target: str) -> int | None:
    """Tell when, in seconds since 1970, the last of what is in doubt was sent; ``None``: nothing is."""
    query = sa.select(sa.func.max(operation.c.sent_at)).where(operation.c.target == target, _SENT)
    last: int | None = connection.execute(query).scalar_one()
    return last


def count_in_doubt(connection: Connection, target: str) -> int:
    """Count what was sent and never answered."""
    where = sa.and_(operation.c.target == target, _SENT)
    return int(connection.execute(sa.select(sa.func.count()).select_from(operation).where(where)).scalar_one())


def written(connection: Connection, target: str, run: int) -> Counter[tuple[Kind, str]]:
    """Count what was carried out at a target under the plans of a run, by (kind, verb)."""
    of_run = sa.and_(plan.c.target == target, plan.c.run == run, operation.c.plan == plan.c.n)
    query = sa.select(operation.c.kind, operation.c.verb, sa.func.count()).where(of_run, operation.c.state == "done")
    return Counter({(kind, verb): n for kind, verb, n in connection.execute(query.group_by("kind", "verb"))})


def mark_sent(connection: Connection, numbers: Iterable[int], now: int) -> None:
    """Note that these are about to be sent: from here on they are in doubt."""
    connection.execute(
        sa.update(operation).where(operation.c.n == sa.bindparam("number")).values(state="sent", sent_at=now),
        [{"number": number} for number in numbers],
    )


def mark_plan_sent(connection: Connection, plan_number: int, now: int) -> int:
    """Note that a whole plan is about to be sent as one batch; return how many operations that are."""
    marked = sa.update(operation).where(operation.c.state == "planned").values(state="sent", sent_at=now)
    return sum(connection.execute(marked.where(part)).rowcount for part in _parts(connection, plan_number))


def _parts(connection: Connection, plan_number: int) -> Iterator[sa.ColumnElement[bool]]:
    """Part the operations of a plan by their numbers; what is done to all of them is done to one part after another."""
    number = operation.c.n
    ends = sa.select(sa.func.min(number), sa.func.max(number)).where(operation.c.plan == plan_number)
    first, last = connection.execute(ends).one()
    if first is not None:
        of_plan = operation.c.plan + 0 == plan_number  # so that they are found by number, not by the index of plans
        for start in range(first, last + 1, PART):
            yield sa.and_(number >= start, number < start + PART, of_plan)


def keep_payloads(connection: Connection, payloads: dict[int, bytes]) -> None:
    """Write down what was rendered late, before it is sent."""
    if payloads:
        connection.execute(
            sa.update(payload).where(payload.c.n == sa.bindparam("number")).values(payload=sa.bindparam("bytes")),
            [{"number": number, "bytes": rendered} for number, rendered in payloads.items()],
        )


def keep_contents(connection: Connection, contents: dict[int, Content]) -> None:
    """Write down what records say once these are done, where that shows only then."""
    if contents:
        connection.execute(
            sa.update(payload).where(payload.c.n == sa.bindparam("number")).values(content=sa.bindparam("text")),
            [{"number": number, "text": orjson.dumps(content)} for number, content in contents.items()],
        )


def heads(connection: Connection, numbers: Sequence[int]) -> Sequence[Row[Any]]:
    """Read operations without their bytes."""
    return connection.execute(_HEADS, {"numbers": numbers}).all()


# Built once: a statement with the numbers in it would leave them behind in memory, plan after plan.
_HEADS = sa.select(operation).where(operation.c.n.in_(sa.bindparam("numbers", expanding=True)))


def reopen_plan(connection: Connection, plan_number: int) -> None:
    """Take back that a plan was sent: nothing of what has no outcome was carried out, for certain."""
    opened = sa.update(operation).where(operation.c.state == "sent").values(state="planned", sent_at=None)
    for part in _parts(connection, plan_number):
        connection.execute(opened.where(part))


def unsent(connection: Connection, plan_number: int, limit: int = 1_000_000) -> Sequence[Row[Any]]:
    """Read what a plan did not send, in order, without bytes."""
    where = sa.and_(operation.c.plan == plan_number, operation.c.state == "planned")
    in_order = (operation.c.stage, operation.c.place, operation.c.n)
    return connection.execute(sa.select(operation).where(where).order_by(*in_order).limit(limit)).all()


def leave(connection: Connection, plan_number: int) -> int:
    """Take out of the journal what a plan never sent; return how many that were."""
    left = 0
    for part in _parts(connection, plan_number):
        never = sa.and_(operation.c.state == "planned", part)
        connection.execute(sa.delete(payload).where(payload.c.n.in_(sa.select(operation.c.n).where(never))))
        left += connection.execute(sa.delete(operation).where(never)).rowcount
    return left


def reopen(connection: Connection, numbers: Iterable[int]) -> None:
    """Take back that these were sent: nothing of them was carried out, for certain."""
    if rows := [{"number": number} for number in numbers]:
        again = sa.update(operation).where(operation.c.n == sa.bindparam("number"))
        connection.execute(again.values(state="planned", sent_at=None), rows)


def close(connection: Connection, outcomes: Sequence[tuple[int, str, str | None]], now: int) -> None:
    """Close operations: number, state (``done``, ``rejected``, ``stale``, ``lost``, ``dropped``) and what was said."""
    together: dict[tuple[str, str | None], list[int]] = {}
    for number, state, said in outcomes:
        together.setdefault((state, said), []).append(number)
    for (state, said), numbers in together.items():
        connection.execute(_CLOSE, {"numbers": numbers, "became": state, "at": now, "said": said})


_CLOSE = (
    sa.update(operation)
    .where(operation.c.n.in_(sa.bindparam("numbers", expanding=True)))
    .values(state=sa.bindparam("became"), closed_at=sa.bindparam("at"), outcome=sa.bindparam("said"))
)


def content_of(row: Row[Any]) -> Content:
    """Read what a record says once an operation of the journal is done."""
    content: Content = orjson.loads(row.content if row.content is not None else row.payload or b"{}")
    return content


def operation_of(row: Row[Any], refs: dict[Kind, str]) -> Operation:
    """Read an operation back from the journal, with the target ids it stands on."""
    changes = orjson.loads(row.changes) if row.changes else {}
    return Operation(
        verb=row.verb,
        kind=row.kind,
        id=row.id,
        mark=row.mark,
        key=row.key,
        content=content_of(row),
        changes={path: (before, after) for path, (before, after) in changes.items()},
        refs=refs,
        external_id=row.external_id,
        version=row.version,
    )


def entry_of(row: Row[Any], rendered: bytes | None = None) -> Entry:
    """Read a journal entry as ``write`` is given it."""
    body = rendered if rendered is not None else row.payload
    return Entry(row.n, row.verb, row.kind, row.id, row.mark, row.key, body, row.external_id, row.version)


def history(connection: Connection, kind: str, record_id: str) -> Sequence[Row[Any]]:
    """Read every operation there ever was for a record, at any target, oldest first."""
    where = sa.and_(
        operation.c.id == record_id,
        operation.c.kind.in_((kind, "payment") if kind == "invoice" else (kind,)),
    )
    return connection.execute(sa.select(operation).where(where).order_by(operation.c.n)).all()


def bases(connection: Connection, numbers: Iterable[int]) -> dict[int, Content]:
    """Read what was last written under each of these journal numbers."""
    wanted = list(numbers)
    if not wanted:
        return {}
    rows = connection.execute(sa.select(payload).where(payload.c.n.in_(wanted)))
    return {row.n: orjson.loads(row.content if row.content is not None else row.payload or b"{}") for row in rows}
