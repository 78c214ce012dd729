"""The safety stops by values: what holds a target, and what does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from syncd.connector import Operation, Verb
from syncd.problems import remedy, sentence
from syncd.safety import Stakes, is_surprising, judge, judge_books

QUIET = Stakes(bound=100, surprising=0, taken_back=0, strangers=0)


def codes(stakes: Stakes) -> list[str]:
    return [one.code for one in judge(stakes, 1 / 3, 10)]


def test_an_ordinary_plan_is_not_held() -> None:
    assert codes(replace(QUIET, surprising=33, taken_back=10)) == []


def test_more_than_a_third_changed_at_once_holds_with_the_numbers() -> None:
    (hold,) = judge(replace(QUIET, surprising=34), 1 / 3, 10)
    assert hold.code == "too_many_changes"
    assert "34" in sentence(hold)
    assert "release" in remedy(hold) or "--force" in remedy(hold)


def test_a_share_of_a_few_records_says_nothing() -> None:
    assert codes(replace(QUIET, bound=19, surprising=19)) == []


def test_taking_back_more_than_ten_at_once_holds() -> None:
    assert codes(replace(QUIET, taken_back=11)) == ["too_many_voids"]


def test_an_empty_state_that_meets_books_full_of_the_same_invoices_holds() -> None:
    assert codes(Stakes(bound=0, surprising=0, taken_back=0, strangers=20)) == ["strange_books"]


def test_more_than_ten_records_of_a_kind_gone_at_once_hold_with_their_numbers() -> None:
    assert codes(replace(QUIET, missing={"invoice": 10, "payment": 10, "rows": 10})) == []
    (hold,) = judge(replace(QUIET, missing={"payment": 11, "rows": 1}), 1 / 3, 10)
    assert hold.code == "too_many_removed"
    assert "11 payments, lines or events of 1 invoice" in sentence(hold)


def test_a_first_run_against_books_with_a_history_asks_for_a_start_date() -> None:
    assert codes(Stakes(bound=0, surprising=0, taken_back=0, strangers=0, undecided=True)) == [
        "history_without_start_date"
    ]
    assert codes(replace(QUIET, undecided=True)) == []


def test_other_books_than_at_first_hold() -> None:
    assert judge_books("a", "a", "Acme", "Acme") == []
    (hold,) = judge_books("b", "a", "Other AS", "Acme AS")
    assert "Other AS" in sentence(hold)


@pytest.mark.parametrize(
    ("verb", "path", "surprising"),
    [
        ("update", "status", False),
        ("update", "events.e1.type", False),
        ("update", "client_name", False),
        ("update", "total", True),
        ("update", "due_date", True),
        ("create", "total", False),
    ],
)
def test_only_what_an_invoices_life_does_not_bring_is_surprising(verb: Verb, path: str, surprising: bool) -> None:
    operation = Operation(verb, "invoice", "i1", "m", "k", {}, changes={path: ("a", "b")})
    assert is_surprising(operation) is surprising
    assert not is_surprising(operation, {path})
