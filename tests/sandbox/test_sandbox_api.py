"""The documented calls of the sandbox, over HTTP."""

import re
from typing import Any
from uuid import UUID

import httpx
import pytest

from .conftest import Caller, Start

INVOICE = {
    *("id", "number", "client_id", "currency", "subtotal_cents", "tax_cents", "total_cents"),
    *("status", "due_date", "public_url"),
}
CLIENT = {
    *("id", "name", "email", "phone", "address", "country", "locale", "external_id", "tags"),
    "archived_at",
}
LINE = {"description": "Consulting", "quantity": 1, "unit_price_cents": 50000, "tax_rate": 20}


def drafted(caller: Caller, **fields: Any) -> Any:
    client = caller.get("/clients")[0]["id"]
    body = {"client_id": client, "currency": "EUR", "lines": [LINE], **fields}
    return caller.http.post("/invoices", json=body)


def test_both_ways_of_authentication_are_equal_and_others_answer_401(caller: Caller) -> None:
    url = f"{caller.sandbox.base_url}/clients"
    for headers in ({"X-Api-Key": "ffk_sandbox"}, {"Authorization": "Bearer ffk_sandbox"}):
        assert httpx.get(url, headers=headers).status_code == 200
    for headers in ({}, {"X-Api-Key": "ffk_other"}, {"Authorization": "Basic ffk_sandbox"}):
        answer = httpx.get(url, headers=headers)
        assert answer.status_code == 401
        assert answer.json()["error"] == "unauthorized"


def test_a_listed_invoice_has_exactly_the_documented_fields(caller: Caller) -> None:
    for row in caller.walk():
        assert set(row) == INVOICE
        UUID(row["id"])
        assert row["subtotal_cents"] + row["tax_cents"] == row["total_cents"]


def test_an_invoice_comes_with_lines_and_events_and_its_timeline_is_the_same(
    caller: Caller,
) -> None:
    for row in caller.walk():
        detail = caller.get(f"/invoices/{row['id']}")
        assert set(detail) == INVOICE | {"notes", "lines", "events"}
        assert {name: detail[name] for name in INVOICE} == row
        assert detail["events"] == caller.get(f"/invoices/{row['id']}/events")
        assert all(set(line) == set(LINE) for line in detail["lines"])


def test_a_client_has_exactly_the_documented_fields_and_is_found_by_name_email_and_phone(
    caller: Caller,
) -> None:
    clients = caller.walk("/clients")
    assert all(set(client) == CLIENT for client in clients)
    known = next(client for client in clients if client["email"] and client["phone"])
    for text in (known["name"].upper(), known["email"], known["phone"]):
        assert known in caller.get("/clients", q=text)
    assert caller.get("/clients", q="no such thing") == []


def test_the_documented_example_adds_up_and_is_a_draft(caller: Caller) -> None:
    answer = drafted(caller)
    assert answer.status_code == 201
    made = answer.json()
    sums = (made["subtotal_cents"], made["tax_cents"], made["total_cents"])
    assert sums == (50000, 10000, 60000)
    assert made["status"] == "draft"
    assert caller.get("/invoices")[0]["id"] == made["id"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "nobody"},
        {"currency": "XXX"},
        {"lines": []},
        {"lines": [{"description": "x"}]},
        {"lines": [{**LINE, "unit_price_cents": 1.5}]},
        {"lines": [{**LINE, "quantity": "1"}]},
        {"due_date": 20260101},
    ],
)
def test_an_invoice_with_a_wrong_field_answers_422_and_is_not_made(caller: Caller, wrong: dict[str, Any]) -> None:
    before = len(caller.walk())
    answer = drafted(caller, **wrong)
    assert answer.status_code == 422
    assert next(iter(wrong)) in answer.json()["message"]
    assert len(caller.walk()) == before


def test_sending_adds_an_event_for_each_channel_and_a_reminder_keeps_the_status(
    caller: Caller,
) -> None:
    path = f"/invoices/{drafted(caller).json()['id']}"
    sent = caller.http.post(f"{path}/send", json={"channels": ["email", "sms"]}).json()
    assert sent["status"] == "sent"
    assert [event["type"] for event in sent["events"]] == ["created", "sent", "sent"]
    answer = caller.http.post(f"{path}/send", json={"channels": ["link"], "reminder": True})
    assert answer.json()["status"] == "sent"
    assert answer.json()["events"][-1]["type"] == "reminder"
    assert answer.json()["events"][-1]["data"] == {"channel": "link"}


@pytest.mark.parametrize("body", [{}, {"channels": []}, {"channels": ["fax"]}, {"channels": ["sms"], "reminder": 1}])
def test_a_sending_without_right_channels_answers_422(caller: Caller, body: Any) -> None:
    path = f"/invoices/{drafted(caller).json()['id']}"
    assert caller.http.post(f"{path}/send", json=body).status_code == 422
    assert caller.get(path)["status"] == "draft"


def test_a_client_is_created_edited_and_archived_but_never_deleted(caller: Caller) -> None:
    made = caller.http.post("/clients", json={"name": "Ås & Sønn", "tags": ["a"]})
    assert made.status_code == 201
    path = f"/clients/{made.json()['id']}"
    edited = caller.http.put(path, json={**made.json(), "external_id": "42"}).json()
    assert edited["external_id"] == "42"
    archived = caller.http.delete(path)
    assert archived.status_code == 200
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", archived.json()["archived_at"])
    assert caller.get(path) == archived.json()


@pytest.mark.parametrize("body", ["[]", "{", '{"name": 5}', '{"name": "x", "locale": "xx"}', "{}"])
def test_a_wrong_client_answers_422_in_json(caller: Caller, body: str) -> None:
    answer = caller.http.post("/clients", content=body)
    assert answer.status_code == 422
    assert answer.json()["message"]


def test_the_business_profile_is_read_and_changed(caller: Caller) -> None:
    profile = caller.get("/business")
    assert profile["timezone"] == "Europe/Oslo"
    changed = caller.http.put("/business", json={**profile, "name": "Nytt navn AS"}).json()
    assert changed == caller.get("/business")
    assert changed["name"] == "Nytt navn AS"


def test_the_pdf_is_one_whose_cross_references_point_at_its_objects(caller: Caller) -> None:
    answer = caller.http.get(f"/invoices/{caller.get('/invoices')[0]['id']}/pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-1.4")
    offsets = [int(at) for at in re.findall(rb"(\d{10}) 00000 n", answer.content)]
    assert [answer.content[at : at + 7] for at in offsets] == [b"%d 0 obj" % n for n in range(1, 6)]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/invoices/5f0c2f66-0000-4000-8000-000000000000", 404),
        ("GET", "/clients/nobody", 404),
        ("DELETE", "/clients/nobody", 404),
        ("GET", "/nothing/here", 404),
        ("PATCH", "/invoices", 405),
        ("GET", "/invoices?page=two", 422),
    ],
)
def test_what_is_not_there_is_said_in_json(caller: Caller, method: str, path: str, status: int) -> None:
    answer = caller.http.request(method, path)
    assert answer.status_code == status
    assert "error" in answer.json()


def test_status_filters(start: Start) -> None:
    caller = start()
    everything = caller.walk()
    for status in {row["status"] for row in everything}:
        rows = caller.get("/invoices", status=status)
        assert rows == [row for row in everything if row["status"] == status]
    assert caller.get("/invoices", status="nonsense") == []
