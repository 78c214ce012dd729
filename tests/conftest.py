"""What holds for every test: an environment without the developer's own settings, and notes.

A test that counts or measures takes ``note``; what it notes stands below the results of the run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import hypothesis
import pytest

import syncd.state.store
from tests.statements import compiled_once

NOTE = "note"
OWN_VARIABLES = ("STATE_DIRECTORY", "CREDENTIALS_DIRECTORY", "CONFIGURATION_DIRECTORY")

# A busy machine is no failure; a test that hangs is ended by its timeout.
hypothesis.settings.register_profile("syncd", deadline=None)
hypothesis.settings.load_profile("syncd")


@pytest.fixture(scope="session", autouse=True)
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An empty home, no settings, no systemd, no proxy; for the processes of a test as well."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            foreign = name.startswith(("XDG_", "NOTIFY_", "WATCHDOG_", "FASTFAKTURA_"))
            proxy = name.lower().endswith("_proxy")
            settings = name.startswith("SYNCD_") and name != "SYNCD_RETAIL_DATA"
            if foreign or proxy or settings or name in OWN_VARIABLES:
                patch.delenv(name)
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("TZ", "UTC")
        patch.setenv("NO_COLOR", "1")
        yield


@pytest.fixture(scope="session", autouse=True)
def statements() -> Iterator[None]:
    """Have each statement on a state compiled once, whatever the number of states."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(syncd.state.store, "_engine", compiled_once(syncd.state.store._engine))
        yield


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Puts a sentence below the results: what was counted or measured."""

    def put(sentence: str) -> None:
        request.node.user_properties.append((NOTE, sentence))

    return put


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    notes = [
        value
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        if report.when == "call"
        for name, value in report.user_properties
        if name == NOTE
    ]
    if os.environ.get("ODOO") == "absent":
        notes.append("!! SKIPPED: ODOO=absent; nothing was tried on a real Odoo")
    if notes:
        terminalreporter.section("counted and measured")
        for sentence in notes:
            terminalreporter.write_line(sentence)
