"""What the user of the key may do: asked of Odoo, and told in sentences an administrator can act on.

Two groups are enough for everything: "Accounting / Invoicing" and "Contact / Creation". Whether the user is in one is
one question; only where it is not, each right is asked for by itself, for another group may give it. None but the first
group lets a user post.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from connectors.odoo.client import Odoo

Operation = str
"""``read``, ``create`` or ``write``, as Odoo names them; ``post``, of which Odoo itself asks for the group."""


@dataclass(frozen=True, slots=True)
class Group:
    """A group of Odoo: its external id, its name in new and old versions, and the rights it is needed for."""

    xml_id: str
    name: str
    older: str
    rights: tuple[tuple[str, Operation], ...]


INVOICING: Final = Group(
    "account.group_account_invoice",
    "Accounting / Invoicing",
    "Invoicing / Billing",
    (
        ("res.company", "read"),
        ("res.currency", "read"),
        ("account.journal", "read"),
        ("account.account", "read"),
        ("account.tax", "read"),
        ("account.move", "create"),
        ("account.move", "post"),
        ("account.payment", "create"),
        ("account.partial.reconcile", "create"),
        ("account.full.reconcile", "create"),
    ),
)
NOTES: Final = ("mail.message", "create")
"""What notes in the chatter and the rewriting of posted invoices need; any internal user has it unless an administrator
took it away."""

ATTACHMENTS: Final = ("ir.attachment", "create")
"""What attaching PDFs needs; any internal user has it, too."""

CONTACTS: Final = Group(
    "base.group_partner_manager",
    "Contact / Creation",
    "Extra Rights / Contact Creation",
    (("res.partner", "create"), ("res.partner", "write"), ("res.partner.category", "create")),
)

Missing = tuple[Group, tuple[tuple[str, Operation], ...]]
"""A group and those of its rights that the user lacks."""


def missing_rights(odoo: Odoo) -> list[Missing]:
    """Ask which of the needed rights the user lacks; an empty list is what it should be."""
    missing: list[Missing] = []
    for group in (INVOICING, CONTACTS):
        if in_group(odoo, group.xml_id):
            continue
        lacking = tuple(right for right in group.rights if right[1] == "post" or not allowed(odoo, *right))
        if lacking:
            missing.append((group, lacking))
    return missing


def in_group(odoo: Odoo, xml_id: str) -> bool:
    """Ask whether the user is in a group, by itself or through another one."""
    ids = [odoo.uid] if odoo.version >= 18 else None
    return bool(odoo.call("res.users", "has_group", ids, repeatable=True, group_ext_id=xml_id))


def allowed(odoo: Odoo, model: str, operation: Operation) -> bool:
    """Ask whether the user may do this with records of the model at all."""
    if odoo.version >= 18:
        return bool(odoo.call(model, "has_access", [], repeatable=True, operation=operation))
    answer = odoo.call(model, "check_access_rights", repeatable=True, operation=operation, raise_exception=False)
    return bool(answer)


def told(missing: Missing, version: int) -> str:
    """Say what the user may not do, and which group an administrator gives it."""
    group, lacking = missing
    name = group.name if version >= 19 else f"{group.older} (from Odoo 19 on {group.name})"
    return (
        f"The user of the API key may not {_listed(lacking)}. "
        f"An administrator puts it into the group {name}, under Settings, Users."
    )


def lacks(missing: Sequence[Missing], model: str, operation: Operation) -> bool:
    """Tell whether one right is among the missing ones."""
    return any((model, operation) in lacking for _, lacking in missing)


def _listed(lacking: Sequence[tuple[str, Operation]]) -> str:
    by_operation: dict[Operation, list[str]] = {}
    for model, operation in lacking:
        by_operation.setdefault(operation, []).append(model)
    return " or ".join(f"{operation} {', '.join(models)}" for operation, models in by_operation.items())
