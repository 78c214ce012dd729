"""A set of files put in place as one.

First the temporary files, then the pending manifest, the renames, and the manifest last.

Whatever moment a process or machine stops at, what is left is the old set, the new set, or a pending manifest from
which ``complete`` makes the new one. Nobody ever sees half a file. Files that replace none are put in place first:
until one of the old set is replaced or removed, it stands, and it is what stays where a person changed it since.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from syncd.errors import NotSent

MANIFEST = ".syncd.json"
PENDING = ".syncd.pending.json"
LOCK = ".syncd.lock"
TEMPORARY = ".tmp"

Signature = list[int]
"""Size, mtime and ctime in nanoseconds, inode: what changes whenever a file does."""


def signature(path: Path) -> Signature | None:
    """Take a file's signature, or ``None`` where there is no file."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return [stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_ctime_ns]


def sha256(path: Path) -> str:
    """Digest a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path: Path) -> dict[str, Any] | None:
    """Read a manifest; ``None`` where there is none or it is none."""
    try:
        value = orjson.loads(path.read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return None
    return value if isinstance(value, dict) else None


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Keep every other syncd from writing this folder; ``NotSent`` where one is at it."""
    with (folder / LOCK).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotSent(
                f"Another syncd is writing to {folder}; only one may. Stop the other, or give it a folder of its own."
            ) from None
        yield


class Digesting(io.RawIOBase):
    """A file that is digested as it is written."""

    def __init__(self, file: BinaryIO) -> None:
        """Write to this file."""
        super().__init__()
        self._file = file
        self.sha = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        """It is for writing."""
        return True

    def write(self, data: Any) -> int:
        """Write all of it, or raise."""
        self._file.write(data)
        self.sha.update(data)
        self.size += len(data)
        return len(data)


class NewFile:
    """One file of a set, written beside the one it will replace."""

    def __init__(self, target: Path, encoding: str, stage: str, before: Signature | None) -> None:
        """Begin an empty temporary file; ``before`` is the target's signature from before anything of it was read."""
        self.target = target
        self.temporary = target.with_name(f".{target.name}.{os.getpid()}-{stage}{TEMPORARY}")
        self.rows = 0
        self.before = before
        self._binary = self.temporary.open("wb", buffering=0)
        self._digesting = Digesting(self._binary)
        buffered = io.BufferedWriter(self._digesting, 1 << 18)
        self.text = io.TextIOWrapper(buffered, encoding, newline="", write_through=False)

    def finish(self) -> dict[str, Any]:
        """Bring it to the disk with the mode and owner of the file it replaces; give its pending entry."""
        self.text.flush()
        with suppress(FileNotFoundError):
            stat = self.target.stat()
            os.fchmod(self._binary.fileno(), stat.st_mode & 0o7777)
            with suppress(PermissionError):
                os.fchown(self._binary.fileno(), stat.st_uid, stat.st_gid)
        os.fsync(self._binary.fileno())
        self.close()
        return {
            "name": self.target.name,
            "temporary": self.temporary.name,
            "sha256": self._digesting.sha.hexdigest(),
            "rows": self.rows,
            "before": self.before,
        }

    def close(self) -> None:
        """Let go of it, whatever state it is in."""
        with suppress(OSError, ValueError):
            self.text.close()
        self._binary.close()


def commit(
    folder: Path, files: list[dict[str, Any]], removed: dict[str, Signature | None], manifest: dict[str, Any]
) -> None:
    """Put a finished set in place: from here on it will be complete, now or when ``complete`` is called.

    ``removed`` gives the files that go, with their signatures from before they were read. Raises ``NotSent`` where
    somebody changed a file since, and ``OSError`` with no pending manifest left where nothing was done.
    """
    files = sorted(files, key=lambda file: file["before"] is not None)
    pending = {"files": files, "removed": removed, "manifest": manifest}
    _write(folder / PENDING, pending)
    if changed := _changed(folder, pending):
        (folder / PENDING).unlink()
        raise NotSent(
            f"{folder / changed} was changed while syncd was writing; nothing was written. It is tried again."
        )
    _put_in_place(folder, pending)


def _changed(folder: Path, pending: dict[str, Any]) -> str | None:
    """Name a file yet to be replaced or removed that somebody changed since it was read."""
    for file in pending["files"]:
        if (folder / file["temporary"]).exists() and signature(folder / file["name"]) != file["before"]:
            return str(file["name"])
    for name, before in pending["removed"].items():
        if signature(folder / name) not in (before, None):
            return str(name)
    return None


def _put_in_place(folder: Path, pending: dict[str, Any]) -> None:
    told, placed = pending["manifest"]["files"], {}
    for file in pending["files"]:
        temporary = folder / file["temporary"]
        if stat := signature(temporary):
            os.replace(temporary, folder / file["name"])  # noqa: PTH105 -- a seam that tests stop at
            placed[file["name"]] = stat
    for name, before in pending["removed"].items():
        _take_away(folder / name, ours=signature(folder / name) == before)
        told.pop(name, None)
    fsync_folder(folder)
    for file in pending["files"]:
        path = folder / file["name"]
        stat = signature(path)
        if _is_ours(path, file["sha256"], stat, placed.get(file["name"])):
            told.setdefault(file["name"], {}).update(rows=file["rows"], sha256=file["sha256"], stat=stat)
        else:
            told[file["name"]] = {"by_hand": True}
    _write(folder / MANIFEST, pending["manifest"])
    (folder / PENDING).unlink(missing_ok=True)


