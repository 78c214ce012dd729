"""Clients and partners (``res.partner``), translated into each other. Pure.

A client's address becomes four fields (see ``address``), its country an id, its language an installed one, its tags
categories, its ``external_id`` the partner's ``ref``; archived is ``active = false``. New partners are companies: the
source does not say who is a person, and invoices go to firms.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

from connectors.odoo.address import Parts, canonical, join, split
from connectors.odoo.company import Company
from connectors.odoo.countries import country_code
from connectors.odoo.places import WITH_STATES
from syncd.connector import ARCHIVED, Content, Fields, Operation, Rejected, Scalar

CLIENT_FIELDS: Final = frozenset(
    {"name", "email", "phone", "address", "country", "locale", "external_id", "tags", "archived_at"}
)
"""The fields of a client that a partner holds and shows again."""

PARTNER_FIELDS: Final = (
    *("name", "email", "phone", "street", "street2", "zip", "city", "state_id", "country_id", "lang", "ref"),
    *("active", "category_id"),
)
"""What is read of a partner."""

_PLAIN: Final = {"name": "name", "email": "email", "phone": "phone", "locale": "lang", "external_id": "ref"}
"""Fields of a client that are one field of a partner, text for text."""

_EMAIL: Final = re.compile(r"[^\s<>,;:\"'()\[\]]+@[^\s<>,;:\"'()\[\]]+")
_HOME: Final = {"en": ("US", "GB"), "nb": ("NO",), "nn": ("NO",), "sv": ("SE",), "da": ("DK",)}
"""Where a language is spoken that has not the name of its country."""


class Known(NamedTuple):
    """What a page of partners refers to: category id → name, state id → (country code, state code, name)."""

    tags: Mapping[int, str]
    states: Mapping[int, tuple[str, str, str]]


def shape_client(content: Content, company: Company) -> Content:
    """Give a client as a partner holds it; itself when asked twice.

    A country that Odoo does not know becomes the last line of the address; what can only be a code, of no country at
    all, does not. A client without a country is taken for one of the company's own when its address is split. A
    language that is not installed is left out.
    """
    shaped = dict(content)
    country, strange = _country(content.get("country"), company)
    address = content.get("address") or ""
    if strange and address.splitlines()[-1:] != [strange]:
        address = f"{address}\n{strange}"
    shaped["country"] = country
    shaped["address"] = canonical(address, country or company.country)
    shaped["locale"] = language(content.get("locale"), country or company.country, company.languages)
    shaped["tags"] = tags_text(tags_of(content.get("tags")))
    shaped["archived_at"] = ARCHIVED if content.get("archived_at") else None
    for name in ("email", "phone", "external_id"):
        shaped[name] = content.get(name) or None
    return shaped


_CODE: Final = 3
"""Letters that a country's code has at most."""


def _country(text: str | None, company: Company) -> tuple[str | None, str | None]:
    """Give the code of a country that Odoo has, or the text that names none."""
    told = " ".join((text or "").split())
    code = told.upper() if told.upper() in company.countries else country_code(told)
    if code in company.countries:
        return code, None
    return None, told if code or len(told) > _CODE else None


def language(locale: str | None, country: str, installed: frozenset[str]) -> str | None:
    """Give the installed language (``nb_NO``) that a locale means; of several, the one of the country, or of its home.

    ``None`` where none is installed: Odoo 19 would keep any text, Odoo 14 refuse it.
    """
    told = (locale or "").strip().replace("-", "_")
    for code in installed:
        if code.casefold() == told.casefold():
            return code
    spoken = told.partition("_")[0].casefold()
    spoken = "nb" if spoken == "no" else spoken
    fitting = sorted(code for code in installed if re.split("[_@]", code)[0].casefold() == spoken)
    for home in (country, *_HOME.get(spoken, (spoken.upper(),))):
        if f"{spoken}_{home}" in fitting:
            return f"{spoken}_{home}"
    return fitting[0] if fitting else None


def tags_of(text: str | None) -> list[str]:
    r"""Read tags, joined by ``;`` (``\;`` and ``\\`` are the signs themselves): sorted, none twice, none blank."""
    found = re.findall(r"((?:\\.|[^\\;])*\\?)(?:;|\Z)", text or "", re.DOTALL)
    tags = (re.sub(r"\\(.)", r"\1", tag, flags=re.DOTALL).strip() for tag in found)
    return sorted({tag for tag in tags if tag})


def tags_text(tags: list[str]) -> str:
    """Join tags by ``;``, as contents have them."""
    return ";".join(tag.replace("\\", "\\\\").replace(";", "\\;") for tag in tags)


