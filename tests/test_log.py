"""The log goes to standard error, as JSON lines or for people, and no secret is ever in it."""

from __future__ import annotations

import json
import subprocess
import sys
from textwrap import dedent
from typing import Any


def logged(code: str, form: str = "json", level: str = "info") -> str:
    """Run a program that logs, and give what it wrote to standard error."""
    head = f"""\
    import logging, structlog
    from syncd.log import configure, logger
    configure({form!r}, {level!r}, secrets=["hunter2-hunter2"])
    log = logger(run=7, source="main")
    """
    program = dedent(head) + dedent(code)
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return done.stderr


def events(code: str, level: str = "info") -> list[dict[str, Any]]:
    """Give the JSON lines of a program."""
    return [json.loads(line) for line in logged(code, level=level).splitlines()]


def test_an_event_is_one_json_line_with_what_is_bound() -> None:
    (event,) = events('log.info("page.stored", rows=50)')
    assert event.pop("timestamp").endswith("Z")
    assert event == {"event": "page.stored", "level": "info", "rows": 50, "run": 7, "source": "main"}


def test_secrets_are_masked_wherever_they_stand() -> None:
    text = logged("""\
        class Thing:
            def __repr__(self): return "Thing(hunter2-hunter2)"
        log.info("got hunter2-hunter2", key="ffk_abc123", deep={"a": ["x hunter2-hunter2", b"ffk_zzz"]})
        log.info("thing.seen", thing=Thing(), error=ValueError("ffk_abc123"))
        logging.getLogger("httpx").warning("sent %s", "hunter2-hunter2")
        try:
            raise ValueError("hunter2-hunter2")
        except ValueError:
            log.exception("it.failed")
            logging.getLogger("other").exception("failed")
    """)
    assert len(text.splitlines()) == 5
    assert "hunter2" not in text
    assert "ffk_" not in text
    assert "ValueError: ***" in text


def test_other_libraries_come_through_but_only_with_warnings_where_they_are_chatty() -> None:
    code = """\
        for name in ("httpx", "httpcore.connection", "apscheduler.scheduler", "alembic.runtime"):
            logging.getLogger(name).info("chatter")
            logging.getLogger(name).warning("%s matters", name)
    """
    assert [one["level"] for one in events(code)] == ["warning"] * 4
    assert len(events(code, level="debug")) == 4
    assert events(code, level="error") == []


def test_the_level_holds_for_our_own_events() -> None:
    code = 'log.debug("a.seen"); log.info("b.seen"); log.warning("c.seen")'
    assert [one["event"] for one in events(code, level="warning")] == ["c.seen"]
    assert len(events(code, level="debug")) == 3


def test_people_get_a_line_without_colours_when_it_is_no_terminal() -> None:
    code = """\
        log.info("page.stored", rows=50)
        try:
            raise ValueError("hunter2-hunter2")
        except ValueError:
            log.exception("it.failed")
    """
    text = logged(code, form="console")
    assert "ValueError: ***" in text
    assert "page.stored" in text
    assert "rows=50" in text
    assert "\x1b" not in text
