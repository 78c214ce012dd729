"""Addresses: one text, and the parts that Odoo keeps of it. Pure.

A text is split only where postcode and town stand at its end and can be nothing else; otherwise it is kept whole, in
``street`` and ``street2``. Whatever is done, the parts joined again are the text in its canonical form, so that a part
that a person edits shows as a change of the address.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from connectors.odoo.countries import country_code, fold, states_of
from connectors.odoo.places import BEHIND, BOXES, CODES, COUNTIES, NOT_IN_TOWNS, STREET_ENDS, WITH_STATES


class Parts(NamedTuple):
    """An address as Odoo keeps it.

    ``state``: the code of a state of a country that writes it between town and postcode. ``region``: any other state's
    name; only ever read, where a person chose one.
    """

    street: str | None = None
    street2: str | None = None
    zip: str | None = None
    city: str | None = None
    state: str | None = None
    region: str | None = None


class _Place(NamedTuple):
    """What the end of an address says; ``rest``: the segments that remain of it, ``zip`` is always there."""

    rest: list[str]
    zip: str
    city: str | None
    state: str | None = None


_LETTER: Final = re.compile(r"[^\W\d_]")
_HOUSE: Final = re.compile(r"\s\d{1,4} ?[A-Za-z]?$")
_TOWN: Final = re.compile(
    r"[^\W\d_][^\W\d_ .'\u2019()/-]*(?:[ .'\u2019()/-]+[^\W\d_]+)*[.)]?(?: CEDEX(?: \d{1,2})?)?", re.IGNORECASE
)
_LONGEST_TOWN: Final = 50
_LONGEST: Final = 500
"""Letters of an address that is looked into; a longer one is kept whole."""


def canonical(text: str | None, country: str) -> str | None:
    """Give the form that an address has after it was split and joined; itself when asked twice."""
    return join(split(text, country))


def join(parts: Parts) -> str | None:
    """Put the parts together, a line each for street, street2, place and region; no address is ``None``."""
    if parts.state:
        place = ", ".join(filter(None, (parts.city, " ".join(filter(None, (parts.state, parts.zip))))))
    elif parts.zip and BEHIND.match(parts.zip):
        place = " ".join(filter(None, (parts.city, parts.zip)))
    else:
        place = " ".join(filter(None, (parts.zip, parts.city)))
    return "\n".join(filter(None, (parts.street, parts.street2, place, parts.region))) or None


def split(text: str | None, country: str) -> Parts:
    """Take an address apart; ``country``: ISO code of the country it is in, ``""`` where that is not known."""
    lines = _lines(text or "")
    segments = [segment for line in lines for segment in line]
    place = _place(segments, country)
    if place is None and len(segments) > 2 and country and country_code(segments[-1]) == country:
        place = _place(segments[:-1], country)  # the country is told by its own field
    if place is None:
        return Parts(*_streets(lines))
    return Parts(*_streets(_regroup(lines, place.rest)), place.zip, place.city, place.state)


def _lines(text: str) -> list[list[str]]:
    """Give the segments between commas, line by line; a comma within a word ("1,5") is part of the word."""
    lines = [[_trimmed(segment) for segment in re.split(r",\s", line + " ")] for line in text.splitlines()]
    return [kept for line in lines if (kept := [segment for segment in line if segment])]


def _trimmed(segment: str) -> str:
    return " ".join(segment.split()).strip(" ,")


def _streets(lines: Sequence[Sequence[str]]) -> tuple[str | None, str | None]:
    """Put the first line into street and all others into street2."""
    if not lines:
        return None, None
    return ", ".join(lines[0]), ", ".join(segment for line in lines[1:] for segment in line) or None


def _regroup(lines: Sequence[Sequence[str]], rest: Sequence[str]) -> list[list[str]]:
    """Cut the lines down to the segments that remain; the last of these may be shorter than it was."""
    left = list(rest)
    grouped = []
    for line in lines:
        taken, left = left[: len(line)], left[len(line) :]
        if taken:
            grouped.append(taken)
    return grouped


def _place(segments: list[str], country: str) -> _Place | None:
    """Read postcode, town and state at the end, as this country writes them; ``None``: it cannot be told."""
    code = CODES.get(country)
    if code is None or not segments or sum(map(len, segments)) > _LONGEST:
        return None
    if country in WITH_STATES:
        return _with_state(segments, code, country)
    return _town_first(segments, code) if country in ("GB", "IE") else _code_first(segments, code)


def _code_first(segments: list[str], code: str) -> _Place | None:
    """``75002 Paris``; in two segments; or behind the street without a comma.

    Four digits behind a street could be those of a house; only where that has a number already, they cannot.
    """
    *rest, last = segments
    if found := re.fullmatch(rf"({code})\s+(.+)", last):
        return _Place(rest, found[1], found[2]) if _is_town(found[2]) else None
    if rest and re.fullmatch(code, rest[-1]):
        return _Place(rest[:-1], rest[-1], last) if _is_town(last) else None
    found = re.fullmatch(rf"(.+?)\s+({code})\s+(\D+)", last)
    if found is None or not _is_town(found[3]) or _mentions(found[1], BOXES) or not _LETTER.search(found[1]):
        return None
    certain = sum(map(str.isdigit, found[2])) >= 5 or _HOUSE.search(found[1])
    return _Place([*rest, found[1]], found[2], found[3]) if certain else None


def _town_first(segments: list[str], code: str) -> _Place | None:
    """``London SW1A 2AA``, or in two segments below a street; a county or a house's name is taken for no town."""
    *rest, last = segments
    found = re.fullmatch(rf"(?:(.+)\s)?({code})", last, re.IGNORECASE)
    if found is None:
        return None
    if found[1]:
        return (
            _Place(rest, found[2], found[1]) if _is_post_town(found[1]) else _Place([*rest, found[1]], found[2], None)
        )
    if len(rest) > 1 and _is_post_town(rest[-1]):
        return _Place(rest[:-1], found[2], rest[-1])
    return _Place(rest, found[2], None)


def _with_state(segments: list[str], code: str, country: str) -> _Place | None:
    """``Springfield, IL 62704``, also without the comma, or with the state's name."""
    *rest, last = segments
    found = re.fullmatch(rf"(?:(.+?)\s+)?([A-Z]{{2,3}})\s+({code})", last)
    if found and found[1] and found[2] in states_of(country).values():
        return _Place(rest, found[3], found[1], found[2]) if _is_town(found[1]) else None
    found = re.fullmatch(rf"(.+?)\s+({code})", last)
    if found is None or not rest or not _TOWN.fullmatch(rest[-1]):
        return None
    state = _state(found[1], country)
    return _Place(rest[:-1], found[2], rest[-1], state) if state else None


def _state(text: str, country: str) -> str | None:
    states = states_of(country)
    return text if text in states.values() else states.get(fold(text))


def _is_town(text: str) -> bool:
    plain = len(text) <= _LONGEST_TOWN and _TOWN.fullmatch(text) is not None
    return (
        plain
        and not _mentions(text, NOT_IN_TOWNS)
        and not any(fold(word).endswith(STREET_ENDS) for word in text.split())
    )


def _is_post_town(text: str) -> bool:
    county = fold(text)
    return _is_town(text) and county not in COUNTIES and not county.endswith("shire") and "county" not in county.split()


def _mentions(text: str, words: frozenset[str]) -> bool:
    return any(fold(word) in words for word in text.split())
