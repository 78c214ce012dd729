"""What may happen to a company in any order: at the source, by hands in Odoo, and to syncd; drawn by a seed.

Each thing that may happen says what it did, or ``None`` where there was nothing to do it to.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from random import Random

from syncd.errors import SyncdError
from syncd.sandbox.account import Refused
from syncd.sandbox.change import insert, patch_client, patch_invoice
from syncd.sandbox.companies import company
from tests.odoo.clerk import Clerk
from tests.odoo.office import Json
from tests.odoo.stage import Stage

Happening = Callable[[], str | None]

START = int(datetime(2026, 3, 2, 22, 30, tzinfo=UTC).timestamp())
DAY = 86_400
DUE = date(2026, 6, 1)
OPEN = ("sent", "opened", "overdue")
RATES = (25, 12, 6, 0)
QUANTITIES = (1, 2, 3, 1.5, 0.333, 7)
CURRENCIES = ("EUR", "SEK", "NOK", "USD", "GBP", "DKK")
TAKEN_BACK = ("draft", "cancel", "canceled")
"""States of a payment that does not stand."""
LATEST = 150
"""No run of so small a company passes more points at which it may be stopped."""


class Source:
    """What happens in FastFaktura, as customers or its support bring it about."""

    def __init__(self, stage: Stage, rng: Random) -> None:
        """Begin in the evening of a day, with no invoice yet."""
        self.account, self.rng = stage.sandbox.account, rng
        self._at = START
        self.pass_time()

    def pass_time(self) -> None:
        """Let an hour or some days go by."""
        self._at = now = self._at + self.rng.choice((3600, DAY, 3 * DAY))
        self.account.clock = lambda: float(now)

    @property
    def happenings(self) -> tuple[Happening, ...]:
        """All that may happen; what is listed twice happens twice as often."""
        return (
            *(self.new_invoice, self.new_invoice, self.new_client, self.sent, self.opened, self.paid, self.paid),
            *(self.cancelled, self.back_from_paid, self.back_from_cancelled, self.vanished),
            *(self.due_date, self.notes, self.lines, self.client_changes, self.client_archived),
        )

    def new_invoice(self) -> str:
        """Make an invoice of any status, now and then a credit note."""
        sign = self.rng.choice((1, 1, 1, 1, 1, -1))
        made = insert(
            self.account,
            {
                "client_id": self.rng.choice(list(self.account.clients)),
                "status": self.rng.choice(("draft", "sent", "sent", "sent", "paid", "overdue")),
                "currency": self.rng.choice(CURRENCIES),
                "due_date": datetime.fromtimestamp(self._at + 14 * DAY, UTC).date().isoformat(),
                "lines": self._lines(sign),
            },
        )
        return f"{made.number}, {made.status}, {made.total_cents / 100} {made.currency}"

    def new_client(self) -> str:
        """Make a client."""
        made = company(self.rng, self.account.seed, len(self.account.clients))
        number = self.account.new_id("client")
        self.account.clients[number] = {**made, "id": number}
        self.account.touched()
        return str(made["name"])

    def sent(self) -> str | None:
        """Send a draft."""
        return self._happens("sent", "draft")

    def opened(self) -> str | None:
        """Have a client look at an invoice."""
        return self._happens("opened", "sent")

    def paid(self) -> str | None:
        """Have an invoice paid."""
        return self._happens("paid", *OPEN)

    def cancelled(self) -> str | None:
        """Cancel an open invoice."""
        return self._happens("cancelled", *OPEN)

    def back_from_paid(self) -> str | None:
        """Take back that an invoice was paid."""
        return self._patched({"status": "sent"}, "paid")

    def back_from_cancelled(self) -> str | None:
        """Take back that an invoice was cancelled."""
        return self._patched({"status": self.rng.choice(("sent", "paid"))}, "cancelled")

    def vanished(self) -> str | None:
        """Delete a draft."""
        if (invoice := self._some("draft")) is None:
            return None
        number = self.account.invoices[invoice].number
        self.account.vanish(invoice)
        return number

    def due_date(self) -> str | None:
        """Move a due date."""
        return self._patched({"due_date": (DUE + timedelta(self.rng.randrange(200))).isoformat()})

    def notes(self) -> str | None:
        """Change the notes of an invoice."""
        return self._patched({"notes": f"Note {self.rng.randrange(1000)}"})

    def lines(self) -> str | None:
        """Change the lines of an invoice, booked or not."""
        return self._patched({"lines": self._lines(1)})

    def client_changes(self) -> str:
        """Change one field of a client."""
        number = self.rng.randrange(1000)
        client = self.rng.choice(list(self.account.clients))
        changes = {"phone": f"+47 91000{number:03}", "name": f"Firma {number} AS", "email": f"post{number}@example.com"}
        field = self.rng.choice((*changes, "address"))
        patch_client(self.account, client, {field: changes.get(field, f"Gate {number}, 0150 Oslo")})
        return f"{field} of {client}"

    def client_archived(self) -> str | None:
        """Archive a client."""
        client = self.rng.choice(list(self.account.clients))
        if self.account.clients[client]["archived_at"]:
            return None
        self.account.archive_client(client)
        return client

    def _lines(self, sign: int) -> list[Json]:
        return [
            {
                "description": f"Work {self.rng.randrange(1000)}",
                "quantity": sign * self.rng.choice(QUANTITIES),
                "unit_price_cents": self.rng.randrange(1, 100_000),
                "tax_rate": self.rng.choice(RATES),
            }
            for _ in range(self.rng.choice((1, 1, 2, 3, 5)))
        ]

    def _some(self, *statuses: str) -> str | None:
        found = [one.id for one in self.account.invoices.values() if not statuses or one.status in statuses]
        return self.rng.choice(found) if found else None

    def _happens(self, kind: str, *statuses: str) -> str | None:
        invoice = self._some(*statuses)
        return None if invoice is None else self.account.happen(invoice, kind).number

    def _patched(self, fields: Json, *statuses: str) -> str | None:
        invoice = self._some(*statuses)
        return None if invoice is None else f"{patch_invoice(self.account, invoice, fields).number}: {fields}"


class Hands:
    """What people do in Odoo; ``edits``: the fields that they wrote: (model, id, field) → value."""

    def __init__(self, stage: Stage, rng: Random) -> None:
        """Begin with books that nobody touched."""
        self.stage, self.clerk, self.rng = stage, Clerk(stage), rng
        self.edits: dict[tuple[str, int, str], str] = {}

    @property
    def happenings(self) -> tuple[Happening, ...]:
        """All that may happen."""
        return (
            *(self.due_date, self.partner, self.paid, self.paid_in_part, self.payment_undone, self.payment_cancelled),
            *(self.payment_posted_again, self.made_a_draft, self.posted, self.cancelled, self.posted_again),
            *(self.line_altered, self.partner_archived, self.deleted),
        )

    def due_date(self) -> str | None:
        """Move the due date of an open invoice."""
        if (move := self._open()) is None:
            return None
        day = (DUE + timedelta(self.rng.randrange(200))).isoformat()
        self._edit("account.move", move["id"], "invoice_date_due", day)
        return f"{move['name']}: {day}"

    def partner(self) -> str | None:
        """Write in a field of a partner."""
        if (move := self._some()) is None:
            return None
        field = self.rng.choice(("phone", "name", "email", "street", "city", "ref"))
        self._edit("res.partner", move["partner_id"][0], field, f"hand {self.rng.randrange(10_000)}")
        return f"{field} of {move['partner_id']}"

    def paid(self) -> str | None:
        """Register a payment."""
        return None if (move := self._open()) is None else self._pay(move, move["amount_residual"])

    def paid_in_part(self) -> str | None:
        """Register a payment of a third."""
        return None if (move := self._open()) is None else self._pay(move, round(move["amount_residual"] / 3, 2))

    def payment_undone(self) -> str | None:
        """Take an invoice and what pays it apart again."""
        paid = [one for one in self._moves("posted") if one["payment_state"] != "not_paid"]
        if not paid:
            return None
        move = self.rng.choice(paid)
        pairs = [("move_id", "=", move["id"]), ("account_id.reconcile", "=", True)]
        self._call("account.move.line", "remove_move_reconcile", *self.clerk.odoo.ids("account.move.line", pairs))
        return str(move["name"])

    def payment_cancelled(self) -> str | None:
        """Cancel a payment."""
        standing = self.stage.payments()
        if not standing:
            return None
        payment = self.rng.choice(standing)
        self._press("account.payment", payment["id"], "action_draft", "action_cancel")
        return f"payment {payment['id']}"

    def payment_posted_again(self) -> str | None:
        """Post a payment that was cancelled."""
        found = self.clerk.odoo.search_read("account.payment", [("state", "in", list(TAKEN_BACK))], ["state"])
        if not found:
            return None
        payment = self.rng.choice(found)
        if payment["state"] != "draft":
            self._press("account.payment", payment["id"], "action_draft")
        self._press("account.payment", payment["id"], "action_post")
        return f"payment {payment['id']}"

    def made_a_draft(self) -> str | None:
        """Reset an invoice to draft."""
        return self._pressed("button_draft", on="posted")

    def posted(self) -> str | None:
        """Post a draft."""
        return self._pressed("action_post", on="draft")

    def cancelled(self) -> str | None:
        """Cancel what is posted."""
        return self._pressed("button_draft", "button_cancel", on="posted")

    def posted_again(self) -> str | None:
        """Post what was cancelled."""
        return self._pressed("button_draft", "action_post", on="cancel")

    def line_altered(self) -> str | None:
        """Give a line of an invoice another price."""
        if (move := self._some("posted")) is None:
            return None
        self._press("account.move", move["id"], "button_draft")
        first = self.clerk.read("account.move", move["id"], "invoice_line_ids")["invoice_line_ids"][0]
        change = [1, first, {"name": "By hand", "price_unit": 77.0}]
        self.clerk.write("account.move", move["id"], invoice_line_ids=[change])
        self._press("account.move", move["id"], "action_post")
        return str(move["name"])

    def partner_archived(self) -> str | None:
        """Archive a partner."""
        if (move := self._some()) is None:
            return None
        self.clerk.write("res.partner", move["partner_id"][0], active=False)
        return str(move["partner_id"])

    def deleted(self) -> str | None:
        """Delete a draft, or what was cancelled."""
        if (move := self._some("draft", "cancel")) is None:
            return None
        if move["state"] == "cancel":
            self._press("account.move", move["id"], "button_draft")
        self.clerk.odoo.call("account.move", "unlink", [move["id"]], context={"force_delete": True})
        return str(move["name"])

    def lost_edits(self) -> list[str]:
        """Say which edits do not stand any more, where the record does."""
        lost = []
        for (model, number, field), value in self.edits.items():
            rows = self.clerk.odoo.search_read(model, [("id", "=", number)], [field], context={"active_test": False})
            lost += [f"{model} {number} {field} is {one[field]}, not {value}" for one in rows if one[field] != value]
        return lost

    def _edit(self, model: str, number: int, field: str, value: str) -> None:
        self.clerk.write(model, number, **{field: value})
        self.edits[model, number, field] = value

    def _moves(self, *states: str) -> list[Json]:
        return [one for one in self.stage.moves() if not states or one["state"] in states]

    def _some(self, *states: str) -> Json | None:
        found = self._moves(*states)
        return self.rng.choice(found) if found else None

    def _open(self) -> Json | None:
        found = [one for one in self._moves("posted") if one["payment_state"] == "not_paid"]
        found = [one for one in found if one["amount_residual"] >= 1]
        return self.rng.choice(found) if found else None

    def _pay(self, move: Json, amount: float) -> str:
        (bank,) = self.clerk.odoo.ids("account.journal", [("code", "=", "BNK1")])
        context = {"active_model": "account.move", "active_ids": [move["id"]]}
        vals = {"payment_date": "2026-05-11", "journal_id": bank, "amount": amount}
        wizard = self.clerk.odoo.call("account.payment.register", "create", vals_list=[vals], context=context)
        self.clerk.odoo.call("account.payment.register", "action_create_payments", wizard)
        return f"{move['name']}: {amount}"

    def _pressed(self, *buttons: str, on: str) -> str | None:
        if (move := self._some(on)) is None:
            return None
        self._press("account.move", move["id"], *buttons)
        return str(move["name"])

    def _press(self, model: str, number: int, *buttons: str) -> None:
        for button in buttons:
            self._call(model, button, number)

    def _call(self, model: str, method: str, *numbers: int) -> None:
        self.clerk.odoo.call(model, method, list(numbers))


class Faults:
    """What happens to syncd."""

    def __init__(self, stage: Stage, rng: Random) -> None:
        """Begin with nothing run."""
        self.stage, self.rng = stage, rng

    @property
    def happenings(self) -> tuple[Happening, ...]:
        """All that may happen."""
        return self.stopped_dead, self.state_lost, self.older_state, self.asked_again

    def stopped_dead(self) -> str:
        """Kill a run at some point, if it gets there."""
        return f"exit {self.stage.fork('run', stop_at=self.rng.randrange(1, LATEST)).code}"

    def state_lost(self) -> str:
        """Lose the state."""
        self.stage.forget()
        return "all of it"

    def older_state(self) -> str | None:
        """Put a backup of the state back, or make one where there is none."""
        state, backup = self.stage.folder / "state.db", self.stage.folder / "backup.db"
        if backup.exists():
            self.stage.forget()
            backup.rename(state)
            return "put back"
        if not state.exists() or (self.stage.folder / "state.db-wal").exists():
            return None
        backup.write_bytes(state.read_bytes())
        return "kept"

    def asked_again(self) -> str:
        """Have all problems tried again."""
        return f"exit {self.stage.command('problems', 'retry').returncode}"


class Chance:
    """Draws what happens, and keeps what did."""

    def __init__(self, stage: Stage, seed: int) -> None:
        """Begin with some invoices."""
        self.rng = Random(seed)
        self.source, self.hands = Source(stage, self.rng), Hands(stage, self.rng)
        self.faults = Faults(stage, self.rng)
        self.told = [f"new_invoice: {self.source.new_invoice()}" for _ in range(5)]
        self.touched = False
        """Somebody did something in the books, or to syncd's state."""

    def happen(self) -> None:
        """Let some things happen, more of them at the source than elsewhere."""
        for _ in range(self.rng.choice((1, 2, 3, 5))):
            side = self.rng.choice((self.source, self.source, self.source, self.hands, self.faults))
            self.source.pass_time()
            happening = self.rng.choice(side.happenings)
            try:
                told = happening()
            except (SyncdError, Refused) as error:
                told = f"refused: {error}"
            if told is None:
                continue
            self.told.append(f"{happening.__name__}: {told}")
            self.touched = self.touched or side is not self.source
