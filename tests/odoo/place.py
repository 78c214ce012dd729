"""A real Odoo to test with: the server that ``server/start`` starts, and databases of it."""

from __future__ import annotations

import os
import secrets
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors.odoo.client import Odoo
from syncd.http import Http
from syncd.secret import Secret

START = Path(__file__).parent / "server" / "start"
SERIES = ("latest", "14")

ENVIRONMENT = dict(os.environ)
"""As it was before the tests emptied the home folder: the server is kept in the real one."""


class NoServer(Exception):
    """There is no server, and why."""


@dataclass
class Place:
    """One database of one server, and clients of its two users: the administrator, and ``sync``, a plain one."""

    series: str
    url: str
    database: str
    version: int
    keys: dict[str, str] = field(repr=False)
    opened: list[Odoo] = field(default_factory=list, repr=False)

    @property
    def sync_key(self) -> str:
        return self.keys["ODOO_SYNC_API_KEY"]

    def client(self, user: str | None = "sync", **more: Any) -> Odoo:
        """A client, with the settings that a test does not name."""
        key = self.keys["ODOO_API_KEY" if user == self.keys["ODOO_LOGIN"] else "ODOO_SYNC_API_KEY"]
        usual: dict[str, Any] = {"name": "target books", "url": self.url, "database": self.database, "timeout": 120.0}
        odoo = Odoo(**{"http": Http, **usual, "user": user, "api_key": Secret(key), **more})
        self.opened.append(odoo)
        return odoo

    def admin(self) -> Odoo:
        """A client of the administrator."""
        return self.client(self.keys["ODOO_LOGIN"])

    def take(self, group: str) -> None:
        """Takes a group (``account.group_account_invoice``) from ``sync``; counts at once."""
        self._group(group, 3)

    def give(self, group: str) -> None:
        """Gives a group to ``sync``."""
        self._group(group, 4)

    def _group(self, group: str, command: int) -> None:
        admin = self.admin()
        module, name = group.split(".")
        _, number = admin.call("ir.model.data", "check_object_reference", module=module, xml_id=name)
        groups = "group_ids" if "group_ids" in admin.fields_of("res.users") else "groups_id"
        (sync,) = admin.ids("res.users", [("login", "=", "sync")])
        admin.call("res.users", "write", [sync], vals={groups: [[command, number]]})

    def close(self) -> None:
        for odoo in self.opened:
            odoo.close()


def wanted() -> tuple[str, ...]:
    """The series to try: all, or those that ``ODOO_SERIES`` names (``latest``, which may be called 19, and ``14``)."""
    asked = {"19": "latest"}.get(text := ENVIRONMENT.get("ODOO_SERIES", ""), text).replace(",", " ").split()
    return tuple(series for series in SERIES if series in asked) if asked else SERIES


def start(series: str, database: str = "syncd") -> Place:
    """Give a database of a running server, having installed and started what is not there."""
    words = script(series, "--db", database)
    keys = dict(line.split("=", 1) for line in words.splitlines())
    version = int(keys["ODOO_VERSION"].split(".")[0])
    return Place(series, keys["ODOO_URL"], keys["ODOO_DB"], version, keys)


def fresh(series: str) -> Place:
    """Give a new database; ``drop`` it in the end."""
    return start(series, f"t_{secrets.token_hex(5)}")


def drop(place: Place) -> None:
    """Delete a database."""
    place.close()
    script(place.series, "--drop", place.database)


def script(series: str, *arguments: str) -> str:
    """Run ``server/start`` and give what it prints."""
    environment = {**ENVIRONMENT, "ODOO_SERIES": series}
    try:
        done = subprocess.run(
            [str(START), *arguments], env=environment, capture_output=True, text=True, timeout=1200, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoServer(str(error)) from None
    if done.returncode:
        raise NoServer(done.stderr.strip()[-2000:] or f"server/start ended with {done.returncode}")
    return done.stdout
