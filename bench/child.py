"""One measured program: a process of its own, its seconds, processor seconds, peak memory and what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.account import KEY, Account

HOME = {
    "BENCH_KEY": KEY,
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "CRITICAL",
    "LOAD__WORKERS": "1",
    "PYTHONWARNINGS": "ignore",
    "PYTHONDONTWRITEBYTECODE": "",
}
"""The key; that dlt talks to nobody but the account, does not lock itself out of SQLite, and warns of nothing; and
that modules are kept compiled, as an installation has them."""


@dataclass(slots=True)
class Measured:
    """What one run of a program cost.

    ``wall``: seconds from its start to its end. ``seconds``: of the work alone, where it tells them itself (without
    the start of Python and imports), else the same. ``cpu``: processor seconds, which other work on the machine leaves
    alone. ``server``: those of the account. ``peak``: most memory, in MB. ``requests``: counted at the account.
    """

    name: str
    wall: float
    seconds: float
    cpu: float
    server: float
    peak: float
    requests: int
    said: dict[str, Any]
    rows: int = 0


def measure(name: str, words: list[str], account: Account, folder: Path) -> Measured:
    """Run ``python -m words`` to its end; its last line on stdout is JSON, ``seconds`` in it are those of its work."""
    account.asked()
    server = account.cpu()
    environment = {**os.environ, **HOME, "DLT_DATA_DIR": str(folder / "dlt")}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
        began = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-m", *words], stdout=out, env=environment)
        try:
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            if process.returncode is None:
                process.kill()
        wall = time.perf_counter() - began
        out.seek(0)
        lines = out.read().strip()
    if process.returncode not in (0, 1):
        raise SystemExit(f"{name} ended with {process.returncode}: {lines[-2000:]}")
    said = json.loads(lines[lines.index("{") :])
    return Measured(
        name,
        wall,
        said.get("seconds", wall),
        used.ru_utime + used.ru_stime,
        account.cpu() - server,
        used.ru_maxrss / 1024,
        account.asked(),
        said,
    )
