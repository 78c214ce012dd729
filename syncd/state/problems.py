"""Problems and holds in the state: what waits for a person. A cycle that finds the same ones writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from syncd.problems import Finding
from syncd.state.tables import hold, problem


def replace(
    connection: Connection,
    owner: str,
    records: Iterable[tuple[str, str]],
    findings: Sequence[Finding],
    now: int,
    *,
    keep: Callable[[Row[Any]], bool],
) -> None:
    """Make the problems of these records be exactly the findings, and those that this stage does not judge."""
    known: dict[tuple[str, str, str], Row[Any]] = {}
    looked_at = set(records) if _any(connection, owner) else set()
    for kind in {kind for kind, _ in looked_at}:
        ids = [record_id for k, record_id in looked_at if k == kind]
        where = sa.and_(problem.c.owner == owner, problem.c.kind == kind, problem.c.id.in_(ids))
        known |= {(row.kind, row.id, row.code): row for row in connection.execute(sa.select(problem).where(where))}
    found = {(one.kind, one.id, one.code): one for one in findings}
    for key, row in known.items():
        if key not in found and not keep(row):
            connection.execute(sa.delete(problem).where(problem.c.n == row.n))
    add(connection, owner, [one for key, one in found.items()], now, known=known)


def _any(connection: Connection, owner: str) -> bool:
    return connection.execute(sa.select(problem.c.n).where(problem.c.owner == owner).limit(1)).first() is not None


def replace_codes(
    connection: Connection, owner: str, codes: Iterable[str], findings: Iterable[Finding], now: int
) -> None:
    """Make the open problems of these codes be exactly the findings, whatever records they are about."""
    where = sa.and_(problem.c.owner == owner, problem.c.code.in_(list(codes)))
    known = {(row.kind, row.id, row.code): row for row in connection.execute(sa.select(problem).where(where))}
    found = {(one.kind, one.id, one.code): one for one in findings}
    for key in known.keys() - found.keys():
        connection.execute(sa.delete(problem).where(problem.c.n == known[key].n))
    add(connection, owner, found.values(), now, known=known)


def add(
    connection: Connection,
    owner: str,
    findings: Iterable[Finding],
    now: int,
    *,
    known: Mapping[tuple[str, str, str], Row[Any]] | None = None,
) -> None:
    """Keep findings as open problems; a dismissed one stays dismissed while its parameters are the same."""
    for one in findings:
        parameters = orjson.dumps(dict(one.parameters), option=orjson.OPT_SORT_KEYS).decode()
        row = known.get((one.kind, one.id, one.code)) if known is not None else _find(connection, owner, one)
        if row is None:
            values = {
                "owner": owner,
                "kind": one.kind,
                "id": one.id,
                "code": one.code,
                "parameters": parameters,
                "since": now,
                "state": "open",
            }
            connection.execute(sa.insert(problem).values(values))
        elif row.parameters != parameters or row.state == "retry":
            connection.execute(
                sa.update(problem).where(problem.c.n == row.n).values(parameters=parameters, state="open")
            )


def _find(connection: Connection, owner: str, one: Finding) -> Row[Any] | None:
    where = sa.and_(
        problem.c.owner == owner,
        problem.c.kind == one.kind,
        problem.c.id == one.id,
        problem.c.code == one.code,
    )
    return connection.execute(sa.select(problem).where(where)).first()


def settle(connection: Connection, owner: str, records: Iterable[tuple[str, str]], codes: Iterable[str]) -> None:
    """Close problems of these codes for records (kind, id) that went through."""
    rows = [{"k": kind, "i": record_id} for kind, record_id in records]
    if rows and _any(connection, owner):
        where = sa.and_(
            problem.c.owner == owner,
            sa.or_(*(problem.c.code == code for code in codes)),
            problem.c.kind == sa.bindparam("k"),
            problem.c.id == sa.bindparam("i"),
        )
        connection.execute(sa.delete(problem).where(where), rows)


def listed(
    connection: Connection,
    owners: Iterable[str] | None = None,
    *,
    states: Sequence[str] = ("open", "retry"),
) -> Sequence[Row[Any]]:
    """Read problems, oldest first."""
    query = sa.select(problem).where(problem.c.state.in_(states))
    if owners is not None:
        query = query.where(problem.c.owner.in_(list(owners)))
    return connection.execute(query.order_by(problem.c.owner, problem.c.code, problem.c.n)).all()


def set_state(connection: Connection, numbers: Iterable[int], state: str) -> int:
    """Mark problems ``retry`` or ``dismissed``; return how many there were."""
    return connection.execute(sa.update(problem).where(problem.c.n.in_(list(numbers))).values(state=state)).rowcount


def end_retry(connection: Connection, owner: str, codes: Iterable[str]) -> None:
    """Have problems of these codes that were to be looked at again, and still stand, wait as before."""
    retried = sa.and_(problem.c.owner == owner, problem.c.state == "retry", problem.c.code.in_(list(codes)))
    connection.execute(sa.update(problem).where(retried).values(state="open"))


def finding_of(row: Row[Any]) -> Finding:
    """Read a problem back as the finding it was."""
    return Finding(row.code, row.kind, row.id, orjson.loads(row.parameters))


def holds(connection: Connection, owner: str | None = None) -> Sequence[Row[Any]]:
    """Read the holds of one source or target, or all."""
    query = sa.select(hold) if owner is None else sa.select(hold).where(hold.c.owner == owner)
    return connection.execute(query.order_by(hold.c.owner, hold.c.code)).all()


def set_holds(connection: Connection, owner: str, findings: Sequence[Finding], now: int) -> None:
    """Make the holds of an owner be exactly these; one that stood keeps its time, and its release if no worse."""
    known = {row.code: row for row in holds(connection, owner)}
    now_held = {one.code: one for one in findings}
    for code in known.keys() - now_held.keys():
        connection.execute(sa.delete(hold).where(hold.c.owner == owner, hold.c.code == code))
    for one in now_held.values():
        parameters = orjson.dumps(dict(one.parameters), option=orjson.OPT_SORT_KEYS).decode()
        if one.code not in known:
            values = {
                "owner": owner,
                "code": one.code,
                "parameters": parameters,
                "since": now,
                "released": False,
            }
            connection.execute(sa.insert(hold).values(values))
        elif known[one.code].parameters != parameters:
            released = known[one.code].released and not _grew(orjson.loads(known[one.code].parameters), one.parameters)
            where = sa.and_(hold.c.owner == owner, hold.c.code == one.code)
            connection.execute(sa.update(hold).where(where).values(parameters=parameters, released=released))


def let_pass(connection: Connection, owner: str, findings: Sequence[Finding]) -> set[str]:
    """Name those of these holds that a person let pass, as far as they are no worse than what was shown."""
    known = {row.code: orjson.loads(row.parameters) for row in holds(connection, owner) if row.released}
    return {one.code for one in findings if one.code in known and not _grew(known[one.code], one.parameters)}


def _grew(shown: Mapping[str, str], now: Mapping[str, str]) -> bool:
    """Tell whether a surprise is greater than the one a person let pass."""
    pairs = [(shown.get(name, ""), value) for name, value in now.items()]
    return any(int(value) > int(before) for before, value in pairs if before.isdigit() and value.isdigit())


def release(connection: Connection, owner: str) -> int:
    """Let the holds of an owner pass, once; return how many there were."""
    return connection.execute(sa.update(hold).where(hold.c.owner == owner).values(released=True)).rowcount


def use_release(connection: Connection, owner: str) -> None:
    """Forget holds that were let pass: the next surprise holds again."""
    connection.execute(sa.delete(hold).where(hold.c.owner == owner))


def finding_of_hold(row: Row[Any]) -> Finding:
    """Read a hold back as the finding it was."""
    return Finding(row.code, "hold", "", orjson.loads(row.parameters))
