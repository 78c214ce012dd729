"""Partners over the wire: read in pages, found by the hundred, written in batches."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from connectors.odoo.client import Odoo
from connectors.odoo.company import Company
from connectors.odoo.errors import LoadRefused, OdooAnswer
from connectors.odoo.partners import PARTNER_FIELDS, Known, client_fields, normal_email
from connectors.odoo.rows import mark_of
from connectors.odoo.tags import tag_ids
from connectors.odoo.writes import Writes, halved, outcome_of
from syncd.connector import Done, Entry, Fields, Found, How, Outcome, Rejected, Remote, Stale, Unknown, Wanted
from syncd.errors import NotSent, Unreachable
from syncd.fields import same

MODEL: Final = "res.partner"
MODULE: Final = "syncd"
"""Where the external ids of records made by syncd lie: ``syncd.<mark>``."""

ALL: Final = {"active_test": False}
"""The context in which archived records are seen, too; without it ``load`` does not find them by ``.id``."""

CHUNK: Final = 500
_OURS: Final = re.compile(r"odoo:([1-9]\d{0,8})")
"""A partner's id as it is written back to the source."""


class _Names:
    """What partners refer to, asked for when first met: the names of categories, the codes of states."""

    def __init__(self, odoo: Odoo) -> None:
        self._odoo = odoo
        self._tags: dict[int, str] = {}
        self._states: dict[int, tuple[str, str, str]] = {}

    def of(self, partners: Sequence[Mapping[str, Any]], company: Company) -> Known:
        """Give all that these partners refer to."""
        tags = {tag for partner in partners for tag in partner["category_id"]} - self._tags.keys()
        states = {partner["state_id"][0] for partner in partners if partner["state_id"]} - self._states.keys()
        if tags:
            for row in self._odoo.search_read(
                "res.partner.category", [("id", "in", sorted(tags))], ["name"], context=ALL
            ):
                self._tags[row["id"]] = row["name"]
        if states:
            codes = {number: code for code, number in company.countries.items()}
            wanted = ["name", "code", "country_id"]
            for row in self._odoo.search_read("res.country.state", [("id", "in", sorted(states))], wanted):
                country = codes.get(row["country_id"][0], "")
                self._states[row["id"]] = (country, row["code"] or "", row["name"])
        return Known(self._tags, self._states)


def read_partners(odoo: Odoo, company: Company, domain: Sequence[Any]) -> Iterator[list[Remote]]:
    """Read the partners that a domain finds, archived ones too, a thousand at a time."""
    names = _Names(odoo)
    for rows in odoo.pages(MODEL, domain, PARTNER_FIELDS, context=ALL):
        marks = odoo.external_ids(MODEL, [row["id"] for row in rows])
        known = names.of(rows, company)
        yield [_remote(row, mark_of("client", marks.get(row["id"])), company, known) for row in rows]


def _remote(row: Mapping[str, Any], mark: str | None, company: Company, known: Known) -> Remote:
    return Remote("client", str(row["id"]), mark, None, client_fields(row, company, known))


def partner_marks(odoo: Odoo) -> dict[str, int]:
    """Read the marks of all partners: mark → id, by one call and one more for each 5,000.

    Odoo 19 shows a plain user the external ids of given records, never the records of given external ids.
    """
    ids = odoo.ids(MODEL, [], context=ALL)
    told = odoo.external_ids(MODEL, ids).items()
    return {mark: number for number, external_id in told if (mark := mark_of("client", external_id))}


def find_partners(
    odoo: Odoo, company: Company, wanted: Sequence[Wanted], marks: Mapping[str, int] | None = None
) -> list[Found]:
    """Look for clients by mark, ``ref`` or id, e-mail and name, all with one search; in the order given.

    ``marks``: what ``partner_marks`` gave, if it is known already. A contact below a firm is a candidate itself.
    """
    if not wanted:
        return []
    marks = partner_marks(odoo) if marks is None else marks
    rows = odoo.search_read(MODEL, _domain(wanted, marks), [*PARTNER_FIELDS, "email_normalized"], context=ALL)
    known = _Names(odoo).of(rows, company)
    named = {number: mark for mark, number in marks.items()}
    standing = _Standing()
    for row in rows:
        standing.add(row, _remote(row, named.get(row["id"]), company, known))
    return [Found("client", one.id, tuple(standing.candidates(one, marks))) for one in wanted]


