"""How a call is put into a request and an answer is read, for both of Odoo's external APIs; pure.

JSON-2 (Odoo 19 and later): "External JSON-2 API" in Odoo's developer documentation; one address for each method,
arguments by name, HTTP statuses. JSON-RPC (Odoo 14 to 18): "External RPC API"; one address, always status 200, and an
answer without ``result`` is success.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import quote

import orjson

from connectors.odoo.errors import NoDatabase, OdooAnswer, Problem, Unreadable, groups_in, one_line
from syncd.errors import Busy, Refused, SyncdError, Unreachable

OLDEST: Final = 14
JSON2_SINCE: Final = 19

_KINDS: Final[dict[str, Problem]] = {
    "odoo.exceptions.AccessError": "access",
    "odoo.exceptions.UserError": "validation",
    "odoo.exceptions.ValidationError": "validation",
    "odoo.exceptions.RedirectWarning": "validation",
    "odoo.exceptions.Warning": "validation",
    "odoo.exceptions.MissingError": "missing",
    "psycopg2.errors.SerializationFailure": "concurrent",
    "psycopg2.errors.LockNotAvailable": "concurrent",
    "psycopg2.errors.DeadlockDetected": "concurrent",
    "psycopg2.extensions.TransactionRollbackError": "concurrent",
}
_DENIED: Final = ("odoo.exceptions.AccessDenied", "werkzeug.exceptions.Unauthorized")
_NO_POSTGRES: Final = (
    "psycopg2.OperationalError",
    "psycopg2.InterfaceError",
    "psycopg2.errors.AdminShutdown",
    "psycopg2.errors.CannotConnectNow",
    "psycopg2.pool.PoolError",
)
_CONCURRENT: Final = ("could not serialize access", "deadlock detected", "could not obtain lock")

_FIRST: Final = {"create": "vals_list", "write": "vals", "search": "domain", "search_count": "domain"}
"""The first argument of methods in which its name differs between versions, or must be given by position."""

_TITLE: Final = re.compile(rb"(?is)<title[^>]*>([^<]*)</title")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a method of a model: of the records ``ids``, or (``None``) of the model itself."""

    model: str
    method: str
    ids: Sequence[int] | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def about(self) -> str:
        """What is called, for a sentence."""
        return f"{self.model}.{self.method}"


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent, always by POST. It holds the key: never to be shown."""

    path: str
    content: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Dialect(Protocol):
    """One way to speak with Odoo."""

    @property
    def name(self) -> str:
        """What it is called."""

    def request(self, call: Call) -> Request:
        """Put a call into a request."""

    def result(self, answer: Any, about: str) -> Any:
        """Give the result in an answer of 200, or raise the error that it is."""


@dataclass(frozen=True, slots=True)
class Json2:
    """JSON-2."""

    database: str
    key: str = field(repr=False)
    name: str = "JSON-2"

    def request(self, call: Call) -> Request:
        """Put a call into a request: arguments by name, ``ids`` beside them."""
        body = dict(call.arguments) if call.ids is None else {"ids": list(call.ids), **call.arguments}
        headers = {"Authorization": f"Bearer {self.key}", "X-Odoo-Database": self.database}
        return Request(f"/json/2/{quote(call.model)}/{quote(call.method)}", encoded(body), headers)

    def result(self, answer: Any, about: str) -> Any:  # noqa: ARG002 -- errors have statuses of their own
        """Give the answer, which is the result."""
        return answer


@dataclass(frozen=True, slots=True)
class JsonRpc:
    """JSON-RPC; the key stands in the body in place of the password, and beside it the user's id."""

    database: str
    key: str = field(repr=False)
    uid: int = 0
    name: str = "JSON-RPC"

    def request(self, call: Call) -> Request:
        """Put a call into a request: ids first, then what must be given by position, the rest by name."""
        named = dict(call.arguments)
        positional: list[Any] = [] if call.ids is None else [list(call.ids)]
        if (first := _FIRST.get(call.method)) in named:
            positional.append(named.pop(first))
        return service(
            "object", "execute_kw", self.database, self.uid, self.key, call.model, call.method, positional, named
        )

    def result(self, answer: Any, about: str) -> Any:
        """Give the result; without ``result`` and ``error`` the method gave ``None``."""
        if not isinstance(answer, dict) or "jsonrpc" not in answer:
            raise Unreadable(f"{about}: the answer is none of Odoo's; check url")
        if answer.get("error"):
            raise rpc_error(answer["error"], about)
        return answer.get("result")


