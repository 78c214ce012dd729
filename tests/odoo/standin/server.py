"""A small Odoo on loopback: the APIs of both series over HTTP, before a ``Standin``."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar, Self

from tests.odoo.place import Place
from tests.odoo.standin.methods import Standin
from tests.odoo.standin.wire import (
    Refusal,
    Unsupported,
    json2_call,
    json2_refusal,
    rpc_answer,
    rpc_call,
    rpc_refusal,
)

DATABASE = "books"
KEYS = {"admin": "standin-key-of-admin", "sync": "standin-key-of-sync"}
DENIED = Refusal("odoo.exceptions.AccessDenied", "Access Denied", 401)
UNAUTHORIZED = Refusal("werkzeug.exceptions.Unauthorized", "Invalid apikey", 401)
NO_DATABASE = Refusal("psycopg2.OperationalError", 'FATAL:  database "?" does not exist\n', 404)


class Server:
    """Serves one stand-in; ``unsupported`` holds what was asked for and is not there, which fails a test."""

    def __init__(self, series: str) -> None:
        self.series = series
        self.odoo = Standin(series)
        self.unsupported: list[str] = []
        self.lock = threading.Lock()
        handler = type("Bound", (_Handler,), {"server_of": self})
        self._http = _Http(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def place(self) -> Place:
        """The stand-in as the tests see an Odoo; to be closed."""
        url = f"http://127.0.0.1:{self._http.server_address[1]}"
        keys = {"ODOO_LOGIN": "admin", "ODOO_API_KEY": KEYS["admin"], "ODOO_SYNC_API_KEY": KEYS["sync"]}
        return Place(self.series, url, DATABASE, self.odoo.recorded.number, keys)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def uid(self, key: str) -> int:
        """Give the id of the key's user, 0 for a wrong key."""
        login = next((name for name, known in KEYS.items() if known == key), None)
        return self.odoo.recorded.users[login] if login else 0

    def json2(self, path: str, headers: Any, body: Any) -> Any:
        uid = self.uid(str(headers.get("Authorization", "")).removeprefix("Bearer "))
        if headers.get("X-Odoo-Database") != DATABASE:
            raise NO_DATABASE
        if not uid:
            raise UNAUTHORIZED
        return self._call(json2_call(path, body), uid)

    def rpc(self, params: Any) -> Any:
        service, method, arguments = params["service"], params["method"], params["args"]
        if arguments[0] != DATABASE:
            raise NO_DATABASE
        if (service, method) == ("common", "authenticate"):
            _, login, key, _ = arguments
            return self.uid(key) if KEYS.get(login) == key else False
        if (service, method) != ("object", "execute_kw"):
            raise Unsupported(f"{service}.{method}")
        _, uid, key, model, called, positional, named = arguments
        if not uid or self.uid(key) != uid:
            raise DENIED
        return self._call(rpc_call(model, called, positional, named), uid)

    def _call(self, call: Any, uid: int) -> Any:
        with self.lock:
            return self.odoo.call(call, uid)


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed in the middle is nothing to speak of."""


class _Handler(BaseHTTPRequestHandler):
    server_of: ClassVar[Server]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        json2 = self.path.startswith("/json/2/")
        try:
            said = self._said(body)
        except Refusal as error:
            if error is NO_DATABASE and json2:
                self._send(404, b"<!doctype html><title>404 Not Found</title>", "text/html")
                return
            self._answer(error.status if json2 else 200, json2_refusal(error) if json2 else rpc_refusal(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the test is to fail and to say why
            self.server_of.unsupported.append(f"{type(error).__name__}: {error}")
            refusal = Refusal("builtins.NotImplementedError", f"the stand-in for Odoo has no {error!r}", 500)
            self._answer(500 if json2 else 200, json2_refusal(refusal) if json2 else rpc_refusal(refusal))
        else:
            self._answer(200, said if json2 else rpc_answer(said))

    def _said(self, body: Any) -> Any:
        server = self.server_of
        if self.path.startswith("/json/2/") and server.odoo.recorded.number >= 19:
            return server.json2(self.path, self.headers, body)
        if self.path == "/web/webclient/version_info":
            return server.odoo.recorded.version
        if self.path == "/jsonrpc":
            return server.rpc(body["params"])
        raise Unsupported(self.path)

    def _answer(self, status: int, document: Any) -> None:
        self._send(status, json.dumps(document).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
