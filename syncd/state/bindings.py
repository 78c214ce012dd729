"""Mappings: what is bound to what, and where a record stands by them and by what was seen at the target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import Connection, Row

from syncd.connector import Fields
from syncd.facts import Binding, Place
from syncd.fields import flatten
from syncd.match import Candidate
from syncd.model import Kind
from syncd.state import bulk, journal
from syncd.state.observations import Differs, differs, forget
from syncd.state.tables import mapping, observation, record


def count(connection: Connection, target: str) -> dict[str, int]:
    """Count what stands bound, by kind."""
    live = sa.select(mapping.c.kind, sa.func.count()).where(mapping.c.target == target, mapping.c.state == "live")
    return {kind: n for kind, n in connection.execute(live.group_by(mapping.c.kind))}


def any_bound(connection: Connection, target: str) -> bool:
    """Tell whether anything stands bound."""
    live = sa.select(mapping.c.id).where(mapping.c.target == target, mapping.c.state == "live")
    return connection.execute(live.limit(1)).first() is not None


LINKS = ("linked", "unfound")
"""The states of what a person bound and that is not adopted yet."""

VOID = ("taken_back", "taken_out")
"""The roles of what stands voided under a record's mark."""

_LINKED = sa.text("mapping.state = 'linked'")


def links(connection: Connection, target: str, source: str) -> Sequence[Row[Any]]:
    """Read what a person linked: kind, id, external id; ``known`` to the mirror of its source; ``read`` since."""
    seen = sa.and_(
        observation.c.target == mapping.c.target,
        observation.c.kind == mapping.c.kind,
        observation.c.id == mapping.c.id,
        observation.c.role == "mapping",
    )
    of = sa.case((mapping.c.kind == "payment", "invoice"), else_=mapping.c.kind)
    there = sa.and_(record.c.source == source, record.c.kind == of, record.c.id == mapping.c.id)
    known, read = sa.exists().where(there).label("known"), sa.exists().where(seen).label("read")
    columns = (mapping.c.kind, mapping.c.id, mapping.c.external_id, known, read)
    return connection.execute(sa.select(*columns).where(mapping.c.target == target, _LINKED)).all()


def drop_links(connection: Connection, target: str, kind: str, ids: Iterable[str], state: str) -> None:
    """Let go of what a person linked, as far as it is in this state."""
    own = sa.and_(mapping.c.target == target, mapping.c.kind == kind, mapping.c.id.in_(list(ids)))
    dropped = connection.execute(sa.select(mapping.c.id).where(own, mapping.c.state == state)).scalars().all()
    release_records(connection, target, kind, dropped)


def external_ids(connection: Connection, target: str, kind: Kind, ids: Iterable[str]) -> dict[str, str]:
    """Give the target's id of each of these source records that stands bound, or as a client merged into another."""
    merged = sa.select(observation.c.id, observation.c.external_id).where(
        observation.c.target == target,
        observation.c.kind == kind,
        observation.c.role == "merged",
        observation.c.id.in_(ids := list(ids)),
        sa.tuple_(observation.c.target, observation.c.kind, observation.c.external_id).in_(
            sa.select(mapping.c.target, mapping.c.kind, mapping.c.external_id).where(mapping.c.state == "live")
        ),
    )
    found = sa.select(mapping.c.id, mapping.c.external_id).where(
        mapping.c.target == target,
        mapping.c.kind == kind,
        mapping.c.state == "live",
        mapping.c.id.in_(ids),
    )
    rows = [*connection.execute(merged), *connection.execute(found)]
    return {record_id: external for record_id, external in rows}


def bound_ids(connection: Connection, target: str, kind: Kind, externals: Iterable[str]) -> dict[str, Row[Any]]:
    """Give the mapping of each of these target records that has one."""
    wanted = sa.select(mapping).where(
        mapping.c.target == target,
        mapping.c.kind == kind,
        mapping.c.external_id.in_(list(externals)),
    )
    return {row.external_id: row for row in connection.execute(wanted)}


