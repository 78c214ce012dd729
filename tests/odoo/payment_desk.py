"""A desk with Odoo's books on it: invoices to pay, a bookkeeper who pays some, and a wire that breaks."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from connectors.odoo.client import Odoo
from connectors.odoo.company import Company
from connectors.odoo.company_io import read_company
from connectors.odoo.payment_io import find_payments, write_payments
from connectors.odoo.payments import render_payment, text_field
from connectors.odoo.settings import OdooSettings
from syncd.connector import (
    Entry,
    Operation,
    Outcome,
    Remote,
    Verb,
    Wanted,
)
from syncd.errors import Unreachable
from syncd.marks import key, mark
from syncd.secret import Secret
from tests.odoo.place import Place

DAY = "2026-03-20"
count = itertools.count(1)


class Wire(Odoo):
    """A client whose answers can be lost, and in whose calls others can come first."""

    calls = 0
    lose = 0
    before: tuple[str, Callable[[], None]] | None = None
    writes = 0

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, **arguments: Any) -> Any:
        self.calls += 1
        if self.before and self.before[0] == method:
            first, self.before = self.before[1], None
            first()
        answer = super().call(model, method, ids, **arguments)
        if not arguments.get("repeatable"):
            self.writes += 1
            if self.writes == self.lose:
                raise Unreachable("the connection broke off before the answer was complete")
        return answer


@dataclass
class Desk:
    """The books, as syncd (``odoo``) and as a bookkeeper (``person``) work on them."""

    place: Place
    odoo: Odoo
    person: Odoo
    company: Company
    partner: int
    account: int
    numbers: dict[int, str] = field(default_factory=dict)

    def invoice(
        self, cents: int = 12500, currency: str = "EUR", *, post: bool = True, day: str = "2026-03-01", **more: Any
    ) -> int:
        number = f"F-{secrets.token_hex(4)}x"
        line = {"name": "Work", "quantity": 1, "price_unit": abs(cents) / 100, "account_id": self.account}
        vals = {
            "move_type": "out_invoice" if cents > 0 else "out_refund",
            "partner_id": self.partner,
            "journal_id": self.company.journal.id if self.company.journal else 0,
            "currency_id": self.company.currencies[currency],
            "invoice_date": day,
            "invoice_date_due": day,
            "invoice_payment_term_id": False,
            "ref": number,
            "invoice_line_ids": [[0, 0, {**line, "tax_ids": [[6, 0, []]]}]],
            **more,
        }
        (move,) = self.odoo.call("account.move", "create", vals_list=[vals])
        if post:
            self.odoo.call("account.move", "action_post", [move])
        self.numbers[move] = number
        return int(move)

    def entry(self, move: int, cents: int = 12500, currency: str = "EUR", verb: Verb = "settle", **more: Any) -> Entry:
        operation = self.operation(move, cents, currency, verb, **more)
        payload = render_payment(operation, more.get("company", self.company))
        assert isinstance(payload, bytes)
        return Entry(
            next(count), verb, "payment", operation.id, operation.mark, operation.key, payload, operation.external_id
        )

    def operation(
        self,
        move: int,
        cents: int,
        currency: str,
        verb: Verb,
        *,
        day: str = DAY,
        generation: int = 0,
        external_id: str | None = None,
        company: Company | None = None,
    ) -> Operation:
        del company
        content = {"number": self.numbers[move], "amount": cents, "currency": currency, "paid_date": day}
        own = mark("payment", f"{self.place.database}/{move}")
        occasion = f"{generation}{external_id or ''}"
        return Operation(
            *(verb, "payment", str(move), own, key(own, verb, occasion), content),
            refs={"invoice": str(move)},
            external_id=external_id,
        )

    def wanted(self, move: int, cents: int = 12500, *, known: bool = True, external_id: str | None = None) -> Wanted:
        operation = self.operation(move, cents, "EUR", "settle")
        refs = dict(operation.refs) if known else {}
        return Wanted("payment", str(move), operation.mark, operation.content, refs, external_id)

    def write(self, *entries: Entry, odoo: Odoo | None = None, company: Company | None = None) -> list[Outcome]:
        told = dict(write_payments(odoo or self.odoo, company or self.company, entries))
        assert set(told) == {entry.number for entry in entries}
        return [told[entry.number] for entry in entries]

    def find(self, *wanted: Wanted) -> list[list[tuple[str, Remote]]]:
        found = find_payments(self.odoo, self.company, wanted)
        assert [one.id for one in found] == [one.id for one in wanted]
        return [list(one.candidates) for one in found]

    def state(self, move: int) -> tuple[str, float]:
        (row,) = self.odoo.search_read("account.move", [("id", "=", move)], ["payment_state", "amount_residual"])
        return row["payment_state"], row["amount_residual"]

    def payments(self, *moves: int) -> list[dict[str, Any]]:
        """Every payment that names one of these invoices, cancelled ones too."""
        text = text_field(self.company)
        texts = ["|"] * (len(moves) - 1) + [(text, "like", self.numbers[move]) for move in moves]
        return self.odoo.search_read("account.payment", texts, ["state", "amount", "is_reconciled", "name", "date"])

    def pays(self, *moves: int, grouped: bool = False, **vals: Any) -> list[int]:
        """The bookkeeper registers payments with Odoo's own wizard."""
        journal = self.company.payment_journal
        given = {"payment_date": DAY, "journal_id": journal.id if journal else 0, "group_payment": grouped, **vals}
        context = {"active_model": "account.move", "active_ids": list(moves)}
        known = set(self.person.ids("account.payment", []))
        wizard = self.person.call("account.payment.register", "create", vals_list=[given], context=context)
        self.person.call("account.payment.register", "action_create_payments", wizard)
        return sorted(set(self.person.ids("account.payment", [])) - known)

    def enters(self, text: str, euros: float = 125.0, **vals: Any) -> int:
        """The bookkeeper enters a payment and matches it with nothing."""
        journal = self.company.payment_journal
        given = {
            "payment_type": "inbound",
            "partner_type": "customer",
            "partner_id": self.partner,
            "amount": euros,
            "currency_id": self.company.currencies["EUR"],
            "date": DAY,
            "journal_id": journal.id if journal else 0,
            text_field(self.company): text,
            **vals,
        }
        (payment,) = self.person.call("account.payment", "create", vals_list=[given])
        self.person.call("account.payment", "action_post", [payment])
        return int(payment)

    def wire(self, **how: Any) -> Wire:
        odoo = Wire(**self._how())
        odoo.connect()
        odoo.company = 1
        odoo.calls = odoo.writes = 0
        for name, value in how.items():
            setattr(odoo, name, value)
        return odoo

    def _how(self) -> dict[str, Any]:
        from syncd.http import Http  # noqa: PLC0415 -- as the place makes its clients

        key = Secret(self.place.sync_key)
        return {
            "http": Http,
            "name": "target books",
            "url": self.place.url,
            "database": self.place.database,
            "timeout": 120.0,
            "user": "sync",
            "api_key": key,
        }


