"""The Starlette app: the documented calls under `/api/v1`, answered as the options say.

Source: FastFaktura API documentation 1.0.0, the table of calls.
"""

import secrets
from collections.abc import Awaitable, Callable
from email.utils import formatdate, parsedate_to_datetime
from hashlib import blake2b
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from syncd.sandbox import paging, render
from syncd.sandbox.account import Account, NotFound, Refused
from syncd.sandbox.faults import FaultPlan
from syncd.sandbox.options import BadOption, Options
from syncd.sandbox.pdf import pdf
from syncd.sandbox.records import STATUSES, Json
from syncd.sandbox.render import View
from syncd.sandbox.traffic import API, Traffic

Handler = Callable[[Request], Awaitable[Response]]
Builder = Callable[[View], Any]


class Api:
    """The documented calls on one account. `options` may be replaced while it serves."""

    def __init__(self, account: Account, options: Options, key: str) -> None:
        """Serve `account` to whoever brings `key`."""
        self.account = account
        self.key = key
        self.traffic = Traffic()
        self.use(options)

    def use(self, options: Options) -> None:
        """Behave as `options` say from the next request on; counts of faults start anew."""
        self.options = options
        self.faults = FaultPlan(options.faults)

    def routes(self) -> list[Route]:
        """Return the documented calls, the busiest first."""
        calls: list[tuple[str, str, Handler]] = [
            ("GET", "/invoices/{id}", self.get_invoice),
            ("GET", "/invoices", self.list_invoices),
            ("POST", "/invoices", self.create_invoice),
            ("GET", "/invoices/{id}/pdf", self.invoice_pdf),
            ("POST", "/invoices/{id}/send", self.send_invoice),
            ("GET", "/invoices/{id}/events", self.invoice_events),
            ("GET", "/clients", self.list_clients),
            ("POST", "/clients", self.create_client),
            ("GET", "/clients/{id}", self.get_client),
            ("PUT", "/clients/{id}", self.edit_client),
            ("DELETE", "/clients/{id}", self.archive_client),
            ("GET", "/business", self.get_business),
            ("PUT", "/business", self.edit_business),
        ]
        return [Route(API + path, handler, methods=[method]) for method, path, handler in calls]

    async def get_business(self, request: Request) -> Response:
        """Answer the company's profile."""
        return self.answer(request, lambda _: self.account.business, self.account.modified)

    async def edit_business(self, request: Request) -> Response:
        """Change the company's profile."""
        profile = await body_of(request)
        replace = self.options.put == "replace"
        return said(self.account.edit_business(profile, replace=replace))

    async def list_clients(self, request: Request) -> Response:
        """Answer a page of clients, of those that hold `q`."""
        rows = self.account.found(request.query_params.get("q"), paging.base(self.options))
        return self.listing(request, rows, "clients", lambda item, _: item)

    async def create_client(self, request: Request) -> Response:
        """Create a client: 201, 422."""
        return said(self.account.create_client(await body_of(request)), 201)

    async def get_client(self, request: Request) -> Response:
        """Answer one client: 200, 404."""
        client = self.account.client(request.path_params["id"])
        return self.answer(request, lambda _: client, self.account.modified)

    async def edit_client(self, request: Request) -> Response:
        """Edit a client, merging or replacing."""
        given = await body_of(request)
        replace = self.options.put == "replace"
        return said(self.account.edit_client(request.path_params["id"], given, replace=replace))

    async def archive_client(self, request: Request) -> Response:
        """Archive a client; nothing is deleted."""
        return said(self.account.archive_client(request.path_params["id"]))

    async def list_invoices(self, request: Request) -> Response:
        """Answer a page of invoices, of one `status`."""
        status = request.query_params.get("status") or None
        if status is not None and self.options.refuse_unknown_status and status not in STATUSES:
            raise Refused(f"status: must be one of {', '.join(STATUSES)}")
        wanted = None if self.options.ignore_status else status
        rows = self.account.listed(wanted, paging.base(self.options))
        return self.listing(request, rows, "invoices", render.row)

    async def create_invoice(self, request: Request) -> Response:
        """Create a draft with its lines: 201, 422."""
        invoice = self.account.create_invoice(await body_of(request))
        return said(render.detail(invoice, self.view()), 201)

    async def get_invoice(self, request: Request) -> Response:
        """Answer one invoice with lines and events: 200, 404."""
        invoice = self.account.invoice(request.path_params["id"])
        return self.answer(request, lambda view: render.detail(invoice, view), invoice.modified)

    async def invoice_pdf(self, request: Request) -> Response:
        """Answer the invoice's PDF."""
        invoice = self.account.invoice(request.path_params["id"])
        return Response(pdf(invoice), media_type="application/pdf")

    async def send_invoice(self, request: Request) -> Response:
        """Send an invoice, or remind of it."""
        given = await body_of(request)
        reminder = given.get("reminder", False)
        invoice_id = request.path_params["id"]
        invoice = self.account.send(invoice_id, given.get("channels"), reminder=reminder)
        return said(render.detail(invoice, self.view()))

    async def invoice_events(self, request: Request) -> Response:
        """Answer the invoice's timeline."""
        invoice = self.account.invoice(request.path_params["id"])

        def timeline(view: View) -> Any:
            return render.wrapped(render.events(invoice, view), "events", {}, self.options)

        return self.answer(request, timeline, invoice.modified)

    def view(self, signature: str = "") -> View:
        """Return what rendering depends on now; an unusable time zone of the profile is UTC."""
        name = self.account.business.get("timezone")
        return View(self.options, _zone(name if isinstance(name, str) else "UTC"), signature)

    def built(self, build: Builder, signature: str = "") -> Any:
        """Return what `build` gives while nobody else changes the account."""
        with self.account.lock:
            return build(self.view(signature))

    def listing(self, request: Request, rows: list[Any], name: str, shape: Callable[[Any, View], Json]) -> Response:
        """Answer one page of `rows`."""
        page = paging.page_of(rows, request.query_params.get("page"), self.options)
        info, headers = paging.information(page, request.url, self.options)

        def build(view: View) -> Any:
            shown = [shape(item, view) for item in page.rows]
            return render.wrapped(shown, name, info, self.options)

        return self.answer(request, build, self.account.modified, headers)

    def answer(
        self, request: Request, build: Builder, modified: int, headers: dict[str, str] | None = None
    ) -> Response:
        """Answer what `build` gives, or 304 when the caller has it already and may be told so."""
        signed = f"?signature={secrets.token_hex(8)}" if self.options.signed_public_url else ""
        if self.options.etag == "none":
            return said(self.built(build, signed), headers=headers)
        body = orjson.dumps(self.built(build))
        known, validator = _validated(request, body, modified, self.options)
        if known:
            return Response(status_code=304, headers=validator)
        if signed:
            body = orjson.dumps(self.built(build, signed))
        return Response(body, headers={**validator, **(headers or {})}, media_type=JSON_TYPE)


