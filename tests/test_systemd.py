"""What systemd hears from the daemon, on a real datagram socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.systemd import notify, watchdog_interval


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.settimeout(5)
        if request.param == "path":
            listener.bind(str(tmp_path / "notify"))
            monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        else:
            name = f"syncd-test-{os.getpid()}"
            listener.bind(f"\0{name}")
            monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        yield listener


@pytest.mark.parametrize("state", ["READY=1", "WATCHDOG=1", "STOPPING=1", "READY=1\nSTATUS=3 mål i takt"])
def test_systemd_hears_each_state_as_one_datagram(systemd: socket.socket, state: str) -> None:
    assert notify(state)
    assert systemd.recv(4096) == state.encode()


@pytest.mark.usefixtures("systemd")
def test_a_systemd_that_does_not_listen_never_blocks_the_daemon() -> None:
    heard = [notify("WATCHDOG=1") for _ in range(10_000)]
    assert heard[0]
    assert not heard[-1]


@pytest.mark.parametrize("address", [None, "", "vsock:2:1234", "relative", "/nowhere/notify"])
def test_without_a_socket_nothing_is_sent_and_nothing_fails(
    monkeypatch: pytest.MonkeyPatch, address: str | None
) -> None:
    if address is None:
        monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    else:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
    assert not notify("READY=1")


def test_the_watchdog_is_fed_twice_in_the_time_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "60000000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    assert watchdog_interval() == 30.0
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    assert watchdog_interval() == 30.0


@pytest.mark.parametrize(
    ("waits", "watched"), [(None, "me"), ("0", "me"), ("-5", "me"), ("soon", "me"), ("60", "else")]
)
def test_without_a_watchdog_for_this_process_there_is_no_interval(
    monkeypatch: pytest.MonkeyPatch, waits: str | None, watched: str
) -> None:
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid() if watched == "me" else os.getppid()))
    if waits is None:
        monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    else:
        monkeypatch.setenv("WATCHDOG_USEC", waits)
    assert watchdog_interval() is None
