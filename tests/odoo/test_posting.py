"""Invoices in a real Odoo: made, changed, voided, read back and found, by the plain user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from connectors.odoo import posting
from connectors.odoo.move_io import find_moves, has_history
from connectors.odoo.moves import shape_invoice
from syncd.connector import Content, Done, Rejected, Stale, Wanted
from syncd.errors import NotSent, Unreachable
from syncd.marks import mark
from tests.odoo.invoice_desk import Desk, add_journal, broken_at, counted, ids_of, open_desk
from tests.odoo.invoices import THRICE, invoice
from tests.odoo.place import Place


@pytest.fixture(scope="module")
def desk(odoo: Place) -> Desk:
    add_journal(odoo, "FF")
    return open_desk(odoo)


@pytest.fixture
def own_desk(own_odoo: Place) -> Desk:
    add_journal(own_odoo, "FF")
    return open_desk(own_odoo)


def every_kind(number: str) -> list[Content]:
    """Invoices of every kind: mixed rates, currencies, credit notes, a zero total, odd quantities and texts."""
    text = "  a\tb\n<b>&amp; é😀\r\n "
    return [
        invoice(f"{number}1", [("a", "3", 3333, "19")], 1900, notes=text, public_url="https://ff.example/1?a=1&b='2'"),
        invoice(f"{number}2", THRICE, 1899),
        invoice(f"{number}3", THRICE, 1900, currency="NOK"),
        invoice(
            f"{number}4",
            [("a", "1", -3333, "19"), ("b", "-2", 1000, "25"), ("c", "1", 500, "0")],
            -1133,
            currency="SEK",
        ),
        invoice(f"{number}5", [("a", "0.333", 1001, "25"), ("b", "0.125", 1001, "6"), ("c", "12.5", 1001, "12")], 1593),
        invoice(f"{number}6", [("a", "1", 1000, "25"), ("b", "-1", 1000, "25")], 0, currency="USD", due_date=None),
        invoice(f"{number}7", [(text, "1", 1000, "20"), ("", "1", 99, "15")], 215, currency="GBP"),
        invoice(f"{number}8", [("a", "1", 1000, "25")], 250, currency="DKK", status="draft"),
    ]


def test_invoices_of_every_kind_stand_as_the_source_has_them_to_the_cent(desk: Desk, number: str) -> None:
    contents = every_kind(number)
    ids = desk.create(*contents)
    assert [desk.differs(one, its) for one, its in zip(contents, ids, strict=True)] == [{}] * len(ids)
    remotes = desk.remotes(*ids)
    assert {one.mark for one in remotes} == {mark("invoice", one["invoice_id"]) for one in contents}
    assert {one.refs["client"] for one in remotes} == {str(desk.partner)}


def test_a_cash_rounding_that_new_invoices_have_by_default_rounds_none_of_syncds(own_desk: Desk) -> None:
    admin = own_desk.admin
    account = own_desk.company.account
    step = {"name": "Whole", "rounding": 1.0, "strategy": "add_invoice_line", "rounding_method": "HALF-UP"}
    accounts = {"profit_account_id": account, "loss_account_id": account}
    (rounding,) = admin.call("account.cash.rounding", "create", vals_list=[{**step, **accounts}])
    (field,) = admin.ids("ir.model.fields", [("model", "=", "account.move"), ("name", "=", "invoice_cash_rounding_id")])
    admin.call("ir.default", "create", vals_list=[{"field_id": field, "json_value": str(rounding)}])
    content = invoice("R-1", [("a", "1", 10_033, "20")], 2007)
    (number,) = own_desk.create(content)
    assert own_desk.differs(content, number) == {}
    (reversed_,) = own_desk.run(own_desk.operation("void", content, external_id=number, changes={"total": (12040, 1)}))
    assert isinstance(reversed_, Done), reversed_


def test_only_odoo_19_is_told_what_lines_come_to(desk: Desk, number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = told_columns(desk, monkeypatch)
    desk.create(*every_kind(number))
    assert told == ({"amount_currency", "balance"} if desk.odoo.version == 19 else set())


def test_lines_told_what_they_come_to_stand_as_lines_that_odoo_computes(
    own_odoo: Place, own_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In both currencies, with taxes, receivables, tags and the accounts that an analytic rule gives them."""
    if own_desk.odoo.version != 19:
        pytest.skip("nothing is told, as the test above sees, so there is nothing to compare")
    for group in ("analytic.group_analytic_accounting", "account.group_account_user"):
        own_odoo.give(group)
    analysed(own_desk)
    tagged(own_desk, "25")
    columns = told_columns(own_desk, monkeypatch)
    told = own_desk.create(*every_kind("T"))
    assert columns == {"amount_currency", "balance", "tax_tag_ids/.id"}
    monkeypatch.setattr(posting, "read_beforehand", lambda *_: None)
    columns.clear()
    computed = own_desk.create(*every_kind("C"))
    assert columns == set()
    assert items(own_desk, told) == items(own_desk, computed)
    assert any(item["tax_tag_ids"] for invoice in items(own_desk, told) for item in invoice)


