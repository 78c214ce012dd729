"""A real Odoo for the tests that ask for one: the newest and Odoo 14 (``ODOO_SERIES`` names one of them).

``ODOO=absent`` skips these tests. A server that cannot be had skips them too, and says so, or with ``ODOO_REQUIRED=1``
(``make test-odoo``) fails them.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import pytest

from connectors.odoo.client import Odoo
from tests.crash import scenario
from tests.crash.forks import Forks
from tests.odoo import place
from tests.odoo.clerk import Clerk
from tests.odoo.place import NoServer, Place
from tests.odoo.slots import Slot, Slots, slots
from tests.odoo.stage import Moments, moments, served, warm

NUMBERS = itertools.count(1)

LONGEST = ("test_real_data", "test_odoo_crash", "test_killed", "test_answers")
"""They begin first, so that no process is left with one in the end while the others have nothing to do."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of one series after those of the other: two processes then work with a server each."""

    def order(item: pytest.Item) -> tuple[int, int]:
        called = getattr(item, "callspec", None)
        series, name = called.params.get("series") if called else None, item.path.stem
        return place.SERIES.index(series) if series else -1, LONGEST.index(name) if name in LONGEST else len(LONGEST)

    items.sort(key=order)


def pytest_itemcollected(item: pytest.Item) -> None:
    """What needs the server is known by its fixtures; the first start may take minutes."""
    if "series" in getattr(item, "fixturenames", ()):
        item.add_marker("odoo")
        item.add_marker(pytest.mark.timeout(1500))


@pytest.fixture(scope="session", params=place.wanted())
def series(request: pytest.FixtureRequest) -> str:
    """Which Odoo: each test runs on each."""
    return str(request.param)


@pytest.fixture(scope="session")
def server(series: str) -> str:
    """A running server of that series, started by the first test that asks."""
    if os.environ.get("ODOO") == "absent":
        pytest.skip("ODOO=absent: not tried on a real Odoo")
    try:
        place.start(series)
    except NoServer as error:
        if os.environ.get("ODOO_REQUIRED") == "1":
            pytest.fail(f"no Odoo ({series}) could be started:\n{error}", pytrace=False)
        pytest.skip(f"NOT TRIED: no Odoo ({series}) could be started: {error}")
    return series


@pytest.fixture(scope="module")
def odoo(server: str) -> Iterator[Place]:
    """A database for the tests of one module."""
    own = place.fresh(server)
    yield own
    place.drop(own)


@pytest.fixture
def own_odoo(server: str) -> Iterator[Place]:
    """A database for one test."""
    own = place.fresh(server)
    yield own
    place.drop(own)


@pytest.fixture(scope="module")
def admin(odoo: Place) -> Odoo:
    """The administrator."""
    return odoo.admin()


@pytest.fixture(scope="module")
def sync(odoo: Place) -> Odoo:
    """The plain user, with the rights that syncd asks for and no others."""
    return odoo.client()


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory, odoo: Place) -> Iterator[Forks]:
    """A warm process that runs the commands of syncd."""
    with warm(tmp_path_factory.mktemp("forks"), odoo) as running:
        yield running


@pytest.fixture(scope="module")
def source() -> Iterator[Moments]:
    """The account of the crash scenario, at both of its moments."""
    with moments() as both:
        yield both


@pytest.fixture(scope="module")
def slot(tmp_path_factory: pytest.TempPathFactory, server: str, forks: Forks, source: Moments) -> Iterator[Slot]:
    """Books with nothing in them but what an administrator makes once."""
    made = Slot(tmp_path_factory.mktemp("slot"), server, forks, source, "first")
    yield made
    made.close()


@pytest.fixture(scope="module")
def booked_slot(tmp_path_factory: pytest.TempPathFactory, server: str, forks: Forks, source: Moments) -> Iterator[Slot]:
    """Books as the first run leaves them."""
    made = Slot(tmp_path_factory.mktemp("booked"), server, forks, source, "second")
    yield made
    made.close()


@pytest.fixture(scope="module", params=["first", "second"])
def places(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    server: str,
    forks: Forks,
    source: Moments,
) -> Iterator[Slots]:
    """Where faults are tried in the first run, and where in the second."""
    with slots(tmp_path_factory.mktemp("slots"), server, forks, source, request.param, unsettle=True, pdf=True) as made:
        yield made


@pytest.fixture
def clerk(booked_slot: Slot) -> Iterator[Clerk]:
    """The books of the small company after a first run, and somebody who works in them by hand."""
    with served(scenario.first()) as sandbox:
        yield Clerk(booked_slot.again(sandbox=sandbox))


@pytest.fixture
def number() -> str:
    """A number that no other test has."""
    return f"N{next(NUMBERS):04}-"
