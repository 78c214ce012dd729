"""A real Odoo to test with: the server that ``server/start`` starts, and databases of it."""

from __future__ import annotations

import os
import secrets
import shlex
import subprocess
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from connectors.odoo.client import Odoo
from syncd.http import Http
from syncd.secret import Secret

START = Path(__file__).parent / "server" / "start"
SERIES = ("latest", "14")

ENVIRONMENT = dict(os.environ)
"""As it was before the tests emptied the home folder: the server is kept in the real one."""


ENDED = "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = '{}' and pid <> pg_backend_pid()"

STALE_14 = "select setval('base_cache_signaling', 1000 + (random() * 2e9)::bigint)"
STALE = r"""do $$ declare one text; begin
  for one in select tablename from pg_tables
    where tablename like 'orm\_signaling\_%' and tablename not like '%registry' loop
    execute format('insert into %I (id) values (1000 + (random() * 1e9)::int)', one);
    execute format('select setval(%L, (select max(id) from %I))', one || '_id_seq', one);
  end loop;
end $$"""
"""By these one process of Odoo tells another that its caches are out of date: a number that it has not seen."""


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
    def programs(self) -> Path:
        """The folder in which ``psql`` and ``odoo`` are."""
        return Path(self.keys["ODOO_RUN"])

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

    def give(self, group: str, user: str = "sync") -> None:
        """Gives a group to ``sync``, or to another user."""
        self._group(group, 4, user)

    def _group(self, group: str, command: int, user: str = "sync") -> None:
        admin = self.admin()
        module, name = group.split(".")
        _, number = admin.call("ir.model.data", "check_object_reference", module=module, xml_id=name)
        groups = "group_ids" if "group_ids" in admin.fields_of("res.users") else "groups_id"
        (who,) = admin.ids("res.users", [("login", "=", user)])
        admin.call("res.users", "write", [who], vals={groups: [[command, number]]})

    def close(self) -> None:
        for odoo in self.opened:
            odoo.close()


def wanted() -> tuple[str, ...]:
    """The series to try: all, or those that ``ODOO_SERIES`` names (``latest``, which may be called 19, and ``14``)."""
    asked = {"19": "latest"}.get(text := ENVIRONMENT.get("ODOO_SERIES", ""), text).replace(",", " ").split()
    return tuple(series for series in SERIES if series in asked) if asked else SERIES


@cache
def start(series: str) -> Place:
    """Give the first database of a running server, having installed and started what is not there."""
    keys = dict(line.split("=", 1) for line in shlex.split(script(series)))
    version = int(keys["ODOO_VERSION"].split(".")[0])
    return Place(series, keys["ODOO_URL"], keys["ODOO_DB"], version, keys)


def fresh(series: str) -> Place:
    """Give a new database; ``drop`` it in the end."""
    made = replace(start(series), database=f"t_{secrets.token_hex(5)}", opened=[])
    sql(made, f"create database {made.database} template {made.keys['ODOO_TEMPLATE']}", "postgres")
    made.admin().connect()  # now Odoo has read it
    return made


def drop(place: Place) -> None:
    """Delete a database, and what was kept of it."""
    place.close()
    # Odoo is asked first: otherwise it would go on holding the models of each database it has ever read.
    params = {"service": "db", "method": "drop", "args": ["admin", place.database]}
    asked = {"jsonrpc": "2.0", "method": "call", "params": params}
    httpx.post(f"{start(place.series).url}/jsonrpc", json=asked, timeout=60, trust_env=False)
    for name in (place.database, f"{place.database}_kept"):
        sql(place, f"drop database if exists {name} with (force)", "postgres")


def keep(place: Place) -> None:
    """Keep a copy of a database as it is now, to ``put_back``."""
    kept = f"{place.database}_kept"
    sql(place, f"drop database if exists {kept} with (force)", "postgres")
    cut_off(place)
    sql(place, f"create database {kept} template {place.database}", "postgres")


def put_back(place: Place) -> None:
    """Make a database again what it was, and tell Odoo that what it remembers of it no longer holds."""
    sql(place, f"drop database if exists {place.database} with (force)", "postgres")
    sql(place, f"create database {place.database} template {place.database}_kept", "postgres")
    sql(place, STALE_14 if place.version == 14 else STALE, place.database)


def cut_off(place: Place) -> int:
    """End all connections of Odoo to a database, whatever they are at; give their number."""
    return int(sql(place, ENDED.format(place.database), "postgres"))


def sql(place: Place, statement: str, database: str = "") -> str:
    """Carry out a statement past Odoo, and give what it prints."""
    words = [str(place.programs / "psql"), "-d", database or place.database, "-c", statement]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, cwd="/")
    assert not done.returncode, done.stderr
    return done.stdout.strip()


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
