"""The control surface changes the account behind the API's back."""

import threading
from collections import Counter
from functools import partial

import httpx
import pytest

from syncd.sandbox.data import made_up
from syncd.sandbox.life import KEYS, live
from syncd.sandbox.options import BadOption
from syncd.sandbox.server import Sandbox

from .conftest import TODAY, Caller, Start


def first(caller: Caller, status: str = "paid") -> str:
    return str(caller.get("/invoices", status=status)[0]["id"])


def test_requests_are_counted_by_route_and_control_calls_are_not(caller: Caller) -> None:
    caller.get("/clients", q="a")
    caller.get(f"/invoices/{first(caller)}")
    counted = caller.control("GET", "requests")
    assert counted["counts"] == {"GET /clients": 1, "GET /invoices": 1, "GET /invoices/{id}": 1}
    assert counted["total"] == 3
    assert counted["log"][0] == "GET /api/v1/clients?q=a"
    caller.control("POST", "requests/reset")
    assert caller.control("GET", "requests?last=0") == {"total": 0, "counts": {}, "log": []}


def test_new_lines_make_new_totals_unless_totals_are_given(caller: Caller) -> None:
    path = f"invoices/{first(caller)}"
    line = {"description": "x", "quantity": 3, "unit_price_cents": 333, "tax_rate": 25}
    assert caller.control("PATCH", path, {"lines": [line]})["total_cents"] == 1249
    wrong = caller.control("PATCH", path, {"lines": [line], "total_cents": 7})
    assert (wrong["subtotal_cents"], wrong["tax_cents"], wrong["total_cents"]) == (999, 250, 7)
    assert caller.get(f"/{path}") == wrong


def test_malformed_fields_unknown_ones_and_missing_ones_are_answered_as_given(
    caller: Caller,
) -> None:
    path = f"invoices/{first(caller)}"
    raw = {"total_cents": "many", "status": "disputed", "currency": "XAU", "extra": {"a": [1]}}
    caller.control("PATCH", path, {**raw, "_remove": ["number"]})
    detail = caller.get(f"/{path}")
    assert {name: detail[name] for name in raw} == raw
    assert "number" not in detail
    assert caller.get("/invoices", status="disputed")[0]["total_cents"] == "many"
    assert caller.control("PATCH", path, {"total_cents": 5, "_remove": []})["total_cents"] == 5


def test_events_are_appended_in_the_servers_dress_or_laid_over_raw(start: Start) -> None:
    caller = start(event_kind_key="kind", event_time_key="at", event_ids=False)
    path = f"invoices/{first(caller)}"
    event = {"kind": "viewed", "at": "2026-05-01T10:00:00+02:00"}
    added = caller.control("PATCH", path, {"_events": [event]})
    assert added["events"][-1] == {"kind": "viewed", "at": "2026-05-01T08:00:00Z"}
    assert caller.control("PATCH", path, {"events": ["?"]})["events"] == ["?"]


def test_an_invoice_may_be_born_paid_and_may_vanish(caller: Caller) -> None:
    born = caller.control("POST", "invoices", {"status": "paid", "currency": "NOK"})
    assert caller.get("/invoices")[0]["id"] == born["id"]
    assert [event["type"] for event in born["events"]] == ["created", "sent", "paid"]
    caller.control("DELETE", f"invoices/{born['id']}")
    assert caller.http.get(f"/invoices/{born['id']}").status_code == 404
    assert born["id"] not in [row["id"] for row in caller.walk()]


def test_an_id_may_be_answered_twice(caller: Caller) -> None:
    one, two = (row["id"] for row in caller.get("/invoices")[:2])
    caller.control("PATCH", f"invoices/{two}", {"id": one})
    assert Counter(row["id"] for row in caller.walk())[one] == 2


