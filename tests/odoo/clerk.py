"""A clerk who works in Odoo by hand, by its API and as another user, beside syncd."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from connectors.odoo.client import Odoo
from tests.odoo.office import Json
from tests.odoo.stage import Stage

NAMES = ["id", "name", "email", "phone", "street", "zip", "city", "active"]


@dataclass
class Clerk:
    """What a person does to the books of a stage."""

    stage: Stage
    odoo: Odoo = field(init=False)

    def __post_init__(self) -> None:
        self.odoo = self.stage.books

    # -- the small company: its clients and invoices by their place, as tests/crash/scenario.py lists them -------------

    def invoice(self, place: int) -> Json:
        """Give an invoice of the source, as it is now."""
        number = list(self.stage.sandbox.account.invoices)[place]
        found: Json = next(one for one in self.stage.dump()["invoices"] if one["id"] == number)
        return found

    def client(self, place: int) -> Json:
        """Give a client of the source, as it is now."""
        number = list(self.stage.sandbox.account.clients)[place]
        found: Json = next(one for one in self.stage.dump()["clients"] if one["id"] == number)
        return found

    # -- what stands ---------------------------------------------------------------------------------------------------

    def move(self, invoice: Json) -> Json:
        """Give the one record of an invoice, cancelled or not."""
        (found,) = [one for one in self.stage.moves() if invoice["number"] in (one["name"], one["ref"])]
        return found

    def partner(self, invoice: Json) -> Json:
        """Give the partner that an invoice was booked on."""
        return self.read("res.partner", self.move(invoice)["partner_id"][0], *NAMES)

    def read(self, model: str, number: int, *fields: str) -> Json:
        """Read a record."""
        rows = self.odoo.call(model, "read", [number], fields=list(fields), context={"active_test": False})
        found: Json = rows[0]
        return found

    def lines(self, invoice: Json) -> list[Json]:
        """Read an invoice's lines as they are shown."""
        ids = self.read("account.move", self.move(invoice)["id"], "invoice_line_ids")["invoice_line_ids"]
        wanted = ["name", "quantity", "price_unit"]
        return self.odoo.search_read("account.move.line", [("id", "in", ids)], wanted, order="sequence, id")

    def differences(self, kind: str) -> dict[str, tuple[str, str]]:
        """Give what ``reconcile`` finds different in records of a kind: field → (source, target)."""
        told = self.stage.fork("reconcile", "--json")
        assert told.code == 1, f"exit {told.code}\n{told.out[-3000:]}{told.err[-2000:]}"
        (target,) = told.json()["targets"]
        found = [one for one in target["differences"] if one["kind"] == kind]
        return {one["field"] or one["what"]: (one["source"], one["target"]) for one in found}

    def books_of(self, line: Json) -> tuple[int, int]:
        """Read the tax and the account that a line is booked on."""
        found = self.read("account.move.line", line["id"], "tax_ids", "account_id")
        (tax,) = found["tax_ids"]
        return tax, found["account_id"][0]

    def total(self, invoice: Json) -> int:
        """Read what an invoice comes to, in cents."""
        return round(100 * float(self.read("account.move", self.move(invoice)["id"], "amount_total")["amount_total"]))

    # -- what a person does --------------------------------------------------------------------------------------------

    def write(self, model: str, number: int, **vals: Any) -> None:
        """Change fields."""
        self.odoo.call(model, "write", [number], vals=vals)

    def copy(self, model: str, number: int, **other: Any) -> int:
        """Copy a record but for what is named."""
        made = self.odoo.call(model, "copy", [number], default=other)
        return int(made[0] if isinstance(made, list) else made)

    def act(self, invoice: Json, *methods: str) -> int:
        """Press buttons of an invoice, one after the other."""
        number = int(self.move(invoice)["id"])
        for method in methods:
            self.odoo.call("account.move", method, [number])
        return number

    def of_payment(self, payment: int) -> int | None:
        """Give the one invoice that a payment settles."""
        found = self.read("account.payment", payment, "reconciled_invoice_ids")["reconciled_invoice_ids"]
        return found[0] if len(found) == 1 else None

    def pay(self, invoice: Json, day: str, *, also: Json | None = None, **vals: Any) -> int:
        """Register a payment with Odoo's own wizard, of one invoice or of two."""
        (bank,) = self.odoo.ids("account.journal", [("code", "=", "BNK1")])
        known = set(self.odoo.ids("account.payment", []))
        moves = [self.move(one)["id"] for one in (invoice, also) if one]
        context = {"active_model": "account.move", "active_ids": moves}
        vals = {"payment_date": day, "journal_id": bank, **vals}
        wizard = self.odoo.call("account.payment.register", "create", vals_list=[vals], context=context)
        self.odoo.call("account.payment.register", "action_create_payments", wizard)
        (made,) = set(self.odoo.ids("account.payment", [])) - known
        return made

    def set_off(self, *invoices: Json) -> None:
        """Reconcile an invoice with a credit note, without a payment."""
        moves = [self.move(one)["id"] for one in invoices]
        lines = self.odoo.ids("account.move.line", [("move_id", "in", moves), ("amount_residual", "!=", 0)])
        self.odoo.call("account.move.line", "reconcile", lines)

    def edit(self, invoice: Json, **vals: Any) -> None:
        """Change the first line of a draft."""
        changes = [[1, self.lines(invoice)[0]["id"], vals]]
        self.write("account.move", self.move(invoice)["id"], invoice_line_ids=changes)

    def credit(self, invoice: Json) -> int:
        """Take all of an invoice back with Odoo's own wizard; give the credit note."""
        old, move = self.stage.place.version < 17, self.move(invoice)
        context = {"active_model": "account.move", "active_ids": [move["id"]]}
        other = {"refund_method": "cancel"} if old else {"journal_id": self.stage.journal}
        vals = {"date": "2026-05-20", "reason": "Agreed by phone", "move_ids": [[6, 0, [move["id"]]]], **other}
        wizard = self.odoo.call("account.move.reversal", "create", vals_list=[vals], context=context)
        made = self.odoo.call("account.move.reversal", "reverse_moves" if old else "refund_moves", wizard)
        if not old:
            self.odoo.call("account.move", "action_post", [made["res_id"]])
        return int(made["res_id"])

    def alter(self, invoice: Json, **vals: Any) -> None:
        """Reset an invoice to draft, change its first line, and post it again."""
        self.act(invoice, "button_draft")
        self.edit(invoice, **vals)
        self.act(invoice, "action_post")

    def analyse(self, invoice: Json, nth: int, name: str) -> None:
        """Have a posted line analysed under an analytic account of this name."""
        place = self.stage.place
        place.give("analytic.group_analytic_accounting", place.keys["ODOO_LOGIN"])
        wanted = {"name": name}
        if place.version > 15:
            (wanted["plan_id"],) = self.odoo.call("account.analytic.plan", "create", vals_list=[{"name": name}])
        (account,) = self.odoo.call("account.analytic.account", "create", vals_list=[wanted])
        number = self.lines(invoice)[nth]["id"]
        if place.version > 15:
            self.write("account.move.line", number, analytic_distribution={str(account): 100})
        else:
            self.write("account.move.line", number, analytic_account_id=account)

    def analysis(self, move: int) -> dict[str, object]:
        """Read what the lines of a move are analysed under: text → distribution, or account."""
        name = "analytic_distribution" if self.stage.place.version > 15 else "analytic_account_id"
        ids = self.read("account.move", move, "invoice_line_ids")["invoice_line_ids"]
        rows = self.odoo.search_read("account.move.line", [("id", "in", ids)], ["name", name])
        return {row["name"]: row[name] for row in rows}

    def analysed(self, *moves: int) -> list[float]:
        """Read what was booked on analytic accounts because of these moves."""
        link = "move_line_id" if self.stage.place.version > 15 else "move_id"
        found = self.odoo.search_read("account.analytic.line", [(f"{link}.move_id", "in", moves)], ["amount"])
        return [row["amount"] for row in found]

    def close(self, day: str | bool) -> None:
        """Close the books up to a day, or open them."""
        self.write("res.company", 1, fiscalyear_lock_date=day)

    def merge(self, partners: list[int], into: int) -> None:
        """Merge partners with Odoo's wizard."""
        vals = {"partner_ids": [[6, 0, [*partners, into]]], "dst_partner_id": into, "state": "selection"}
        (wizard,) = self.odoo.call("base.partner.merge.automatic.wizard", "create", vals_list=[vals])
        self.odoo.call("base.partner.merge.automatic.wizard", "action_merge", [wizard])

    def everything(self) -> list[Json]:
        """Read what must not move: invoices, payments and who last wrote them when."""
        fields = ["write_date", "write_uid", "state", "name"]
        records = [self.odoo.search_read(model, [], fields) for model in ("account.move", "account.payment")]
        return [one for found in records for one in found]
