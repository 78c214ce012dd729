"""One Odoo database over HTTP: one small client for both external APIs, to be shared by threads."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

import orjson
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random

from connectors.odoo.dialects import (
    JSON2_SINCE,
    OLDEST,
    Call,
    Dialect,
    Json2,
    JsonRpc,
    Request,
    concurrent,
    major,
    page_instead,
    service,
    status_error,
)
from connectors.odoo.errors import LoadMessage, LoadRefused, NoDatabase, OdooAnswer, Unreadable, one_line
from syncd.connector import Secret
from syncd.errors import Answer, Refused, SettingsError, SyncdError, Unreachable
from syncd.http import Http, Reply

_AGAIN: Final = 3
"""Times that a read is made in all when others write at the same time (Odoo itself tries each five times, 15 s)."""
_LOADS: Final = 3
"""Times that a load is made in all for the same reason: nothing of it was written, and Odoo, where it tells of it in a
message and not by an error, did not try it again."""
_UNKNOWN: Final = re.compile(r"^Unknown error during import: <class '[^']*'>:\s*")
"""What ``load`` puts before the sentence of a rule."""
_CHUNK: Final = 5000
"""Records whose external ids are asked for in one call."""


def among_others(times: int) -> Retrying:
    """Give what makes a call up to so many times in all while others write the same at the same time."""
    return Retrying(
        stop=stop_after_attempt(times),
        wait=wait_random(0.2, 1.0),
        retry=retry_if_exception(lambda error: isinstance(error, OdooAnswer) and error.kind == "concurrent"),
        reraise=True,
    )


class _Final(SyncdError):
    """Carries an error past the repeats of the HTTP client."""

    def __init__(self, error: SyncdError) -> None:
        super().__init__()
        self.error = error


class Odoo:
    """One database of one server, as one user sees it.

    ``version``: 14, 15, …; ``uid``: the user's id; ``dialect``: "JSON-2" or "JSON-RPC"; all known once connected.
    ``company``: when set, every call sees and makes records of that company alone. ``user``: the login, which Odoo 14
    to 18 ask for beside the key. ``name`` ("target books") begins every error; no error holds the key.

    Every method raises ``OdooAnswer`` where Odoo says no, ``Refused`` for a wrong key, ``NoDatabase`` (a ``NotSent``)
    for a wrong database, ``NotSent`` where nothing was carried out for certain, and any other ``Unreachable`` where a
    write is in doubt.
    """

    def __init__(  # noqa: PLR0913 -- independent settings, all by keyword
        self,
        http: Callable[..., Http],
        *,
        name: str,
        url: str,
        database: str,
        api_key: Secret,
        timeout: float,
        user: str | None = None,
        attempts: int = 5,
        connections: int = 1,
    ) -> None:
        """Check what is given (``SettingsError``); nothing is sent yet. ``timeout``: seconds for one answer."""
        key = api_key.reveal().strip()
        for setting, text in (("api_key", key), ("database", database)):
            if not text or not text.isascii() or not text.isprintable() or text != text.strip():
                raise SettingsError([f"{name}: {setting} is empty or holds characters that it cannot have"])
        self.name, self.database, self.user = name, database, user
        self.version, self.uid, self.dialect = 0, 0, ""
        self.company: int | None = None
        self._key = key
        self._shown = {key.encode(), orjson.dumps(key)[1:-1]}
        self._http = http(name=name, base_url=url, secrets=(key,), timeout=timeout, pool=connections, attempts=attempts)
        self._speaks: Dialect | None = None
        self._lock = threading.Lock()
        self._fields: dict[str, frozenset[str]] = {}

    def close(self) -> None:
        """Let go of all connections."""
        self._http.close()

    def connect(self) -> None:
        """Ask for the version, without the key, then who the key's user is; once, cheap to call again."""
        self._connected()

    def call(
        self,
        model: str,
        method: str,
        ids: Sequence[int] | None = None,
        *,
        repeatable: bool = False,
        context: Mapping[str, Any] | None = None,
        **arguments: Any,
    ) -> Any:
        """Call a method by one request and give what it returns; a recordset comes as ids, ``None`` may come as false.

        ``arguments`` have the names of Odoo 19 (``vals_list``, ``vals``, ``domain``). ``repeatable``: it only reads,
        so it is made again where the connection broke or others wrote at the same time.
        """
        seen: dict[str, Any] = {"lang": "en_US"}
        if self.company is not None:
            seen["allowed_company_ids"] = [self.company]
        given = {**arguments, "context": {**seen, **(context or {})}}
        return self._call(self._connected(), Call(model, method, ids, given), repeatable=repeatable)

    def search_read(
        self,
        model: str,
        domain: Sequence[Any],
        fields: Sequence[str],
        *,
        order: str = "id",
        limit: int | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """Read the fields, and ``id``, of the records that a domain finds.

        Archived ones are among them only if the domain asks for ``active`` or the context has ``active_test`` false.
        """
        rows = self.call(
            model,
            "search_read",
            repeatable=True,
            context=context,
            domain=list(domain),
            fields=list(fields),
            order=order,
            limit=limit,
        )
        return self._list(rows, f"{model}.search_read")

    def pages(
        self,
        model: str,
        domain: Sequence[Any],
        fields: Sequence[str],
        *,
        size: int = 1000,
        context: Mapping[str, Any] | None = None,
    ) -> Iterator[list[dict[str, Any]]]:
        """Read as ``search_read`` does, by id, ``size`` records at a time, until Odoo gives none.

        A record that is made or deleted meanwhile moves no other from one page to the next.
        """
        last = 0
        while rows := self.search_read(model, [*domain, ("id", ">", last)], fields, limit=size, context=context):
            last = rows[-1]["id"]
            yield rows

    def ids(self, model: str, domain: Sequence[Any], *, context: Mapping[str, Any] | None = None) -> list[int]:
        """Give the ids of all records that a domain finds, ascending."""
        found = self.call(model, "search", repeatable=True, context=context, domain=list(domain), order="id")
        return self._list(found, f"{model}.search")

    def load(
        self,
        model: str,
        fields: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        once: bool,
        context: Mapping[str, Any] | None = None,
    ) -> list[int]:
        """Make or change records from rows of text, all or none of them; give their ids in order.

        ``once``: a record whose external id (column ``id``) stands already is given back untouched, whatever the row
        says. ``LoadRefused`` names the bad records; after it nothing was written.
        """
        seen = {**({"mode": "update", "noupdate": True} if once else {}), **(context or {})}
        data = [list(row) for row in rows]

        def attempt() -> list[int]:
            return self._loaded(model, self.call(model, "load", context=seen, fields=list(fields), data=data))

        return among_others(_LOADS)(attempt)

    def external_ids(self, model: str, ids: Sequence[int]) -> dict[int, str]:
        """Give the external id (``module.name``) of each record that has one; of several, the one Odoo gives."""
        found: dict[int, str] = {}
        for start in range(0, len(ids), _CHUNK):
            said = self.call(model, "get_external_id", ids[start : start + _CHUNK], repeatable=True)
            if not isinstance(said, dict):
                raise Unreadable(f"{self.name}: {model}.get_external_id gave no ids by record")
            found |= {int(record): text for record, text in said.items() if text}
        return found

    def fields_of(self, model: str) -> frozenset[str]:
        """Give the names of a model's fields that this user may see; asked once."""
        if model not in self._fields:
            said = self.call(model, "fields_get", repeatable=True, attributes=["type"])
            self._fields[model] = frozenset(said)
        return self._fields[model]

    def _loaded(self, model: str, said: Any) -> list[int]:
        """Read the answer of ``load``, which has status 200 for errors too."""
        about = f"{self.name}: {model}.load"
        if not isinstance(said, dict):
            raise Unreadable(f"{about} gave neither ids nor messages")
        messages = load_messages(said.get("messages"))
        if isinstance(said.get("ids"), list):
            return [int(record) for record in said["ids"]]
        if not messages:
            raise OdooAnswer(f"{about}: nothing was loaded, and Odoo does not say why", name="load")
        first = messages[0]
        if any(concurrent(message.text) for message in messages):
            raise OdooAnswer(f"{about}: {first.text}", name="load", sentence=first.text, kind="concurrent")
        where = f" (record {first.record}{f', {first.field}' if first.field else ''})" if first.record >= 0 else ""
        raise LoadRefused(f"{about}: {first.text}{where}", messages)

    def _connected(self) -> Dialect:
        """Give the dialect to speak, found out by the first thread that asks."""
        if self._speaks is None:
            with self._lock:
                if self._speaks is None:
                    self._speaks = self._introduce()
        return self._speaks

    def _introduce(self) -> Dialect:
        """Ask for the version and the user."""
        self.version = self._ask_version()
        speaks: Dialect
        if self.version >= JSON2_SINCE:
            speaks = Json2(self.database, self._key)
            said = self._call(speaks, Call("res.users", "context_get"), repeatable=True)
            uid = said.get("uid") if isinstance(said, dict) else None
        else:
            uid = self._authenticate()
            speaks = JsonRpc(self.database, self._key, uid if isinstance(uid, int) else 0)
        if not isinstance(uid, int) or not uid:
            raise Refused(f"{self.name}: the key was refused; check api_key (and user, its login)")
        self.uid, self.dialect = uid, speaks.name
        return speaks

    def _authenticate(self) -> Any:
        """Give the user's id, or false, in the API that asks for a login."""
        if not self.user:
            raise Refused(f"{self.name}: Odoo {self.version} asks for the user's login beside the key; set user")
        request = service("common", "authenticate", self.database, self.user, self._key, {})
        return self._send(JsonRpc(self.database, self._key), request, "authenticate", repeatable=True)

    def _ask_version(self) -> int:
        """Ask for the version, without a key and without a database."""
        about = f"{self.name}: version"
        body = orjson.dumps({"jsonrpc": "2.0", "method": "call", "params": {}})
        info: Any = None
        try:
            said = self._http.send("POST", "/web/webclient/version_info", content=body, repeatable=True)
            answer = self._json(said, about)
            info = answer.get("result", {}).get("server_version_info") if isinstance(answer, dict) else None
        except Answer:
            with suppress(Answer):
                answer = self._json(self._http.get("/web/version"), about)
                info = answer.get("version_info") if isinstance(answer, dict) else None
        version = major(info)
        if version is None:
            raise Unreadable(f"{self.name}: what answers there is no Odoo; check url")
        if version < OLDEST:
            raise Refused(f"{self.name}: this is Odoo {version}; {OLDEST} or later is needed")
        return version

    def _call(self, speaks: Dialect, call: Call, *, repeatable: bool) -> Any:
        """Make a call; again, where it only reads, when others wrote at the same time or the answer was no JSON."""
        request = speaks.request(call)
        for left in reversed(range(_AGAIN if repeatable else 1)):
            try:
                return self._send(speaks, request, call.about, repeatable=repeatable)
            except Unreadable:
                if not left:
                    raise
            except OdooAnswer as error:
                if error.kind != "concurrent" or not left:
                    raise
        raise AssertionError

    def _send(self, speaks: Dialect, request: Request, what: str, *, repeatable: bool) -> Any:
        """Send a request and read the result in its answer."""
        about = f"{self.name}: {what}"

        def refusal(status: int, headers: Mapping[str, str], body: bytes, _: str) -> SyncdError:
            error = status_error(status, headers, self._masked(body), about)
            return _Final(error) if isinstance(error, NoDatabase) else error

        try:
            reply = self._http.send(
                "POST",
                request.path,
                content=request.content,
                headers=request.headers,
                repeatable=repeatable,
                refusal=refusal,
            )
        except _Final as final:
            raise final.error from None
        return speaks.result(self._json(reply, about), about)

    def _json(self, reply: Reply, about: str) -> Any:
        """Read an answer's JSON."""
        body = self._masked(reply.body)
        if body.lstrip()[:1] in (b"<", b""):
            raise page_instead(about, body)
        try:
            return replace(reply, body=body, about=about).json()
        except Unreachable as error:
            raise Unreadable(str(error)) from None

    def _masked(self, body: bytes) -> bytes:
        """Put stars in the place of the key, before anything is read out of an answer."""
        for shown in self._shown:
            if shown in body:
                body = body.replace(shown, b"***")
        return body

    def _list(self, said: Any, what: str) -> list[Any]:
        if not isinstance(said, list):
            raise Unreadable(f"{self.name}: {what} gave no list")
        return said


def load_messages(said: Any) -> list[LoadMessage]:
    """Read the errors of a ``load``; warnings are left out.

    Odoo blames the first record of a batch for what went wrong in the batch, before it names those that did: where
    others are named too, the first message is left out, and comes again if it was meant.
    """
    errors = [one for one in said or () if isinstance(one, dict) and one.get("type") != "warning"]
    messages = []
    for one in errors:
        record, name = one.get("record"), one.get("field")
        text = one_line(_UNKNOWN.sub("", str(one.get("message") or ""))) or "it was refused without a word"
        number = record if isinstance(record, int) else -1
        messages.append(LoadMessage(number, name if isinstance(name, str) else None, text))
    if any(message.record != messages[0].record for message in messages[1:]):
        del messages[0]
    return messages
