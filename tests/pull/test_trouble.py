"""What goes wrong at the source: bad rows, bad details, refused keys, dead servers, other accounts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from syncd.errors import Refused, Unreachable
from syncd.problems import sentence
from syncd.pull import Pulled
from syncd.sandbox import change
from syncd.sandbox.data import made_up

from .conftest import Start
from .support import Puller, api_of, assert_in_step, requests


def codes(pulled: Pulled) -> set[tuple[str, str]]:
    return {(one.code, one.id) for one in pulled.findings}


def test_a_row_without_an_id_is_a_finding_and_the_rest_goes_on(start: Start) -> None:
    sandbox, puller = start()
    broken = change.insert(sandbox.account, {"number": "X-1", "_remove": ["id"]})
    pulled = puller.pull()
    assert [one.code for one in pulled.findings] == ["record_without_id"]
    assert "X-1" in pulled.findings[0].parameters["found"]
    assert sentence(pulled.findings[0]) == "One of the invoices that FastFaktura listed has no id: X-1."
    assert set(puller.records("invoice")) == set(sandbox.account.invoices) - {broken.id}
    assert [one.code for one in puller.pull().findings] == ["record_without_id"]
    change.patch_invoice(sandbox.account, broken.id, {"_remove": []})
    for _ in range(2):
        pulled = puller.pull(full=True)
    assert not pulled.findings
    assert_in_step(puller, sandbox)


@pytest.mark.parametrize("far", [False, True])
def test_an_id_that_two_different_invoices_share_is_a_finding(start: Start, far: bool) -> None:
    sandbox, puller = start(page_size=10)
    invoices = list(sandbox.account.invoices.values())
    first, other = invoices[-1], invoices[0 if far else -2]
    change.patch_invoice(sandbox.account, other.id, {"id": first.id})
    pulled = puller.pull()
    assert ("duplicate_id", first.id) in codes(pulled)
    assert set(puller.records("invoice")) == set(sandbox.account.invoices) - {other.id}
    assert ("duplicate_id", first.id) in codes(puller.pull())
    before = puller.pull(full=True).revision
    assert puller.pull(full=True).revision == before


@pytest.mark.parametrize(
    "fault", [{"kind": "status_5xx", "status": 500}, {"kind": "truncated_json"}, {"kind": "html_error"}]
)
def test_a_detail_that_cannot_be_read_is_a_finding_and_is_asked_for_again(start: Start, fault: dict[str, Any]) -> None:
    sandbox, puller = start()
    bad = list(sandbox.account.invoices)[5]
    sandbox.change(faults=[{**fault, "path": f"/invoices/{bad}"}])
    pulled = puller.pull()
    assert codes(pulled) == {("detail_unreadable", bad)}
    assert puller.row(bad).detail_print is None
    assert len(puller.records("invoice")) == len(sandbox.account.invoices)
    assert codes(puller.pull()) == {("detail_unreadable", bad)}
    sandbox.change(faults=[])
    before = puller.before.revision
    assert not puller.pull().findings
    assert puller.changed_since(before) == {bad}
    assert_in_step(puller, sandbox)


def test_an_invoice_that_vanished_before_its_detail_was_read_is_no_problem_for_long(start: Start) -> None:
    sandbox, puller = start()
    puller.pull()
    made = change.insert(sandbox.account, {"status": "paid"})
    requests(sandbox)
    # Its row is shown by the growing end; then it vanishes.
    counted = 0

    def watch() -> None:
        nonlocal counted
        counted += 1
        if any("page" in line for line in list(sandbox.traffic.log)) and made.id in puller_ids():
            if made.id in sandbox.account.invoices:
                sandbox.account.vanish(made.id)
            return
        sandbox.after(1, watch)

    def puller_ids() -> set[str]:
        return set(puller.records("invoice"))

    sandbox.after(1, watch)
    puller.pull()
    assert made.id not in sandbox.account.invoices
    pulled = puller.pull(full=True)
    assert puller.row(made.id).gone_at is not None
    assert not puller.pull().findings
    assert not pulled.holds


@pytest.mark.parametrize("where", ["/business", "/clients", "/invoices"])
def test_faults_now_and_then_are_overcome(start: Start, where: str) -> None:
    sandbox, puller = start()
    # Four threads share the faults, and one of them may meet several in a row.
    puller.api = api_of(sandbox.base_url, sandbox.key, pool=4, attempts=20, sleep=lambda _: None)
    sandbox.change(
        faults=[
            {"kind": "status_5xx", "every": 7, "path": where},
            {"kind": "drop_before", "every": 11, "path": where},
            {"kind": "truncated_json", "every": 13, "path": where},
        ]
    )
    for _ in range(3):
        puller.pull(full=True)
    sandbox.change(faults=[])
    puller.pull(full=True)
    assert_in_step(puller, sandbox)
    puller.api.close()


def test_a_refused_key_stops_the_cycle_and_keeps_what_was_stored(start: Start) -> None:
    sandbox, puller = start()
    puller.pull()
    puller.api = api_of(sandbox.base_url, "ffk_wrong")
    with pytest.raises(Refused) as caught:
        puller.pull()
    assert "ffk_wrong" not in str(caught.value)
    puller.api.close()
    assert len(puller.records("invoice")) == 40


def test_an_unreachable_source_stops_the_cycle(tmp_path: Path) -> None:
    api = api_of("http://127.0.0.1:9/api/v1", "ffk_x", attempts=1)
    puller = Puller(tmp_path, api)
    with pytest.raises(Unreachable):
        puller.pull()
    puller.close()
    api.close()


def test_a_source_that_dies_between_details_stops_and_goes_on_where_it_was(start: Start) -> None:
    sandbox, puller = start()
    sandbox.after(35, lambda: sandbox.change(faults=[{"kind": "drop_before"}]))
    with pytest.raises(Unreachable):
        puller.pull()
    sandbox.change(faults=[])
    had = {invoice_id for invoice_id in puller.records("invoice") if puller.row(invoice_id).detail_print is not None}
    requests(sandbox)
    puller.pull()
    asked = {line.rsplit("/", 1)[1] for line in sandbox.traffic.log if "/invoices/" in line}
    assert not had & asked
    assert_in_step(puller, sandbox)


def test_a_list_that_is_refused_stops_the_cycle_with_a_sentence(start: Start) -> None:
    sandbox, puller = start()
    sandbox.change(faults=[{"kind": "status_5xx", "status": 422, "path": "/clients"}])
    with pytest.raises(Unreachable, match="client"):
        puller.pull()


def test_another_accounts_key_is_a_hold_and_nothing_of_it_is_stored(start: Start) -> None:
    sandbox, puller = start()
    before = puller.pull().revision
    known = puller.records("invoice")
    other, _ = start(made_up(99, clients=12, invoices=50))
    puller.api = api_of(other.base_url, other.key)
    for how in ({}, {"full": True}, {"after": 10_000}):
        pulled = puller.pull(**how)
        assert [one.code for one in pulled.holds] == ["account_changed"]
        assert pulled.revision == before
        assert puller.records("invoice") == known
    puller.api.close()
    puller.api = api_of(sandbox.base_url, sandbox.key)
    assert not puller.pull().holds
    puller.api.close()


def test_another_account_that_is_empty_is_a_hold(start: Start) -> None:
    _, puller = start()
    puller.pull()
    other, _ = start(made_up(99, clients=0, invoices=0))
    puller.api = api_of(other.base_url, other.key)
    pulled = puller.pull(full=True)
    assert [one.code for one in pulled.holds] == ["account_changed"]
    assert pulled.gone == 0
    puller.api.close()


def test_another_account_is_taken_once_a_person_lets_it_pass(start: Start) -> None:
    _, puller = start()
    puller.pull()
    other, _ = start(made_up(99, clients=12, invoices=50))
    puller.api = api_of(other.base_url, other.key)
    assert puller.pull().holds
    pulled = puller.pull(full=True, released=frozenset({"account_changed"}))
    assert not pulled.holds
    assert_in_step(puller, other)
    assert not puller.pull(full=True).holds
    puller.api.close()


def test_a_walk_that_lacks_too_many_is_a_hold_until_a_person_lets_it_pass(start: Start) -> None:
    sandbox, puller = start(made_up(clients=12, invoices=120))
    puller.pull()
    paid = [x.id for x in sandbox.account.invoices.values() if x.status == "paid"]
    for invoice_id in paid[:60]:
        sandbox.account.vanish(invoice_id)
    pulled = puller.pull(full=True)
    assert [one.code for one in pulled.holds] == ["walk_too_short"]
    assert pulled.holds[0].parameters["known"] == "120"
    assert pulled.gone == 0
    assert pulled.requests.get("confirm", 0) == 0
    assert [one.code for one in puller.pull().holds] == ["walk_too_short"]
    pulled = puller.pull(released=frozenset({"walk_too_short"}))
    assert not pulled.holds
    assert pulled.gone == 60
    assert not puller.pull().holds
    assert_in_step(puller, sandbox)


def test_a_walk_that_shows_them_again_ends_the_hold(start: Start) -> None:
    sandbox, puller = start(made_up(clients=12, invoices=120))
    puller.pull()
    kept = [x for x in list(sandbox.account.invoices.values()) if x.status == "paid"][:60]
    for invoice in kept:
        sandbox.account.vanish(invoice.id)
    assert puller.pull(full=True).holds
    for invoice in kept:
        sandbox.account.added(invoice)
    assert not puller.pull(full=True).holds
    assert_in_step(puller, sandbox)


def test_a_cycle_asked_to_stop_ends_early_and_the_next_goes_on(start: Start) -> None:
    sandbox, puller = start()

    class Soon:
        left = 12

        def is_set(self) -> bool:
            self.left -= 1
            return self.left < 0

    pulled = puller.pull(stop=Soon())
    assert not pulled.whole
    assert len(puller.records("invoice")) < 40 or puller.row(next(iter(sandbox.account.invoices)))
    puller.pull()
    assert_in_step(puller, sandbox)


def test_bad_content_is_stored_as_it_is_for_the_planner_to_judge(start: Start) -> None:
    sandbox, puller = start()
    account = sandbox.account
    bad = change.insert(account, {"total_cents": "many", "status": "strange", "currency": 7, "lines": "none"})
    pulled = puller.pull()
    assert not pulled.findings
    assert puller.records("invoice")[bad.id]["total_cents"] == "many"
    assert puller.row(bad.id).status == "strange"
