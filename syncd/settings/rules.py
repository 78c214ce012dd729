"""The rules that no schema can hold: of the file itself, and between sections."""

from __future__ import annotations

import os
import re
import shlex
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import structlog

from syncd.addresses import address
from syncd.connector import Context
from syncd.registry import Installed, contract_fault
from syncd.settings.faults import Faults, did_you_mean, nearest
from syncd.settings.lines import Path as KeyPath
from syncd.settings.partial import Lacking, is_whole
from syncd.settings.values import reference


@dataclass(frozen=True, slots=True)
class PartialTarget:
    """A target as far as it can be read; ``keys``, and ``settings`` of its connector, may be partial or ``None``."""

    name: str
    raw: Mapping[str, Any]
    source: str | None
    installed: Installed | None
    keys: Any
    settings: Any

    @property
    def connector(self) -> Any:
        """The connector's class, where it is known."""
        return self.installed.connector if self.installed else None

    def says(self, key: str) -> Any:
        """Give the value of a key that every target has, or ``None`` where it is not known."""
        try:
            return getattr(self.keys, key, None)
        except Lacking:
            return None


def sections(
    tree: dict[str, Any], faults: Faults, known: Mapping[str, str], name: re.Pattern[str]
) -> frozenset[KeyPath]:
    """Keep only sections that are some, with names that can be used; the others are faults.

    A section with a misspelt name is kept under the name that is near, so that what stands in it is judged too. Given
    are those that came beside others so: no other is judged by them, for they may not be meant to be there.
    """
    written = {key if key in known else nearest(key, known) for key in tree}
    beside: set[KeyPath] = set()
    for key in list(tree):
        if key not in known:
            there = ", ".join(known.values())
            faults.add((key,), f"is no section; there are {there}{did_you_mean(key, known)}")
            beside |= _move(tree, key, nearest(key, known), faults)
        elif not isinstance(tree[key], dict):
            faults.add((key,), f"should be a section: {known[key]}.")
            del tree[key]
    for kind in ("source", "target"):
        if kind not in written:
            faults.add((kind,), f"is missing: there is no [{kind}.NAME] section.")
        elif tree.get(kind) == {}:
            faults.add((kind,), f"is empty: there is no [{kind}.NAME] section.")
        for key, value in list(tree.get(kind, {}).items()):
            if not isinstance(value, dict):
                faults.add((kind, key), f"stands in no section; name it, as in [{kind}.main].")
            elif not name.fullmatch(key):
                faults.add((kind, key), "should have a name of letters, digits, - and _.")
            else:
                continue
            del tree[kind][key]
    return frozenset(beside)


def _move(tree: dict[str, Any], key: str, near: str | None, faults: Faults) -> set[KeyPath]:
    """Put what stands in a misspelt section into the one that is near, unless that says the same key itself.

    Give what came beside something.
    """
    moved = tree.pop(key)
    if near is None or not isinstance(moved, dict) or not isinstance(tree.get(near, {}), dict):
        return set()
    beside: set[KeyPath] = {(near, name) for name in moved if near in tree and name not in tree[near]}
    tree[near] = {**moved, **tree.get(near, {})}
    for path, line in list(faults.lines.items()):
        if path[0] == key:
            faults.lines.setdefault((near, *path[1:]), line)
    return beside


def source_of(faults: Faults, target: str, raw: Mapping[str, Any], sources: list[str]) -> str | None:
    """Tell which source feeds a target; it may be left out while there is one."""
    named = raw.get("source")
    path: KeyPath = ("target", target, "source")
    if named is None and len(sources) == 1:
        return sources[0]
    if named is None and sources:
        faults.add(path, f"is missing: there are several sources: {', '.join(sources)}.")
    elif isinstance(named, str) and named in sources:
        return named
    elif isinstance(named, str) and sources:
        guess = did_you_mean(named, sources)
        faults.add(path, f'is "{named}", but the sources are: {", ".join(sources)}{guess}')
    return None