def test_a_client_is_patched_raw(caller: Caller) -> None:
    client = caller.get("/clients")[0]
    caller.control("PATCH", f"clients/{client['id']}", {"tags": "none", "_remove": ["email"]})
    patched = caller.get(f"/clients/{client['id']}")
    assert patched["tags"] == "none"
    assert "email" not in patched


def test_a_change_may_wait_for_a_request_so_that_rows_shift_during_a_walk(start: Start) -> None:
    caller = start(page_size=10)
    do = {"method": "POST", "path": "invoices", "body": {}}
    caller.control("POST", "after", {"requests": 2, "do": do})
    rows = [row["id"] for row in caller.walk()]
    assert len(rows) == 41
    assert rows[9] == rows[10]
    caller.sandbox.after(1, lambda: caller.sandbox.account.vanish(rows[20]))
    assert rows[20] not in [row["id"] for row in caller.walk()]


def test_life_changes_what_it_says_and_nothing_else() -> None:
    with Sandbox(account=made_up(3, clients=30, invoices=300, today=TODAY)) as sandbox:
        before = dump(sandbox)
        done = httpx.post(f"{sandbox.root}/_sandbox/live", json={"seed": 4, "share": 0.1}).json()
        after = dump(sandbox)
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert changed == {record for ids in done.values() for record in ids}
    assert 25 <= sum(len(ids) for key, ids in done.items() if "client" not in key) <= 35


def test_life_is_the_same_for_the_same_seed_and_goes_on_for_long() -> None:
    one, two = (made_up(3, clients=30, invoices=100, today=TODAY) for _ in range(2))
    happened: set[str] = set()
    for day in range(60):
        one.clock = two.clock = partial(float, 1_780_300_000 + day * 86_400)
        done = live(one, day, 0.05)
        assert live(two, day, 0.05) == done
        happened |= done.keys()
    assert happened == set(KEYS)
    assert len({x.number for x in one.invoices.values()}) == len(one.invoices)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "nothing", {}, 404),
        ("PATCH", "invoices/nobody", {}, 404),
        ("POST", "options", {"page_size": 0}, 422),
        ("POST", "after", {"requests": 0}, 422),
        ("POST", "live", {"share": "much"}, 422),
        ("GET", "requests", {"last": "x"}, 422),
    ],
)
def test_a_wrong_control_call_says_what_is_wrong(
    caller: Caller, method: str, path: str, body: dict[str, object], status: int
) -> None:
    url = f"{caller.sandbox.root}/_sandbox/{path}"
    answer = caller.http.request(method, url, json=body)
    assert answer.status_code == status
    assert answer.json()["message"]


def test_a_record_changed_by_another_thread_is_never_answered_half_changed(caller: Caller) -> None:
    target, stop = first(caller), threading.Event()
    lines = [{"description": "x", "quantity": 1, "unit_price_cents": 1, "tax_rate": 20}]

    def churn() -> None:
        price = 1
        while not stop.is_set():
            price = price % 9_000 + 1
            lines[0]["unit_price_cents"] = price * 100
            caller.control("PATCH", f"invoices/{target}", {"lines": lines})

    thread = threading.Thread(target=churn)
    thread.start()
    for _ in range(200):
        seen = caller.get(f"/invoices/{target}")
        assert seen["subtotal_cents"] + seen["tax_cents"] == seen["total_cents"]
    stop.set()
    thread.join()


def test_a_port_is_free_again_at_once_and_a_taken_one_is_said() -> None:
    with Sandbox() as sandbox:
        port = sandbox.port
        with pytest.raises(BadOption, match=f"port {port}"), Sandbox(port=port):
            pass
    with Sandbox(port=port) as again:
        assert httpx.get(f"{again.base_url}/clients").status_code == 401
    with pytest.raises(BadOption, match="loopback"), Sandbox(host="0.0.0.0"):
        pass


def dump(sandbox: Sandbox) -> dict[str, object]:
    records = httpx.get(f"{sandbox.root}/_sandbox/dump").json()
    return {record["id"]: record for record in records["invoices"] + records["clients"]}
