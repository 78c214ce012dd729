"""Rows by model, in memory, with the few fields that the connector uses: searched, read and written as in Odoo."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tests.odoo.standin.domains import meets
from tests.odoo.standin.recorded import Recorded
from tests.odoo.standin.wire import Refusal, Unsupported, missing

Row = dict[str, Any]

FIELDS: dict[str, dict[str, str]] = {
    "res.partner": {
        **dict.fromkeys(("name", "email", "email_normalized", "phone", "street", "street2", "zip", "city"), "text"),
        **dict.fromkeys(("lang", "ref"), "text"),
        "active": "flag",
        "is_company": "flag",
        "category_id": "many",
        "state_id": "res.country.state",
        "country_id": "res.country",
        "commercial_partner_id": "res.partner",
    },
    "res.partner.category": {"name": "text"},
    "mail.message": dict.fromkeys(("model", "body", "message_type"), "text") | {"res_id": "number"},
    "ir.attachment": dict.fromkeys(("name", "res_model", "mimetype", "datas"), "text") | {"res_id": "number"},
    "account.move": {
        **dict.fromkeys(("name", "state", "move_type", "narration", "ref", "payment_reference"), "text"),
        **dict.fromkeys(("invoice_origin", "payment_state"), "text"),
        **dict.fromkeys(("invoice_date", "date", "invoice_date_due"), "text"),
        **dict.fromkeys(("amount_untaxed", "amount_tax", "amount_total", "amount_residual"), "cents"),
        **dict.fromkeys(("posted_before", "restrict_mode_hash_table"), "flag"),
        **dict.fromkeys(("reversal_move_ids", "reversal_move_id"), "many"),
        "partner_id": "res.partner",
        "commercial_partner_id": "res.partner",
        "company_id": "res.company",
        "currency_id": "res.currency",
        "fiscal_position_id": "account.fiscal.position",
        "invoice_payment_term_id": "account.payment.term",
        "journal_id": "account.journal",
    },
    "account.move.line": {
        **dict.fromkeys(("name", "display_type", "account_type", "account_internal_type"), "text"),
        **dict.fromkeys(("date", "date_maturity"), "text"),
        **dict.fromkeys(("sequence", "quantity", "price_unit", "discount"), "number"),
        **dict.fromkeys(("amount_currency", "balance", "amount_residual", "amount_residual_currency"), "cents"),
        "exclude_from_invoice_tab": "flag",
        "reconciled": "flag",
        "tax_ids": "many",
        "move_id": "account.move",
        "account_id": "account.account",
        "partner_id": "res.partner",
        "product_id": "product.product",
        "product_uom_id": "uom.uom",
        "analytic_distribution": "text",  # nothing is analysed here, so it is false
        "analytic_account_id": "account.analytic.account",
        "tax_line_id": "account.tax",
        "payment_id": "account.payment",
        "currency_id": "res.currency",
        "full_reconcile_id": "account.full.reconcile",
    },
    "account.payment": {
        **dict.fromkeys(("name", "state", "payment_type", "partner_type", "memo", "ref", "date"), "text"),
        "amount": "cents",
        "is_reconciled": "flag",
        "move_id": "account.move",
        "partner_id": "res.partner",
        "currency_id": "res.currency",
        "journal_id": "account.journal",
        "company_id": "res.company",
        **dict.fromkeys(("invoice_ids", "reconciled_invoice_ids"), "many"),
        **dict.fromkeys(("reconciled_statement_line_ids", "reconciled_statement_ids"), "many"),
    },
    "account.partial.reconcile": {
        **dict.fromkeys(("debit_move_id", "credit_move_id"), "account.move.line"),
        **dict.fromkeys(("amount", "debit_amount_currency", "credit_amount_currency"), "cents"),
        "full_reconcile_id": "account.full.reconcile",
    },
    "account.full.reconcile": {},
    "account.tax.repartition.line": {
        **dict.fromkeys(("document_type", "repartition_type"), "text"),
        "tax_id": "account.tax",
        "tag_ids": "many",
    },
    "res.currency.rate": {"name": "text", "rate": "number", "currency_id": "res.currency", "company_id": "res.company"},
    "product.product": {"name": "text", "default_code": "text"},
    "uom.uom": {"name": "text"},
    "res.country": {"name": "text", "code": "text"},
    "res.country.state": {"name": "text", "code": "text", "country_id": "res.country"},
}
"""Model → field → kind: text, number, flag, cents, many (ids), or the model of a linked record.

