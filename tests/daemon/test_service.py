"""The daemon as a service: readiness, watchdog, signals, the lock, and an end within 20 seconds."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from syncd.sandbox import change
from syncd.sandbox.options import Fault
from syncd.sandbox.server import Sandbox
from tests.daemon.process import Daemon, environment_of_watchdog, until
from tests.hostile.fixtures import HostileServer


def test_systemd_hears_that_it_is_ready_alive_and_stopping(daemon: Daemon) -> None:
    daemon.running(**environment_of_watchdog(1.0))
    until(lambda: len(daemon.systemd.heard_of("WATCHDOG=1")) >= 3)
    assert daemon.systemd.heard_of("STATUS=")
    assert not daemon.systemd.heard_of("STOPPING=1")
    code, seconds = daemon.end()
    assert (code, seconds < 5) == (0, True)
    assert daemon.systemd.heard_of("STOPPING=1")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(daemon: Daemon, number: signal.Signals) -> None:
    daemon.running()
    daemon.until_written()
    assert daemon.end(number)[0] == 0
    assert daemon.logged("daemon.stopped")
    assert not daemon.logged("daemon.left")


def test_a_second_syncd_on_the_same_state_ends_with_4_at_once(daemon: Daemon) -> None:
    daemon.running()
    second = daemon.syncd("serve")
    assert second.returncode == 4
    assert "Another syncd" in second.stderr
    assert "Traceback" not in second.stderr
    assert daemon.syncd("run").returncode == 4
    assert daemon.end()[0] == 0


def test_wrong_settings_end_it_with_2_before_it_begins(daemon: Daemon) -> None:
    daemon.settings(daemon.ledger(), poll="soon")
    told = daemon.syncd("serve")
    assert told.returncode == 2
    assert "poll" in told.stderr
    assert not daemon.systemd.heard_of("READY=1")


def test_a_first_load_is_cut_short_in_order_and_resumed(daemon: Daemon, sandbox: Sandbox) -> None:
    sandbox.change(latency=0.8)
    daemon.running()
    until(lambda: daemon.state("select count(*) from record where kind = 'invoice'")[0][0])
    assert daemon.end()[0] == 0
    assert daemon.logged("daemon.stopped")
    assert not daemon.written()
    sandbox.change(latency=0.0)
    daemon.running()
    daemon.until_written()


def test_a_hanging_source_does_not_keep_it_from_ending_within_20_seconds(daemon: Daemon, sandbox: Sandbox) -> None:
    daemon.settings(daemon.ledger(), more='timeout = "120s"')
    daemon.running()
    daemon.until_written()
    sandbox.change(faults=(Fault("slow", seconds=120.0),))
    sandbox.traffic.reset()
    until(lambda: sandbox.traffic.total)
    code, seconds = daemon.end()
    assert (code, seconds < 20) == (0, True)
    assert daemon.logged("daemon.left")[0]["hanging"] == ["pull main"]
    sandbox.change(faults=())
    assert daemon.syncd("run").returncode in (0, 1)


def test_a_hanging_target_does_not_keep_it_from_ending_and_nothing_is_booked_twice(
    daemon: Daemon, hostile: HostileServer
) -> None:
    daemon.settings(hostile.settings(timeout=120.0))
    hostile.behave(script=["ok", "slow"], late=25.0)
    daemon.running()
    until(lambda: hostile.counts()["requests"].get("batch slow"))
    code, seconds = daemon.end()
    assert (code, seconds < 20) == (0, True)
    assert daemon.logged("daemon.left")[0]["hanging"] == ["apply books"]
    hostile.behave()
    assert daemon.syncd("run").returncode in (0, 1)
    hostile.wait()
    assert hostile.audit()["clean"]
    assert daemon.state("select count(*) from operation where state = 'sent'") == [(0,)]


@pytest.mark.parametrize("replaced", [False, True])
def test_a_state_taken_away_under_it_ends_it_with_3_and_what_stands_is_adopted(
    daemon: Daemon, sandbox: Sandbox, *, replaced: bool
) -> None:
    daemon.running()
    daemon.until_written()
    daemon.newest_run()
    bound = daemon.state("select count(*) from mapping")
    before = daemon.written()
    state = daemon.folder / "state.db"
    if replaced:
        with closing(sqlite3.connect(state)) as stands, closing(sqlite3.connect(daemon.folder / "backup")) as backup:
            stands.backup(backup)
        (daemon.folder / "backup").replace(state)
    else:
        state.unlink()
    until(lambda: daemon.ended)
    assert daemon.process is not None
    assert daemon.process.returncode == 3
    (failed,) = daemon.logged("daemon.failed")
    assert f"The state {state} was deleted or replaced" in failed["error"]
    assert "checked" not in (daemon.folder / "state.db.lock").read_text(), "another file was looked at"
    change.insert(sandbox.account, {"number": "ANEW-1"})
    daemon.running()
    daemon.until_written("ANEW-1")
    daemon.newest_run()
    assert set(before.splitlines()) <= set(daemon.written().splitlines())
    assert daemon.state("select count(*) from mapping")[0][0] > bound[0][0]


def test_a_reload_takes_a_new_target_in(daemon: Daemon) -> None:
    daemon.running()
    daemon.until_written()
    daemon.settings(daemon.ledger(), daemon.ledger("second"))
    daemon.reload()
    daemon.until_written(name="second")
    assert daemon.written("second") == daemon.written()
    assert daemon.systemd.heard_of("RELOADING=1\nMONOTONIC_USEC=")


def test_a_target_taken_out_is_left_alone_after_a_reload(daemon: Daemon, sandbox: Sandbox) -> None:
    daemon.settings(daemon.ledger(), daemon.ledger("second"))
    daemon.running()
    until(lambda: daemon.written() and daemon.written("second"))
    daemon.settings(daemon.ledger())
    daemon.reload()
    before = daemon.written("second")
    change.insert(sandbox.account, {"number": "AFTER-1"})
    daemon.until_written("AFTER-1")
    assert daemon.written("second") == before


def test_a_renamed_target_waits_until_its_books_are_no_longer_written_under_the_old_name(
    daemon: Daemon, tmp_path: Path
) -> None:
    with HostileServer(tmp_path / "keyless.db", "keyless") as server:
        server.behave(script=["slow"], late=6.0)
        daemon.settings(server.settings("old", timeout=120.0))
        daemon.running()
        until(lambda: server.counts()["requests"].get("batch slow"))
        daemon.settings(server.settings("new", timeout=120.0))
        daemon.reload()
        until(lambda: {line["target"] for line in daemon.logged("target.synced")} == {"old", "new"})
        assert [line["target"] for line in daemon.logged("target.synced")] == ["old", "new"]
        assert server.audit()["clean"]
        assert daemon.state("select target from plan order by n")[:2] == [("old",), ("new",)]
        assert daemon.end()[0] == 0


def test_wrong_settings_at_a_reload_are_told_and_the_old_ones_go_on(daemon: Daemon, sandbox: Sandbox) -> None:
    daemon.running()
    daemon.until_written()
    good = daemon.file.read_text()
    for wrong in ("poll = [", good.replace('poll = "1s"', 'poll = "soon"'), good.replace("state.db", "other.db")):
        told = len(daemon.logged("settings.refused"))
        daemon.file.write_text(wrong)
        daemon.reload()
        assert len(daemon.logged("settings.refused")) == told + 1
    change.insert(sandbox.account, {"number": "STILL-1"})
    daemon.until_written("STILL-1")
    assert "Traceback" not in daemon.log.read_text()
