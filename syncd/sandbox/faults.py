"""The fault plan at work: which request is disturbed, and how the disturbance is done."""

import random
import time
from collections.abc import Iterable
from email.utils import formatdate

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Message, Scope

from syncd.sandbox.options import Fault

HTML = "<html><head><title>502 Bad Gateway</title></head><body><h1>502</h1></body></html>"


class FaultPlan:
    """Counts requests against each fault and says which one hits."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        """Start all counts at zero."""
        self._faults = [_Count(fault) for fault in faults]

    def hit(self, method: str, path: str) -> Fault | None:
        """Return the first fault that hits this request; `path` is without the API's prefix."""
        hits = [count.fault for count in self._faults if count.hits(method, path)]
        return hits[0] if hits else None


class _Count:
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.seen = 0
        self.done = 0
        self.random = random.Random(fault.seed)

    def hits(self, method: str, path: str) -> bool:
        fault = self.fault
        if fault.method not in ("", method) or not path.startswith(fault.path):
            return False
        if fault.times and self.done >= fault.times:
            return False
        self.seen += 1
        if fault.every and self.seen % fault.every:
            return False
        if fault.rate and self.random.random() >= fault.rate:
            return False
        self.done += 1
        return True


def refusal(fault: Fault) -> Response | None:
    """Return the answer that stands in for the real one, or None if the real one is wanted."""
    if fault.kind == "status_5xx":
        return JSONResponse({"error": "the server is having trouble"}, fault.status)
    if fault.kind == "html_error":
        return HTMLResponse(HTML, 502)
    if fault.kind not in ("rate_limited", "unavailable"):
        return None
    headers = {}
    if fault.retry_after == "seconds":
        headers["Retry-After"] = str(round(fault.seconds))
    elif fault.retry_after == "date":
        headers["Retry-After"] = formatdate(time.time() + fault.seconds, usegmt=True)
    status, said = (429, "too many requests") if fault.kind == "rate_limited" else (503, "come again later")
    return JSONResponse({"error": said}, status, headers)


def halved(start: Message, body: bytes, *, honest: bool) -> tuple[Message, bytes]:
    """Return the answer with half of its body; `honest`: under a length that fits the half."""
    half = body[: len(body) // 2]
    if honest:
        headers = [item for item in start["headers"] if item[0] != b"content-length"]
        headers.append((b"content-length", b"%d" % len(half)))
        start = {**start, "headers": headers}
    return start, half


def cut(scope: Scope) -> None:
    """Cut the connection of this request without another byte."""
    scope["transport"].abort()
