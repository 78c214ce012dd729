"""A first load that is killed, by SIGKILL in a process of its own, goes on where it was."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from syncd.sandbox import change
from syncd.sandbox.data import made_up

from .conftest import Start
from .support import assert_in_step, requests

CHILD = """
import sys
from pathlib import Path
from tests.pull.support import Puller, api_of
api = api_of(sys.argv[1], sys.argv[2], pool=4)
Puller(Path(sys.argv[3]), api).pull()
"""

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("order", ["newest", "oldest", "none"])
@pytest.mark.parametrize("at", [15, 200, 420])
def test_a_killed_first_load_goes_on_without_asking_again(start: Start, order: str, at: int) -> None:
    sandbox, puller = start(made_up(clients=30, invoices=400), order=order, page_size=20)
    puller.close()
    command = [sys.executable, "-c", CHILD, sandbox.base_url, sandbox.key, str(puller.folder)]
    child = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    sandbox.after(at, lambda: child.send_signal(signal.SIGKILL))
    assert child.wait() == -signal.SIGKILL
    httpx.get(sandbox.root + "/_sandbox/requests")  # the server reads in turn: it has read all that was sent before
    puller.__post_init__()
    stored = {i for i in puller.records("invoice") if puller.row(i).detail_print is not None}
    requests(sandbox)
    puller.pull()
    asked = [line.rsplit("/", 1)[1] for line in sandbox.traffic.log if "/invoices/" in line]
    assert len(asked) == len(set(asked))
    assert not stored & set(asked)
    assert_in_step(puller, sandbox)


def test_a_walk_interrupted_resumes_where_the_ids_overlap(start: Start) -> None:
    sandbox, puller = start(made_up(clients=30, invoices=400), page_size=20)

    class After:
        def is_set(self) -> bool:
            return sandbox.traffic.total >= 14

    puller.pull(stop=After())
    requests(sandbox)
    puller.pull()
    first = next(line for line in sandbox.traffic.log if "/invoices?page" in line)
    assert int(first.rpartition("=")[2]) > 1
    assert_in_step(puller, sandbox)


def test_a_walk_interrupted_starts_again_where_they_do_not(start: Start) -> None:
    sandbox, puller = start(made_up(clients=0, invoices=0), page_size=5)
    ids = [change.insert(sandbox.account, {"status": "paid"}).id for _ in range(100)]

    class After:
        def is_set(self) -> bool:
            return sandbox.traffic.total >= 16

    puller.pull(stop=After())
    had = list(puller.records("invoice"))
    assert 5 < len(had) < 60
    for invoice_id in had[5:]:
        sandbox.account.vanish(invoice_id)
    requests(sandbox)
    puller.pull()
    pages = [line for line in sandbox.traffic.log if "/invoices?page" in line]
    assert pages[1].endswith("page=1")
    assert set(puller.records("invoice")) == set(sandbox.account.invoices)
    assert len(ids) - len(had) + 5 == len(sandbox.account.invoices)
