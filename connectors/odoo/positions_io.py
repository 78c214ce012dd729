"""Fiscal positions: Odoo gives an invoice that of its client, but for those that would refuse its taxes.

A position maps the accounts that Odoo chooses, the receivable one above all, and has its say on the printed invoice:
that is kept. One with a tax number in another country lets an invoice bear taxes of that country alone, and syncd books
those of the company's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from connectors.odoo.move_calls import Calls, Work
from connectors.odoo.moves import POSITION


def leave_off(calls: Calls, works: Sequence[Work]) -> None:
    """Have invoices stand without a position whose client would bring one that refuses their taxes."""
    registrations = calls.company.registrations
    open_ = [work for work in works if POSITION not in work.whole.head]
    if not registrations or not open_:
        return
    by_country = ["&", ("property_account_position_id", "=", False), ("country_id", "in", [*registrations.values()])]
    by_hand = ("property_account_position_id", "in", [*registrations])
    partners = sorted({int(work.whole.head["partner_id/.id"] or 0) for work in open_})
    domain = [("id", "in", partners), "|", by_hand, *by_country]
    abroad = set(calls.odoo.ids("res.partner", domain, context={"active_test": False}))
    for work in open_:
        if int(work.whole.head["partner_id/.id"] or 0) in abroad:
            work.told = replace(work.told, whole=replace(work.whole, head={**work.whole.head, POSITION: ""}))
