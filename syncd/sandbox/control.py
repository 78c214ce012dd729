"""The control surface `/_sandbox`: what no customer of the API can do, for tests and demos."""

from collections.abc import Callable
from functools import partial
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from syncd.sandbox import change, life, render
from syncd.sandbox.account import NotFound, Refused
from syncd.sandbox.app import Api, body_of, said
from syncd.sandbox.options import BadOption
from syncd.sandbox.records import Json

PREFIX = "/_sandbox"


class Control:
    """Each call is a plain function of (record id, body), so that it can also be made later."""

    def __init__(self, api: Api) -> None:
        """Control what `api` serves."""
        self.api = api
        self.account = api.account

    def routes(self) -> list[Route]:
        """Return the one route that leads to all calls."""
        methods = ["GET", "POST", "PATCH", "DELETE"]
        return [Route(PREFIX + "/{path:path}", self._served, methods=methods)]

    def perform(self, method: str, path: str, body: Json) -> Any:
        """Make a call; `path` is without the prefix. Raise NotFound or Refused."""
        parts = path.strip("/").split("/")
        by_id = parts[0] in ("invoices", "clients") and len(parts) == 2
        name = f"{method} {parts[0]}/{{id}}" if by_id else f"{method} {'/'.join(parts)}"
        if (call := self._calls().get(name)) is None:
            raise NotFound(f"{name}: no such call; there are: {', '.join(self._calls())}")
        try:
            return call(parts[1] if by_id else "", body)
        except (Refused, BadOption, NotFound):
            raise
        except (LookupError, TypeError, AttributeError, ValueError, OverflowError) as error:
            raise Refused(f"{name}: {type(error).__name__}: {error}") from error

    def _calls(self) -> dict[str, Callable[[str, Json], Any]]:
        return {
            "GET requests": self._requests,
            "POST requests/reset": self._reset,
            "POST live": self._live,
            "PATCH invoices/{id}": self._patch_invoice,
            "DELETE invoices/{id}": self._vanish,
            "POST invoices": lambda _, body: self._shown(change.insert(self.account, body)),
            "PATCH clients/{id}": partial(change.patch_client, self.account),
            "GET options": lambda *_: self.api.options.as_json(),
            "POST options": self._options,
            "POST after": self._after,
            "GET dump": self._dump,
        }

    async def _served(self, request: Request) -> Response:
        body = await body_of(request)
        body = {**request.query_params, **body}
        return said(self.perform(request.method, request.path_params["path"], body))

    def _requests(self, _: str, body: Json) -> Json:
        last = str(body.get("last", 100))
        if not last.isdecimal():
            raise Refused(f"last: {last!r} is no number")
        return self.api.traffic.as_json(int(last))

    def _reset(self, _: str, __: Json) -> Json:
        self.api.traffic.reset()
        return {"total": 0}

    def _live(self, _: str, body: Json) -> Json:
        seed, share = body.get("seed", 1), body.get("share", 0.01)
        if not isinstance(seed, int) or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise Refused("live: seed must be an integer and share a number from 0 to 1")
        return life.live(self.account, seed, share)

    def _patch_invoice(self, invoice_id: str, body: Json) -> Any:
        return self._shown(change.patch_invoice(self.account, invoice_id, body))

    def _vanish(self, invoice_id: str, _: Json) -> Json:
        self.account.vanish(invoice_id)
        return {"vanished": invoice_id}

    def _options(self, _: str, body: Json) -> Json:
        self.api.use(self.api.options.changed(body))
        return self.api.options.as_json()

    def _after(self, _: str, body: Json) -> Json:
        """Take {"requests": N, "do": {"method", "path", "body"}}; the path without prefix."""
        count, do = body.get("requests"), body.get("do")
        if not isinstance(count, int) or count < 1 or not isinstance(do, dict):
            raise Refused("after: needs requests (at least 1) and do (method, path, body)")
        call = (do.get("method", "POST"), str(do.get("path", "")), do.get("body") or {})
        self.api.traffic.after(count, partial(self.perform, *call))
        return {"requests": count, "do": do}

    def _dump(self, _: str, __: Json) -> Json:
        account, view = self.account, self.api.view()
        with account.lock:
            return {
                "business": account.business,
                "clients": list(account.clients.values()),
                "invoices": [_plain(render.detail(x, view)) for x in account.invoices.values()],
            }

    def _shown(self, invoice: Any) -> Any:
        return _plain(render.detail(invoice, self.api.view()))


def _plain(value: Json) -> Any:
    return orjson.loads(orjson.dumps(value))
