"""Every problem has a sentence and a remedy, and many of one cause are one line."""

from __future__ import annotations

import ast
import string
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Row

from syncd.catalogue import CATALOGUE, Problem
from syncd.problems import ADOPTED, Finding, document, group, remedy, sentence
from syncd.state import problems
from syncd.state.store import Store

ROOT = Path(__file__).parent.parent


def fields(template: str) -> set[str]:
    """Name the parameters of a template."""
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("problem", CATALOGUE.values(), ids=CATALOGUE)
def test_a_text_uses_only_what_it_is_given(problem: Problem) -> None:
    always = {"record", "kind", "id"}
    assert fields(problem.sentence) <= {*problem.parameters, *always}
    assert fields(problem.many) <= {*problem.cause, *problem.parameters, "count", "kind"}
    if problem.severity != "hold":
        assert fields(problem.many) <= {*problem.cause, "count", "kind"}
        assert fields(problem.remedy) <= {*problem.cause, "count", "kind"}
    assert set(problem.cause) <= set(problem.parameters)
    assert set(problem.parameters) - always - {"number"} <= fields(problem.sentence)


def test_a_finding_names_its_record_by_number_name_or_id() -> None:
    told = sentence(Finding("undated_invoice", "invoice", "id-1", {"number": "2026-7"}))
    assert told == "Nothing tells when invoice 2026-7 was issued."
    assert "id-1" in sentence(Finding("undated_invoice", "invoice", "id-1"))
    assert "undated" in remedy(Finding("undated_invoice", "invoice", "id-1"))


def test_a_code_only_a_connector_knows_is_told_with_its_reason() -> None:
    told = sentence(Finding("no_such_account", "invoice", "1", {"reason": "No account 3000."}))
    assert told == "The books will not have 1: No account 3000."


def test_a_known_code_with_nothing_but_a_reason_is_told_by_that_and_keeps_its_remedy() -> None:
    given = {"record": "2026-7", "reason": "it is of 2026-01-05, but Odoo is closed up to 2026-01-31."}
    finding = Finding("period_locked", "payment", "p-1", given)
    assert sentence(finding) == f"The books will not have 2026-7: {given['reason']}"
    assert "?" not in remedy(finding)
    assert "lock_date" in remedy(finding)
    (line,) = group([finding, Finding("period_locked", "payment", "p-2", given)])
    assert line.sentence == f"The books will not have 2 records: {given['reason']}"


def test_text_of_a_record_is_never_taken_for_a_template() -> None:
    told = sentence(Finding("unreadable", "invoice", "1", {"field": "{id}", "found": "{x!r:>9}"}))
    assert "{id}" in told
    assert "{x!r:>9}" in told


def test_many_of_one_cause_are_one_line_with_a_count() -> None:
    unpaid = [Finding("undated_payment", "payment", str(n), {"number": str(n)}) for n in range(412)]
    sek = Finding("currency_not_held", "invoice", "a", {"number": "A", "currency": "SEK"})
    nok = [Finding("currency_not_held", "invoice", n, {"number": n, "currency": "NOK"}) for n in "bc"]
    lines = group([*unpaid, sek, *nok])
    assert [(one.code, one.count) for one in lines] == [
        ("undated_payment", 412), ("currency_not_held", 1), ("currency_not_held", 2),
    ]  # fmt: skip
    assert lines[0].sentence == "412 paid invoices have no paying date."
    assert lines[1].sentence == "Invoice A is in SEK, which the books cannot hold."
    assert lines[2].sentence == "2 invoices are in NOK, which the books cannot hold."


def test_every_code_that_the_program_uses_is_in_the_catalogue() -> None:
    makers = {"Finding", "Rejection", "_problem", "_hold", "NotUnderstood"}
    used = set()
    texts = [path.read_text() for path in (ROOT / "syncd").rglob("*.py")]
    for text in texts:
        ours = "class Finding" not in text
        for node in ast.walk(ast.parse(text)) if ours else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                code = node.args[0]
                if node.func.id in makers and isinstance(code, ast.Constant):
                    used.add(str(code.value))
    assert len(used) > 10
    assert used <= set(CATALOGUE), sorted(used - set(CATALOGUE))


def test_the_document_is_in_step_with_the_catalogue() -> None:
    assert (ROOT / "docs/problems.md").read_text() == document()


def test_a_problem_that_a_stage_finds_again_but_does_not_judge_stands_once(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'state.db'}")
    record = ("invoice", "i1")

    def keep(row: Row[Any]) -> bool:
        return row.code in ADOPTED

    for differences in ("due_date: 2026-01-01 → 2026-01-02", "due_date: 2026-01-01 → 2026-01-03"):
        told = Finding("adopted_differs", *record, {"record": "F-1", "differences": differences})
        with store.write() as connection:
            problems.replace(connection, "books", [record], [told], 1, keep=keep)
    with store.write() as connection:
        problems.replace(connection, "books", [record], [], 1, keep=keep)
        rows = problems.listed(connection, ["books"])
    store.close()
    assert ["2026-01-03" in row.parameters for row in rows] == [True]


def test_who_is_told_of_a_change_is_not_told_to_set_what_may_be_set_already() -> None:
    finding = Finding("changed_after_booking", "invoice", "i1", {"record": "F-1", "differences": "total: 1.00 → 2.00"})
    assert "set `on_change`" not in remedy(finding)
    assert "unpaid and of an open period" in remedy(finding)
