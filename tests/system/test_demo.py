"""`make demo`: the first thing that a stranger sees of syncd, in a process of its own."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest


def demo(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "syncd", "demo", "--folder", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.timeout(300)
def test_the_demo_writes_a_ledger_lets_days_pass_and_ends_in_step(tmp_path: Path) -> None:
    told = demo(tmp_path / "demo")
    assert (told.returncode, told.stderr) == (0, "")
    commands = [line.removeprefix("$ syncd ") for line in told.stdout.splitlines() if line.startswith("$ ")]
    assert commands == ["run", "run", "run --full --dry-run", "run", "reconcile", "status"]
    assert "in step" in told.stdout
    files = sorted((tmp_path / "demo" / "ledger").glob("*.csv"))
    assert [file.stem for file in files] == ["clients", "events", "invoice_lines", "invoices", "payments"]
    for file in files:
        with file.open(encoding="utf-8", newline="") as rows:
            assert len(list(csv.reader(rows))) > 10, file


def test_the_demo_leaves_a_folder_alone_that_it_did_not_make(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("id\n")
    told = demo(tmp_path)
    assert (told.returncode, told.stdout) == (2, "")
    assert "Name another folder" in told.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["mine.csv"]
