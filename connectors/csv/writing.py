"""One write to a ledger: under the lock, by the way its state asks for, put in place as one set."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from connectors.csv import commit
from connectors.csv.files import NewFiles
from connectors.csv.first import first_load
from connectors.csv.holding import unheld
from connectors.csv.layout import SPLIT, File
from connectors.csv.ledger import FORMAT, LINEAGE, Ledger, Plain, shape
from connectors.csv.merging import SCHEMA, Merging
from connectors.csv.outcomes import Outcomes
from connectors.csv.rows import Writer
from connectors.csv.settings import CsvSettings
from connectors.csv.standing import source_of
from connectors.csv.temporary import database
from syncd.connector import Entry
from syncd.errors import NotSent, Unreachable


class Writing:
    """One write to the ledger in one folder."""

    def __init__(
        self, folder: Path, settings: CsvSettings, scratch: Path, identity: str, digests: dict[str, Any]
    ) -> None:
        """Write into this folder; a ledger begun anew is called ``identity``."""
        self._folder = folder
        self._settings = settings
        self._scratch = scratch
        self._identity = identity
        self._digests = digests

    @contextmanager
    def write(self, entries: Iterable[Entry]) -> Iterator[Outcomes]:
        """Carry out the entries; give their outcomes once all is in place."""
        outcomes = None
        try:
            with commit.lock(self._folder):
                if commit.incomplete(self._folder):
                    commit.complete(self._folder)
                outcomes = Outcomes(self._scratch)
                self._carry_out(entries, outcomes)
            yield outcomes
        except OSError as error:
            if (self._folder / commit.PENDING).exists():
                raise Unreachable(
                    f"The files in {self._folder} could not all be put in place: {_why(error)}."
                ) from error
            raise NotSent(f"Nothing was written to {self._folder}: {_why(error)}.") from error
        except UnicodeEncodeError as error:
            ledger = Ledger(self._folder, self._settings, self._digests)
            raise NotSent(f"Nothing was written to {self._folder}: {unheld(ledger) or _unheld(error)}") from error
        finally:
            if outcomes is not None:
                outcomes.close()

    def _carry_out(self, entries: Iterable[Entry], outcomes: Outcomes) -> None:
        ledger = Ledger(self._folder, self._settings, self._digests)
        files: list[NewFiles] = []
        try:
            removed = self._fill(ledger, entries, outcomes, files)
            self._put_in_place(ledger, files[-1], removed)
        finally:
            if not (self._folder / commit.PENDING).exists():  # else they are yet to be put in place
                for one in files:
                    one.discard()

    def _fill(self, ledger: Ledger, entries: Iterable[Entry], outcomes: Outcomes, stages: list[NewFiles]) -> list[File]:
        """Write the new files, in stages of which the last counts; name the files that belong to it no more."""
        settings = self._settings
        writer = Writer(settings.dress)
        standing = {file: file.name for file in ledger.files}
        if not ledger.files:
            first = NewFiles(self._folder, settings.dress, ledger.files)
            stages.append(first)
            entries = first_load(entries, first, writer, settings.partition, outcomes)
            first.finish()
            following = next(iter(entries), None)
            if following is None:
                self._begin_missing(first, set(first.finished))
                return []
            entries = _chain(following, entries)
            standing = {file: told["temporary"] for file, told in first.finished.items()}
        return self._merge(ledger, standing, entries, outcomes, stages, writer)

    def _merge(
        self,
        ledger: Ledger,
        standing: dict[File, str],
        entries: Iterable[Entry],
        outcomes: Outcomes,
        stages: list[NewFiles],
        writer: Writer,
    ) -> list[File]:
        settings = self._settings
        with source_of(ledger, standing, self._scratch) as source, database(self._scratch, SCHEMA) as db:
            merging = Merging(source, source.files, writer, settings.partition, db)
            needs = merging.collect(entries, everywhere=not isinstance(source, Plain))
            merging.apply(outcomes)
            if not merging.dirty and not stages:
                stages.append(NewFiles(self._folder, settings.dress, ledger.files))
                return []
            if stages or not ledger.same_dress:
                merging.dirty |= set(source.files)
            files = NewFiles(self._folder, settings.dress, ledger.files, str(len(stages) + 1))
            stages.append(files)
            merging.write(files, needs)
            self._begin_missing(files, set(files.finished) | set(source.files))
            gone = set(ledger.files) - set(source.files) - set(files.finished)
            return sorted(gone) if not ledger.same_dress else []

    def _begin_missing(self, files: NewFiles, standing: set[File]) -> None:
        """Begin the files that a part lacks, so that all tables of a part stand together."""
        split = self._settings.partition != "none"
        parts = {file.part for file in standing if file.table != "clients"} or (set() if split else {""})
        for file in {File(table, part) for table in SPLIT for part in parts} | {File("clients", "")}:
            if file not in standing:
                files.begin(file)
        files.finish()

    def _put_in_place(self, ledger: Ledger, files: NewFiles, removed: list[File]) -> None:
        if not files.finished and not removed:
            return
        told = {name: one for name, one in ledger.manifest.get("files", {}).items() if isinstance(one, dict)}
        for file in files.finished:
            by_hand = (file in ledger.files or not ledger.same_dress) and ledger.by_hand(file)
            told[file.name] = {**told.get(file.name, {}), "by_hand": by_hand}
        token = ledger.token
        clean = all(ledger.untouched(file) for file in ledger.files)
        manifest = {
            "format": FORMAT,
            "ledger": ledger.identity or self._identity,
            "settings": shape(self._settings),
            "lineage": [*(ledger.lineage if clean else []), token][-LINEAGE:],
            "files": told,
        }
        gone = {file.name: ledger.files[file] for file in removed}
        commit.commit(self._folder, list(files.finished.values()), gone, manifest)


def _chain(first: Entry, rest: Iterable[Entry]) -> Iterator[Entry]:
    yield first
    yield from rest


def _unheld(error: UnicodeEncodeError) -> str:
    character = f"{error.object[error.start]!r} (U+{ord(error.object[error.start]):04X})"
    return f'a text to be written holds {character}, which {error.encoding} cannot hold; set encoding = "utf-8".'


def _why(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full; make room and run again"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "it may not be written; give the user of syncd the right to write there"
    return f"{error.strerror or error}"