def _is_ours(path: Path, sha: str, stat: Signature | None, placed: Signature | None) -> bool:
    """Tell whether a file is what was put in place; ``placed`` is its signature from before the rename, if known."""
    if stat is None:
        return False
    return (placed is not None and stat[:3] == placed[:3]) or sha256(path) == sha


def _take_away(path: Path, *, ours: bool) -> None:
    """Remove a file, or set it aside under another name where a person's edit is in it."""
    if ours or not path.exists():
        path.unlink(missing_ok=True)
        return
    names = (path.with_name(f"{path.stem}.edited-{n}.csv") for n in itertools.count(1))
    path.rename(next(name for name in names if not name.exists()))


def complete(folder: Path) -> bool:
    """Complete a set that a crash left incomplete, or throw its leftovers away; tell whether one was completed.

    Where a person changed a file meanwhile, the old set stays if it still stands; else their file is kept as it is, and
    the manifest does not vouch for it.
    """
    pending = _read_pending(folder)
    whole = pending is not None and all(_whole(folder, file) for file in pending["files"])
    if pending is not None and _old_set_stands(folder, pending) and _changed(folder, pending):
        _take_back(folder, pending)
        whole = False
    elif pending is not None and whole:
        for file in pending["files"]:
            if signature(folder / file["name"]) != file["before"]:
                (folder / file["temporary"]).unlink(missing_ok=True)
        _put_in_place(folder, pending)
    for path in leftovers(folder):
        path.unlink(missing_ok=True)
    return whole


def _read_pending(folder: Path) -> dict[str, Any] | None:
    """Read what was to be put in place; ``None`` where that is nothing, or not as ``commit`` writes it."""
    match read_json(folder / PENDING):
        case {"files": [*files], "removed": {**removed}, "manifest": {"files": {**told}} as manifest}:
            right = all(map(_is_new, files)) and all(map(_is_name, removed))
            if right and all(isinstance(one, dict) for one in told.values()):
                return {"files": files, "removed": removed, "manifest": manifest}
    return None


def _is_new(file: object) -> bool:
    match file:
        case {"name": name, "temporary": temporary, "sha256": str(), "rows": int(), "before": None | [*_]}:
            return _is_name(name) and _is_name(temporary)
    return False


def _is_name(text: object) -> bool:
    """Tell the name of a file within the folder from a path that leads elsewhere."""
    return isinstance(text, str) and "/" not in text and bool(text.strip("."))


def _old_set_stands(folder: Path, pending: dict[str, Any]) -> bool:
    replaced = (folder / file["temporary"] for file in pending["files"] if file["before"] is not None)
    return all(path.exists() for path in (*replaced, *(folder / name for name in pending["removed"])))


def _take_back(folder: Path, pending: dict[str, Any]) -> None:
    """Take back the new files that were put in place already, and give the set up."""
    for file in pending["files"]:
        path = folder / file["name"]
        if not (folder / file["temporary"]).exists() and path.exists():
            _take_away(path, ours=sha256(path) == file["sha256"])
    fsync_folder(folder)
    (folder / PENDING).unlink()


def set_aside(folder: Path) -> list[Path]:
    """Name the files that hold a person's edit to a file that had to go."""
    return sorted(folder.glob("*.edited-*.csv"))


def incomplete(folder: Path) -> bool:
    """Tell whether a crash left something behind."""
    return (folder / PENDING).exists() or any(leftovers(folder))


def leftovers(folder: Path) -> Iterator[Path]:
    """Name what an interrupted write left: a pending manifest that was never finished, and the temporary files.

    The pending manifest comes first: without it no half of the temporary files is ever taken for a whole set.
    """
    if (folder / PENDING).exists():
        yield folder / PENDING
    for path in list(folder.iterdir() if folder.is_dir() else ()):
        if (
            path.name.startswith(".")
            and path.name.endswith(TEMPORARY)
            and (".csv." in path.name or ".syncd." in path.name)
        ):
            yield path


def _whole(folder: Path, file: dict[str, Any]) -> bool:
    temporary, target = folder / file["temporary"], folder / file["name"]
    if temporary.exists():
        return bool(sha256(temporary) == file["sha256"])
    return bool(target.exists())


def fsync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write(path: Path, value: dict[str, Any]) -> None:
    """Write a small file whole or not at all."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}{TEMPORARY}")
    try:
        with temporary.open("wb") as file:
            file.write(orjson.dumps(value, option=orjson.OPT_INDENT_2))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105 -- a seam that tests stop at
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    fsync_folder(path.parent)
