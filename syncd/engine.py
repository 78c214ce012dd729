"""The parts put together for one command or daemon: settings, state, clock and stop; pulling sources, passing targets.

No process-wide state: everything a run uses is an argument or made here and closed here.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog

from syncd.closing import Applied
from syncd.connector import Connector, Context
from syncd.documents import ATTEMPTS, LARGEST, Documents
from syncd.doubt import Clock
from syncd.errors import Refused, StateError, SyncdError, Unreachable, worst
from syncd.fastfaktura import FastFaktura
from syncd.http import MAX_BODY, Http
from syncd.log import Masker
from syncd.moments import local_time
from syncd.problems import PULLED, Finding
from syncd.progress import Progress, silent
from syncd.pull import Pulled, pull
from syncd.session import Session, policy_of
from syncd.settings import Settings, SourceSettings, TargetSettings
from syncd.state import journal, polls, problems, runs
from syncd.state.store import Store
from syncd.sync import Passed, Wish, summary_of, sync
from syncd.zones import zone_of

T = TypeVar("T")

Document = Callable[[str], bytes]
"""Gives the PDF of an invoice by its id; ``NoDocument`` where it cannot be had."""

SOURCE_HOLDS = frozenset({"account_changed", "walk_too_short", "zone_changed"})
"""The safety stops of a source, which ``--force`` lets pass."""


def utc_now() -> datetime:
    """Tell the time now, aware, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Reread:
    """How much of the source a run reads beyond an ordinary cycle."""

    full: bool = False
    details: bool = False


@dataclass(slots=True)
class SourceRun:
    """How pulling one source went."""

    name: str
    pulled: Pulled | None = None
    holds: list[Finding] = field(default_factory=list)
    error: str | None = None
    refused: bool = False
    """The key was refused: trying again helps only when somebody mended it."""
    waits: bool = False
    """The source asked for it: until then it is not asked."""

    @property
    def exit_code(self) -> int:
        """How it went, as an exit code."""
        return 3 if self.error else 5 if self.holds else 0


@dataclass(slots=True)
class RunReport:
    """How a run went, source by source and target by target."""

    sources: list[SourceRun] = field(default_factory=list)
    targets: list[Passed] = field(default_factory=list)
    stopped: bool = False
    """It was asked to end before all was done."""
    seconds: float = 0.0
    """How long it took, from the first request to the last byte written."""

    @property
    def exit_code(self) -> int:
        """The worst of how its sources and targets went."""
        sources, targets = (one.exit_code for one in self.sources), (one.exit_code for one in self.targets)
        return worst({*sources, *targets, 1 if self.stopped else 0})


@dataclass(frozen=True, slots=True)
class Failure:
    """What stopped a target as a whole; ``told``: the sentence in which a person hears of it."""

    error: Exception
    told: str

    @property
    def exit_code(self) -> int:
        """That of the error; a bug does not mean that the target is out of reach."""
        return self.error.exit_code if isinstance(self.error, SyncdError) else 1


