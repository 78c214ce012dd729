"""The daemon as a process: its signals, its words to systemd, and an end within 20 seconds.

systemd hears of it as sd_notify(3) says; the signals are those of systemd.service(5): SIGTERM ends, SIGHUP reloads.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time

from syncd import log as logs
from syncd.daemon.daemon import Daemon
from syncd.errors import SettingsError, StateError, SyncdError
from syncd.settings import Settings, load
from syncd.state.store import Store
from syncd.systemd import notify

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

PATIENCE, LAST_COMMIT = 15.0, 3.0
"""Seconds that running jobs get to finish the operation in flight, then seconds for a commit under way: 20 at most."""


def serve(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT and return 0; raise ``StateLocked`` or ``StateError`` where it cannot begin or go on.

    The signals stay blocked: they are waited for, never handled in the middle of something.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    store = Store(settings.state)
    try:
        daemon = Daemon(settings, store)
        daemon.start()
        logs.logger().info("daemon.started", sources=len(settings.sources), targets=len(settings.targets))
        notify(f"READY=1\nSTATUS={daemon.status()}")
        while signal.sigwait(SIGNALS) == signal.SIGHUP:
            reload(daemon)
        notify("STOPPING=1\nWATCHDOG=1\nSTATUS=Stopping; operations in flight are finished first.")
        logs.logger().info("daemon.stopping")
        if daemon.fault is not None:
            logs.logger().error("daemon.failed", error=str(daemon.fault))
        if hanging := daemon.end(PATIENCE):
            leave(store, hanging, daemon.fault.exit_code if daemon.fault else 0)
        if daemon.fault is not None:
            raise daemon.fault
        logs.logger().info("daemon.stopped")
        return 0
    finally:
        store.close()


def reload(daemon: Daemon) -> None:
    """Read the settings again; wrong ones are told and the old ones go on."""
    notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
    log, old = logs.logger(), daemon.engine.settings
    try:
        settings = _other(old)
        logs.configure(settings.log, settings.log_level, {*settings.secrets, *old.secrets})
        daemon.use(settings)
        log.info("settings.reloaded", sources=len(settings.sources), targets=len(settings.targets))
    except SyncdError as error:
        log.error("settings.refused", error=str(error))
    except Exception:  # a connector's own code is asked, too
        log.exception("settings.refused")
    notify(f"READY=1\nSTATUS={daemon.status()}")


def _other(old: Settings) -> Settings:
    settings = load(old.path)
    if settings.state != old.state:
        raise SettingsError([f"{old.path}: state is another one now; that needs a restart."])
    return settings


def leave(store: Store, hanging: list[str], code: int) -> None:
    """End the process although jobs hang in a request: no commit is cut, and the journal knows what was sent."""
    logs.logger().warning("daemon.left", hanging=hanging, waited=PATIENCE)
    last = threading.Timer(LAST_COMMIT, os._exit, (code,))
    last.daemon = True
    last.start()
    with contextlib.suppress(StateError), store.write():
        os._exit(code)  # nobody else is writing now
    os._exit(code)
