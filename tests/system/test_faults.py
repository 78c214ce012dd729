"""A source in trouble: what it does not answer today is in the ledger tomorrow, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.sandbox.data import made_up
from syncd.sandbox.life import live
from tests.system.conftest import Found
from tests.system.expected import assert_equal, counted

PASSING: dict[str, dict[str, Any]] = {
    "status_5xx": {"every": 4, "times": 6, "status": 500},
    "bad_gateway": {"kind": "html_error", "every": 5, "times": 4},
    "rate_limited": {"every": 6, "times": 2, "seconds": 1, "retry_after": "seconds"},
    "rate_limited_until": {"kind": "rate_limited", "every": 9, "times": 1, "seconds": 1, "retry_after": "date"},
    "rate_limited_for_long": {"kind": "rate_limited", "every": 7, "times": 2, "retry_after": "none"},
    "drop_before": {"every": 5, "times": 5},
    "drop_after": {"every": 5, "times": 5},
    "drop_midway": {"every": 5, "times": 5},
    "slow": {"every": 10, "times": 3, "seconds": 0.3},
    "truncated_json": {"every": 5, "times": 5},
}


@pytest.mark.parametrize("name", PASSING)
def test_trouble_that_passes_leaves_an_equal_ledger(name: str, found: Found) -> None:
    company = found(made_up(seed=41, clients=5, invoices=16), page_size=5)
    company.sandbox.change(faults=[{"kind": name, **PASSING[name]}])
    company.run(code=None)
    live(company.sandbox.account, seed=1, share=0.3)
    company.run(code=None)
    company.sandbox.change(faults=[])
    company.run("--full")
    assert_equal(company)
    assert company.reconcile() == []


@pytest.mark.parametrize("kind", ["status_5xx", "drop_before", "drop_midway", "truncated_json", "html_error"])
def test_trouble_that_stays_is_told_with_exit_3_and_what_stands_is_left_alone(
    kind: str, found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncd.http._BACKOFF", lambda _: 0.0)
    company = found(made_up(seed=42, clients=5, invoices=16), page_size=5)
    company.run()
    before = company.bytes_of_ledger()
    live(company.sandbox.account, seed=1, share=0.3)
    company.sandbox.change(faults=[{"kind": kind, "path": "/invoices"}])
    said = company.syncd("run")
    assert said.code == 3, said
    assert "source main" in said.out + said.err
    assert "Traceback" not in said.out + said.err
    assert company.bytes_of_ledger() == before
    company.sandbox.change(faults=[])
    company.run("--full")
    assert_equal(company)


def test_one_invoice_that_cannot_be_read_is_a_problem_and_all_others_are_written(
    found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncd.http._BACKOFF", lambda _: 0.0)
    company = found(made_up(seed=43, clients=5, invoices=16), page_size=5)
    bad = next(one for one in company.sandbox.account.invoices.values() if one.status == "paid")
    company.sandbox.change(faults=[{"kind": "truncated_json", "path": f"/invoices/{bad.id}"}])
    document = company.run(code=1)
    assert counted(document) == {"detail_unreadable": 1}
    assert document["problems"][0]["id"] == bad.id
    assert document["problems"][0]["sentence"].endswith("no whole JSON.")
    assert company.run(code=1)["problems"] == document["problems"]
    issued = {one.number for one in company.sandbox.account.invoices.values() if one.status != "draft"}
    assert set(company.column("invoices.csv", "number")) == issued - {bad.number}
    company.sandbox.change(faults=[])
    company.run()
    assert_equal(company)
