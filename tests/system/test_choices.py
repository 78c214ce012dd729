"""What the settings and the options of a run choose: dress, parts, drafts, dates, and what is narrowed."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from syncd.sandbox.change import insert, patch_client, patch_invoice
from syncd.sandbox.data import made_up
from syncd.sandbox.life import live
from tests.crash import oracle
from tests.pull.support import between
from tests.system.company import Rows, csvs
from tests.system.conftest import Found
from tests.system.expected import assert_equal, counted, plain_dump

TABLES = ("clients", "invoices", "invoice_lines", "payments", "events")


@pytest.mark.parametrize("partition", ["year", "month"])
def test_a_split_ledger_holds_the_same_rows_each_in_the_part_of_its_invoice(partition: str, found: Found) -> None:
    company = found(made_up(seed=71, clients=6, invoices=40), target={"partition": partition})
    company.run()
    live(company.sandbox.account, seed=1, share=0.3)
    company.run("--full")
    wanted = oracle.tables(plain_dump(company))
    digits = {"year": 4, "month": 7}[partition]
    days = {row[0]: row[9][:digits] for row in wanted["invoices"][1:]}
    assert company.rows("clients.csv") == wanted["clients"][1:]
    for table in TABLES[1:]:
        parts = sorted(company.ledger.glob(f"{table}-*.csv"))
        assert [path.stem.removeprefix(f"{table}-") for path in parts] == sorted(set(days.values()))
        rows = []
        for path in parts:
            own = company.rows(path.name)
            assert {days[row[0]] for row in own} <= {path.stem.removeprefix(f"{table}-")}
            rows += own
        if table != "events":
            assert rows == wanted[table][1:]
        assert len(rows) == len(wanted[table]) - 1
    assert company.reconcile() == []


DRESSES: tuple[dict[str, str], ...] = (
    {"delimiter": ";", "decimal": ",", "date_format": "%d.%m.%Y"},
    {"delimiter": "\t"},
    {"delimiter": ";", "decimal": ",", "encoding": "utf-8-sig"},
    {"delimiter": "|", "date_format": "%m/%d/%Y"},
)


@pytest.mark.parametrize("dress", DRESSES, ids=str)
def test_a_ledger_in_another_dress_says_the_same(dress: dict[str, str], found: Found) -> None:
    company = found(target=dress)
    company.run()
    live(company.sandbox.account, seed=2, share=0.3)
    company.run("--full")
    wanted = oracle.tables(plain_dump(company))
    for table in ("clients", "invoices", "invoice_lines", "payments"):
        rows = company.rows(f"{table}.csv", delimiter=dress["delimiter"], encoding=dress.get("encoding", "utf-8"))
        assert rows == dressed(wanted[table], dress)
    assert company.reconcile() == []


def dressed(table: Rows, dress: dict[str, str]) -> Rows:
    header, *rows = table
    return [[cell(name, text, dress) for name, text in zip(header, row, strict=True)] for row in rows]


def cell(name: str, text: str, dress: dict[str, str]) -> str:
    if name in {"subtotal", "tax", "total", "amount", "unit_price", "quantity", "tax_rate"}:
        return text.replace(".", dress.get("decimal", "."))
    if name in {"issue_date", "due_date", "paid_date"} and text and "date_format" in dress:
        year, month, day = text.split("-")
        return dress["date_format"].replace("%Y", year).replace("%m", month).replace("%d", day)
    return text


@pytest.mark.parametrize("change", [*DRESSES[::2], {"partition": "year"}], ids=str)
def test_another_dress_chosen_later_rewrites_the_ledger_and_back(change: dict[str, str], found: Found) -> None:
    company = found()
    company.run()
    before = csvs(company)
    company.configure(target=change)
    insert(company.sandbox.account, {"status": "paid"})
    company.run()
    assert company.reconcile() == []
    assert csvs(company) != before
    company.target.clear()
    company.configure()
    insert(company.sandbox.account, {"status": "paid"})
    company.run()
    assert company.reconcile() == []
    assert_equal(company)


def test_what_an_encoding_cannot_hold_is_a_problem_and_never_a_question_mark(found: Found) -> None:
    company = found(made_up(seed=75, clients=4, invoices=0), target={"encoding": "cp1252"})
    account = company.sandbox.account
    client = next(iter(account.clients))
    for one in account.clients:
        patch_client(account, one, {"name": f"Ærlig {one[:4]} AS", "address": None})
    company.run()
    before = company.column_as("clients.csv", "name", "cp1252")
    patch_client(account, client, {"name": "日本 AS"})
    assert counted(company.run("--full", code=1)) == {"unencodable": 1}
    assert company.column_as("clients.csv", "name", "cp1252") == before
    patch_client(account, client, {"name": "Ærlig igjen AS"})
    company.run("--full")
    assert "Ærlig igjen AS" in company.column_as("clients.csv", "name", "cp1252")


def test_drafts_are_written_when_wanted_and_say_deleted_when_they_vanish(found: Found) -> None:
    company = found(target={"drafts": True, "undated": "first_seen"})
    draft = insert(company.sandbox.account, {"status": "draft"})
    kept = insert(company.sandbox.account, {"status": "draft"})
    company.run()
    assert {draft.number, kept.number} <= set(company.column("invoices.csv", "number"))
    company.sandbox.account.vanish(draft.id)
    company.run("--full")
    status = dict(zip(company.column("invoices.csv", "number"), company.column("invoices.csv", "status"), strict=True))
    assert (status[draft.number], status[kept.number]) == ("deleted", "draft")
    assert company.reconcile() == []


def test_an_issued_invoice_that_vanished_is_a_problem_and_stays(found: Found) -> None:
    company = found()
    gone = insert(company.sandbox.account, {"status": "sent"})
    company.run()
    company.sandbox.account.vanish(gone.id)
    assert counted(company.run("--full", code=1)) == {"vanished_invoice": 1}
    assert gone.number in company.column("invoices.csv", "number")
    (difference,) = company.reconcile()
    assert [difference[name] for name in ("label", "field", "source", "target")] == [
        gone.number,
        "status",
        "deleted",
        "sent",
    ]


def test_what_was_issued_before_the_start_date_is_not_written(found: Found) -> None:
    account = made_up(seed=72, clients=6, invoices=40)
    company = found(account)
    dates = sorted(row[9] for row in oracle.tables(plain_dump(company))["invoices"][1:])
    start = dates[len(dates) // 2]
    company.settings.write_text(company.settings.read_text() + f"start_date = {start}\n")
    company.run()
    assert company.column("invoices.csv", "issue_date") == [day for day in dates if day >= start]
    assert company.reconcile() == []
    old = next(one for one in account.invoices.values() if one.status in ("sent", "overdue", "opened"))
    patch_invoice(account, old.id, {"_happened": "paid"})
    company.run()
    assert company.column("invoices.csv", "issue_date") == [day for day in dates if day >= start]
    company.configure()
    company.run()
    assert_equal(company)


@pytest.mark.parametrize(
    ("options", "keeps"),
    [
        (["--since", "{middle}"], lambda row, middle: row[9] >= middle),
        (["--until", "{middle}"], lambda row, middle: row[9] <= middle),
        (["--since", "{middle}", "--until", "{middle}"], lambda row, middle: row[9] == middle),
        (["--status", "paid"], lambda row, _: row[8] == "paid"),
        (["--status", "sent", "--status", "overdue"], lambda row, _: row[8] in ("sent", "overdue")),
    ],
)
def test_a_narrowed_run_writes_only_that_and_the_next_run_the_rest(
    options: list[str], keeps: Any, found: Found
) -> None:
    company = found(made_up(seed=73, clients=6, invoices=40))
    wanted = oracle.tables(plain_dump(company))
    middle = wanted["invoices"][len(wanted["invoices"]) // 2][9]
    company.run(*(one.format(middle=middle) for one in options))
    chosen = [row for row in wanted["invoices"][1:] if keeps(row, middle)]
    assert chosen
    assert company.rows("invoices.csv") == chosen
    ids = {row[0] for row in chosen}
    assert company.rows("payments.csv") == [row for row in wanted["payments"][1:] if row[0] in ids]
    needed = {row[2] for row in chosen}
    assert needed == set(company.column("clients.csv", "client_id"))
    company.run()
    assert_equal(company)


def test_a_plan_says_what_a_run_would_do_and_writes_nothing_to_the_ledger(found: Found) -> None:
    company = found()
    planned = []
    for words in (["plan", "--json"], ["run", "--dry-run", "--json"]):
        document = company.syncd(*words).document
        assert not company.ledger.exists() or csvs(company) == {}
        assert document["dry_run"] is True
        planned.append(planned_of(document))
    done = planned_of(company.run())
    assert planned == [done, done]
    before = company.bytes_of_ledger()
    insert(company.sandbox.account, {"status": "paid"})
    said = company.syncd("plan")
    assert said.code == 0
    assert "create invoice" in said.out
    assert planned_of(company.syncd("plan", "--json").document) == {("create", "invoice"): 1, ("settle", "payment"): 1}
    assert company.bytes_of_ledger() == before
    company.run()
    assert_equal(company)


def planned_of(document: dict[str, Any]) -> Counter[tuple[str, str]]:
    return Counter({(one["verb"], one["kind"]): one["count"] for one in document["targets"][0]["planned"]})


def test_two_targets_of_one_source_are_kept_apart(found: Found) -> None:
    company = found()
    other = company.folder / "other"
    company.settings.write_text(
        company.settings.read_text() + f'\n[target.other]\nconnector = "csv"\npath = "{other}"\n'
    )
    company.run("ledger")
    assert not other.exists()
    said = company.syncd("run")
    assert said.code == 0, said
    assert {path.name: path.read_bytes() for path in other.glob("*.csv")} == csvs(company)
    (company.ledger / "invoices.csv").write_bytes(b"no table\r\n")
    insert(company.sandbox.account, {"status": "paid"})
    assert company.syncd("run").code in (1, 3)
    assert (
        len((other / "invoices.csv").read_bytes().splitlines())
        == len(company.sandbox.account.listed("paid", "oldest"))
        + sum(one.status not in ("paid", "draft") for one in company.sandbox.account.invoices.values())
        + 1
    )


def test_a_payment_that_nothing_dates_is_a_problem_though_the_list_of_a_first_load_lags_behind(found: Found) -> None:
    company = found()
    paid = insert(company.sandbox.account, {"status": "paid", "_paid": None})

    def lagging(path: str, body: bytes) -> bytes:
        return body if paid.id in path else body.replace(b'"paid"', b'"sent"')

    with between(company.sandbox, lagging) as company.base_url:
        company.configure()
        document = company.run(code=1)
    assert [(one["code"], one["id"]) for one in document["problems"]] == [("undated_payment", paid.id)]
    assert paid.id not in company.column("payments.csv", "invoice_id")


def test_a_draft_that_cannot_be_understood_is_a_problem_only_where_drafts_are_written(found: Found) -> None:
    company = found()
    draft = insert(company.sandbox.account, {"status": "draft", "due_date": "31.12.2026"})
    assert company.run()["problems"] == []
    assert company.reconcile() == []
    assert "it is a draft" in company.syncd("explain", draft.id).out
    plain = company.settings.read_text()
    company.settings.write_text(
        f'{plain}\n[target.drafts]\nconnector = "csv"\npath = "{company.folder / "drafts"}"\ndrafts = true\n'
    )
    for names in (("drafts", "ledger"), ("ledger", "drafts")):
        (told,) = company.run(*names, code=1)["problems"]
        assert (told["code"], told["id"]) == ("unreadable", draft.id)
    said = {one["name"]: one["problems"] for one in company.syncd("status", "--json").document["targets"]}
    assert said == {"ledger": 0, "drafts": 1}
    company.settings.write_text(plain)
    company.run()
    patch_invoice(company.sandbox.account, draft.id, {"status": "sent"})
    assert [one["code"] for one in company.run(code=1)["problems"]] == ["unreadable"]


def test_two_targets_on_one_folder_are_refused(found: Found) -> None:
    company = found()
    company.settings.write_text(
        company.settings.read_text() + '\n[target.other]\nconnector = "csv"\npath = "books/../books"\n'
    )
    said = company.syncd("run")
    assert said.code == 2, said
    assert "other" in said.err


def test_totals_of_reconcile_are_the_sources_by_currency_and_month(found: Found) -> None:
    company = found(made_up(seed=74, clients=6, invoices=60))
    company.run()
    sums: Counter[tuple[str, str]] = Counter()
    for row in oracle.tables(plain_dump(company))["invoices"][1:]:
        sums[row[4], row[9][:7]] += int(Decimal(row[7]) * 100)
    totals = company.syncd("reconcile", "--json").document["targets"][0]["totals"]
    for side in ("source", "target"):
        assert {(one["currency"], one["month"]): int(Decimal(one[side]["total"]) * 100) for one in totals} == sums
