"""The hostile ledger over HTTP: ``python -m tests.hostile.server --store FILE --mode MODE``.

Its API: ``POST /batch``, ``GET /changes``, ``POST /find`` and ``GET /books``; everything under
``/_hostile`` is for tests and meets no fault. Prints ``ready URL`` once it listens. The key it asks
for is ``$HOSTILE_API_KEY``, if set.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import ValidationError

from tests.hostile import audit
from tests.hostile.behaviour import draw, draw_read
from tests.hostile.ledger import MAX_FIND, Gone, Json, Ledger

MAX_BATCH = 30
CURRENCY = "EUR"
SEEN = ("n", "verb", "kind", "key", "mark", "id", "version", "record")


class Hung(Exception):
    """End the connection without a word."""


class Server(ThreadingHTTPServer):
    """The listening socket, the books, and the commits that are still to come."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int, ledger: Ledger, api_key: str) -> None:
        """Listen on loopback."""
        super().__init__(("127.0.0.1", port), Handler)
        self.ledger, self.api_key = ledger, api_key
        self._late: list[threading.Thread] = []

    def later(self, work: Callable[[], None]) -> None:
        """Do some work after ``late`` seconds, on nobody's behalf."""
        delay = self.ledger.options.late
        thread = threading.Timer(delay, work)
        self._late.append(thread)
        thread.start()

    def wait(self) -> None:
        """Wait for the commits that are still to come."""
        while self._late:
            self._late.pop().join()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a caller that was stopped dead in the middle of a request."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def finish(self) -> None:
        """Wait for the late commits, then close the books."""
        self.wait()
        self.server_close()
        self.ledger.close()


