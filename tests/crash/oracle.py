"""What the targets must hold, computed from the source's own records by code that shares nothing with syncd."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

Json = dict[str, Any]
Rows = list[list[str]]

HEADERS = {
    "clients": "client_id,name,email,phone,address,country,locale,external_id,tags,archived_at",
    "invoices": "invoice_id,number,client_id,client_name,currency,subtotal,tax,total,status,issue_date,due_date,"
    "paid_date,public_url",
    "invoice_lines": "invoice_id,number,line,description,quantity,unit_price,tax_rate",
    "payments": "invoice_id,number,client_id,currency,amount,paid_date",
    "events": "invoice_id,number,type,occurred_at,event_id,data",
}


def tables(dump: Json) -> dict[str, Rows]:
    """Compute the five tables of a CSV ledger, headers and all, from the dump of a sandbox."""
    names = {client["id"]: client["name"] for client in dump["clients"]}
    issued = [invoice for invoice in dump["invoices"] if invoice["status"] != "draft"]
    issued.sort(key=lambda one: (issue_date(one, dump), one["number"], one["id"]))
    rows = {
        "clients": [client_row(one) for one in sorted(dump["clients"], key=lambda one: (one["name"], one["id"]))],
        "invoices": [invoice_row(one, names, dump) for one in issued],
        "invoice_lines": [row for one in issued for row in line_rows(one)],
        "payments": [payment_row(one, dump) for one in issued if is_settled(one)],
        "events": [row for one in issued for row in event_rows(one)],
    }
    return {name: [HEADERS[name].split(","), *found] for name, found in rows.items()}


def read(folder: Path) -> dict[str, Rows]:
    """Read the five tables of a ledger; what an event holds is compared as JSON."""
    found = {}
    for name in HEADERS:
        text = (folder / f"{name}.csv").read_bytes().decode()
        assert text.endswith("\r\n")
        found[name] = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    for row in found["events"][1:]:
        row[5] = in_order(json.loads(row[5]))
    return found


def client_row(client: Json) -> list[str]:
    names = ("id", "name", "email", "phone", "address", "country", "locale", "external_id")
    texts = [str(client[name] or "") for name in names]
    phone = texts[3]
    return [
        *map(safe, texts[:3]),
        phone,
        *map(safe, texts[4:]),
        safe(";".join(client["tags"])),
        client["archived_at"] or "",
    ]


def invoice_row(invoice: Json, names: Json, dump: Json) -> list[str]:
    who = [invoice["id"], invoice["number"], invoice["client_id"], safe(names[invoice["client_id"]])]
    sums = [money(invoice[f"{name}_cents"]) for name in ("subtotal", "tax", "total")]
    dates = [issue_date(invoice, dump), invoice["due_date"] or "", paid_date(invoice, dump)]
    return [*who, invoice["currency"], *sums, invoice["status"], *dates, invoice["public_url"]]


def line_rows(invoice: Json) -> Rows:
    return [
        [
            *(invoice["id"], invoice["number"], str(place), safe(line["description"])),
            *(str(line["quantity"]), money(line["unit_price_cents"]), str(line["tax_rate"])),
        ]
        for place, line in enumerate(invoice["lines"], 1)
    ]


def payment_row(invoice: Json, dump: Json) -> list[str]:
    who = [invoice["id"], invoice["number"], invoice["client_id"], invoice["currency"]]
    return [*who, money(invoice["total_cents"]), paid_date(invoice, dump)]


def event_rows(invoice: Json) -> Rows:
    events = sorted(invoice["events"], key=lambda one: (one["created_at"], one["id"]))
    who = [invoice["id"], invoice["number"]]
    return [[*who, one["type"], one["created_at"], one["id"], in_order(one)] for one in events]


def is_settled(invoice: Json) -> bool:
    return bool(invoice["status"] == "paid" and invoice["total_cents"])


def issue_date(invoice: Json, dump: Json) -> str:
    return min(day(one["created_at"], dump) for one in invoice["events"] if one["type"] == "sent")


def paid_date(invoice: Json, dump: Json) -> str:
    if invoice["status"] != "paid":
        return ""
    return max(day(one["created_at"], dump) for one in invoice["events"] if one["type"] == "paid")


def day(time: str, dump: Json) -> str:
    return datetime.fromisoformat(time).astimezone(ZoneInfo(dump["business"]["timezone"])).date().isoformat()


def money(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}"


def safe(text: str) -> str:
    return f"'{text}" if text[:1] in tuple("=+-@\t\r'") else text


def in_order(value: Json) -> str:
    return json.dumps(value, sort_keys=True)


def kept_as_told(dump: Json, earlier: Json, told: frozenset[str]) -> Json:
    """Give what the source says, but as before the texts of records of which syncd says itself that they differ."""
    texts = {
        one["id"]: {name: one[name] for name in ("name", "email", "due_date") if name in one}
        for one in earlier["clients"] + earlier["invoices"]
        if one["id"] in told
    }
    kinds = ("clients", "invoices")
    return {**dump, **{kind: [{**one, **texts.get(one["id"], {})} for one in dump[kind]] for kind in kinds}}


def wrong_in_books(dump: Json, earlier: Json, records: Sequence[Json]) -> list[str]:
    """Say what is wrong with the records of a hostile ledger, each in a sentence; nothing: it is as it should be.

    ``earlier``: what an earlier run may have found, for the clients of what was cancelled since.
    """
    expected, found = Counter(books(dump, earlier)), Counter(standing(records))
    too_many, missing = (found - expected).elements(), (expected - found).elements()
    return [f"too many: {one}" for one in too_many] + [f"missing: {one}" for one in missing]


def books(dump: Json, earlier: Json) -> Iterator[tuple[Any, ...]]:
    """List what must stand: each needed client, each invoice that counts, one payment for each that is paid."""
    who = {one["id"]: one["name"] for one in dump["clients"]}
    counted = [one for one in dump["invoices"] if counts(one)]
    needed = {one["client_id"] for one in counted + [one for one in earlier["invoices"] if counts(one)]}
    for one in dump["clients"]:
        if one["id"] in needed:
            yield ("client", one["name"], one["email"])
    for one in counted:
        money_there = [one[name] for name in ("subtotal_cents", "tax_cents", "total_cents", "currency")]
        yield ("invoice", one["number"], who[one["client_id"]], *money_there, one["due_date"], issue_date(one, dump))
        if is_settled(one):
            yield ("payment", one["number"], one["total_cents"], one["currency"], paid_date(one, dump))


def counts(invoice: Json) -> bool:
    status: str = invoice["status"]
    return status not in ("draft", "cancelled")


def standing(records: Sequence[Json]) -> Iterator[tuple[Any, ...]]:
    """List what stands in a hostile ledger, in the same words."""
    live = [one for one in records if not one["void"] and not one["deleted"]]
    names = {one["id"]: one["fields"].get("name") or one["fields"].get("number") for one in live}
    for one in live:
        fields = one["fields"]
        if one["kind"] == "client":
            yield ("client", fields["name"], fields["email"])
        elif one["kind"] == "invoice":
            money_there = [fields[name] for name in ("subtotal", "tax", "total", "currency")]
            who = names.get(fields["client"])
            yield ("invoice", fields["number"], who, *money_there, fields["due_date"], fields["issue_date"])
        else:
            number = names.get(fields["invoice"])
            yield ("payment", number, fields["amount"], fields["currency"], fields["paid_date"])
