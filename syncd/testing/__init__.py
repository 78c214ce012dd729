"""A conformance kit: the tests every connector must pass, taken from ``syncd.connector``.

::

    class TestMyBooks(ConnectorConformance):
        @pytest.fixture
        def fresh(self, tmp_path):
            return lambda: MyConnector(MyConnector.Settings(path=tmp_path), my_context)

``fresh`` makes one more connector to the same books, which are empty when a test begins. What a
connector does not declare is skipped. Needs pytest; nothing of syncd that runs imports this.
"""

import pytest

pytest.register_assert_rewrite("syncd.testing.bench", "syncd.testing.conformance")

from syncd.testing.bench import Bench, Samples  # noqa: E402 - asserts are rewritten on import
from syncd.testing.conformance import ConnectorConformance  # noqa: E402 - as above

__all__ = ["Bench", "ConnectorConformance", "Samples"]
