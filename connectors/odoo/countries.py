"""Countries by whatever people call them: ISO code, or a usual spelling in any of the languages below. Pure.

Names come from ISO 3166 (pycountry) and from Unicode's CLDR (Babel); Odoo itself knows a country by its ISO code and by
its name in the database's own languages only.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Final

import pycountry
from babel import Locale

LANGUAGES: Final = (
    *("en", "fr", "nb", "nn", "sv", "da", "de", "nl", "fi", "is", "es", "it", "pt", "pl", "cs", "et", "lv", "lt", "hu"),
    *("ro", "tr", "el", "ru", "uk"),
)
"""Languages in which countries are known."""

KOSOVO: Final = "XK"
"""Not in ISO 3166, but in use, and in Odoo."""

USUAL: Final = {
    "AE": "UAE, Emirates, Emirats arabes unis, Emiratene",
    "BY": "Hviterussland, Kviterussland, Hviderusland, Byelorussia, Weissrussland",
    "CD": "DR Congo, DRC, Zaire, République démocratique du Congo",
    "CI": "Ivory Coast, Elfenbeinküste, Elfenbenskysten, Elfenbenskusten, Côte d'Ivoire",
    "CV": "Cabo Verde, Cape Verde, Kap Verde, Cap-Vert",
    "CZ": "Czech Republic, République tchèque, Tschechische Republik, Den tsjekkiske republikk, Den Tjekkiske Republik",
    "FO": "Faroe Islands, Faeroe Islands, Färöer",
    "GB": "UK, United Kingdom, Great Britain, Britain, England, Scotland, Wales, Northern Ireland, Angleterre, Écosse, "
    "Grande-Bretagne, Royaume-Uni, Pays de Galles, Irlande du Nord, Storbritannien, Skottland, Skotland, "
    "Nord-Irland, Nordirland, Grossbritannien, Schottland, Inglaterra, Groot-Brittannië, ENG, SCO",
    "GR": "EL, Hellas",
    "HK": "Hong Kong, Hongkong",
    "IE": "Eire, Republic of Ireland, Irish Republic",
    "KP": "North Korea",
    "KR": "South Korea, Sydkorea",
    "LA": "Laos",
    "MK": "Macedonia, Macédoine, Makedonia, Makedonien, Mazedonien",
    "MM": "Burma, Birma, Birmanie",
    "MO": "Macau, Macao",
    "NL": "Holland, Hollande, Holanda, Olanda, Nederland, The Netherlands",
    "PS": "Palestine",
    "RU": "Russian Federation, Fédération de Russie, Russische Föderation",
    "SZ": "Swaziland",
    "TL": "East Timor",
    "TR": "Turkey, Turquie, Türkei",
    "US": "USA, US of A, United States, United States of America, America, the States, États-Unis d'Amérique, Amerika, "
    "Amerikas forente stater, Amerikas förenta stater, Vereinigte Staaten von Amerika, Stati Uniti d'America, "
    "Estados Unidos de América, EE.UU., EEUU, EUA",
    "VA": "Vatican, Vatican City, Holy See, Vatikanet, Vatikanen, Vatikan",
    KOSOVO: "Kosovo",
}
"""What people write and neither table has."""

_ARTICLES: Final = frozenset({"the", "la", "le", "les", "l", "el", "die", "der", "de", "het"})
_LETTERS: Final = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "\u0131": "i", "&": " and "}
)
_BETWEEN: Final = re.compile(r"[/(),;\n]| - ")


def country_code(text: str) -> str | None:
    """Give the ISO 3166 code of a country; ``None`` for what is none, or could be two.

    Case, accents and punctuation do not matter. Where it is told twice ("Norge / Norway", "France (FR)"), both must
    mean the same.
    """
    spellings = _spellings()
    if found := spellings.get(fold(text)):
        return found
    told = [spellings.get(fold(part)) for part in _BETWEEN.split(text) if part.strip()]
    return told[0] if len(told) > 1 and len(set(told)) == 1 else None


def fold(text: str) -> str:
    """Reduce a name to its words: small letters without accents, no punctuation, no article in front."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    letters = (sign if sign.isalnum() else " " for sign in plain if not unicodedata.combining(sign))
    words = "".join(letters).split()
    if len(words) > 1 and words[0] in _ARTICLES:
        del words[0]
    return "".join(words) if all(len(word) == 1 for word in words) else " ".join(words)  # U.S.A.


@cache
def _spellings() -> dict[str, str]:
    """Make the table, folded spelling → code; what two countries are called is in it for neither."""
    found: dict[str, set[str]] = {}
    for code, name in _names():
        found.setdefault(fold(name), set()).add(code)
    table = {name: next(iter(codes)) for name, codes in found.items() if name and len(codes) == 1}
    table |= {code.casefold(): code for code in _codes()}
    return table | {fold(name): code for code, names in USUAL.items() for name in names.split(", ")}


def _names() -> Iterator[tuple[str, str]]:
    for country in pycountry.countries:
        for kind in ("name", "official_name", "common_name", "alpha_3"):
            if name := getattr(country, kind, None):
                yield country.alpha_2, name
    codes = _codes()
    for language in LANGUAGES:
        for code, name in Locale(language).territories.items():
            if code in codes:
                yield code, name


@cache
def _codes() -> frozenset[str]:
    return frozenset({country.alpha_2 for country in pycountry.countries} | {KOSOVO})


@cache
def states_of(country: str) -> dict[str, str]:
    """Give the states of a country, folded name → code without the country (``illinois`` → ``IL``)."""
    found = (state for state in pycountry.subdivisions if state.country_code == country)
    return {fold(state.name): state.code.partition("-")[2] for state in found}
