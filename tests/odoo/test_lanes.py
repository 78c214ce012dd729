"""A batch shared out to several connections."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connectors.odoo.lanes import FEW, shares
from syncd.connector import Entry
from syncd.model import Kind


def entries(sizes: list[int], kind: Kind = "invoice") -> list[Entry]:
    return [
        Entry(1000 - number, "create", kind, str(number), "m", "k", b"x" * size) for number, size in enumerate(sizes)
    ]


@given(sizes=st.lists(st.integers(1, 5000), max_size=200), lanes=st.integers(1, 8))
def test_each_entry_is_in_one_share_and_in_order(sizes: list[int], lanes: int) -> None:
    batch = entries(sizes)
    found = shares(batch, lanes)
    assert sorted(int(entry.id) for share in found for entry in share) == list(range(len(sizes)))
    for share in found:
        assert [int(entry.id) for entry in share] == sorted(int(entry.id) for entry in share)


@given(sizes=st.lists(st.integers(1, 5000), min_size=4 * FEW, max_size=200), lanes=st.integers(2, 4))
def test_no_share_is_larger_than_another_by_more_than_one_entry(sizes: list[int], lanes: int) -> None:
    found = [sum(len(entry.payload) for entry in share) for share in shares(entries(sizes), lanes)]
    assert len(found) == lanes
    assert max(found) - min(found) <= max(sizes)


def test_a_few_entries_and_contacts_stay_together() -> None:
    assert len(shares(entries([9] * (2 * FEW - 1)), 2)) == 1
    assert len(shares(entries([9] * 400, "client"), 2)) == 1
    assert shares([], 2) == [[]]
