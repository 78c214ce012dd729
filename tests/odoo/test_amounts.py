"""What the lines of a new invoice come to, told beforehand."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from connectors.odoo.amounts import Beforehand

EUR, NOK, SEK = 1, 2, 3
BOOKS = Beforehand(
    EUR,
    {
        NOK: [(False, "2026-01-01", 11.0), (False, "2026-03-01", 12.0), (True, "2026-02-01", 10.0)],
        SEK: [(False, "2026-02-01", 11.5)],
    },
)


def head(currency: int, day: str = "2026-02-15", kind: str = "out_invoice") -> dict[str, str]:
    return {"currency_id/.id": str(currency), "invoice_date": day, "move_type": kind}


def told(line: list[str], of: dict[str, str], books: Beforehand = BOOKS) -> list[str]:
    """What is told of the only line of an invoice."""
    (cells,) = books.cells([[*line, "7", "3"]], of)
    return cells


def test_income_is_negative_and_what_a_credit_note_takes_back_is_positive() -> None:
    line = ["Work", "3", "33.33"]
    assert told(line, head(EUR)) == ["-99.99", "-99.99"]
    assert told(line, head(EUR, kind="out_refund")) == ["99.99", "99.99"]
    assert told(["Less", "1", "-5.00"], head(EUR)) == ["5.00", "5.00"]


def test_the_rate_is_the_last_before_the_day_and_the_companys_own_goes_before_others() -> None:
    assert BOOKS.rate(NOK, "2026-01-31") == 11.0
    assert BOOKS.rate(NOK, "2026-02-01") == 10.0
    assert BOOKS.rate(NOK, "2026-04-01") == 10.0
    assert told(["Work", "1", "100.00"], head(NOK)) == ["-100.00", "-10.00"]


def test_nothing_is_told_where_no_rate_is_known() -> None:
    assert told(["Work", "1", "100.00"], head(SEK, "2026-01-31")) == ["", ""]
    assert told(["Work", "1", "100.00"], head(9)) == ["", ""]


def test_a_rate_of_the_companys_own_currency_counts() -> None:
    both = Beforehand(EUR, {EUR: [(False, "2026-01-01", 2.0)], NOK: [(False, "2026-01-01", 20.0)]})
    assert both.rate(NOK, "2026-01-02") == 10.0


@given(st.decimals(-9999, 9999, places=3), st.integers(-(10**9), 10**9))
def test_any_line_comes_to_its_product_rounded_half_up(quantity: Decimal, cents: int) -> None:
    price = Decimal(cents) / 100
    net, same = told(["x", str(quantity), f"{price:.2f}"], head(EUR))
    assert net == same
    assert abs(Decimal(net) + quantity * price) <= Decimal("0.005")


def test_tags_are_those_of_the_tax_on_such_a_document_and_no_column_where_no_tax_has_any() -> None:
    tagged = Beforehand(EUR, {}, {("3", "out_invoice"): "11,12", ("3", "out_refund"): "13"})
    line = ["Work", "1", "1.00"]
    assert told(line, head(EUR), tagged)[2:] == ["11,12"]
    assert told(line, head(EUR, kind="out_refund"), tagged)[2:] == ["13"]
    assert (len(tagged.columns), len(BOOKS.columns)) == (3, 2)
