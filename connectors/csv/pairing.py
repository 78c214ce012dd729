"""Rows paired with the records they belong to, even where a person edited the id or number that says so.

An invoice's id stands in four files and its number with it, so that one edited cell is outvoted by the others.
"""

from __future__ import annotations

import sqlite3

BUILD = """
CREATE TABLE says AS SELECT number, id, count(*) AS rows FROM rows
    WHERE tbl IN ('invoice_lines', 'events', 'payments') GROUP BY number, id;
CREATE INDEX says_number ON says (number, id);
"""
DOUBTFUL_INVOICES = """
SELECT seq, number FROM rows WHERE tbl = 'invoices' AND number <> ''
AND NOT EXISTS (SELECT 1 FROM says WHERE says.number = rows.number AND says.id = rows.id)
"""
SAID = """
SELECT id FROM says WHERE number = ? AND id <> ''
AND NOT EXISTS (SELECT 1 FROM rows WHERE tbl = 'invoices' AND rows.id = says.id) ORDER BY rows DESC, id LIMIT 1
"""
INVOICES = """
CREATE TABLE invoices AS SELECT owner, number, min(seq) AS seq FROM rows WHERE tbl = 'invoices' GROUP BY owner, number;
CREATE INDEX invoices_owner ON invoices (owner, number);
CREATE INDEX invoices_number ON invoices (number);
INSERT OR IGNORE INTO places SELECT owner, day, number, part FROM rows WHERE tbl = 'invoices' ORDER BY seq;
"""
DOUBTFUL_ROWS = """
SELECT seq, tbl, id, number, slot FROM rows WHERE tbl IN ('invoice_lines', 'events', 'payments')
AND NOT EXISTS (SELECT 1 FROM invoices WHERE invoices.owner = rows.id AND invoices.number = rows.number)
"""


def pair(db: sqlite3.Connection) -> None:
    """Settle the ``owner`` of every row, and fill ``places`` with where each invoice stands."""
    db.executescript(BUILD)
    for seq, number in db.execute(DOUBTFUL_INVOICES).fetchall():
        if said := db.execute(SAID, (number,)).fetchone():
            db.execute("UPDATE rows SET owner = ? WHERE seq = ?", (said[0], seq))
    db.executescript(INVOICES)
    settled = []
    for seq, table, row_id, number, slot in db.execute(DOUBTFUL_ROWS):
        owner = _owner(db, seq, table, row_id, number, slot)
        if owner != row_id:
            settled.append((owner, seq))
    db.executemany("UPDATE rows SET owner = ? WHERE seq = ?", settled)


def _owner(db: sqlite3.Connection, seq: int, table: str, row_id: str, number: str, slot: str) -> str:
    """Tell whose row it is that contradicts itself."""
    by_id = db.execute("SELECT 1 FROM invoices WHERE owner = ?", (row_id,)).fetchone()
    by_number = [
        owner for (owner,) in db.execute("SELECT owner FROM invoices WHERE number = ? AND number <> ''", (number,))
    ]
    if not by_number:
        return row_id
    near = {
        one for (one,) in db.execute("SELECT id FROM rows WHERE tbl = ? AND seq IN (?, ?)", (table, seq - 1, seq + 1))
    }
    chosen = by_number[0] if len(by_number) == 1 else next((one for one in by_number if one in near), None)
    if chosen is None or not by_id:
        return str(chosen or row_id)
    if table == "payments":
        twice = db.execute("SELECT count(*) FROM rows WHERE tbl = 'payments' AND id = ?", (row_id,)).fetchone()
        return str(chosen) if twice[0] > 1 else row_id
    if chosen in near and row_id not in near:
        return str(chosen)
    if table == "invoice_lines" and chosen in near:
        same = db.execute(
            "SELECT count(*) FROM rows WHERE tbl = 'invoice_lines' AND id = ? AND slot = ?", (row_id, slot)
        ).fetchone()
        return str(chosen) if same[0] > 1 else row_id
    return row_id