def _domain(wanted: Sequence[Wanted], marks: Mapping[str, int]) -> list[Any]:
    ids = {number for one in wanted for number in [*_ids(one), marks.get(one.mark)] if number}
    refs = {one.content["external_id"] for one in wanted if one.content.get("external_id")}
    emails = {email for one in wanted if (email := normal_email(one.content.get("email")))}
    names = {one.content["name"] for one in wanted if (one.content.get("name") or "").strip()}
    asked = {"id": ids, "ref": refs, "email_normalized": emails, "name": names}
    terms: list[Any] = [(name, "in", _sendable(values)) for name, values in asked.items()]
    return [*["|"] * (len(terms) - 1), *terms]


def _sendable(values: set[Any]) -> list[Any]:
    """Leave out what cannot stand in Odoo, and would spoil the request: NUL, half characters."""
    return sorted(value for value in values if not isinstance(value, str) or _is_text(value))


def _is_text(value: str) -> bool:
    return not any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in value)


def _ids(one: Wanted) -> list[int]:
    """Give the partner ids that a wanted record names itself."""
    ours = _OURS.fullmatch(one.content.get("external_id") or "")
    known = one.external_id if (one.external_id or "").isdecimal() else None
    return [int(text) for text in (ours[1] if ours else None, known) if text]


class _Standing:
    """The partners that a search found, by each of the ways to recognise them."""

    def __init__(self) -> None:
        self._by: dict[str, dict[Any, list[Remote]]] = {
            name: defaultdict(list) for name in ("id", "ref", "email_normalized", "name")
        }

    def add(self, row: Mapping[str, Any], remote: Remote) -> None:
        for name, found in self._by.items():
            if row[name]:
                found[row[name]].append(remote)

    def candidates(self, one: Wanted, marks: Mapping[str, int]) -> Iterator[tuple[How, Remote]]:
        content = one.content
        asked: list[tuple[How, str, Any]] = [
            ("mark", "id", marks.get(one.mark)),
            *(("external_id", "id", number) for number in _ids(one)),
            ("external_id", "ref", content.get("external_id")),
            ("email", "email_normalized", normal_email(content.get("email"))),
            ("name", "name", content.get("name")),
        ]
        seen = set()
        for how, name, value in asked:
            for remote in self._by[name].get(value, ()):
                if (how, remote.external_id) not in seen:
                    seen.add((how, remote.external_id))
                    yield how, remote


@dataclass(slots=True)
class _Work:
    """One entry under way; ``cells``: what it sets, in the columns of ``load``."""

    entry: Entry
    cells: dict[str, str] = field(default_factory=dict)
    outcome: Outcome | None = None


def write_partners(odoo: Odoo, company: Company, entries: Sequence[Entry]) -> Iterator[tuple[int, Outcome]]:
    """Create, change, archive and adopt partners; one outcome for each entry.

    Raises ``NotSent`` where nothing was carried out for certain. New ones are made by ``load`` with their external id,
    so that a repeat finds them and leaves them as they are; changed ones are read first, and are ``Stale`` where they
    are no longer what the plan saw. What is sent is all that is called by the same columns, up to 500 at a time.
    """
    calls, works, told = Writes(odoo, company), [_Work(entry) for entry in entries], ""
    try:
        _prepare(odoo, company, works)
        for some in _alike(work for work in works if work.outcome is None):
            _load(calls, some)
    except (Unreachable, OdooAnswer) as error:
        told = str(error)
        if not calls.wrote:
            raise NotSent(told, error.retry_after if isinstance(error, Unreachable) else None) from error
    yield from ((work.entry.number, work.outcome or Unknown(told)) for work in works)


def _prepare(odoo: Odoo, company: Company, works: Sequence[_Work]) -> None:
    """Read what the entries stand on, make the tags that are missing, and put each into columns."""
    named = [work.entry.external_id for work in works if work.entry.verb != "create"]
    ids = [int(one) for one in named if one and _is_id(one)]
    standing = _read(odoo, company, ids) if ids else {}
    wishes: list[tuple[_Work, dict[str, Any]]] = []
    for work in works:
        decided = _decide(work.entry, standing)
        if isinstance(decided, dict):
            wishes.append((work, decided))
        else:
            work.outcome = decided
    tags = tag_ids(odoo, {tag for _, values in wishes for tag in values.get("category_id", ())})
    states = _state_ids(odoo, {values["state_id"] for _, values in wishes if values.get("state_id")})
    for work, values in wishes:
        cells = _cells(values, company, tags, states)
        if not isinstance(cells, dict):
            work.outcome = cells
        elif work.entry.verb == "create":
            work.cells = {"id": f"{MODULE}.{work.entry.mark}", "is_company": "1", **cells}
        else:
            work.cells = {".id": work.entry.external_id or "", **cells}


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


