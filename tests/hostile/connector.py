"""A connector to the hostile ledger, written against ``syncd.connector`` as a stranger would.

The ledger's API is told in ``tests/hostile/server.py``: batches of at most 30 operations, each
answered by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from http import HTTPStatus
from itertools import islice
from typing import Any, ClassVar, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from syncd.connector import (
    Books,
    Capabilities,
    Context,
    Done,
    Entry,
    Found,
    Gone,
    Operation,
    Outcome,
    Page,
    Rejected,
    Unknown,
    Wanted,
)
from syncd.errors import Answer, Busy, Invalid, NotSent, Unreachable
from syncd.http import Http
from tests.hostile.translate import FIELDS, batch_body, outcomes, remote, render

MAX_BATCH = 30
MAX_FIND = 200


class HostileSettings(BaseModel):
    """The settings of a target of this kind."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(description="Where the ledger listens.")
    mode: Literal["keyless", "keyed"] = Field("keyless", description="Whether this ledger honours idempotency keys.")
    api_key: SecretStr = Field(SecretStr(""), description="The ledger's API key, if it asks for one.")
    timeout: float = Field(5.0, gt=0, description="Seconds to wait for an answer.")
    attempts: int = Field(5, gt=0, description="How often a read, or to connect, is tried.")
    settle_delay: float = Field(
        0.5, ge=0, description="Seconds after which an unanswered batch has happened or never will."
    )
    raising: bool = Field(False, description="Whether a lost answer is raised; else it is an outcome of each entry.")
    batch: int = Field(MAX_BATCH, gt=0, le=MAX_BATCH, description="The most operations in one batch.")


