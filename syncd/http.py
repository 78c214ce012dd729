"""HTTP to one base URL: bounded retries, and errors a person can read.

Requests go straight to the transport: cookies, redirects to elsewhere, hooks, proxies and log lines of the client of
httpx are not wanted, and a long history is several hundred thousand requests.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, Self
from urllib.parse import quote, urlencode

import httpx
from tenacity import RetryCallState, Retrying, wait_random_exponential

from syncd.addresses import address
from syncd.answers import READABLE, Reply, TooLong, readable, refused, shortened
from syncd.deadline import Late
from syncd.errors import NotSent, SettingsError, SyncdError, Unreachable
from syncd.transport import Transport

Params = Mapping[str, str | int | None]
Refusal = Callable[[int, Mapping[str, str], bytes, str], SyncdError]

__all__ = ["MAX_BODY", "READABLE", "Http", "Params", "Refusal", "Reply", "readable", "shortened"]

MAX_BODY: Final = 64 * 1024 * 1024
MAX_HOPS: Final = 3
_NOTHING: Final = httpx.ByteStream(b"")
_AS_IT_IS: Final = "/%?:@!$&'()*+,;=~"
"""What a path may hold beside letters, digits, ``_``, ``.`` and ``-``; all else is quoted."""


class _Lasting(Unreachable):
    """A fault that will still be there in a minute, so that it is not tried again at once."""


# The first that fits holds. An error of the last kinds may carry header values: it is not quoted.
_BROKEN: Final[tuple[tuple[type[Exception], type[Unreachable], str], ...]] = (
    (httpx.ConnectTimeout, NotSent, "no connection in time"),
    (httpx.ConnectError, NotSent, "it could not be reached"),
    (Late, Unreachable, "the answer came bit by bit and was not complete in time"),
    (httpx.TimeoutException, Unreachable, "no answer in time"),
    (httpx.DecodingError, Unreachable, "the answer is compressed in a way that cannot be read, or cut off"),
    (httpx.NetworkError, Unreachable, "the connection broke off before the answer was complete"),
    (httpx.ProtocolError, Unreachable, "the connection broke off before the answer was complete"),
)
_FAILURES: Final = tuple(row[0] for row in _BROKEN)

_BACKOFF: Final = wait_random_exponential(multiplier=0.5, max=30)


class Http:
    """One pool of connections to one base URL, to be shared by threads.

    What is safe to repeat is tried up to ``attempts`` times, with jitter and not before the time that ``Retry-After``
    names; none begins ``patience`` seconds after the first failure. ``name`` ("source main") begins every error, and no
    error holds one of ``secrets``. ``timeout``: seconds for each of connect (at most 10), read and write; a whole
    answer gets twice as long, and more for its bytes. ``pool``: connections kept open, for as many threads.
    ``sleep`` may return early; it is true once an end was asked for (``Event.wait``).
    """

    def __init__(  # noqa: PLR0913 -- independent settings, all by keyword
        self,
        *,
        name: str,
        base_url: str,
        headers: Mapping[str, str] | None = None,
        secrets: tuple[str, ...] = (),
        timeout: float = 30.0,
        pool: int = 8,
        attempts: int = 5,
        patience: float = 120.0,
        max_body: int = MAX_BODY,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Check the address and the headers (``SettingsError``); nothing is sent yet."""
        try:
            url = address(base_url, bare=True)
        except ValueError as fault:
            raise SettingsError([f"{name}: base_url {fault}"]) from None
        self.name = name
        self._url, self._path = url, url.raw_path.decode("ascii").rstrip("/")
        every = {"Host": url.netloc.decode("ascii"), "User-Agent": "syncd"}
        every |= {"Accept": "application/json, */*;q=0.5", "Accept-Encoding": "gzip, deflate"}
        every |= headers or {}
        if bad := [key for key, value in every.items() if not _sendable(value)]:
            raise SettingsError([f"{name}: {', '.join(bad)} holds characters that HTTP cannot send"])
        self._headers = httpx.Headers(every)
        self._secrets = tuple({form for secret in secrets for form in (secret, quote(secret, "")) if form})
        self._attempts, self._patience = attempts, patience
        self._sleep, self._clock, self._max_body = sleep, clock, max_body
        connect = min(timeout, 10.0)
        self._transport = Transport(url, connect=connect, wait=timeout, pool=pool, most=max_body, clock=clock)

    def __enter__(self) -> Self:
        """Open nothing; connections are made when needed."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close all connections."""
        self.close()

    def close(self) -> None:
        """Close all connections, those in use when their answers are there."""
        self._transport.close()

    def get(
        self,
        path: str,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        expect_json: bool = False,
        once: bool = False,
    ) -> Reply:
        """Read ``path``, again where that may help, unless only ``once``.

        ``expect_json``: a body that is no whole JSON counts as a broken answer and is read again.
        """
        attempt = partial(self._read, self._target(path, params), path, headers, expect_json=expect_json)
        try:
            return attempt()
        except Unreachable as error:
            if once:
                raise
            first = error
        return self._again(attempt, first, Unreachable, reads=True)

    def send(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
        refusal: Refusal | None = None,
    ) -> Reply:
        """Write once; again only where nothing was sent, or a repeat is ``repeatable`` without harm.

        ``NotSent``: not carried out, for certain; any other ``Unreachable``: perhaps carried out. ``refusal``: makes
        the error of an answer of 400 and above (status, headers, body, how a sentence on it begins), where the
        statuses of the API do not mean what they usually do.
        """
        if content is not None:
            headers = {"Content-Type": "application/json", **(headers or {})}
        attempt = partial(self._attempt, method, self._target(path, None), path, headers, content, refusal)
        try:
            return attempt()
        except Unreachable as error:
            first = error
        return self._again(attempt, first, Unreachable if repeatable else NotSent)

    def _target(self, path: str, params: Params | None) -> bytes:
        """Give what a request asks for, as it is sent."""
        if not path.startswith("/"):
            raise ValueError(f"a path begins with a slash: {path!r}")
        given = {key: value for key, value in (params or {}).items() if value is not None}
        asked = f"?{urlencode(given)}" if given else ""
        return f"{self._path}{quote(path, _AS_IT_IS)}{asked}".encode("ascii")

    def _again(
        self, attempt: Callable[[], Reply], error: Unreachable, kind: type[Unreachable], *, reads: bool = False
    ) -> Reply:
        """Go on after a first ``error``, as long as the error is of ``kind`` and patience lasts.

        What only ``reads`` is not tried again once an end was asked for; a write in flight is finished.
        """
        first, started = [error], self._clock()

        def next_one() -> Reply:
            if first:
                raise first.pop()
            return attempt()

        def stop(state: RetryCallState) -> bool:
            spent = self._clock() - started + state.upcoming_sleep
            return state.attempt_number >= self._attempts or spent > self._patience

        def retry(state: RetryCallState) -> bool:
            failure = state.outcome.exception() if state.outcome else None
            return isinstance(failure, kind) and not isinstance(failure, _Lasting)

        def pause(state: RetryCallState) -> None:
            ends = self._sleep(state.upcoming_sleep)
            if reads and ends and state.outcome:
                state.outcome.result()

        # The pause is made before the sleep of tenacity, which could not give up.
        again = Retrying(before_sleep=pause, sleep=_at_once, stop=stop, retry=retry, wait=_wait, reraise=True)
        return again(next_one)

    def _read(self, target: bytes, path: str, headers: Mapping[str, str] | None, *, expect_json: bool) -> Reply:
        for _ in range(MAX_HOPS + 1):
            reply = self._attempt("GET", target, path, headers, None)
            if reply.status < 300 or reply.status == 304:
                return reply.whole() if expect_json and reply.status < 300 else reply
            target = reply.body
        raise _Lasting(f"{self.name}: GET {path} is redirected in a circle")

    def _attempt(
        self,
        method: str,
        target: bytes,
        path: str,
        headers: Mapping[str, str] | None,
        content: bytes | None,
        refusal: Refusal | None = None,
    ) -> Reply:
        """Send one request and give its answer: 2xx, 304, or a redirect that may be followed, with its target."""
        about = self.masked(f"{self.name}: {method} {path}")
        request = self._request(method, target, self._with(headers, about), content)
        try:
            answer = self._transport.handle_request(request)
        except TooLong:
            raise _Lasting(f"{about} was answered with more than {self._max_body:,} bytes") from None
        except _FAILURES as error:
            raise self._broken(error, about) from None
        status, answered, body = answer.status_code, answer.headers, b"".join(answer.iter_raw())
        if status < 300 or status == 304:
            return Reply(status, answered, body, about)
        if status < 400:
            where = self._url.copy_with(raw_path=target)
            return self._redirect(method, where, status, answered, about)
        if refusal is not None:
            raise refusal(status, answered, body, about)
        raise refused(status, answered, self.masked(readable(body, answered.get("content-type", ""))), self.name, about)

    def _request(self, method: str, target: bytes, headers: httpx.Headers, content: bytes | None) -> httpx.Request:
        """Make a request; the target goes in the extension of that name, for to read each address anew takes long."""
        extensions = {"target": target}
        if method == "GET" and content is None:
            return httpx.Request(method, self._url, headers=headers, stream=_NOTHING, extensions=extensions)
        return httpx.Request(method, self._url, headers=headers, content=content, extensions=extensions)

    def _with(self, headers: Mapping[str, str] | None, about: str) -> httpx.Headers:
        """Give the headers of a request that may have some of its own."""
        if not headers:
            return self._headers
        if not all(_sendable(part) for pair in headers.items() for part in pair):
            raise _Lasting(f"{about}: it cannot be sent: a header is malformed")
        every = self._headers.copy()
        every.update(headers)
        return every

    def _redirect(self, method: str, url: httpx.URL, status: int, headers: httpx.Headers, about: str) -> Reply:
        """Give a reply whose ``location`` may be followed: of a read, on the same host."""
        try:
            target = url.join(headers.get("location", ""))
            elsewhere = _origin(target) != _origin(self._url)
        except (httpx.InvalidURL, ValueError):
            raise _Lasting(f"{about} is redirected to an address that is none") from None
        if method != "GET" or elsewhere:
            where = self.masked(f"{target.scheme}://{target.netloc.decode()}{target.path}")
            raise _Lasting(f"{about} is redirected to {where}, which is not followed; check base_url")
        return Reply(status, headers, target.raw_path, about)

    def _broken(self, error: Exception, about: str) -> Unreachable:
        """Say what a request without a whole answer means."""
        means, sentence = next(row[1:] for row in _BROKEN if isinstance(error, row[0]))
        reason = self.masked(readable(str(error))) if means is NotSent else ""
        return means(f"{about}: {sentence}{f' ({shortened(reason)})' if reason else ''}")

    def masked(self, text: str) -> str:
        """Put stars in the place of each secret."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def _at_once(_seconds: float) -> None:
    """Do not sleep."""


def _wait(state: RetryCallState) -> float:
    """Wait as long as the other side asked for, and a random time that grows with each attempt."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, Unreachable) else None
    return (asked or 0.0) + _BACKOFF(state)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _sendable(value: str) -> bool:
    return value.isascii() and value.isprintable() and value == value.strip()
