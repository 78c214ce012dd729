"""Tags of partners (``res.partner.category``): found by name, made where there is none."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import blake2b
from typing import Final

from connectors.odoo.client import Odoo
from connectors.odoo.errors import LoadRefused, OdooAnswer
from connectors.odoo.writes import outcome_of
from syncd.connector import Outcome

MODEL: Final = "res.partner.category"


def tag_ids(odoo: Odoo, names: Collection[str]) -> dict[str, int | Outcome]:
    """Give the id of each tag; or, for one that is not there and cannot be made, what that makes of its partners.

    Odoo does not keep names unique: of several, the oldest is taken. A new one is made with an external id, so that two
    who make it at once make one. Where that id is a tag that a person renamed or archived since, it is made anew.
    """
    found: dict[str, int | Outcome] = dict(_search(odoo, names))
    if all(name in found for name in names):
        return found
    try:
        missing = sorted(set(names) - found.keys())
        rows = [[f"syncd.{_mark(name)}", name] for name in missing]
        try:
            odoo.load(MODEL, ["id", "name"], rows, once=True)
        except LoadRefused:  # someone made it at the same moment, or it is really refused: the second time tells
            odoo.load(MODEL, ["id", "name"], rows, once=True)
        found |= _search(odoo, missing)
        if missing := sorted(set(names) - found.keys()):
            made = odoo.call(MODEL, "create", vals_list=[{"name": name} for name in missing])
            found |= dict(zip(missing, made, strict=True))
    except OdooAnswer as error:
        refused = {name: outcome_of(error, f"The tag {name} cannot be made: ") for name in names}
        return refused | found
    return found


def _search(odoo: Odoo, names: Collection[str]) -> dict[str, int]:
    """Find tags by name; archived ones are no tags, for Odoo does not show them with a partner."""
    if not names:
        return {}
    rows = odoo.search_read(MODEL, [("name", "in", sorted(names))], ["name"], order="id desc")
    return {row["name"]: row["id"] for row in rows}


def _mark(name: str) -> str:
    return f"ff-t-{blake2b(name.encode(), digest_size=10).hexdigest()}"
