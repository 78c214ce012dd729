"""Which tax stands for a rate and a country, and the sentences where none does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connectors.odoo.findings import tax_of
from connectors.odoo.taxes import Mapped, Tax, Taxes

GOODS = Tax(1, "20% G", "20", "goods")
SERVICES = Tax(2, "20% S", "20", "services")
INCLUDED = Tax(3, "5.5% INC", "5.5", None, "it is included in prices, and FastFaktura's prices are without tax")
EXPORT = Tax(4, "0% Export", "0")
REVERSE = Tax(5, "0% Reverse", "0")
FULL = Tax(6, "25%", "25")
ALL = (GOODS, SERVICES, INCLUDED, EXPORT, REVERSE, FULL)


def taxes(mapped: Mapped | None = None, there: tuple[Tax, ...] = ALL) -> Taxes:
    return Taxes(there, mapped or {})


def test_the_only_tax_of_a_rate_is_taken_by_itself() -> None:
    assert taxes().id_for("25", "NO") == 6
    assert taxes().id_for("25", None) == 6


def test_of_several_taxes_of_a_rate_none_is_guessed_and_all_are_named() -> None:
    told = taxes().id_for("0", "NO")
    assert isinstance(told, str)
    assert '"0% Export" (id 4)' in told
    assert '"0% Reverse" (id 5)' in told


def test_a_rate_without_a_tax_is_told() -> None:
    assert taxes().id_for("12", None) == (
        "12 %: there is no active sales tax of this rate; an administrator makes one in Odoo."
    )


def test_a_tax_that_is_no_percentage_is_named_and_never_taken() -> None:
    row = {"id": 7, "name": "Eco", "amount": 9.0, "amount_type": "fixed", "price_include": False, "tax_scope": False}
    books = Taxes((), others=(tax_of(row),))
    assert books.id_for("9", None) == ('9 %: "Eco" (id 7): it is a fixed amount, and only one in percent can be taken.')
    assert books.rate_of(7) is None


def test_a_tax_that_is_included_in_prices_is_never_taken() -> None:
    told = taxes().id_for("5.5", None)
    assert isinstance(told, str)
    assert "included in prices" in told
    assert taxes({"5.5": "5.5% INC"}).id_for("5.5", None) == (
        'taxes."5.5" is "5.5% INC" (id 3), but it is included in prices, and FastFaktura\'s prices are without tax.'
    )


def test_the_settings_choose_by_name_or_by_id() -> None:
    assert taxes({"20": "20% S"}).id_for("20", None) == 2
    assert taxes({"20": "1"}).id_for("20", None) == 1


def test_the_settings_choose_by_the_clients_country_and_for_all_others() -> None:
    mapped = taxes({"0": {"no": "0% Export", "*": "5"}})
    assert mapped.id_for("0", "NO") == 4
    assert mapped.id_for("0", "se") == 5


def test_a_country_that_the_settings_do_not_name_is_told_with_those_they_do() -> None:
    assert taxes({"0": {"NO": "4", "GB": "5"}}).id_for("0", "SE") == (
        "0 %: taxes.0 names no tax for clients in SE (only for GB, NO); add SE."
    )


def test_a_client_without_a_country_gets_no_tax_that_depends_on_it() -> None:
    told = taxes({"0": {"*": "5"}}).id_for("0", None)
    assert isinstance(told, str)
    assert "the client has none" in told


def test_a_country_that_is_none_is_told_and_is_not_one_of_the_others() -> None:
    assert taxes({"0": {"*": "5"}}).id_for("0", "XX") == (
        "0 %: the tax depends on the client's country (taxes.0), "
        'and the client\'s is "XX", which is no country that is known.'
    )


def test_a_tax_of_another_rate_is_never_taken() -> None:
    assert taxes({"20": "25%"}).id_for("20", None) == 'taxes.20 is "25%", but that tax has 25 % and not 20 %.'


def test_a_name_that_two_taxes_have_wants_an_id() -> None:
    twins = (Tax(7, "6%", "6", "goods"), Tax(8, "6%", "6", "services"))
    told = taxes({"6": "6%"}, twins).id_for("6", None)
    assert isinstance(told, str)
    assert '"6%" (id 7, goods), "6%" (id 8, services); give the id' in told
    assert taxes({"6": "8"}, twins).id_for("6", None) == 8


def test_a_name_that_looks_like_an_id_is_a_name() -> None:
    twins = (Tax(7, "8", "6"), Tax(8, "x", "6"))
    assert taxes({"6": "8"}, twins).id_for("6", None) == 7


def test_every_wrong_name_in_the_settings_is_told_beforehand() -> None:
    faults = list(taxes({"20": "20% G", "25": "nope", "0": {"NO": "4", "GB": "gone"}}).faults())
    assert len(faults) == 2
    assert faults[0].startswith(
        'taxes.25 is "nope", but no active sales tax in percent is called so; those of 25 % are'
    )
    assert faults[1].startswith('taxes.0.GB is "gone"')


def test_rates_with_several_taxes_are_listed_but_for_those_the_settings_name() -> None:
    assert [rate for rate, _ in taxes().ambiguous()] == ["0", "20"]
    assert [rate for rate, _ in taxes({"20": "1"}).ambiguous()] == ["0"]


def test_the_rate_of_a_tax_is_known_by_its_id() -> None:
    assert taxes().rate_of(3) == "5.5"
    assert taxes().rate_of(99) is None


def test_an_archived_tax_tells_its_rate_and_is_never_chosen() -> None:
    books = Taxes((), {}, {6: "25"})
    assert books.rate_of(6) == "25"
    assert "no active sales tax" in str(books.id_for("25", None))
    assert Taxes((FULL,), {}, {99: "25"}).id_for("25", None) == FULL.id


@given(
    there=st.lists(
        st.builds(Tax, st.integers(1, 9), st.sampled_from(["a", "b", "3"]), st.sampled_from(["0", "25"])),
        unique_by=lambda tax: tax.id,
        max_size=6,
    ),
    mapped=st.dictionaries(
        st.sampled_from(["0", "25"]),
        st.sampled_from(["a", "b", "3"]) | st.dictionaries(st.sampled_from(["NO", "*"]), st.sampled_from(["a", "3"])),
    ),
    rate=st.sampled_from(["0", "25", "6"]),
    country=st.sampled_from([None, "NO", "SE"]),
)
def test_whatever_is_chosen_has_the_rate_that_was_asked_for(
    there: list[Tax], mapped: Mapped, rate: str, country: str | None
) -> None:
    books = Taxes(tuple(there), mapped)
    chosen = books.id_for(rate, country)
    assert isinstance(chosen, str) or books.rate_of(chosen) == rate