class Handler(BaseHTTPRequestHandler):
    """One connection of a caller."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def log_message(self, *_args: object) -> None:
        """Keep silent: the counts tell it all."""

    def do_GET(self) -> None:
        """Answer a GET."""
        self._route({"/changes": self._changes, "/books": self._books, **self._tests()})

    def do_POST(self) -> None:
        """Answer a POST."""
        self._route({"/batch": self._batch, "/find": self._find, "/_hostile": self._behave})

    def _tests(self) -> dict[str, Callable[[], None]]:
        ledger = self.server.ledger
        return {
            "/_hostile/counts": lambda: self._say(200, audit.counts(ledger)),
            "/_hostile/audit": lambda: self._say(200, audit.audit(ledger)),
            "/_hostile/records": lambda: self._say(200, {"records": ledger.rows()}),
            "/_hostile/options": lambda: self._say(200, ledger.options.model_dump(mode="json")),
        }

    def _route(self, routes: dict[str, Callable[[], None]]) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        self.query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        key = self.server.api_key
        try:
            if key and not url.path.startswith("/_hostile") and self.headers.get("X-Api-Key") != key:
                self._say(401, {"error": "The API key is wrong."})
            elif url.path not in routes:
                self._say(404, {"error": f"There is no {url.path}."})
            else:
                routes[url.path]()
        except (ValueError, KeyError, TypeError) as error:
            self._say(400, {"error": f"This request is malformed: {error!r}"})
        except Hung:
            self._hang_up()
        except (BrokenPipeError, ConnectionError):
            self.close_connection = True

    def _hang_up(self) -> None:
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:  # the caller has gone already
            return

    def _say(self, status: int, answer: Json, *, headers: dict[str, str] | None = None, cut: bool = False) -> None:
        body = json.dumps(answer).encode()
        body = body[: len(body) // 2] if cut else body
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def _stop(self, fault: str) -> bool:
        """Answer with a fault that has no effect, if it is one."""
        if fault == "busy":
            wait = str(self.server.ledger.options.retry_after)
            self._say(429, {"error": "Too many requests."}, headers={"Retry-After": wait})
        elif fault == "error_before":
            self._say(500, {"error": "Something went wrong."})
        elif fault == "drop":
            raise Hung
        return fault in ("busy", "error_before")

    # The API: writing.

    def _batch(self) -> None:
        ledger = self.server.ledger
        operations = json.loads(self.body)["operations"]
        if len(operations) > MAX_BATCH:
            self._say(413, {"error": f"At most {MAX_BATCH} operations, not {len(operations)}."})
            return
        if any(set(operation) != set(SEEN) for operation in operations):
            raise KeyError(*SEEN)
        turn = ledger.count("batch")
        if self._given_up(operations):
            ledger.count("batch given up")
            raise Hung
        fault = ledger.take("script") or draw(ledger.options, turn)
        ledger.count(f"batch {fault}")
        if self._stop(fault):
            return
        keys = ledger.claim(operations)
        if fault in ("late", "slow"):
            self._commit_late(operations, keys, fault)
            return
        try:
            answers = ledger.batch(operations[: len(operations) // 2] if fault == "half" else operations)
        finally:
            ledger.release(keys)
        self._answer(answers, fault)

    def _given_up(self, operations: list[Json]) -> bool:
        options = self.server.ledger.options
        texts = [str((one["record"] or {}).get(name) or "") for one in operations for name in ("name", "number")]
        mute = any(options.mute_text in text for text in texts) if options.mute_text else False
        return mute or bool(options.most and len(operations) > options.most)

    def _commit_late(self, operations: list[Json], keys: frozenset[str], fault: str) -> None:
        ledger, answers = self.server.ledger, list[Json]()
        done = threading.Event()

        def commit() -> None:
            try:
                answers.extend(ledger.batch(operations))
            finally:
                ledger.release(keys)
                done.set()

        self.server.later(commit)
        if fault == "late":
            raise Hung
        done.wait()
        self._answer(answers, fault)

    def _answer(self, answers: list[Json], fault: str) -> None:
        if fault in ("lost", "half"):
            raise Hung
        if fault == "error_after":
            self._say(500, {"error": "Something went wrong."})
            return
        if fault == "short":
            answers = answers[: len(answers) // 2]
        if self.server.ledger.options.reverse_answers:
            answers = answers[::-1]
        self._say(200, {"answers": answers}, cut=fault == "truncated")

    # The API: reading.

    def _read(self, kind: str) -> str:
        ledger = self.server.ledger
        turn = ledger.count("read")
        fault = ledger.take("reads_script") or draw_read(ledger.options, turn)
        ledger.count(kind if fault == "ok" else f"{kind} {fault}")
        return fault

    def _changes(self) -> None:
        fault = self._read("changes")
        if self._stop(fault):
            return
        try:
            page = self.server.ledger.changes(int(self.query["since"]), int(self.query.get("page", "1")))
        except Gone:
            self._say(410, {"error": "This ledger's changes do not reach as far as that."})
            return
        self._say(200, page, cut=fault == "truncated")

    def _find(self) -> None:
        fault = self._read("find")
        if self._stop(fault):
            return
        wanted = json.loads(self.body)["wanted"]
        if len(wanted) > MAX_FIND:
            self._say(413, {"error": f"At most {MAX_FIND} at once, not {len(wanted)}."})
            return
        self._say(200, self.server.ledger.find(wanted), cut=fault == "truncated")

    def _books(self) -> None:
        fault = self._read("books")
        if self._stop(fault):
            return
        ledger = self.server.ledger
        closed = ledger.options.locked_until
        answer = {
            "company": "Hostile Ltd",
            "id": ledger.identity,
            "currency": CURRENCY,
            "locked_until": closed and closed.isoformat(),
            "empty": ledger.empty(),
        }
        self._say(200, answer, cut=fault == "truncated")

    # For tests.

    def _behave(self) -> None:
        """Change options, or do what somebody else does at the ledger's own screen."""
        ledger, wish = self.server.ledger, json.loads(self.body)
        answer: Any = None
        if {"wait", "reset", "load", "save"} & wish.keys():
            self.server.wait()
        if "reset" in wish:
            ledger.reset()
        if "load" in wish:
            ledger.load(Path(wish["load"]))
        if "save" in wish:
            ledger.save(Path(wish["save"]))
        try:
            if "options" in wish:
                answer = ledger.behave(wish["options"]).model_dump(mode="json")
            if "add" in wish:
                answer = ledger.add(wish["add"]["kind"], wish["add"]["fields"], wish["add"].get("mark"))
            if "edit" in wish:
                answer = ledger.edit(wish["edit"]["id"], wish["edit"]["fields"], **wish["edit"].get("flags", {}))
            if "delete" in wish:
                ledger.delete(wish["delete"])
        except ValidationError as error:
            raise ValueError(str(error)) from error
        self._say(200, {"answer": answer})


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile.server", description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--store", type=Path, required=True, help="the SQLite file with the books")
    parser.add_argument("--mode", choices=("keyless", "keyed"), required=True)
    parser.add_argument("--options", default="{}", help="JSON, see tests/hostile/behaviour.py")
    chosen = parser.parse_args(arguments)
    ledger = Ledger(chosen.store, chosen.mode)
    ledger.behave(json.loads(chosen.options))
    server = Server(chosen.port, ledger, os.environ.get("HOSTILE_API_KEY", ""))

    def stop(*_args: object) -> None:
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"ready http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever(poll_interval=0.05)
    server.finish()
    return 0


if __name__ == "__main__":
    sys.exit(main())
