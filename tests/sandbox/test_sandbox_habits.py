"""Each knob for what the documentation leaves open does what it says."""

import re
from typing import Any

import pytest

from syncd.sandbox.options import BadOption, Fault, Options

from .conftest import Caller, Start


@pytest.mark.parametrize("envelope", ["bare", "data", "items", "results", "named"])
@pytest.mark.parametrize("paging", ["none", "meta", "pagination", "total", "next", "links"])
def test_a_list_is_wrapped_as_chosen(start: Start, envelope: str, paging: str) -> None:
    caller = start(envelope=envelope, paging=paging, page_size=15)
    answer = caller.http.get("/invoices", params={"page": 3})
    body = answer.json()
    if envelope == "bare":
        assert len(body) == 10
        assert ("x-total-count" in answer.headers) == (paging in {"meta", "pagination", "total"})
        assert ("link" in answer.headers) == (paging in {"next", "links"})
        return
    key = "invoices" if envelope == "named" else envelope
    assert len(body.pop(key)) == 10
    assert set(body) == ({paging} - {"none"})


def test_paging_information_says_where_the_end_is(start: Start) -> None:
    caller = start(envelope="data", page_size=15, paging="meta")
    info = {"current_page": 2, "per_page": 15, "total": 40, "last_page": 3}
    assert caller.get("/invoices", page=2)["meta"] == info
    caller.sandbox.change(paging="next")
    link = caller.get("/invoices", status="paid")["next"]
    assert "status=paid" in link
    assert caller.http.get(link).json() == caller.get("/invoices", status="paid", page=2)
    assert caller.get("/invoices", page=3)["next"] is None
    caller.sandbox.change(paging="links", first_page=0)
    assert caller.get("/invoices", page=0)["links"]["prev"] is None
    assert caller.get("/invoices")["links"]["last"].endswith("page=2")


def test_pages_start_at_zero_or_one_and_without_a_number_with_the_first(start: Start) -> None:
    caller = start(page_size=15)
    assert caller.get("/invoices") == caller.get("/invoices", page=1)
    assert caller.get("/invoices", page=0) == caller.get("/invoices", page=1)
    caller.sandbox.change(first_page=0)
    assert caller.get("/invoices") == caller.get("/invoices", page=0)
    assert len(caller.walk(first=0)) == 40
    caller.sandbox.change(first_page=1, before_first="refused")
    assert caller.http.get("/invoices?page=0").status_code == 422


def test_past_the_last_page_lies_nothing_the_last_page_again_or_404(start: Start) -> None:
    caller = start(page_size=15)
    last = caller.get("/invoices", page=3)
    assert caller.get("/invoices", page=4) == []
    caller.sandbox.change(past_end="repeat_last")
    assert caller.get("/invoices", page=9) == last
    caller.sandbox.change(past_end="not_found")
    assert caller.http.get("/invoices?page=4").status_code == 404
    assert caller.get("/invoices", page=1, status="nonsense") == []


def test_orders_are_of_the_same_rows(start: Start) -> None:
    caller = start(page_size=15)
    newest = [row["number"] for row in caller.walk()]
    assert newest == sorted(newest, reverse=True)
    caller.sandbox.change(order="oldest")
    assert [row["number"] for row in caller.walk()] == newest[::-1]
    caller.sandbox.change(order="none")
    shuffled = [row["number"] for row in caller.walk()]
    assert shuffled not in (newest, newest[::-1])
    assert sorted(shuffled, reverse=True) == newest
    assert [row["number"] for row in caller.walk()] == shuffled
    caller.sandbox.change(order="unstable")
    walks = {tuple(row["number"] for row in caller.walk()) for _ in range(8)}
    assert len(walks) > 1
    assert all(len(walk) == 40 for walk in walks)


def test_an_ignored_and_a_refusing_status_filter(start: Start) -> None:
    caller = start(ignore_status=True)
    assert caller.get("/invoices", status="draft") == caller.get("/invoices")
    caller.sandbox.change(ignore_status=False, refuse_unknown_status=True)
    assert caller.http.get("/invoices?status=nonsense").status_code == 422
    assert caller.get("/invoices", status="paid")


@pytest.mark.parametrize("kind", ["type", "event", "kind", "name", "status"])
@pytest.mark.parametrize("time", ["created_at", "occurred_at", "timestamp", "at", "date"])
def test_events_have_the_chosen_keys(start: Start, kind: str, time: str) -> None:
    caller = start(event_kind_key=kind, event_time_key=time, event_dotted=True, event_ids=False)
    for event in _paid(caller)["events"]:
        assert set(event) - {"data"} == {kind, time}
        assert event[kind].startswith("invoice.")


