"""How an invoice is told to Odoo and read back; no server is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from connectors.odoo import narration
from connectors.odoo.company import Company, Journal, Locks
from connectors.odoo.errors import LoadMessage, LoadRefused, OdooAnswer
from connectors.odoo.lines import DIFFERENCE, line_net, read_lines
from connectors.odoo.move_reading import is_taken_out, is_void, move_fields, move_remote
from connectors.odoo.move_totals import Booked, Standing, corrections
from connectors.odoo.moves import Told, Whole, external_id, read_told, render_invoice, shape_invoice
from connectors.odoo.numbers import number_fits
from connectors.odoo.rows import anything_paid, mark_of
from connectors.odoo.writes import halved
from syncd.connector import Content, Rejected
from syncd.fields import flatten
from syncd.money import half_up
from tests.odoo.invoices import COMPANY, changing, entry, invoice, lines_of, operation


def _plain(value: Decimal) -> str:
    text = format(value, "f").rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


QUANTITIES = st.decimals(-50, 50, places=3, allow_nan=False).map(_plain)
LINES = st.lists(
    st.tuples(
        st.text(alphabet="ab (x1.0)\n", max_size=12),
        QUANTITIES,
        st.integers(-5000, 5000),
        st.sampled_from(("0", "6", "19", "25")),
    ),
    min_size=1,
    max_size=6,
)


def _told(content: Content, company: Company = COMPANY) -> Told:
    return read_told(entry(1, operation("create", content, company), company).payload)


def _whole(content: Content, company: Company = COMPANY) -> Whole:
    whole = _told(content, company).whole
    assert whole is not None
    return whole


def _refusal(content: Content, company: Company = COMPANY) -> tuple[str, str]:
    rendered = render_invoice(operation("create", content, company), company)
    assert isinstance(rendered, Rejected)
    return rendered.code, rendered.reason


def _rows(whole: Whole) -> list[dict[str, Any]]:
    """The lines as Odoo would show them."""
    return [
        {"name": name, "quantity": float(quantity), "price_unit": float(price), "tax_ids": [int(tax)] if tax else []}
        for name, quantity, price, _, tax in whole.lines
    ]


@given(LINES, st.booleans(), st.sampled_from(("rate", "line", "total")))
def test_any_lines_that_add_up_come_to_the_cent_and_read_back_as_they_were_told(
    lines: list[tuple[str, str, int, str]], whole_sum: bool, rounding: str
) -> None:
    nets = [Decimal(quantity) * price for _, quantity, price, _ in lines]
    subtotal = half_up(sum(nets, Decimal())) if whole_sum else sum(map(half_up, nets))
    taxes = [net * Decimal(line[3]) / 100 for net, line in zip(nets, lines, strict=True)]
    rates = {line[3] for line in lines}
    by_rate = (sum((t for t, one in zip(taxes, lines, strict=True) if one[3] == rate), Decimal()) for rate in rates)
    tax = {
        "rate": sum(map(half_up, by_rate)),
        "line": sum(map(half_up, taxes)),
        "total": half_up(sum(taxes, Decimal())),
    }[rounding]
    source = invoice("F-1", lines, tax, subtotal=subtotal)
    shaped = shape_invoice(source, COMPANY)
    assert shape_invoice(shaped, COMPANY) == shaped
    assert sum(map(line_net, lines_of(shaped))) == subtotal
    whole = _whole(source)
    sign = -1 if shaped["total"] < 0 else 1
    assert (whole.untaxed, whole.total) == (sign * subtotal, sign * (subtotal + tax))
    assert sum(whole.taxes.values()) == sign * tax
    read = read_lines(_rows(whole), COMPANY, refund=sign < 0)
    assert read == flatten({"lines": shaped["lines"]})


def test_a_quantity_of_three_decimals_is_booked_as_one_piece_at_its_amount() -> None:
    (line,) = lines_of(shape_invoice(invoice("F-1", [("Cloth", "0.333", 1001, "25")], 83), COMPANY))
    assert line == ("Cloth (0.333 x 10.01)", "1", 333, "25")


def test_a_quantity_stays_where_the_books_keep_as_many_decimals() -> None:
    shaped = shape_invoice(invoice("F-1", [("Cloth", "0.333", 1001, "25")], 83), replace(COMPANY, quantity_digits=3))
    assert lines_of(shaped) == [("Cloth", "0.333", 1001, "25")]


def test_a_negative_total_becomes_a_credit_note_with_its_signs_turned_and_its_prices_positive() -> None:
    whole = _whole(invoice("F-1", [("Back", "1", -5000, "25"), ("Fee", "1", 1000, "0")], -1250))
    assert whole.head["move_type"] == "out_refund"
    assert [(line[1], line[2]) for line in whole.lines] == [("1", "50.00"), ("-1", "10.00")]
    assert (whole.taxes, whole.untaxed, whole.total) == ({"125": 1250, "100": 0}, 4000, 5250)


def test_the_same_operation_gives_the_same_bytes() -> None:
    made = operation("create", invoice("F-1", [("a", "1", 100, "25")], 25))
    assert render_invoice(made, COMPANY) == render_invoice(made, COMPANY)


def test_the_payment_term_is_left_empty_and_the_number_goes_where_the_settings_say() -> None:
    source = invoice("F-1", [("a", "1", 100, "25")], 25)
    by_name, by_ref = _whole(source).head, _whole(source, replace(COMPANY, number="ref")).head
    assert by_name["invoice_payment_term_id/.id"] == ""
    assert (by_name["name"], by_name["ref"]) == ("F-1", "")
    assert (by_ref["name"], by_ref["ref"], by_ref["payment_reference"]) == ("", "F-1", "F-1")


def test_without_a_due_date_an_invoice_is_due_on_its_own_date() -> None:
    assert _whole(invoice("F-1", [("a", "1", 100, "25")], 25, due_date=None)).head["invoice_date_due"] == "2026-03-01"


def test_a_draft_is_made_but_not_posted() -> None:
    assert not _told(invoice("F-1", [("a", "1", 100, "25")], 25, status="draft")).post
    assert _told(invoice("F-1", [("a", "1", 100, "25")], 25, status="paid")).post


@pytest.mark.parametrize(
    ("code", "other"),
    [
        ("lines_do_not_add_up", {"subtotal": 101}),
        ("tax_does_not_add_up", {"tax": 26, "total": 126}),
        ("tax_does_not_add_up", {"lines": [["a", "1", 100, "0"]]}),
        ("tax_not_found", {"lines": [["a", "1", 100, "17"]], "tax": 17, "total": 117}),
        ("currency_not_held", {"currency": "SEK"}),
        ("no_rate", {"currency": "NOK", "issue_date": "2019-12-31"}),
        ("number_does_not_fit", {"number": " "}),
        ("number_does_not_fit", {"number": "/"}),
        ("number_does_not_fit", {"number": "a\nb"}),
        ("unencodable", {"notes": "a\0b"}),
        ("unencodable", {"lines": [["a\0", "1", 100, "25"]]}),
        ("unencodable", {"lines": [["a\ud800", "1", 100, "25"]]}),
        ("rejected", {"lines": [], "subtotal": 0, "tax": 0, "total": 0}),
        ("rejected", {"issue_date": None}),
    ],
)
def test_what_odoo_would_refuse_or_book_otherwise_is_refused_before(code: str, other: dict[str, Any]) -> None:
    assert _refusal({**invoice("F-1", [("a", "1", 100, "25")], 25), **other})[0] == code


def test_a_number_of_another_year_is_refused_only_where_the_journal_reads_years() -> None:
    source = invoice("2025-0007", [("a", "1", 100, "25")], 25)
    assert _whole(source).head["name"] == "2025-0007"
    code, reason = _refusal(source, replace(COMPANY, journal=Journal(9, "INV", "Sales")))
    assert code == "number_does_not_fit"
    assert '"Sales"' in reason


def test_an_invoice_in_a_closed_period_is_refused_and_a_draft_is_not() -> None:
    closed = replace(COMPANY, locked=Locks(date(2026, 3, 1)))
    assert _refusal(invoice("F-1", [("a", "1", 100, "25")], 25), closed)[0] == "period_locked"
    assert _refusal(invoice("F-1", [("a", "1", 100, "0")], 0), closed)[0] == "period_locked"  # a tax of 0 % is one
    assert not _told(invoice("F-1", [("a", "1", 100, "25")], 25, status="draft"), closed).post


def test_a_missing_tax_is_told_in_the_words_of_the_books() -> None:
    assert "17 %" in _refusal(invoice("F-1", [("a", "1", 100, "17")], 17))[1]


def test_lines_that_miss_the_subtotal_get_a_line_for_the_difference_where_an_account_is_named() -> None:
    company = replace(COMPANY, difference_account=77)
    source = invoice("F-1", [("a", "1", 100, "25")], 25, subtotal=101)
    shaped = shape_invoice(source, company)
    assert shape_invoice(shaped, company) == shaped
    assert _whole(source, company).lines[-1] == [DIFFERENCE, "1", "0.01", "77", ""]
    assert _whole(source, company).taxes == {"125": 25}


@pytest.mark.parametrize(
    "number",
    [
        *("2026-0001", "INV-000123", "10045", "26-0099", "S2026/1", "2500123", "INV-2025", "2025", "A-12-2026-5"),
        *("20250301-7", "R/0", "NODIG", "2603-001", "26/03/1", "1-5", "123-5", "1899-5", "26-3-1", "26.4.1", "A99"),
        *("2026-1-2-3", "25A2026-1", "100-200-300", "25-1a2", "202603-1", "2026/27", "2026-26/1"),
    ],
)
def test_a_number_without_another_year_or_month_in_it_fits(number: str) -> None:
    assert number_fits(number, date(2026, 3, 1))


@pytest.mark.parametrize(
    "number",
    [
        *("24-0099", "S2025/1", "202512-0001", "c50-536365", "2025-26/0001", "F-2025-12-0008", "26/02/1", "12-5"),
        *("2099-5", "2026-2027/5", "25-26/5", "A12B", "X2025X", "2026-13-1", "A10-10-10", "É25-1", "25-a", "25-1-"),
        *("202604-1", "20-25", "2025.0001", "1-2025-1"),
    ],
)
def test_a_number_with_another_year_or_month_in_it_does_not_fit(number: str) -> None:
    assert not number_fits(number, date(2026, 3, 1))


NOTES = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)
LINKS = st.none() | st.sampled_from(("https://ff.example/i/1?a=1&b='2'", "http://x/å", "ftp://x", "javascript:a", ""))


@given(NOTES, LINKS, st.booleans())
@example("see\nhttps://x.example", None, True)
@example("<script>x</script> &amp; \r\n\t b", "https://x.example", True)
def test_notes_and_link_are_read_back_as_they_are_shaped(notes: str, link: str | None, html: bool) -> None:
    shaped = narration.shaped(notes, link)
    assert narration.shaped(*shaped) == shaped
    assert narration.read(narration.written(notes, link, html=html), html=html) == shaped


def test_notes_are_escaped() -> None:
    assert "<b>" not in narration.written("<b>&", None, html=True)


@pytest.mark.parametrize(
    ("html", "notes", "link"),
    [
        (
            '<div>Thanks<br></div><p><a target="_blank" href="#">https://x.example</a></p>',
            "Thanks",
            "https://x.example",
        ),
        ("<span>Thanks</span>", "Thanks", None),
        ("\n <p>Thanks</p>\n<ul>\n<li>a</li><li>b</li></ul>", "Thanks\na\nb", None),
        ("<style>p {}</style><p><br></p>", None, None),
        ("", None, None),
    ],
)
def test_what_a_person_made_of_the_notes_is_read_by_its_meaning(html: str, notes: str | None, link: str | None) -> None:
    assert narration.read(html, html=True) == (notes, link)


JUNK = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
)
MOVE = st.fixed_dictionaries(
    {"id": st.integers(1)},
    optional={
        "name": st.none() | st.just(False) | st.text(max_size=5),
        "state": st.sampled_from(("draft", "posted", "cancel", "else")),
        "payment_state": st.sampled_from((False, "not_paid", "paid", "reversed", "in_payment")),
        "move_type": st.sampled_from(("out_invoice", "out_refund")),
        "partner_id": st.just(False) | st.just([7, "P"]) | st.integers(1),
        "currency_id": st.just(False) | st.just([1, "EUR"]) | st.just([99, "XXX"]),
        "amount_total": st.floats(-1e9, 1e9) | st.just(False),
        "amount_residual": st.floats(-1e9, 1e9) | st.just(False),
        "amount_tax": st.floats(-1e9, 1e9),
        "narration": JUNK,
        "invoice_date": st.just(False) | st.just("2026-03-01"),
        "invoice_date_due": st.just(False) | st.just("2026-03-01"),
    },
)
LINE = st.fixed_dictionaries(
    {},
    optional={
        "name": st.just(False) | st.text(max_size=5),
        "quantity": st.floats(-1e6, 1e6),
        "price_unit": st.floats(-1e6, 1e6),
        "discount": st.floats(0, 100),
        "tax_ids": st.lists(st.sampled_from((125, 100, 999)), max_size=3),
    },
)


@given(MOVE, st.lists(LINE, max_size=3), st.none() | st.just("ff-i-1"))
def test_reading_what_a_person_made_never_raises(move: dict[str, Any], lines: list[Any], mark: str | None) -> None:
    remote = move_remote(move, lines, mark, COMPANY)
    assert remote.fields == {**move_fields(move, lines, COMPANY), "pdf": None}
    assert remote.void == is_void(move)
    anything_paid(move)


@pytest.mark.parametrize(
    ("move", "mark", "lost"),
    [
        ({"state": "draft", "posted_before": False}, "ff-i-1", ["status"]),
        ({"state": "draft", "posted_before": True}, "ff-i-1", []),
        ({"state": "draft"}, "ff-i-1", []),
        ({"state": "draft", "posted_before": False}, None, []),
        ({"state": "posted", "posted_before": True}, "ff-i-1", []),
    ],
)
def test_of_what_stands_a_person_may_have_written_all_but_that_it_was_never_posted(
    move: dict[str, Any], mark: str | None, lost: list[str]
) -> None:
    remote = move_remote({"id": 1, **move, "write_uid": [COMPANY.uid, "syncd"]}, [], mark, COMPANY)
    assert (remote.by_hand, sorted(remote.lost)) == (True, lost)


def test_a_reversed_invoice_is_void_and_a_reversed_credit_note_too() -> None:
    reversed_ = {"state": "posted", "move_type": "out_invoice", "payment_state": "reversed"}
    assert is_void({**reversed_, "reversal_move_id": [4]})
    assert not is_void({**reversed_, "reversal_move_id": []}), "set off against a credit note that stands for itself"
    paid = {"state": "posted", "move_type": "out_refund", "payment_state": "paid"}
    assert is_void({**paid, "reversal_move_ids": [4]})
    assert not is_void({**paid, "reversal_move_ids": []})


def test_what_syncd_neither_cancelled_nor_credited_was_taken_out_by_others() -> None:
    cancelled = {"state": "cancel", "posted_before": True, "write_uid": [COMPANY.uid, "syncd"]}
    assert not is_taken_out(cancelled, COMPANY, credited=False)
    assert is_taken_out({**cancelled, "write_uid": [COMPANY.uid + 1, "A person"]}, COMPANY, credited=False)
    never = {**cancelled, "write_uid": [COMPANY.uid + 1, "A person"], "posted_before": False}
    assert not is_taken_out(never, COMPANY, credited=False), "what was never booked is no booking to be kept out"
    reversed_ = {"state": "posted", "move_type": "out_invoice", "payment_state": "reversed", "reversal_move_ids": [4]}
    assert is_taken_out(reversed_, COMPANY, credited=False)
    assert not is_taken_out(reversed_, COMPANY, credited=True)
    assert not is_taken_out({**reversed_, "payment_state": "not_paid"}, COMPANY, credited=False)


def test_the_external_id_tells_the_mark_but_that_of_a_credit_note_or_a_note_does_not() -> None:
    name, other, again = (
        external_id("ff-i-00aa", key, company) for key, company in (("first", 1), ("first", 2), ("second", 1))
    )
    assert len({name, other, again}) == 3
    assert [mark_of("invoice", one) for one in (name, other, again)] == ["ff-i-00aa"] * 3
    assert [mark_of("invoice", text) for text in (f"{name}-r", f"{name}-u", "other.ff-i-00aa", "", None)] == [None] * 5


def test_only_texts_and_the_due_date_change_in_place() -> None:
    before = invoice("F-1", [("a", "1", 100, "25")], 25)
    text = changing(before, {**before, "notes": "n", "lines": [["b", "1", 100, "25"]]}, "3", COMPANY)
    money = changing(
        before, {**before, "lines": [["a", "2", 100, "25"]], "subtotal": 200, "tax": 50, "total": 250}, "3", COMPANY
    )
    told = read_told(entry(1, text).payload)
    assert (told.rewrite, told.texts, told.names) == (False, {"narration": "<p>n</p>"}, {"1": "b"})
    assert read_told(entry(1, money).payload).rewrite


def test_an_invoice_is_never_made_a_credit_note_by_an_update() -> None:
    before = invoice("F-1", [("a", "1", 100, "25")], 25)
    after = {**before, "lines": [["a", "-1", 100, "25"]], "subtotal": -100, "tax": -25, "total": -125}
    assert isinstance(render_invoice(changing(before, after, "3", COMPANY), COMPANY), Rejected)


def test_the_credit_note_for_a_closed_period_is_dated_the_first_open_day() -> None:
    closed = replace(COMPANY, locked=Locks(date(2026, 3, 31)))
    made = operation("void", invoice("F-1", [("a", "1", 100, "25")], 25), closed, external_id="3")
    assert read_told(entry(1, made, closed).payload).credit == {"number": "F-1", "date": "2026-04-01"}


def test_what_is_reversed_to_be_made_anew_keeps_its_day_and_is_refused_where_the_new_name_would_not_fit() -> None:
    content = invoice("F-24", [("a", "1", 100, "25")], 25)
    made = replace(operation("void", content, external_id="3"), changes={"total": (125, 250)})
    told = read_told(entry(1, made).payload)
    assert (told.reverse, dict(told.credit)) == (True, {"number": "F-24", "date": "2026-03-01"})
    assert COMPANY.journal is not None
    bound = replace(COMPANY, journal=replace(COMPANY.journal, free_numbers=False))
    refused = render_invoice(made, bound)
    assert isinstance(refused, Rejected)
    assert refused.code == "number_does_not_fit"
    other = replace(made, changes={"number": ("F-24", "F-25")})
    assert not isinstance(render_invoice(other, bound), Rejected)


@pytest.mark.parametrize(
    ("name", "ref", "origin", "number"),
    [
        ("F-1-2", "F-1", "ff-i-0a", "F-1"),
        ("F-1-12", "F-1", "ff-i-0a", "F-1"),
        ("F-1-2", "F-1", False, "F-1-2"),
        ("F-1-2", False, "ff-i-0a", "F-1-2"),
        ("F-1-b", "F-1", "ff-i-0a", "F-1-b"),
        ("F-1", "F-1", "ff-i-0a", "F-1"),
    ],
)
def test_what_was_made_anew_beside_a_reversed_one_is_read_by_its_number(
    name: str, ref: str | bool, origin: str | bool, number: str
) -> None:
    move = {"id": 1, "name": name, "ref": ref, "invoice_origin": origin, "state": "posted"}
    assert move_fields(move, (), COMPANY)["number"] == number


@pytest.mark.parametrize("setting", ["name", "ref"])
@pytest.mark.parametrize(
    ("name", "ref", "number"),
    [("F-1", False, "F-1"), ("F-1", "PO 7", "F-1"), ("F/1", "F-1", "F-1"), ("F-1-2", "F-1", "F-1")],
)
def test_a_number_is_read_where_it_stands_whatever_the_setting_is_now(
    setting: Literal["name", "ref"], name: str, ref: str | bool, number: str
) -> None:
    written = {"payment_reference": "F-1", "invoice_origin": "ff-i-0a", "state": "posted"}
    move = {"id": 1, "name": name, "ref": ref, **written}
    assert move_fields(move, (), replace(COMPANY, number=setting))["number"] == number


def test_a_number_that_a_person_changed_is_read_as_it_is() -> None:
    written = {"id": 1, "payment_reference": "F-1", "invoice_origin": "ff-i-0a", "state": "posted"}
    by_ref = replace(COMPANY, number="ref")
    assert move_fields({**written, "name": "X-9", "ref": False}, (), COMPANY)["number"] == "X-9"
    assert move_fields({**written, "name": "F/1", "ref": "X-9"}, (), by_ref)["number"] == "X-9"
    assert move_fields({**written, "name": "F/1", "ref": False}, (), by_ref)["number"] != "F-1"


def _standing(total: int, **taxes: int) -> Standing:
    standing = Standing(receivable=[Booked(1, total, total)])
    for number, (tax, cents) in enumerate(taxes.items(), 2):
        standing.taxes[tax[1:]].append(Booked(number, -cents, -cents))
    return standing


def test_only_the_taxes_that_differ_are_set_and_with_the_sign_of_the_ledger() -> None:
    whole = _whole(invoice("F-1", [("a", "1", 3333, "19")] * 3 + [("b", "1", 100, "25")], 1899 + 25))
    assert corrections(_standing(9999 + 1900 + 100 + 25, t119=1900, t125=25), whole) == {2: -1899}
    assert corrections(_standing(9999 + 1899 + 100 + 25, t119=1899, t125=25), whole) == {}


def test_another_subtotal_and_a_tax_without_a_line_cannot_be_set() -> None:
    whole = _whole(invoice("F-1", [("a", "1", 2, "25"), ("b", "1", 3, "25")], 1))
    assert "subtotal" in str(corrections(_standing(7, t125=1), whole))
    assert "no tax line" in str(corrections(_standing(5), whole))


def test_a_receivable_that_misses_the_lines_by_a_cent_is_set_to_the_total_with_the_taxes() -> None:
    whole = _whole(invoice("F-1", [("a", "1", 3333, "19")] * 3 + [("b", "1", 100, "25")], 1899 + 25))
    right, off = (_standing(9999 + 1899 + 100 + 25 + cents, t119=1899, t125=25) for cents in (0, -1))
    other = _standing(9999 + 1900 + 100 + 25 - 1, t119=1900, t125=25)
    for standing in (right, off, other):
        standing.untaxed = 9999 + 100
    assert corrections(right, whole) == {}
    assert corrections(off, whole) == {1: 12023}
    assert corrections(other, whole) == {2: -1899, 1: 12023}
    off.untaxed = 9999
    assert "subtotal" in str(corrections(off, whole))


def test_one_bad_record_stops_no_other_though_every_one_is_blamed() -> None:
    sent: list[list[int]] = []
    refused: dict[int, str] = {}

    def send(some: Any) -> None:
        sent.append(list(some))
        if 13 in some:
            raise LoadRefused("no", [LoadMessage(number, None, f"{one} is bad") for number, one in enumerate(some)])

    def say(item: int, error: OdooAnswer) -> None:
        refused[item] = error.sentence

    halved(range(20), send, say)
    assert refused == {13: "13 is bad"}
    kept = {one for some in sent if 13 not in some for one in some}
    assert kept == set(range(20)) - {13}


@given(st.sets(st.integers(0, 30)))
def test_bad_records_that_are_named_are_left_out_at_once(bad: set[int]) -> None:
    calls: list[int] = []

    def send(some: Any) -> None:
        calls.append(len(some))
        if found := [number for number, one in enumerate(some) if one in bad]:
            raise LoadRefused("no", [LoadMessage(number, None, "bad") for number in found])

    refused: list[int] = []
    assume(len(bad) < 31)
    halved(range(31), send, lambda item, _: refused.append(item))
    assert set(refused) == bad
    assert len(calls) <= 2
