"""The connector to a CSV ledger: the contract, put on the folder, the merging and the reading."""

from __future__ import annotations

import itertools
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import orjson
from pydantic import BaseModel

from connectors.csv import commit
from connectors.csv.dressed import dressed
from connectors.csv.holding import unheld
from connectors.csv.ledger import Ledger
from connectors.csv.reading import found, pages
from connectors.csv.rows import unwritable, writable
from connectors.csv.settings import CsvSettings
from connectors.csv.writing import Writing
from syncd.connector import (
    FIELDS,
    Books,
    Capabilities,
    Content,
    Context,
    Entry,
    Found,
    Operation,
    Outcome,
    Page,
    Rejected,
    Scalar,
    Wanted,
)
from syncd.errors import NotSent, Unreachable

CAPABILITIES = Capabilities(
    contract=1,
    fields={
        "client": frozenset(FIELDS["client"]),
        "invoice": frozenset(FIELDS["invoice"]) - {"notes", "pdf"},
        "payment": frozenset(FIELDS["payment"]) - {"issue_date"},
    },
    verbs=frozenset({"create", "adopt", "update", "settle", "unsettle", "void", "archive"}),
    picture=True,
    batch=None,
    replay_safe=True,
)


class CsvConnector:
    """A CSV ledger as a target (DESIGN section 9)."""

    Settings: ClassVar[type[BaseModel]] = CsvSettings
    capabilities = CAPABILITIES

    def __init__(self, settings: CsvSettings, context: Context) -> None:
        """Take the settings; nothing is opened."""
        self._settings = settings
        self._context = context
        self._folder = Path(os.path.realpath(context.folder / settings.path))
        self._digests: dict[str, Any] = {}
        self._identity = ""

    @property
    def place(self) -> str:
        """Name the folder by its real path."""
        return str(self._folder)

    def open(self) -> Books:
        """Look at the folder, complete what a crash left incomplete; ``Unreachable`` where it cannot be used."""
        there = self._folder if self._folder.exists() else self._folder.parent
        if not there.is_dir():
            raise Unreachable(f"{there} is not a folder; make it, or mend path.")
        try:
            self._complete()
            ledger = self._ledger()
            findings = tuple(self._findings(there, ledger))
        except OSError as error:
            remedy = "Give the user of syncd the right" if isinstance(error, PermissionError) else "Move it away"
            raise Unreachable(
                f"{error.filename or self._folder} cannot be read: {error.strerror}. {remedy}."
            ) from error
        self._identity = ledger.identity or self._own_identity()
        return Books(
            company=self._folder.name,
            where=str(self._folder),
            identity=self._identity,
            empty=not ledger.files,
            token=ledger.token,
            findings=findings,
            details={"path": str(self._folder), "files": len(ledger.files)},
        )

    def _findings(self, there: Path, ledger: Ledger) -> Iterator[str]:
        """Tell what stands in the way of writing, and what a person should look at."""
        if not os.access(there, os.W_OK | os.X_OK):
            yield f"{there} cannot be written; give the user of syncd the right to (chmod u+w, chown)."
        if cell := unheld(ledger):
            yield f"Nothing can be written to {self._folder}: {cell}"
        for path in commit.set_aside(self._folder):
            yield (
                f"{path} holds a file that somebody edited while syncd rebuilt the ledger; "
                f"carry over by hand what was changed, and delete it."
            )

    def _make_folder(self) -> None:
        try:
            self._folder.mkdir(exist_ok=True)
        except OSError as error:
            told = f"{self._folder} cannot be made: {error.strerror}. Make it, or mend path."
            raise NotSent(told) from error

    def _complete(self) -> None:
        """Complete an interrupted write, unless somebody is still at it."""
        if not commit.incomplete(self._folder):
            return
        try:
            with commit.lock(self._folder):
                if commit.complete(self._folder):
                    self._context.log.info("completed an interrupted write", folder=str(self._folder))
        except NotSent:
            return
        except OSError as error:
            raise Unreachable(
                f"An interrupted write to {self._folder} cannot be completed: {error.strerror}. "
                f"Make room there or give the right to write."
            ) from error

    def _own_identity(self) -> str:
        """Name a ledger that has no manifest yet, always the same."""
        identity = self._context.tokens.get("ledger")
        if not identity:
            identity = secrets.token_hex(16)
            self._context.tokens.put("ledger", identity)
        return identity

    def _ledger(self) -> Ledger:
        return Ledger(self._folder, self._settings, self._digests)

    def changes(self, since: str | None) -> Iterator[Page]:
        """Stream all that stands if anybody but syncd touched it since the token; else only the token for next time."""
        yield from pages(self._ledger(), since, self._context.scratch)

    def find(self, wanted: Iterable[Wanted]) -> Iterator[Found]:
        """Answer for each wanted record which rows stand for it: by its id, or by number, e-mail or name."""
        ledger = self._ledger()
        if not ledger.files:
            return (Found(one.kind, one.id) for one in wanted)
        return found(ledger, wanted, self._context.scratch)

    def render(self, operation: Operation, books: Books) -> bytes | Rejected:
        """Write a content, or the changes of one, as JSON."""
        del books
        if operation.verb in ("create", "settle"):
            return self._written(operation.content)
        changes = {path: [before, after] for path, (before, after) in sorted(operation.changes.items())}
        after = {path: value for path, (_, value) in operation.changes.items()}
        if isinstance(rejected := self._written(after), Rejected):
            return rejected
        content = operation.content
        day = (
            content.get("issue_date") if operation.kind == "invoice" else None
        )  # a payment's row moves with its invoice
        payload = {
            "changes": changes,
            "number": content.get("number"),
            "issue_date": list(operation.changes.get("issue_date", (day, day))) if day else None,
        }
        return orjson.dumps(payload)

    def _written(self, content: Content) -> bytes | Rejected:
        """Give a content as JSON, if a file in the encoding of the ledger can hold all of it."""
        encoding = self._settings.encoding
        if (whole := writable(content, encoding)) is not None:
            return whole
        if bad := unwritable(content, encoding):
            return self._unencodable(*bad)
        try:
            return orjson.dumps(content)
        except orjson.JSONEncodeError as error:
            return Rejected(f"This record cannot be written: {error}.", "unencodable")

    def _unencodable(self, field: str, character: str) -> Rejected:
        name = "NUL" if character == "\0" else f"{character!r} (U+{ord(character):04X})"
        remedy = (
            "take it out at the source"
            if character == "\0" or "\ud800" <= character <= "\udfff"
            else 'set encoding = "utf-8"'
        )
        return Rejected(
            f"{field} holds {name}, which {self._settings.encoding} files cannot hold; {remedy}.", "unencodable"
        )

    def write(self, entries: Iterable[Entry]) -> Iterator[tuple[int, Outcome]]:
        """Put all entries in place at once, or none of them (``NotSent``)."""
        entries = iter(entries)
        first = next(entries, None)
        if first is None:
            return
        self._make_folder()
        identity = self._identity or self._ledger().identity or self._own_identity()
        writing = Writing(self._folder, self._settings, self._context.scratch, identity, self._digests)
        with writing.write(itertools.chain([first], entries)) as outcomes:
            yield from outcomes

    def dressed(self, path: str, expected: Scalar, found: Scalar) -> bool:
        """Tell whether a text was taken for a number by a spreadsheet, and saved as one."""
        return dressed(path, expected, found)

    def close(self) -> None:
        """Nothing is kept open."""