def normal_email(text: str | None) -> str | None:
    """Give an e-mail as Odoo's ``email_normalized`` has it: the first address, small letters, no name around it."""
    found = _EMAIL.search(text or "")
    return found[0].lower() if found else None


def partner_values(content: Content, company: Company, country: str | None = None) -> dict[str, str | bool | list[str]]:
    """Give the fields of a partner for those that a shaped content has, ``""`` for none.

    Country, state and tags stand by what they are called: ``country_id`` an ISO code, ``state_id`` a country's and a
    state's code (``US-IL``), ``category_id`` names. ``country``: where the address is, if the content does not say.
    """
    values: dict[str, str | bool | list[str]] = {
        odoo: content[name] or "" for name, odoo in _PLAIN.items() if name in content
    }
    if "address" in content:
        where = content.get("country") or country or company.country
        parts = split(content["address"], where)
        values |= {"street": parts.street or "", "street2": parts.street2 or ""}
        values |= {"zip": parts.zip or "", "city": parts.city or ""}
        values["state_id"] = f"{where}-{parts.state}" if parts.state else ""
    if "country" in content:
        values["country_id"] = content["country"] or ""
    if "tags" in content:
        values["category_id"] = tags_of(content["tags"])
    if "archived_at" in content:
        values["active"] = not content["archived_at"]
    return values


def client_fields(partner: Mapping[str, Any], company: Company, known: Known) -> Fields:
    """Read a partner back, as ``shape_client`` would have it."""
    fields: Fields = {name: partner[odoo] or None for name, odoo in _PLAIN.items()}
    country = _country_read(partner["country_id"], company)
    home, state, name = known.states.get(_id(partner["state_id"]), ("", "", ""))
    in_place = home in WITH_STATES
    street, street2, code, city = (partner[name] or None for name in ("street", "street2", "zip", "city"))
    parts = Parts(street, street2, code, city, state if in_place else None, None if in_place else name)
    fields["country"] = country
    fields["address"] = canonical(join(parts), country or company.country)
    fields["tags"] = tags_text(sorted(known.tags[tag] for tag in partner["category_id"] if tag in known.tags))
    fields["archived_at"] = None if partner["active"] else ARCHIVED
    return fields


def _country_read(pair: Any, company: Company) -> str | None:
    """Read a partner's country, ``[id, name]`` or false; one that the books did not show when opened, by its name."""
    if not pair:
        return None
    return next((code for code, number in company.countries.items() if number == pair[0]), str(pair[1]))


def _id(pair: Any) -> int:
    return int(pair[0]) if pair else 0


def render_client(operation: Operation, company: Company) -> bytes | Rejected:
    """Write an operation down in Odoo's terms: its ``values``; of a change ``before`` and ``after``, too."""
    content = {name: value for name, value in operation.content.items() if name in CLIENT_FIELDS}
    if operation.verb == "adopt":
        return _bytes({})
    if company.no_clients:
        return Rejected(company.no_clients)
    if operation.verb == "create":
        content = {name: content.get(name) for name in sorted(CLIENT_FIELDS)}
        return _unfit(content) or _bytes({"values": partner_values(content, company)})
    if operation.verb not in ("update", "archive"):
        return Rejected(f"Odoo has no such thing for a partner as {operation.verb}.", "unsupported")
    changes = dict(operation.changes)
    if operation.verb == "archive":
        changes.setdefault("archived_at", (None, ARCHIVED))
    if strange := changes.keys() - CLIENT_FIELDS:
        return Rejected(f"A partner has no place for {', '.join(sorted(strange))}.", "unsupported")
    before: dict[str, Scalar] = {name: pair[0] for name, pair in changes.items()}
    after: dict[str, Scalar] = {name: pair[1] for name, pair in changes.items()}
    values = {
        name: partner_values({name: value}, company, _text(content.get("country"))) for name, value in after.items()
    }
    return _unfit(after) or _bytes({"before": before, "after": after, "values": values})


def _text(value: Scalar) -> str | None:
    return value if isinstance(value, str) else None


def _unfit(fields: Mapping[str, Scalar]) -> Rejected | None:
    """Refuse what Odoo takes without a word and cannot show, or ends in an error without a sentence."""
    name = fields.get("name", "-")
    if not isinstance(name, str) or not name.strip():
        return Rejected("It has no name, and a partner in Odoo needs one; name the client at the source.")
    for field, value in fields.items():
        if isinstance(value, str) and "\0" in value:
            return Rejected(f"Its {field} holds a NUL character, which Odoo cannot store; take it out.", "unencodable")
    return None


def _bytes(payload: Mapping[str, Any]) -> bytes | Rejected:
    try:
        return orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        return Rejected("It holds half a character, which UTF-8 cannot; take it out at the source.", "unencodable")
