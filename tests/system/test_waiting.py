"""A source that asks to be left alone for a while, and one that is read for a long time: what is asked, and is told."""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import time
from typing import Any

import orjson
import pytest

from syncd.cli.console import when
from syncd.sandbox.options import Fault
from tests.daemon.process import until
from tests.system.company import Company
from tests.system.conftest import Found
from tests.system.expected import assert_equal

MOMENT = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


def asks_to_wait(company: Company, **how: Any) -> None:
    company.sandbox.change(faults=(Fault("rate_limited", seconds=3600.0, **how),))


def source(company: Company) -> dict[str, Any]:
    told: dict[str, Any] = company.syncd("status", "--json").document["sources"][0]
    return told


def earlier(company: Company, seconds: int) -> None:
    """Let the source have asked to wait so much earlier."""
    with sqlite3.connect(company.state) as connection:
        (text,) = connection.execute("SELECT value FROM cursor WHERE name = 'wait'").fetchone()
        asked_at, end, where = orjson.loads(text)
        moved = orjson.dumps([asked_at - seconds, end - seconds, where]).decode()
        connection.execute("UPDATE cursor SET value = ? WHERE name = 'wait'", [moved])
    connection.close()


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_source_that_asks_to_wait_is_not_asked_before(found: Found, form: str) -> None:
    company = found()
    asks_to_wait(company, retry_after=form)
    began = time.time()
    said = company.process("run")
    assert said.code == 3
    (end,) = re.findall(rf"slow down \(429\).* asks to wait until ({MOMENT})", said.err)
    waits = source(company)["waits_until"]
    assert end == when(waits)
    assert began + 3590 < waits < time.time() + 3602
    company.sandbox.change(faults=())
    company.requests()
    again = company.process("run")
    assert again.code == 3
    assert re.search(rf"asked at {MOMENT} to wait until {end}; nothing was asked", again.err), again
    assert not company.requests()
    status = company.syncd("status")
    assert status.code == 1
    assert re.search(rf"failed source main: it asked at {MOMENT} to wait until {end}\.", status.out), status


def test_force_asks_all_the_same_and_an_answer_ends_the_wait(found: Found) -> None:
    company = found()
    asks_to_wait(company)
    company.run(code=3)
    company.run("--force", code=3)
    company.sandbox.change(faults=())
    company.run("--force")
    assert_equal(company)
    assert (source(company)["waits_until"], source(company)["error"]) == (None, None)
    company.run()


def test_a_wait_ends_when_its_time_has_passed(found: Found) -> None:
    company = found()
    asks_to_wait(company)
    company.run(code=3)
    company.sandbox.change(faults=())
    earlier(company, 3500)
    company.run(code=3)
    earlier(company, 150)
    assert source(company)["waits_until"] is None
    company.run()


def test_a_wait_that_a_clock_far_ahead_left_behind_holds_nobody_up(found: Found) -> None:
    company = found()
    asks_to_wait(company)
    company.run(code=3)
    company.sandbox.change(faults=())
    earlier(company, -10 * 86_400)
    company.run()


def test_a_wait_is_that_of_the_address_that_asked_for_it(found: Found) -> None:
    company = found()
    asks_to_wait(company)
    company.run(code=3)
    company.sandbox.change(faults=())
    company.base_url = company.sandbox.base_url.replace("127.0.0.1", "localhost")
    company.configure()
    company.run()


def test_status_tells_of_a_first_load_that_is_going_on(found: Found) -> None:
    company = found(latency=0.1, source={"concurrency": 1})
    log = company.folder / "log"
    began = int(time.time())
    with log.open("wb") as file, subprocess.Popen(company.command("serve"), stdout=file, stderr=file) as daemon:
        until(lambda: company.sandbox.traffic.counts["GET /invoices/{id}"] > 1 or daemon.poll() is not None)
        said, told = company.syncd("status"), source(company)
        assert began <= told["reading_since"] <= time.time()
        begins = f"A run is going on since {when(told['reading_since'])}: source main is read; the mirror holds "
        (held,) = re.findall(re.escape(begins) + r"(\d+) records? so far", said.out)
        assert 0 < int(held) <= sum(sum(each.values()) for each in told["records"].values())
        assert "Nothing has run yet" not in said.out
        daemon.send_signal(signal.SIGKILL)
    assert source(company)["reading_since"] is None, "it was killed"
    assert "Nothing has run yet" in company.syncd("status").out
    company.sandbox.change(latency=0.0)
    company.run()
    assert source(company)["reading_since"] is None
