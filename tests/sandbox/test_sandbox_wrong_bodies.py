"""Whatever is sent to the sandbox, it answers as an API does: with a record, or with an error in its one form."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.sandbox.data import made_up
from syncd.sandbox.server import Sandbox

from .conftest import TODAY, Caller

LINE = {"description": "Consulting", "quantity": 1, "unit_price_cents": 50000, "tax_rate": 20}
CLIENT = {"name": "Ås", "email": None, "phone": None, "locale": "nb", "tags": ["a"], "external_id": "7"}
RAW = ("_events", "_happened", "_created", "_issued", "_paid", "_remove", "events", "id", "status", "number")

NUMBERS = st.one_of(
    st.sampled_from([0, -1, True, 1e300, -1e300, 5e-324, 10**12, 10**13, 2**63, 10**40, float("nan"), float("inf")]),
    st.integers(),
    st.floats(),
)
JUNK = st.recursive(
    st.none() | NUMBERS | st.text(max_size=5) | st.sampled_from(["paid", "sent", "EUR", "2026-01-01", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def served() -> Iterator[Caller]:
    """One sandbox for all examples: what one of them leaves must not break the next."""
    account = made_up(7, clients=3, invoices=3, today=TODAY)
    with Sandbox(account=account) as sandbox:
        headers = {"X-Api-Key": sandbox.key}
        with httpx.Client(base_url=sandbox.base_url, headers=headers, trust_env=False) as client:
            yield Caller(sandbox, client)


def nearly(right: dict[str, Any], *more: str) -> st.SearchStrategy[Any]:
    """Make bodies that are right but for some fields, and now and then something else altogether."""
    wrong = st.dictionaries(st.sampled_from([*right, *more]), JUNK, max_size=3)
    return st.builds(lambda changes: {**right, **changes}, wrong) | JUNK


def sent(served: Caller, method: str, path: str, body: Any) -> httpx.Response:
    """Send a body, be it JSON as the standard has it or not, and look at the form of the answer."""
    url = path if path.startswith("/") else f"{served.sandbox.root}/_sandbox/{path}"
    answer = served.http.request(method, url, content=json.dumps(body))
    assert 200 <= answer.status_code < 300 or 400 <= answer.status_code < 500, (answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/json"
    if answer.status_code >= 400:
        error = answer.json()
        assert error.keys() == {"error", "message"}, error
        assert all(isinstance(text, str) and text for text in error.values()), error
    return answer


def still_well(served: Caller, path: str) -> None:
    """Expect that the record, and the lists, can be read."""
    for read in (path, "/invoices", "/clients", "/clients?q=a"):
        assert served.http.get(read).status_code == 200, read
    account = served.sandbox.account
    with account.lock:  # or the lists become long
        for records in (account.invoices, account.clients):
            for name in list(records)[3:]:
                del records[name]
        account.touched()


def lines() -> st.SearchStrategy[Any]:
    return st.lists(nearly(LINE), max_size=3) | JUNK


@given(
    body=nearly({"client_id": "", "currency": "EUR", "due_date": None, "notes": None, "lines": [LINE]}), lines=lines()
)
def test_any_body_makes_an_invoice_or_is_refused_in_json(served: Caller, body: Any, lines: Any) -> None:
    if isinstance(body, dict) and body.get("client_id") == "":
        body |= {"client_id": next(iter(served.sandbox.account.clients)), "lines": lines}
    answer = sent(served, "POST", "/invoices", body)
    if answer.status_code == 201:
        path = f"/invoices/{answer.json()['id']}"
        assert served.get(path)["lines"] == answer.json()["lines"]
        assert served.http.get(f"{path}/pdf").status_code == 200
        still_well(served, path)


@given(body=nearly(CLIENT, "id", "archived_at"))
def test_any_body_makes_or_changes_a_client_or_is_refused_in_json(served: Caller, body: Any) -> None:
    path = f"/clients/{next(iter(served.sandbox.account.clients))}"
    sent(served, "POST", "/clients", body)
    sent(served, "PUT", path, body)
    sent(served, "PATCH", f"_sandbox{path}".removeprefix("_sandbox/"), body)
    sent(served, "DELETE", path, body)
    still_well(served, path)


@given(body=nearly({"channels": ["email"], "reminder": False}))
def test_any_body_sends_an_invoice_or_is_refused_in_json(served: Caller, body: Any) -> None:
    path = f"/invoices/{next(iter(served.sandbox.account.invoices))}"
    sent(served, "POST", f"{path}/send", body)
    still_well(served, path)


@given(body=nearly({"lines": [LINE]}, "notes", "currency", "subtotal_cents", *RAW), lines=lines(), anew=st.booleans())
def test_any_raw_change_of_an_invoice_is_made_or_refused_in_json(
    served: Caller, body: Any, lines: Any, anew: bool
) -> None:
    if isinstance(body, dict) and body.get("lines") == [LINE]:
        body |= {"lines": lines}
    path = f"invoices/{next(iter(served.sandbox.account.invoices))}"
    count = len(served.sandbox.account.invoices)
    answer = sent(served, "POST", "invoices", body) if anew else sent(served, "PATCH", path, body)
    made = len(served.sandbox.account.invoices) - count
    assert made == (anew and answer.status_code == 200)
    still_well(served, f"/{path}")


@given(body=nearly({"name": "Nytt", "timezone": "Europe/Oslo"}))
def test_any_profile_is_taken_or_refused_in_json(served: Caller, body: Any) -> None:
    sent(served, "PUT", "/business", body)
    still_well(served, f"/invoices/{next(iter(served.sandbox.account.invoices))}")


@pytest.mark.parametrize("zone", ["No/Where", "", "../x", "\0", "Europe", "x" * 5000])
def test_a_profile_with_an_unusable_time_zone_is_served_all_the_same(served: Caller, zone: str) -> None:
    sent(served, "PUT", "/business", {"timezone": zone})
    still_well(served, f"/invoices/{next(iter(served.sandbox.account.invoices))}")


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": []},
        {"client_id": {}},
        {"client_id": None},
        {"currency": ["EUR"]},
        {"lines": [{**LINE, "quantity": 1e300}]},
        {"lines": [{**LINE, "quantity": 10**12, "unit_price_cents": 10**12}]},
        {"lines": [{**LINE, "unit_price_cents": 10**30}]},
        {"lines": [{**LINE, "tax_rate": [20]}]},
        {"lines": [LINE, 5]},
    ],
)
def test_a_wrong_or_absurd_field_is_named(served: Caller, wrong: dict[str, Any]) -> None:
    body = {"client_id": next(iter(served.sandbox.account.clients)), "currency": "EUR", "lines": [LINE], **wrong}
    answer = sent(served, "POST", "/invoices", body)
    assert answer.status_code == 422
    assert answer.json()["message"].startswith(next(iter(wrong)))


def test_nan_is_not_json(served: Caller) -> None:
    answer = sent(served, "POST", "/invoices", {"lines": [{**LINE, "quantity": float("nan")}]})
    assert answer.status_code == 422
    assert "not JSON" in answer.json()["message"]


def test_a_raw_change_that_is_refused_changes_nothing(served: Caller) -> None:
    path = f"invoices/{next(iter(served.sandbox.account.invoices))}"
    before = served.get(f"/{path}")
    huge: dict[str, Any] = {"lines": [{**LINE, "quantity": 1e300}]}
    others: list[dict[str, Any]] = [{"_paid": "soon"}, {"_remove": [1]}, {"_events": [{}]}]
    for wrong in (huge, *others):
        assert sent(served, "PATCH", path, {"notes": "half done", **wrong}).status_code == 422
    assert served.get(f"/{path}") == before
