"""A real Odoo for the tests that ask for one: the newest and Odoo 14 (``ODOO_SERIES`` names one of them).

``ODOO=absent`` skips these tests. A server that cannot be had skips them too, and says so, or with ``ODOO_REQUIRED=1``
(``make test-odoo``) fails them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from connectors.odoo.client import Odoo
from tests.crash.forks import Forks
from tests.odoo import place
from tests.odoo.place import NoServer, Place
from tests.odoo.stage import Moments, moments, warm


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
