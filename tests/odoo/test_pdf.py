"""PDFs attached to invoices in Odoo, through the command line: in the stand-in, and in the real one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from connectors.odoo.findings import no_attachments
from connectors.odoo.pdf import file_name, is_pdf_of, pdf_id
from syncd.sandbox.data import made_up
from tests.crash.forks import Forks
from tests.odoo.pdf_life import PdfLife, booked, codes, hanging
from tests.odoo.place import Place
from tests.odoo.stage import Stage, served, warm
from tests.odoo.standin.server import Server

MARK = "ff-i-0123456789abcdef0123"


@pytest.mark.parametrize(
    ("number", "name"),
    [
        ("F-0042", "F-0042.pdf"),
        ("2026/7", "2026-7.pdf"),
        ("../../etc/passwd", "etc-passwd.pdf"),
        ('a"b<c>\n\0d', "a-b-c-d.pdf"),
        ("Rechnung Ä 1", "Rechnung-Ä-1.pdf"),
        ("\ud800", "invoice.pdf"),
        ("x" * 300, f"{'x' * 80}.pdf"),
        (None, "invoice.pdf"),
    ],
)
def test_a_file_is_named_after_the_number_in_signs_that_every_system_takes(number: str | None, name: str) -> None:
    assert file_name(number) == name


def test_only_the_attachment_that_syncd_made_for_this_very_invoice_is_its_pdf() -> None:
    assert is_pdf_of(pdf_id(MARK, 7), 7)
    assert not is_pdf_of(pdf_id(MARK, 7), 8)
    assert not is_pdf_of(f"syncd.{MARK}-e0123456789ab-7", 7)
    assert not is_pdf_of(None, 7)


@pytest.fixture(scope="module")
def warm_forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    with Server("latest") as any_one, warm(tmp_path_factory.mktemp("forks"), any_one.place()) as running:
        yield running  # the keys are the same for each


class TestInTheStandIn(PdfLife):
    @pytest.fixture(params=["latest", "14"])
    def standin(self, request: pytest.FixtureRequest) -> Iterator[Server]:
        with Server(request.param) as server:
            yield server
        assert server.unsupported == []

    @pytest.fixture
    def stage(self, tmp_path: Path, standin: Server, warm_forks: Forks) -> Iterator[Stage]:
        account = made_up(14, clients=5, invoices=16, today=date(2026, 6, 1))
        with served(account) as sandbox, closing(standin.place()) as place:
            yield Stage(tmp_path, sandbox, place, warm_forks, pdf=True)


@pytest.mark.timeout(300)
def test_stopped_dead_at_any_point_of_attaching_the_next_run_makes_it_good(tmp_path: Path, warm_forks: Forks) -> None:
    account = made_up(16, clients=2, invoices=4, today=date(2026, 6, 1))
    with served(account) as sandbox, Server("latest") as books, closing(books.place()) as place:
        stage = Stage(tmp_path, sandbox, place, warm_forks)
        stage.run()
        stage.configure(pdf=True)
        before = Moment(stage, books)
        stage.fork("run", count=tmp_path / "points")
        points = chosen((tmp_path / "points").read_text("utf-8").splitlines())
        wrong = []
        for place_in_line, (number, name) in enumerate(points):
            before.again()
            assert stage.fork("run", stop_at=number).code == -9
            if lost := place_in_line % 2 == 0:
                stage.forget()
            problems = stage.until_quiet()
            if problems or hanging(stage) != booked(stage) or stage.wrong():
                wrong.append((name, lost, problems, hanging(stage)))
    assert len(points) >= 10
    assert wrong == []


def chosen(names: list[str]) -> list[tuple[int, str]]:
    """Name the last point of each kind that lies in apply."""
    last = {name: number for number, name in enumerate(names, 1) if name.startswith("apply:")}
    return sorted((number, name) for name, number in last.items())


class Moment:
    """An office and its books as they are now, to come back to."""

    def __init__(self, stage: Stage, books: Server) -> None:
        self.stage, self.tables, self.kept = stage, books.odoo.tables, books.odoo.tables.copy()
        self.files = {file.name: file.read_bytes() for file in stage.folder.glob("state.db*")}

    def again(self) -> None:
        rows, externals = self.kept
        self.tables.externals = dict(externals)
        self.tables.rows = {model: {one: dict(row) for one, row in table.items()} for model, table in rows.items()}
        self.stage.forget()
        for name, body in self.files.items():
            (self.stage.folder / name).write_bytes(body)


class TestInOdoo(PdfLife):
    @pytest.fixture
    def stage(self, tmp_path: Path, own_odoo: Place, forks: Forks) -> Iterator[Stage]:
        account = made_up(14, clients=5, invoices=16, today=date(2026, 6, 1))
        with served(account) as sandbox:
            yield Stage(tmp_path, sandbox, own_odoo, forks, pdf=True)

    def test_no_mail_leaves_and_nothing_else_changes_for_a_pdf(self, stage: Stage) -> None:
        stage.configure()
        stage.run()
        before = (stage.moves(), *(stage.books.ids(model, []) for model in ("mail.mail", "mail.message")))
        stage.configure(pdf=True)
        stage.run()
        after = (stage.moves(), *(stage.books.ids(model, []) for model in ("mail.mail", "mail.message")))
        assert after == before
        shown = stage.books.search_read(
            "account.move", [("journal_id", "=", stage.journal)], ["message_main_attachment_id"]
        )
        assert not any(one["message_main_attachment_id"] for one in shown)

    def test_without_the_right_check_says_so_and_the_invoices_stand(self, stage: Stage) -> None:
        stage.configure()
        stage.run()  # Odoo 14 makes no contact without that right
        stage.configure(pdf=True)
        rights = [("model_id.model", "=", "ir.attachment"), ("perm_create", "=", True)]
        standing = stage.books.ids("ir.model.access", rights)
        stage.books.call("ir.model.access", "write", standing, vals={"perm_create": False})
        assert no_attachments()[:50] in " ".join(stage.command("check").stdout.split())
        run = stage.run(code=1)
        assert codes(run).keys() == {"pdf_missing"}
        assert stage.wrong() == []
        stage.books.call("ir.model.access", "write", standing, vals={"perm_create": True})
        assert stage.run()["problems"] == []
        assert hanging(stage) == booked(stage)