def places(
    connection: Connection,
    target: str,
    wanted: Mapping[Kind, Sequence[str]],
    fields: Mapping[Kind, frozenset[str]],
) -> dict[tuple[Kind, str], Place]:
    """Read where records stand: bindings with their bases and drift, or candidates."""
    rows: list[Row[Any]] = []
    seen: list[Row[Any]] = []
    for kind, ids in wanted.items():
        where = sa.and_(mapping.c.target == target, mapping.c.kind == kind, mapping.c.id.in_(list(ids)))
        rows += connection.execute(sa.select(mapping).where(where)).all()
        where = sa.and_(
            observation.c.target == target,
            observation.c.kind == kind,
            observation.c.id.in_(list(ids)),
        )
        seen += connection.execute(sa.select(observation).where(where)).all()
    bases = journal.bases(connection, (row.base for row in rows if row.base is not None))
    drift = {(one.kind, one.id): differs(one) for one in seen if one.role == "drift"}
    behind = {(one.kind, one.id): differs(one) for one in seen if one.role == "behind"}
    found: dict[tuple[Kind, str], Place] = {}
    for row in rows:
        base = flatten(bases.get(row.base, {}), fields.get(row.kind))
        _put_back(base, behind.get((row.kind, row.id), {}))
        binding = Binding(
            row.external_id or "",
            row.version,
            base,
            row.state,
            row.generation,
            drift.get((row.kind, row.id), {}),
            behind.get((row.kind, row.id), {}),
        )
        found[row.kind, row.id] = Place(binding)
    for one in seen:
        place = found.get((one.kind, one.id), Place())
        if one.role == "merged":
            found[one.kind, one.id] = replace(place, merged=True)
        elif one.role in VOID:
            found[one.kind, one.id] = replace(place, taken_back=place.taken_back + 1)
        elif one.role not in ("drift", "behind"):
            candidate = Candidate(one.role, one.external_id, one.version, one.by_hand, differs(one))
            found[one.kind, one.id] = replace(place, candidates=(*place.candidates, candidate))
    return found


def _put_back(base: Fields, behind: Differs) -> None:
    """Make a base say what stands in a target of which an older state was put back."""
    for path, (_, stands) in behind.items():
        if stands is None:
            base.pop(path, None)
        else:
            base[path] = stands


def keep_generations(connection: Connection, target: str, adopted: Sequence[tuple[str, str, str, int]]) -> None:
    """Count what was taken back under the marks of adopted records, for a state that does not remember it."""
    for kind, record_id, external, _ in adopted:
        seen = sa.and_(observation.c.target == target, observation.c.kind == kind, observation.c.id == record_id)
        query = sa.select(sa.func.count()).select_from(observation).where(seen, observation.c.role.in_(VOID))
        if times := connection.execute(query).scalar_one():
            row = {"target": target, "kind": kind, "id": record_id, "external_id": external, "generation": times}
            made = insert(mapping).values({**row, "state": "live"})
            most = sa.case((mapping.c.generation > times, mapping.c.generation), else_=times)
            known = made.on_conflict_do_update(index_elements=["target", "kind", "id"], set_={"generation": most})
            connection.execute(known)


def keep_taken_out(connection: Connection, target: str) -> None:
    """Note as taken out what others voided there and nothing is known of, unless another stands under its mark."""
    seen = observation.c.target == target
    voided = sa.select(observation).where(seen, observation.c.role == "taken_out")
    rows = {(row.kind, row.id): row for row in connection.execute(voided)}
    for (kind, record_id), row in rows.items():
        own = sa.and_(seen, observation.c.kind == kind, observation.c.id == record_id)
        roles = list(connection.execute(sa.select(observation.c.role).where(own)).scalars())
        if "mark" not in roles:
            made = {"generation": roles.count("taken_back"), "state": "removed"}
            bound = {"target": target, "kind": kind, "id": record_id, "external_id": row.external_id}
            connection.execute(insert(mapping).values({**bound, **made}).on_conflict_do_nothing())


