"""`syncd reconcile`: compare both sides and report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.markup import escape

from syncd import reconcile
from syncd.cli import console
from syncd.cli.opening import engine, narrowed, targets_of
from syncd.comparison import Report
from syncd.engine import Failure
from syncd.errors import worst
from syncd.money import amount
from syncd.words import counted


def reconcile_all(
    config: Path | None, targets: Sequence[str] | None, since: datetime | None, until: datetime | None, *, json: bool
) -> int:
    """Compare each target with the mirror, and return the exit code of the worst."""
    narrow = narrowed(since, until)
    reports: list[Report] = []
    failures: dict[str, Failure] = {}
    with console.progress(quiet=json) as progress, engine(config, lock=False, progress=progress) as parts:
        for target in targets_of(parts.settings, targets or ()):
            went = parts.attempt(target, lambda session: reconcile.reconcile(session, narrow))
            if isinstance(went, Failure):
                failures[target.name] = went
            else:
                reports.append(went)
    if json:
        console.print_json("syncd.reconcile/1", _document(reports, failures))
    else:
        for report in reports:
            _tell(report)
        for name, failure in failures.items():
            console.complain(console.of_target(name, failure.told))
    codes = {failure.exit_code for failure in failures.values()}
    return worst(codes | {5 if report.held else 0 if report.in_step else 1 for report in reports})


def _tell(report: Report) -> None:
    for held in report.held:
        console.say(f"target {report.target}: [red]held[/red], what is compared may be old: {escape(held)}")
    if report.waiting:
        waiting = counted(report.waiting, "problem waits", "problems wait")
        console.say(f"target {report.target}: {waiting} for a person; `syncd problems list` shows each.")
    if report.in_step:
        console.say(f"target {report.target}: [green]in step[/green], {report.compared} records compared")
    else:
        console.say(
            f"target {report.target}: [yellow]{counted(len(report.differences), 'difference')}[/yellow], "
            f"{report.compared} records compared"
        )
        console.table(
            ("kind", "record", "id", "what", "field", "source", "target"),
            [(one.kind, one.label, one.id, one.what, one.field, one.source, one.target) for one in report.differences],
        )
    rows = [
        (
            currency,
            month,
            str(both.source[0]),
            amount(both.source[3]),
            str(both.target[0]),
            amount(both.target[3]),
            "agrees" if both.source == both.target else "differs",
        )
        for (currency, month), both in sorted(report.sums.items())
    ]
    if rows:
        console.say("Invoices, and what they come to, by currency and month:")
    heads = ("currency", "month", "in source", "source total", "in target", "target total", "result")
    console.table(heads, rows, right=(2, 3, 4, 5))


def _document(reports: Sequence[Report], failures: Mapping[str, Failure]) -> dict[str, Any]:
    return {
        "in_step": not failures and all(report.in_step for report in reports),
        "targets": [
            {
                "name": report.target,
                "in_step": report.in_step,
                "compared": report.compared,
                "problems": report.waiting,
                "held": report.held,
                "differences": [asdict(one) for one in report.differences],
                "totals": [
                    {"currency": currency, "month": month, "source": _sums(both.source), "target": _sums(both.target)}
                    for (currency, month), both in sorted(report.sums.items())
                ],
            }
            for report in reports
        ],
        "errors": [{"target": name, "said": failure.told} for name, failure in failures.items()],
    }


def _sums(side: list[int]) -> dict[str, Any]:
    count, *cents = side
    return {"invoices": count, **dict(zip(("subtotal", "tax", "total"), map(amount, cents), strict=True))}