def service(which: str, method: str, *arguments: Any) -> Request:
    """Put a call of a service of JSON-RPC (``common``, ``object``) into a request."""
    params = {"service": which, "method": method, "args": arguments}
    return Request("/jsonrpc", encoded({"jsonrpc": "2.0", "method": "call", "id": 1, "params": params}))


def encoded(body: Any) -> bytes:
    """Give JSON, or raise ``OdooAnswer`` for a text that Odoo could not keep anyway."""
    try:
        return orjson.dumps(body)
    except TypeError:
        pass
    try:
        return json.dumps(body, ensure_ascii=False).encode()  # numbers of more than 64 bits
    except UnicodeEncodeError:
        sentence = "a text holds half a character (a lone surrogate), which cannot be sent"
        raise OdooAnswer(sentence, name="UnicodeEncodeError", sentence=sentence, kind="validation") from None


def major(info: Any) -> int | None:
    """Read the version's number from ``version_info``: ``[19, 0, …]``, or ``["saas~18", 2, …]`` at Odoo Online."""
    first = info[0] if isinstance(info, list) and info else None
    digits = re.search(r"\d+", str(first))
    return int(digits[0]) if digits and not isinstance(first, bool) else None


def rpc_error(error: Any, about: str) -> SyncdError:
    """Give the error in an answer of JSON-RPC."""
    data = error.get("data") if isinstance(error, dict) else None
    said = data if isinstance(data, dict) else {}
    fallback = error.get("message") if isinstance(error, dict) else error
    return named_error(said.get("name"), said.get("message") or fallback, 200, about)


def status_error(status: int, headers: Mapping[str, str], body: bytes, about: str) -> SyncdError:
    """Give the error in an answer of 400 and above: Odoo's in JSON-2, or a page (of a proxy, or without database)."""
    said = _document(body)
    if "name" in said and "message" in said:
        return named_error(said["name"], said["message"], status, about)
    page = f" ({title})" if (title := _title(body)) else ""
    if status == 401:
        return Refused(f"{about}: the key was refused (401); check api_key")
    if status == 404:
        return NoDatabase(f"{about}: there is no such database at this server (404); check database and url")
    if status == 429 or (status == 503 and headers.get("retry-after", "").isdecimal()):
        wait = headers.get("retry-after", "")
        return Busy(
            f"{about}: the server asks to slow down ({status})", min(float(wait), 3600.0) if wait.isdecimal() else None
        )
    if status >= 500:
        return Unreachable(f"{about}: the server, or a proxy before it, failed ({status}){page}")
    if status == 403:
        return Refused(f"{about}: not allowed (403){page}; a proxy before Odoo may say so")
    return OdooAnswer(
        f"{about}: the request was refused ({status}){page}", status, name=str(status), sentence=_title(body)
    )


def named_error(name: Any, message: Any, status: int, about: str) -> SyncdError:
    """Give the error for an exception: by its name and the status, for the words follow the user's language."""
    name, text = str(name or ""), message if isinstance(message, str) else str(message or "")
    sentence = one_line(text)
    if name in _DENIED or status == 401:
        return Refused(f"{about}: the key was refused: {sentence or 'access denied'}; check api_key (and user)")
    if name == "psycopg2.OperationalError" and "does not exist" in text:
        return NoDatabase(f"{about}: there is no such database at this server; check database")
    if name in _NO_POSTGRES or status in (502, 503, 504):
        return Unreachable(f"{about}: Odoo's own database failed: {sentence}")
    kind = _KINDS.get(name) or ("validation" if name.startswith("odoo.addons.") else "bug")
    groups = groups_in(text) if kind == "access" else ()
    return OdooAnswer(
        f"{about}: {sentence or name}", status, name=name, sentence=sentence or name, kind=kind, groups=groups
    )


def page_instead(about: str, body: bytes) -> Unreadable:
    """Give the error for an answer of 200 that is no JSON."""
    title = _title(body)
    what = f"a web page{f' ({title})' if title else ''}" if body.lstrip()[:1] == b"<" else f"{len(body)} bytes"
    return Unreadable(f"{about} was answered with {what} that is no JSON; a proxy may stand before Odoo, check url")


def concurrent(text: str) -> bool:
    """Whether a message of ``load`` tells of someone who wrote at the same time: there is no name there to go by."""
    return any(words in text for words in _CONCURRENT)


def _document(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _title(body: bytes) -> str:
    found = _TITLE.search(body[:8192])
    return one_line(found[1].decode("utf-8", "replace"))[:80] if found else ""
