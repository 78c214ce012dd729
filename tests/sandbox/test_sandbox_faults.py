"""Faults hit the requests they name, as often as they say, before or after the effect."""

import time
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from .conftest import Caller, Start

NEW = {"name": "Once"}


def fault(caller: Caller, **fields: Any) -> None:
    caller.sandbox.change(faults=[fields])


def count(caller: Caller) -> int:
    return sum(client["name"] == "Once" for client in caller.sandbox.account.clients.values())


def test_a_5xx_comes_every_third_time_and_only_where_it_should(caller: Caller) -> None:
    fault(caller, kind="status_5xx", status=503, path="/clients", method="GET", every=3)
    codes = [caller.http.get("/clients").status_code for _ in range(6)]
    assert codes == [200, 200, 503, 200, 200, 503]
    assert {caller.http.get("/invoices").status_code for _ in range(4)} == {200}


def test_a_fault_is_spent_after_its_times(caller: Caller) -> None:
    fault(caller, kind="html_error", times=2)
    answers = [caller.http.get("/clients") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [502, 502, 200, 200]
    assert answers[0].headers["content-type"].startswith("text/html")


def test_a_rate_is_drawn_from_its_seed(caller: Caller) -> None:
    def codes() -> list[int]:
        fault(caller, kind="status_5xx", rate=0.3, seed=5)
        return [caller.http.get("/business").status_code for _ in range(40)]

    first = codes()
    assert codes() == first
    assert 4 <= first.count(503) <= 20


def test_too_many_requests_say_when_to_come_again_or_do_not(caller: Caller) -> None:
    fault(caller, kind="rate_limited", seconds=7)
    assert caller.http.get("/clients").headers["retry-after"] == "7"
    fault(caller, kind="rate_limited", seconds=60, retry_after="date")
    when = parsedate_to_datetime(caller.http.get("/clients").headers["retry-after"]).timestamp()
    assert 50 < when - time.time() < 70
    fault(caller, kind="rate_limited", retry_after="none")
    answer = caller.http.get("/clients")
    assert answer.status_code == 429
    assert "retry-after" not in answer.headers
    fault(caller, kind="unavailable", seconds=9)
    answer = caller.http.get("/clients")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "9")


@pytest.mark.parametrize(("kind", "made"), [("drop_before", 0), ("drop_after", 1)])
def test_a_dropped_answer_comes_before_or_after_the_effect(caller: Caller, kind: str, made: int) -> None:
    fault(caller, kind=kind, method="POST", times=1)
    with pytest.raises(httpx.TransportError):
        caller.http.post("/clients", json=NEW)
    assert count(caller) == made
    assert caller.http.post("/clients", json=NEW).status_code == 201


def test_an_answer_may_break_off_in_the_middle(caller: Caller) -> None:
    fault(caller, kind="drop_midway", times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        caller.http.get("/clients")
    assert caller.get("/clients")


def test_truncated_json_is_a_whole_answer_that_does_not_parse(caller: Caller) -> None:
    whole = caller.http.get("/clients").content
    fault(caller, kind="truncated_json", times=1)
    answer = caller.http.get("/clients")
    assert answer.status_code == 200
    assert answer.content == whole[: len(whole) // 2]
    assert int(answer.headers["content-length"]) == len(answer.content)
    with pytest.raises(ValueError, match=r"."):
        answer.json()


def test_a_slow_answer_outlasts_the_callers_patience(caller: Caller) -> None:
    fault(caller, kind="slow", seconds=0.4, times=1)
    with pytest.raises(httpx.ReadTimeout):
        caller.http.get("/clients", timeout=0.05)
    assert caller.get("/clients")


def test_latency_holds_for_every_request(start: Start) -> None:
    caller = start(latency=0.05)
    before = time.monotonic()
    for _ in range(3):
        caller.get("/business")
    assert time.monotonic() - before > 0.15


def test_a_refused_request_has_no_effect_and_a_fault_no_key_is_asked_for(caller: Caller) -> None:
    fault(caller, kind="status_5xx", status=500, method="POST")
    assert caller.http.post("/clients", json=NEW).status_code == 500
    assert count(caller) == 0