class HostileConnector:
    """One hostile ledger."""

    Settings: ClassVar[type[BaseModel]] = HostileSettings

    def __init__(self, settings: HostileSettings, context: Context) -> None:
        """Keep the settings; nothing is opened."""
        self._settings, self._context = settings, context
        self._http: Http | None = None
        self.capabilities = Capabilities(
            contract=1,
            fields=FIELDS,
            verbs=frozenset({"create", "update", "settle", "unsettle", "void", "archive", "adopt"}),
            batch=settings.batch,
            refs=frozenset({"client", "invoice"}),
            replay_safe=settings.mode == "keyed",
            settle_delay=settings.settle_delay if settings.mode == "keyless" else 0.0,
            reverses=True,
        )

    @property
    def place(self) -> str:
        """The ledger's address: there is one set of books behind each."""
        return self._settings.url.rstrip("/")

    def open(self) -> Books:
        """Ask what the books are."""
        answer = self._read("/books")
        try:
            closed = answer["locked_until"]
            return Books(
                company=answer["company"],
                identity=answer["id"],
                empty=answer["empty"],
                locked_until=date.fromisoformat(closed) if closed else None,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise self._nonsense("/books", error) from error

    def changes(self, since: str | None) -> Iterator[Page]:
        """Read the change feed after the token, ``identity:number``; everything after another's.

        Each request starts after the last record seen, not at a page number: what changes while the
        feed is read moves to its end, and would push others from one page to the one before.
        """
        identity, _, number = (since or "").partition(":")
        whole, seen = since is None, int(number or 0)
        while True:
            answer = self._feed(seen)
            if not whole and (answer is None or answer["identity"] != identity):
                whole, seen = True, 0
                continue
            if answer is None:
                raise Unreachable(f"{self.place} lost changes while they were read; try later.")
            records, identity = answer["records"], answer["identity"]
            seen = records[-1]["seq"] if records else seen
            yield self._page(records, whole=whole, token=None if answer["more"] else f"{identity}:{seen}")
            if not answer["more"]:
                return

    def _feed(self, since: int) -> dict[str, Any] | None:
        """Read one page of the feed; ``None`` where the ledger never got as far as that."""
        try:
            answer = self._read("/changes", since=str(since))
        except Invalid:
            return None
        if not isinstance(answer, dict) or not {"records", "more", "identity"} <= answer.keys():
            raise self._nonsense("/changes", answer)
        return answer

    def _page(self, records: list[dict[str, Any]], *, whole: bool, token: str | None) -> Page:
        try:
            stand = tuple(remote(record) for record in records if not record["deleted"])
            gone = tuple(Gone(record["kind"], record["id"]) for record in records if record["deleted"])
        except (KeyError, TypeError) as error:
            raise self._nonsense("/changes", error) from error
        return Page(stand, gone, token, whole)

    def find(self, wanted: Iterable[Wanted]) -> Iterator[Found]:
        """Search for up to 200 records with each request."""
        source = iter(wanted)
        while some := list(islice(source, MAX_FIND)):
            asked = [{"kind": one.kind, "mark": one.mark, **self._known(one)} for one in some]
            answer = self._read("/find", body=orjson.dumps({"wanted": asked}))
            try:
                certain, hits = answer["complete"] is True, answer["found"]
                for one, found in zip(some, hits, strict=True):
                    candidates = tuple((hit["how"], remote(hit["record"])) for hit in found)
                    yield Found(one.kind, one.id, candidates, certain)
            except (KeyError, TypeError, ValueError) as error:
                raise self._nonsense("/find", error) from error

    @staticmethod
    def _known(one: Wanted) -> dict[str, Any]:
        names = {"client": ("external_id", "email", "name"), "invoice": ("number",), "payment": ()}[one.kind]
        return {name: one.content.get(name) for name in names}

    def render(self, operation: Operation, books: Books) -> bytes | Rejected:
        """Write what the ledger is told."""
        del books  # the ledger's books change nothing about that
        return render(operation)

    def write(self, entries: Iterable[Entry]) -> Iterator[tuple[int, Outcome]]:
        """Send one batch, once. Adopting needs no word to the ledger."""
        every = list(entries)
        batch = [entry for entry in every if entry.verb != "adopt"]
        if batch:
            yield from self._send(batch)
        for entry in every:
            if entry.verb == "adopt":
                yield entry.number, Done(entry.external_id or "", entry.version)

    def _send(self, batch: list[Entry]) -> list[tuple[int, Outcome]]:
        try:
            reply = self._client.send("POST", "/batch", content=batch_body(batch))
            return outcomes(batch, reply.json())
        except NotSent:
            raise
        except Busy as error:  # the ledger says so before it does anything
            raise NotSent(str(error), error.retry_after) from error
        except Unreachable as error:
            if self._settings.raising:
                raise
            return [(entry.number, Unknown(str(error))) for entry in batch]
        except Answer as error:  # the request as a whole was refused, unread
            return [(entry.number, Rejected(str(error))) for entry in batch]

    def close(self) -> None:
        """Let go of the connections."""
        if self._http is not None:
            self._http.close()
            self._http = None

    @property
    def _client(self) -> Http:
        if self._http is None:
            key = self._settings.api_key.get_secret_value()
            self._http = self._context.http(
                name=f"target {self._context.target}",
                base_url=self.place,
                headers={"X-Api-Key": key} if key else {},
                secrets=(key,) if key else (),
                timeout=self._settings.timeout,
                attempts=self._settings.attempts,
            )
        return self._http

    def _read(self, path: str, body: bytes | None = None, **params: str) -> Any:
        """Ask what may be asked again; refusals are ``Unreachable``, but for 410: ``Invalid``."""
        try:
            if body is None:
                return self._client.get(path, params=params, expect_json=True).json()
            return self._client.send("POST", path, content=body, repeatable=True).json()
        except Answer as error:
            if error.status == HTTPStatus.GONE:
                raise
            raise Unreachable(f"The ledger at {self.place} will not answer {path}: {error}") from error

    def _nonsense(self, path: str, what: object) -> Unreachable:
        return Unreachable(f"{self.place}{path} answered something else than it should: {what!r:.200}")