@dataclass(frozen=True, slots=True)
class Engine:
    """What runs need, made once."""

    settings: Settings
    store: Store
    now: Callable[[], datetime] = utc_now
    stop: threading.Event = field(default_factory=threading.Event)
    progress: Progress = silent
    offers: bool = False
    """Somebody is there to be asked what settings are to be: ``Context.offers``."""

    def run(self, command: str, targets: Sequence[TargetSettings], wish: Wish, reread: Reread = Reread()) -> RunReport:
        """Pull the sources of these targets, then bring each target in step; the failure of one stops no other."""
        report, began = RunReport(), time.monotonic()
        with self.store.write() as connection:
            number = runs.begin(connection, command, self._seconds())
        for name in dict.fromkeys(target.source for target in targets):
            report.sources.append(self.pull(name, reread, force=wish.force))
        good = {one.name for one in report.sources if one.pulled and one.pulled.whole and not one.holds}
        for target in targets:
            if target.source in good and not self.stop.is_set():
                report.targets.append(self.sync(target, number, wish))
        report.stopped = self.stop.is_set()
        went: dict[str, Any] = {f"source:{one.name}": {"error": one.error} for one in report.sources}
        went |= {one.target: summary_of(one) for one in report.targets}
        with self.store.write() as connection:
            runs.end(connection, number, self._seconds(), report.exit_code, went)
        report.seconds = time.monotonic() - began
        return report

    def pull(self, name: str, reread: Reread = Reread(), *, force: bool = False) -> SourceRun:
        """Poll one source; what stops it is told, not raised.

        ``force``: let its safety stops pass, and do not wait as long as it asked for.
        """
        source, result = self.settings.sources[name], SourceRun(name)
        with self.store.read() as connection:
            wait = polls.wait(connection, name, source.base_url, self._seconds())
        if wait is not None and not force:
            result.error, result.waits = f"{wait.told(name)}; nothing was asked of it.", True
            return result
        api = fastfaktura(source, self.sleep)
        try:
            with self.store.write() as connection:
                polls.begin(connection, name, self._seconds())
            result.pulled = pull(
                source,
                api,
                self.store,
                now=self.now,
                full=reread.full,
                details=reread.details,
                progress=self.progress,
                stop=self.stop,
                released=SOURCE_HOLDS if force else frozenset(),
            )
        except StateError:
            raise
        except Exception as error:  # noqa: BLE001 - a bug that one source brings out must not stop the others
            result.refused = isinstance(error, Refused)
            result.error = self._why_not(source, error)
        finally:
            api.close()
            with self.store.write() as connection:
                polls.end(connection, name)
                if result.pulled is not None:
                    polls.forget_wait(connection, name)
        if result.pulled is not None:
            self._keep_findings(name, result.pulled)
            result.holds = self._source_holds(name, result.pulled.holds, force=force)
        return result

    def _why_not(self, source: SourceSettings, error: Exception) -> str:
        """Say why a source was not read, and what helps; a bug is logged with its trace."""
        told, where = str(error).rstrip("."), f"[source.{source.name}] of {self.settings.path}"
        if isinstance(error, Refused):
            return f"{told}. Look at api_key in {where}."
        if isinstance(error, Unreachable):
            again = self._asked_to_wait(source, error) or f"The next run tries again; if it stays so, look at {where}."
            return f"{told}. {again}"
        if isinstance(error, SyncdError):
            return str(error)
        structlog.get_logger().exception("source.failed", source=source.name)
        return f"source {source.name}: a fault of syncd ({self._shown(error)}); please report it with the log."

    def _asked_to_wait(self, source: SourceSettings, error: Unreachable) -> str:
        """Keep for how long a source asked to be left alone, and say it; empty where it did not ask for it."""
        if not error.retry_after:
            return ""
        with self.store.write() as connection:
            wait = polls.keep_wait(connection, source.name, source.base_url, self._seconds(), error.retry_after)
        return f"It asks to wait until {local_time(wait.until)}; until then it is not asked again."

    def _seconds(self) -> int:
        return int(self.now().timestamp())

    def _keep_findings(self, name: str, pulled: Pulled) -> None:
        """Keep what is wrong at the source itself; only a whole cycle tells what no longer is."""
        owner, now = f"source:{name}", self._seconds()
        with self.store.write() as connection:
            if pulled.whole:
                problems.replace_codes(connection, owner, PULLED, pulled.findings, now)
            else:
                problems.add(connection, owner, pulled.findings, now)

    def _source_holds(self, name: str, found: Sequence[Finding], *, force: bool) -> list[Finding]:
        """Keep the holds of a source; name those that nobody let pass."""
        owner = f"source:{name}"
        with self.store.write() as connection:
            problems.set_holds(connection, owner, found, self._seconds())
            released = {row.code for row in problems.holds(connection, owner) if row.released}
        return [] if force else [one for one in found if one.code not in released]

    def sync(self, target: TargetSettings, run: int, wish: Wish) -> Passed:
        """Bring one target in step; what stops it is told, not raised."""
        went = self.attempt(target, lambda session: sync(session, target, run, wish, Clock.until(self.stop)))
        if not isinstance(went, Failure):
            return went
        told = went.told if isinstance(went.error, SyncdError) else f"{went.told} The next run settles what was sent."
        refused = isinstance(went.error, Refused)
        with self.store.read() as connection:
            applied = Applied(journal.written(connection, target.name, run))
        return Passed(target.name, applied=applied, error=told, error_code=went.exit_code, refused=refused)

    def attempt(self, target: TargetSettings, work: Callable[[Session], T]) -> T | Failure:
        """Open a target and do something with it; what stops it is told, not raised, and stops no other target."""
        try:
            with self.session(target) as session:
                return work(session)
        except StateError:
            raise
        except SyncdError as error:
            return Failure(error, str(error))
        except Exception as error:  # noqa: BLE001 - a bug of one connector must not stop the other targets
            structlog.get_logger().exception("target.failed", target=target.name)
            told = f"a fault in the connector {target.connector_name} ({self._shown(error)})"
            return Failure(error, f"{told}; please report it with the log.")

    def _shown(self, error: Exception) -> str:
        """Show an unexpected error, which may quote anything, without the secrets."""
        return str(Masker(self.settings.secrets).mask(f"{type(error).__name__}: {error}"))

    @contextlib.contextmanager
    def session(self, target: TargetSettings) -> Iterator[Session]:
        """Open a target for one pass, and close it."""
        source = self.settings.sources[target.source]
        documents = Documents(
            partial(fastfaktura, source, self.sleep, attempts=ATTEMPTS, max_body=LARGEST),
            at_once=source.concurrency,
            stop=self.stop,
        )
        with scratch() as folder, contextlib.closing(documents):
            connector = self.connector(target, folder, documents.read)
            try:
                before = connector.place
                books = connector.open()
                self._alone(target, before, connector.place)
                policy = policy_of(target, connector, books, self.zone(target.source))
                yield Session(target.name, target.source, connector, books, policy, self.store, self.now, self.progress)
            finally:
                connector.close()

    def _alone(self, target: TargetSettings, before: str, place: str) -> None:
        """Refuse books that, once opened, turn out to be those of another target; the first to open them has them.

        ``before``: the place that was told unopened, by the settings alone. What was noted under other settings of the
        other target does not count any more.
        """
        told = {name: self._place(other) for name, other in self.settings.targets.items() if name != target.name}
        with self.store.read() as connection:
            noted = runs.place(connection, target.name) == [before, place]
        # Looked at and noted in one transaction: of two that are opened at the same moment, the later sees the first.
        with self.store.read() if noted else self.store.write() as connection:
            for name, unopened in told.items():
                if runs.place(connection, name) == [unopened, place]:
                    raise Refused(
                        f"target {target.name}: these books are those of target {name} ({place}); remove one."
                    )
            if not noted:
                runs.keep_place(connection, target.name, [before, place])

    def _place(self, target: TargetSettings) -> str:
        with scratch() as folder:
            return self.connector(target, folder).place

    def connector(self, target: TargetSettings, folder: Path, document: Document | None = None) -> Connector:
        """Make the connector of a target; nothing is opened by that."""
        context = self.context(target, folder)
        return target.connector(target.connector_settings, replace(context, document=document) if document else context)

    def context(self, target: TargetSettings, folder: Path) -> Context:
        """Put together what a connector is lent."""
        return Context(
            target=target.name,
            http=partial(Http, sleep=self.sleep),
            now=self.now,
            log=structlog.get_logger("connector").bind(target=target.name),
            folder=self.settings.folder,
            scratch=folder,
            tokens=runs.StoredTokens(self.store, target.name),
            taxes=target.taxes,
            offers=self.offers,
        )

    def sleep(self, seconds: float) -> bool:
        """Wait, but no longer than until a stop is asked for; tell whether it is."""
        return self.stop.wait(seconds)

    def zone(self, name: str) -> tzinfo:
        """The time zone in which the dates of a source are days."""
        with self.store.read() as connection:
            return zone_of(connection, self.settings.sources[name]).zone


def fastfaktura(
    source: SourceSettings,
    sleep: Callable[[float], object] = time.sleep,
    *,
    attempts: int = 5,
    max_body: int = MAX_BODY,
) -> FastFaktura:
    """Make the client of one source: one connection pool, its key in the headers only."""
    key = source.api_key.reveal()
    headers = {"X-Api-Key": key} if source.auth == "x-api-key" else {"Authorization": f"Bearer {key}"}
    http = Http(
        name=f"source {source.name}",
        base_url=source.base_url,
        headers=headers,
        secrets=(key,),
        timeout=source.timeout.total_seconds(),
        pool=source.concurrency,
        attempts=attempts,
        max_body=max_body,
        sleep=sleep,
    )
    return FastFaktura(http)


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Lend a folder for temporary files."""
    folder = Path(tempfile.mkdtemp(prefix="syncd-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
