"""Clients as partners: what the translation promises."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.odoo.address import Parts, canonical, join, split
from connectors.odoo.company import Company
from connectors.odoo.countries import country_code
from connectors.odoo.partners import (
    CLIENT_FIELDS,
    Known,
    client_fields,
    language,
    normal_email,
    partner_values,
    render_client,
    shape_client,
    tags_of,
    tags_text,
)
from connectors.odoo.places import CODES
from connectors.odoo.taxes import Taxes
from syncd.connector import Content, Rejected
from syncd.fields import differences, flatten
from tests.odoo.clients import CLIENT, client, operation

BOOKS = Company(
    *(19, 5, 1, "Books", "EUR", "FR"),
    journal=None,
    payment_journal=None,
    account=None,
    taxes=Taxes(),
    currencies={"EUR": 1},
    rates={},
    countries={"FR": 75, "NO": 166, "GB": 231, "US": 233, "SE": 196, "LU": 133},
    languages=frozenset({"en_US", "en_GB", "fr_FR", "nb_NO", "sv_SE"}),
)

# The address.

SPLIT = [
    ("12 rue de la Paix, 75002 Paris", "FR", Parts("12 rue de la Paix", None, "75002", "Paris")),
    ("12 rue de la Paix 75002 Paris", "FR", Parts("12 rue de la Paix", None, "75002", "Paris")),
    ("1 rue X\n75002\nParis", "FR", Parts("1 rue X", None, "75002", "Paris")),
    (
        "1 rue X\r\n2e étage\r\n75008 PARIS CEDEX 08\r\nFrance",
        "FR",
        Parts("1 rue X", "2e étage", "75008", "PARIS CEDEX 08"),
    ),
    ("Storgata 1\n0155 Oslo", "NO", Parts("Storgata 1", None, "0155", "Oslo")),
    ("Storgata 1 0155 Oslo", "NO", Parts("Storgata 1", None, "0155", "Oslo")),
    ("Kungsgatan 1, S-111 22 Stockholm, Sweden", "SE", Parts("Kungsgatan 1", None, "S-111 22", "Stockholm")),
    ("Nørregade 1, 2. tv, 2100 København Ø", "DK", Parts("Nørregade 1, 2. tv", None, "2100", "København Ø")),
    ("10 Downing Street, London SW1A 2AA", "GB", Parts("10 Downing Street", None, "SW1A 2AA", "London")),
    ("10 Downing Street\nLONDON\nSW1A 2AA\nUK", "GB", Parts("10 Downing Street", None, "SW1A 2AA", "LONDON")),
    ("1 High St\nGuildford\nSurrey GU1 1AA", "GB", Parts("1 High St", "Guildford, Surrey", "GU1 1AA")),
    ("1 Main St, Menlo Park, California 94025", "US", Parts("1 Main St", None, "94025", "Menlo Park", "CA")),
    ("1 Main St\nSt. Louis, MO 63101-1234", "US", Parts("1 Main St", None, "63101-1234", "St. Louis", "MO")),
    ("5 rue A, L-1234 Luxembourg, Luxembourg", "LU", Parts("5 rue A", None, "L-1234", "Luxembourg")),
]

KEPT_WHOLE = [
    ("Postboks 1234 Oslo", "NO"),
    ("Kong Oscars gate 1814 Oslo", "NO"),
    ("The House, 1600 Pennsylvania Avenue", "NO"),
    ("BP 12345 Lyon", "FR"),
    ("rue A, Luxembourg, Luxembourg", "LU"),
    ("1 Main St Springfield IL 62704", "US"),
    ("1 Main St, Springfield, XX 62704", "US"),
    ("somewhere", "FR"),
    ("12 rue de la Paix, 75002 Paris", ""),
    ("12 rue de la Paix, 75002 Paris", "JP"),
]


@pytest.mark.parametrize(("text", "country", "parts"), SPLIT)
def test_an_address_is_split_where_its_end_can_be_nothing_but_postcode_and_town(
    text: str, country: str, parts: Parts
) -> None:
    assert split(text, country) == parts
    assert split(join(parts), country) == parts


@pytest.mark.parametrize(("text", "country"), KEPT_WHOLE)
def test_an_address_that_could_be_read_in_two_ways_is_kept_whole(text: str, country: str) -> None:
    assert split(text, country) == Parts(text)


def test_lines_of_an_address_that_is_kept_whole_go_to_street_and_street2() -> None:
    assert split("c/o Firm\n\n  Road   5,\nSomewhere,  Else ", "FR") == Parts("c/o Firm", "Road 5, Somewhere, Else")
    assert canonical(" \n , ", "FR") is None
    assert canonical("Road 1,5\tkm", "FR") == "Road 1,5 km"


words = st.sampled_from(
    (
        *("rue", "Paris", "Oslo", "London", "Surrey", "IL", "CA", "75002", "0155", "111 22", "SW1A 2AA", "1", "12B"),
        *("FR", "x", "62704", "France", "Norge", "UK", "Illinois", "CEDEX 08", "L-1234", "Luxembourg", "BP"),
        *(",", "\n", ", ", " ", "é"),
    )
)
texts = st.one_of(
    st.lists(words, max_size=9).map(" ".join), st.lists(words, max_size=9).map("".join), st.text(max_size=40)
)
countries = st.sampled_from([*sorted(CODES), "", "JP"])


def meaning(text: str | None) -> list[str]:
    """What an address says, whatever stands between: its letters and digits."""
    return sorted(sign for sign in text or "" if not sign.isspace() and sign != ",")


@given(texts, countries)
def test_the_parts_of_any_address_joined_again_are_its_canonical_form(text: str, country: str) -> None:
    parts = split(text, country)
    once = join(parts)
    assert canonical(text, country) == once
    assert split(once, country) == parts
    told = ("France", "Norge", "UK", "FR", "Luxembourg", "Illinois", "\u001f")
    if not any(word in text for word in told) and not any(country_code(part) for part in text.splitlines()):
        assert meaning(once) == meaning(" ".join(text.split()))


# Country, language, tags, e-mail.


@pytest.mark.parametrize(
    ("spelling", "code"),
    [
        *[("NO", "NO"), ("no", "NO"), ("NOR", "NO"), ("Norge", "NO"), ("NORWAY", "NO"), ("Norvège", "NO")],
        *[("Norwegen", "NO"), ("norvege", "NO"), ("Kingdom of Norway", "NO"), ("Norge / Norway", "NO")],
        *[("UK", "GB"), ("England", "GB"), ("Storbritannien", "GB"), ("Royaume-Uni", "GB"), ("U.K.", "GB")],
        *[("USA", "US"), ("U.S.A.", "US"), ("The United States of America", "US"), ("États-Unis", "US")],
        *[("Österreich", "AT"), ("Østrig", "AT"), ("Danemark", "DK"), ("Sverige", "SE"), ("Frankreich", "FR")],
        *[("Holland", "NL"), ("the Netherlands", "NL"), ("Pays-Bas", "NL"), ("Czech Republic", "CZ"), ("Türkei", "TR")],
        *[("Côte d\u2019Ivoire", "CI"), ("Korea, Republic of", "KR"), ("France (FR)", "FR"), ("Россия", "RU")],
    ],
)
def test_a_country_is_known_by_its_code_and_by_any_usual_spelling(spelling: str, code: str) -> None:
    assert country_code(spelling) == code


@pytest.mark.parametrize("text", ["", " ", "Atlantis", "Oslo, Norway", "Norway / Sweden", "Kongo", "N", "12", "\0"])
def test_what_is_no_country_or_could_be_two_is_none(text: str) -> None:
    assert country_code(text) is None


def test_a_country_that_odoo_cannot_hold_becomes_the_last_line_of_the_address() -> None:
    shaped = shape_client(client(country=" Atlantis ", address="Reef 1"), BOOKS)
    assert (shaped["country"], shaped["address"]) == (None, "Reef 1\nAtlantis")
    assert shape_client(shaped, BOOKS) == shaped
    assert shape_client(client(country="Japan", address=None), BOOKS)["address"] == "Japan"
    assert shape_client(client(country="JP", address=None), BOOKS)["address"] == "JP"


def test_a_code_that_is_no_countrys_is_no_part_of_the_address() -> None:
    shaped = shape_client(client(country="XX", address="Reef 1"), BOOKS)
    assert (shaped["country"], shaped["address"]) == (None, "Reef 1")


@pytest.mark.parametrize(
    ("locale", "country", "code"),
    [
        *[("nb", "FR", "nb_NO"), ("no", "FR", "nb_NO"), ("sv", "NO", "sv_SE"), ("fr", "NO", "fr_FR")],
        *[("en", "FR", "en_US"), ("en", "GB", "en_GB"), ("EN-gb", "US", "en_GB"), ("nb_NO", "GB", "nb_NO")],
        *[("da", "DK", None), ("xx_XX", "FR", None), (None, "FR", None), ("", "FR", None)],
    ],
)
def test_only_an_installed_language_is_given_to_a_partner(locale: str | None, country: str, code: str | None) -> None:
    assert language(locale, country, BOOKS.languages) == code


@given(st.lists(st.text(alphabet=";\\a bé\n", max_size=4), max_size=6))
def test_tags_are_read_as_they_were_joined_in_whatever_order(tags: list[str]) -> None:
    wanted = sorted({tag.strip() for tag in tags} - {""})
    assert tags_of(tags_text(tags)) == wanted
    assert tags_of(tags_text(tags[::-1] + tags)) == wanted


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        *[("A@B.no", "a@b.no"), (' "Kari" <Kari@x.no> ', "kari@x.no"), ("a@b.no, c@d.no", "a@b.no")],
        *[("no mail", None), (None, None), ("", None)],
    ],
)
def test_an_email_is_compared_as_odoo_normalizes_it(text: str | None, normal: str | None) -> None:
    assert normal_email(text) == normal


# Whole clients.

contents = st.fixed_dictionaries(
    {
        "name": st.text(min_size=1, max_size=9),
        "email": st.none() | st.text(max_size=9),
        "phone": st.none() | st.text(max_size=9),
        "address": st.none() | texts,
        "country": st.none() | st.text(max_size=9) | st.sampled_from(["Norge", "UK", "Atlantis", "75002 Paris", "US"]),
        "locale": st.sampled_from([None, "fr", "en", "nb", "sv", "da", "x"]),
        "external_id": st.none() | st.text(max_size=9),
        "tags": st.lists(st.text(max_size=4), max_size=4).map(tags_text),
        "archived_at": st.sampled_from([None, "2026-01-02T03:04:05Z"]),
    }
)


@given(contents)
def test_a_shape_is_itself_when_asked_twice(content: Content) -> None:
    shaped = shape_client(content, BOOKS)
    assert shape_client(shaped, BOOKS) == shaped


def held(values: dict[str, Any]) -> tuple[dict[str, Any], Known]:
    """What Odoo shows of a partner that was given these values."""
    tags = dict(enumerate(values["category_id"], 1))
    home, _, state = values["state_id"].partition("-")
    partner = {name: value or False for name, value in values.items()}
    code = values["country_id"]
    return {
        **partner,
        "active": values["active"],
        "category_id": list(tags),
        "country_id": [BOOKS.countries[code], code] if code else False,
        "state_id": [7, state] if state else False,
    }, Known(tags, {7: (home, state, state)} if state else {})


@given(contents)
def test_what_was_written_is_read_back_as_its_shape(content: Content) -> None:
    shaped = shape_client(content, BOOKS)
    partner, known = held(partner_values(shaped, BOOKS))
    assert not differences(flatten(shaped, CLIENT_FIELDS), client_fields(partner, BOOKS, known))


def test_a_persons_edit_of_one_part_shows_as_another_address() -> None:
    partner, known = held(partner_values(shape_client(CLIENT, BOOKS), BOOKS))
    assert client_fields(partner, BOOKS, known)["address"] == "Storgata 1\n0155 Oslo"
    assert client_fields({**partner, "zip": "0156"}, BOOKS, known)["address"] == "Storgata 1\n0156 Oslo"
    viken = Known(known.tags, {9: ("NO", "30", "Viken")})
    assert client_fields({**partner, "state_id": [9, "x"]}, BOOKS, viken)["address"] == "Storgata 1\n0155 Oslo, Viken"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        *[({"name": " \n"}, "rejected"), ({"name": ""}, "rejected"), ({"name": "a\0"}, "unencodable")],
        *[
            ({"tags": "a\0"}, "unencodable"),
            ({"phone": "\ud800"}, "unencodable"),
            ({"address": "x\udfff"}, "unencodable"),
        ],
    ],
)
def test_what_odoo_cannot_hold_is_rejected_and_never_raised(fields: dict[str, str], code: str) -> None:
    for content in (client(**fields), shape_client(client(**fields), BOOKS)):
        changes = {name: (None, value) for name, value in fields.items()}
        for one in (operation("create", content), operation("update", content, "7", **changes)):
            rendered = render_client(one, BOOKS)
            assert isinstance(rendered, Rejected)
            assert rendered.code == code


@given(contents)
def test_the_same_operation_has_the_same_bytes(content: Content) -> None:
    one = operation("create", {**shape_client(content, BOOKS), "client_id": "1"})
    backwards = replace(one, content=dict(reversed(one.content.items())))
    assert render_client(one, BOOKS) == render_client(backwards, BOOKS)
