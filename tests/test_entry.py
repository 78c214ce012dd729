"""The entry of the command line: Ctrl-C while modules are being imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

INTERRUPTED = """
import signal, sys, threading

class Ctrl:
    "Presses Ctrl-C when a module is looked for; `wrapped`: as where the import makes another error of it."
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            try:
                signal.pthread_kill(threading.get_ident(), signal.SIGINT)
            except KeyboardInterrupt as error:
                if {wrapped}:
                    raise RuntimeError("Error calling __set_name__") from error
                raise

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Ctrl())
sys.argv[1:] = ["-c", "nowhere.toml", "status"]
from syncd.__main__ import main
main()
"""


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("module", ["syncd.cli", "typer", "syncd.cli.app", "syncd.cli.status", "sqlalchemy", "httpx"])
def test_ctrl_c_while_modules_are_imported_ends_plainly(module: str, *, wrapped: bool) -> None:
    program = INTERRUPTED.format(module=module, wrapped=wrapped)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 130, ended
    assert "Traceback" not in ended.stderr
    assert "KeyboardInterrupt" not in ended.stderr


BROKEN = """
import sys

class Broken:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            raise RuntimeError("broken")  # neither a KeyboardInterrupt nor made of one

sys.meta_path.insert(0, Broken())
sys.argv[1:] = ["-c", "nowhere.toml", "status"]
from syncd.__main__ import main
main()
"""


@pytest.mark.parametrize("module", ["syncd.cli", "syncd.cli.status"])
def test_another_error_while_modules_are_imported_is_not_taken_for_ctrl_c(module: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(BROKEN.format(module=module), encoding="utf-8")
    ended = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1, ended
    assert "RuntimeError: broken" in ended.stderr
