"""Whatever habits the source has, the ledger is the same: envelopes, pages, orders, events and dates in any dress."""

from __future__ import annotations

import random
from typing import Any, get_args

import pytest

from syncd.sandbox import options as shapes
from syncd.sandbox.data import made_up
from syncd.sandbox.life import live
from tests.system.conftest import Found
from tests.system.expected import assert_soon_equal

CHOICES: dict[str, tuple[Any, ...]] = {
    "envelope": get_args(shapes.Envelope),
    "paging": get_args(shapes.Paging),
    "order": ("newest", "oldest", "none"),  # one that changes with each request may rightly be held: tests/pull
    "past_end": get_args(shapes.PastEnd),
    "before_first": get_args(shapes.BeforeFirst),
    "first_page": (0, 1),
    "page_size": (1, 7, 50),
    "ignore_status": (False, True),
    "refuse_unknown_status": (False, True),
    "event_kind_key": get_args(shapes.KindKey),
    "event_time_key": get_args(shapes.TimeKey),
    "event_dotted": (False, True),
    "event_ids": (True, False),
    "event_stamp": get_args(shapes.Stamp),
    "issued_key": get_args(shapes.IssuedKey),
    "created_at": (False, True),
    "paid_at": (False, True),
    "stamp": get_args(shapes.Stamp),
    "events_in_detail": (True, False),
    "signed_public_url": (False, True),
    "etag": get_args(shapes.Etag),
}
MIXES = 30


def mixes() -> list[dict[str, Any]]:
    """Mix the options so that each value of each option comes about equally often."""
    rng = random.Random("habits")
    columns = {}
    for name, values in CHOICES.items():
        column = [values[place % len(values)] for place in range(MIXES)]
        rng.shuffle(column)
        columns[name] = column
    return [{name: column[place] for name, column in columns.items()} for place in range(MIXES)]


@pytest.mark.parametrize(
    "mix", mixes(), ids=lambda mix: f"{mix['envelope']}-{mix['paging']}-{mix['order']}-{mix['past_end']}"
)
def test_the_ledger_is_the_same_whatever_habits_the_source_has(mix: dict[str, Any], found: Found) -> None:
    company = found(made_up(seed=21, clients=5, invoices=18), **mix)
    company.run()
    assert_soon_equal(company)
    live(company.sandbox.account, seed=2, share=0.3)
    company.run("--full")
    assert_soon_equal(company)
    assert company.reconcile() == []
