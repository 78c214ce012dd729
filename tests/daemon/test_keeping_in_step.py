"""What the daemon does by itself: new invoices arrive, troubles are told and pass, nobody delays another."""

from __future__ import annotations

from functools import partial

from syncd.sandbox import change
from syncd.sandbox.options import Fault
from syncd.sandbox.server import Sandbox
from tests.daemon.process import Daemon, until
from tests.hostile.fixtures import HostileServer


def test_a_new_invoice_appears_in_the_ledger_without_a_hand(daemon: Daemon, sandbox: Sandbox) -> None:
    daemon.running()
    daemon.until_written()
    made = change.insert(sandbox.account, {"number": "NEW-1"})
    daemon.until_written("NEW-1")
    sandbox.account.happen(made.id, "paid")
    until(lambda: made.id in (daemon.folder / "ledger" / "payments.csv").read_text())
    assert daemon.end()[0] == 0
    reconciled = daemon.syncd("reconcile")
    assert reconciled.returncode == 0, reconciled.stdout + reconciled.stderr


def test_what_had_changed_while_it_was_away_is_caught_up_at_once(daemon: Daemon, sandbox: Sandbox) -> None:
    daemon.settings(daemon.ledger(), poll="1h")
    daemon.running()
    daemon.until_written()
    daemon.end()
    change.insert(sandbox.account, {"number": "AWAY-1"})
    daemon.running()
    daemon.until_written("AWAY-1")


def test_a_refused_key_does_not_end_it_and_is_tried_ever_more_seldom(daemon: Daemon, sandbox: Sandbox) -> None:
    daemon.key.write_text("ffk_somebody_elses_key")
    daemon.running()
    told = until(lambda: len(daemon.logged("source.refused")) >= 3 and daemon.logged("source.refused"))
    assert [line["again_in"] for line in told[:3]] == [2, 4, 8]
    assert told[0]["source"] == "main"
    assert daemon.systemd.heard_of("STATUS=source main: the credentials were refused (401)")
    assert daemon.state("select command, exit_code from run") == [("serve", 3)]
    failed = daemon.syncd("status")
    assert (failed.returncode, "failed source main: the credentials were refused (401)" in failed.stdout) == (1, True)
    daemon.key.write_text(sandbox.key)
    daemon.reload()
    daemon.until_written()
    assert "somebody_elses" not in daemon.log.read_text() + " ".join(daemon.systemd.heard)
    change.insert(sandbox.account, {"number": "BEAT-1"})
    daemon.until_written("BEAT-1")


def test_status_tells_why_a_source_fails_now_and_not_why_it_failed_first(daemon: Daemon, sandbox: Sandbox) -> None:
    daemon.running()
    daemon.until_written()
    sandbox.change(faults=(Fault("rate_limited", retry_after="none"),))
    until(lambda: daemon.logged("source.failed"))
    assert "asks to slow down (429)" in daemon.syncd("status").stdout
    runs = daemon.state("select count(*) from run")
    sandbox.change(faults=(Fault("status_5xx", status=401),))
    until(lambda: daemon.logged("source.refused"))
    until(lambda: "the credentials were refused (401)" in daemon.syncd("status").stdout)
    assert "(429)" not in daemon.syncd("status").stdout
    assert "(429)" not in daemon.systemd.heard_of("STATUS=")[-1]
    assert daemon.state("select count(*) from run") == runs


def test_a_source_that_cannot_be_reached_is_asked_again_at_the_next_beat(daemon: Daemon, sandbox: Sandbox) -> None:
    sandbox.change(faults=(Fault("status_5xx", times=6),))
    daemon.running()
    daemon.until_written()
    (failed, *_) = daemon.logged("source.failed")
    assert "503" in failed["error"]
    assert daemon.logged("source.recovered")
    assert "Traceback" not in daemon.log.read_text()


def test_a_source_that_asks_to_wait_is_left_alone_by_the_daemon_and_by_the_next_one(
    daemon: Daemon, sandbox: Sandbox
) -> None:
    sandbox.change(faults=(Fault("rate_limited", seconds=3600.0, times=1),))
    daemon.running()
    until(lambda: len(daemon.logged("source.failed")) == 2)
    asked = sandbox.traffic.total
    first, second = (line["error"] for line in daemon.logged("source.failed"))
    assert "asks to wait until" in first
    assert "nothing was asked" in second
    assert daemon.end()[0] == 0
    daemon.running()
    until(lambda: daemon.systemd.heard_of("STATUS=source main: it asked at "))
    until(lambda: len(daemon.logged("source.failed")) == 3)
    assert sandbox.traffic.total == asked
    until(lambda: daemon.state("select count(*) from run") == [(2,)])


def test_a_hanging_target_does_not_delay_the_other(daemon: Daemon, sandbox: Sandbox, hostile: HostileServer) -> None:
    hostile.behave(script=["slow"], late=60.0)
    daemon.settings(daemon.ledger(), hostile.settings(timeout=120.0))
    daemon.running()
    until(lambda: hostile.counts()["requests"].get("batch slow"))
    for number in ("ONE", "TWO", "THREE"):
        change.insert(sandbox.account, {"number": number})
        daemon.until_written(number)
    assert hostile.counts()["requests"]["batch"] == 1
    hostile.kill()  # the hanging request breaks off
    until(lambda: daemon.logged("target.failed"))
    hostile.start()
    until(lambda: {"ONE", "TWO", "THREE"} <= {record["fields"].get("number") for record in hostile.records()})
    assert hostile.audit()["clean"]
    assert daemon.end()[0] == 0


def test_a_hold_is_said_once_and_let_pass_by_a_release(
    daemon: Daemon, sandbox: Sandbox, hostile: HostileServer
) -> None:
    daemon.settings(hostile.settings(max_voids=0))
    made = change.insert(sandbox.account, {"number": "VOID-1"})
    daemon.running()
    until(lambda: daemon.logged("target.synced"))
    sandbox.account.happen(made.id, "cancelled")
    (held,) = until(lambda: daemon.logged("target.held"))
    assert (held["target"], held["remedy"]) == ("books", "syncd release books")
    until(lambda: daemon.state("select count(*) from run where exit_code = 5")[0][0] >= 2)
    assert len(daemon.logged("target.held")) == 1
    assert daemon.syncd("release", "books").returncode == 0
    until(lambda: len(daemon.logged("target.synced")) >= 2)
    assert daemon.state("select count(*) from operation where verb = 'void' and state = 'done'") == [(1,)]


def test_idle_passes_do_not_fill_the_state(daemon: Daemon) -> None:
    daemon.running()
    daemon.until_written()
    before = daemon.written()

    def later_than(run: int) -> bool:
        return daemon.newest_run() > run

    for _ in range(5):
        newest = daemon.newest_run()
        daemon.reload()  # each target gets a pass
        until(partial(later_than, newest))
    assert daemon.end()[0] == 0
    assert len(daemon.state("select n from run")) == 2  # the one that wrote, and the newest
    assert len(daemon.state("select n from plan")) == 2
    assert daemon.state("select distinct run.n from run join plan on run = run.n join operation on plan = plan.n") == [
        (1,)
    ]
    assert daemon.written() == before
