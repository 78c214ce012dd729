"""The folder of a ledger: which files stand, whether they are as syncd left them, what the manifest says."""

from __future__ import annotations

import csv
import hashlib
import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from connectors.csv.cells import Dress, iso_date, unguard
from connectors.csv.commit import MANIFEST, Signature, read_json, sha256, signature
from connectors.csv.layout import COLUMNS, LAST, PARTS, SPLIT, Cells, File, Group, Key, Partition, Table, file_of, fits
from connectors.csv.settings import CsvSettings
from syncd.errors import Unreachable

FORMAT = 1
"""The version of the manifest's and the files' format."""
SHAPE = ("partition", "delimiter", "decimal", "encoding", "date_format")
"""The settings that shape the files."""
NOWHERE: Key = ("", "", "")
LINEAGE = 200
"""How many of its own writes a ledger remembers, to tell them from a person's."""


class Ledger:
    """One look at a folder: made anew for each reading and each write."""

    def __init__(self, folder: Path, settings: CsvSettings, digests: dict[str, tuple[Signature, str]]) -> None:
        """Look at the folder; ``digests`` remembers digests of touched files between looks."""
        self.folder = folder
        self.settings = settings
        self.manifest = _well_formed(read_json(folder / MANIFEST) or {})
        named = (file_of(path.name) for path in sorted(folder.iterdir() if folder.is_dir() else ()))
        there = [file for file in named if file]
        self._partition = self._split(there)
        self.files = {file: signature(folder / file.name) for file in there if self._is_own(file)}
        self._digests = digests
        self.shas = {file: self._sha(file, stat) for file, stat in self.files.items() if stat}

    def _split(self, there: Sequence[File]) -> Partition:
        """Tell how the files are split: as the manifest says, else as the settings do, else as most names say."""
        if "settings" in self.manifest:
            told: Partition = self.manifest["settings"]["partition"]
            return told
        wanted = self.settings.partition
        counts = {one: sum(file.table in SPLIT and fits(file, one) for file in there) for one in PARTS}
        split = wanted if counts[wanted] else max((wanted, *PARTS), key=counts.__getitem__)
        if split != wanted:
            self.manifest["settings"] = {**shape(self.settings), "partition": split}
        return split

    def _is_own(self, file: File) -> bool:
        """Tell a file of the ledger from a person's; ``Unreachable`` where one that is none has a name it needs."""
        path = self.folder / file.name
        own = fits(file, self._partition) or file.name in self.manifest.get("files", {})
        if path.is_dir() and (own or fits(file, self.settings.partition)):
            raise Unreachable(f"{path} is a folder, and syncd needs this name for a file; move it away and run again.")
        if path.is_file() and not own and fits(file, self.settings.partition):
            raise Unreachable(
                f"{path} is not one of syncd's files, and the new partition needs its name; move it away and run again."
            )
        return own and path.is_file()

    def _sha(self, file: File, stat: Signature) -> str:
        told = self.told(file)
        if told.get("stat") == stat and isinstance(told.get("sha256"), str):
            return str(told["sha256"])
        known = self._digests.get(file.name)
        if known is None or known[0] != stat:
            known = self._digests[file.name] = (stat, sha256(self.folder / file.name))
        return known[1]

    def told(self, file: File) -> dict[str, Any]:
        """Tell what the manifest says of a file."""
        told: dict[str, Any] = self.manifest.get("files", {}).get(file.name, {})
        return told

    @property
    def identity(self) -> str:
        """Name the ledger, if it has been written."""
        return str(self.manifest.get("ledger", ""))

    @property
    def token(self) -> str:
        """Digest what stands in all files."""
        names = sorted((file.name, sha) for file, sha in self.shas.items())
        return hashlib.sha256(orjson.dumps(names)).hexdigest()[:32]

    @property
    def lineage(self) -> list[str]:
        """Tell the tokens from which syncd's own writes alone led to what the manifest says."""
        return list(self.manifest.get("lineage", []))

    def untouched(self, file: File) -> bool:
        """Tell whether a file is as syncd left it."""
        return self.shas.get(file) == self.told(file).get("sha256")

    def by_hand(self, file: File) -> bool:
        """Tell whether a person's edit is in a file, now or ever; of one that is not there yet: in its table."""
        if file not in self.files:
            return any(self.by_hand(one) for one in self.files if one.table == file.table)
        return not self.untouched(file) or bool(self.told(file).get("by_hand"))

    def parts(self, table: Table) -> list[str]:
        """Name the parts of a table that stand."""
        return sorted(file.part for file in self.files if file.table == table)

    @property
    def same_dress(self) -> bool:
        """Tell whether the files were written with the settings of now."""
        return not self.manifest.get("settings") or self.manifest["settings"] == shape(self.settings)

    @property
    def missing(self) -> set[File]:
        """Name the files that should stand and do not: of the manifest, or of a part of which some stand."""
        told = {file for name in self.manifest.get("files", {}) if (file := file_of(name))}
        parts = {file.part for file in self.files if file.table in SPLIT}
        told |= {File(table, part) for table in SPLIT for part in parts} | {File("clients", "")}
        if not parts:
            told |= {File(table, "") for table in SPLIT}
        return told - set(self.files)


