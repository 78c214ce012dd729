"""Requests of both of Odoo's APIs read as calls, and answers and refusals written as each API gives them; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

FIRST = {"create": "vals_list", "write": "vals", "search": "domain", "search_count": "domain"}
"""What stands first (after the ids) where arguments go by position."""
OF_MODEL = frozenset({"create", "load", "search", "search_read", "search_count", "fields_get", "read_group"})
"""Methods of the model itself: the first thing by position is no list of ids."""


class Refusal(Exception):
    """Odoo says no: the exception's name there, its sentence, and the status that JSON-2 gives it."""

    def __init__(self, name: str, sentence: str, status: int = 422) -> None:
        super().__init__(sentence)
        self.name, self.sentence, self.status = name, sentence, status


class Unsupported(Exception):
    """The stand-in was asked for what it does not do; a test that meets this needs the real Odoo, or more of it."""


def user_error(sentence: str) -> Refusal:
    return Refusal("odoo.exceptions.UserError", sentence)


def missing(model: str, record: int) -> Refusal:
    said = f"Record does not exist or has been deleted.\n(Record: {model}({record},), User: 5)"
    return Refusal("odoo.exceptions.MissingError", said, 404)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a method; ``ids`` is ``None`` where it is called on the model itself."""

    model: str
    method: str
    ids: list[int] | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def context(self) -> Mapping[str, Any]:
        given: Mapping[str, Any] = self.arguments.get("context") or {}
        return given

    @property
    def key(self) -> str:
        """What tells calls apart, as JSON; the context left out, and what the two APIs write otherwise."""
        arguments = {name: value for name, value in self.arguments.items() if name != "context"}
        return json.dumps([self.model, self.method, self.ids, arguments], sort_keys=True)

    def __str__(self) -> str:
        return self.key[:600]


def json2_call(path: str, body: Mapping[str, Any]) -> Call:
    """Read a request of JSON-2: ``/json/2/<model>/<method>``."""
    _, _, _, model, method = path.split("/")
    arguments = dict(body)
    return Call(unquote(model), unquote(method), arguments.pop("ids", None), arguments)


def rpc_call(model: str, method: str, positional: list[Any], named: Mapping[str, Any]) -> Call:
    """Read the arguments of ``execute_kw`` of JSON-RPC."""
    arguments, rest = dict(named), list(positional)
    ids = rest.pop(0) if rest and method not in OF_MODEL else None
    if rest:
        arguments[FIRST[method]] = rest.pop(0)
    if rest:
        raise Unsupported(f"{model}.{method} has more arguments by position: {rest}")
    return Call(model, method, ids, arguments)


def rpc_answer(said: Any) -> dict[str, Any]:
    """Write an answer of JSON-RPC: of ``None`` there is no result."""
    return {"jsonrpc": "2.0", "id": 1, **({} if said is None else {"result": said})}


def rpc_refusal(error: Refusal) -> dict[str, Any]:
    """Write a refusal of JSON-RPC, which has status 200."""
    data = {"name": error.name, "message": error.sentence, "arguments": [error.sentence], "context": {}, "debug": ""}
    return {"jsonrpc": "2.0", "id": 1, "error": {"code": 200, "message": "Odoo Server Error", "data": data}}


def json2_refusal(error: Refusal) -> dict[str, Any]:
    """Write a refusal of JSON-2."""
    return {
        "name": error.name,
        "message": error.sentence,
        "arguments": [error.sentence],
        "context": {},
        "debug": "",
    }
