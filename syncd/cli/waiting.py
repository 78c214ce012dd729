"""`syncd problems` and `release`: what waits for a person, and what the person answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape
from sqlalchemy.engine import Connection

from syncd.cli import console
from syncd.cli.opening import engine
from syncd.engine import Engine
from syncd.errors import UsageError
from syncd.problems import group, remedy, sentence
from syncd.state import bindings, problems
from syncd.words import counted


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


LET_GO = {"bound_to_nothing": "unfound", "bound_from_nothing": "linked"}
"""Problems of what a person bound, with the state that it is in: whoever asks for them again lets go of it."""


def mark_problems(config: Path | None, ids: Sequence[int] | None, state: str) -> int:
    """Mark problems to be tried again, or not to be shown: all that are named or, if one is not there, none."""
    with engine(config, lock=False) as parts, parts.store.write() as connection:
        wanted = _known(connection, ids) if ids else [row.n for row in problems.listed(connection)]
        marked = problems.set_state(connection, wanted, state)
        for row in problems.listed(connection, states=("retry",)):
            if row.code in LET_GO and row.n in wanted:
                bindings.drop_links(connection, row.owner, row.kind, [row.id], LET_GO[row.code])
    if not wanted:
        console.say("No problems.")
        return 0
    said = "tried again in the next run" if state == "retry" else "dismissed until their cause changes"
    console.say(f"{counted(marked, 'problem')}: {said}.")
    return 0


def _known(connection: Connection, ids: Sequence[int]) -> list[int]:
    known = {row.n for row in problems.listed(connection, states=("open", "retry", "dismissed"))}
    if strange := sorted(set(ids) - known):
        told = f"There {'is no problem' if len(strange) == 1 else 'are no problems'} {', '.join(map(str, strange))}"
        raise UsageError(f"{told}; nothing was changed. `syncd problems list` shows the ids.")
    return list(ids)


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
