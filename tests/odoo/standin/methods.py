"""Which method of which model the stand-in has; any other one is ``Unsupported``, and said so loudly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.odoo.standin.books import LINE, MOVE, Books
from tests.odoo.standin.loading import Loading
from tests.odoo.standin.matching import FULL, PAYMENT, Matching
from tests.odoo.standin.recorded import UNKNOWN, Recorded
from tests.odoo.standin.tables import FIELDS, Tables
from tests.odoo.standin.wire import Call, Refusal, Unsupported

READS = frozenset({"search", "search_read", "read", "get_external_id", "fields_get"})
LINKS = ("partner_id", "currency_id")
OWN = ("id", "name", "quantity", "price_unit", "discount", "account_id", "tax_ids", "product_id", "product_uom_id")
"""What a product line is made of."""


class Standin:
    """One database: what was recorded of its set-up, and the rows that change."""

    def __init__(self, series: str) -> None:
        self.recorded = Recorded(series)
        self.tables = Tables(self.recorded)
        self.books = Books(self.tables)
        self.matching = Matching(self.books)
        self.loading = Loading(self.books, self.matching)
        self.writes: Mapping[tuple[str, str], Callable[[Call], Any]] = {
            (MOVE, "write"): self._write,
            (MOVE, "unlink"): lambda call: self.books.delete(_ids(call)),
            (MOVE, "action_post"): self._post,
            (MOVE, "button_draft"): lambda call: self.books.draft(_ids(call)),
            (MOVE, "button_cancel"): lambda call: self.books.cancel(_ids(call)),
            (LINE, "reconcile"): self._reconcile,
            (PAYMENT, "action_post"): lambda call: self.matching.post(_ids(call)),
            (PAYMENT, "action_draft"): lambda call: self.matching.draft(_ids(call)),
            (PAYMENT, "action_cancel"): lambda call: self.matching.cancel(_ids(call)),
            (PAYMENT, "unlink"): lambda call: self.matching.delete(_ids(call)),
            (FULL, "create"): self._full,
            (FULL, "unlink"): lambda call: self.matching.uncomplete(_ids(call)),
            ("res.partner", "write"): self._partners,
            ("ir.attachment", "unlink"): lambda call: self.tables.remove("ir.attachment", _ids(call)),
        }

    def call(self, call: Call, uid: int) -> Any:
        """Answer a call; what was refused has changed nothing."""
        self.tables.uid = uid
        if call.model == "res.users" and call.method == "context_get":
            return {"lang": "en_US", "tz": False, "uid": uid}
        if (known := self.recorded.answer(call)) is not UNKNOWN:
            return known
        if call.model not in FIELDS:
            raise Unsupported(f"{call} was not recorded; see tests/odoo/standin/record.py")
        if call.method in READS:
            return self._read(call)
        before = self.tables.copy()
        try:
            answer = self._change(call)
        except (Refusal, Unsupported):
            self.tables.rows, self.tables.externals = before
            raise
        if call.method == "load" and answer["ids"] is False:
            self.tables.rows, self.tables.externals = before
        return answer

    def _read(self, call: Call) -> Any:
        tables, arguments = self.tables, call.arguments
        if call.method == "get_external_id":
            names = {record: name for name, (model, record) in tables.externals.items() if model == call.model}
            return {str(record): names.get(record, "") for record in _ids(call)}
        if call.method == "fields_get":
            raise Unsupported(f"{call} was not recorded")
        if call.method == "read":
            found = tables.search(call.model, [("id", "in", _ids(call))], call.context, "id")
            return [tables.read(call.model, row, arguments["fields"]) for row in found]
        found = tables.search(call.model, arguments["domain"], call.context, arguments.get("order") or "id")
        if call.method == "search":
            return [row["id"] for row in found]
        limit = arguments.get("limit") or len(found)
        return [tables.read(call.model, row, arguments["fields"]) for row in found[:limit]]

    def _change(self, call: Call) -> Any:
        if call.method == "load" and (call.model in self.loading.makers or call.model in self.loading.changers):
            return self.loading.load(call)
        method = self.writes.get((call.model, call.method))
        if method is None:
            raise Unsupported(str(call))
        answer = method(call)
        return True if answer is None and call.method in ("write", "unlink") else answer

    def _write(self, call: Call) -> None:
        """Change entries, and their lines where they stand."""
        values = dict(call.arguments["vals"])
        commands = values.pop("invoice_line_ids", None)
        for name in values:
            self.tables.kind(MOVE, name)
        for move in _ids(call):
            self.books.write(move, values, None if commands is None else self._lines(move, commands))

    def _lines(self, move: int, commands: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
        """Give the lines that an entry has after these commands."""
        lines = {line["id"]: {name: line[name] for name in OWN} for line in self.books.products(move)}
        new = []
        for kind, number, values in commands:
            if kind == 5:
                lines.clear()
            elif kind == 2:
                del lines[number]
            elif kind == 1:
                lines[number] |= _line(values)
            elif kind == 0:
                new.append(_line(values))
            else:
                raise Unsupported(f"the command {kind} for lines")
        return [*lines.values(), *new]

    def _partners(self, call: Call) -> None:
        """What a person may do to a partner by hand."""
        for partner in _ids(call):
            for name in call.arguments["vals"]:
                self.tables.kind("res.partner", name)
            self.tables.change("res.partner", partner, **call.arguments["vals"])

    def _post(self, call: Call) -> Any:
        self.books.post(_ids(call))
        return f"account.move{tuple(_ids(call))}" if self.books.old else False

    def _reconcile(self, call: Call) -> Any:
        partials, full = self.matching.reconcile(_ids(call))
        old = {"partials": f"{partials}", "tax_cash_basis_moves": "account.move()", "full_reconcile": f"{full}"}
        return old if self.books.old else None

    def _full(self, call: Call) -> list[int]:
        return [
            self.matching.complete(one["partial_reconcile_ids"][0][2], one["reconciled_line_ids"][0][2])
            for one in call.arguments["vals_list"]
        ]


def _ids(call: Call) -> Sequence[int]:
    if call.ids is None:
        raise Unsupported(f"{call} without ids")
    return call.ids


def _line(values: Mapping[str, Any]) -> dict[str, Any]:
    """Read a line that is written: its taxes come as a command."""
    ((_, _, taxes),) = values["tax_ids"]
    return {**values, "tax_ids": taxes}
