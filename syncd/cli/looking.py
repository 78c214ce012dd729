"""`syncd status`, `problems` and `release`: what the state says, and what a person answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape
from sqlalchemy.engine import Connection, Row

from syncd.cli import console
from syncd.cli.opening import engine
from syncd.engine import Engine
from syncd.errors import UsageError
from syncd.problems import Finding, group, remedy, sentence
from syncd.state import bindings, journal, lookup, problems, runs
from syncd.words import counted

DAY = 24 * 60 * 60


def show_status(config: Path | None, *, json: bool) -> int:
    """Show how sources and targets stand; exit 5 when something is held, 1 when problems wait."""
    with engine(config, lock=False) as parts:
        document = _status(parts)
    held = any(one["holds"] for one in (*document["sources"], *document["targets"]))
    waiting = any(one["problems"] for one in (*document["sources"], *document["targets"]))
    if json:
        console.print_json("syncd.status/1", document)
    else:
        _tell_status(document)
    return 5 if held else 1 if waiting else 0


def _status(parts: Engine) -> dict[str, Any]:
    sources, targets = [], []
    with parts.store.read() as connection:
        last = runs.last(connection)
        for name in parts.settings.sources:
            records = lookup.counts(connection, name)
            sources.append({
                "name": name,
                "last_pull": runs.last_pull(connection, name),
                "records": records,
                "notes": [_told(one) for one in _notes(parts, connection, name)],
                **_waiting(connection, f"source:{name}"),
            })  # fmt: skip
        for target in parts.settings.targets.values():
            plan = runs.last_plan(connection, target.name)
            targets.append({
                "name": target.name,
                "connector": target.connector_name,
                "last_plan": plan.made_at if plan else None,
                "last_plan_state": plan.state if plan else None,
                "stands": runs.counts(connection, target.name),
                "in_doubt": journal.count_in_doubt(connection, target.name),
                "edited_by_hand": len(bindings.drifted(connection, target.name)),
                **_waiting(connection, target.name),
            })  # fmt: skip
    return {"last_run": _run(last[0]) if last else None, "sources": sources, "targets": targets}


def _notes(parts: Engine, connection: Connection, name: str) -> list[Finding]:
    """Say what is peculiar about a source: habits that make changes come later, and silence."""
    habits, last = runs.learnt(connection, name), runs.last_pull(connection, name)
    found = []
    if habits.get("order") == "none":
        found.append(Finding("order_unknown", "source", name))
    if habits.get("ignored_at") is not None:
        found.append(Finding("status_ignored", "source", name))
    quiet = max(6 * parts.settings.sources[name].poll.total_seconds(), DAY)
    if last is not None and parts.now().timestamp() - last > quiet:
        found.append(Finding("source_silent", "source", name, {"source": name, "since": console.when(last)}))
    return found


def _told(one: Finding) -> dict[str, str]:
    return {"code": one.code, "sentence": sentence(one), "remedy": remedy(one)}


def _waiting(connection: Connection, owner: str) -> dict[str, Any]:
    holds = [problems.finding_of_hold(row) for row in problems.holds(connection, owner) if not row.released]
    return {
        "problems": len(problems.listed(connection, [owner])),
        "holds": [{"code": one.code, "sentence": sentence(one)} for one in holds],
    }


def _run(row: Row[Any]) -> dict[str, Any]:
    return {
        "run": row.n,
        "command": row.command,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
        "exit_code": row.exit_code,
    }


def _tell_status(document: dict[str, Any]) -> None:
    run = document["last_run"]
    if run is None:
        console.say("Nothing has run yet; `syncd run` syncs once.")
    else:
        ended = f"exit {run['exit_code']}" if run["ended_at"] else "not ended"
        console.say(f"last run: {run['command']} {console.when(run['started_at'])}, {ended}")
    rows = []
    for one in document["sources"]:
        there = ", ".join(_there(kind, of_status) for kind, of_status in one["records"].items())
        rows.append(("source", one["name"], console.when(one["last_pull"]), there, str(one["problems"]), _held(one)))
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
            )
        )
    console.table(("", "name", "last", "stands", "problems", "held"), rows, right=(4,))
    for one in (*document["sources"], *document["targets"]):
        for hold in one["holds"]:
            console.say(
                f"[red]held[/red] {one['name']}: {escape(hold['sentence'])} `syncd release {one['name']}` lets it pass."
            )
    for one in document["sources"]:
        for note in one["notes"]:
            console.say(f"source {one['name']}: {escape(note['sentence'])} {escape(note['remedy'])}")


def _there(kind: str, of_status: dict[str, int]) -> str:
    """Count what is at the source; drafts by themselves, for they usually stand in no target."""
    drafts = of_status.get("draft", 0)
    return counted(sum(of_status.values()), kind) + (f" ({counted(drafts, 'draft')})" if drafts else "")


def _held(one: dict[str, Any]) -> str:
    return "held" if one["holds"] else ""


def list_problems(config: Path | None, *, json: bool, each: bool = False) -> int:
    """List problems; those with the same cause as one line with a count, unless each is asked for."""
    with engine(config, lock=False) as parts, parts.store.read() as connection:
        rows = problems.listed(connection)
    findings = [problems.finding_of(row) for row in rows]
    if json:
        documents = [
            {"id": row.n, "owner": row.owner, "code": row.code, "kind": row.kind, "record": row.id, "since": row.since,
             "parameters": dict(one.parameters), "sentence": sentence(one), "remedy": remedy(one)}
            for row, one in zip(rows, findings, strict=True)
        ]  # fmt: skip
        console.print_json("syncd.problems/1", {"problems": documents})
    elif each:
        console.table(
            ("id", "owner", "code", "what", "what to do"),
            [
                (str(row.n), row.owner, row.code, sentence(one), remedy(one))
                for row, one in zip(rows, findings, strict=True)
            ],
        )
    else:
        for grouped in group(findings):
            console.say(f"[yellow]{grouped.code}[/yellow] {escape(grouped.sentence)} {escape(grouped.remedy)}")
        console.say(f"{counted(len(rows), 'problem')}." if rows else "No problems.")
    return 1 if rows else 0


def mark_problems(config: Path | None, ids: Sequence[int] | None, state: str) -> int:
    """Mark problems to be tried again, or not to be shown."""
    with engine(config, lock=False) as parts:
        with parts.store.write() as connection:
            wanted = list(ids) if ids else [row.n for row in problems.listed(connection)]
            marked = problems.set_state(connection, wanted, state)
        if ids and marked < len(set(ids)):
            raise UsageError(
                f"Of {len(set(ids))} problems {len(set(ids)) - marked} are not there; "
                "`syncd problems list` shows their ids."
            )
    said = "tried again in the next run" if state == "retry" else "dismissed until their cause changes"
    console.say(f"{counted(marked, 'problem')}: {said}.")
    return 0


def release_hold(config: Path | None, name: str) -> int:
    """Let the holds of a source or target pass, once."""
    with engine(config, lock=False) as parts:
        if name not in parts.settings.sources and name not in parts.settings.targets:
            known = ", ".join((*parts.settings.sources, *parts.settings.targets))
            raise UsageError(f"There is no source or target {name!r}; there are: {known}.")
        with parts.store.write() as connection:
            released = sum(
                problems.release(connection, owner) for owner in (name, f"source:{name}") if _owns(parts, owner)
            )
    console.say(
        f"{name}: {counted(released, 'hold')} may pass in the next run." if released else f"{name} is not held."
    )
    return 0


def _owns(parts: Engine, owner: str) -> bool:
    kind, _, name = owner.rpartition(":")
    return name in (parts.settings.sources if kind else parts.settings.targets)
