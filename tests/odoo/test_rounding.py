"""Taxes rounded globally in a real Odoo: invoices in other currencies come to the cent, and are owed to the cent."""

from __future__ import annotations

import pytest

from syncd.connector import Content, Done
from tests.odoo.invoice_desk import Desk, add_journal, open_desk
from tests.odoo.invoices import invoice
from tests.odoo.place import Place

THREE = [("a", "2", 71499, "25"), ("b", "3", 81728, "20"), ("c", "7", 90387, "19")]
FOUR = [("a", "3", 77016, "12"), ("b", "1.25", 51558, "20"), ("c", "1", 62945, "19"), ("d", "7", 52991, "12")]


@pytest.fixture
def desk(own_odoo: Place) -> Desk:
    add_journal(own_odoo, "FF")
    own_odoo.admin().call("res.company", "write", [1], vals={"tax_calculation_rounding_method": "round_globally"})
    return open_desk(own_odoo)


def of_every_currency(number: str, sign: int = 1) -> list[Content]:
    """Invoices to which Odoo 14 gives a receivable that in other currencies misses their lines by a cent."""
    totals = [(THREE, 205002), (FOUR, 97088)]
    return [
        invoice(
            f"{number}{currency}{len(lines)}",
            [(text, quantity, sign * price, rate) for text, quantity, price, rate in lines],
            sign * tax,
            currency=currency,
        )
        for currency in ("NOK", "SEK", "USD", "EUR")
        for lines, tax in totals
    ]


def owed(desk: Desk, external_id: str) -> tuple[float, float, list[float]]:
    """Tell the total, what is open of it, and what the receivable lines hold."""
    (move,) = desk.admin.search_read(
        "account.move", [("id", "=", int(external_id))], ["amount_total", "amount_residual"]
    )
    of_customers = [("move_id", "=", int(external_id)), ("account_id.reconcile", "=", True)]
    lines = desk.admin.search_read("account.move.line", of_customers, ["amount_currency"])
    return move["amount_total"], move["amount_residual"], [abs(line["amount_currency"]) for line in lines]


@pytest.mark.parametrize("sign", [1, -1])
def test_invoices_and_credit_notes_are_owed_to_the_cent_where_taxes_are_rounded_globally(desk: Desk, sign: int) -> None:
    contents = of_every_currency("A", sign)
    ids = desk.create(*contents)
    for content, its in zip(contents, ids, strict=True):
        assert desk.differs(content, its) == {}
        total = abs(content["total"]) / 100
        assert owed(desk, its) == (total, total, [total])


def test_what_is_rounded_globally_is_changed_taken_back_and_paid_to_the_cent(desk: Desk) -> None:
    before = of_every_currency("B")
    ids = desk.create(*before)
    new = {"lines": [list(line) for line in FOUR], "subtotal": 729378, "tax": 97088, "total": 826466}
    after = [{**one, **new} for one in before[:3]]
    changes = [desk.change(*three) for three in zip(before, after, ids, strict=False)]
    assert [type(one) for one in desk.run(*changes)] == [Done] * len(after)
    assert [desk.differs(one, its) for one, its in zip(after, ids, strict=False)] == [{}] * len(after)
    for its in ids:
        desk.pay(its)
        assert owed(desk, its)[1] == 0