def walk(value: object, path: KeyPath = ()) -> Iterator[tuple[KeyPath, object]]:
    """Go through everything that is written, texts from elsewhere as the tables they are."""
    yield path, value
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from walk(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from walk(item, (*path, index))


def may_run(path: Path) -> bool:
    """Tell whether a settings file may run commands: its owner is the user or root, and others cannot write it."""
    status = path.stat()
    return status.st_uid in (0, os.geteuid()) and not status.st_mode & stat.S_IWOTH


def safe_file(path: Path, written: Mapping[str, Any], faults: Faults) -> None:
    """Refuse a file that runs a command and is not the user's own."""
    commands = [
        key for key, value in walk(written) if len(key) > 1 and (asked := reference(value)) and asked[0] == "command"
    ]
    if not commands or may_run(path):
        return
    shown, status = shlex.quote(str(path)), path.stat()
    if status.st_uid in (0, os.geteuid()):
        told = f"everybody can change this file; run: chmod o-w {shown}"
    else:
        told = f"this file belongs to somebody else; run: chown {os.geteuid()} {shown}"
    for key in commands:
        faults.add(key, f"runs a command, but {told}")


def literal_secrets(path: Path, written: Mapping[str, Any], faults: Faults, secret: set[KeyPath]) -> None:
    """Refuse a file that holds a secret itself and that others can read; keep secrets out of all messages.

    What a table holds that can be none there is no further fault: it is to be written anew.
    """
    open_to_others = path.stat().st_mode & stat.S_IROTH
    shown = shlex.quote(str(path))
    for key, value in walk(written):
        if not isinstance(value, str) or key[:3] not in secret or _from_elsewhere(key, written):
            continue
        faults.secrets.add(value)
        if open_to_others and not faults.told_around(key):
            told = 'write it as { file = "…" } or run: chmod 600 ' + shown
            faults.add(key, f"is a secret in a file that others can read; {told}")


def _from_elsewhere(key: KeyPath, written: Mapping[str, Any]) -> bool:
    value: Any = written
    for depth, part in enumerate(key):
        if depth > 2 and reference(value) is not None:
            return True
        value = value[part]
    return False


def encrypted(tree: Mapping[str, Any], faults: Faults) -> None:
    """Refuse plain http to another host than this one, addresses with a password, and a base_url that is none."""
    for key, value in walk(tree):
        if not isinstance(value, str) or len(key) < 3:
            continue
        base = key[0] == "source" and key[2] == "base_url"
        scheme = value.partition("://")[0].lower() if "://" in value else ""
        if base or scheme in ("http", "https"):
            try:
                address(value, bare=base)
            except ValueError as fault:
                faults.add(key, str(fault))


def not_yet(targets: Iterable[PartialTarget], faults: Faults) -> None:
    """Refuse what this version would not do, rather than let it be believed."""
    for target in targets:
        if target.says("write_external_id"):
            path: KeyPath = ("target", target.name, "write_external_id")
            faults.add(path, "cannot be true in this version; leave it out.")


def places(targets: Iterable[PartialTarget], folder: Path, faults: Faults, beside: frozenset[KeyPath]) -> None:
    """Make each connector once, which opens nothing: look at its contract, and refuse two on the same books."""
    first: dict[str, str] = {}
    for target in targets:
        path: KeyPath = ("target", target.name)
        place, capabilities = None, getattr(target.connector, "capabilities", None)
        try:
            connector = target.connector(target.settings, _context(target.name, folder))
            place, capabilities = connector.place, connector.capabilities
        except Exception as error:  # noqa: BLE001 - a stranger's constructor may raise anything
            if is_whole(target.settings):
                faults.add(path, f"cannot be made: {type(error).__name__}: {error}")
                continue
        _able(target, capabilities, faults)
        if place is not None and path not in beside and (other := first.setdefault(place, target.name)) != target.name:
            told = f"writes to the same books as target.{other} ({place}); remove one of them."
            faults.add(path, told)


def _able(target: PartialTarget, can: Any, faults: Faults) -> None:
    """Refuse a connector of another contract, and settings that it has no use for."""
    path: KeyPath = ("target", target.name)
    if target.installed is None or not (hasattr(can, "contract") or is_whole(target.settings)):
        return
    kind = target.installed.name
    if fault := contract_fault(can):
        faults.add((*path, "connector"), f"cannot be used: {kind} {fault}")
        return
    if target.raw.get("taxes") and not getattr(can, "taxes", False):
        faults.add((*path, "taxes"), f"has no meaning for the connector {kind}; leave it out.")
    reverses = getattr(can, "picture", False) or getattr(can, "reverses", False)
    if target.says("on_change") == "reverse" and not reverses:
        told = f'cannot be "reverse" with the connector {kind}; use "problem" or "update".'
        faults.add((*path, "on_change"), told)


def _context(name: str, folder: Path) -> Context:
    return Context(
        target=name,
        http=_nothing,
        now=lambda: datetime.now(UTC),
        log=structlog.get_logger("syncd"),
        folder=folder,
        scratch=Path(tempfile.gettempdir()),
        tokens=_NoTokens(),
    )


def _nothing(*_: object, **__: object) -> NoReturn:
    raise RuntimeError("a connector's constructor must not open anything")


class _NoTokens:
    """Holds no tokens, for nothing is opened."""

    def get(self, name: str) -> str | None:
        """Hold nothing."""
        _nothing(name)

    def put(self, name: str, text: str) -> None:
        """Refuse to keep anything."""
        _nothing(name, text)
