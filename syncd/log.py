"""The log: structlog to standard error, for people or as JSON lines, with every secret masked.

Event names are dotted and in the past tense (``page.stored``); ``run``, ``source`` and ``target``
are bound by whoever starts a piece of work. Other libraries' loggers come through here, too.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, Literal

import structlog
from structlog.typing import FilteringBoundLogger, Processor

Form = Literal["auto", "console", "json"]
Level = Literal["debug", "info", "warning", "error"]
LEVELS: dict[Level, int] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
QUIET = ("httpx", "httpcore", "apscheduler", "alembic", "asyncio", "urllib3")
"""Libraries that speak of every step; only their warnings are wanted."""

MASK = "***"
SHORTEST = 6
"""A shorter secret would mask ordinary words; settings refuse such secrets for sources."""

_KEY = re.compile(r"ffk_\w+")


class Masker:
    """Replaces secrets in whatever is logged: the values it was told, and all that looks like a key."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Remember the secrets, longest first, so that one within another leaves nothing behind."""
        told = sorted({one for one in secrets if len(one) >= SHORTEST}, key=len, reverse=True)
        self._pattern = re.compile("|".join([*map(re.escape, told), _KEY.pattern]))

    def mask(self, value: Any) -> Any:
        """Mask texts, bytes and what containers hold; anything else becomes text if its text has one."""
        if isinstance(value, str):
            return self._pattern.sub(MASK, value)
        if value is None or isinstance(value, int | float):
            return value
        if isinstance(value, bytes):
            return self.mask(value.decode(errors="replace"))
        if isinstance(value, Mapping):
            return {self.mask(key): self.mask(item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.mask(item) for item in value]
        text = str(value)
        return self._pattern.sub(MASK, text)

    def __call__(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Work as a structlog processor."""
        hidden = ("_record", "_from_structlog")
        return {key: item if key in hidden else self.mask(item) for key, item in event.items()}


def configure(form: Form = "auto", level: Level = "info", secrets: Iterable[str] = ()) -> None:
    """Send all logging to standard error; ``auto`` is console on a terminal and JSON elsewhere."""
    terminal = sys.stderr.isatty()
    console = form == "console" or (form == "auto" and terminal)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%S.%fZ", utc=True),
        structlog.processors.format_exc_info,
        Masker(secrets),
    ]
    last: Processor = (
        structlog.dev.ConsoleRenderer(colors=terminal, exception_formatter=structlog.dev.plain_traceback)
        if console
        else structlog.processors.JSONRenderer(ensure_ascii=False, sort_keys=True)
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level])
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, LEVELS[level]))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def masked(text: str) -> str:
    """Mask a text as the log would, for what an unexpected error says elsewhere; before ``configure``, only keys."""
    maskers = [one for one in structlog.get_config()["processors"] if isinstance(one, Masker)]
    return str((maskers or [Masker(())])[0].mask(text))


def logger(**bound: str | int) -> FilteringBoundLogger:
    """Make a logger with ``run``, ``source``, ``target`` and the like bound to each of its events."""
    made: FilteringBoundLogger = structlog.get_logger("syncd").bind(**bound)
    return made
