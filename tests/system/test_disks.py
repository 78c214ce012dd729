"""What can go wrong with the files under a run: full, read-only, damaged. Nothing is half-written."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from connectors.csv.commit import signature
from syncd.sandbox.data import made_up
from syncd.sandbox.life import live
from tests.system.company import csvs
from tests.system.conftest import Found
from tests.system.expected import assert_equal

AS_ROOT = os.geteuid() == 0


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Callable[[bool], None]]:
    """Mount a small disk on a folder; what it gives fills it up or makes room again."""
    folder.mkdir(parents=True, exist_ok=True)
    if (
        not AS_ROOT
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=False, capture_output=True
        ).returncode
    ):
        pytest.skip("NOT TESTED: a full disk needs the right to mount a small one")
    ballast = folder / "ballast"

    def fill(full: bool) -> None:
        ballast.unlink(missing_ok=True)
        if full:
            with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(b"\0" * 4096)

    try:
        yield fill
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_under_the_ledger_leaves_it_whole_and_the_next_run_completes(found: Found) -> None:
    company = found(made_up(seed=51, clients=8, invoices=60))
    with small_disk(company.ledger, "2m") as fill:
        fill(True)
        first = company.syncd("run")
        assert first.code == 3, first
        assert "disk is full" in first.out + first.err
        assert [name for name in company.bytes_of_ledger() if name.endswith(".csv")] == []
        fill(False)
        company.run()
        before = csvs(company)
        live(company.sandbox.account, seed=1, share=0.5)
        fill(True)
        said = company.syncd("run", "--full")
        assert said.code == 3, said
        assert "disk is full" in said.out + said.err
        assert csvs(company) == before
        assert not [name for name in company.bytes_of_ledger() if name.endswith(".tmp")]
        fill(False)
        company.run("--full")
        assert_equal(company)


def test_a_full_disk_under_the_state_is_told_and_the_next_run_completes(found: Found) -> None:
    company = found(made_up(seed=52, clients=8, invoices=120))
    with small_disk(company.state.parent, "6m") as fill:
        company.run()
        live(company.sandbox.account, seed=1, share=0.9)
        fill(True)
        said = company.syncd("run", "--full")
        assert said.code == 3, said
        assert "is full" in said.out + said.err
        assert "Traceback" not in said.err
        fill(False)
        company.run("--full")
        assert_equal(company)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Make a folder read-only: for root, who may write anywhere, by a mount."""
    if AS_ROOT:
        binding = ["mount", "--bind", str(folder), str(folder)]
        if subprocess.run(binding, check=False, capture_output=True).returncode:
            pytest.skip("NOT TESTED: a read-only folder for root needs the right to mount")
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        try:
            yield
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)
        return
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        yield
    finally:
        folder.chmod(stat.S_IRWXU)


@pytest.mark.parametrize(
    "pending",
    [
        *('{"files": [{}]}', '{"files": 3, "removed": {}, "manifest": {}}', "{}"),
        '{"files": [{}], "removed": {}, "manifest": {"files": {}}}',
        '{"files": [], "removed": {"../outside.txt": SIGNATURE}, "manifest": {"files": {}}}',
    ],
)
def test_what_is_no_list_of_an_interrupted_write_is_thrown_away(found: Found, pending: str) -> None:
    company = found()
    outside = company.ledger.parent / "outside.txt"
    outside.write_text("not syncd's")
    company.run()
    before = csvs(company)
    pending = pending.replace("SIGNATURE", str(signature(outside)))
    (company.ledger / ".syncd.pending.json").write_text(pending)
    assert company.syncd("check").code == 0
    assert company.run()["targets"][0]["written"] == 0
    assert csvs(company) == before
    assert not (company.ledger / ".syncd.pending.json").exists()
    assert outside.read_text() == "not syncd's"


def test_a_folder_in_the_place_of_the_manifest_is_told(found: Found) -> None:
    company = found()
    company.run()
    manifest = company.ledger / ".syncd.json"
    manifest.unlink()
    manifest.mkdir()
    for command in ("check", "run", "reconcile"):
        said = company.syncd(command)
        assert said.code == 3, said
        assert f"{manifest} cannot be read: Is a directory. Move it away." in said.out + said.err


def test_a_read_only_ledger_is_told_and_the_next_run_completes(found: Found) -> None:
    company = found()
    company.run()
    before = company.bytes_of_ledger()
    live(company.sandbox.account, seed=1, share=0.4)
    with read_only(company.ledger):
        said = company.syncd("run", "--full")
        assert said.code == 3, said
        assert str(company.ledger) in said.out + said.err
        assert company.bytes_of_ledger() == before
        assert company.syncd("reconcile").code in (0, 1)
        assert company.syncd("check").code in (1, 3)
    company.run("--full")
    assert_equal(company)


def test_a_read_only_state_is_told_and_the_next_run_completes(found: Found) -> None:
    company = found()
    company.run()
    live(company.sandbox.account, seed=1, share=0.4)
    with read_only(company.state.parent):
        said = company.syncd("run")
        assert said.code == 3, said
        assert str(company.state) in said.err
        assert "Traceback" not in said.err
    company.run("--full")
    assert_equal(company)


def test_a_damaged_state_is_told_and_what_stands_is_adopted_without_it(found: Found) -> None:
    company = found()
    company.run()
    before = company.bytes_of_ledger()
    company.state.write_bytes(b"not a database " * 1000)
    for suffix in ("-wal", "-shm"):
        company.state.with_name(company.state.name + suffix).unlink(missing_ok=True)
    said = company.syncd("run")
    assert said.code == 3, said
    assert re.search("damaged|not a database", said.err), said
    shutil.move(company.state, company.state.with_suffix(".broken"))
    company.run()
    assert csvs(company) == {name: data for name, data in before.items() if name.endswith(".csv")}
