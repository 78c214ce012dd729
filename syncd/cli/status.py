"""`syncd status`: how sources and targets stand, by what the state says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from math import inf
from pathlib import Path
from typing import Any

import orjson
from rich.markup import escape
from sqlalchemy.engine import Connection, Row

from syncd.cli import console
from syncd.cli.opening import engine
from syncd.daemon.beats import due_after, silent_after, slack_of
from syncd.engine import Engine
from syncd.model import OPEN_STATUSES
from syncd.problems import Finding, remedy, sentence
from syncd.state import bindings, journal, lookup, polls, problems, runs
from syncd.words import counted
from syncd.zones import NAMED_BY, zone_of

LOOKED_AT = 100
"""The newest runs in which the last try of a source or target is looked for."""


def show_status(config: Path | None, *, json: bool) -> int:
    """Show how sources and targets stand.

    Exit 5 when something is held, 1 when problems wait, a source is silent, or one of them failed when last tried.
    """
    with engine(config, lock=False) as parts:
        document = _status(parts)
    held = any(one["holds"] for one in (*document["sources"], *document["targets"]))
    waiting = any(one["problems"] for one in (*document["sources"], *document["targets"]))
    silent = any(note["code"] == "source_silent" for one in document["sources"] for note in one["notes"])
    failed = any(one["error"] for one in (*document["sources"], *document["targets"]))
    if json:
        console.print_json("syncd.status/1", document)
    else:
        _tell_status(document, {one["name"]: _next(parts, one) for one in document["sources"]})
    return 5 if held else 1 if waiting or silent or failed else 0


def _status(parts: Engine) -> dict[str, Any]:
    sources, targets = [], []
    with parts.store.read() as connection:
        last = runs.last(connection, LOOKED_AT)
        errors = _errors(last)
        for name in parts.settings.sources:
            records, pulled = lookup.counts(connection, name), runs.last_pull(connection, name)
            error, since = errors.get(f"source:{name}", (None, 0))
            dated = zone_of(connection, parts.settings.sources[name])
            wait = polls.wait(connection, name, parts.settings.sources[name].base_url, int(parts.now().timestamp()))
            last_error = error if since > (pulled or 0) else None
            sources.append({
                "name": name,
                "last_pull": pulled,
                "reading_since": polls.since(connection, name, parts.store.holder()),
                "error": f"{wait.told(name)}." if wait else last_error,
                "waits_until": wait.until if wait else None,
                "next_run": _next_run(parts, connection, name, dated.zone, wait),
                "records": records,
                "timezone": dated.zone.key,
                "timezone_from": dated.origin,
                "notes": [_told(one) for one in _notes(parts, connection, name, dated.zone, bool(records["invoice"]))],
                **_waiting(connection, f"source:{name}"),
            })  # fmt: skip
        for target in parts.settings.targets.values():
            plan = runs.last_plan(connection, target.name)
            targets.append({
                "name": target.name,
                "connector": target.connector_name,
                "source": target.source,
                "last_plan": plan.made_at if plan else None,
                "last_plan_state": plan.state if plan else None,
                "error": errors.get(target.name, (None, 0))[0],
                "next_run": next(one["next_run"] for one in sources if one["name"] == target.source),
                "stands": runs.counts(connection, target.name),
                "in_doubt": journal.count_in_doubt(connection, target.name),
                "edited_by_hand": len(bindings.drifted(connection, target.name)),
                **_waiting(connection, target.name),
            })  # fmt: skip
    return {"last_run": _run(last[0]) if last else None, "sources": sources, "targets": targets}


def _next_run(parts: Engine, connection: Connection, name: str, zone: tzinfo, wait: polls.Wait | None) -> int | None:
    """Tell when a source is due again, where it was the daemon that ran last; nobody else keeps to its beat."""
    last = runs.last_pull(connection, name)
    if last is None or not any(run.command == "serve" for run in runs.last(connection)):
        return None
    due = due_after(parts.settings.sources[name], zone, last)
    return None if due is None else max(round(due), wait.until if wait else 0)


def _next(parts: Engine, source: dict[str, Any]) -> str:
    """Write when a source is due again; a beat may come a little late before it is told to be overdue."""
    due = source["next_run"]
    if due is None:
        return ""
    late = parts.now().timestamp() > due + slack_of(parts.settings.sources[source["name"]])
    return f"overdue since {console.when(due)}" if late else console.when(due)


def _notes(parts: Engine, connection: Connection, name: str, zone: tzinfo, some: bool) -> list[Finding]:
    """Say what is peculiar about a source: habits that make changes come later, and silence. ``some``: it has any."""
    habits, last = runs.learnt(connection, name), runs.last_pull(connection, name)
    found = []
    if last is not None and some and not _ordered(habits):
        found.append(Finding("order_unknown", "source", name))
    if habits.get("ignored_at") is not None:
        found.append(Finding("status_ignored", "source", name))
    source, now = parts.settings.sources[name], parts.now().timestamp()
    if last is not None and now > silent_after(source, zone, last):
        found.append(Finding("source_silent", "source", name, {"source": name, "since": console.when(last)}))
    return found


def _ordered(habits: Mapping[str, Any]) -> bool:
    """Tell whether the order of the list of invoices is known, or it is one page, which is read as a whole."""
    order = habits.get("order", "unknown")
    one_page = habits.get("end_page", inf) <= habits.get("first_page", 1)
    return order in {"newest", "oldest"} or (order == "unknown" and one_page)


def _told(one: Finding) -> dict[str, str]:
    return {"code": one.code, "sentence": sentence(one), "remedy": remedy(one)}


def _waiting(connection: Connection, owner: str) -> dict[str, Any]:
    holds = [problems.finding_of_hold(row) for row in problems.holds(connection, owner) if not row.released]
    return {
        "problems": len(problems.listed(connection, [owner])),
        "holds": [{"code": one.code, "sentence": sentence(one)} for one in holds],
    }


def _errors(rows: Sequence[Row[Any]]) -> dict[str, tuple[str | None, int]]:
    """Tell for each target, and each source as ``source:NAME``, why it failed when last tried, and when that was."""
    errors: dict[str, tuple[str | None, int]] = {}
    for row in rows:
        for owner, told in orjson.loads(row.summary).items():
            errors.setdefault(owner, (told.get("error"), row.ended_at or 0))
    return errors


def _run(row: Row[Any]) -> dict[str, Any]:
    return {
        "run": row.n,
        "command": row.command,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
        "exit_code": row.exit_code,
    }


def _tell_status(document: dict[str, Any], due: Mapping[str, str]) -> None:
    run = document["last_run"]
    reading = [one for one in document["sources"] if one["reading_since"] is not None]
    if run is None and not reading:
        console.say("Nothing has run yet; `syncd run` syncs once.")
    if run is not None:
        ended = f"exit {run['exit_code']}" if run["ended_at"] else "not ended"
        console.say(f"last run: {run['command']} {console.when(run['started_at'])}, {ended}")
    for one in reading:
        held = counted(sum(sum(of_status.values()) for of_status in one["records"].values()), "record")
        since = console.when(one["reading_since"])
        console.say(f"A run is going on since {since}: source {one['name']} is read; the mirror holds {held} so far.")
    rows = []
    for one in document["sources"]:
        there = ", ".join(_there(kind, of_status) for kind, of_status in one["records"].items())
        last, waiting = console.when(one["last_pull"]), str(one["problems"])
        rows.append(("source", one["name"], last, there, waiting, _held(one), due[one["name"]]))
    for one in document["targets"]:
        stands = one["stands"]
        there = ", ".join(counted(stands[kind], kind) for kind in ("client", "invoice", "payment") if kind in stands)
        there += f", {one['in_doubt']} in doubt" if one["in_doubt"] else ""
        there += f", {one['edited_by_hand']} edited by hand" if one["edited_by_hand"] else ""
        rows.append(
            (
                "target",
                one["name"],
                console.when(one["last_plan"]),
                there or "nothing yet",
                str(one["problems"]),
                _held(one),
                due[one["source"]],
            )
        )
    console.table(("", "name", "last", "stands", "problems", "held", "next"), rows, right=(4,))
    for one in document["sources"]:
        if one["last_pull"] is not None:
            zone = f"{one['timezone']} ({NAMED_BY[one['timezone_from']]})"
            console.say(f"source {one['name']}: dates are days in {zone}.")
    _tell_troubles(document)


def _tell_troubles(document: dict[str, Any]) -> None:
    """Write what is held, what failed, and what is peculiar."""
    for one in (*document["sources"], *document["targets"]):
        for hold in one["holds"]:
            console.say(
                f"[red]held[/red] {one['name']}: {escape(hold['sentence'])} `syncd release {one['name']}` lets it pass."
            )
    for what in ("source", "target"):
        for one in document[f"{what}s"]:
            if one["error"]:
                told = one["error"].removeprefix(f"{what} {one['name']}: ")
                console.say(f"[red]failed[/red] {what} {one['name']}: {escape(told)}")
    for one in document["sources"]:
        for note in one["notes"]:
            console.say(f"source {one['name']}: {escape(note['sentence'])} {escape(note['remedy'])}")


def _there(kind: str, of_status: dict[str, int]) -> str:
    """Count what is at the source: how many drafts of it, which usually stand in no target, and how many are open."""
    drafts = counted(of_status["draft"], "draft") if of_status.get("draft") else ""
    unpaid = sum(of_status.get(status, 0) for status in OPEN_STATUSES if status != "draft")
    told = ", ".join(one for one in (drafts, f"{unpaid} open" if unpaid else "") if one)
    return counted(sum(of_status.values()), kind) + (f" ({told})" if told else "")


def _held(one: dict[str, Any]) -> str:
    return "held" if one["holds"] else ""