def release_records(connection: Connection, target: str, kind: str, ids: Sequence[str]) -> None:
    """Forget the bindings of records that are not there, though nobody took them out, and how they differed."""
    where = sa.and_(mapping.c.target == target, mapping.c.kind == kind, mapping.c.id.in_(ids))
    connection.execute(sa.delete(mapping).where(where))
    forget(connection, target, [(kind, record_id) for record_id in ids])


def count_known(connection: Connection, target: str, source: str) -> tuple[int, int]:
    """Count the clients and invoices bound at a target, and those of them that a source's mirror has."""
    bound = sa.and_(mapping.c.target == target, mapping.c.kind != "payment")
    there = sa.and_(record.c.source == source, record.c.kind == mapping.c.kind, record.c.id == mapping.c.id)
    every = sa.select(sa.func.count(), sa.func.count(record.c.n)).select_from(mapping.outerjoin(record, there))
    total, known = connection.execute(every.where(bound)).one()
    return int(total), int(known)


_REMOVED = sa.text("mapping.state = 'removed'")
"""As the index of these says it, as with what is in doubt (``syncd.state.journal``)."""


def removed_ids(connection: Connection, target: str, kind: str, *, lately: bool = False) -> set[str]:
    """Name the records of a kind that a person took out of the target; ``lately``: those not let pass yet."""
    where = sa.and_(mapping.c.target == target, mapping.c.kind == kind, _REMOVED)
    if lately:
        where = sa.and_(where, mapping.c.lately)
    return set(connection.execute(sa.select(mapping.c.id).where(where)).scalars())


def let_pass(connection: Connection, target: str) -> None:
    """Let what was taken out be so."""
    where = sa.and_(mapping.c.target == target, _REMOVED, mapping.c.lately)
    connection.execute(sa.update(mapping).where(where).values(lately=False))


def count_removed(connection: Connection, target: str, *, lately: bool = False) -> dict[str, int]:
    """Count records that a person took out of the target, by kind; ``lately``: those not let pass yet."""
    where = sa.and_(mapping.c.target == target, _REMOVED)
    if lately:
        where = sa.and_(where, mapping.c.lately)
    query = sa.select(mapping.c.kind, sa.func.count()).where(where).group_by(mapping.c.kind)
    return {kind: n for kind, n in connection.execute(query)}


_NEW = insert(mapping)
_BIND = _NEW.on_conflict_do_update(
    index_elements=["target", "kind", "id"],
    set_={
        **{name: _NEW.excluded[name] for name in ("external_id", "version", "base", "state")},
        "marked": sa.and_(mapping.c.marked, mapping.c.external_id.is_not_distinct_from(_NEW.excluded.external_id)),
        "lately": sa.false(),
    },
)


def bind(connection: Connection, target: str, bound: Sequence[tuple[str, str, str, str | None, int]]) -> None:
    """Bind source records to target records: kind, id, external id, version, the journal number last written."""
    if not bound:
        return
    rows = [
        {
            "target": target,
            "kind": kind,
            "id": record_id,
            "external_id": external,
            "version": version,
            "base": base,
            "state": "live",
            "generation": 0,
            "marked": False,
            "lately": False,
        }
        for kind, record_id, external, version, base in bound
    ]
    _give_way(
        connection,
        target,
        [(kind, record_id, external) for kind, record_id, external, *_ in bound if external != record_id],
    )
    bulk.execute(connection, _BIND, rows)
    forget(
        connection,
        target,
        [(kind, record_id) for kind, record_id, *_ in bound],
        candidates_only=True,
    )


def _give_way(connection: Connection, target: str, given: Sequence[tuple[str, str, str]]) -> None:
    """Let go of the ids of records that were taken back or out, or linked by hand, where they are others' now."""
    for kind in {kind for kind, *_ in given}:
        owners = {external: record_id for one, record_id, external in given if one == kind}
        gone = sa.and_(mapping.c.target == target, mapping.c.kind == kind, mapping.c.state != "live")
        held = connection.execute(sa.select(mapping).where(gone, mapping.c.external_id.in_(list(owners)))).all()
        for row in held:
            if row.id != owners[row.external_id]:
                own = sa.and_(gone, mapping.c.id == row.id)
                state = "unfound" if row.state in LINKS else row.state
                connection.execute(sa.update(mapping).where(own).values(external_id=None, state=state))


