"""`syncd explain`: the whole story of one record: what was seen, decided, written and when."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
from rich.markup import escape
from sqlalchemy.engine import Connection, Row

from syncd import due, why
from syncd.cli import console
from syncd.cli.opening import engine
from syncd.comparison import show
from syncd.connector import Books
from syncd.engine import Engine, scratch
from syncd.errors import UsageError
from syncd.facts import NOWHERE, Place, Policy
from syncd.model import Invoice, Kind
from syncd.payload import read_invoice
from syncd.problems import remedy, sentence
from syncd.session import policy_of
from syncd.settings import TargetSettings
from syncd.state import bindings, journal, lookup, problems, work

STANDS = {
    "live": "stands as",
    "void": "no longer stands; it stood as",
    "linked": "is bound by hand to",
    "unfound": "is bound by hand to what does not stand there:",
    "removed": "was taken out there by a person, and stays out; it stood as",
}
"""How a binding's state is told, before the target's id."""

WAITING = {"open": "", "retry": ", tried again in the next run", "dismissed": ", dismissed"}
"""How a problem's state is told, after the time since when it stands."""


def explain_record(config: Path | None, text: str, *, json: bool) -> int:
    """Tell the story of each record that this number, id or name means."""
    text = text.encode(errors="replace").decode()  # a terminal in another encoding may give what is no text
    if not text.strip():
        raise UsageError("Name a client or invoice: its number, id or name.")
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
    targets = [target for target in parts.settings.targets.values() if target.source == source]
    owners = [f"source:{source}", *(target.name for target in targets)]
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
        "targets": [_at_target(parts, connection, target, row, raw, waiting) for target in targets],
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
                "external_id": one.external_id,
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


def _at_target(
    parts: Engine,
    connection: Connection,
    target: TargetSettings,
    row: Row[Any],
    raw: bytes | None,
    waiting: Sequence[Row[Any]],
) -> dict[str, Any]:
    """Say where a record stands at one target, what was edited there, and why what does not stand there does not."""
    with scratch() as folder:
        policy = policy_of(target, parts.connector(target, folder), Books("", ""), parts.zone(target.source))
    kinds: tuple[Kind, ...] = ("invoice", "payment") if row.kind == "invoice" else (row.kind,)
    places = bindings.places(connection, target.name, {one: [row.id] for one in kinds}, policy.fields)
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
    absent = []
    for one in kinds:
        place, payment = places.get((one, row.id), NOWHERE), places.get(("payment", row.id), NOWHERE)
        if not place.live and not place.removed:
            own = [each for each in waiting if each.kind == one and each.owner in (target.name, f"source:{row.source}")]
            told = _absent(one, row, raw, place, payment, policy)
            absent.append({"kind": one, "why": told or _delayed(connection, target, row, policy, own)})
        if not place.live:
            break  # nothing settles an invoice that does not stand
    return {"target": target.name, "stands": stands, "absent": absent}


def _absent(kind: Kind, row: Row[Any], raw: bytes | None, place: Place, payment: Place, policy: Policy) -> str | None:
    """Say why a record is not to stand in the target; ``None`` where it is to, or where its problem tells."""
    if row.gone_at:
        return why.GONE
    if kind == "client":
        return None
    if row.detail_print is None:
        return "its details have not been read from FastFaktura yet"
    invoice = read_invoice(orjson.loads(raw or b"null"), policy.zone)
    if kind == "payment":
        return why.no_payment(invoice) if isinstance(invoice, Invoice) else None
    return why.no_invoice(invoice, due.seen_of(row), place, payment, policy)


def _delayed(
    connection: Connection, target: TargetSettings, row: Row[Any], policy: Policy, own: Sequence[Row[Any]]
) -> str:
    """Say what a record that is to stand in the target waits for."""
    if own:
        return "a problem stands in the way"
    for owner in (target.name, f"source:{target.source}"):
        if any(not hold.released for hold in problems.holds(connection, owner)):
            return f"{owner} is held; `syncd status` says why"
    if row.kind == "client" and not policy.all_clients and not _needed(connection, row, policy):
        return why.NOT_NEEDED
    return "the next run looks at it"


def _needed(connection: Connection, client: Row[Any], policy: Policy) -> bool:
    """Tell whether an invoice of a client is to stand in the target."""
    return any(
        isinstance(invoice := read_invoice(orjson.loads(row.raw), policy.zone), Invoice)
        and why.no_invoice(invoice, due.seen_of(row), NOWHERE, NOWHERE, policy) is None
        for row in work.of_client(connection, client.source, client.id)
    )


def _tell(story: dict[str, Any]) -> None:
    name = story["number"] or (story["seen"] or {}).get("name") or story["id"]
    console.say(f"[bold]{story['kind']} {escape(str(name))}[/bold] ({escape(story['id'])}) of source {story['source']}")
    console.say(
        f"  first seen {console.when(story['first_seen'])}, last change seen {console.when(story['changed_at'])}"
    )
    if story["status"]:
        console.say(f"  status {escape(story['status'])}")
    if story["gone_at"]:
        console.say(f"  gone from the source since {console.when(story['gone_at'])}")
    for target in story["targets"]:
        for one in target["absent"]:
            console.say(f"  target {target['target']}: {one['kind']} does not stand there: {escape(one['why'])}")
        for one in target["stands"]:
            stands = f"{STANDS[one['state']]} {escape(one['external_id'])}"
            console.say(f"  target {target['target']}: {one['kind']} {stands}")
            for path, (expected, found) in one["edited_there"].items():
                there, ours = (repr(side and show(path, side)) for side in (found, expected))
                console.say(escape(f"    edited there: {path} is {there}, FastFaktura said {ours}; kept"))
    for one in story["problems"]:
        since = f"since {console.when(one['since'])}{WAITING[one['state']]}"
        told = escape(f"{one['sentence']} {one['remedy']}")
        console.say(f"  [yellow]problem {one['id']}[/yellow] {since}: {told}")
    for one in story["journal"]:
        closed = console.when(one["closed_at"] or one["sent_at"])
        record = f" {escape(one['external_id'])}" if one["external_id"] else ""
        said = f": {escape(one['outcome'])}" if one["outcome"] else ""
        console.say(f"  {closed} {one['target']}: {one['verb']} {one['kind']}{record}, {one['state']}{said}")
        for path, (before, after) in (one["changes"] or {}).items():
            console.say(escape(f"    {path}: {show(path, before) or 'nothing'} → {show(path, after) or 'nothing'}"))
