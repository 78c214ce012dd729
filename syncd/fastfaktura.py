"""The client of FastFaktura's REST API: every documented call, and the reading of its lists.

Source: vendor API reference v1. It documents neither how a list is wrapped nor how its pages are told, so every usual
way is understood; nothing is concluded from what is not said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

import orjson

from syncd.errors import Invalid, Missing, Unreachable
from syncd.http import Http, Reply, readable

ListKind = Literal["client", "invoice", "event"]

Json = dict[str, Any]

Validators = tuple[str | None, str | None]
"""``ETag`` and ``Last-Modified`` of an answer, to ask later whether it changed; a plain tuple, kept as JSON."""

WRAPPERS = ("data", "items", "results")
ABOUT = ("meta", "pagination", "paging", "page_info", "page", "links", "_links")
TOTALS = ("total", "total_count", "total_items", "total_results", "totalCount", "totalItems")
PAGES = ("last_page", "total_pages", "pages", "page_count", "lastPage", "totalPages", "pageCount")
NUMBERS = ("current_page", "page", "page_number", "currentPage")
SIZES = ("per_page", "page_size", "perPage", "pageSize", "limit")
FLAGS = ("has_more", "has_next", "has_next_page", "hasMore", "hasNext", "hasNextPage")
NEXT = ("next", "next_page", "next_page_url", "next_url", "nextPage")
PREVIOUS = ("prev", "previous")
FAULTS = ("error", "errors")
DEEPEST = 3
NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list.

    ``rows`` are raw, whatever each is. ``last``: what paging information says of this page being the last, ``None``
    where it says nothing; it may be wrong. ``total``: the number of rows, where told. ``not_modified``: the answer was
    304, so there are no rows here and nothing changed.
    """

    rows: list[Any]
    last: bool | None = None
    total: int | None = None
    validators: Validators = (None, None)
    not_modified: bool = False


class Read(NamedTuple):
    """One record as its own request answered: its JSON, the text of it, and what to ask later whether it changed."""

    record: Json
    text: bytes
    validators: Validators