JSON_TYPE = "application/json"


def said(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return `value` as a JSON answer."""
    return Response(orjson.dumps(value), status, headers, JSON_TYPE)


async def body_of(request: Request) -> Json:
    """Return the JSON object of the request, or raise Refused."""
    try:
        value = orjson.loads(await request.body() or b"{}")
    except orjson.JSONDecodeError as error:
        raise Refused(f"body: not JSON ({error})") from None
    if not isinstance(value, dict):
        raise Refused("body: must be a JSON object")
    return value


async def on_error(_: Request, error: Exception) -> Response:
    """Answer what went wrong as JSON: `error`, a word, and `message`, a sentence; any other error is a bug, 500."""
    if isinstance(error, NotFound):
        return said({"error": "not_found", "message": str(error)}, 404)
    if isinstance(error, HTTPException):
        word = error.detail.lower().replace(" ", "_")
        return said({"error": word, "message": error.detail}, error.status_code, dict(error.headers or {}))
    if isinstance(error, Refused | BadOption):
        return said({"error": "unprocessable", "message": str(error)}, 422)
    return said({"error": "internal", "message": f"a bug of the sandbox: {error!r}"}, 500)


def _validated(request: Request, body: bytes, modified: int, options: Options) -> tuple[bool, dict[str, str]]:
    if options.etag == "etag":
        tag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
        return request.headers.get("if-none-match") == tag, {"ETag": tag}
    stand = {"Last-Modified": formatdate(modified, usegmt=True)}
    since = request.headers.get("if-modified-since", "")
    try:
        return modified <= parsedate_to_datetime(since).timestamp(), stand
    except (ValueError, OverflowError):
        return False, stand


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # a KeyError: there is no such zone
        return ZoneInfo("UTC")
