"""The gate before the app: counting, authentication, latency and faults of every API request."""

import asyncio
import hmac

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from syncd.sandbox import faults
from syncd.sandbox.app import Api, said
from syncd.sandbox.options import Fault
from syncd.sandbox.traffic import API


class Gate:
    """An ASGI app that lets API requests through to `app` as the options of `api` say."""

    def __init__(self, app: ASGIApp, api: Api) -> None:
        """Stand before `app`; everything outside of `/api/v1` passes untouched."""
        self.app = app
        self.api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not scope["path"].startswith(API + "/"):
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        self.api.traffic.arrived(scope["method"], path, scope["query_string"].decode("latin-1"))
        fault = self.api.faults.hit(scope["method"], path[len(API) :] or "/")
        if self.api.options.latency:
            await asyncio.sleep(self.api.options.latency)
        if fault is not None:
            await self.disturbed(fault, scope, receive, send)
        else:
            await self.admitted(scope, receive, send)

    async def admitted(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request if it brings the key, else answer 401."""
        if hmac.compare_digest(key_of(scope), self.api.key.encode()):
            await self.app(scope, receive, send)
        else:
            answer = {"error": "unauthorized", "message": "the API key is missing or wrong"}
            await said(answer, 401)(scope, receive, send)

    async def disturbed(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request under a fault."""
        if (refusal := faults.refusal(fault)) is not None:
            await refusal(scope, receive, send)
        elif fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            await self.admitted(scope, receive, send)
        elif fault.kind == "drop_before":
            await _gone(scope, receive)
        else:
            await self.mangled(fault, scope, receive, send)

    async def mangled(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request have its effect, then lose the answer or half of it."""
        start, body = await self.held(scope, receive)
        if fault.kind == "drop_after":
            await _gone(scope, receive)
            return
        whole = fault.kind == "truncated_json"
        start, half = faults.halved(start, body, honest=whole)
        await send(start)
        await send({"type": "http.response.body", "body": half, "more_body": not whole})
        if not whole:
            scope["transport"].close()
            await _disconnected(receive)

    async def held(self, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
        """Let the request have its effect and return the answer instead of sending it."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self.admitted(scope, receive, keep)
        return messages[0], b"".join(message.get("body", b"") for message in messages[1:])


def key_of(scope: Scope) -> bytes:
    """Return the key that a request brings, by `X-Api-Key` or as a bearer token."""
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            return bytes(value)
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return bytes(value[7:].strip())
    return b""


async def _gone(scope: Scope, receive: Receive) -> None:
    faults.cut(scope)
    await _disconnected(receive)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
