"""Nothing is lost and nothing is written twice on the ways that are easy to forget."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta

import pytest

import syncd.sync
from syncd.sandbox.change import insert, patch_invoice
from syncd.sandbox.data import made_up
from syncd.sandbox.life import live
from tests.system.company import Json
from tests.system.conftest import Found
from tests.system.expected import assert_equal

FAR = (datetime.now(UTC).date() + timedelta(days=400)).isoformat()


def written(document: Json) -> int:
    return int(document["targets"][0]["written"])


def test_the_newest_record_is_planned_once_though_it_waited(found: Found) -> None:
    company = found(made_up(seed=11, clients=4, invoices=10))
    company.run()
    client = next(iter(company.sandbox.account.clients))
    line = {"description": "Work", "quantity": 1, "unit_price_cents": 10_000, "tax_rate": 25}
    insert(company.sandbox.account, {"client_id": client, "currency": "EUR", "lines": [line], "_happened": "sent"})
    company.configure({"lock_date": FAR})
    assert [one["code"] for one in company.run(code=1)["problems"]] == ["period_locked"]
    del company.target["lock_date"]
    company.configure()
    assert written(company.run()) == 1
    assert written(company.run()) == 0
    assert_equal(company)


@pytest.mark.parametrize("name", ["payments.csv", "invoice_lines.csv", "clients.csv"])
def test_a_file_taken_away_is_built_anew_though_only_a_plan_saw_it_first(name: str, found: Found) -> None:
    company = found(made_up(seed=12, clients=6, invoices=20))
    company.run()
    (company.ledger / name).unlink()
    assert company.syncd("plan").code == 0
    company.run()
    assert company.reconcile() == []
    assert_equal(company)


def test_an_older_ledger_put_back_is_brought_up_to_date_though_the_run_was_cut(
    found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = found(made_up(seed=13, clients=6, invoices=30))
    company.run()
    shutil.copytree(company.ledger, company.folder / "old")
    live(company.sandbox.account, seed=3, share=0.1)
    company.run()
    shutil.rmtree(company.ledger)
    shutil.copytree(company.folder / "old", company.ledger)
    with monkeypatch.context() as cut:
        cut.setattr(syncd.sync, "_reach", lambda *_: (_ for _ in ()).throw(RuntimeError("cut")))
        assert company.syncd("run").code == 1
    company.run()
    assert company.reconcile() == []
    assert_equal(company)


def test_a_source_under_another_name_is_read_from_its_beginning(found: Found) -> None:
    company = found(made_up(seed=14, clients=4, invoices=12))
    company.run()
    live(company.sandbox.account, seed=5, share=0.2)
    company.settings.write_text(company.settings.read_text().replace("[source.main]", "[source.shop]"))
    assert company.syncd("run").code == 0
    assert_equal(company)


def test_a_dismissed_problem_whose_cause_is_gone_is_written(found: Found) -> None:
    company = found(made_up(seed=15, clients=4, invoices=12))
    company.configure({"lock_date": FAR})
    company.run(code=1)
    ids = [str(one["id"]) for one in company.syncd("problems", "--json").document["problems"]]
    assert company.syncd("problems", "dismiss", *ids).code == 0
    company.run()
    del company.target["lock_date"]
    company.configure()
    company.run()
    assert_equal(company)


def test_a_release_lets_pass_what_was_shown_and_no_more(found: Found) -> None:
    company = found(made_up(seed=16, clients=8, invoices=90))
    company.run()
    paid = [one.id for one in company.sandbox.account.invoices.values() if one.status == "paid"]
    assert len(paid) > 30
    for one in paid[:12]:
        patch_invoice(company.sandbox.account, one, {"status": "sent"})
    company.run("--full", code=5)
    assert company.syncd("release", "ledger").code == 0
    for one in paid[12:30]:
        patch_invoice(company.sandbox.account, one, {"status": "sent"})
    company.run("--full", code=5)
    assert company.syncd("release", "ledger").code == 0
    company.run("--full")
    assert_equal(company)


def test_a_problem_of_the_source_that_is_tried_again_is_open_again(found: Found) -> None:
    company = found(made_up(seed=17, clients=4, invoices=8))
    client = next(iter(company.sandbox.account.clients))
    insert(company.sandbox.account, {"client_id": client, "currency": "XXX", "lines": [], "_happened": "sent"})
    company.run(code=1)
    assert company.syncd("problems", "retry").code == 0
    company.run(code=1)
    (problem,) = company.syncd("problems", "--json").document["problems"]
    assert problem["code"] == "unknown_currency"


def test_a_target_pointed_at_another_account_is_held(found: Found) -> None:
    company, other = found(made_up(seed=18, clients=4, invoices=12)), found(made_up(seed=19, clients=4, invoices=12))
    company.run()
    before = company.bytes_of_ledger()
    text = company.settings.read_text()
    more = f'[source.other]\napi_key = "{other.sandbox.key}"\nbase_url = "{other.sandbox.base_url}"\n'
    company.settings.write_text(text.replace("[target.ledger]", f'{more}\n[target.ledger]\nsource = "other"'))
    assert [one["code"] for one in company.run(code=5)["targets"][0]["held"]] == ["source_changed"]
    assert company.bytes_of_ledger() == before
