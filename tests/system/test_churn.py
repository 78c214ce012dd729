"""Life at the source ends in the ledger, in any order of its lists, and no life costs next to nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

import pytest

from syncd.sandbox.account import Account
from syncd.sandbox.change import insert, patch_client, patch_invoice
from syncd.sandbox.data import made_up
from syncd.sandbox.life import live
from tests.system.company import Company
from tests.system.conftest import Found
from tests.system.expected import assert_equal, assert_invoices_equal, assert_soon_equal

ORDERS = ("newest", "oldest", "none")


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_what_happens_at_the_source_ends_in_the_ledger(found: Found, order: str, note: Callable[[str], None]) -> None:
    company = found(made_up(seed=31, clients=9, invoices=45), order=order, page_size=10)
    company.run()
    lived = 0
    for seed in range(5):
        lived += sum(len(ids) for ids in live(company.sandbox.account, seed=seed, share=0.2).values())
        company.run()
        assert_invoices_equal(company)
        company.run("--full")
        assert_equal(company)
    note(f"Churn, lists in the order {order}: {lived} changes in 5 rounds, the ledger equal after each.")


def test_without_any_order_a_whole_round_brings_all_that_happened(found: Found) -> None:
    company = found(made_up(seed=31, clients=9, invoices=45), order="none", page_size=10)
    company.run()
    for seed in range(3):
        live(company.sandbox.account, seed=seed, share=0.2)
        company.run("--full")
        assert_equal(company)


@pytest.mark.parametrize("order", ORDERS)
def test_each_kind_of_change_ends_in_the_ledger(found: Found, order: str) -> None:
    company = found(made_up(seed=32, clients=6, invoices=20), order=order, page_size=6)
    account = company.sandbox.account
    draft = insert(account, {"status": "draft", "events": []})
    edited = insert(account, {"status": "draft"})
    company.run()
    account.vanish(draft.id)
    born_paid = insert(account, {"status": "paid"})
    new = insert(account, {"status": "sent"})
    lines = [{"description": "=1+1", "quantity": 2.5, "unit_price_cents": 333, "tax_rate": 25}]
    patch_invoice(account, edited.id, {"lines": lines, "_happened": "sent"})
    first, second = list(account.clients)[:2]
    patch_client(account, first, {"name": "Zæ ændret ApS", "address": 'Vej 1, "2. th"\n1000 København'})
    account.archive_client(second)
    company.run("--full")
    assert_equal(company)
    assert {new.number, born_paid.number, edited.number} <= set(company.column("invoices.csv", "number"))
    assert draft.number not in company.column("invoices.csv", "number")
    patch_invoice(account, new.id, {"_happened": "paid"})
    patch_invoice(account, edited.id, {"_happened": "cancelled"})
    company.run()
    assert_equal(company)
    patch_invoice(account, born_paid.id, {"status": "sent"})
    company.run("--full")
    assert born_paid.number not in company.column("payments.csv", "number")
    assert_equal(company)


@pytest.mark.parametrize("order", [*ORDERS, "unstable"])
def test_rows_that_shift_while_a_walk_is_running_are_neither_missed_nor_doubled(found: Found, order: str) -> None:
    company = found(made_up(seed=33, clients=7, invoices=40), order=order, page_size=5)
    account = company.sandbox.account
    for place, after in enumerate((2, 4, 7, 11, 16)):
        company.sandbox.after(after, partial(shift, account, place))
    company.run()
    for place, after in enumerate((1, 3, 6)):
        company.sandbox.after(after, partial(shift, account, place + 10))
    company.run()
    numbers = company.column("invoices.csv", "invoice_id")
    assert len(numbers) == len(set(numbers))
    company.run("--full")
    assert_soon_equal(company)


def shift(account: Account, seed: int) -> None:
    """Let rows move to other pages."""
    live(account, seed=seed, share=0.05)
    insert(account, {"status": "paid"})
    draft = next((one.id for one in account.invoices.values() if one.status == "draft"), None)
    if draft:
        account.vanish(draft)


def test_a_run_without_change_asks_little_and_writes_no_byte(found: Found, note: Callable[[str], None]) -> None:
    quiet = {"full_sweep": "24h", "client_sweep": "24h", "detail_sweep": "24h"}
    company = found(made_up(seed=34, clients=9, invoices=400), source=quiet, page_size=20)
    company.run()
    company.run()
    before, stood = company.bytes_of_ledger(), stats(company)
    company.requests()
    company.run()
    asked = company.requests()
    assert company.bytes_of_ledger() == before
    assert stats(company) == stood
    assert sum(asked.values()) < 40, asked
    assert not any("{id}" in route for route in asked), asked
    note(f"Idle run over 400 invoices, 20 a page: {sum(asked.values())} requests, no byte written.")


def stats(company: Company) -> dict[str, tuple[int, int]]:
    """When each file of the ledger was last written, and whether it is another one."""
    return {one.name: (one.stat().st_mtime_ns, one.stat().st_ino) for one in os.scandir(company.ledger)}