class FastFaktura:
    """One account; its key is in the headers of ``http``. Errors are those of ``Http``.

    What is created or sent to somebody is never sent twice by itself; the rest may safely be repeated, and is.
    """

    def __init__(self, http: Http) -> None:
        """Speak through ``http``, whose base URL ends in ``/api/v1``."""
        self.http = http

    def close(self) -> None:
        """Close all connections."""
        self.http.close()

    def business(self) -> Json:
        """Read the company's own profile."""
        return _record(self.http.get("/business", expect_json=True), "business")

    def put_business(self, profile: Json) -> Json:
        """Change the company's own profile; ``{}`` where the answer is empty, as with all changes below."""
        return self._write("PUT", "/business", profile, "business", repeatable=True)

    def clients(self, page: int, q: str | None = None, *, validators: Validators | None = None) -> Listing:
        """Read a page of the clients; ``q`` searches in name, email and phone."""
        return self._list("client", page, {"page": page, "q": q}, validators)

    def create_client(self, client: Json) -> Json:
        """Create a client."""
        return self._write("POST", "/clients", client, "client")

    def client(self, client_id: str) -> bytes:
        """Read one client, as the JSON text of the record."""
        reply = self.http.get(_path("clients", client_id), expect_json=True)
        return _text(reply, _record(reply, "client"))

    def edit_client(self, client_id: str, client: Json) -> Json:
        """Send a whole client back; see ``change_client`` for a single field."""
        return self._write("PUT", _path("clients", client_id), client, "client", repeatable=True)

    def archive_client(self, client_id: str) -> Json:
        """Archive a client; it is never finally deleted."""
        return self._write("DELETE", _path("clients", client_id), None, "client", repeatable=True)

    def invoices(self, page: int, status: str | None = None, *, validators: Validators | None = None) -> Listing:
        """Read a page of the invoices, without lines; whether ``status`` filters is not documented."""
        return self._list("invoice", page, {"page": page, "status": status}, validators)

    def create_invoice(self, invoice: Json) -> Json:
        """Create an invoice with its lines."""
        return self._write("POST", "/invoices", invoice, "invoice")

    def invoice(self, invoice_id: str, validators: Validators | None = None, *, once: bool = False) -> Read | None:
        """Read one invoice with lines and events; ``None``: unchanged since ``validators``.

        ``once``: a failure is not tried again.
        """
        path, conditions = _path("invoices", invoice_id), _conditions(validators)
        reply = self.http.get(path, headers=conditions, expect_json=True, once=once)
        if reply.status == 304:
            return None
        record = _record(reply, "invoice")
        return Read(record, _text(reply, record), _validators(reply.headers))

    def pdf(self, invoice_id: str) -> bytes:
        """Read an invoice's PDF: whole, from its first sign to its end mark (ISO 32000-1, 7.5.2 and 7.5.5)."""
        reply = self.http.get(_path("invoices", invoice_id, "pdf"), headers={"Accept": "application/pdf"})
        if not reply.body.startswith(b"%PDF-"):
            raise Invalid(f"{reply.about} was answered with something that is no PDF", reply.status)
        if b"%%EOF" not in reply.body[-1024:]:
            raise Invalid(f"{reply.about} was answered with a PDF that is cut off", reply.status)
        return reply.body

    def send(self, invoice_id: str, channels: Sequence[str], *, reminder: bool = False) -> Json:
        """Send an invoice to its client by ``email``, ``sms`` or ``link``, first or as a reminder."""
        order = {"channels": list(channels), "reminder": reminder}
        return self._write("POST", _path("invoices", invoice_id, "send"), order, "invoice")

    def events(self, invoice_id: str) -> list[Any]:
        """Read an invoice's timeline, each event raw."""
        reply = self.http.get(_path("invoices", invoice_id, "events"), expect_json=True)
        return _listing(self.http, reply, 1, "event").rows

    def change_client(self, client_id: str, field: str, value: object) -> str | None:
        """Change one field of a client and compare; a sentence where the server did not keep it, or lost others.

        Whether PUT replaces or merges is not documented, so the whole client is read and sent back.
        """
        before: Json = orjson.loads(self.client(client_id))
        if field in before and before[field] == value:
            return None
        after = self.edit_client(client_id, {**before, field: value}) or orjson.loads(self.client(client_id))
        if field not in after or after[field] != value:
            return f"{self.http.name}: client {client_id} did not take {field} = {value!r}"
        lost = [name for name in before if before[name] is not None and after.get(name) is None and name != field]
        if not lost:
            return None
        return f"{self.http.name}: client {client_id} lost {', '.join(lost)} when {field} was changed; enter it again"

    def _list(
        self, kind: ListKind, page: int, params: Mapping[str, str | int | None], validators: Validators | None
    ) -> Listing:
        reply = self.http.get(f"/{kind}s", params, _conditions(validators), expect_json=True)
        if reply.status == 304:
            return Listing([], validators=validators or (None, None), not_modified=True)
        return _listing(self.http, reply, page, kind)

    def _write(self, method: str, path: str, body: Json | None, name: str, *, repeatable: bool = False) -> Json:
        content = None if body is None else orjson.dumps(body)
        reply = self.http.send(method, path, content=content, repeatable=repeatable)
        return _record(reply, name) if reply.body.strip() else {}


def read_listing(body: object, page: int, kind: ListKind, headers: Mapping[str, str] = NO_HEADERS) -> Listing:
    """Read page ``page`` of a list from its JSON and headers (names in lower case).

    ``Unreachable`` where no list is found in it, nothing else; ``null`` for the list is one without rows. Where parts
    of the paging information contradict each other, the page is not the last: to ask once more loses nothing.
    """
    rows, said = _unwrapped(body, kind)
    said += [{"total": headers.get("x-total-count")}, _link_header(headers.get("link", ""))]
    total, pages = _first(said, TOTALS), _first(said, PAGES)
    here = _first(said, NUMBERS)
    here = page if here is None else here
    told = [is_last for part in said if (is_last := _last_by_links(part, here)) is not None]
    if pages is not None:
        told.append(here >= pages)
    last = all(told) if told else _last_by_total(total, _first(said, SIZES), here, len(rows))
    return Listing(rows, last, total, _validators(headers))


def _unwrapped(body: object, kind: ListKind) -> tuple[list[Any], list[Json]]:
    """Find the rows, and every object around them that may hold paging information."""
    said: list[Json] = []
    inner = body
    for _ in range(DEEPEST):
        if isinstance(inner, list):
            return inner, said
        if inner is None and not any(part.get(name) for part in said for name in FAULTS):
            return [], said
        if not isinstance(inner, dict):
            break
        said += _about(inner)
        held = [inner[name] for name in (f"{kind}s", *WRAPPERS) if name in inner]
        inner = next((one for shape in (list, dict, type(None)) for one in held if isinstance(one, shape)), ...)
    raise Unreachable(f"no list of {kind}s was found in the answer, which is {_shape(body)}")


