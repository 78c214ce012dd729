"""What a change of an invoice leaves as a person set it in Odoo; no server is asked."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from connectors.odoo.move_keeping import Kept, keep
from connectors.odoo.moves import Whole
from connectors.odoo.taxes import Tax, Taxes
from syncd.connector import Rejected

TAXES = Taxes(
    tuple(Tax(number, f"Tax {number}", rate) for number, rate in ((1, "25"), (2, "12"), (9, "25"), (8, "25")))
)
HEAD = {
    "partner_id/.id": "7",
    "fiscal_position_id/.id": "",
    "currency_id/.id": "1",
    "name": "F-1",
    "invoice_date": "2026-03-01",
    "invoice_date_due": "2026-03-31",
    "invoice_payment_term_id/.id": "",
    "narration": "",
}
WORK, TRIP, DESK = (
    ["Work", "3", "100.00", "50", "1"],
    ["Trip", "1", "40.00", "50", "2"],
    ["Desk", "1", "9.00", "50", "1"],
)

CELLS = st.tuples(
    st.sampled_from(("Work", "Trip", "Desk", "Box")),
    st.sampled_from(("1", "2", "-3")),
    st.sampled_from(("1.00", "2.50")),
    st.sampled_from(("50", "51")),
    st.sampled_from(("1", "2")),
).map(list)
LINES = st.lists(CELLS, max_size=5)


def whole(*lines: list[str], untaxed: int = 34_900, total: int = 43_105, **taxes: int) -> Whole:
    return Whole(HEAD, [*lines], {name.removeprefix("t"): value for name, value in taxes.items()}, untaxed, total)


def kept(told: Whole, stands: Whole, *changes: str) -> Kept:
    found = keep(told, stands, changes, TAXES, draft=False)
    assert isinstance(found, Kept), found
    return found


def short(line: list[str]) -> list[str]:
    return line[:5]


def test_what_did_not_change_stays_as_it_stands() -> None:
    stands = replace(whole(WORK, TRIP, t1=7_500, t2=480), head={**HEAD, "invoice_date_due": "2026-12-24"})
    found = kept(whole(WORK, ["Tour", *TRIP[1:]], t1=7_500, t2=480), stands, "issue_date")
    assert found.whole.head["invoice_date_due"] == "2026-12-24"
    assert [line[0] for line in found.whole.lines] == ["Work", "Trip"]
    assert found.rows == (0, 1)


def test_a_line_keeps_account_and_tax_also_where_another_is_put_before_it() -> None:
    hand = ["Work", "3", "100.00", "77", "9"]
    told = whole(TRIP, WORK, t1=7_500, t2=480)
    paths = [f"lines.{place}.{name}" for place in (1, 2) for name in ("description", "quantity", "unit_price")]
    found = kept(
        told, whole(hand, t9=7_500), *paths, "lines.1.tax_rate", "lines.2.tax_rate", "subtotal", "total", "tax"
    )
    assert list(map(short, found.whole.lines)) == [TRIP, hand]
    assert found.rows == (0, None)
    assert found.whole.taxes == {"9": 7_500, "2": 480}


def test_a_line_of_another_rate_gets_account_and_tax_of_its_rate() -> None:
    stands = whole(["Work", "3", "100.00", "77", "9"])
    found = kept(whole(["Work", "3", "100.00", "50", "2"], t2=3_600), stands, "lines.1.tax_rate", "tax", "total")
    assert short(found.whole.lines[0]) == ["Work", "3", "100.00", "50", "2"]


def test_new_lines_take_the_tax_that_a_person_gave_the_others() -> None:
    hand = ["Work", "3", "100.00", "50", "9"]
    found = kept(whole(WORK, DESK, t1=7_725), whole(hand), "lines.2.quantity", "subtotal", "tax", "total")
    assert [line[4] for line in found.whole.lines] == ["9", "9"]
    assert found.whole.taxes == {"9": 7_725}


def test_a_rate_that_only_the_invoice_can_tell_is_told_by_its_lines() -> None:
    told = whole(["Work", "4", "100.00", "50", "rate:25"], trate=0)
    told = replace(told, taxes={"rate:25": 10_000})
    assert kept(told, whole(["Work", "3", "100.00", "50", "9"]), "lines.1.quantity").whole.taxes == {"9": 10_000}
    refused = keep(told, whole(TRIP), ["lines.1.quantity", "lines.1.tax_rate"], TAXES, draft=False)
    assert isinstance(refused, Rejected)
    assert refused.code == "tax_not_found"


def test_several_taxes_of_one_rate_are_left_to_the_person_who_set_them() -> None:
    stands = whole(["Work", "3", "100.00", "50", "9"], ["Desk", "1", "9.00", "50", "8"])
    refused = keep(whole(WORK, DESK, t1=7_725), stands, ["lines.1.quantity", "total"], TAXES, draft=False)
    assert isinstance(refused, Rejected)
    assert refused.reason == "its lines of 25 % bear other taxes in Odoo, set by hand; change it there."


def test_a_line_that_a_person_added_stays_and_one_they_took_out_stays_out() -> None:
    added = kept(whole(WORK, t1=7_500), whole(WORK, DESK), "issue_date")
    assert [line[0] for line in added.whole.lines] == ["Work", "Desk"]
    taken = kept(whole(WORK, DESK, t1=7_500), whole(WORK), "issue_date")
    assert [line[0] for line in taken.whole.lines] == ["Work"]
    gone = kept(whole(WORK, t1=7_500), whole(WORK, DESK), "lines.2.quantity", "total")
    assert gone.rows == (0,)


@given(old=LINES, new=LINES)
def test_lines_that_changed_are_as_told_each_in_its_place(old: list[list[str]], new: list[list[str]]) -> None:
    names = ("description", "quantity", "unit_price", None, "tax_rate")
    paths = {
        f"lines.{place + 1}.{name}"
        for place in range(max(len(old), len(new)))
        for cell, name in enumerate(names)
        if name and (place >= min(len(old), len(new)) or old[place][cell] != new[place][cell])
    }
    found = kept(whole(*new), whole(*old), *paths)
    assert [[line[cell] for cell in (0, 1, 2, 4)] for line in found.whole.lines] == [
        [line[cell] for cell in (0, 1, 2, 4)] for line in new
    ]
    standing = [row for row in found.rows if row is not None]
    assert standing == list(range(min(len(old), len(new))))
