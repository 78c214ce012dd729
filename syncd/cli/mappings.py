"""`syncd mappings`: list, export and import the bindings."""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.markup import escape
from sqlalchemy.engine import Connection

from syncd.cli import console
from syncd.cli.opening import engine, targets_of
from syncd.engine import Engine
from syncd.errors import UsageError
from syncd.model import Kind
from syncd.state import bindings, runs, work

NEEDED = ("target", "kind", "id", "external_id")
COLUMNS = ("target", "kind", "id", "external_id", "version", "state")


def list_mappings(config: Path | None, target: str | None, *, json: bool) -> int:
    """List bindings."""
    with engine(config, lock=False) as parts, parts.store.read() as connection:
        if target is not None:
            targets_of(parts.settings, [target])
        rows = [tuple(str(cell or "") for cell in row) for row in bindings.listed(connection, target)]
    if json:
        console.print_json("syncd.mappings/1", {"mappings": [dict(zip(COLUMNS, row, strict=True)) for row in rows]})
    else:
        console.table(COLUMNS, rows)
    return 0


def export_mappings(config: Path | None, file: Path | None) -> int:
    """Write bindings as CSV."""
    with engine(config, lock=False) as parts, parts.store.read() as connection:
        rows = [row for row in bindings.listed(connection, None) if _binds(dict(zip(COLUMNS, row, strict=True)))]
    if file is None:
        csv.writer(sys.stdout, lineterminator="\n").writerows([COLUMNS, *rows])
    else:
        try:
            with file.open("w", newline="", encoding="utf-8") as out:
                csv.writer(out, lineterminator="\n").writerows([COLUMNS, *rows])
        except OSError as error:
            raise UsageError(f"{file} cannot be written: {error.strerror}. Name another file.") from error
        console.say(f"{len(rows)} mapping(s) written to {escape(str(file))}.")
    return 0


def import_mappings(config: Path | None, file: Path) -> int:
    """Read bindings from CSV; what stands is left alone, what contradicts it is an error and nothing is imported."""
    lines = _read(file)
    rows = list(lines.values())
    with engine(config, lock=False) as parts:
        for line, row in lines.items():
            if row["target"] not in parts.settings.targets or row["kind"] not in ("client", "invoice", "payment"):
                raise _wrong(file, line, f"there is no target {row['target']!r} or kind {row['kind']!r}")
        with parts.store.write() as connection:
            fault = _unknown(parts, connection, rows) or bindings.clash(connection, rows)
            added = 0 if fault else bindings.add_links(connection, rows)
        if fault is not None:
            raise _wrong(file, list(lines)[fault[0]], fault[1])
    console.say(f"{added} mapping(s) imported; {len(rows) - added} stood already.")
    return 0


def _unknown(parts: Engine, connection: Connection, rows: Sequence[Mapping[str, str]]) -> tuple[int, str] | None:
    """Say which row (its place) binds a record that its source does not have; one never read may have any."""
    known: dict[tuple[str, Kind], set[str] | None] = {}
    for place, row in enumerate(rows):
        source = parts.settings.targets[row["target"]].source
        kind: Kind = "client" if row["kind"] == "client" else "invoice"
        if (source, kind) not in known:
            read = runs.last_pull(connection, source) is not None
            known[source, kind] = set(work.ids(connection, source, kind)) if read else None
        ids = known[source, kind]
        if ids is not None and row["id"] not in ids:
            return place, f"source {source} has no {kind} {row['id']}, as it was last read (`syncd run` reads it again)"
    return None


def _binds(row: Mapping[str, str | None]) -> bool:
    """Tell whether a row binds a record, and is not what is remembered of one that syncd took back."""
    return bool(row["external_id"]) and row.get("state") != "void"


def _read(file: Path) -> dict[int, dict[str, str]]:
    """Read the rows of the file by line; ``UsageError`` with the line where it cannot be used."""
    rows: dict[int, dict[str, str]] = {}
    known: dict[tuple[str, ...], int] = {}
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            if not set(NEEDED) <= set(reader.fieldnames or ()):
                raise UsageError(f"{file}: the header row must name {', '.join(NEEDED)}. Nothing was imported.")
            for row in reader:
                line = reader.line_num
                if row.get("state") == "void":
                    continue
                if None in row or any(not row.get(name) for name in NEEDED):
                    raise _wrong(file, line, f"it must have {', '.join(NEEDED)} and no more cells than the header")
                key = tuple(row[name] for name in NEEDED[:3])
                if known.setdefault(key, line) != line:
                    raise _wrong(file, line, f"it binds {row['kind']} {row['id']} a second time")
                rows[line] = row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{file} cannot be read as CSV in UTF-8: {error}. Nothing was imported.") from error
    return rows


def _wrong(file: Path, line: int, what: str) -> UsageError:
    return UsageError(f"{file}, line {line}: {what}. Nothing was imported.")