Every record has ``id``, ``write_date`` and ``write_uid`` as well.
"""
EMPTY: Mapping[str, Any] = {"number": 0.0, "flag": False, "cents": 0}
EVERY = {"id": "number", "write_date": "text", "write_uid": "res.users"}


class Tables:
    """All rows; those of set-up come from the recordings, and are only linked to and read."""

    def __init__(self, recorded: Recorded) -> None:
        self.recorded = recorded
        self.company: int = recorded.rows["res.company"][0]["id"]
        self.uid = recorded.users["admin"]
        self.externals: dict[str, tuple[str, int]] = {}
        self.next: dict[str, int] = {}
        self.rows: dict[str, dict[int, Row]] = {
            model: {row["id"]: {name: _plain(value) for name, value in row.items()} for row in rows}
            for model, rows in recorded.rows.items()
        }
        partners = self.rows["res.partner"]
        self.rows["res.partner"] = {}
        for partner in partners.values():
            self.add("res.partner", partner)
        self.externals |= {name: ("res.partner", record) for name, record in recorded.externals.items()}

    def kind(self, model: str, name: str) -> str:
        """Tell a field's kind; one that this Odoo has not is its error, one that the stand-in has not is ours."""
        there = self.recorded.fields(model)
        if there is not None and name not in there:
            raise Refusal("builtins.ValueError", f"Invalid field '{name}' in '{model}'", 500)
        kind = EVERY.get(name) or FIELDS[model].get(name)
        if kind is None:
            raise Unsupported(f"the field {name} of {model}")
        return kind

    def row(self, model: str, record: int) -> Row:
        if record not in self.rows.get(model, {}):
            raise missing(model, record)
        return self.rows[model][record]

    def add(self, model: str, values: Mapping[str, Any], external: str | None = None) -> int:
        """Make a record, with all its fields; the id of one that was deleted does not come again."""
        table = self.rows.setdefault(model, {})
        record = values.get("id") or self._id(model)
        empty = {name: EMPTY.get(kind, [] if kind == "many" else False) for name, kind in FIELDS[model].items()}
        if model == "res.partner":
            empty |= {"active": True, "commercial_partner_id": record}
        table[record] = {**empty, "id": record, **values}
        if external:
            self.externals[external] = (model, record)
        self.touch(model, record)
        return int(record)

    def change(self, model: str, record: int, **values: Any) -> None:
        self.row(model, record).update(values)
        self.touch(model, record)

    def touch(self, model: str, record: int) -> None:
        self.row(model, record).update(write_date=f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}", write_uid=self.uid)

    def remove(self, model: str, records: Iterable[int]) -> None:
        """Delete records, and their external ids with them."""
        gone = {(model, record) for record in records}
        for _, record in gone:
            self.rows[model].pop(record)
        self.externals = {name: of for name, of in self.externals.items() if of not in gone}

    def where(self, model: str, **wanted: Any) -> list[Row]:
        """Give the rows that have these values."""
        rows = self.rows.get(model, {}).values()
        return [row for row in rows if all(row[name] == value for name, value in wanted.items())]

    def search(self, model: str, domain: Sequence[Any], context: Mapping[str, Any], order: str = "id") -> list[Row]:
        """Give the rows that a domain finds; archived ones only where it or the context asks for them."""
        asked = {one[0] for one in domain if not isinstance(one, str)}
        if model == "res.partner" and "active" not in asked and context.get("active_test", True):
            domain = [*domain, ("active", "=", True)]
        rows = self.rows.get(model, {})
        found = [row for row in rows.values() if self._meets(model, domain, row)]
        for part in reversed(order.split(", ")):
            name, _, way = part.partition(" ")
            found.sort(key=lambda row: row[name], reverse=way == "desc")
        return found

    def _meets(self, model: str, domain: Sequence[Any], row: Row) -> bool:
        return meets(domain, lambda name: self.value(model, row, name))

    def value(self, model: str, row: Row, path: str) -> Any:
        """Give a field, or by way of links a field of a linked record; nothing where there is no link."""
        name, _, rest = path.partition(".")
        if model not in FIELDS:
            return row[name]
        kind = self.kind(model, name)
        if not rest:
            return row[name]
        return self.value(kind, self.row(kind, row[name]), rest) if row[name] else False

    def read(self, model: str, row: Row, fields: Sequence[str]) -> Row:
        """Show a row as Odoo does."""
        return {"id": row["id"], **{name: self._shown(model, row, name) for name in fields}}

    def copy(self) -> tuple[dict[str, dict[int, Row]], dict[str, tuple[str, int]]]:
        """Keep everything as it is; lists within rows are never changed, only replaced."""
        rows = {model: {record: dict(row) for record, row in table.items()} for model, table in self.rows.items()}
        return rows, dict(self.externals)

    def _shown(self, model: str, row: Row, name: str) -> Any:
        kind, value = self.kind(model, name), row[name]
        if kind == "cents":
            return value / 100
        if kind in FIELDS or kind in self.recorded.rows:
            return [value, self._name(kind, value)] if value else False
        return value

    def _name(self, model: str, record: int) -> str:
        """Name a linked record; of an entry and its lines only roughly as Odoo does."""
        row = self.row(model, record)
        if model == "account.move.line":
            return self._name("account.move", row["move_id"])
        if model == "account.move" and row["state"] == "draft":
            return f"Draft {row['name']}"
        return str(row.get("display_name") or row.get("name") or f"{model},{record}")

    def _id(self, model: str) -> int:
        """Give the next id, beyond those of all rows that ever stood."""
        taken = max(self.rows[model], default=0)
        self.next[model] = max(self.next.get(model, 0), taken) + 1
        return self.next[model]


def _plain(value: Any) -> Any:
    """Take the id of a link."""
    return value[0] if isinstance(value, list) and len(value) == 2 and isinstance(value[1], str) else value
