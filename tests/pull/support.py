"""A source, its state and its clock, put together for tests of pulling against the sandbox."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import orjson
import sqlalchemy as sa

from syncd.fastfaktura import FastFaktura
from syncd.http import Http
from syncd.model import Kind
from syncd.pull import Pulled, pull
from syncd.sandbox.server import Sandbox
from syncd.settings import SourceSettings
from syncd.state import runs, work
from syncd.state.store import Store
from syncd.state.tables import body, record

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def api_of(url: str, key: str, **more: Any) -> FastFaktura:
    http = Http(name="source main", base_url=url, headers={"X-Api-Key": key}, secrets=(key,), **more)
    return FastFaktura(http)


@dataclass
class Puller:
    """One source pulled again and again, with a clock of its own."""

    folder: Path
    api: Any
    concurrency: int = 4
    at: datetime = START
    store: Store = field(init=False)
    last: Pulled | None = None

    @property
    def before(self) -> Pulled:
        """What the last pull came to."""
        assert self.last is not None
        return self.last

    def __post_init__(self) -> None:
        self.store = Store(f"sqlite:///{self.folder / 'state.db'}")
        self.source = SourceSettings(
            name="main",
            api_key="ffk_sandbox",
            base_url="http://127.0.0.1:1/api/v1",
            concurrency=self.concurrency,
        )

    def pull(self, *, after: float = 5, **how: Any) -> Pulled:
        """Pull, so many minutes after the last time."""
        self.at += timedelta(minutes=after)
        self.last = pull(self.source, self.api, self.store, now=lambda: self.at, **how)
        return self.last

    def records(self, kind: Kind) -> dict[str, dict[str, Any]]:
        """What the mirror says is there, raw, by id."""
        query = (
            sa.select(record.c.id, body.c.raw)
            .join(body, body.c.n == record.c.n)
            .where(record.c.kind == kind, record.c.gone_at.is_(None))
        )
        with self.store.read() as conn:
            return {found.id: orjson.loads(found.raw) for found in conn.execute(query)}

    def row(self, record_id: str) -> Any:
        """One record of the mirror."""
        with self.store.read() as conn:
            return conn.execute(sa.select(record).where(record.c.id == record_id)).one()

    def learnt(self, habit: str) -> Any:
        """What was learnt of a habit of the source; ``None`` where nothing was."""
        with self.store.read() as conn:
            return runs.learnt(conn, "main").get(habit)

    def changed_since(self, revision: int) -> set[str]:
        """The ids of what planning would look at after a revision."""
        kinds: tuple[Kind, Kind] = ("client", "invoice")
        chunks = [rows for kind in kinds for rows in work.changed(self.store, "main", kind, revision, 2**62)]
        return {row.id for rows in chunks for row in rows}

    def close(self) -> None:
        self.store.close()


@contextmanager
def between(sandbox: Sandbox, mend: Callable[[str, bytes], bytes]) -> Iterator[str]:
    """A server that passes reads on to a sandbox, each answer's body through ``mend(path, body)``; its base URL."""

    class Passing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer = behind.get(sandbox.root + self.path, headers={"X-Api-Key": sandbox.key})
            body = mend(self.path, answer.content)
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with httpx.Client(trust_env=False) as behind, ThreadingHTTPServer(("127.0.0.1", 0), Passing) as server:
        server.daemon_threads, server.block_on_close = True, False
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/api/v1"
        server.shutdown()
        thread.join()


def assert_in_step(puller: Puller, sandbox: Sandbox) -> None:
    """The mirror holds exactly what the account holds, each invoice with its lines and events."""
    account = sandbox.account
    assert set(puller.records("client")) == set(account.clients)
    assert puller.records("client") == account.clients
    mirrored = puller.records("invoice")
    assert set(mirrored) == set(account.invoices)
    for invoice_id, raw in mirrored.items():
        invoice = account.invoices[invoice_id]
        assert raw["status"] == invoice.status, invoice_id
        assert raw["total_cents"] == invoice.total_cents
        assert raw["lines"] == orjson.loads(invoice.lines)
        row = puller.row(invoice_id)
        assert row.status == invoice.status
        assert not row.detail_due
        assert row.detail_print is not None


def requests(sandbox: Sandbox) -> Counter[str]:
    """What was asked since the last call."""
    counts = Counter(sandbox.traffic.counts)
    sandbox.traffic.reset()
    return counts
