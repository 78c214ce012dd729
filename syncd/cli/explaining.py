"""`syncd explain`: the whole story of one record: what was seen, decided, written and when."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from rich.markup import escape
from sqlalchemy.engine import Connection, Row

from syncd.cli import console
from syncd.cli.opening import engine
from syncd.engine import Engine
from syncd.errors import UsageError
from syncd.model import Kind
from syncd.problems import remedy, sentence
from syncd.reconcile import show
from syncd.state import bindings, journal, lookup, problems


def explain_record(config: Path | None, text: str, *, json: bool) -> int:
    """Tell the story of each record that this number, id or name means."""
    with engine(config, lock=False) as parts, parts.store.read() as connection:
        found = [(name, row) for name in parts.settings.sources for row in lookup.find(connection, name, text)]
        if not found:
            raise UsageError(
                f"No client or invoice in the mirror is called {text!r}. "
                "It may be newer than the last run: `syncd status`."
            )
        stories = [_story(parts, connection, name, row) for name, row in found]
    if json:
        console.print_json("syncd.explain/1", {"records": stories})
    else:
        for story in stories:
            _tell(story)
    return 0


def _story(parts: Engine, connection: Connection, source: str, row: Row[Any]) -> dict[str, Any]:
    targets = [target.name for target in parts.settings.targets.values() if target.source == source]
    owners = [f"source:{source}", *targets]
    waiting = [
        one for one in problems.listed(connection, owners, states=("open", "retry", "dismissed")) if one.id == row.id
    ]
    raw = lookup.raw_of(connection, source, row.kind, row.id)
    return {
        "source": source,
        "kind": row.kind,
        "id": row.id,
        "number": row.number,
        "status": row.status,
        "first_seen": row.first_seen,
        "changed_at": row.changed_at,
        "gone_at": row.gone_at,
        "seen": orjson.loads(raw) if raw else None,
        "targets": [_at_target(parts, connection, name, row.kind, row.id) for name in targets],
        "problems": [
            {
                "id": one.n,
                "code": one.code,
                "since": one.since,
                "state": one.state,
                "sentence": sentence(problems.finding_of(one)),
                "remedy": remedy(problems.finding_of(one)),
            }
            for one in waiting
        ],
        "journal": [
            {
                "target": one.target,
                "plan": one.plan,
                "verb": one.verb,
                "kind": one.kind,
                "state": one.state,
                "sent_at": one.sent_at,
                "closed_at": one.closed_at,
                "outcome": one.outcome,
                "changes": orjson.loads(one.changes) if one.changes else None,
                "key": one.key,
            }
            for one in journal.history(connection, row.kind, row.id)
        ],
    }


def _at_target(parts: Engine, connection: Connection, target: str, kind: Kind, record_id: str) -> dict[str, Any]:
    """Say where a record stands at one target, and what was edited there."""
    capabilities = parts.capabilities(parts.settings.targets[target])
    kinds: tuple[Kind, ...] = ("invoice", "payment") if kind == "invoice" else (kind,)
    places = bindings.places(connection, target, {one: [record_id] for one in kinds}, capabilities.fields)
    stands = [
        {
            "kind": one,
            "external_id": binding.external_id,
            "state": binding.state,
            "edited_there": {path: list(pair) for path, pair in binding.drift.items()},
        }
        for (one, _), place in sorted(places.items())
        if (binding := place.binding)
    ]
    return {"target": target, "stands": stands}


def _tell(story: dict[str, Any]) -> None:
    name = story["number"] or (story["seen"] or {}).get("name") or story["id"]
    console.say(f"[bold]{story['kind']} {escape(str(name))}[/bold] ({story['id']}) of source {story['source']}")
    console.say(
        f"  first seen {console.when(story['first_seen'])}, last change seen {console.when(story['changed_at'])}"
    )
    if story["status"]:
        console.say(f"  status {story['status']}")
    if story["gone_at"]:
        console.say(f"  gone from the source since {console.when(story['gone_at'])}")
    for target in story["targets"]:
        if not target["stands"]:
            console.say(f"  target {target['target']}: does not stand there")
        for one in target["stands"]:
            console.say(f"  target {target['target']}: {one['kind']} stands as {one['external_id']} ({one['state']})")
            for path, (expected, found) in one["edited_there"].items():
                console.say(
                    f"    edited there: {path} is {escape(repr(found))}, syncd wrote {escape(repr(expected))}; kept"
                )
    for one in story["problems"]:
        since = console.when(one["since"])
        told = escape(f"{one['sentence']} {one['remedy']}")
        console.say(f"  [yellow]problem {one['id']}[/yellow] since {since}: {told}")
    for one in story["journal"]:
        closed = console.when(one["closed_at"] or one["sent_at"])
        console.say(f"  {closed} {one['target']}: {one['verb']} {one['kind']}, {one['state']}")
        for path, (before, after) in (one["changes"] or {}).items():
            console.say(
                f"    {path}: {escape(show(path, before) or 'nothing')} → {escape(show(path, after) or 'nothing')}"
            )
