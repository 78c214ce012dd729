"""`syncd check`: settings, state, each source and each target: reachable, allowed, complete; and what to mend."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.markup import escape

from syncd.cli import console
from syncd.cli.opening import settings_of
from syncd.engine import Engine, fastfaktura
from syncd.errors import Choices, Invalid, Missing, Refused, SyncdError, Unreachable
from syncd.fastfaktura import FastFaktura
from syncd.needs import lacks
from syncd.problems import remedy, sentence
from syncd.settings import Settings
from syncd.state import problems
from syncd.state.store import Store
from syncd.words import counted

WORST = (4, 2, 3, 5, 1)
"""Exit codes, of which the first that holds is the command's (DESIGN section 7)."""


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
    found += [_check_source(settings, name, rows) for name in settings.sources]
    if all(one.good for one in found[:2]):
        found += [*_check_targets(settings, rows), *_held(settings)]
    codes = {one.exit_code for one in found}
    code = next((one for one in WORST if one in codes), 0)
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


def _check_source(settings: Settings, name: str, first: dict[str, list[Any]]) -> Checked:
    """Check one source, and note its first page."""
    api = fastfaktura(settings.sources[name])
    try:
        company = _company(api)
        first[name] = _first_rows(api)
    except (Unreachable, Refused) as error:
        return Checked(f"source {name}", False, str(error).removeprefix(f"source {name}: "), 3)
    except SyncdError as error:
        return Checked(f"source {name}", False, str(error).removeprefix(f"source {name}: "), 1)
    finally:
        api.close()
    rows = counted(len(first[name]), "invoice")
    return Checked(f"source {name}", True, f"{company or 'a company without a name'}, {rows} on the first page")


def _company(api: FastFaktura) -> object:
    """Name the company; a profile that is not there is missed by nothing else."""
    try:
        return api.business().get("name")
    except (Missing, Invalid):
        return None


def _first_rows(api: FastFaktura) -> list[Any]:
    """Give the invoices on the first page, be it called 0 or 1."""
    pages: list[list[Any]] = []
    for page in (0, 1):
        with contextlib.suppress(Missing, Invalid):
            pages.append(api.invoices(page).rows)
    return max(pages, key=len) if pages else api.invoices(1).rows


def _check_targets(settings: Settings, rows: Mapping[str, list[Any]]) -> list[Checked]:
    found: list[Checked] = []
    store = Store(settings.state, lock=False)
    engine = Engine(settings, store)
    try:
        for target in settings.targets.values():
            try:
                with engine.session(target) as session:
                    books, stands = session.books, ""
                    if session.can.picture:  # a ledger in a dress that cannot be read would stop the next run
                        pages = session.connector.changes(None)
                        records = sum(not one.stray for page in pages for one in page.remotes)
                        stands = f", {counted(records, 'record stands', 'records stand')} there"
                    summary = f" ({books.summary})" if books.summary else ""
                    said = f"{target.connector_name}: {books.company}{summary}{stands}"
                    found.append(Checked(f"target {target.name}", True, said, choices=books.choices))
                    found += [Checked(f"target {target.name}", False, said, 1) for said in books.findings]
                    lacking = lacks(session, rows.get(target.source, ()))
                    found += [Checked(f"target {target.name}", False, said, 1) for said in lacking]
            except SyncdError as error:
                said = str(error).removeprefix(f"target {target.name}: ")
                choices = error.choices if isinstance(error, Refused) else {}
                found.append(Checked(f"target {target.name}", False, said, error.exit_code, choices))
    finally:
        store.close()
    return found


def _held(settings: Settings) -> list[Checked]:
    """Name what holds a source or target, and how it is let pass."""
    owners = [(f"source {name}", f"source:{name}", name) for name in settings.sources]
    owners += [(f"target {name}", name, name) for name in settings.targets]
    found: list[Checked] = []
    store = Store(settings.state, lock=False)
    try:
        with store.read() as connection:
            for what, owner, name in owners:
                for row in problems.holds(connection, owner):
                    hold = problems.finding_of_hold(row)
                    told = f"held since {console.when(row.since)}, nothing is written: {sentence(hold)} {remedy(hold)}"
                    if not row.released:
                        found.append(Checked(what, False, f"{told} `syncd release {name}` lets it pass, once.", 5))
    finally:
        store.close()
    return found
