"""Amounts, quantities and rates: one exact form each."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.money import amount, cents, decimal_text, half_up, plain


@given(st.integers())
def test_cents_survive_being_written_and_read(number: int) -> None:
    assert cents(amount(number % 10**20)) == number % 10**20
    assert cents(amount(-(number % 10**20))) == -(number % 10**20)


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (-100, "-1.00"), (123456, "1234.56")],
)
def test_an_amount_has_two_decimals(number: int, text: str) -> None:
    assert amount(number) == text


@pytest.mark.parametrize("text", ["", "x", "1.001", "NaN", "Infinity", "1,00", "--1"])
def test_what_is_no_amount_has_no_cents(text: str) -> None:
    assert cents(text) is None


@pytest.mark.parametrize(("text", "number"), [("100", 10_000), (" 1.5 ", 150), ("-0.010", -1)])
def test_an_amount_is_read_by_its_meaning(text: str, number: int) -> None:
    assert cents(text) == number


@pytest.mark.parametrize(
    ("number", "text"),
    [(2, "2"), (2.5, "2.5"), (100.0, "100"), (-0.0, "0"), (1e-7, "0.0000001"), (0.1, "0.1")],
)
def test_a_number_is_written_plainly(number: float, text: str) -> None:
    assert plain(number) == text


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 1e300])
def test_what_is_not_finite_or_without_measure_is_no_number(number: float) -> None:
    assert plain(number) is None


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=6))
def test_plain_decimals_keep_the_value_and_are_stable(number: Decimal) -> None:
    text = plain(number)
    assert text is not None
    assert Decimal(text) == number
    assert decimal_text(text) == text
    assert "E" not in text
    assert not ("." in text and text.endswith(("0", ".")))


@pytest.mark.parametrize(("text", "read"), [("2.50", "2.5"), (" 7 ", "7"), ("1e2", None), ("x", None)])
def test_decimal_text_is_read_by_its_meaning(text: str, read: str | None) -> None:
    assert decimal_text(text) == read


@given(st.text())
def test_any_text_is_a_number_or_none(text: str) -> None:
    number = cents(text)
    assert number is None or isinstance(number, int)
    read = decimal_text(text)
    assert read is None or Decimal(read).is_finite()


@pytest.mark.parametrize(
    ("value", "whole"),
    [("0.5", 1), ("-0.5", -1), ("1.5", 2), ("2.5", 3), ("0.49", 0), ("-2.5", -3)],
)
def test_halves_go_away_from_zero(value: str, whole: int) -> None:
    assert half_up(Decimal(value)) == whole
