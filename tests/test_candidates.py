"""Who gets a candidate that several records fit: the one that fits best, whoever was asked first, or nobody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.state import observations
from syncd.state.store import Store
from syncd.state.tables import observation

Claim = tuple[str, str, str]
"""Record, candidate, and how it was found."""

BY_STRENGTH = ("mark", "external_id", "number", "email", "name")
NAMES = st.sampled_from("abcd")
CLAIMS = st.dictionaries(st.tuples(NAMES, NAMES), st.sampled_from(BY_STRENGTH), max_size=10).map(
    lambda found: [(record, there, how) for (record, there), how in found.items()]
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder: Path = tmp_path_factory.mktemp("state")
    with closing(Store(f"sqlite:///{folder / 'state.db'}")) as one:
        yield one


def left(store: Store, claims: list[Claim]) -> set[Claim]:
    """Keep claims in this order, and give what is left of them."""
    rows = [
        {"kind": "client", "id": record, "external_id": there, "role": how, "version": None, "by_hand": True}
        for record, there, how in claims
    ]
    with store.write() as connection:
        connection.execute(sa.delete(observation))
        observations.observe(connection, "books", [{**row, "differs": "{}", "seen_at": 0} for row in rows])
        observations.leave_strongest(connection, "books", BY_STRENGTH)
        found = connection.execute(sa.select(observation.c.id, observation.c.external_id, observation.c.role))
        return {(record, there, how) for record, there, how in found}


def test_the_stronger_way_has_it_and_the_other_has_what_is_left(store: Store) -> None:
    both = [("acme", "7", "name"), ("xyz", "7", "email")]
    assert left(store, both) == left(store, both[::-1]) == {("xyz", "7", "email")}
    marked = [*both, ("xyz", "8", "mark")]
    assert left(store, marked) == {("xyz", "8", "mark"), ("acme", "7", "name")}, "what has its own claims no other"


def test_what_several_fit_alike_is_contested_for_all_of_them(store: Store) -> None:
    alike = [("acme", "7", "email"), ("xyz", "7", "email"), ("else", "7", "name")]
    assert left(store, alike) == {("acme", "7", "contested"), ("xyz", "7", "contested")}


@settings(deadline=None)
@given(CLAIMS, st.randoms())
def test_who_gets_what_does_not_depend_on_who_was_asked_first(
    store: Store, claims: list[Claim], chance: Random
) -> None:
    found = left(store, claims)
    assert left(store, chance.sample(claims, len(claims))) == found
    alone = [there for _, there, how in found if how not in ("mark", "contested")]
    assert len(alone) == len(set(alone))
    how_strong = {how: place for place, how in enumerate(BY_STRENGTH)}
    for record, there, how in claims:
        if not {(record, there, how), (record, there, "contested")} & found:
            better = [one for one in claims if record == one[0] or there == one[1]]
            assert any(how_strong[one[2]] < how_strong[how] for one in better)
