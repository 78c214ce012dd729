"""Tells systemd how the daemon is: ready, alive, reloading, stopping.

The protocol is one datagram to the socket that ``$NOTIFY_SOCKET`` names: sd_notify(3) and
sd_watchdog_enabled(3) of systemd's manual pages. Outside systemd nothing is sent and nothing fails.
"""

from __future__ import annotations

import os
import socket


def notify(state: str) -> bool:
    """Send assignments such as ``READY=1`` or ``STATUS=…``, several of them one a line.

    True when the datagram left. False when nobody asked for it (no ``$NOTIFY_SOCKET``) or nobody
    listens; a daemon works on without systemd's ear, so this raises nothing.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):  # a name in the abstract namespace: unix(7)
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            # A full queue must not stop the work; systemd misses one beat, the next one tells it.
            channel.setblocking(False)  # noqa: FBT003 - the standard library takes it by position
            channel.sendto(state.encode(), address)
    except OSError:
        return False
    return True


def watchdog_interval() -> float | None:
    """Seconds between two ``WATCHDOG=1``: half of what systemd waits, as its manual advises.

    None when systemd watches nothing, or another process than this one (``$WATCHDOG_PID``).
    """
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    waits = os.environ.get("WATCHDOG_USEC", "")
    if not (waits.isascii() and waits.isdigit()) or int(waits) == 0:
        return None
    return int(waits) / 1_000_000 / 2
