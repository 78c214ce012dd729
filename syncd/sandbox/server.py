"""The sandbox as a running server: in a thread for tests and demo, blocking for the command line.

Only loopback is ever listened on; whoever reaches the control surface can change everything.
"""

import asyncio
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from syncd.sandbox.account import Account, NotFound, Refused
from syncd.sandbox.app import Api, on_error
from syncd.sandbox.control import Control
from syncd.sandbox.data import made_up
from syncd.sandbox.gate import Gate
from syncd.sandbox.options import BadOption, Options
from syncd.sandbox.traffic import API, Traffic

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
DEFAULT_KEY = "ffk_sandbox"
GRACE = 0.5  # seconds that requests get to end when the server stops


class Sandbox:
    """A FastFaktura account on a free loopback port, while the `with` block lasts."""

    def __init__(
        self,
        options: Options | None = None,
        account: Account | None = None,
        *,
        key: str = DEFAULT_KEY,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        """Prepare `account` (default: a small made-up one) under `options`; port 0 is any free."""
        self.account = account or made_up()
        self.key = key
        self.host, self.port = host, port
        self.root = self.base_url = ""
        self._api = Api(self.account, options or Options(), key)
        self._server = _Server(_config(self._api))
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Start to serve; `root`, `base_url` and `port` are known from here on."""
        sock = listening(self.host, self.port)
        self.root, self.port = root_of(sock, self.host), sock.getsockname()[1]
        self.base_url = self.root + API
        self._thread = threading.Thread(target=self._run, args=(sock,), name="sandbox", daemon=True)
        self._thread.start()
        self._server.ready.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, and free the port."""
        self._server.stop()
        if self._thread is not None:
            self._thread.join()

    @property
    def options(self) -> Options:
        """The options in force."""
        return self._api.options

    @property
    def traffic(self) -> Traffic:
        """What was asked so far: `total`, `counts` by route, `log`, `reset()`."""
        return self._api.traffic

    def change(self, **options: Any) -> None:
        """Change options while serving, as `Options.changed`."""
        self._api.use(self._api.options.changed(options))

    def after(self, requests: int, change: Callable[[], object]) -> None:
        """Call `change` just before the API request number `requests` from now (1: the next)."""
        self._api.traffic.after(requests, change)

    def _run(self, sock: socket.socket) -> None:
        try:
            with sock:
                self._server.run(sockets=[sock])
        finally:
            self._server.ready.set()


def serve(
    options: Options,
    account: Account,
    *,
    key: str = DEFAULT_KEY,
    host: str = "127.0.0.1",
    port: int = 0,
    announce: Callable[[str, str], None],
) -> None:
    """Serve until SIGINT or SIGTERM; `announce` gets base URL and key once the port is open."""
    sock = listening(host, port)
    announce(root_of(sock, host) + API, key)
    # uvicorn raises the signal again once it has stopped; stopping is no failure here.
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, lambda *_: None)
    with sock:
        _Server(_config(Api(account, options, key))).run(sockets=[sock])


def listening(host: str, port: int) -> socket.socket:
    """Return a listening socket on loopback; raise BadOption for any other host or a taken port."""
    if host not in LOOPBACK:
        raise BadOption(f"host is {host!r}; the sandbox serves loopback only: 127.0.0.1 or ::1")
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except (OSError, OverflowError) as error:
        sock.close()
        raise BadOption(f"port {port} cannot be used ({error}); --port 0 finds one") from None
    sock.listen(512)
    return sock


def root_of(sock: socket.socket, host: str) -> str:
    """Return the address of a listening socket as the beginning of a URL."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{sock.getsockname()[1]}"


class _Server(uvicorn.Server):
    """Stops at once when told to from another thread; uvicorn's own way costs 0.2 s each time."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()

    def stop(self) -> None:
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self.ready.set()

    async def main_loop(self) -> None:
        counter = 0
        while not await self.on_tick(counter):
            counter += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), 0.1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for sock in sockets or []:
            sock.close()
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if running := set(self.server_state.tasks):
            _, late = await asyncio.wait(running, timeout=GRACE)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await asyncio.sleep(0)


class _Protocol(HttpToolsProtocol):
    """Hands the transport to the app, so that a fault can cut the connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["transport"] = self.transport  # type: ignore[typeddict-unknown-key] # our own key


def _config(api: Api) -> uvicorn.Config:
    control = Control(api)
    failures: tuple[Any, ...] = (NotFound, Refused, BadOption, 404, 405, Exception)
    handlers = dict.fromkeys(failures, on_error)
    app = Starlette(routes=[*api.routes(), *control.routes()], exception_handlers=handlers)
    return uvicorn.Config(
        Gate(app, api),
        http=_Protocol,
        loop="uvloop",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
    )
