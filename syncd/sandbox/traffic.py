"""What the server counts and what waits for a request: the log, and changes due at a request."""

import re
import threading
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

API = "/api/v1"
WORDS = frozenset({"business", "clients", "invoices", "pdf", "send", "events"})


class Traffic:
    """Counts of API requests by method and route, the last paths, and changes due at a request."""

    def __init__(self, keep: int = 10_000) -> None:
        """Keep the last `keep` requests by their full path."""
        self.counts: Counter[str] = Counter()
        self.log: deque[str] = deque(maxlen=keep)
        self._due: list[list[Any]] = []
        self._lock = threading.Lock()

    @property
    def total(self) -> int:
        """Return the number of API requests since the last reset."""
        return self.counts.total()

    def arrived(self, method: str, path: str, query: str) -> None:
        """Count a request, and first make the changes that wait for it."""
        with self._lock:
            self.counts[f"{method} {route(path)}"] += 1
            self.log.append(f"{method} {path}{'?' if query else ''}{query}")
            for waiting in self._due:
                waiting[0] -= 1
            ready = [change for left, change in self._due if left <= 0]
            self._due = [waiting for waiting in self._due if waiting[0] > 0]
        for change in ready:
            change()

    def after(self, requests: int, change: Callable[[], object]) -> None:
        """Make `change` just before the API request number `requests` from now (1: the next)."""
        with self._lock:
            self._due.append([requests, change])

    def reset(self) -> None:
        """Forget counts and log; changes that wait go on waiting."""
        with self._lock:
            self.counts.clear()
            self.log.clear()

    def as_json(self, last: int = 100) -> dict[str, Any]:
        """Return total, counts by route and the `last` paths."""
        with self._lock:
            tail = list(self.log)[-last:] if last else []
            return {"total": self.total, "counts": dict(self.counts), "log": tail}


def route(path: str) -> str:
    """Return `path` without the API's prefix and with `{id}` for whatever names a record."""
    parts = re.sub(f"^{API}", "", path).strip("/").split("/")
    return "/" + "/".join(part if part in WORDS else "{id}" for part in parts)
