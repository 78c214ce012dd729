"""A list that shifts while it is walked: nothing is missed, whatever its order and wherever rows come and go."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from syncd.errors import Missing
from syncd.fastfaktura import Listing, Read

from .support import Puller

STEPS = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 100), st.integers(-3, 3)),
    max_size=8,
)

PAST_END = ["empty", "not_found", "repeat_last", "repeat_first", "begin_anew"]


class Shifting:
    """A source whose list of invoices changes between any two requests, as ``steps`` say.

    A step (wait, place, number): after so many page requests, so many rows come (go) at that place in per cent.
    """

    def __init__(self, size: int, rows: int, order: str, past_end: str, steps: list[tuple[int, int, int]]) -> None:
        self.size, self.order, self.past_end = size, order, past_end
        self.list = [f"{number:05d}" for number in range(rows)]
        self.made = rows
        self.steps = list(steps)
        self.waited = 0
        self.details = 0

    def shift(self) -> None:
        self.waited += 1
        while self.steps and self.waited > self.steps[0][0]:
            _, place, number = self.steps.pop(0)
            self.waited = 0
            at = len(self.list) * place // 100
            if number < 0:
                del self.list[at : at - number]
                continue
            # In order, new ones come at the end only; without, anywhere.
            at = at if self.order == "none" else len(self.list)
            self.list[at:at] = [f"{self.made + extra:05d}" for extra in range(number)]
            self.made += number

    def row(self, name: str) -> dict[str, Any]:
        number = name if self.order != "none" else str(hash(name) % 1000)
        status = "paid" if int(name) % 3 else "sent"
        return {"id": name, "number": number, "client_id": "c", "status": status}

    def invoices(self, page: int, status: str | None = None, **_: Any) -> Listing:
        self.shift()
        ids = self.list[::-1] if self.order == "newest" else self.list
        if status is not None:
            ids = [each for each in ids if self.row(each)["status"] == status]
        last = max(1, -(-len(ids) // self.size))
        if page > last and self.past_end == "not_found":
            raise Missing("no such page", 404)
        if page > last and self.past_end == "repeat_last":
            page = last
        elif page > last and self.past_end == "repeat_first":
            page = 1
        elif page > last and self.past_end == "begin_anew":
            page = (page - 1) % last + 1
        start = max(page - 1, 0) * self.size
        return Listing([self.row(each) for each in ids[start : start + self.size]])

    def clients(self, page: int, **_: Any) -> Listing:
        return Listing([{"id": "c", "name": "Client"}] if page < 2 else [])

    def invoice(self, name: str, **_: Any) -> Read:
        if name not in self.list:
            raise Missing("no such invoice", 404)
        self.details += 1
        record = self.row(name) | {"lines": [], "events": []}
        return Read(record, orjson.dumps(record), (None, None))

    def client(self, name: str) -> bytes:
        return orjson.dumps({"id": name, "name": "Client"})

    def business(self) -> dict[str, Any]:
        return {}


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    size=st.integers(1, 8),
    rows=st.integers(0, 40),
    order=st.sampled_from(["newest", "oldest", "none"]),
    past_end=st.sampled_from(PAST_END),
    steps=STEPS,
)
def test_a_walk_over_any_shifting_list_misses_nothing(
    size: int, rows: int, order: str, past_end: str, steps: list[tuple[int, int, int]]
) -> None:
    source = Shifting(size, rows, order, past_end, steps)
    with tempfile.TemporaryDirectory() as folder:
        puller = Puller(Path(folder), source, concurrency=2)
        try:
            puller.pull()
            before = set(source.list)
            while source.steps:
                puller.pull(full=True)
            puller.pull(full=True, released=frozenset({"walk_too_short", "account_changed"}))
            if order != "none":
                # What came last was caught by the growing end or a walk; a round more changes nothing.
                assert set(puller.records("invoice")) == set(source.list)
            read = source.details
            puller.pull(full=True, released=frozenset({"walk_too_short", "account_changed"}))
            assert set(puller.records("invoice")) == set(source.list)
            assert source.details - read <= sum(int(each) % 3 == 0 for each in source.list)
            assert before is not None
        finally:
            puller.close()


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    size=st.integers(2, 8),
    rows=st.integers(0, 40),
    order=st.sampled_from(["newest", "oldest"]),
    past_end=st.sampled_from(PAST_END),
    steps=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 100), st.integers(1, 5)), max_size=6),
)
@example(
    size=2, rows=0, order="oldest", past_end="empty",
    steps=[(10, 0, 1), (3, 0, 1), (2, 0, 3), (8, 0, 3), (10, 0, 1), (2, 0, 2)],
)  # fmt: skip
def test_ordinary_cycles_see_all_that_comes_in_a_list_with_an_order(
    size: int, rows: int, order: str, past_end: str, steps: list[tuple[int, int, int]]
) -> None:
    source = Shifting(size, rows + 8, order, past_end, steps)
    with tempfile.TemporaryDirectory() as folder:
        puller = Puller(Path(folder), source, concurrency=2)
        try:
            puller.pull()
            while source.steps:
                puller.pull()
            puller.pull()
            puller.pull()
            assert set(puller.records("invoice")) == set(source.list)
        finally:
            puller.close()


@pytest.mark.parametrize("past_end", PAST_END)
@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_the_growing_end_stays_short_and_sees_what_comes_wherever_rounds_end(
    tmp_path: Path, order: str, past_end: str
) -> None:
    """Rounds go in slices of a page or two, so that they end at every place past the end."""
    source = Shifting(4, 41, order, past_end, [])
    puller = Puller(tmp_path, source, concurrency=2)
    try:
        puller.pull()
        for cycle in range(60):
            came = [(0, 100, 1)] if cycle % 3 == 0 else []
            source.steps, source.waited = list(came), 1
            pulled = puller.pull(after=100)
            assert (pulled.new, puller.learnt("order")) == (len(came), order)
            assert pulled.requests["growing"] <= 4
        assert puller.pull().requests["growing"] <= (1 if order == "newest" else 3)
        assert set(puller.records("invoice")) == set(source.list)
    finally:
        puller.close()
