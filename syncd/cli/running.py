"""`syncd run` and `syncd plan`: one sync, and what is said about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.markup import escape

from syncd.cli import console
from syncd.cli.opening import engine, narrowed, targets_of
from syncd.comparison import show
from syncd.connector import Scalar
from syncd.engine import Engine, Reread, RunReport, SourceRun
from syncd.errors import UsageError
from syncd.merge import row_of
from syncd.model import Kind
from syncd.problems import group, remedy, sentence
from syncd.state import problems
from syncd.sync import SHOWN as MOST
from syncd.sync import Passed, Preview, Wish
from syncd.words import counted

SHOWN = 40
"""Operations of a plan that are shown line by line."""


def run_once(
    config: Path | None,
    command: str,
    targets: Sequence[str] | None,
    since: datetime | None,
    until: datetime | None,
    statuses: Sequence[str] | None,
    *,
    full: bool = False,
    details: bool = False,
    dry: bool = False,
    force: bool = False,
    json: bool = False,
) -> int:
    """Run once, say how it went, and return the exit code."""
    narrow = narrowed(since, until, statuses or ())
    if details and not full:
        raise UsageError("--details goes with --full.")
    with console.progress(quiet=json) as progress, engine(config, progress=progress) as parts:
        chosen = targets_of(parts.settings, targets or ())
        wish = Wish(narrow, dry=dry, force=force, afresh=full)
        report = parts.run(command, chosen, wish, Reread(full, details))
        waiting = _waiting(parts, report)
    if json:
        console.print_json("syncd.run/1", _document(report, waiting, dry=dry))
    else:
        _tell(report, waiting, dry=dry)
    return report.exit_code


def _waiting(parts: Engine, report: RunReport) -> list[Any]:
    owners = [one.target for one in report.targets] + [f"source:{one.name}" for one in report.sources]
    with parts.store.read() as connection:
        return [problems.finding_of(row) for row in problems.listed(connection, owners)]


def _tell(report: RunReport, waiting: list[Any], *, dry: bool) -> None:
    """Say how it went, and on stderr what stopped a source or target: that reaches a person where stdout does not."""
    for source in report.sources:
        if source.error:
            console.complain(source.error)
        else:
            console.say(_source_line(source))
        for hold in source.holds:
            console.complain(f"source {source.name}: held: {sentence(hold)} {remedy(hold)}")
    for target in report.targets:
        _tell_target(target, dry=dry)
    if report.stopped:
        console.say("[yellow]Stopped before all was done[/yellow]; the next run goes on from here.")
    for grouped in group(waiting):
        console.say(f"[yellow]problem:[/yellow] {escape(grouped.sentence)} {escape(grouped.remedy)}")
    if waiting:
        told = counted(len(waiting), "problem waits", "problems wait")
        console.say(f"{told} for a person; `syncd problems list` shows each.")


def _source_line(source: SourceRun) -> str:
    if source.pulled is None:
        return f"source {source.name}: not pulled"
    pulled = source.pulled
    moved = f"{pulled.new} new, {pulled.changed} changed, {pulled.gone} gone"
    if not pulled.new + pulled.changed + pulled.gone:  # a plan may have read what this run writes
        moved = "nothing new, changed or gone since it was last read"
    return f"source {source.name}: {moved}; {sum(pulled.requests.values())} requests"


def _tell_target(target: Passed, *, dry: bool) -> None:
    if target.error:
        console.complain(console.of_target(target.target, target.error))
        if written := _written(target):
            console.complain(f"target {target.target}: {written} before that.")
        return
    for hold in target.holds:
        console.complain(f"target {target.target}: held, nothing is written: {sentence(hold)} {remedy(hold)}")
    if dry or target.holds:
        planned = _told(target.tally.operations, "would write {}", "would adopt {}")
        console.say(f"target {target.target}: {planned or 'would write nothing'}")
        for one in target.preview[: 0 if target.holds else SHOWN]:
            console.say(f"  {one.verb} {one.kind} {escape(one.label)}{escape(_changes(one))}")
        if target.tally.total > SHOWN and not target.holds:
            console.say(f"  … and {target.tally.total - SHOWN} more; --json shows up to {MOST}")
        return
    applied = target.applied
    extra = "".join(
        f", {n} {what}"
        for n, what in ((applied.rejected, "rejected"), (applied.doubt, "in doubt"), (applied.left, "left for later"))
        if n
    )
    kept = ""
    if target.drift:
        kept += f"; {counted(target.drift, 'record')} edited by hand kept"
    if target.removed:
        kept += f"; {counted(target.removed, 'record')} taken out by hand kept out"
    idle = "nothing written" if extra or target.tally.total else "nothing to do"
    console.say(f"target {target.target}: {_written(target) or idle}{extra}{kept}")


def _written(target: Passed) -> str:
    """Say what was written, and what was only bound to what stood there."""
    counts = target.applied.written
    adopted = sum(n for (_, verb), n in counts.items() if verb == "adopt")
    return _told(counts, f"{target.applied.done - adopted} written ({{}})", f"{adopted} adopted ({{}})")


def _told(counts: Mapping[tuple[Kind, str], int], writing: str, adopting: str) -> str:
    """Tell operations in these words, those that write and those that only adopt apart; empty where there are none."""
    written = {one: n for one, n in counts.items() if one[1] != "adopt"}
    adopted = ", ".join(f"{n} {kind}" for (kind, verb), n in sorted(counts.items()) if verb == "adopt")
    told = [writing.format(_operations(written))] if written else []
    return ", ".join(told + ([adopting.format(adopted)] if adopted else []))


def _operations(counts: Mapping[tuple[Kind, str], int]) -> str:
    """List how many operations there are of each (kind, verb)."""
    return ", ".join(f"{n} {verb} {kind}" for (kind, verb), n in sorted(counts.items()))


def _changes(one: Preview) -> str:
    """Say what changes: fields with both values, lines and events that come or go by their number."""
    rows = {row_of(path) for path, (before, after) in one.changes.items() if before is None or after is None} - {""}
    told = [
        f"{path} {_shown(path, before)} → {_shown(path, after)}"
        for path, (before, after) in one.changes.items()
        if row_of(path) not in rows
    ]
    counts = {kind: sum(row.startswith(f"{kind}.") for row in rows) for kind in ("lines", "events")}
    told += [f"{counted(count, kind.removesuffix('s'))} added or removed" for kind, count in counts.items() if count]
    return ": " + "; ".join(told[:6]) + (f"; and {len(told) - 6} more" if len(told) > 6 else "") if told else ""


def _shown(path: str, value: Scalar) -> str:
    return repr(show(path, value)) if show(path, value) else "nothing"


def _document(report: RunReport, waiting: list[Any], *, dry: bool) -> dict[str, Any]:
    return {
        "dry_run": dry,
        "exit_code": report.exit_code,
        "stopped": report.stopped,
        "seconds": round(report.seconds, 2),
        "sources": [_source_document(one) for one in report.sources],
        "targets": [_target_document(one) for one in report.targets],
        "problems": [
            {
                "code": one.code,
                "kind": one.kind,
                "id": one.id,
                "parameters": dict(one.parameters),
                "sentence": sentence(one),
                "remedy": remedy(one),
            }
            for one in waiting
        ],
    }


def _source_document(source: SourceRun) -> dict[str, Any]:
    pulled = source.pulled
    return {
        "name": source.name,
        "error": source.error,
        "held": [{"code": hold.code, "sentence": sentence(hold), "remedy": remedy(hold)} for hold in source.holds],
        "new": pulled.new if pulled else 0,
        "changed": pulled.changed if pulled else 0,
        "gone": pulled.gone if pulled else 0,
        "requests": dict(pulled.requests) if pulled else {},
    }


def _target_document(target: Passed) -> dict[str, Any]:
    return {
        "name": target.target,
        "error": target.error,
        "held": [{"code": hold.code, "sentence": sentence(hold), "remedy": remedy(hold)} for hold in target.holds],
        "planned": _counts(target.tally.operations),
        "preview": [asdict(one) for one in target.preview],
        "written": target.applied.done,
        "operations": _counts(target.applied.written),
        "rejected": target.applied.rejected,
        "in_doubt": target.applied.doubt,
        "left": target.applied.left,
        "problems": target.problems,
        "kept_by_hand": target.drift,
        "removed_by_hand": target.removed,
    }


def _counts(operations: Mapping[tuple[Kind, str], int]) -> list[dict[str, Any]]:
    return [{"verb": verb, "kind": kind, "count": n} for (kind, verb), n in sorted(operations.items())]
