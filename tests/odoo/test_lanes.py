"""A batch shared out to several connections."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.odoo.connector import WRITERS, OdooConnector
from connectors.odoo.lanes import FEW, shares
from connectors.odoo.settings import OdooSettings
from syncd.connector import Done, Entry, Outcome, Unknown
from syncd.errors import NotSent, Unreachable
from syncd.model import Kind
from syncd.secret import Secret
from tests.hostile.fixtures import context
from tests.odoo.standin.server import Server

Lane = Callable[[Sequence[Entry]], Iterator[tuple[int, Outcome]]]
SPOILT = 2 * FEW - 1
"""The id of the last entry; the other lane has nothing to do with it."""


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


@pytest.fixture
def written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Lane], Iterator[tuple[int, Outcome]]]]:
    """Two connections to books that stand, and what came of a batch that was written over them in some way."""
    with Server("latest") as server, closing(server.place()) as place:
        key = Secret(place.sync_key)
        settings = OdooSettings(url=place.url, database=place.database, api_key=key, connections=2)
        connector = OdooConnector(settings, context(tmp_path))
        connector.open()

        def write(lane: Lane) -> Iterator[tuple[int, Outcome]]:
            monkeypatch.setitem(WRITERS, "invoice", lambda *given: lane(given[-1]))
            return connector.write(iter(entries([9] * (2 * FEW))))

        yield write
        connector.close()


def test_an_error_that_nobody_foresaw_in_one_lane_is_raised_once_the_others_are_told(
    written: Callable[[Lane], Iterator[tuple[int, Outcome]]],
) -> None:
    def lane(share: Sequence[Entry]) -> Iterator[tuple[int, Outcome]]:
        for entry in share:
            if entry.id == str(SPOILT):
                raise KeyError("a bug of ours")
            yield entry.number, Done(entry.id)

    outcomes: dict[int, Outcome] = {}
    with pytest.raises(KeyError, match="a bug of ours"):
        outcomes.update(written(lane))
    assert len(outcomes) == 2 * FEW - 1
    assert all(isinstance(outcome, Done) for outcome in outcomes.values())


def test_what_was_on_its_way_in_a_lane_that_broke_is_in_doubt_and_the_others_are_told(
    written: Callable[[Lane], Iterator[tuple[int, Outcome]]],
) -> None:
    def lane(share: Sequence[Entry]) -> Iterator[tuple[int, Outcome]]:
        for entry in share:
            if entry.id == str(SPOILT):
                raise Unreachable("the connection broke")
            yield entry.number, Done(entry.id)

    outcomes = dict(written(lane))
    assert len(outcomes) == 2 * FEW
    assert outcomes[1000 - SPOILT] == Unknown("the connection broke")


def _unsent() -> Iterator[tuple[int, Outcome]]:
    raise NotSent("nothing was sent")


def test_where_one_lane_sent_nothing_and_another_broke_the_batch_is_not_called_unsent(
    written: Callable[[Lane], Iterator[tuple[int, Outcome]]],
) -> None:
    def lane(share: Sequence[Entry]) -> Iterator[tuple[int, Outcome]]:
        for entry in share:
            if entry.id == str(SPOILT):
                raise Unreachable("the answer was lost")
        yield from _unsent()

    with pytest.raises(Unreachable, match="the answer was lost"):
        list(written(lane))
