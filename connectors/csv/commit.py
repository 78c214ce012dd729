"""A set of files put in place as one.

First the temporary files, then the pending manifest, the renames, and the manifest last.

Whatever moment a process or machine stops at, what is left is the old set, the new set, or a pending manifest from
which ``complete`` makes the new one. Nobody ever sees half a file.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
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

    def __init__(self, target: Path, encoding: str, stage: str) -> None:
        """Begin an empty temporary file."""
        self.target = target
        self.temporary = target.with_name(f".{target.name}.{os.getpid()}-{stage}{TEMPORARY}")
        self.rows = 0
        self.before = signature(target)
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


def commit(folder: Path, files: list[dict[str, Any]], removed: list[str], manifest: dict[str, Any]) -> None:
    """Put a finished set in place: from here on it will be complete, now or when ``complete`` is called.

    Raises ``OSError`` with no pending manifest left where nothing was done.
    """
    pending = {"files": files, "removed": removed, "manifest": manifest}
    _write(folder / PENDING, pending)
    _put_in_place(folder, pending)


def _put_in_place(folder: Path, pending: dict[str, Any]) -> None:
    manifest = pending["manifest"]
    for file in pending["files"]:
        temporary = folder / file["temporary"]
        if temporary.exists():
            os.replace(temporary, folder / file["name"])  # noqa: PTH105 -- a seam that tests stop at
    for name in pending["removed"]:
        (folder / name).unlink(missing_ok=True)
        manifest["files"].pop(name, None)
    fsync_folder(folder)
    for file in pending["files"]:
        if "kept" in file:
            continue
        told = manifest["files"].setdefault(file["name"], {})
        told |= {"rows": file["rows"], "sha256": file["sha256"], "stat": signature(folder / file["name"])}
    _write(folder / MANIFEST, manifest)
    (folder / PENDING).unlink(missing_ok=True)


def complete(folder: Path) -> bool:
    """Complete a set that a crash left incomplete, or throw its leftovers away; tell whether one was completed.

    A file that a person changed meanwhile is kept as it is, and the manifest does not vouch for it.
    """
    pending = read_json(folder / PENDING)
    whole = pending is not None and all(_whole(folder, file) for file in pending["files"])
    if pending is not None and whole:
        for file in pending["files"]:
            temporary = folder / file["temporary"]
            if temporary.exists() and signature(folder / file["name"]) != file["before"]:
                temporary.unlink()
                file["kept"] = True
        _put_in_place(folder, pending)
    for path in leftovers(folder):
        path.unlink(missing_ok=True)
    return whole


def incomplete(folder: Path) -> bool:
    """Tell whether a crash left something behind."""
    return (folder / PENDING).exists() or any(leftovers(folder))


def leftovers(folder: Path) -> Iterator[Path]:
    """Name what an interrupted write left: temporary files, and a pending manifest that was never finished."""
    for path in list(folder.iterdir() if folder.is_dir() else ()):
        if (
            path.name.startswith(".")
            and path.name.endswith(TEMPORARY)
            and (".csv." in path.name or ".syncd." in path.name)
        ):
            yield path
    if (folder / PENDING).exists():
        yield folder / PENDING


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
