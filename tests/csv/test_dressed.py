"""Texts that a spreadsheet took for numbers are the same as long as they are the same number."""

from __future__ import annotations

import pytest

from connectors.csv.dressed import dressed


@pytest.mark.parametrize(
    ("path", "written", "saved"),
    [
        ("phone", "+4791234567", "4791234567"),
        ("phone", "+47 912 34 567", "4791234567"),
        ("phone", "+47 912 34 567", "47 912 34 567"),
        ("phone", "+4791234567", "4.79123E+09"),
        ("phone", "+4791234567", "4,79E+09"),
        ("phone", "+4791234567", "5E+09"),
        ("phone", "004791234567", "4791234567"),
        ("number", "00123", "123"),
        ("number", "1E5", "1,00E+05"),
        ("number", "1E5", "100000"),
        ("client_id", "9007199254740993", "9.0072E+15"),
        ("external_id", "9007199254740993", "9007199254740990"),
        ("address", "0155", "155"),
        ("lines.3.description", "007", "7"),
    ],
)
def test_a_text_that_is_the_same_number_is_the_same_text(path: str, written: str, saved: str) -> None:
    assert dressed(path, written, saved)


@pytest.mark.parametrize(
    ("path", "written", "typed"),
    [
        ("phone", "+4791234567", "4791234568"),
        ("phone", "+4791234567", "91234567"),
        ("phone", "+4791234567", "4,80E+09"),
        ("phone", "+4791234567", "4.79123E+10"),
        ("phone", "+4791234567", "+47 912 34 567"),
        ("phone", "+4791234567", ""),
        ("number", "123", "00123"),
        ("number", "00123", "0123"),
        ("number", "2026-001", "2026001"),
        ("external_id", "9007199254740993", "9007199254740000"),
        ("external_id", "1.10", "1.1"),
        ("lines.1.quantity", "0100", "100"),
        ("total", 100, "100"),
        ("due_date", "2026", "2026"),
    ],
)
def test_anything_else_is_an_edit(path: str, written: str | int, typed: str) -> None:
    assert not dressed(path, written, typed)
