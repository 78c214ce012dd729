"""A client of the source, and operations on it, for the tests of partners."""

from __future__ import annotations

from typing import Any

from syncd.connector import Content, Operation

CLIENT: Content = {
    "client_id": "1",
    "name": "Kari AS",
    "email": "post@kari.example",
    "phone": "+4722334455",
    "address": "Storgata 1, 0155 Oslo",
    "country": "norge",
    "locale": "nb",
    "external_id": "K-1",
    "tags": "VIP;a\\;b",
    "archived_at": None,
}


def client(**fields: Any) -> Content:
    return {**CLIENT, **fields}


def operation(verb: Any, content: Content, external_id: str | None = None, **changes: Any) -> Operation:
    mark = f"ff-c-{content['client_id']}"
    return Operation(verb, "client", content["client_id"], mark, "k", content, changes, external_id=external_id)
