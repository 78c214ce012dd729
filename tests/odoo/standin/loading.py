"""``load``: rows of text made into records, each once by its external id, or changed by their ids; all or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from syncd.money import half_up
from tests.odoo.standin.books import LINE, MOVE, Books
from tests.odoo.standin.matching import PARTIAL, PAYMENT, Matching
from tests.odoo.standin.wire import Call, Refusal, Unsupported, user_error

FIXED = {
    "invoice_payment_term_id/.id": ("",),
    "invoice_cash_rounding_id/.id": ("",),
    "subtype_id/id": ("mail.mt_note",),
}
"""Columns that are taken and not kept, and what may stand in them."""

Values = dict[str, Any]
Sub = list[Values]


class Loading:
    """What ``load`` does for each model."""

    def __init__(self, books: Books, matching: Matching) -> None:
        self.tables, self.books, self.matching = books.tables, books, matching
        self.makers: Mapping[str, Callable[[Values, Sub, str], int]] = {
            "res.partner": lambda values, _, name: self.tables.add("res.partner", self._partner(values), name),
            "res.partner.category": lambda values, _, name: self.tables.add("res.partner.category", values, name),
            "mail.message": lambda values, _, name: self.tables.add("mail.message", values, name),
            "ir.attachment": lambda values, _, name: self.tables.add("ir.attachment", values, name),
            MOVE: books.make,
            PAYMENT: lambda values, _, name: matching.make(values, name),
            PARTIAL: lambda values, _, name: matching.match(values, name),
        }
        self.changers: Mapping[str, Callable[[int, Values, Sub], None]] = {
            "res.partner": lambda record, values, _: self.tables.change("res.partner", record, **self._partner(values)),
            MOVE: self._move,
            LINE: lambda record, values, _: self._line(record, values),
        }

    def load(self, call: Call) -> dict[str, Any]:
        """Load rows; where one is refused nothing stays (the caller sees to that), and the refused ones are named."""
        columns = call.arguments["fields"]
        once = call.context.get("mode") == "update" and call.context.get("noupdate") is True
        if ("id" in columns) is not once:
            raise Unsupported(f"{call.model}.load with an external id and no mode, or the other way round")
        ids: list[int] = []
        messages: list[dict[str, Any]] = []
        for number, (first, rows) in enumerate(_records(columns, call.arguments["data"])):
            try:
                ids.append(self._record(call.model, columns, rows, once=once))
            except Refusal as error:
                place = {"from": first, "to": first + len(rows) - 1}
                messages.append({"type": "error", "record": number, "rows": place, "message": error.sentence})
        return {"ids": False if messages else ids, "messages": messages, "nextrow": 0}

    def _record(self, model: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, once: bool) -> int:
        head = dict(zip(columns, rows[0], strict=True))
        key = head.pop("id" if once else ".id")
        if once and key in self.tables.externals:
            return self.tables.externals[key][1]
        below = next(
            (name.partition("/")[0] for name in columns if name.startswith(("invoice_line_ids", "line_ids"))), ""
        )
        own = {name: text for name, text in head.items() if not below or not name.startswith(f"{below}/")}
        sub = [self._sub(columns, row, below) for row in rows] if below else []
        values = self.values(model, own)
        if once:
            return self.makers[model](values, [one for one in sub if one], key)
        self.changers[model](int(key), values, sub)
        return int(key)

    def _sub(self, columns: Sequence[str], row: Sequence[str], below: str) -> Values:
        cells = {
            name.removeprefix(f"{below}/"): text
            for name, text in zip(columns, row, strict=True)
            if name.startswith(f"{below}/")
        }
        if not any(cells.values()):
            return {}
        ident, debit, credit = cells.pop(".id", ""), cells.pop("debit", ""), cells.pop("credit", "")
        values = self.values(LINE, cells)
        if ident:
            values |= {"id": int(ident), "balance": _cents(debit) - _cents(credit)}
        return values

    def values(self, model: str, cells: Mapping[str, str]) -> Values:
        """Read the cells of one record."""
        values: Values = {}
        for column, text in cells.items():
            if column in FIXED:
                if text not in FIXED[column]:
                    raise Unsupported(f"{text!r} in the column {column}")
                continue
            if not isinstance(text, str):
                raise Refusal("builtins.TypeError", f"a cell of {column} is no text", 500)
            name, _, how = column.partition("/")
            kind = self.tables.kind(model, name)
            values[name] = self._cell(column, how, kind, text)
        return values

    def _cell(self, column: str, how: str, kind: str, text: str) -> Any:
        if how == ".id":
            ids = [int(one) for one in text.split(",") if one]
            if kind == "many":
                return ids
            if ids and ids[0] not in self.tables.rows.get(kind, {}):
                raise user_error(f"No matching record found for database id '{text}' in field '{column}'")
            return ids[0] if ids else False
        if kind == "flag":
            return text == "1"
        if kind == "cents":
            return _cents(text)
        if kind == "number":
            return float(text or 0)
        return text or False

    def _partner(self, values: Values) -> Values:
        if "name" in values and not values["name"]:
            raise Refusal("odoo.exceptions.ValidationError", "Contacts require a name")
        if "email" in values:
            values["email_normalized"] = str(values["email"] or "").strip().lower() or False
        if "lang" in values and not values["lang"]:
            values["lang"] = False
        return values

    def _move(self, record: int, values: Values, sub: Sub) -> None:
        for line in sub:
            self.tables.change(LINE, line["id"], **{name: value for name, value in line.items() if name != "id"})
        if sub:
            own = self.books.lines(record)
            if sum(line["balance"] for line in own) or sum(line["amount_currency"] for line in own):
                raise user_error("Cannot create unbalanced journal entry.")
            self.books.refresh(record)
        if values:
            self.books.write(record, values)

    def _line(self, record: int, values: Values) -> None:
        line = self.tables.row(LINE, record)
        self.tables.change(LINE, record, **values)
        if "amount_currency" in values:
            line["balance"] = self.books.in_company(values["amount_currency"], line["currency_id"])
            self.books.balance(line["move_id"])


def _cents(text: str) -> int:
    return half_up(Decimal(text or 0) * 100)


def _records(columns: Sequence[str], data: Sequence[Sequence[str]]) -> list[tuple[int, list[Sequence[str]]]]:
    """Put rows together that are one record: those below one whose own cells are empty are further lines of it."""
    own = [place for place, name in enumerate(columns) if not name.startswith(("invoice_line_ids/", "line_ids/"))]
    found: list[tuple[int, list[Sequence[str]]]] = []
    for number, row in enumerate(data):
        if found and len(own) < len(columns) and not any(row[place] for place in own):
            found[-1][1].append(row)
        else:
            found.append((number, [row]))
    return found
