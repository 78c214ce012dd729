"""Counting what a walk has shown: right for few, near for many, and never dearer."""

from __future__ import annotations

import sys

from hypothesis import given
from hypothesis import strategies as st

from syncd.pull.distinct import SLOTS, Distinct


@given(st.lists(st.integers(0, 3000), max_size=400))
def test_few_ids_are_counted_to_within_a_hundredth(numbers: list[int]) -> None:
    one = Distinct()
    one.add(f"invoice-{number}" for number in numbers)
    assert abs(len(one) - len(set(numbers))) <= 1 + len(set(numbers)) // 100


def test_ids_beyond_the_slots_are_counted_to_within_a_twentieth_in_the_same_memory() -> None:
    one = Distinct()
    small = sum(map(sys.getsizeof, vars(one).values()))
    many = 4 * SLOTS
    for _ in range(2):
        one.add(f"invoice-{number}" for number in range(many))
    assert abs(len(one) / many - 1) < 0.05
    assert not one.full
    assert sum(map(sys.getsizeof, vars(one).values())) <= small + 64
