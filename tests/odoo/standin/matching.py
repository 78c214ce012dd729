"""Payments, and what is matched with what: posted, matched by lists or in pairs, taken back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.odoo.standin.books import LINE, MOVE, SALES, Books
from tests.odoo.standin.tables import Row
from tests.odoo.standin.wire import Unsupported, user_error

PAYMENT, PARTIAL, FULL = "account.payment", "account.partial.reconcile", "account.full.reconcile"


class Matching:
    """Payments and matches of one company's books."""

    def __init__(self, books: Books) -> None:
        self.books, self.tables = books, books.tables
        self.new = books.tables.recorded.number >= 18

    def make(self, values: Mapping[str, Any], external: str) -> int:
        """Make a draft of a payment; before Odoo 18 it has its entry at once."""
        usual = {"state": "draft", "company_id": self.tables.company, "name": False if self.new else "/"}
        payment = self.tables.add(PAYMENT, {**usual, **values}, external)
        if not self.new:
            self._entry(payment)
        self.refresh(payment)
        return payment

    def post(self, payments: Iterable[int]) -> None:
        for payment in payments:
            row = self.tables.row(PAYMENT, payment)
            if row["state"] != "draft":
                raise user_error("Only draft payments can be posted.")
            if self.new:
                self._entry(payment)
            number = f"PBNK1/{row['date'][:4]}/{payment:05d}"
            self.tables.change(MOVE, row["move_id"], state="posted", posted_before=True, name=number)
            self.books.refresh(row["move_id"])
            self.tables.change(PAYMENT, payment, state="in_process" if self.new else "posted", name=number)
            self.refresh(payment)

    def draft(self, payments: Iterable[int]) -> None:
        if self.new:
            raise Unsupported("account.payment.action_draft, which leaves the invoice paid")
        for payment in payments:
            self._undo(payment, "draft", "draft")

    def cancel(self, payments: Iterable[int]) -> None:
        for payment in payments:
            if self.tables.row(PAYMENT, payment)["state"] == "posted":
                raise Unsupported("a posted payment cancelled before Odoo 18")
            self._undo(payment, "cancel", "canceled" if self.new else "cancel")

    def delete(self, payments: Sequence[int]) -> None:
        for payment in payments:
            row = self.tables.row(PAYMENT, payment)
            if row["state"] != "draft":
                raise user_error("You can't delete a payment that is posted.")
            if row["move_id"]:
                self.books.delete([row["move_id"]])
            self.tables.remove(PAYMENT, [payment])

    def _entry(self, payment: int) -> None:
        row = self.tables.row(PAYMENT, payment)
        cents = -row["amount"] if row["payment_type"] == "inbound" else row["amount"]
        head = {name: row[name] for name in ("partner_id", "currency_id", "journal_id", "date")}
        row["move_id"] = self.books.entry({**head, "name": "/"}, {"payment_id": payment}, cents)

    def _undo(self, payment: int, entry: str, state: str) -> None:
        row = self.tables.row(PAYMENT, payment)
        if row["move_id"]:
            self.unmatch(line["id"] for line in self.books.receivables(row["move_id"]))
            self.tables.change(MOVE, row["move_id"], state=entry)
            self.books.refresh(row["move_id"])
        self.tables.change(PAYMENT, payment, state=state)
        self.refresh(payment)

    def match(self, values: Mapping[str, Any], external: str | None = None) -> int:
        """Make one match."""
        partial = self.tables.add(PARTIAL, values, external)
        self._matched([values["debit_move_id"], values["credit_move_id"]])
        return partial

    def complete(self, partials: Sequence[int], lines: Sequence[int]) -> int:
        """Make a full reconcile of matches."""
        full = self.tables.add(FULL, {})
        for partial in partials:
            self.tables.row(PARTIAL, partial)["full_reconcile_id"] = full
        for line in lines:
            self.tables.row(LINE, line)["full_reconcile_id"] = full
        return full

    def reconcile(self, lines: Sequence[int]) -> tuple[list[int], int]:
        """Match one line with another, or from 19 on many of each client and currency, all with one full reconcile."""
        rows = [self.tables.row(LINE, line) for line in lines]
        if any(row["reconciled"] or row["amount_residual"] != row["balance"] for row in rows):
            raise Unsupported("other than open lines to reconcile")
        if len(rows) != 2 and self.tables.recorded.number < 19:
            raise Unsupported("other than two lines to reconcile before 19")
        partials: list[int] = []
        every = [*lines]
        for debit, credit in self._two_by_two(rows):
            found, more = self._with_difference(debit, credit)
            partials, every = partials + found, every + more
        return partials, self.complete(partials, every)

    def _two_by_two(self, rows: Sequence[Row]) -> list[tuple[Row, Row]]:
        """Match the earliest debit line with the earliest credit line, and so on."""
        kinds: dict[tuple[int, int], list[Row]] = {}
        for row in sorted(rows, key=lambda row: row["date_maturity"] or row["date"]):
            kinds.setdefault((row["partner_id"], row["currency_id"]), []).append(row)
        found: list[tuple[Row, Row]] = []
        for some in kinds.values():
            debits = [row for row in some if row["amount_currency"] > 0]
            credits_ = [row for row in some if row["amount_currency"] < 0]
            if [row["amount_currency"] for row in debits] != [-row["amount_currency"] for row in credits_]:
                raise Unsupported("lines to reconcile that differ in more than the rate")
            found += zip(debits, credits_, strict=True)
        return found

    def _with_difference(self, one: Row, other: Row) -> tuple[list[int], list[int]]:
        """Match two lines; a difference in the company's currency is booked as one of exchange."""
        partials = [self._pair(one, other, min(one["balance"], -other["balance"]), one["amount_currency"])]
        extra = one["balance"] + other["balance"]
        if not extra:
            return partials, []
        longer = one if extra > 0 else other
        journal = next(row["id"] for row in self.tables.rows["account.journal"].values() if row["code"] == "EXCH")
        head = {name: longer[name] for name in ("currency_id", "date", "partner_id")}
        head |= {"journal_id": journal, "name": "EXCH", "state": "posted", "posted_before": True}
        entry = self.books.entry(head, {}, 0)
        (line,) = self.books.receivables(entry)
        line["balance"] = -extra
        pair = (longer, line) if extra > 0 else (line, longer)
        return [*partials, self._pair(*pair, abs(extra), 0)], [line["id"]]

    def uncomplete(self, fulls: Iterable[int]) -> None:
        """Delete full reconciles in which no line is left."""
        gone = set(fulls)
        if any(
            row["full_reconcile_id"] in gone for model in (LINE, PARTIAL) for row in self.tables.rows[model].values()
        ):
            raise Unsupported("a full reconcile that lines are left in, deleted")
        self.tables.remove(FULL, gone)

    def _pair(self, debit: Row, credit: Row, cents: int, in_currency: int) -> int:
        sides = {"debit_move_id": debit["id"], "credit_move_id": credit["id"], "amount": cents}
        return self.match({**sides, "debit_amount_currency": in_currency, "credit_amount_currency": in_currency})

    def unmatch(self, lines: Iterable[int]) -> None:
        """Take off all matches of these lines, and with them those of the exchange differences."""
        wanted = set(lines)
        partials = self.tables.rows.get(PARTIAL, {}).values()
        fulls = {one["full_reconcile_id"] for one in partials if wanted & {one["debit_move_id"], one["credit_move_id"]}}
        own = [
            one
            for one in partials
            if wanted & {one["debit_move_id"], one["credit_move_id"]}
            or (one["full_reconcile_id"] and one["full_reconcile_id"] in fulls)
        ]
        self.tables.remove(PARTIAL, [one["id"] for one in own])
        touched = {one[side] for one in own for side in ("debit_move_id", "credit_move_id")}
        self.tables.remove(FULL, fulls - {False})
        for line in touched:
            self.tables.row(LINE, line)["full_reconcile_id"] = False
        self._matched(sorted(touched))

    def _matched(self, lines: Iterable[int]) -> None:
        """Let invoices and payments tell what is matched now."""
        for line in lines:
            row = self.tables.row(LINE, line)
            self.books.refresh(row["move_id"])
            if row["payment_id"]:
                self.refresh(row["payment_id"])

    def refresh(self, payment: int) -> None:
        """Compute by what a payment is matched."""
        row = self.tables.row(PAYMENT, payment)
        own = {line["id"]: line for line in self.books.receivables(row["move_id"])} if row["move_id"] else {}
        others = [
            self.tables.row(LINE, one[other])["move_id"]
            for one in self.tables.rows.get(PARTIAL, {}).values()
            for side, other in (("debit_move_id", "credit_move_id"), ("credit_move_id", "debit_move_id"))
            if one[side] in own
        ]
        invoices = [move for move in others if self.tables.row(MOVE, move)["move_type"] in SALES]
        row["is_reconciled"] = bool(own) and all(line["reconciled"] for line in own.values())
        row["reconciled_invoice_ids"] = sorted({*row["invoice_ids"], *invoices})
        if row["state"] in ("in_process", "paid"):
            row["state"] = "paid" if row["is_reconciled"] else "in_process"
        self.tables.touch(PAYMENT, payment)
