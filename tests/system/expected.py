"""What a ledger must hold, whatever dress the account's answers are in; it shares nothing with syncd."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from syncd.sandbox.options import Options
from tests.crash import oracle
from tests.system.company import Company, Json, Rows

PLAIN = Options()
DRESS = (
    *("event_kind_key", "event_time_key", "event_dotted", "event_ids", "event_stamp", "issued_key", "created_at"),
    *("paid_at", "stamp", "events_in_detail", "signed_public_url", "faults", "latency"),
)
"""The options that change how a record looks, or whether it is answered at all."""


def dump(company: Company) -> Json:
    """Read all the account holds, in the dress of its answers."""
    found: Json = httpx.get(f"{company.sandbox.root}/_sandbox/dump").json()
    return found


def plain_dump(company: Company) -> Json:
    """Read all the account holds, as the vendor documents it, with the oracle's events."""
    options = company.sandbox.options
    company.sandbox.change(**{name: getattr(PLAIN, name) for name in DRESS})
    try:
        return dump(company)
    finally:
        company.sandbox.change(**{name: getattr(options, name) for name in DRESS})


def assert_equal(company: Company) -> None:
    """Assert that the ledger is what the account says, row by row and in order."""
    wanted, shown = oracle.tables(plain_dump(company)), dump(company)
    for table in ("clients", "invoices", "invoice_lines", "payments"):
        found = company.rows(f"{table}.csv")
        if table == "invoices":
            found = [unsigned(row) for row in found]
        assert found == wanted[table][1:], f"{table}.csv: {unlike(found, wanted[table][1:])}"
    assert_events(company, wanted["events"][1:], shown)


def assert_soon_equal(company: Company) -> None:
    """Assert that the ledger is equal; where rows change places with every request, after some more rounds."""
    for _ in range(10 if company.sandbox.options.order == "unstable" else 0):
        with contextlib.suppress(AssertionError):
            assert_equal(company)
            return
        company.run("--full")
    assert_equal(company)


def assert_invoices_equal(company: Company) -> None:
    """Assert that each invoice stands as it is at the source, but for its client's name, with its lines and payment."""
    wanted = oracle.tables(plain_dump(company))
    assert [row[:3] + row[4:] for row in company.rows("invoices.csv")] == [
        row[:3] + row[4:] for row in wanted["invoices"][1:]
    ]
    for table in ("invoice_lines", "payments"):
        found = company.rows(f"{table}.csv")
        assert found == wanted[table][1:], f"{table}.csv: {unlike(found, wanted[table][1:])}"


def assert_events(company: Company, wanted: Rows, shown: Json) -> None:
    """Assert that events hold the right kind, time and JSON; their ids where there are any."""
    options, zone = company.sandbox.options, ZoneInfo(shown["business"]["timezone"])
    found = company.rows("events.csv")
    assert found_of(found, zone, options) == found_of(wanted, zone, options)
    raw = [
        (one["id"], oracle.in_order(event))
        for one in shown["invoices"]
        if one["status"] != "draft"
        for event in told(one, company)
    ]
    assert Counter((row[0], oracle.in_order(json.loads(row[5]))) for row in found) == Counter(raw)


def told(invoice: Json, company: Company) -> list[Any]:
    """Give the events of an invoice, which some accounts tell at an address of their own only."""
    if "events" in invoice:
        return list(invoice["events"])
    headers = {"X-Api-Key": company.sandbox.key}
    answer = httpx.get(f"{company.sandbox.base_url}/invoices/{invoice['id']}/events", headers=headers).json()
    if isinstance(answer, list):
        return answer
    return next(value for value in answer.values() if isinstance(value, list))


def found_of(rows: Rows, zone: ZoneInfo, options: Options) -> Counter[tuple[str, ...]]:
    """Count events by invoice, kind, moment (a day where the account tells no time) and id."""
    return Counter(
        (
            *row[:3],
            datetime.fromisoformat(row[3]).astimezone(zone).date().isoformat()
            if options.event_stamp == "date"
            else row[3],
            row[4] if options.event_ids else "",
        )
        for row in rows
    )


def unsigned(row: list[str]) -> list[str]:
    """Take the signature off an invoice's address."""
    return [*row[:12], row[12].partition("?")[0], *row[13:]]


def unlike(found: Rows, wanted: Rows) -> str:
    """Say in a few words how tables differ."""
    one, other = Counter(map(tuple, found)), Counter(map(tuple, wanted))
    extra, missing = list((one - other).elements()), list((other - one).elements())
    return (
        f"{len(extra)} rows too many {extra[:3]}, {len(missing)} missing {missing[:3]}"
        if extra or missing
        else "out of order"
    )


def counted(document: Mapping[str, Any]) -> Counter[str]:
    """Count the problems of a run by their codes."""
    return Counter(one["code"] for one in document["problems"])
