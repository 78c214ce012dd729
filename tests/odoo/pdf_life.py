"""What is to hold of PDFs attached to invoices, whichever Odoo: tests to be taken over by a class with an office."""

from __future__ import annotations

import base64
from collections import Counter
from typing import Any

import httpx
import pytest

from tests.odoo.office import Json
from tests.odoo.proxy import Proxy
from tests.odoo.stage import Stage

BOOKED = ("sent", "opened", "overdue", "paid")


def hanging(stage: Stage) -> Counter[tuple[str, str]]:
    """Count the files that hang on invoices that stand: the invoice's number and the file's name."""
    names = {one["id"]: one["name"] for one in stage.moves() if one["state"] == "posted"}
    files = stage.books.search_read("ir.attachment", [("res_model", "=", "account.move")], ["res_id", "name"])
    return Counter((names[one["res_id"]], one["name"]) for one in files if one["res_id"] in names)


def booked(stage: Stage, *but: Json) -> Counter[tuple[str, str]]:
    """Say what is to hang, from the source alone: one file on each invoice, named after it."""
    left_out = {one["id"] for one in but}
    issued = [one for one in stage.dump()["invoices"] if one["status"] in BOOKED and one["id"] not in left_out]
    return Counter((one["number"], f"{one['number']}.pdf") for one in issued)


def asked(stage: Stage) -> int:
    """Count the PDFs that FastFaktura was asked for since the count began."""
    counts: dict[str, int] = httpx.get(f"{stage.sandbox.root}/_sandbox/requests").json()["counts"]
    httpx.post(f"{stage.sandbox.root}/_sandbox/requests/reset")
    return counts.get("GET /invoices/{id}/pdf", 0)


def fail(stage: Stage, *invoices: Json, **fault: Any) -> None:
    """Let FastFaktura fail when it is asked for the PDFs of these invoices."""
    faults = [{"path": f"/invoices/{one['id']}/pdf", **fault} for one in invoices]
    httpx.post(f"{stage.sandbox.root}/_sandbox/options", json={"faults": faults}).raise_for_status()


def some_open(stage: Stage) -> Json:
    return stage.invoices("sent", "opened", "overdue")[0]


def take_off(stage: Stage, invoice: Json) -> None:
    """Take an invoice's file off, as a person does."""
    move = stage.move(invoice)["id"]
    files = stage.books.ids("ir.attachment", [("res_model", "=", "account.move"), ("res_id", "in", [move])])
    assert len(files) == 1
    stage.books.call("ir.attachment", "unlink", files)


def codes(run: Json) -> Counter[str]:
    return Counter(one["code"] for one in run["problems"])