@pytest.mark.parametrize(
    ("stamp", "form"),
    [
        ("z", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
        ("offset", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0[12]:00"),
        ("date", r"\d{4}-\d\d-\d\d"),
        ("epoch", r"1[67]\d{8}"),
        ("space", r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"),
    ],
)
def test_dates_have_the_chosen_form(start: Start, stamp: str, form: str) -> None:
    caller = start(issued_key="issued_at", created_at=True, paid_at=True, stamp=stamp, event_stamp=stamp)
    invoice = _paid(caller)
    for value in (invoice["issued_at"], invoice["created_at"], invoice["paid_at"]):
        assert re.fullmatch(form, str(value))
    times = [event["created_at"] for event in invoice["events"]]
    assert (times[0], times[-1]) == (invoice["created_at"], invoice["paid_at"])


@pytest.mark.parametrize("key", ["issue_date", "issued_at", "invoice_date", "date", "sent_at"])
def test_the_issue_date_stands_under_the_chosen_key_and_is_null_on_a_draft(start: Start, key: str) -> None:
    caller = start(issued_key=key)
    for row in caller.walk():
        assert (row[key] is None) == (row["status"] == "draft")


def test_events_may_be_missing_from_the_detail(start: Start) -> None:
    caller = start(events_in_detail=False)
    assert "events" not in _paid(caller)
    assert caller.get(f"/invoices/{_paid(caller)['id']}/events")


def test_a_signed_url_is_new_with_each_answer_and_the_etag_is_not(start: Start) -> None:
    caller = start(signed_public_url=True, etag="etag")
    first, second = caller.http.get("/invoices"), caller.http.get("/invoices")
    assert first.json()[0]["public_url"] != second.json()[0]["public_url"]
    assert first.headers["etag"] == second.headers["etag"]


def test_an_etag_is_honoured_until_the_record_changes(start: Start) -> None:
    caller = start(etag="etag")
    path = f"/invoices/{_open(caller)['id']}"
    for address in (path, "/invoices", "/clients", "/business"):
        known = {"If-None-Match": caller.http.get(address).headers["etag"]}
        answer = caller.http.get(address, headers=known)
        assert (answer.status_code, answer.content) == (304, b"")
    known = {"If-None-Match": caller.http.get(path).headers["etag"]}
    caller.sandbox.account.happen(path.rsplit("/", maxsplit=1)[-1], "paid")
    assert caller.http.get(path, headers=known).status_code == 200


def test_last_modified_is_honoured_and_no_two_changes_share_a_second(start: Start) -> None:
    caller = start(etag="last_modified")
    path = f"/invoices/{_open(caller)['id']}"
    for kind in ("reminder", "reminder", "paid"):
        known = {"If-Modified-Since": caller.http.get(path).headers["last-modified"]}
        assert caller.http.get(path, headers=known).status_code == 304
        caller.sandbox.account.happen(path.rsplit("/", maxsplit=1)[-1], kind)
        assert caller.http.get(path, headers=known).status_code == 200
    wrong = {"If-Modified-Since": "yesterday"}
    assert caller.http.get(path, headers=wrong).status_code == 200


def test_put_merges_or_replaces(start: Start) -> None:
    caller = start()
    client = next(c for c in caller.walk("/clients") if c["address"])
    path = f"/clients/{client['id']}"
    assert caller.http.put(path, json={"name": "New"}).json() == {**client, "name": "New"}
    caller.sandbox.change(put="replace")
    assert caller.http.put(path, json={"name": "New"}).json()["address"] is None
    assert caller.http.put(path, json={}).status_code == 422
    assert caller.http.put("/business", json={"name": "N"}).json() == {"name": "N"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"page_size": 0},
        {"page_size": "5"},
        {"first_page": 2},
        {"order": "sideways"},
        {"latency": -1},
        {"created_at": 1},
        {"no_such_knob": 1},
        {"faults": [{"kind": "earthquake"}]},
        {"faults": [{"kind": "slow", "when": "now"}]},
        {"faults": ["slow"]},
    ],
)
def test_a_wrong_option_is_refused_with_its_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadOption, match=r"page_size|first_page|order|latency|created_at|no_such|f"):
        Options().changed(wrong)


def test_options_survive_their_json(start: Start) -> None:
    options = Options(order="oldest", faults=(Fault("slow", seconds=0.5),))
    assert Options().changed(options.as_json()) == options
    assert start().control("POST", "options", options.as_json())["order"] == "oldest"


def _paid(caller: Caller) -> Any:
    row = caller.get("/invoices", status="paid")[0]
    return caller.get(f"/invoices/{row['id']}")


def _open(caller: Caller) -> Any:
    rows = [r for s in ("sent", "opened", "overdue") for r in caller.get("/invoices", status=s)]
    return rows[0]
