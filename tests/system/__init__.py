"""Tests of the whole program: its command line, a served account over HTTP, a state in SQLite, a ledger in a folder."""

import pytest

pytest.register_assert_rewrite("tests.system.company", "tests.system.expected")