def add_to_bases(connection: Connection, target: str, added: Sequence[tuple[str, str, int, Fields]]) -> None:
    """Note what was added to records that stand: kind, id, the journal number that did it, fields."""
    for kind in {one[0] for one in added}:
        of_kind = {record_id: (number, fields) for k, record_id, number, fields in added if k == kind}
        where = sa.and_(mapping.c.target == target, mapping.c.kind == kind, mapping.c.state != "void")
        rows = connection.execute(sa.select(mapping).where(where, mapping.c.id.in_(of_kind))).all()
        bases = journal.bases(connection, (row.base for row in rows if row.base is not None))
        after = {of_kind[row.id][0]: {**bases.get(row.base, {}), **of_kind[row.id][1]} for row in rows}
        journal.keep_contents(connection, after)
        for row in rows:
            connection.execute(sa.update(mapping).where(where, mapping.c.id == row.id).values(base=of_kind[row.id][0]))


def unbind(
    connection: Connection, target: str, kind: str, record_id: str, base: int | None, *, only: str | None = None
) -> None:
    """Note that we took a record back (voided, unsettled); if it is made again, it is another one.

    ``only``: nothing happens to one in another state.
    """
    where = sa.and_(mapping.c.target == target, mapping.c.kind == kind, mapping.c.id == record_id)
    if only is not None:
        where = sa.and_(where, mapping.c.state == only)
    taken_back = {"state": "void", "base": base, "generation": mapping.c.generation + 1, "lately": False}
    connection.execute(sa.update(mapping).where(where).values(taken_back))
    _forget_link(connection, target, kind, [record_id])


def set_state(connection: Connection, target: str, kind: str, ids: Iterable[str], state: str) -> None:
    """Note that records were taken out by a person (``removed``) or stand again (``live``).

    Of those that a person linked: that theirs does not stand there (``unfound``), or does after all (``linked``).
    """
    rows = [{"record": record_id} for record_id in ids]
    lately = mapping.c.state == "live" if state == "removed" else sa.false()
    bound = sa.and_(
        mapping.c.target == target,
        mapping.c.kind == kind,
        mapping.c.id == sa.bindparam("record"),
        mapping.c.state != "void",
        mapping.c.state != state,
    )
    if rows:
        connection.execute(sa.update(mapping).where(bound).values(state=state, lately=lately), rows)
        _forget_link(connection, target, kind, [row["record"] for row in rows])


def _forget_link(connection: Connection, target: str, kind: str, ids: Sequence[str]) -> None:
    """Forget what a record that a person linked looked like, which is not bound to it any more."""
    link = sa.and_(observation.c.target == target, observation.c.kind == kind, observation.c.role == "mapping")
    one = sa.delete(observation).where(link, observation.c.id == sa.bindparam("record"))
    connection.execute(one, [{"record": record_id} for record_id in ids])


def note_marks(connection: Connection, target: str, kind: str, ids: Sequence[str]) -> None:
    """Note that bound records were seen with their marks."""
    if ids:
        where = sa.and_(mapping.c.target == target, mapping.c.kind == kind, mapping.c.id.in_(ids))
        connection.execute(sa.update(mapping).where(where).values(marked=True))


def set_version(connection: Connection, target: str, kind: str, record_id: str, version: str | None) -> None:
    """Note the version a record has now, so that the next write is guarded by it."""
    where = sa.and_(mapping.c.target == target, mapping.c.kind == kind, mapping.c.id == record_id)
    connection.execute(sa.update(mapping).where(where).values(version=version))


