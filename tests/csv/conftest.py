"""A small ledger to test with: three clients, six invoices, four payments."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.csv import CsvConnector
from connectors.csv.settings import CsvSettings
from syncd.connector import Entry, Fields, Kind, Operation, Outcome, Rejected, Scalar, Verb
from syncd.fields import flatten
from tests.hostile.fixtures import context

Json = dict[str, Any]
Make = Callable[..., CsvConnector]


def client(n: int, **more: Any) -> Json:
    return {
        "client_id": f"c{n}",
        "name": f"Åse {n} & Sons",
        "email": f"c{n}@example.com",
        "phone": "+4712345678",
        "address": "Storgata 1\n0155 Oslo",
        "country": "NO",
        "locale": "nb",
        "external_id": None,
        "tags": "a;b",
        "archived_at": None,
        **more,
    }


def invoice(n: int, **more: Any) -> Json:
    day = f"20{24 + n % 3}-0{n}-15"
    lines = [[f"Work {n}.{line}", "2.5", 1000 * line, "25"] for line in range(1, n + 1)]
    kinds = ("created", "sent", "paid")
    events = [[f"e{n}-{k}", kind, f"{day}T10:0{k}:00Z", f'{{"n": {k}}}'] for k, kind in enumerate(kinds)]
    return {
        "invoice_id": f"i{n}",
        "number": f"2026-{n:03d}",
        "client_id": f"c{n % 3}",
        "client_name": f"Åse {n % 3} & Sons",
        "currency": "NOK",
        "subtotal": 123450 + n,
        "tax": 30862,
        "total": 154312 + n,
        "status": "paid",
        "issue_date": day,
        "due_date": f"20{24 + n % 3}-0{n}-28",
        "paid_date": f"20{24 + n % 3}-0{n}-20",
        "public_url": f"https://pay.example.com/{n}",
        "notes": "not in the ledger",
        "lines": lines,
        "events": events,
        **more,
    }


def payment(content: Json) -> Json:
    names = ("invoice_id", "number", "client_id", "currency", "paid_date", "issue_date")
    return {**{name: content[name] for name in names}, "amount": content["total"]}


def entry(number: int, verb: Verb, kind: Kind, content: Json, payload: bytes | None = None) -> Entry:
    name = content["client_id"] if kind == "client" else content["invoice_id"]
    return Entry(number, verb, kind, name, f"m-{kind}-{name}", f"k{number}", payload or orjson.dumps(content))


def loading(invoices: Iterable[Json] | None = None, clients: Iterable[Json] | None = None) -> list[Entry]:
    """The entries of a first load, in the order the engine gives them."""
    clients = [client(n) for n in range(3)] if clients is None else list(clients)
    invoices = [invoice(n) for n in range(1, 7)] if invoices is None else list(invoices)
    invoices.sort(key=lambda one: (one["issue_date"] or "", one["number"], one["invoice_id"]))
    made: list[tuple[Verb, Kind, Json]] = [
        ("create", "client", one) for one in sorted(clients, key=lambda c: c["name"])
    ]
    made += [("create", "invoice", one) for one in invoices]
    made += [("settle", "payment", payment(one)) for one in invoices if one["status"] == "paid"]
    return [entry(number, *one) for number, one in enumerate(made)]


def change(connector: CsvConnector, kind: Kind, content: Json, changes: dict[str, tuple[Scalar, Scalar]]) -> Outcome:
    """Render and write one update, as the engine would."""
    name = content["client_id" if kind == "client" else "invoice_id"]
    flat: Fields = {**flatten(content), **{path: after for path, (_, after) in changes.items()}}
    operation = Operation("update", kind, name, "m", "k", flat, changes, external_id=name)
    payload = connector.render(operation, connector.open())
    assert not isinstance(payload, Rejected)
    [(_, outcome)] = connector.write([entry(1, "update", kind, content, payload)])
    return outcome


def standing(connector: CsvConnector) -> dict[tuple[str, str], Fields]:
    """All that a ledger says stands, by kind and id."""
    found: dict[tuple[str, str], Fields] = {}
    for page in connector.changes(None):
        for remote in page.remotes:
            assert (remote.kind, remote.external_id) not in found
            found[remote.kind, remote.external_id] = remote.fields
    return found


def expected(entries: Iterable[Entry]) -> dict[tuple[str, str], Fields]:
    """What should stand after these entries of a first load."""
    fields = CsvConnector.capabilities.fields
    return {(one.kind, one.id): flatten(orjson.loads(one.payload), fields[one.kind]) for one in entries}


def texts(folder: Path) -> dict[str, bytes]:
    """Every table of a ledger, byte for byte."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.csv"))}


@pytest.fixture
def books(tmp_path: Path) -> Path:
    return tmp_path / "books"


@pytest.fixture
def make(tmp_path: Path, books: Path) -> Make:
    """Connect to the ledger of this test, with these settings."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    lent = context(scratch)

    def connect(**settings: Any) -> CsvConnector:
        connector = CsvConnector(CsvSettings.model_validate({"path": str(books), **settings}), lent)
        connector.open()
        return connector

    return connect