def told_columns(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Collect what Odoo is told of lines beyond what an invoice says."""
    load, told = desk.odoo.load, set[str]()

    def watched(model: str, fields: Sequence[str], rows: Sequence[Sequence[str]], **more: Any) -> list[int]:
        names = {name.removeprefix("invoice_line_ids/") for name in fields if name.startswith("invoice_line_ids/")}
        told.update(names & {"amount_currency", "balance", "tax_tag_ids/.id"})
        return load(model, fields, rows, **more)

    monkeypatch.setattr(desk.odoo, "load", watched)
    return told


def analysed(desk: Desk) -> None:
    """Have an analytic account by a rule: all that the customer buys is analysed under it."""
    (plan,) = desk.odoo.call("account.analytic.plan", "create", vals_list=[{"name": "Projects"}])
    (account,) = desk.odoo.call("account.analytic.account", "create", vals_list=[{"name": "One", "plan_id": plan}])
    rule = {"partner_id": desk.partner, "analytic_distribution": {str(account): 100}}
    desk.odoo.call("account.analytic.distribution.model", "create", vals_list=[rule])


def tagged(desk: Desk, rate: str) -> None:
    """Have what is taxed at a rate come into the tax return, by other tags on invoices than on credit notes."""
    (tax,) = desk.admin.search_read("account.tax", [("name", "=", f"Sync {rate}%")], ["country_id"])
    base = [("tax_id", "=", tax["id"]), ("repartition_type", "=", "base")]
    for line in desk.admin.search_read("account.tax.repartition.line", base, ["document_type"]):
        names = [f"{line['document_type']} {letter}" for letter in "ab"]
        tags = [{"name": name, "applicability": "taxes", "country_id": tax["country_id"][0]} for name in names]
        made = desk.odoo.call("account.account.tag", "create", vals_list=tags)
        desk.admin.call("account.tax.repartition.line", "write", [line["id"]], vals={"tag_ids": [[6, 0, made]]})


def items(desk: Desk, ids: Sequence[str]) -> list[list[dict[str, Any]]]:
    """Read all that an invoice books, but for what numbers it."""
    fields = ("display_type", "name", "account_id", "amount_currency", "balance", "price_subtotal", "price_total")
    more = ("debit", "credit", "tax_ids", "tax_tag_ids", "tax_base_amount", "analytic_distribution", "date_maturity")
    found = []
    for number in ids:
        domain = [("move_id", "=", int(number))]
        rows = desk.admin.search_read("account.move.line", domain, [*fields, *more], order="sequence, id")
        assert rows
        for row in rows:
            assert row["display_type"] != "product" or row["analytic_distribution"]
            row["name"] = row["name"] if row["display_type"] == "product" else ""
        found.append([{key: value for key, value in row.items() if key != "id"} for row in rows])
    return found


def test_a_batch_sent_again_has_no_second_effect(desk: Desk, number: str) -> None:
    contents = every_kind(number)
    made = [desk.operation("create", one) for one in contents]
    first, second = desk.run(*made), desk.run(*made)
    assert ids_of(first) == ids_of(second)
    assert len(ids_of(first)) == len(contents)
    assert [len(desk.rows(one)) for one in contents] == [1] * len(contents)


def test_many_invoices_take_seven_calls_at_most(desk: Desk, number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counted(desk.odoo, monkeypatch)
    desk.create(*(invoice(f"{number}{one}", THRICE, 1899 + one % 2) for one in range(40)))
    assert calls.total() <= 7, calls


def test_a_number_that_stands_already_is_refused_and_leaves_nothing_and_stops_no_other(desk: Desk, number: str) -> None:
    desk.create(invoice(f"{number}1", THRICE, 1900))
    contents = [invoice(f"{number}{one}", THRICE, 1900) for one in (0, 1, 2)]
    before, double, after = desk.run(*(desk.operation("create", one) for one in contents))
    assert isinstance(before, Done)
    assert isinstance(after, Done)
    assert isinstance(double, Rejected)
    assert "name" in double.reason or "unique" in double.reason
    assert desk.rows(contents[1]) == []


def test_a_tax_that_cannot_be_set_is_refused_and_leaves_nothing(desk: Desk, number: str) -> None:
    content = invoice(f"{number}1", [("a", "1", 1, "25"), ("b", "1", 1, "25")], 1)
    (outcome,) = desk.run(desk.operation("create", content))
    if isinstance(outcome, Rejected):
        assert outcome.code == "totals_differ"
        assert desk.rows(content) == []
    else:
        assert isinstance(outcome, Done)
        assert desk.differs(content, outcome.external_id) == {}


def test_a_record_that_is_gone_is_named_by_odoo_and_stops_no_other(desk: Desk, number: str) -> None:
    contents = [invoice(f"{number}{one}", THRICE, 1900) for one in range(3)]
    made = [desk.operation("create", one) for one in contents]
    made[1] = replace(made[1], refs={"client": "999999"})
    outcomes = desk.run(*made)
    assert [type(one) for one in outcomes] == [Done, Rejected, Done]
    assert "999999" in str(outcomes[1])


@pytest.mark.parametrize(
    "step", ["account.move.line.search_read", "account.move.action_post", "account.move.search_read"]
)
def test_what_a_broken_run_left_behind_is_finished_by_the_same_entry(
    desk: Desk, number: str, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    contents = [invoice(f"{number}{one}", THRICE, 1899 + one) for one in (0, 1)]
    made = [desk.operation("create", one) for one in contents]
    broken_at(desk.odoo, monkeypatch, step)
    with pytest.raises(KeyboardInterrupt):
        desk.run(*made)
    monkeypatch.undo()
    wanted = [Wanted("invoice", one.id, one.mark, one.content) for one in made]
    shown = [candidate for found in find_moves(desk.odoo, desk.company, wanted) for candidate in found.candidates]
    assert all(remote.fields["status"] == "posted" for _, remote in shown), "a draft of ours is not there to be adopted"
    ids = ids_of(desk.run(*made))
    assert [desk.differs(one, its) for one, its in zip(contents, ids, strict=True)] == [{}, {}]
    assert [len(desk.rows(one)) for one in contents] == [1, 1]


def test_a_draft_that_a_person_wrote_in_is_found_though_syncd_wrote_in_it_since(desk: Desk, number: str) -> None:
    before = invoice(f"{number}1", THRICE, 1899, status="draft")
    (its,) = desk.create(before)
    (line, *_) = desk.admin.ids("account.move.line", [("move_id", "=", int(its)), ("name", "=", "a")])
    changed = [[1, line, {"name": "By hand"}]]
    desk.admin.call("account.move", "write", [int(its)], vals={"invoice_line_ids": changed})
    after = {**before, "due_date": "2026-07-01"}
    assert isinstance(desk.run(desk.change(before, after, its))[0], Done)
    sent = desk.operation("create", {**after, "status": "sent"})
    (found,) = find_moves(desk.odoo, desk.company, [Wanted("invoice", sent.id, sent.mark, sent.content)])
    assert [(how, one.external_id, one.by_hand) for how, one in found.candidates] == [("mark", its, True)]


def test_only_what_was_not_carried_out_at_all_is_called_not_sent(
    desk: Desk, number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = desk.operation("create", invoice(f"{number}1", THRICE, 1899))
    for step, error in (("load", NotSent), ("action_post", Unreachable)):
        broken_at(desk.odoo, monkeypatch, f"account.move.{step}", NotSent("it could not be reached"))
        with pytest.raises(Unreachable) as raised:
            desk.run(made)
        assert type(raised.value) is error
        monkeypatch.undo()


def test_texts_and_the_due_date_change_in_place_and_money_through_a_draft(desk: Desk, number: str) -> None:
    before = [invoice(f"{number}{one}", THRICE, 1899, currency="NOK" if one % 2 else "EUR") for one in range(6)]
    ids = desk.create(*before)
    other = {"lines": [["z", "2", 1000, "20"]], "subtotal": 2000, "tax": 400, "total": 2400}
    more = {"lines": [*map(list, THRICE), ["c", "1", 5, "6"]], "subtotal": 10004, "total": 11903}
    after = [
        {**before[0], "notes": "new <i>", "due_date": "2026-07-01", "public_url": "https://ff.example/n"},
        {**before[1], "number": f"{number}new"},
        {**before[2], "lines": [["changed", "1", 3333, "19"], *map(list, THRICE[1:])]},
        {**before[3], **other, "issue_date": "2026-03-05"},
        {**before[4], **more, "notes": "too"},
        {**before[5], "currency": "SEK"},
    ]
    changes = [desk.change(*three) for three in zip(before, after, ids, strict=True)]
    for _ in range(2):
        outcomes = desk.run(*changes)
        assert [type(one) for one in outcomes] == [Done] * 6, outcomes
        assert [desk.differs(one, its) for one, its in zip(after, ids, strict=True)] == [{}] * 6


def test_an_invoice_of_another_day_is_booked_at_the_rate_of_that_day(desk: Desk, number: str) -> None:
    before = invoice(f"{number}1", THRICE, 1899, currency="GBP")
    (its,) = desk.create(before)
    rate = {"currency_id": desk.company.currencies["GBP"], "name": "2026-10-01", "rate": 4.0, "company_id": 1}
    desk.admin.call("res.currency.rate", "create", vals_list=[rate])
    after = {**before, "issue_date": "2026-10-02", "due_date": "2026-11-02"}
    (outcome,) = desk.run(desk.change(before, after, its))
    assert isinstance(outcome, Done), outcome
    assert desk.differs(after, its) == {}
    lines = desk.odoo.search_read("account.move.line", [("move_id", "=", int(its))], ["amount_currency", "balance"])
    assert len(lines) > 3
    for line in lines:
        assert abs(line["balance"] - line["amount_currency"] / 4) < 0.02, line
    assert abs(sum(line["balance"] for line in lines)) < 0.005


def test_a_change_of_what_a_person_has_changed_is_stale(desk: Desk, number: str) -> None:
    before = invoice(f"{number}1", THRICE, 1899, notes="ours")
    (its,) = desk.create(before)
    desk.admin.call("account.move", "write", [int(its)], vals={"narration": "theirs"})
    (outcome,) = desk.run(desk.change(before, {**before, "notes": "newer"}, its))
    assert isinstance(outcome, Stale)
    assert "theirs" in outcome.reason
    assert desk.remotes(its)[0].fields["notes"] == "theirs"


def test_an_invoice_that_a_person_renumbered_changes_and_keeps_that_number(desk: Desk, number: str) -> None:
    before = invoice(f"{number}1", THRICE, 1899)
    (its,) = desk.create(before)
    desk.admin.call("account.move", "write", [int(its)], vals={"name": f"{number}X"})
    after = {**before, "lines": [["z", "3", 1000, "20"]], "subtotal": 3000, "tax": 600, "total": 3600}
    assert isinstance(desk.run(desk.change(before, after, its))[0], Done)
    assert desk.differs(after, its) == {"number": (f"{number}1", f"{number}X")}


def test_a_change_that_broke_off_is_finished_and_a_draft_that_a_person_made_stays_one(
    desk: Desk, number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [invoice(f"{number}{one}", THRICE, 1899) for one in (0, 1)]
    ids = desk.create(*before)
    other = {"lines": [["z", "3", 1000, "20"]], "subtotal": 3000, "tax": 600, "total": 3600}
    after = [{**one, **other} for one in before]
    change = desk.change(before[0], after[0], ids[0])
    broken_at(desk.odoo, monkeypatch, "account.move.write")
    with pytest.raises(KeyboardInterrupt):
        desk.run(change)
    monkeypatch.undo()
    assert desk.remotes(ids[0])[0].fields["status"] == "draft"
    desk.admin.call("account.move", "button_draft", [int(ids[1])])
    outcomes = desk.run(change, desk.change(before[1], after[1], ids[1]))
    assert [type(one) for one in outcomes] == [Done, Done]
    assert desk.differs(after[0], ids[0]) == {}
    assert desk.differs(after[1], ids[1]) == {"status": ("posted", "draft")}


def test_a_paid_invoice_takes_texts_but_neither_money_nor_cancelling(desk: Desk, number: str) -> None:
    before = invoice(f"{number}1", THRICE, 1899)
    (its,) = desk.create(before)
    desk.pay(its)
    after = {**before, "lines": [["z", "3", 1000, "20"]], "subtotal": 3000, "tax": 600, "total": 3600}
    money, void = desk.run(desk.change(before, after, its), desk.void(before, its))
    assert isinstance(money, Rejected)
    assert isinstance(void, Rejected)
    assert void.code == "cancelled_but_settled"
    assert isinstance(desk.run(desk.change(before, {**before, "notes": "paid"}, its))[0], Done)
    assert desk.differs({**before, "notes": "paid"}, its) == {}


def test_a_draft_is_posted_with_what_changed_meanwhile(desk: Desk, number: str) -> None:
    before = [invoice(f"{number}{one}", THRICE, 1899, status="draft") for one in range(2)]
    ids = desk.create(*before)
    more = {"lines": [["a", "1", 3334, "19"]] * 3, "subtotal": 10002, "tax": 1900, "total": 11902}
    after = [{**before[0], "status": "sent", "notes": "now"}, {**before[1], "status": "sent", **more}]
    changes = [desk.change(*three, "post") for three in zip(before, after, ids, strict=True)]
    for _ in range(2):
        assert [type(one) for one in desk.run(*changes)] == [Done, Done]
        assert [desk.differs(one, its) for one, its in zip(after, ids, strict=True)] == [{}, {}]


@pytest.mark.parametrize("changed", ["invoice_date", "currency_id", "name"])
def test_a_draft_that_a_person_dated_or_numbered_otherwise_is_not_posted_and_the_reason_is_told(
    desk: Desk, number: str, changed: str
) -> None:
    before = invoice(f"{number}1", THRICE, 1899, status="draft")
    (its,) = desk.create(before)
    theirs = {"invoice_date": "2026-03-09", "currency_id": desk.company.currencies["NOK"], "name": f"{number}X"}
    desk.admin.call("account.move", "write", [int(its)], vals={changed: theirs[changed]})
    (outcome,) = desk.run(desk.change(before, {**before, "status": "sent"}, its, "post"))
    assert isinstance(outcome, Rejected)
    assert "was changed in Odoo" in outcome.reason
    assert {"2026-03-09", "NOK", f"{number}X"} & set(outcome.reason.replace(",", "").split())
    (row,) = desk.odoo.search_read("account.move", [("id", "=", int(its))], ["state", "posted_before"])
    assert (row["state"], row["posted_before"]) == ("draft", False)


def test_what_is_unpaid_is_cancelled_and_its_number_is_free_for_another(desk: Desk, number: str) -> None:
    contents = [invoice(f"{number}1", THRICE, 1899), invoice(f"{number}2", THRICE, 1899, status="draft")]
    ids = desk.create(*contents)
    voids = [desk.void(one, its) for one, its in zip(contents, ids, strict=True)]
    for _ in range(2):
        assert [type(one) for one in desk.run(*voids)] == [Done, Done]
    assert [one.void for one in desk.remotes(*ids)] == [True, True]
    (again,) = desk.run(desk.operation("create", contents[0], occasion="1"))
    assert isinstance(again, Done)
    assert again.external_id not in ids
    wanted = Wanted("invoice", contents[0]["invoice_id"], mark("invoice", contents[0]["invoice_id"]), contents[0])
    (found,) = find_moves(desk.odoo, desk.company, [wanted])
    assert {(how, one.void) for how, one in found.candidates} == {("mark", True), ("mark", False)}


def test_what_cannot_be_cancelled_is_reversed_once_on_the_first_open_day(own_odoo: Place) -> None:
    hashed = add_journal(own_odoo, "HSH")
    own_odoo.admin().call("account.journal", "write", [hashed], vals={"restrict_mode_hash_table": True})
    add_journal(own_odoo, "FF")
    for desk, day in ((open_desk(own_odoo, "HSH"), "2026-03-01"), (open_desk(own_odoo, "FF"), "2026-04-01")):
        contents = [invoice("V-1", THRICE, 1899, currency="NOK"), invoice("V-2", [("a", "-1", 3333, "19")], -633)]
        ids = desk.create(*contents)
        if day != "2026-03-01":
            desk.admin.call("res.company", "write", [desk.company.id], vals={"fiscalyear_lock_date": "2026-03-31"})
            desk = open_desk(own_odoo, "FF")  # noqa: PLW2901 -- the books are read anew
        voids = [desk.void(one, its) for one, its in zip(contents, ids, strict=True)]
        for _ in range(2):
            assert [type(one) for one in desk.run(*voids)] == [Done, Done]
        assert [one.void for one in desk.remotes(*ids)] == [True, True]
        notes = desk.odoo.search_read(
            "account.move", [("reversed_entry_id", "in", list(map(int, ids)))], ["name", "date", "amount_residual"]
        )
        assert sorted((note["name"], note["date"], note["amount_residual"]) for note in notes) == [
            ("RV-1", day, 0.0),
            ("RV-2", day, 0.0),
        ]


def test_a_period_that_was_closed_meanwhile_books_nothing_elsewhere(own_desk: Desk) -> None:
    content = invoice("L-1", THRICE, 1899, issue_date="2025-01-05")
    made = own_desk.operation("create", content)
    own_desk.admin.call("res.company", "write", [own_desk.company.id], vals={"fiscalyear_lock_date": "2025-12-31"})
    (outcome,) = own_desk.run(made)
    assert isinstance(outcome, Rejected)
    assert [row["state"] for row in own_desk.rows(content)] in ([], ["cancel"])


def test_the_number_may_be_a_reference_and_odoo_counts_by_itself(own_odoo: Place) -> None:
    desk = open_desk(own_odoo, "INV", number="ref")
    content = invoice("2019-7", THRICE, 1899)
    (its,) = desk.create(content)
    assert desk.differs(content, its) == {}
    assert desk.rows(content)[0]["name"].startswith("INV/")


def test_what_a_person_made_is_read_and_found_by_number_and_a_copy_of_ours_is_not_ours(own_desk: Desk) -> None:
    content = invoice("P-1", THRICE, 1899)
    assert not has_history(own_desk.odoo, own_desk.company)
    (its,) = own_desk.create(content)
    copied = own_desk.admin.call("account.move", "copy", [int(its)])
    copy = copied[0] if isinstance(copied, list) else copied
    lines = [[0, 0, {"name": "by hand", "quantity": 1, "price_unit": 10.005, "discount": 10, "tax_ids": [[6, 0, []]]}]]
    values = {"move_type": "out_invoice", "partner_id": own_desk.partner, "ref": "P-2", "invoice_line_ids": lines}
    (hand,) = own_desk.admin.call("account.move", "create", vals_list=[values])
    (other,) = own_desk.admin.call("account.move", "create", vals_list=[{"move_type": "out_refund"}])
    remotes = {one.external_id: one for one in own_desk.remotes(its, str(copy), str(hand), str(other))}
    assert len(remotes) == 4
    assert [remotes[str(one)].mark for one in (copy, hand, other)] == [None] * 3
    wanted = [
        Wanted("invoice", "1", mark("invoice", content["invoice_id"]), content),
        Wanted("invoice", "2", "ff-i-none", {**content, "number": "P-2"}),
        Wanted("invoice", "3", "ff-i-none", {**content, "number": "P-3"}),
        Wanted("invoice", "4", "ff-i-none", {**content, "number": ""}, external_id=its),
    ]
    found = find_moves(own_desk.odoo, own_desk.company, wanted)
    assert [[(how, one.external_id) for how, one in each.candidates] for each in found] == [
        [("mark", its)],
        [("number", str(hand))],
        [],
        [("external_id", its)],
    ]


def test_a_line_for_the_difference_is_booked_on_its_account(own_odoo: Place) -> None:
    add_journal(own_odoo, "FF")
    desk = open_desk(own_odoo)
    company = replace(desk.company, difference_account=desk.company.account)
    desk = replace(desk, company=company)
    content = invoice("D-1", [("a", "1", 3333, "19")], 633, subtotal=3334)
    (its,) = desk.create(content)
    assert desk.differs(content, its) == {}
    assert shape_invoice(content, company)["lines"][-1][2] == 1
