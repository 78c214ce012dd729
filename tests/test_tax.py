"""Tax split by rate: to the cent what the source says, by the first rounding that explains it."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from syncd.model import Line
from syncd.money import half_up
from syncd.tax import apportion, split

QUANTITIES = st.one_of(st.integers(-50, 50).map(str), st.sampled_from(["0.5", "2.25", "0.333", "-1.5", "1.005"]))
RATES = st.sampled_from(["25", "20", "12", "6", "5.5", "2.1", "0"])
LINES = st.lists(st.builds(Line, st.just("x"), QUANTITIES, st.integers(-99_999, 99_999), RATES), max_size=12)


def line(quantity: str, unit_price: int, tax_rate: str) -> Line:
    return Line("x", quantity, unit_price, tax_rate)


def nets(lines: list[Line]) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(q) * price, Decimal(rate)) for _, q, price, rate in lines]


def sums(lines: list[Line], rounding: str) -> int:
    """Reckon the tax as a source of that rounding would, in another way than ``syncd.tax``."""
    exact = nets(lines)
    if rounding == "line":
        return sum(half_up(net * rate / 100) for net, rate in exact)
    if rounding == "total":
        return half_up(sum((net * rate / 100 for net, rate in exact), Decimal()))
    tax = 0
    for each in {rate for _, rate in exact}:
        own = [net for net, rate in exact if rate == each]
        base = sum(map(half_up, own)) if rounding == "rate" else sum(own, Decimal())
        tax += half_up(base * each / 100)
    return tax


def test_a_single_rate_carries_all_of_the_tax() -> None:
    found = split([line("1", 50_000, "20")], 10_000, 50_000)
    assert found is not None
    assert (found.strategy, dict(found.rates)) == ("rate", {"20": (50_000, 10_000)})


def test_each_rate_has_its_own_base_and_tax() -> None:
    lines = [line("2", 1_000, "25"), line("1", 500, "12"), line("1", 700, "0"), line("1", 1, "25")]
    found = split(lines, 560, 3_201)
    assert found is not None
    assert dict(found.rates) == {"25": (2_001, 500), "12": (500, 60), "0": (700, 0)}


def test_the_strategy_is_the_one_that_reproduces_the_tax() -> None:
    per_line = [line("1", 102, "25"), line("1", 102, "25")]
    assert (strategy(per_line, 51), strategy(per_line, 52)) == ("rate", "line")
    unrounded = [line("0.5", 101, "20"), line("0.5", 101, "20"), line("0.5", 5, "20")]
    assert (strategy(unrounded, 21), strategy(unrounded, 20)) == ("rate", None)
    total = [line("1", 102, "25"), line("1", 5, "10")]
    assert (strategy(total, 27), strategy(total, 26)) == ("rate", "total")
    halves = [line("0.5", 3, "100"), line("0.5", 3, "100")]
    assert (strategy(halves, 4), strategy(halves, 3)) == ("rate", "rate_unrounded")


def strategy(lines: list[Line], tax: int) -> str | None:
    found = split(lines, tax, 0)
    return found.strategy if found else None


def test_a_tax_that_no_rounding_explains_has_no_split() -> None:
    assert split([line("1", 50_000, "20")], 10_001, 50_000) is None
    assert split([], 1, 0) is None


def test_an_invoice_without_lines_has_an_empty_split() -> None:
    found = split([], 0, 0)
    assert found is not None
    assert not found.rates


def test_a_credit_rounds_as_its_invoice_did() -> None:
    found = split([line("-1", 102, "25"), line("-1", 5, "10")], -27, -107)
    assert found is not None
    assert dict(found.rates) == {"25": (-102, -26), "10": (-5, -1)}


def test_bases_follow_a_subtotal_that_was_rounded_at_once() -> None:
    halves = [line("0.5", 3, "25"), line("0.5", 3, "0")]
    found = split(halves, sums(halves, "rate_unrounded"), 3)
    assert found is not None
    assert sum(base for base, _ in found.rates.values()) == 3


def test_a_thousand_digits_lose_nothing() -> None:
    lines = [line("999999999999999.123456789012345", 999_999_999_999_999, "99.99")] * 3
    tax = sums_exactly(lines)
    found = split(lines, tax, 0)
    assert found is not None
    assert sum(part for _, part in found.rates.values()) == tax


def sums_exactly(lines: list[Line]) -> int:
    """Reckon per rate on rounded lines with integers alone."""
    scaled = [999_999_999_999_999_123_456_789_012_345 * price for _, _, price, _ in lines]
    base = sum((2 * value + 10**15) // (2 * 10**15) for value in scaled)
    return (2 * base * 9_999 + 10_000) // 20_000


@given(LINES, st.sampled_from(["rate", "rate_unrounded", "line", "total"]))
def test_every_rounding_is_explained_and_adds_up(lines: list[Line], rounding: str) -> None:
    tax = sums(lines, rounding)
    exact = [net for net, _ in nets(lines)]
    for subtotal in (sum(map(half_up, exact)), half_up(sum(exact, Decimal()))):
        found = split(lines, tax, subtotal)
        assert found is not None
        assert sum(part for _, part in found.rates.values()) == tax
        assert sum(base for base, _ in found.rates.values()) == subtotal
        assert set(found.rates) == {each.tax_rate for each in lines}
        assert found.rates.get("0", (0, 0))[1] == 0


@given(LINES, st.integers(-10_000, 10_000), st.integers(-10_000, 10_000))
def test_a_split_is_never_a_cent_off(lines: list[Line], tax: int, subtotal: int) -> None:
    found = split(lines, tax, subtotal)
    assert found is None or sum(part for _, part in found.rates.values()) == tax


@given(st.dictionaries(st.text(), st.decimals(-1000, 1000, places=5), max_size=8))
def test_apportioned_parts_are_the_whole_and_less_than_a_cent_off(
    parts: dict[str, Decimal],
) -> None:
    whole = half_up(sum(parts.values(), Decimal()))
    shares = apportion(parts, whole)
    assert sum(shares.values()) == whole
    assert all(abs(shares[name] - part) < 1 for name, part in parts.items())
