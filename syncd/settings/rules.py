"""The rules that no schema can hold: of the file itself, and between sections."""

from __future__ import annotations

import os
import re
import shlex
import stat
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import structlog

from syncd.connector import Context
from syncd.registry import Installed, contract_fault
from syncd.settings.faults import Faults, did_you_mean, secret_keys
from syncd.settings.lines import Path as KeyPath
from syncd.settings.schema import SourceKeys, TargetSettings
from syncd.settings.values import reference


def sections(tree: dict[str, Any], faults: Faults, known: Mapping[str, str], name: re.Pattern[str]) -> None:
    """Keep only sections that are some, with names that can be used; the others are faults."""
    for key in list(tree):
        if key not in known:
            there = ", ".join(known.values())
            faults.add((key,), f"is no section; there are {there}{did_you_mean(key, known)}")
            del tree[key]
        elif not isinstance(tree[key], dict):
            faults.add((key,), f"should be a section: {known[key]}.")
            del tree[key]
    for kind in ("source", "target"):
        for key, value in list(tree.get(kind, {}).items()):
            if not isinstance(value, dict):
                faults.add((kind, key), f"stands in no section; name it, as in [{kind}.main].")
            elif not name.fullmatch(key):
                faults.add((kind, key), "should have a name of letters, digits, - and _.")
            else:
                continue
            del tree[kind][key]
        if not tree.get(kind):
            faults.add((kind,), f"is missing: there is no [{kind}.NAME] section that can be used.")


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


def secrets_in(tree: Mapping[str, Any], connectors: Mapping[str, Installed]) -> set[KeyPath]:
    """Name the keys that hold secrets: in sources, and in targets whose connector could be imported."""
    found: set[KeyPath] = set()
    for name in tree.get("source", {}):
        found |= {("source", name, key) for key in secret_keys(SourceKeys)}
    for name, section in tree.get("target", {}).items():
        named = section.get("connector")
        one = connectors.get(named) if isinstance(named, str) else None
        if one and one.connector is not None:
            keys = secret_keys(one.connector.Settings)
            found |= {("target", name, key) for key in keys}
    return found


def literal_secrets(path: Path, written: Mapping[str, Any], faults: Faults, secret: set[KeyPath]) -> None:
    """Refuse a file that holds a secret itself and that others can read; keep secrets out of all messages."""
    open_to_others = path.stat().st_mode & stat.S_IROTH
    shown = shlex.quote(str(path))
    for key, value in walk(written):
        if not isinstance(value, str) or key[:3] not in secret or _from_elsewhere(key, written):
            continue
        faults.secrets.add(value)
        if open_to_others:
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
        address = key[0] == "source" and key[2] == "base_url"
        scheme = value.partition("://")[0].lower() if "://" in value else ""
        if not address and scheme not in ("http", "https"):
            continue
        if wrong := _wrong_address(value):
            faults.add(key, wrong)


def _wrong_address(value: str) -> str | None:
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no address; one looks like https://books.example.com"
    if parts.scheme not in ("http", "https") or not host:
        return "is no address; one looks like https://books.example.com"
    if parts.username or parts.password:
        return "has a name or password in the address; take it out."
    if parts.scheme == "http" and not _loopback(host):
        return f"would send everything to {host} unencrypted; use https://"
    return None


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def not_yet(targets: Mapping[str, TargetSettings], faults: Faults) -> None:
    """Refuse what this version would not do, rather than let it be believed."""
    for name, target in targets.items():
        path: KeyPath = ("target", name)
        if target.write_external_id:
            faults.add((*path, "write_external_id"), "cannot be true in this version; leave it out.")
        if "latest" in target.owners.values():
            faults.add((*path, "owners"), 'cannot say "latest" in this version; use "source" or "target".')


def places(targets: Mapping[str, TargetSettings], folder: Path, faults: Faults) -> None:
    """Make each connector once, which opens nothing: look at its contract, and refuse two on the same books."""
    first: dict[str, str] = {}
    for name, target in targets.items():
        path: KeyPath = ("target", name)
        try:
            connector = target.connect(_context(name, folder))
            place, fault = connector.place, contract_fault(connector.capabilities)
            can = connector.capabilities
            taxes, reverses = not fault and can.taxes, not fault and (can.picture or can.reverses)
        except Exception as error:  # noqa: BLE001 - a stranger's constructor may raise anything
            faults.add(path, f"cannot be made: {type(error).__name__}: {error}")
            continue
        if fault:
            faults.add((*path, "connector"), f"cannot be used: {target.connector_name} {fault}")
        elif target.taxes and not taxes:
            faults.add((*path, "taxes"), f"has no meaning for the connector {target.connector_name}; leave it out.")
        elif target.on_change == "reverse" and not reverses:
            told = f'cannot be "reverse" with the connector {target.connector_name}; use "problem" or "update".'
            faults.add((*path, "on_change"), told)
        if (other := first.setdefault(place, name)) != name:
            told = f"writes to the same books as target.{other} ({place}); remove one of them."
            faults.add(path, told)


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
