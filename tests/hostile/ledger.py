"""The books behind the hostile ledger: one SQLite file of records and remembered keys."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.hostile.behaviour import Mode, Options

Json = dict[str, Any]

MAX_FIND = 200
PREFIX = {"client": "C", "invoice": "I", "payment": "P"}
AMOUNTS = ("subtotal", "tax", "total", "amount")
FIELDS = {
    "client": ("name", "email", "phone", "country", "archived_at"),
    "invoice": (
        *("number", "client", "client_id", "currency", "subtotal", "tax", "total"),
        *("issue_date", "due_date"),
    ),
    "payment": ("invoice", "amount", "currency", "paid_date"),
}
SEARCHED = (
    ("mark", "mark"),
    ("external_id", "id"),
    ("number", "number"),
    ("email", "email"),
    ("name", "name"),
)

SCHEMA = """
PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS keys (
    key TEXT PRIMARY KEY, digest TEXT NOT NULL, answer TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
    id TEXT PRIMARY KEY, seq INTEGER NOT NULL UNIQUE, kind TEXT NOT NULL, mark TEXT,
    version INTEGER NOT NULL,
    void INTEGER NOT NULL, archived INTEGER NOT NULL, deleted INTEGER NOT NULL,
    number TEXT, email TEXT, name TEXT, owner TEXT, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS by_mark ON records (mark);
CREATE INDEX IF NOT EXISTS by_number ON records (number);
CREATE INDEX IF NOT EXISTS by_email ON records (email);
CREATE INDEX IF NOT EXISTS by_name ON records (name);
CREATE INDEX IF NOT EXISTS by_owner ON records (owner);
"""


class Refusal(Exception):
    """One operation is not carried out; the answer says why."""

    def __init__(self, answer: Json) -> None:
        """Keep the answer."""
        super().__init__(answer)
        self.answer = answer


class Gone(Exception):
    """The change feed never got to the number asked for."""


def refused(reason: str) -> Refusal:
    """Make the answer for what the ledger will not have."""
    return Refusal({"outcome": "refused", "reason": reason})


class Ledger:
    """The books. Every public method may be called by any thread; each is one transaction."""

    def __init__(self, path: Path, mode: Mode) -> None:
        """Open the file, or make it with an identity of its own."""
        self.mode = mode
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.executescript(SCHEMA)
        self._lock = threading.RLock()
        self._free = threading.Condition()
        self._pending: set[str] = set()
        self._begin()

    def _begin(self) -> None:
        self._db.execute("INSERT OR IGNORE INTO meta VALUES ('identity', ?)", (uuid.uuid4().hex,))
        self.identity = self._meta("identity")
        self.options = Options.model_validate_json(self._meta("options") or "{}")

    def reset(self) -> None:
        """Become other books: empty, with a new identity, and honest."""
        with self._transaction():
            for table in ("records", "keys", "counts", "meta"):
                self._db.execute(f"DELETE FROM {table}")
            self._begin()

    def save(self, path: Path) -> None:
        """Write a copy of the books to a file."""
        with self._lock, closing(sqlite3.connect(path)) as copy:
            self._db.backup(copy)

    def load(self, path: Path) -> None:
        """Become the books of such a copy."""
        with self._lock, closing(sqlite3.connect(path)) as copy:
            copy.backup(self._db)
            self._begin()

    def _meta(self, name: str) -> str:
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            if self._db.in_transaction:  # a part of a larger one
                yield
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def behave(self, changes: Json) -> Options:
        """Change some options, kept over restarts."""
        with self._transaction():
            merged = self.options.model_dump(mode="json") | changes
            self.options = Options.model_validate_json(json.dumps(merged))
            text = self.options.model_dump_json()
            self._db.execute("INSERT OR REPLACE INTO meta VALUES ('options', ?)", (text,))
            return self.options

    def take(self, script: str) -> str | None:
        """Use up the first fault of a script (``script`` or ``reads_script``)."""
        with self._transaction():
            faults: Sequence[str] = getattr(self.options, script)
            if not faults:
                return None
            self.behave({script: list(faults[1:])})
            return faults[0]

    def count(self, name: str) -> int:
        """Count one more of something; returns how many there were."""
        with self._transaction():
            row = self._db.execute(
                "INSERT INTO counts VALUES (?, 1) ON CONFLICT DO UPDATE SET value = value + 1 RETURNING value",
                (name,),
            ).fetchone()
            return int(row[0])

    def counts(self) -> dict[str, int]:
        """Read everything counted."""
        with self._lock:
            return {row[0]: row[1] for row in self._db.execute("SELECT name, value FROM counts ORDER BY name")}

    # Keys: a second request with a key that is still being worked on waits for the first.

    def claim(self, operations: Sequence[Json]) -> frozenset[str]:
        """Take the keys of a batch, waiting for whoever works on one of them."""
        if self.mode == "keyless":
            return frozenset()
        keys = frozenset(str(operation["key"]) for operation in operations)
        with self._free:
            self._free.wait_for(lambda: not keys & self._pending)
            self._pending |= keys
        return keys

    def release(self, keys: frozenset[str]) -> None:
        """Give keys back."""
        with self._free:
            self._pending -= keys
            self._free.notify_all()

    # Writing.

    def batch(self, operations: Sequence[Json]) -> list[Json]:
        """Carry out operations in one transaction, each answered under its number ``n``."""
        with self._transaction():
            return [{"n": operation["n"], **self._answer(operation)} for operation in operations]

    def _answer(self, operation: Json) -> Json:
        turn = self.count("operations")
        if self.mode == "keyless":
            return self._attempt(operation, turn)
        content = {name: value for name, value in operation.items() if name != "n"}
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        row = self._db.execute("SELECT digest, answer FROM keys WHERE key = ?", (operation["key"],)).fetchone()
        if row is not None:
            self.count("replayed")
            return _replay(json.loads(row["answer"]), same=row["digest"] == digest)
        answer = self._attempt(operation, turn)
        if answer["outcome"] == "done":
            self._db.execute("INSERT INTO keys VALUES (?, ?, ?)", (operation["key"], digest, json.dumps(answer)))
        return answer

    def _attempt(self, operation: Json, turn: int) -> Json:
        try:
            self._refuse(operation, turn)
            if operation["verb"] in ("create", "settle"):
                return self._create(operation)
            return self._change(operation)
        except Refusal as refusal:
            return refusal.answer

    def _refuse(self, operation: Json, turn: int) -> None:
        options = self.options
        if options.refuse_every and turn % options.refuse_every == 0:
            raise refused(f"This ledger refuses every {options.refuse_every}th operation.")
        record = operation["record"]
        for name in ("name", "number"):
            if options.refuse_text and options.refuse_text in str(record.get(name) or ""):
                raise refused(f"The {name} {record[name]!r} is not allowed here.")
        for name in AMOUNTS:
            if name in record and type(record[name]) is not int:
                raise refused(f"The {name} {record[name]!r} is no whole number of cents.")
        day = record.get("issue_date")
        if day and options.locked_until and day <= options.locked_until.isoformat():
            raise refused(f"The period of {day} is closed.")

    def _create(self, operation: Json) -> Json:
        kind, record, mark = operation["kind"], operation["record"], operation["mark"]
        strange = record.keys() - set(FIELDS[kind])
        if strange:
            raise refused(f"A {kind} has no {', '.join(sorted(strange))}.")
        if self.options.unique_marks:
            row = self._one("mark = ? AND kind = ? AND NOT void AND NOT deleted", mark, kind)
            if row is not None:
                return {"outcome": "exists", "id": row["id"], "version": row["version"]}
        self._stand(kind, record)
        return {"outcome": "done", "record": self.add(kind, record, mark)}

    def _stand(self, kind: str, record: Json) -> None:
        for name in {"invoice": ("client",), "payment": ("invoice",)}.get(kind, ()):
            row = self._one("id = ? AND kind = ? AND NOT void AND NOT deleted", record.get(name), name)
            if row is None:
                raise refused(f"There is no {name} {record.get(name)!r} to write a {kind} for.")

    def _change(self, operation: Json) -> Json:
        row = self._one("id = ? AND kind = ? AND NOT deleted", operation["id"], operation["kind"])
        if row is None:
            raise refused(f"There is no {operation['kind']} {operation['id']!r}.")
        if operation["version"] is not None:
            k = self.options.stale_every
            if k and self.count("guarded") % k == 0:
                self._save(row["id"], {})
                row = self._one("id = ?", row["id"])
            if str(row["version"]) != str(operation["version"]):
                raise Refusal({"outcome": "stale", "reason": f"It has version {row['version']} now."})
        return {"outcome": "done", "record": self._carry_out(operation, row)}

    def _carry_out(self, operation: Json, row: sqlite3.Row) -> Json:
        verb = operation["verb"]
        if verb == "update":
            if row["void"]:
                raise refused(f"{row['id']} is void and cannot be changed.")
            return self._save(row["id"], operation["record"])
        if verb == "archive":
            return self._save(row["id"], operation["record"], archived=1)
        if verb == "void" and self._one("owner = ? AND kind = 'payment' AND NOT void AND NOT deleted", row["id"]):
            raise refused(f"{row['id']} has a payment; void that first.")
        saved = self._save(row["id"], operation["record"], void=1)
        self._touch(saved)
        return saved

    def add(self, kind: str, body: Json, mark: str | None) -> Json:
        """Write a new record under an id of the ledger's own choosing."""
        with self._transaction():
            name = f"{PREFIX[kind]}-{1000 + 7 * self.count('ids')}"
            full = {field: body.get(field) for field in FIELDS[kind]}
            self._db.execute(
                "INSERT INTO records (id, seq, kind, mark, version, void, archived, deleted, body)"
                " VALUES (?, ?, ?, ?, 1, 0, 0, 0, '{}')",
                (name, -self.count("changes"), kind, mark),
            )
            saved = self._save(name, full, version=1)
            self._touch(saved)
            return saved

    def edit(self, name: str, body: Json, **flags: int) -> Json:
        """Change a record as somebody else would, at the ledger's own screen; ``flags``: ``void``, say."""
        with self._transaction():
            return self._save(name, body, **flags)

    def delete(self, name: str) -> None:
        """Delete a record as somebody else would; it stays in the change feed as deleted."""
        with self._transaction():
            self._save(name, {}, deleted=1)

    def _touch(self, record: Json) -> None:
        if record["kind"] == "payment" and self.options.payment_touches_invoice:
            self._save(record["fields"]["invoice"], {})

    def _save(self, name: str, body: Json, version: int | None = None, **flags: int) -> Json:
        row = self._one("id = ?", name)
        if row is None:
            raise KeyError(name)
        full = json.loads(row["body"]) | body
        if "archived_at" in body:
            flags.setdefault("archived", int(bool(body["archived_at"])))
        values = {
            "seq": self.count("changes"),
            "version": version or row["version"] + 1,
            "body": json.dumps(full),
            "owner": full.get("invoice") or full.get("client"),
            **{column: full.get(column) for column in ("number", "email", "name")},
            **flags,
        }
        names = ", ".join(f"{column} = :{column}" for column in values)
        self._db.execute(f"UPDATE records SET {names} WHERE id = :id", values | {"id": name})
        return shown(self._one("id = ?", name))

    # Reading.

    def _one(self, where: str, *values: object) -> Any:
        return self._db.execute(f"SELECT * FROM records WHERE {where} ORDER BY seq LIMIT 1", values).fetchone()

    def rows(self, where: str = "1", values: Sequence[object] = ()) -> list[Json]:
        """Read records, in the order of their last change."""
        with self._lock:
            return [shown(row) for row in self._db.execute(f"SELECT * FROM records WHERE {where} ORDER BY seq", values)]

    def empty(self) -> bool:
        """Tell whether nothing at all stands here."""
        with self._lock:
            return self._one("NOT deleted") is None

    def changes(self, since: int, page: int) -> Json:
        """Read a page (from 1) of what changed after a number; each record at its last change."""
        size = self.options.page
        with self._lock:
            last = self.counts().get("changes", 0)
            if since > last:
                raise Gone
            limit = f"seq > ? ORDER BY seq LIMIT {size + 1} OFFSET {size * (page - 1)}"
            rows = [shown(row) for row in self._db.execute(f"SELECT * FROM records WHERE {limit}", (since,))]
        return {
            "records": rows[:size],
            "more": len(rows) > size,
            "seq": last,
            "identity": self.identity,
        }

    def find(self, wanted: Sequence[Mapping[str, Any]]) -> Json:
        """Look for records by mark, id, number, e-mail and name; each hit says by which."""
        with self._lock:
            return {
                "complete": not self.options.uncertain,
                "found": [self._hits(one) for one in wanted],
            }

    def _hits(self, one: Mapping[str, Any]) -> list[Json]:
        return [
            {"how": how, "record": record}
            for how, column in SEARCHED
            if one.get(how)
            for record in self.rows(f"{column} = ? AND kind = ? AND NOT deleted", (one[how], one["kind"]))
        ]


def _replay(answer: Json, *, same: bool) -> Json:
    if same:
        return answer
    record = answer["record"]
    return {"outcome": "exists", "id": record["id"], "version": record["version"]}


def shown(row: sqlite3.Row) -> Json:
    """Show a record as the API does."""
    flags = {name: bool(row[name]) for name in ("void", "archived", "deleted")}
    plain = {name: row[name] for name in ("id", "seq", "kind", "mark", "version")}
    return {**plain, **flags, "fields": json.loads(row["body"])}
