"""The time zone in which dates are days: what FastFaktura's profile says of it, and what that may change."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from syncd.sandbox.account import Account
from syncd.sandbox.change import insert
from syncd.sandbox.data import made_up
from syncd.sandbox.options import Fault
from tests.system.company import Company, Json, csvs
from tests.system.conftest import Found
from tests.system.test_holds import held

LATE = datetime(2026, 3, 14, 23, 30, tzinfo=UTC)
"""In Oslo it is the next day."""


def account_near_midnight(**profile: Any) -> Account:
    """An account with one invoice that was issued and paid late in the evening; its profile says this."""
    account = made_up(seed=3, clients=2, invoices=1)
    account.clock = LATE.timestamp
    insert(account, {"number": "LATE", "status": "paid"})
    account.clock = time.time
    account.business = {"name": "Midnatt AS", **profile}
    return account


def day(company: Company) -> str:
    """The day on which the ledger says that the late invoice was issued and paid."""
    (row,) = [row for row in company.rows("invoices.csv") if row[1] == "LATE"]
    assert row[9] == row[11]
    return row[9]


def told(company: Company, command: str) -> str:
    """What a command says of the zone, whatever it exits with."""
    return next(line for line in company.syncd(command).out.splitlines() if "dates are days in" in line)


def codes(document: Json) -> list[str]:
    return [one["code"] for one in document["problems"]]


@pytest.mark.parametrize("status", [404, 410])
def test_a_profile_that_cannot_be_read_moves_no_date(found: Found, status: int) -> None:
    company = found(account_near_midnight(timezone="Europe/Oslo"))
    company.run()
    before = csvs(company)
    company.sandbox.change(faults=[Fault("status_5xx", path="/business", status=status)])
    assert codes(company.run("--full", code=1)) == ["zone_unclear"]
    assert codes(company.run(code=1)) == ["zone_unclear"]
    assert csvs(company) == before
    assert day(company) == "2026-03-15"
    assert "Europe/Oslo (the company's profile in FastFaktura)" in told(company, "status")
    assert company.syncd("check").code == 1
    company.sandbox.change(faults=[])
    assert codes(company.run()) == []


@pytest.mark.parametrize(
    "profile",
    [{"error": "maintenance"}, {"timezone": ""}, {"timezone": None}, {"timezone": "W. Europe Standard Time"}],
)
def test_a_profile_that_forgets_its_zone_moves_no_date(found: Found, profile: Json) -> None:
    company = found(account_near_midnight(timezone="Europe/Oslo"))
    company.run()
    before = csvs(company)
    company.sandbox.account.business = profile
    document = company.run("--full", code=1)
    (problem,) = document["problems"]
    assert (problem["code"], problem["parameters"]["zone"]) == ("zone_unclear", "Europe/Oslo")
    assert str(profile.get("timezone") or "nothing") in problem["sentence"]
    assert csvs(company) == before
    company.configure(source={"timezone": "Europe/Oslo"})
    assert codes(company.run()) == []
    assert csvs(company) == before


def test_a_zone_that_was_never_understood_is_told_and_one_that_is_put_right_counts_at_once(found: Found) -> None:
    company = found(account_near_midnight(timezone="(GMT+01:00) Oslo"))
    assert codes(company.run(code=1)) == ["zone_unclear"]
    assert day(company) == "2026-03-14"
    assert "UTC (" in told(company, "status")
    checked = company.syncd("check")
    assert (checked.code, "(GMT+01:00) Oslo" in checked.out) == (1, True)
    company.sandbox.account.business = {"timezone": "Europe/Oslo"}
    assert "Europe/Oslo" in told(company, "check")
    assert codes(company.run()) == []
    assert day(company) == "2026-03-15"
    assert company.syncd("check").code == 0


def test_a_profile_that_names_no_zone_leaves_dates_in_utc_and_is_no_problem(found: Found) -> None:
    company = found(account_near_midnight())
    assert codes(company.run()) == []
    assert day(company) == "2026-03-14"
    assert "UTC (neither the settings nor" in told(company, "check")
    assert "UTC (neither the settings nor" in told(company, "status")
    (source,) = company.syncd("status", "--json").document["sources"]
    assert (source["timezone"], source["timezone_from"]) == ("UTC", "default")


def test_the_zone_of_the_settings_wins_over_whatever_the_profile_says(found: Found) -> None:
    company = found(account_near_midnight(timezone="America/New_York"), source={"timezone": "Europe/Oslo"})
    company.run()
    assert day(company) == "2026-03-15"
    company.sandbox.account.business = {"timezone": "nonsense"}
    assert codes(company.run("--full")) == []
    assert "Europe/Oslo (`timezone` of the source)" in told(company, "check")


@pytest.mark.parametrize("way", ["release", "set back", "settings"])
def test_another_zone_in_the_profile_is_held_before_a_date_moves(found: Found, way: str) -> None:
    company = found(account_near_midnight(timezone="Europe/Oslo"))
    company.run()
    before = csvs(company)
    company.sandbox.account.business = {"timezone": "America/New_York"}
    assert company.syncd("check").code == 1
    assert held(company.run("--full", code=5)) == {"zone_changed"}
    assert held(company.run(code=5)) == {"zone_changed"}
    assert csvs(company) == before
    assert "Europe/Oslo" in told(company, "status")
    if way == "release":
        company.syncd("release", "main")
    elif way == "set back":
        company.sandbox.account.business = {"timezone": "Europe/Oslo"}
    else:
        company.configure(source={"timezone": "Europe/Oslo"})
    company.run()
    assert day(company) == ("2026-03-14" if way == "release" else "2026-03-15")
    assert company.syncd("status").code == 0
    assert held(company.run("--full")) == set()
