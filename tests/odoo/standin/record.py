"""Makes the recordings from a real Odoo: ``python -m tests.odoo.standin.record`` (``ODOO_SERIES`` names one series).

It prepares fresh books as the tests do, reads them as the connector does when it opens them, and writes down what was
asked and answered. Nothing in it is secret, and no date but that of the rates, which ``server/prepare.py`` gives them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from connectors.odoo.client import Odoo
from connectors.odoo.company import Company
from connectors.odoo.company_io import read_company
from connectors.odoo.settings import OdooSettings
from syncd.http import Http, Reply
from syncd.secret import Secret
from tests.odoo import place
from tests.odoo.office import prepare
from tests.odoo.place import Place
from tests.odoo.standin.recorded import FOLDER
from tests.odoo.standin.tables import FIELDS
from tests.odoo.standin.wire import json2_call, rpc_call

ROWS: Mapping[str, Sequence[str]] = {
    "res.company": ["currency_id", "tax_calculation_rounding_method"],
    "res.users": ["name", "login"],
    "res.country": ["name", "code"],
    "res.country.state": ["name", "code", "country_id"],
    "res.currency": ["name"],
    "res.currency.rate": ["currency_id", "rate", "name", "company_id"],
    "account.journal": ["name", "code"],
    "account.tax": ["name", "amount"],
    "account.account": ["display_name", "account_type", "internal_type"],
    "res.partner": [
        *("name", "email", "phone", "street", "street2", "zip", "city", "state_id", "country_id", "lang", "ref"),
        *("active", "category_id", "email_normalized", "is_company", "property_account_receivable_id"),
    ],
}
"""Model → what is kept of the rows that stand in books just prepared, as far as there is such a field."""
SET_UP = ("fields_get", "has_access", "check_access_rights", "formatted_read_group", "read_group")
"""Methods that tell how a model is set up, and nothing of single records."""
ONLY = {"res.country.state": [("country_id.code", "in", ["US", "CA", "AU"])]}


class Recorder:
    """Keeps the exchanges of the clients that are made with it."""

    def __init__(self) -> None:
        self.exchanges: dict[str, dict[str, Any]] = {}

    def http(self, **settings: Any) -> Http:
        """An HTTP client whose exchanges are kept."""
        recorder = self

        class Recording(Http):
            def send(self, method: str, path: str, **request: Any) -> Reply:
                reply = super().send(method, path, **request)
                recorder.keep(path, orjson.loads(request["content"]), orjson.loads(reply.body))
                return reply

        return Recording(**settings)

    def keep(self, path: str, body: Any, answer: Any) -> None:
        """Keep an exchange, unless it is of what changes, or of who asks."""
        if path.startswith("/json/2/"):
            call = json2_call(path, body)
        elif path == "/jsonrpc" and body["params"]["service"] == "object":
            _, _, _, model, method, positional, named = body["params"]["args"]
            call, answer = rpc_call(model, method, positional, named), answer.get("result")
        else:
            return
        if call.method == "context_get" or (call.model in FIELDS and call.method not in SET_UP):
            return
        arguments = {name: value for name, value in call.arguments.items() if name != "context"}
        kept = {"model": call.model, "method": call.method, "ids": call.ids, "arguments": arguments}
        self.exchanges[call.key] = {**kept, "answer": answer}


def record(series: str) -> dict[str, Any]:
    """Record one series."""
    real = place.fresh(series)
    try:
        return {**asked(real), **standing(real)}
    finally:
        place.drop(real)


def asked(real: Place) -> dict[str, Any]:
    """Ask all that is asked of set-up: to prepare the books, by the connector, and by the tests."""
    recorder = Recorder()

    class Recorded(Place):
        def client(self, user: str | None = "sync", **more: Any) -> Any:
            return super().client(user, **{"http": recorder.http, **more})

    at = Recorded(real.series, real.url, real.database, real.version, real.keys)
    prepare(at)
    admin, sync = at.admin(), at.client()
    admin.search_read("account.tax", [], ["amount"])
    open_books(at, sync)
    admin.connect()
    at.close()
    users = {"admin": admin.uid, "sync": sync.uid}
    return {"users": users, "exchanges": list(recorder.exchanges.values())}


def open_books(at: Place, odoo: Odoo) -> Company:
    """Read the books as the connector does, with the settings that the tests have."""
    settings = OdooSettings(
        url=at.url,
        database=at.database,
        user="sync",
        api_key=Secret(at.sync_key),
        journal="FF",
        payment_journal="BNK1",
        pdf=True,
    )
    return read_company(odoo, settings, {"0": "Sync 0%"})


def standing(real: Place) -> dict[str, Any]:
    """Read the rows that stand, and the external ids of the partners among them."""
    admin = real.admin()
    rows = {}
    for model, fields in ROWS.items():
        there = admin.fields_of(model)
        known = [name for name in fields if name in there]
        rows[model] = admin.search_read(
            model, ONLY.get(model, []), known, context={"active_test": model != "res.partner"}
        )
    partners = [row["id"] for row in rows["res.partner"]]
    externals = {name: record for record, name in admin.external_ids("res.partner", partners).items()}
    info = [admin.version, 0, 0, "final", 0, ""]
    return {"version": {"server_version_info": info}, "externals": externals, "rows": rows}


def write(series: str, document: Mapping[str, Any]) -> None:
    """Write a file of recordings, one row or exchange a line."""
    parts = []
    for name, value in sorted(document.items()):
        if name == "exchanges":
            body = ",\n".join(json.dumps(one, ensure_ascii=False, sort_keys=True) for one in value)
            parts.append(f"{json.dumps(name)}: [\n{body}\n]")
        elif name == "rows":
            body = ",\n".join(
                f"{json.dumps(model)}: {json.dumps(rows, ensure_ascii=False)}" for model, rows in value.items()
            )
            parts.append(f"{json.dumps(name)}: {{\n{body}\n}}")
        else:
            parts.append(f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False, sort_keys=True)}")
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{series}.json").write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    for one in place.wanted():
        write(one, record(one))
        print(f"recorded {one}")
