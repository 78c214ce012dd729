"""A surprise stops syncd before it writes, until a person lets it pass or the cause is gone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from syncd.sandbox.account import Account
from syncd.sandbox.change import insert, patch_invoice
from syncd.sandbox.data import made_up
from syncd.sandbox.server import Sandbox
from tests.system.company import csvs, whole, write_rows
from tests.system.conftest import Found
from tests.system.expected import assert_equal


def held(document: dict[str, Any]) -> set[str]:
    return {one["code"] for side in ("sources", "targets") for owner in document[side] for one in owner["held"]}


def change_most(account: Account) -> None:
    """Give most invoices another total, as a mistake at the source would."""
    for one in account.invoices.values():
        if one.status != "draft":
            lines = [{"description": "All anew", "quantity": 1, "unit_price_cents": 12_345, "tax_rate": 25}]
            patch_invoice(account, one.id, {"lines": lines, "_happened": "reminder"})


def take_back_many(account: Account) -> None:
    """Take back the payment of many invoices."""
    for one in [one for one in account.invoices.values() if one.status == "paid"][:15]:
        patch_invoice(account, one.id, {"status": "sent"})


STOPS: dict[str, Callable[[Account], None]] = {"too_many_changes": change_most, "too_many_voids": take_back_many}


@pytest.mark.parametrize("code", STOPS)
@pytest.mark.parametrize("way", ["release", "force"])
def test_a_mass_change_is_held_until_a_person_lets_it_pass(code: str, way: str, found: Found) -> None:
    company = found(made_up(seed=81, clients=8, invoices=60))
    company.run()
    before = csvs(company)
    STOPS[code](company.sandbox.account)
    for _ in range(2):
        document = company.run("--full", code=5)
        assert held(document) == {code}
        assert csvs(company) == before
    status = company.syncd("status", "--json")
    assert status.code == 5
    assert status.document["targets"][0]["holds"][0]["code"] == code
    reconciled = company.syncd("reconcile", "--json")
    assert (reconciled.code, len(reconciled.document["targets"][0]["held"])) == (5, 1), reconciled
    assert "held" in company.syncd("reconcile").out
    checked = company.syncd("check", "--json")
    (told,) = [one for one in checked.document["checks"] if not one["good"]]
    assert (checked.code, told["what"]) == (5, "target ledger")
    assert "`syncd release ledger`" in told["said"]
    said = company.syncd("run")
    assert said.code == 5
    assert "held" in said.err
    assert any(sign.isdigit() for sign in said.err)
    if way == "release":
        assert company.syncd("release", "ledger").code == 0
        assert company.syncd("reconcile", "--json").document["targets"][0]["held"] == []
        assert company.syncd("check").code == 0
        assert company.syncd("plan", "--json").document["targets"][0]["held"] == []
        company.run("--full")
    else:
        company.run("--full", "--force")
    assert_equal(company)
    assert company.syncd("status").code == 0
    assert company.syncd("reconcile").code == 0
    STOPS[code](made_up(seed=81, clients=8, invoices=60))
    company.run()


def test_a_hold_goes_away_with_its_cause(found: Found) -> None:
    company = found(made_up(seed=82, clients=8, invoices=60))
    company.run()
    paid = [one for one in company.sandbox.account.invoices.values() if one.status == "paid"][:15]
    take_back_many(company.sandbox.account)
    assert held(company.run("--full", code=5)) == {"too_many_voids"}
    for one in paid:
        patch_invoice(company.sandbox.account, one.id, {"status": "paid"})
    company.run("--full")
    assert_equal(company)


@pytest.mark.parametrize(("clients", "invoices"), [(8, 60), (15, 15), (3, 6), (1, 1)])
def test_another_account_behind_the_key_is_held(found: Found, clients: int, invoices: int) -> None:
    company = found(made_up(seed=83, clients=clients, invoices=invoices))
    company.run()
    before = csvs(company)
    with Sandbox(account=made_up(seed=84, clients=8, invoices=60)) as other:
        company.base_url = other.base_url
        company.configure()
        document = company.run("--full", code=5)
        assert "account_changed" in held(document)
        assert csvs(company) == before
        assert company.syncd("status").code == 5
        checked = company.syncd("check")
        assert checked.code == 5
        assert "source main: held since" in checked.out
        assert "`syncd release main`" in checked.out
    company.base_url = company.sandbox.base_url
    company.configure()
    insert(company.sandbox.account, {"status": "paid"})
    company.run("--full")
    assert_equal(company)


def test_a_walk_that_shows_suspiciously_few_is_held_and_nothing_is_taken_for_gone(found: Found) -> None:
    company = found(made_up(seed=85, clients=8, invoices=90))
    company.run()
    before = csvs(company)
    account = company.sandbox.account
    hidden = {key: account.invoices[key] for key in list(account.invoices)[:70]}
    kept = dict(account.invoices)
    for key in hidden:
        account.vanish(key)
    company.requests()
    document = company.run("--full", code=5)
    assert held(document) & {"walk_too_short", "account_changed"}, held(document)
    assert sum(company.requests().values()) < 90
    assert csvs(company) == before
    account.invoices.clear()
    account.invoices.update(kept)
    account.touched()
    company.run("--full")
    assert_equal(company)
    assert company.syncd("status").code == 0


def test_books_of_somebody_else_are_held(found: Found) -> None:
    company, other = found(made_up(seed=87, clients=8, invoices=30)), found(made_up(seed=88, clients=8, invoices=30))
    company.run()
    other.run()
    before = csvs(other)
    company.configure(target={"path": str(other.ledger)})
    insert(company.sandbox.account, {"status": "paid"})
    document = company.run(code=5)
    assert held(document) == {"books_changed"}
    (hold,) = document["targets"][0]["held"]
    assert all(str(folder) in hold["sentence"] for folder in (company.ledger, other.ledger))
    assert csvs(other) == before
    company.configure(target={"path": str(company.ledger)})
    company.run()
    assert_equal(company)


def test_an_empty_state_that_meets_the_same_invoices_under_other_ids_writes_nothing_and_says_so(found: Found) -> None:
    company = found(made_up(seed=89, clients=8, invoices=60))
    company.run()
    for path in company.ledger.glob("*.csv"):
        path.write_text(re.sub(r"[0-9a-f]{8}(?=-[0-9a-f]{4}-4)", turned, path.read_text(encoding="utf-8")), newline="")
    (company.ledger / ".syncd.json").unlink()
    company.forget()
    before = csvs(company)
    said = company.syncd("run")
    assert said.code in (1, 5), said
    assert "stand" in said.err
    assert csvs(company) == before


def cut(path: Path, keep: int) -> None:
    """Leave the header and so many rows, as a copy does that ends too soon, at the end of a line."""
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[: 1 + keep]))


@pytest.mark.parametrize(
    ("name", "keep"), [("payments.csv", 0), ("invoices.csv", 30), ("invoice_lines.csv", 40), ("events.csv", 0)]
)
def test_a_file_that_lost_many_rows_at_once_is_held_until_it_is_put_back(name: str, keep: int, found: Found) -> None:
    company = found(made_up(seed=92, clients=8, invoices=60))
    company.run()
    file = company.ledger / name
    good = file.read_bytes()
    cut(file, keep)
    spoilt = csvs(company)
    insert(company.sandbox.account, {"status": "paid"})
    for _ in range(2):
        assert held(company.run(code=5)) == {"too_many_removed"}
        assert csvs(company) == spoilt
    assert "gone" in company.syncd("status").out
    file.write_bytes(good)
    company.run()
    assert_equal(company)


def test_rows_that_were_taken_out_on_purpose_stay_out_once_that_is_let_pass(found: Found) -> None:
    company = found(made_up(seed=93, clients=8, invoices=60))
    company.run()
    cut(company.ledger / "payments.csv", 0)
    assert held(company.run(code=5)) == {"too_many_removed"}
    assert company.syncd("release", "ledger").code == 0
    insert(company.sandbox.account, {"status": "paid"})
    company.run(code=None)
    assert len(company.rows("payments.csv")) == 1
    company.run(code=None)
    assert held(company.run(code=None)) == set()


@pytest.mark.parametrize("table", ["payments", "invoices", "invoice_lines", "events"])
def test_a_spoilt_file_that_is_deleted_is_built_anew(table: str, found: Found) -> None:
    company = found(made_up(seed=94, clients=8, invoices=60))
    company.run()
    cut(company.ledger / f"{table}.csv", 0)
    assert held(company.run(code=5)) == {"too_many_removed"}
    (company.ledger / f"{table}.csv").unlink()
    assert company.run()["targets"][0]["kept_by_hand"] == 0
    assert_equal(company)


def test_what_was_taken_out_before_a_file_was_spoilt_stays_out_when_that_is_built_anew(found: Found) -> None:
    company = found(made_up(seed=97, clients=8, invoices=90), target={"partition": "year"})
    company.run()
    other, most = sorted(company.ledger.glob("payments-*.csv"), key=lambda file: len(whole(file)))[-2:]
    gone, many = whole(other)[1][0], len(whole(most))
    write_rows(other, [row for row in whole(other) if row[0] != gone])
    company.run()
    cut(most, 0)
    assert held(company.run(code=5)) == {"too_many_removed"}
    most.unlink()
    company.run()
    assert len(whole(most)) == many
    assert gone not in [row[0] for row in whole(other)]


def test_a_loss_that_grew_after_it_was_released_is_held_again(found: Found) -> None:
    company = found(made_up(seed=98, clients=8, invoices=90))
    company.run()
    file = company.ledger / "payments.csv"
    cut(file, len(whole(file)) - 1 - 15)
    assert held(company.run(code=5)) == {"too_many_removed"}
    assert company.syncd("release", "ledger").code == 0
    cut(file, 5)
    assert held(company.run(code=5)) == {"too_many_removed"}


def test_lines_that_were_let_go_hold_nothing_once_the_state_is_lost(found: Found) -> None:
    company = found(made_up(seed=99, clients=8, invoices=60))
    company.run()
    cut(company.ledger / "invoice_lines.csv", 40)
    company.run(code=5)
    company.run("--force", code=None)
    company.forget()
    for _ in range(3):
        assert held(company.run(code=None)) == set()


def test_with_the_state_lost_the_ledger_of_another_account_is_held(found: Found) -> None:
    company, other = found(made_up(seed=95, clients=8, invoices=60)), found(made_up(seed=96, clients=8, invoices=60))
    company.run()
    before = csvs(company)
    other.configure(target={"path": str(company.ledger)})
    for _ in range(2):
        assert held(other.run(code=5)) == {"strange_books"}
        assert csvs(company) == before
    other.configure(target={"path": str(other.ledger)})
    other.run(code=None)
    company.forget()
    company.run()
    assert_equal(company)


def turned(found: re.Match[str]) -> str:
    """Make another id of an id."""
    return found[0][::-1]


def test_a_hold_of_one_target_does_not_stop_another(found: Found) -> None:
    company = found(made_up(seed=86, clients=8, invoices=60), target={"max_voids": 0})
    other = company.folder / "other"
    company.settings.write_text(
        company.settings.read_text() + f'\n[target.other]\nconnector = "csv"\npath = "{other}"\nmax_voids = 100\n'
    )
    company.run()
    before = csvs(company)
    take_back_many(company.sandbox.account)
    company.run("--full", code=5)
    assert csvs(company) == before
    assert (other / "payments.csv").read_bytes() != before["payments.csv"]


def test_releasing_what_does_not_exist_or_is_not_held_says_so(found: Found) -> None:
    company = found()
    company.run()
    assert company.syncd("release", "nobody").code == 2
    said = company.syncd("release", "ledger")
    assert said.code == 0
    assert "not held" in said.out