def _about(level: Json) -> list[Json]:
    """Give an object and what in it, and in that again, speaks about pages."""
    said = [level]
    for part in said:  # grows with what is found
        said += [inner for name in ABOUT if isinstance(inner := part.get(name), dict)]
    return said


def _last_by_links(part: Json, here: int) -> bool | None:
    """Tell what links to other pages, or flags about them, say of this one being the last."""
    for name in FLAGS:
        if isinstance(part.get(name), bool):
            return not part[name]
    for name in NEXT:
        target = part.get(name, ...)
        if isinstance(target, dict):
            target = target.get("href", target.get("url", True))
        if target is None or target is False or target == "":
            return True
        if isinstance(target, str | int) and target != 0:
            return False
    if any(part.get(name) for name in PREVIOUS):
        return True
    final = _page_of(part.get("last"))
    return None if final is None else here >= final


def _last_by_total(total: int | None, size: int | None, page: int, rows: int) -> bool | None:
    """Compute it from the number of rows, and believe only what the rows of this page bear out.

    A size may be asked for and not kept, and a total may count the rows of the page alone.
    """
    if total is None or not size or total == rows == size:
        return None
    left = total - size * (page - 1) - rows
    return None if left < 0 else left == 0


def _first(said: list[Json], names: Sequence[str]) -> int | None:
    """Give the first number that stands under one of these names."""
    numbers = (_number(part.get(name)) for part in said for name in names)
    return next((number for number in numbers if number is not None), None)


def _number(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 16:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _page_of(link: object) -> int | None:
    """Give the page that a link leads to: a number, an address with ``page=``, or an object with ``href``."""
    link = link.get("href") if isinstance(link, dict) else link
    if not isinstance(link, str):
        return _number(link)
    found = re.search(r"[?&]page=(\d+)(?:&|#|$)", link)
    return _number(found[1] if found else link)


def _link_header(text: str) -> Json:
    """Read a ``Link`` header (RFC 8288) as an object from relation to address."""
    links = {}
    for address, parameters in re.findall(r"<([^<>]*)>([^<]*)", text):
        relation = re.search(r"""\brel\s*=\s*["']?([^"';,]+)""", parameters, re.IGNORECASE)
        links.update(dict.fromkeys(relation[1].lower().split() if relation else [], address))
    return links


def _listing(http: Http, reply: Reply, page: int, kind: ListKind) -> Listing:
    try:
        return read_listing(reply.json(), page, kind, reply.headers)
    except Unreachable as error:
        raise Unreachable(http.masked(f"{reply.about}: {error}")) from None


def _record(reply: Reply, name: str) -> Json:
    """Give the one record of an answer, be it wrapped under its name or ``data``."""
    value = reply.json()
    if isinstance(value, dict) and "id" not in value:
        value = next((value[key] for key in (name, "data") if isinstance(value.get(key), dict)), value)
    if not isinstance(value, dict):
        raise Invalid(f"{reply.about} was answered with {_shape(value)} instead of one {name}", reply.status)
    return value


def _text(reply: Reply, record: Json) -> bytes:
    return reply.body if record is reply.json() else orjson.dumps(record)


def _path(collection: str, record_id: str, *rest: str) -> str:
    if record_id in ("", ".", ".."):
        raise Missing(f"there are no {collection} with the id {record_id!r}", 404)
    return "/".join(("", collection, quote(record_id, safe=""), *rest))


def _conditions(validators: Validators | None) -> dict[str, str] | None:
    if validators is None:
        return None
    names = ("If-None-Match", "If-Modified-Since")
    return {name: value for name, value in zip(names, validators, strict=True) if value}


def _validators(headers: Mapping[str, str]) -> Validators:
    """Keep what can be sent back as it came."""
    etag, modified = (
        value if value and value.isascii() and value.isprintable() else None
        for value in (headers.get("etag"), headers.get("last-modified"))
    )
    return etag, modified


def _shape(value: object) -> str:
    if isinstance(value, dict):
        return f"an object with {readable(', '.join(list(value)[:5]))[:80] or 'nothing in it'}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "null" if value is None else "a single value"