def shape(settings: CsvSettings) -> dict[str, str]:
    """Tell the settings that shape the files."""
    return {name: getattr(settings, name) for name in SHAPE}


def _well_formed(manifest: dict[str, Any]) -> dict[str, Any]:
    """Take of a manifest what has the right form; the rest is as if it were not there."""
    right: dict[str, Any] = {}
    if isinstance(ledger := manifest.get("ledger"), str):
        right["ledger"] = ledger
    if isinstance(files := manifest.get("files"), dict):
        right["files"] = {name: told for name, told in files.items() if isinstance(told, dict)}
    if isinstance(lineage := manifest.get("lineage"), list):
        right["lineage"] = [token for token in lineage if isinstance(token, str)]
    if _are_settings(settings := manifest.get("settings")):
        right["settings"] = settings
    return right


def _are_settings(told: object) -> bool:
    """Tell whether files can be written with the settings that a manifest says they were."""
    if not isinstance(told, dict) or not set(SHAPE) <= told.keys():
        return False
    try:
        CsvSettings.model_validate({name: told[name] for name in SHAPE})
    except ValueError:
        return False
    return True


class Plain:
    """Files that nobody but syncd ever wrote, as streams of groups: there is nothing to sort, pair or understand."""

    def __init__(self, folder: Path, dress: Dress, names: Mapping[File, str]) -> None:
        """Read files of this folder, all in this dress, each under the name it has now."""
        self._folder = folder
        self._dress = dress
        self._names = names
        self.files = frozenset(names)
        self.extras: dict[Table, list[str]] = {}
        self.lost: dict[File, frozenset[str]] = {}

    def groups(self, table: Table, part: str) -> Iterator[Group]:
        """Stream the rows of one file, record by record, in the order of their keys."""
        file = File(table, part)
        if file not in self.files:
            return
        rows = read_rows(self._folder / self._names[file], self._dress, table)
        if table == "clients":
            for row in rows:
                owner = unguard(row[0])
                yield Group((unguard(row[1]), owner, ""), owner, [row])
        elif table == "invoices":
            for row in rows:
                owner = unguard(row[0])
                yield Group(self._key(row), owner, [row])
        else:
            yield from self._dependents(rows, part)

    def _key(self, row: Cells) -> Key:
        day = row[9]
        if day and self._dress.date_format != "%Y-%m-%d":
            day = iso_date(day, self._dress.date_format) or day
        return day, unguard(row[1]), unguard(row[0])

    def _dependents(self, rows: Iterator[Cells], part: str) -> Iterator[Group]:
        """Rows that belong to invoices stand in the invoices' order, so both files are walked side by side."""
        invoices, reached = self.groups("invoices", part), NOWHERE
        for cell, group in itertools.groupby(rows, key=lambda row: row[0]):
            owner = unguard(cell)
            key = next((invoice.key for invoice in invoices if invoice.owner == owner), None)
            if key is None:  # its invoice does not stand, so the walk came to its end: begin again where it was
                key, last = (LAST, "", owner), reached
                invoices = (one for one in self.groups("invoices", part) if one.key > last)
            else:
                reached = key
            yield Group(key, owner, list(group))


def read_rows(path: Path, dress: Dress, table: Table) -> Iterator[Cells]:
    """Stream the rows of a file that syncd wrote, without the header."""
    csv.field_size_limit(sys.maxsize)
    try:
        with path.open(encoding=dress.encoding, newline="") as file:
            reader = csv.reader(file, delimiter=dress.delimiter)
            header = next(reader, [])
            if header != list(COLUMNS[table]):
                raise Unreachable(
                    f"{path} has other columns than its manifest says; delete {path.parent / MANIFEST} and run again."
                )
            yield from reader
    except (OSError, UnicodeError, csv.Error) as error:
        raise Unreachable(f"{path} cannot be read: {error}.") from error
