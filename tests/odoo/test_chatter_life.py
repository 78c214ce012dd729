"""What an invoice's chatter tells in a real Odoo: each event once, with its time, and to nobody by mail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from connectors.odoo.chatter import KINDS, note_fields
from connectors.odoo.chatter_io import read_notes
from connectors.odoo.client import Odoo
from connectors.odoo.findings import no_notes
from connectors.odoo.moves import shape_invoice
from connectors.odoo.posting import write_moves
from syncd.connector import Content, Done, Entry, Exists, Rejected
from syncd.errors import Unreachable
from syncd.fields import flatten
from syncd.sandbox.data import made_up
from tests.crash.forks import Forks
from tests.odoo.invoice_desk import Desk, add_journal, counted, open_desk
from tests.odoo.invoices import FIELDS, changing, entry, invoice
from tests.odoo.office import Json, Office
from tests.odoo.place import Place
from tests.odoo.stage import Stage, served

LINE = [("a", "1", 1000, "25")]
SENT = ["e1", "sent", "2026-03-01T10:00:00Z", "{}"]
OPENED = ["e2", "opened", "2026-03-02T23:30:00Z", "{}"]
REMINDER = ["e3", "reminder", "2026-04-10T08:00:00Z", "{}"]
BOOKED = ("sent", "opened", "overdue", "paid")


@pytest.fixture
def office(tmp_path: Path, own_odoo: Place, forks: Forks) -> Iterator[Office]:
    """A company that wants to read in Odoo what became of its invoices, far from Greenwich."""
    account = made_up(11, clients=4, invoices=14, today=date(2026, 6, 1))
    admin = own_odoo.admin()
    admin.call("res.users", "write", admin.ids("res.users", [("login", "=", "sync")]), vals={"tz": "Asia/Tokyo"})
    with served(account) as sandbox:
        yield Stage(tmp_path, sandbox, own_odoo, forks, chatter=True)


@pytest.fixture(scope="module")
def desk(odoo: Place) -> Desk:
    add_journal(odoo, "FF")
    return open_desk(odoo, chatter=True)


def told(office: Office) -> Counter[tuple[str, str, str]]:
    """Read the notes of all invoices: number, what happened, when."""
    names = {one["id"]: one["name"] for one in office.moves()}
    return Counter((names[move], body, at) for move, body, at in messages(office.books))


def messages(books: Odoo) -> list[tuple[int, str, str]]:
    """Read the notes in all chatters: invoice, text, time."""
    domain = [("model", "=", "account.move"), ("body", "like", "<p>FastFaktura: ")]
    rows = books.search_read("mail.message", domain, ["res_id", "body", "date"])
    return [(row["res_id"], str(row["body"]), row["date"]) for row in rows]


def happened(office: Office) -> Counter[tuple[str, str, str]]:
    """Say what the notes are to be, from the source alone."""
    return Counter(
        (
            one["number"],
            f"<p>FastFaktura: {KINDS[event['type']]}</p>",
            event["created_at"].replace("T", " ").rstrip("Z"),
        )
        for one in office.dump()["invoices"]
        for event in one["events"]
        if one["status"] in BOOKED and event["type"] in KINDS
    )


def bystanders(office: Office) -> list[list[int]]:
    """Name what must not come of a note: mails, notifications, followers."""
    return [office.books.ids(model, []) for model in ("mail.mail", "mail.notification", "mail.followers")]


def idle(office: Office) -> None:
    assert office.run()["planned"] == []


def some_open(office: Office) -> Json:
    return office.invoices("sent", "opened", "overdue")[0]


def test_each_event_is_told_once_with_its_time_and_a_reminder_later_adds_one(office: Office) -> None:
    before = bystanders(office)[:2]  # Odoo 14 makes the client a follower of what is posted
    office.run()
    assert told(office) == happened(office)
    assert max(told(office).values()) == 1
    idle(office)
    office.change_invoice(some_open(office), _happened="reminder")
    (change,) = office.run()["planned"]
    assert (change["kind"], change["verb"]) == ("invoice", "update")
    office.change_invoice(some_open(office), _happened="paid")
    office.run()
    assert told(office) == happened(office)
    assert office.wrong() == []
    idle(office)
    assert office.command("reconcile").returncode == 0
    assert bystanders(office)[:2] == before


def test_a_lost_state_doubles_no_note(office: Office) -> None:
    office.run()
    office.forget()
    assert {one["verb"] for one in office.run(code=None)["planned"]} == {"adopt"}
    assert told(office) == happened(office)
    idle(office)


def test_a_note_that_a_person_deleted_stays_away_and_is_told_as_a_difference(office: Office) -> None:
    office.run()
    chosen = some_open(office)
    move = office.move(chosen)["id"]
    (gone,) = office.books.ids("mail.message", [("res_id", "=", move), ("body", "like", "FastFaktura: sent")])
    office.books.call("mail.message", "unlink", [gone])
    office.change_invoice(chosen, _happened="reminder")
    office.run()
    differs = office.command("reconcile")
    assert differs.returncode == 1
    assert ".type" in differs.stdout
    idle(office)
    short = happened(office) - told(office)
    assert [text for _, text, _ in short] == ["<p>FastFaktura: sent</p>"]
    assert told(office) - happened(office) == Counter()


def test_chatter_that_is_switched_on_later_tells_what_was_and_nobody_hears_of_it(office: Office) -> None:
    office.configure()
    office.run()
    assert told(office) == Counter()
    before = bystanders(office)
    office.configure(chatter=True)
    assert {one["verb"] for one in office.run()["planned"]} == {"update"}
    assert told(office) == happened(office)
    assert bystanders(office) == before
    idle(office)


def test_without_chatter_no_message_is_asked_for_or_written(odoo: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    add_journal(odoo, "F2")
    desk = open_desk(odoo, journal="F2")
    calls = counted(desk.odoo, monkeypatch)
    content = invoice("S1", LINE, 250, events=[SENT])
    (made,) = desk.create(content)
    desk.run(desk.change(content, {**content, "notes": "new", "events": [SENT, OPENED]}, made))
    assert desk.remotes(made)
    assert [name for name in calls if name.startswith("mail.")] == []


def notes_of(desk: Desk, content: Content, made: str) -> None:
    """Make sure that the chatter tells what the source says, to the administrator and to syncd."""
    shaped = shape_invoice(content, desk.company)
    found = read_notes(desk.odoo, [int(made)])[int(made)]
    assert note_fields(found) == flatten({"events": shaped["events"]})
    assert len([one for one in messages(desk.admin) if one[0] == int(made)]) == len(shaped["events"])


def update(desk: Desk, before: Content, after: Content, made: str) -> list[Entry]:
    fields = frozenset((*FIELDS, "events"))
    changed = changing(before, after, made, desk.company, partner=desk.partner, fields=fields)
    return [entry(0, changed, desk.company)]


def losing(desk: Desk, monkeypatch: pytest.MonkeyPatch, method: str) -> Callable[[], None]:
    """Lose the answer of a call that Odoo has carried out; what is returned mends it."""
    call = desk.odoo.call

    def lost(model: str, name: str, *arguments: Any, **more: Any) -> Any:
        answer = call(model, name, *arguments, **more)
        if f"{model}.{name}" == method:
            raise Unreachable("the answer is lost")
        return answer

    monkeypatch.setattr(desk.odoo, "call", lost)
    return monkeypatch.undo


@pytest.mark.parametrize("at", ["account.move.load", "mail.message.load", "account.move.action_post"])
def test_an_answer_that_was_lost_doubles_no_note(desk: Desk, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    content = invoice(f"L{at}", LINE, 250, events=[SENT, OPENED])
    entries = [entry(0, desk.operation("create", content), desk.company)]
    mend = losing(desk, monkeypatch, at)
    with pytest.raises(Unreachable):
        list(write_moves(desk.odoo, desk.company, entries))
    mend()
    ((_, outcome),) = write_moves(desk.odoo, desk.company, entries)
    assert isinstance(outcome, Done | Exists)
    notes_of(desk, content, outcome.external_id)
    later = {**content, "events": [SENT, OPENED, REMINDER]}
    changes = update(desk, content, later, outcome.external_id)
    mend = losing(desk, monkeypatch, "mail.message.load")
    with pytest.raises(Unreachable):
        list(write_moves(desk.odoo, desk.company, changes))
    mend()
    for _ in range(2):
        ((_, outcome),) = write_moves(desk.odoo, desk.company, changes)
        assert isinstance(outcome, Done)
    notes_of(desk, later, outcome.external_id)


def test_a_batch_writes_its_notes_in_one_call(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counted(desk.odoo, monkeypatch)
    desk.create(*(invoice(f"B{one}", LINE, 250, events=[SENT, OPENED]) for one in range(30)))
    assert calls["mail.message.load"] == 1


def test_an_event_that_was_changed_changes_its_note(desk: Desk) -> None:
    before = invoice("C1", LINE, 250, events=[SENT, OPENED])
    after = {**before, "events": [[*SENT[:2], "2026-02-28T07:00:00Z", "{}"], OPENED]}
    (made,) = desk.create(before)
    ((_, outcome),) = write_moves(desk.odoo, desk.company, update(desk, before, after, made))
    assert isinstance(outcome, Done)
    notes_of(desk, after, made)


def test_a_change_by_way_of_a_draft_tells_what_happened_too(desk: Desk) -> None:
    before = invoice("D1", LINE, 250, events=[SENT])
    after = {**before, **invoice("D1", [("b", "2", 1000, "25")], 500, events=[SENT, REMINDER])}
    after["invoice_id"] = before["invoice_id"]
    (made,) = desk.create(before)
    ((_, outcome),) = write_moves(desk.odoo, desk.company, update(desk, before, after, made))
    assert isinstance(outcome, Done)
    notes_of(desk, after, made)


def test_an_invoice_made_again_has_notes_of_its_own(desk: Desk) -> None:
    content = invoice("V1", LINE, 250, events=[SENT])
    (first,) = desk.create(content)
    desk.run(desk.void(content, first))
    (outcome,) = desk.run(desk.operation("create", {**content, "number": "V2"}, occasion="1"))
    assert isinstance(outcome, Done)
    assert outcome.external_id != first
    for made in (first, outcome.external_id):
        notes_of(desk, content, made)


def test_what_odoo_refuses_leaves_no_note(desk: Desk) -> None:
    desk.create(invoice("R1", LINE, 250))
    before = len(messages(desk.admin))
    (outcome,) = desk.run(desk.operation("create", invoice("R1", LINE, 250, events=[SENT])))
    assert isinstance(outcome, Rejected)
    assert len(messages(desk.admin)) == before


def test_where_odoo_refuses_notes_the_invoice_stands_and_a_later_note_is_a_problem(own_odoo: Place) -> None:
    add_journal(own_odoo, "FF")
    admin = own_odoo.admin()
    rights = admin.ids("ir.model.access", [("model_id.model", "=", "mail.message"), ("perm_create", "=", True)])
    admin.call("ir.model.access", "write", rights, vals={"perm_create": False})
    desk = open_desk(own_odoo, chatter=True)
    assert no_notes(chatter=True) in desk.company.findings
    assert no_notes(chatter=False) in open_desk(own_odoo).company.findings
    content = invoice("N1", LINE, 250, events=[SENT])
    (made,) = desk.create(content)
    assert messages(desk.admin) == []
    silent = replace(desk.company, chatter=False)
    assert Desk(desk.odoo, silent, desk.partner, desk.admin).differs(content, made) == {}
    later = {**content, "events": [SENT, REMINDER]}
    ((_, outcome),) = write_moves(desk.odoo, desk.company, update(desk, content, later, made))
    assert isinstance(outcome, Rejected)
    assert "mail.message" in outcome.reason or "Message" in outcome.reason