def release_kind(connection: Connection, target: str, kinds: Iterable[str]) -> None:
    """Forget the bindings of kinds whose whole store is missing at the target, so that it is built anew."""
    seen = sa.and_(observation.c.target == target, observation.c.kind.in_(kinds := list(kinds)))
    connection.execute(sa.delete(observation).where(seen))
    connection.execute(sa.delete(mapping).where(mapping.c.target == target, mapping.c.kind.in_(kinds)))


def all_live(connection: Connection, target: str, kind: str, after: str, limit: int = 1000) -> Sequence[Row[Any]]:
    """Read the bound records of a kind, linked ones too, in order of their target id, a part at a time."""
    return connection.execute(
        sa.select(mapping)
        .where(
            mapping.c.target == target,
            mapping.c.kind == kind,
            mapping.c.state.in_(("live", "linked")),
            mapping.c.external_id > after,
        )
        .order_by(mapping.c.external_id)
        .limit(limit)
    ).all()


def drifted(connection: Connection, target: str) -> Sequence[Row[Any]]:
    """Read all drift."""
    return connection.execute(
        sa.select(observation).where(observation.c.target == target, observation.c.role == "drift")
    ).all()


def listed(connection: Connection, target: str | None) -> Sequence[tuple[Any, ...]]:
    """Read bindings: target, kind, id, external id, version, state."""
    columns = (
        mapping.c.target,
        mapping.c.kind,
        mapping.c.id,
        mapping.c.external_id,
        mapping.c.version,
        mapping.c.state,
    )
    query = sa.select(*columns).order_by(mapping.c.target, mapping.c.kind, mapping.c.id)
    if target is not None:
        query = query.where(mapping.c.target == target)
    return [tuple(row) for row in connection.execute(query)]


def clash(connection: Connection, rows: Sequence[Mapping[str, str]]) -> tuple[int, str] | None:
    """Say which of these links (its place) contradicts a binding that stands or another of them; ``None``: none does.

    One that a person made before, and that was not adopted yet, stands in the way of nothing.
    """
    there = {(t, k, i): e for t, k, i, e, _, state in listed(connection, None) if state not in LINKS}
    taken = {(t, k, e): i for (t, k, i), e in there.items()}
    for place, row in enumerate(rows):
        one, other = (row["target"], row["kind"], row["id"]), (row["target"], row["kind"], row["external_id"])
        if (
            there.setdefault(one, row["external_id"]) != row["external_id"]
            or taken.setdefault(other, row["id"]) != row["id"]
        ):
            bound = f"is bound to {there[one]}, or {row['external_id']} to {taken.get(other)}"
            return place, f"{row['kind']} {row['id']} of {row['target']} {bound}"
    return None


def add_links(connection: Connection, rows: Sequence[Mapping[str, str]]) -> int:
    """Link records by hand, to be adopted when they are next read; what was taken out stays so. Return how many.

    What a person linked before, and was not adopted yet, gives way.
    """
    before = listed(connection, None)
    known = {(t, k, i): (e, state) for t, k, i, e, _, state in before}
    rows = [row for row in rows if _is_new(row, known.get((row["target"], row["kind"], row["id"])))]
    ids, externals = ({(row["target"], row["kind"], row[name]) for row in rows} for name in ("id", "external_id"))
    for target, kind, record_id, external, _, state in before:
        if state in LINKS and ((target, kind, record_id) in ids or (target, kind, external) in externals):
            release_records(connection, target, kind, [record_id])
    new = [
        {
            **{name: row[name] for name in ("target", "kind", "id", "external_id")},
            "version": row.get("version") or None,
            "base": None,
            "state": "removed" if row.get("state") == "removed" else "linked",
            "generation": 0,
        }
        for row in rows
    ]
    if new:
        connection.execute(sa.insert(mapping), new)
    return len(new)


def _is_new(row: Mapping[str, str], known: tuple[str, str] | None) -> bool:
    """Tell whether a link is another than what is known of its record, or one of old that is to be looked for again."""
    if known is None:
        return True
    external, state = known
    return state == "unfound" or (state == "linked" and external != row["external_id"])
