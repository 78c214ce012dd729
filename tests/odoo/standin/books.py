"""Invoices and the lines of all entries: made, computed, posted, taken back; to the cent, as far as syncd looks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from syncd.money import half_up
from tests.odoo.standin.tables import Row, Tables
from tests.odoo.standin.wire import Refusal, Unsupported, user_error

MOVE, LINE = "account.move", "account.move.line"
FIXED = frozenset(("lines", "invoice_date", "date", "partner_id", "currency_id", "journal_id"))
"""What a posted entry keeps; Odoo 14 lets the dates be written."""
SALES = ("out_invoice", "out_refund")


class Books:
    """The entries of one company; amounts are cents, credit negative."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.old = tables.recorded.number < 16
        company = tables.rows["res.company"][tables.company]
        self.currency, self.globally = (
            company["currency_id"],
            company["tax_calculation_rounding_method"] == "round_globally",
        )
        partner = tables.recorded.rows["res.partner"][0]
        self.receivable: int = partner["property_account_receivable_id"][0]
        self.rates = {
            row["currency_id"]: Decimal(str(row["rate"])) for row in tables.rows["res.currency.rate"].values()
        }

    def in_company(self, cents: Decimal | int, currency: int) -> int:
        """Give an amount in the company's currency; there is one rate for each, whatever the day."""
        return half_up(Decimal(cents) / self.rates.get(currency, Decimal(1)))

    def lines(self, move: int) -> list[Row]:
        return self.tables.where(LINE, move_id=move)

    def products(self, move: int) -> list[Row]:
        """Give the lines of what was sold."""
        own = ("exclude_from_invoice_tab", False) if self.old else ("display_type", "product")
        return [line for line in self.lines(move) if line[own[0]] == own[1] and not self.is_receivable(line)]

    def receivables(self, move: int) -> list[Row]:
        return [line for line in self.lines(move) if self.is_receivable(line)]

    def is_receivable(self, line: Row) -> bool:
        return "receivable" in str(line["account_internal_type" if self.old else "account_type"])

    def make(self, values: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], external: str) -> int:
        """Make a draft."""
        if values["move_type"] not in SALES:
            raise Unsupported(f"an entry of type {values['move_type']}")
        number = values.get("name") or ("/" if self.old else False)
        move = self.tables.add(
            MOVE, {**values, "name": number, "state": "draft", "company_id": self.tables.company}, external
        )
        self._head(move)
        self.set_lines(move, lines)
        return move

    def write(self, move: int, values: Mapping[str, Any], lines: Sequence[Mapping[str, Any]] | None = None) -> None:
        """Change an entry; of a posted one only what Odoo lets one change."""
        row = self.tables.row(MOVE, move)
        changed = {name for name in values if values[name] != row[name]} | ({"lines"} if lines is not None else set())
        if row["state"] != "draft" and changed & (FIXED - ({"invoice_date", "date"} if self.old else set())):
            raise user_error("You cannot modify the following readonly fields on a posted move: …")
        self.tables.change(MOVE, move, **values)
        self._head(move)
        if lines is not None:
            self.set_lines(move, lines)

    def set_lines(self, move: int, lines: Sequence[Mapping[str, Any]]) -> None:
        """Give an entry these product lines, and taxes and a receivable line that go with them."""
        self.tables.remove(LINE, [line["id"] for line in self.lines(move)])
        row = self.tables.row(MOVE, move)
        sign = -1 if row["move_type"] == "out_invoice" else 1
        bases: dict[int, list[Decimal]] = defaultdict(list)
        every: list[Decimal] = []
        for values in lines:
            exact = sign * _exact(values) * 100
            every.append(exact)
            for tax in values.get("tax_ids", ()):
                bases[tax].append(exact)
            kind = {"exclude_from_invoice_tab": False} if self.old else {"display_type": "product"}
            self._line(row, {**values, **kind, "sequence": 10}, half_up(exact))
        if self.globally:
            self._spread(row, every)
        for tax, parts in bases.items():
            self._tax(row, tax, parts)
        end = {"exclude_from_invoice_tab": True} if self.old else {"display_type": "payment_term"}
        self._line(row, {**end, "account_id": self.receivable}, 0)
        self.balance(move)

    def _spread(self, row: Row, exact: Sequence[Decimal]) -> None:
        """Let the lines come to what all of them do before they are rounded, in both currencies, as Odoo 19 has it."""
        lines, whole = self.lines(row["id"]), sum(exact, Decimal(0))
        if lines:
            lines[0]["amount_currency"] += half_up(whole) - sum(line["amount_currency"] for line in lines)
            lines[0]["balance"] += self.in_company(whole, row["currency_id"]) - sum(line["balance"] for line in lines)

    def _tax(self, row: Row, tax: int, bases: Sequence[Decimal]) -> None:
        """Make a tax's line: rounded once on everything, or line by line on rounded amounts."""
        rate = Decimal(str(self.tables.rows["account.tax"][tax]["amount"])) / 100
        if not rate:
            return
        kind = {"exclude_from_invoice_tab": True} if self.old else {"display_type": "tax"}
        account = self.receivable + 1  # which one does not matter here
        exact = sum(bases, Decimal(0)) * rate
        cents = half_up(exact) if self.globally else sum(half_up(half_up(one) * rate) for one in bases)
        line = self._line(row, {**kind, "tax_line_id": tax, "account_id": account}, cents)
        if self.globally:
            self.tables.row(LINE, line)["balance"] = self.in_company(exact, row["currency_id"])

    def _line(self, row: Row, values: Mapping[str, Any], cents: int) -> int:
        account = self.tables.rows["account.account"][values["account_id"]]
        kinds = {"account_type": account.get("account_type"), "account_internal_type": account.get("internal_type")}
        balance = self.in_company(cents, row["currency_id"])
        own = {"move_id": row["id"], "currency_id": row["currency_id"], "date": row["date"]}
        if row["partner_id"]:
            own["partner_id"] = self.tables.row("res.partner", row["partner_id"])["commercial_partner_id"]
        return self.tables.add(LINE, {**kinds, **own, **values, "amount_currency": cents, "balance": balance})

    def entry(self, values: Mapping[str, Any], line: Mapping[str, Any], cents: int) -> int:
        """Make an entry that is no invoice, of one receivable line (its other side is nobody's business here)."""
        usual = {"move_type": "entry", "state": "draft", "company_id": self.tables.company, "payment_state": "not_paid"}
        move = self.tables.add(MOVE, {**usual, **values})
        self._line(self.tables.row(MOVE, move), {"account_id": self.receivable, **line}, cents)
        self.refresh(move)
        return move

    def balance(self, move: int) -> None:
        """Let the receivable line follow the others."""
        lines = self.lines(move)
        (end,) = self.receivables(move)
        others = [line for line in lines if line is not end]
        end["amount_currency"] = -sum(line["amount_currency"] for line in others)
        end["balance"] = -sum(line["balance"] for line in others)
        self.refresh(move)

    def refresh(self, move: int) -> None:
        """Compute the totals and what is open."""
        row = self.tables.row(MOVE, move)
        for line in self.receivables(move):
            if self.old or row["move_type"] not in SALES:
                line["date_maturity"] = row["invoice_date_due"] or row["date"]
            elif row["state"] == "draft":  # posting gives a due date to the invoice alone
                line["date_maturity"] = row["invoice_date_due"]
            self._open(line)
        if row["move_type"] not in SALES:
            return
        sign = 1 if row["move_type"] == "out_invoice" else -1
        lines, ends = self.lines(move), self.receivables(move)
        total = sign * sum(line["amount_currency"] for line in ends)
        tax = -sign * sum(line["amount_currency"] for line in lines if line["tax_line_id"])
        residual = sign * sum(line["amount_residual_currency"] for line in ends)
        paid = "not_paid" if residual == total and total else "partial" if residual else "paid"
        self.tables.change(
            MOVE,
            move,
            amount_untaxed=total - tax,
            amount_tax=tax,
            amount_total=total,
            amount_residual=residual,
            payment_state=paid if row["state"] == "posted" else "not_paid",
        )

    def _open(self, line: Row) -> None:
        partials = self.tables.rows.get("account.partial.reconcile", {}).values()
        own = [one for one in partials if line["id"] in (one["debit_move_id"], one["credit_move_id"])]
        rest, rest_currency = line["balance"], line["amount_currency"]
        for one in own:
            debit = one["debit_move_id"] == line["id"]
            sign = 1 if debit else -1
            rest -= sign * one["amount"]
            rest_currency -= sign * one["debit_amount_currency" if debit else "credit_amount_currency"]
        posted = self.tables.row(MOVE, line["move_id"])["state"] == "posted"
        line |= {"amount_residual": rest, "amount_residual_currency": rest_currency}
        line["reconciled"] = posted and not rest and not rest_currency

    def post(self, moves: Iterable[int]) -> None:
        """Post drafts, all or none."""
        for move in moves:
            row = self.tables.row(MOVE, move)
            if row["state"] != "draft":
                if self.old and row["state"] == "posted":
                    continue
                raise user_error(f"The entry {row['name']} (id {move}) must be in draft.")
            self._postable(row)
            self.tables.change(MOVE, move, state="posted", posted_before=True)
            self._head(move)
            self.refresh(move)

    def _postable(self, row: Row) -> None:
        move = row["id"]
        if not [line for line in self.lines(move) if not self.is_receivable(line)]:
            raise user_error(
                "You need to add a line before posting." if self.old else "Even magicians can't post nothing!"
            )
        if row["amount_total"] < 0:
            raise user_error(
                "You cannot validate an invoice with a negative total amount. You should create a credit note."
            )
        if row["name"] in ("/", False, ""):
            raise Unsupported("an invoice that Odoo is to number")
        same = self.tables.where(MOVE, name=row["name"], journal_id=row["journal_id"], state="posted")
        if same:
            old = "Posted journal entry must have an unique sequence number per company."
            said = old if self.old else "Another entry with the same name already exists."
            raise Refusal("odoo.exceptions.ValidationError", said)

    def draft(self, moves: Iterable[int]) -> None:
        for move in moves:
            self._unmatched(move)
            self.tables.change(MOVE, move, state="draft")
            self.refresh(move)

    def cancel(self, moves: Iterable[int]) -> None:
        for move in moves:
            self._unmatched(move)
            self.tables.change(MOVE, move, state="cancel")
            self.refresh(move)

    def delete(self, moves: Sequence[int]) -> None:
        for move in moves:
            row = self.tables.row(MOVE, move)
            if row["state"] == "posted":
                raise user_error("You can't delete a posted journal item.")
            if row["posted_before"]:
                raise user_error("You cannot delete an entry which has been posted once.")
            self.tables.remove(LINE, [line["id"] for line in self.lines(move)])
            self.tables.remove(MOVE, [move])

    def _unmatched(self, move: int) -> None:
        """Odoo takes off what is matched, or leaves it, as its version has it; syncd never asks for that."""
        partials = self.tables.rows.get("account.partial.reconcile", {}).values()
        own = {line["id"] for line in self.lines(move)}
        if any(own & {one["debit_move_id"], one["credit_move_id"]} for one in partials):
            raise Unsupported("a paid invoice taken back")

    def _head(self, move: int) -> None:
        """Fill in what follows from other fields."""
        row = self.tables.row(MOVE, move)
        partner = (
            self.tables.row("res.partner", row["partner_id"])["commercial_partner_id"] if row["partner_id"] else False
        )
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        day, due = row["invoice_date"] or today, row["invoice_date_due"]
        if not due:
            due = row["invoice_date"] if self.old else row["state"] == "posted" and today
        row |= {"commercial_partner_id": partner, "date": day, "invoice_date_due": due}


def _exact(values: Mapping[str, Any]) -> Decimal:
    """Give a line's amount before it is rounded; Odoo keeps two decimals of a quantity."""
    quantity = Decimal(str(values["quantity"])).quantize(Decimal("0.01"))
    return quantity * Decimal(str(values["price_unit"])) * (1 - Decimal(str(values.get("discount") or 0)) / 100)
