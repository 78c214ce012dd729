"""What an answer over HTTP says, without I/O: its JSON, its words, when to come again, and which error it means."""

from __future__ import annotations

import html
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import orjson

from syncd.canonical import dumps
from syncd.errors import Busy, Invalid, Missing, Refused, SyncdError, Unreachable
from syncd.lenient import read_leniently

READABLE: Final = 300
LONGEST_WAIT: Final = 86_400.0
_NOT_READ: Final = object()

ZLIB, RAW, GZIP = zlib.MAX_WBITS, -zlib.MAX_WBITS, zlib.MAX_WBITS + 16
BEGINNING: Final = b"\x1f\x8b"
"""How each part of a body of gzip begins."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of 2xx or 304; ``headers.get`` finds a name in any case, ``body`` is whole.

    ``about`` begins a sentence on what is wrong with it; ``value`` is the JSON once it was read.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    about: str = ""
    value: Any = _NOT_READ

    def json(self) -> Any:
        """Give the body as JSON, or raise ``Unreachable`` where it is cut off or none."""
        if self.value is not _NOT_READ:
            return self.value
        return self.whole().value

    def whole(self) -> Reply:
        """Give itself with its JSON read, or raise ``Unreachable``; a mended body is such that it can be kept.

        No content (204) is null; any other answer without a body may have lost it.
        """
        if self.status == 204 and not self.body:
            return replace(self, value=None)
        try:
            return Reply(self.status, self.headers, self.body, self.about, orjson.loads(self.body))
        except orjson.JSONDecodeError:
            pass
        try:
            value = read_leniently(self.body)
            return replace(self, value=value, body=dumps(value))
        except (ValueError, RecursionError):
            raise Unreachable(f"{self.about} was answered with {len(self.body)} bytes that are no whole JSON") from None


class TooLong(Exception):
    """The body of an answer is longer than it may be."""


def unpacked(body: bytes, encoding: str, most: int) -> bytes:
    """Unpack a body of gzip or deflate; raise ``TooLong`` beyond ``most`` bytes, ``zlib.error`` where it is not whole.

    A body may be of several parts, each packed by itself; what follows the last and is none counts for nothing.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity") or not body:
        return body
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise zlib.error("an encoding that was not asked for")
    form = GZIP if encoding != "deflate" else ZLIB if _is_zlib(body) else RAW
    whole, rest = bytearray(), body
    while True:
        part = zlib.decompressobj(form)
        whole += part.decompress(rest, most + 1 - len(whole))
        if len(whole) > most:
            raise TooLong
        if not part.eof:
            raise zlib.error("cut off")
        rest = part.unused_data
        if not rest.startswith(BEGINNING):
            return bytes(whole)


def _is_zlib(body: bytes) -> bool:
    """Tell deflate as it is documented from deflate as some servers send it, without a head (RFC 9110, 8.4.1.2)."""
    return body[0] & 0x0F == zlib.DEFLATED and int.from_bytes(body[:2], "big") % 31 == 0


def refused(status: int, headers: Mapping[str, str], text: str, name: str, about: str) -> SyncdError:
    """Say what an answer of 400 and above means: the one table from statuses to errors.

    ``text``: its body, readable and without secrets; ``name``: who answered; ``about`` begins the sentence.
    """
    said = f": {shortened(text)}" if text else ""
    after = retry_after(headers)
    if status == 401:
        return Refused(f"{name}: the credentials were refused (401); check the key in the settings")
    if status == 403:
        return Refused(f"{about} is not allowed with these credentials (403){said}")
    if status == 404:
        return Missing(f"{about}: there is no such thing (404){said}", 404)
    if status == 429 or (status == 503 and after is not None):
        return Busy(f"{name} asks to slow down ({status}){said}", after)
    if status >= 500:
        return Unreachable(f"{about} failed there ({status}){said}", after)
    return Invalid(f"{about} was refused ({status}){said}", status)


def readable(body: bytes | str, content_type: str = "") -> str:
    """Give the beginning of a body as one line: HTML stripped to its text, no control characters."""
    text = body[:8192].decode("utf-8", "replace") if isinstance(body, bytes) else body[:8192]
    if "html" in content_type or text.lstrip().startswith("<"):
        text = re.sub(r"(?is)<(script|style)\b.*?</\1\s*>", " ", text)
        text = html.unescape(re.sub(r"<[^<>]*>", " ", text))
    text = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(text.split())


def shortened(text: str) -> str:
    """Cut a text to a readable length. Mask secrets first: half a secret is one too."""
    return text if len(text) <= READABLE else text[: READABLE - 1] + "…"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read ``Retry-After``, in seconds; a date counts from the server's ``Date`` if it sends one."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return min(float(text), LONGEST_WAIT)
    then = _http_date(text)
    if then is None:
        return None
    now = _http_date(headers.get("date", "")) or datetime.now(UTC)
    return min(max((then - now).total_seconds(), 0.0), LONGEST_WAIT)


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