class PdfLife:
    """The tests; the class that takes them over gives ``stage``: an office with ``pdf`` on and nothing booked yet."""

    def test_one_run_ends_with_every_pdf_and_the_next_asks_for_none(self, stage: Stage) -> None:
        asked(stage)
        run = stage.run()
        assert {"verb": "attach", "kind": "invoice", "count": booked(stage).total()} in run["planned"]
        assert hanging(stage) == booked(stage)
        assert stage.wrong() == []
        assert asked(stage) == booked(stage).total()
        assert not any(b"%PDF-" in file.read_bytes() for file in stage.folder.glob("state.db*"))
        assert stage.run()["planned"] == []
        assert asked(stage) == 0
        assert stage.command("reconcile").returncode == 0

    def test_what_hangs_there_is_what_fastfaktura_has(self, stage: Stage) -> None:
        stage.run()
        one = some_open(stage)
        domain = [("res_model", "=", "account.move"), ("res_id", "=", stage.move(one)["id"])]
        (found,) = stage.books.search_read("ir.attachment", domain, ["datas", "mimetype"])
        theirs = httpx.get(f"{stage.sandbox.base_url}/invoices/{one['id']}/pdf", headers={"X-Api-Key": "ffk_sandbox"})
        assert base64.b64decode(found["datas"]) == theirs.content
        assert found["mimetype"] == "application/pdf"

    def test_a_new_invoice_gets_its_pdf_and_a_draft_none(self, stage: Stage) -> None:
        stage.configure(pdf=True, drafts=True)
        stage.run()
        assert hanging(stage) == booked(stage)
        draft = stage.invoices("draft")[0]
        stage.change_invoice(draft, _happened="sent")
        stage.run()
        assert hanging(stage) == booked(stage)
        assert hanging(stage)[draft["number"], f"{draft['number']}.pdf"] == 1

    def test_a_lost_state_attaches_none_again(self, stage: Stage) -> None:
        stage.run()
        asked(stage)
        stage.forget()
        assert {one["verb"] for one in stage.run(code=None)["planned"]} == {"adopt"}
        assert hanging(stage) == booked(stage)
        assert asked(stage) == 0
        assert stage.run()["planned"] == []

    def test_switched_on_later_the_invoices_that_stand_get_theirs_and_switched_off_they_keep_them(
        self, stage: Stage
    ) -> None:
        stage.configure()
        stage.run()
        assert hanging(stage) == Counter()
        stage.configure(pdf=True)
        assert {one["verb"] for one in stage.run()["planned"]} == {"attach"}
        assert hanging(stage) == booked(stage)
        stage.configure()
        assert stage.run()["planned"] == []
        stage.configure(pdf=True)
        assert stage.run()["planned"] == []
        assert hanging(stage) == booked(stage)

    @pytest.mark.parametrize("state", ["kept", "deleted"])
    def test_a_lost_answer_is_made_good_and_none_hangs_twice(self, stage: Stage, state: str) -> None:
        stage.configure()
        stage.run()
        with Proxy(stage.place.url) as proxy:
            stage.configure(proxy.url, pdf=True)
            proxy.reset(lose=1)
            stage.run(code=None)
            assert proxy.lost == ["ir.attachment.load"]
            proxy.reset()
            if state == "deleted":
                stage.forget()
            assert stage.until_quiet() == []
        assert hanging(stage) == booked(stage)

    def test_a_pdf_that_a_person_took_off_stays_off_and_is_told_as_a_difference(self, stage: Stage) -> None:
        stage.run()
        one = some_open(stage)
        take_off(stage, one)
        stage.change_invoice(one, notes="Thank you")
        assert [change["verb"] for change in stage.run()["planned"]] == ["update"]
        assert stage.run("--full")["planned"] == []
        assert hanging(stage) == booked(stage, one)
        differs = stage.command("reconcile")
        assert differs.returncode == 1
        assert "pdf" in differs.stdout

    @pytest.mark.parametrize(
        ("fault", "told"),
        [
            ({"kind": "status_5xx", "status": 404}, "404"),
            ({"kind": "status_5xx", "status": 500}, "500"),
            ({"kind": "status_5xx", "status": 200}, "no PDF"),
            ({"kind": "truncated_json"}, "cut off"),
        ],
    )
    def test_a_pdf_that_cannot_be_had_is_a_problem_and_comes_later(self, stage: Stage, fault: Json, told: str) -> None:
        one = some_open(stage)
        fail(stage, one, **fault)
        (problem,) = stage.run(code=1)["problems"]
        assert problem["code"] == "pdf_missing"
        assert one["number"] in problem["sentence"]
        assert told in problem["sentence"]
        assert stage.wrong() == []
        assert hanging(stage) == booked(stage, one)
        fail(stage)
        assert stage.run()["problems"] == []
        assert hanging(stage) == booked(stage)

    def test_a_pdf_that_stays_away_is_asked_for_more_and_more_rarely_and_at_once_on_demand(self, stage: Stage) -> None:
        one = some_open(stage)
        fail(stage, one, kind="status_5xx", status=404)
        stage.run(code=1)
        httpx.post(f"{stage.sandbox.root}/_sandbox/requests/reset")
        for _ in range(3):
            assert stage.command("problems", "retry").returncode == 0
            stage.run(code=1)
        assert asked(stage) == 3
        stage.change_invoice(one, notes="Thank you")  # the update is not kept back by it
        stage.run(code=1)
        assert asked(stage) == 1

    def test_where_fastfaktura_gives_no_pdf_at_all_it_is_soon_left_alone_and_all_else_is_done(
        self, stage: Stage
    ) -> None:
        fail(stage, *stage.dump()["invoices"], kind="status_5xx", status=503)
        run = stage.run(code=1)
        assert codes(run).keys() == {"pdf_missing", "pdf_waits"}
        assert codes(run).total() == booked(stage).total()
        assert codes(run)["pdf_missing"] < 8
        assert stage.wrong() == []
        assert hanging(stage) == Counter()
        fail(stage)
        assert stage.run()["problems"] == []
        assert hanging(stage) == booked(stage)

    def test_an_invoice_that_odoo_will_not_have_is_one_problem_and_not_two(self, stage: Stage) -> None:
        one, other, *_ = stage.invoices("sent", "opened", "overdue")
        stage.change_invoice(other, number=one["number"])
        assert codes(stage.run(code=1)) == Counter(["rejected_by_target"])

    def test_a_cancelled_invoice_without_its_pdf_is_no_problem_any_more(self, stage: Stage) -> None:
        one = some_open(stage)
        fail(stage, one, kind="status_5xx", status=404)
        stage.run(code=1)
        stage.change_invoice(one, _happened="cancelled")
        assert stage.run()["problems"] == []
        assert stage.wrong() == []
