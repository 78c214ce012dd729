"""`syncd check`: settings, state, each source and each target: reachable, allowed, complete; and what to mend."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.markup import escape

from syncd.cli import console
from syncd.cli.opening import settings_of
from syncd.engine import Engine, Failure, fastfaktura
from syncd.errors import Choices, Invalid, Missing, Refused, SyncdError, worst
from syncd.fastfaktura import FastFaktura
from syncd.needs import lacks
from syncd.problems import remedy, sentence
from syncd.session import Session
from syncd.settings import Settings, TargetSettings
from syncd.state import problems
from syncd.state.store import Store
from syncd.words import counted
from syncd.zones import Zone, in_force, judge, zone_of


@dataclass(frozen=True, slots=True)
class Checked:
    """What one thing looks like: fine, to be mended, held, or out of reach."""

    what: str
    good: bool
    said: str
    exit_code: int = 0
    choices: Choices = field(default_factory=dict)


def check_all(config: Path | None, *, json: bool) -> int:
    """Check everything that a run needs, and return the exit code of the worst."""
    settings = settings_of(config)
    found = [Checked("settings", True, str(settings.path)), *_check_state(settings)]
    rows: dict[str, list[Any]] = {}
    found += [one for name in settings.sources for one in _check_source(settings, name, rows)]
    if all(one.good for one in found[:2]):
        found += [*_check_targets(settings, rows), *_held(settings)]
    code = worst({one.exit_code for one in found})
    if json:
        console.print_json("syncd.check/1", {"exit_code": code, "checks": [_document(one) for one in found]})
    else:
        for one in found:
            sign = "[green]good[/green]" if one.good else "[red]mend[/red]"
            console.say(f"{sign}  {one.what}: {escape(one.said)}")
    return code


def _document(one: Checked) -> dict[str, Any]:
    choices = {"choices": one.choices} if one.choices else {}
    return {"what": one.what, "good": one.good, "said": one.said, **choices}


def _check_state(settings: Settings) -> list[Checked]:
    try:
        Store(settings.state, lock=False).close()
    except SyncdError as error:
        return [Checked("state", False, str(error), error.exit_code)]
    return [Checked("state", True, f"{settings.state} (SQLite {sqlite3.sqlite_version})")]


def _check_source(settings: Settings, name: str, first: dict[str, list[Any]]) -> list[Checked]:
    """Check one source, and note its first page."""
    what, api = f"source {name}", fastfaktura(settings.sources[name])
    profile = None
    try:
        with contextlib.suppress(Missing, Invalid):
            profile = api.business()
        first[name] = _first_rows(api)
    except SyncdError as error:
        return [Checked(what, False, str(error).removeprefix(f"{what}: "), error.exit_code)]
    finally:
        api.close()
    company, rows = (profile or {}).get("name") or "a company without a name", counted(len(first[name]), "invoice")
    before = _zone_before(settings, name)
    zone, surprise = judge(name, profile, before)
    dated = before if surprise else zone
    good = Checked(what, True, f"{company}, {rows} on the first page; dates are days in {dated}")
    return [good, Checked(what, False, f"{sentence(surprise)} {remedy(surprise)}", 1)] if surprise else [good]


def _zone_before(settings: Settings, name: str) -> Zone:
    """Read which zone is in force; a state that cannot be opened knows of none, and is told by itself."""
    source = settings.sources[name]
    with (
        contextlib.suppress(SyncdError),
        contextlib.closing(Store(settings.state, lock=False)) as store,
        store.read() as connection,
    ):
        return zone_of(connection, source)
    return in_force(source)


def _first_rows(api: FastFaktura) -> list[Any]:
    """Give the invoices on the first page, be it called 0 or 1."""
    pages: list[list[Any]] = []
    for page in (0, 1):
        with contextlib.suppress(Missing, Invalid):
            pages.append(api.invoices(page).rows)
    return max(pages, key=len) if pages else api.invoices(1).rows


def _check_targets(settings: Settings, rows: Mapping[str, list[Any]]) -> list[Checked]:
    with contextlib.closing(Store(settings.state, lock=False)) as store:
        engine = Engine(settings, store, offers=True)
        targets = settings.targets.values()
        return [one for target in targets for one in _check_target(engine, target, rows.get(target.source, ()))]


def _check_target(engine: Engine, target: TargetSettings, first_rows: Sequence[Any]) -> list[Checked]:
    what = f"target {target.name}"
    went = engine.attempt(target, lambda session: (session.books, _stands(session), _lacking(session, first_rows)))
    if isinstance(went, Failure):
        choices = went.error.choices if isinstance(went.error, Refused) else {}
        return [Checked(what, False, went.told.removeprefix(f"{what}: "), went.exit_code, choices)]
    books, stands, lacking = went
    summary = f" ({books.summary})" if books.summary else ""
    said = f"{target.connector_name}: {books.company}{summary}{stands}"
    return [Checked(what, True, said, choices=books.choices), *(Checked(what, False, one, 1) for one in lacking)]


def _stands(session: Session) -> str:
    """Count what stands in a ledger; one in a dress that cannot be read would stop the next run."""
    if not session.can.picture:
        return ""
    records = sum(not one.stray for page in session.connector.changes(None) for one in page.remotes)
    return f", {counted(records, 'record stands', 'records stand')} there"


def _lacking(session: Session, first_rows: Sequence[Any]) -> list[str]:
    return [*session.books.findings, *lacks(session, first_rows)]


def _held(settings: Settings) -> list[Checked]:
    """Name what holds a source or target, and how it is let pass."""
    owners = [(f"source {name}", f"source:{name}", name) for name in settings.sources]
    owners += [(f"target {name}", name, name) for name in settings.targets]
    found: list[Checked] = []
    with contextlib.closing(Store(settings.state, lock=False)) as store, store.read() as connection:
        for what, owner, name in owners:
            for row in problems.holds(connection, owner):
                hold = problems.finding_of_hold(row)
                told = f"held since {console.when(row.since)}, nothing is written: {sentence(hold)} {remedy(hold)}"
                if not row.released:
                    found.append(Checked(what, False, f"{told} `syncd release {name}` lets it pass, once.", 5))
    return found