def seated(odoo: Place) -> Desk:
    """A desk with a client of its own, so that no test sees another's payments."""
    sync, admin = odoo.client(), odoo.admin()
    settings = OdooSettings(
        url=odoo.url, database=odoo.database, api_key=Secret(odoo.sync_key), user="sync", payment_journal="BNK1"
    )
    if odoo.database not in BOOKS:
        BOOKS[odoo.database] = read_company(sync, settings, {}, today=date(2026, 4, 1))
    books = BOOKS[odoo.database]
    sync.company = admin.company = books.id
    (partner,) = sync.call("res.partner", "create", vals_list=[{"name": f"Client {secrets.token_hex(3)}"}])
    assert books.account
    return Desk(odoo, sync, admin, books, partner, books.account)


BOOKS: dict[str, Company] = {}
"""Databases whose books were read."""


def statement(desk: Desk, matched: int) -> None:
    """The bookkeeper matches a line of a bank statement (125.00 on the 22nd) with a receivable or outstanding line."""
    old = desk.place.version < 15
    group = "group_account_user" if old else "group_account_basic"
    _, bookkeeper = desk.person.call("ir.model.data", "check_object_reference", module="account", xml_id=group)
    groups = "groups_id" if old else "group_ids"
    desk.person.call("res.users", "write", [desk.person.uid], vals={groups: [[4, bookkeeper]]})
    journal = desk.company.payment_journal
    bank: dict[str, Any] = {"journal_id": journal.id if journal else 0, "date": "2026-03-22"}
    bank |= {"payment_ref": "x", "amount": 125.0}
    if old:
        march: dict[str, Any] = {"name": "March", "date": "2026-03-31", "journal_id": bank["journal_id"]}
        known = desk.person.ids("account.bank.statement", [])
        march["balance_end_real"] = 125.0 * (len(known) + 1)
        (bank["statement_id"],) = desk.person.call("account.bank.statement", "create", vals_list=[march])
    (line,) = desk.person.call("account.bank.statement.line", "create", vals_list=[bank])
    if old:
        desk.person.call("account.bank.statement", "button_post", [bank["statement_id"]])
        desk.person.call("account.bank.statement.line", "reconcile", [line], lines_vals_list=[{"id": matched}])
        return
    (suspense,) = desk.person.ids("account.move.line", [("statement_line_id", "=", line), ("credit", ">", 0)])
    (there,) = desk.person.search_read("account.move.line", [("id", "=", matched)], ["account_id"])
    counterpart = {"account_id": there["account_id"][0], "partner_id": desk.partner}
    desk.person.call("account.move.line", "write", [suspense], vals=counterpart)
    desk.person.call("account.move.line", "reconcile", [suspense, matched])
