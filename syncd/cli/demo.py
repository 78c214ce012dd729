"""`syncd demo`: a made-up account, a CSV ledger, some life, and what syncd makes of it. No key, no network."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from rich.markup import escape

from syncd.cli import console
from syncd.errors import UsageError, worst
from syncd.sandbox.data import made_up
from syncd.sandbox.life import live
from syncd.sandbox.server import Sandbox

SETTINGS = """\
# The settings of the demo; the key and the address are those of the built-in sandbox.
[syncd]
state = "sqlite:///{state}"

[source.main]
api_key = "{key}"
base_url = "{base_url}"
poll = "5m"

[target.ledger]
connector = "csv"
path = "{ledger}"
"""

MARK = ".syncd-demo"
"""Lies in a folder that a demo made, so that no other folder is ever thrown away."""


def show(folder: Path) -> int:
    """Run the whole story, each command as a person would type it; exit as the worst of them."""
    folder = _fresh(folder)
    account = made_up(seed=7, clients=24, invoices=120)
    with Sandbox(account=account) as sandbox:
        settings = folder / "syncd.toml"
        settings.touch(mode=0o600)
        settings.write_text(
            SETTINGS.format(
                state=folder / "state.db",
                key=sandbox.key,
                base_url=sandbox.base_url,
                ledger=folder / "ledger",
            )
        )
        console.say(f"A made-up FastFaktura account is served on {sandbox.base_url}.")
        codes = [_type(settings, "The first sync: every client and every issued invoice.", "run")]
        codes.append(_type(settings, "Nothing has changed, so nothing is written.", "run"))
        lived = live(account, seed=7, share=0.08)
        told = ", ".join(f"{what.replace('_', ' ')} {len(ids)}" for what, ids in lived.items() if ids)
        console.say(f"\n[bold]Some days pass at the company:[/bold] {told}.")
        looked = "What a run would do now; as days have passed, every row is read again (--full)."
        codes.append(_type(settings, looked, "run", "--full", "--dry-run"))
        codes.append(_type(settings, "And now it does it.", "run"))
        codes.append(_type(settings, "Do both sides agree? Record by record, and in totals.", "reconcile"))
        codes.append(_type(settings, "How it stands.", "status"))
    console.say(f"\nThe ledger is in {escape(str(folder / 'ledger'))}: open invoices.csv in a spreadsheet.")
    console.say(f"Edit a cell there by hand, then try: syncd -c {escape(str(settings))} reconcile")
    return worst(codes)


def _type(settings: Path, why: str, *command: str) -> int:
    console.say(f"\n[bold]{why}[/bold]\n$ syncd {' '.join(command)}")
    sys.stdout.flush()
    words = [sys.executable, "-m", "syncd", "-c", str(settings), *command]
    return subprocess.run(words, check=False).returncode  # noqa: S603 - our own words, no shell


def _fresh(folder: Path) -> Path:
    """Make the demo's folder anew, but throw away only what a demo made."""
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise UsageError(f"{folder} holds something that no demo made. Name another folder: syncd demo --folder NAME.")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MARK).touch()
    return folder.resolve()