def _read(odoo: Odoo, company: Company, ids: Sequence[int]) -> dict[str, Fields]:
    rows = odoo.search_read(MODEL, [("id", "in", sorted(set(ids)))], PARTNER_FIELDS, context=ALL)
    known = _Names(odoo).of(rows, company)
    return {str(row["id"]): client_fields(row, company, known) for row in rows}


def _decide(entry: Entry, standing: Mapping[str, Fields]) -> Outcome | dict[str, Any]:
    """Say what became of an entry without sending anything, or which values it is to set."""
    payload = orjson.loads(entry.payload)
    if entry.verb == "create":
        return dict(payload["values"])
    name = entry.external_id or ""
    stands = standing.get(name)
    if stands is None:
        return Stale(f"Partner {name} no longer stands in Odoo.")
    if entry.verb == "adopt":
        return Done(name)  # an external id can be given to a record only as it is made
    values: dict[str, Any] = {}
    for path, after in payload["after"].items():
        now = stands.get(path)
        if same(now, after):
            continue  # done before, and the answer was lost
        if not same(now, payload["before"][path]):
            return Stale(f"Partner {name}: {path} is {now!r} now, not {payload['before'][path]!r}.")
        values |= payload["values"][path]
    return values or Done(name)


def _state_ids(odoo: Odoo, codes: set[str]) -> dict[str, int]:
    """Find states by country and code (``US-IL``)."""
    if not codes:
        return {}
    countries = sorted({code.partition("-")[0] for code in codes})
    wanted = sorted({code.partition("-")[2] for code in codes})
    domain = [("country_id.code", "in", countries), ("code", "in", wanted)]
    found = {}
    for row in odoo.search_read("res.country.state", domain, ["code", "country_id"]):
        found[row["country_id"][0], row["code"]] = row["id"]
    numbers = {row["code"]: row["id"] for row in odoo.search_read("res.country", [("code", "in", countries)], ["code"])}
    pairs = {code: (numbers.get(code.partition("-")[0], 0), code.partition("-")[2]) for code in codes}
    return {code: found[pair] for code, pair in pairs.items() if pair in found}


def _cells(
    values: Mapping[str, Any], company: Company, tags: Mapping[str, int | Outcome], states: Mapping[str, int]
) -> dict[str, str] | Outcome:
    """Put values into the columns of ``load``, all text; or say what Odoo does not have."""
    cells: dict[str, str] = {}
    for name, value in values.items():
        if name == "category_id":
            told = {tag: tags[tag] for tag in value}
            if missing := [outcome for outcome in told.values() if not isinstance(outcome, int)]:
                return missing[0]
            cells["category_id/.id"] = ",".join(str(number) for number in told.values())
        elif name in ("country_id", "state_id"):
            number = (company.countries if name == "country_id" else states).get(value, "")
            if value and not number:
                return Rejected(f"Odoo has no {'country' if name == 'country_id' else 'state'} {value}.")
            cells[f"{name}/.id"] = str(number)
        else:
            cells[name] = str(int(value)) if isinstance(value, bool) else value
    return cells


def _alike(works: Iterable[_Work]) -> list[list[_Work]]:
    """Group what sets the same columns, at most 500 together: an empty cell would clear its field."""
    groups: dict[tuple[str, ...], list[_Work]] = defaultdict(list)
    for work in works:
        groups[tuple(sorted(work.cells))].append(work)
    return [some[start : start + CHUNK] for some in groups.values() for start in range(0, len(some), CHUNK)]


def _load(calls: Writes, works: Sequence[_Work]) -> None:
    """Send rows of the same columns, those of new partners to be made once."""
    columns = sorted(works[0].cells)

    def send(some: Sequence[_Work]) -> None:
        rows = [[work.cells[column] for column in columns] for work in some]
        for work, number in zip(some, calls.load(MODEL, columns, rows, once="id" in columns), strict=True):
            work.outcome = Done(str(number))

    halved(works, send, _refused)


def _refused(work: _Work, error: OdooAnswer) -> None:
    gone = isinstance(error, LoadRefused) and error.messages[0].field == ".id"
    work.outcome = Stale("The partner went while it was written.") if gone else outcome_of(error)
