"""What an entry does to the rows of its record: rows that are missing added, cells compared and set. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from connectors.csv.cells import read_cell, write_cell
from connectors.csv.dressed import dressed
from connectors.csv.layout import COLUMNS, LAST, Cells, Holds, Key, Table
from connectors.csv.rows import Slots, Writer, client_key, invoice_key
from syncd.connector import Done, Exists, Scalar, Stale
from syncd.errors import ContractError
from syncd.fields import same

GROUPS: dict[str, Table] = {"lines": "invoice_lines", "events": "events"}
PROOF: dict[str, str] = {"lines": "quantity", "events": "event_id"}
"""The field whose coming or going is that of the whole row."""


@dataclass(slots=True)
class Standing:
    """The rows of one record in one table, the part they stand in and where in it."""

    part: str
    key: Key
    slots: Slots = field(default_factory=dict)


Record = dict[Table, Standing]
"""A client, or an invoice with its payment, as it stands in the files."""
PartOf = Callable[[str | None], str]
Carried = Done | Exists | Stale
"""What becomes of an entry."""


class Cell:
    """Compare-and-set of one cell, done at once or not at all with the others of its operation."""

    def __init__(self, cells: Cells, at: int, name: str, holds: Holds, before: Scalar, after: Scalar) -> None:
        """Name the cell and what it should change from and to."""
        self.cells, self.at, self.name, self.holds, self.before, self.after = cells, at, name, holds, before, after

    def value(self, writer: Writer) -> Scalar:
        """Read what stands there."""
        return read_cell(self.cells[self.at], self.holds, writer.dress)

    def stands_as(self, value: Scalar) -> bool:
        """Tell whether what stands there is what it should change from, or to."""
        return same(value, self.before) or same(value, self.after) or dressed(self.name, self.before, value)


class Applying:
    """Carries out entries on the records they belong to."""

    def __init__(self, writer: Writer, part_of: PartOf) -> None:
        """Write rows with this writer, new ones into the part that ``part_of`` names for an issue date."""
        self._writer = writer
        self._part_of = part_of

    def apply(self, record: Record, verb: str, kind: str, owner: str, payload: dict[str, Any]) -> Carried:
        """Carry out one entry on its record."""
        if verb == "adopt":
            return Exists(owner)
        if verb in ("create", "settle"):
            return self._create(record, kind, owner, payload)
        if verb == "unsettle":
            return self._unsettle(record, owner)
        if verb in ("update", "void", "archive"):
            return self._update(record, kind, owner, payload)
        raise ContractError(f"The CSV ledger was asked to {verb} a {kind}, which it cannot.")

    def _create(self, record: Record, kind: str, owner: str, content: dict[str, Any]) -> Carried:
        writer = self._writer
        key = client_key(content) if kind == "client" else invoice_key(content)
        part = "" if kind == "client" else self._part_of(content.get("issue_date"))
        made: dict[Table, Slots] = {}
        if kind == "client":
            made["clients"] = {"": writer.flat("clients", content)}
        elif kind == "payment":
            made["payments"] = {"": writer.flat("payments", content)}
        else:
            made["invoices"] = {"": writer.flat("invoices", content)}
            made["invoice_lines"] = {row[2]: row for row in writer.lines(content)}
            made["events"] = {
                str(e[0]): r for e, r in zip(writer.in_order(content), writer.events(content), strict=True)
            }
        if kind != "client" and "invoices" in record:
            key, part = record["invoices"].key, record["invoices"].part
        elif kind == "payment":
            key = (LAST, "", owner)
        if kind == "invoice":
            _bring_home(record, key, part)
        new = False
        for table, slots in made.items():
            standing = record.setdefault(table, Standing(part, key))
            missing = {slot: row for slot, row in slots.items() if slot not in standing.slots}
            standing.slots |= missing
            new = new or bool(missing)
            if missing:
                self._order(table, standing)
        if kind == "invoice" and "payments" in record:
            record["payments"].key, record["payments"].part = key, part
        return Done(owner) if new else Exists(owner)

    def _unsettle(self, record: Record, owner: str) -> Carried:
        standing = record.get("payments")
        if standing:
            standing.slots.pop("", None)
        return Done(owner)

    def _update(self, record: Record, kind: str, owner: str, payload: dict[str, Any]) -> Carried:
        table: Table = {"client": "clients", "invoice": "invoices", "payment": "payments"}[kind]  # type: ignore[assignment]  # a value of Table
        own = record.get(table)
        changes: dict[str, tuple[Scalar, Scalar]] = {path: (b, a) for path, (b, a) in payload["changes"].items()}
        if own is None or "" not in own.slots:
            if kind != "invoice" or changes.get("invoice_id") != (None, owner):
                return Stale(f"the row of {owner} no longer stands in {table}")
            changes = self._restore(record, changes)
        cells, rows, stale = self._sort_out(record, table, owner, changes)
        for cell in cells:
            value = cell.value(self._writer)
            if not cell.stands_as(value):
                stale = stale or f"a cell holds {value!r} and not {cell.before!r}"
        if stale:
            return Stale(stale)
        for cell in cells:
            cell.cells[cell.at] = write_cell(cell.after, cell.holds, self._writer.dress)
        self._rows(record, rows, payload, owner)
        if kind != "payment":
            self._repeat(record, changes)
            self._move(record, kind, changes)
        return Done(owner)

    def _restore(self, record: Record, changes: dict[str, tuple[Scalar, Scalar]]) -> dict[str, tuple[Scalar, Scalar]]:
        """Write the row of an invoice anew whose file was missing; give the changes of its lines and events."""
        own = {path: after for path, (_, after) in changes.items() if path in COLUMNS["invoices"]}
        day = own.get("issue_date")
        key, part = invoice_key(own), self._part_of(str(day) if day else None)
        record["invoices"] = Standing(part, key, {"": self._writer.flat("invoices", own)})
        for standing in record.values():
            standing.key, standing.part = key, part
        return {path: pair for path, pair in changes.items() if path not in own}

    def _sort_out(
        self, record: Record, table: Table, owner: str, changes: dict[str, tuple[Scalar, Scalar]]
    ) -> tuple[list[Cell], dict[tuple[str, str], dict[str, tuple[Scalar, Scalar]]], str]:
        """Part changes into cells to set and rows to add or remove; the text says what makes it stale."""
        cells: list[Cell] = []
        rows: dict[tuple[str, str], dict[str, tuple[Scalar, Scalar]]] = {}
        stale = ""
        for path, pair in changes.items():
            group, _, rest = path.partition(".")
            if group not in GROUPS:
                if path in COLUMNS[table]:
                    cells.append(self._cell(record, table, "", path, pair))
                continue
            slot, _, name = rest.rpartition(".")
            rows.setdefault((group, slot), {})[name] = pair
        for (group, slot), fields in list(rows.items()):
            proof = fields.get(PROOF[group], (True, True))
            standing = record.get(GROUPS[group])
            stands = standing is not None and slot in standing.slots
            if not proof[0] and proof[1]:
                if not stands:
                    continue
            elif not stands:
                if proof[0] and not proof[1] and proof != (True, True):
                    del rows[group, slot]
                    continue
                stale = stale or f"row {slot} of {owner} no longer stands in {GROUPS[group]}"
                del rows[group, slot]
                continue
            cells += [self._cell(record, GROUPS[group], slot, name, pair) for name, pair in fields.items()]
            if not (proof[0] and not proof[1]):
                del rows[group, slot]
        return cells, rows, stale

    def _cell(self, record: Record, table: Table, slot: str, name: str, pair: tuple[Scalar, Scalar]) -> Cell:
        at = list(COLUMNS[table]).index(name)
        return Cell(record[table].slots[slot], at, name, COLUMNS[table][name], *pair)

    def _rows(self, record: Record, rows: dict[Any, Any], payload: dict[str, Any], owner: str) -> None:
        """Add and remove the rows of lines and events."""
        for (group, slot), fields in rows.items():
            table = GROUPS[group]
            invoice = record["invoices"]
            standing = record.setdefault(table, Standing(invoice.part, invoice.key))
            if slot in standing.slots:
                del standing.slots[slot]
                continue
            values = {name: after for name, (_, after) in fields.items()}
            values |= {"invoice_id": owner, "number": payload.get("number")}
            if group == "lines":
                values["line"] = slot
            standing.slots[slot] = self._writer.flat(table, values)
            self._order(table, standing)

    def _order(self, table: Table, standing: Standing) -> None:
        """Sort the rows of one record as they are written at a first load."""
        slots = standing.slots
        if table == "invoice_lines":
            standing.slots = dict(sorted(slots.items(), key=lambda pair: int(pair[0]) if pair[0].isdecimal() else 0))
        elif table == "events" and all(row[3] for row in slots.values()):
            standing.slots = dict(sorted(slots.items(), key=lambda pair: (pair[1][3], pair[0])))

    def _repeat(self, record: Record, changes: dict[str, tuple[Scalar, Scalar]]) -> None:
        """Carry a new number to the lines and events that repeat it, but for a cell that a person edited."""
        if "number" not in changes:
            return
        before, after = changes["number"]
        for table in GROUPS.values():
            for row in record[table].slots.values() if table in record else ():
                there = read_cell(row[1], "text", self._writer.dress)
                if same(there, before) or dressed("number", before, there):
                    row[1] = self._writer.cell(table, "number", after)

    def _move(self, record: Record, kind: str, changes: dict[str, tuple[Scalar, Scalar]]) -> None:
        """Find the record's new place after its name, number or date changed."""
        places = {"client": ("name",), "invoice": ("issue_date", "number")}[kind]
        if not any(name in changes for name in places):
            return
        one = record["clients" if kind == "client" else "invoices"]
        first, second, third = one.key
        part = one.part
        if kind == "client":
            key = (str(changes["name"][1] or ""), second, third)
        else:
            if "issue_date" in changes:
                day = changes["issue_date"][1]
                first, part = str(day or ""), self._part_of(str(day) if day else None)
            key = (first, str(changes["number"][1] or "") if "number" in changes else second, third)
        for standing in record.values():
            standing.key, standing.part = key, part


def _bring_home(record: Record, key: Key, part: str) -> None:
    """Put rows that stood without their invoice where it now stands."""
    for standing in record.values():
        if standing.key[0] == LAST:
            standing.key, standing.part = key, part
