"""Records that can never be read, beside others that can: they are told and the others go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from syncd.errors import Unreachable
from syncd.fastfaktura import FastFaktura
from syncd.model import Client, Invoice, Rejection
from syncd.payload import read_client, read_invoice
from syncd.sandbox import change
from syncd.sandbox.account import Account
from syncd.sandbox.data import made_up

from .conftest import Start
from .support import api_of, assert_in_step, between, requests

ZONE = ZoneInfo("UTC")


def failing(ids: list[str]) -> list[dict[str, Any]]:
    return [{"kind": "status_5xx", "status": 500, "path": f"/invoices/{each}"} for each in ids]


def born(account: Account, number: int) -> list[str]:
    return [change.insert(account, {"status": "paid"}).id for _ in range(number)]


@pytest.mark.parametrize("number", [3, 4, 30])
def test_new_invoices_that_never_can_be_read_do_not_stop_the_source(start: Start, number: int) -> None:
    sandbox, puller = start()
    puller.pull()
    bad = born(sandbox.account, number)
    sandbox.change(faults=failing(bad))
    good = born(sandbox.account, 1)
    before = puller.before.revision
    for _ in range(3):
        pulled = puller.pull()
        assert {(one.code, one.id) for one in pulled.findings} == {("detail_unreadable", each) for each in bad}
        assert pulled.whole
        assert puller.changed_since(before) == set(good)
    sandbox.change(faults=[])
    for _ in range(-(-number // 20)):
        puller.pull()
    assert not puller.before.findings
    assert_in_step(puller, sandbox)


def test_what_failed_before_is_asked_for_once_in_a_cycle_and_only_so_many(start: Start) -> None:
    sandbox, puller = start()
    puller.pull()
    bad = born(sandbox.account, 50)
    sandbox.change(faults=failing(bad))
    puller.pull()
    seen: set[str] = set()
    for _ in range(3):
        requests(sandbox)
        puller.pull()
        asked = [each for line in sandbox.traffic.log if (each := line.rsplit("/", 1)[1]) in bad]
        assert len(asked) == len(set(asked)) <= 20
        seen.update(asked)
    assert seen == set(bad)


def test_a_first_load_goes_on_past_invoices_that_never_can_be_read(start: Start) -> None:
    sandbox, puller = start(made_up(clients=3, invoices=8))
    bad = list(sandbox.account.invoices)[:5]
    sandbox.change(faults=failing(bad))
    pulled = puller.pull()
    assert {one.id for one in pulled.findings} == set(bad)
    assert len(puller.changed_since(0) - set(sandbox.account.clients)) == 3


@pytest.mark.parametrize("status", [410, 422, 500])
def test_a_client_that_the_list_leaves_out_and_that_cannot_be_read_is_told_and_stops_nothing(
    start: Start, status: int
) -> None:
    sandbox, puller = start()
    puller.pull()
    bad = list(sandbox.account.clients)[3]
    client = sandbox.account.clients.pop(bad)
    sandbox.change(faults=[{"kind": "status_5xx", "status": status, "path": f"/clients/{bad}"}])
    for full in (True, False, True):
        (new,) = born(sandbox.account, 1)
        pulled = puller.pull(full=full)
        assert [(one.code, one.kind, one.id) for one in pulled.findings] == [("detail_unreadable", "client", bad)]
        assert pulled.whole
        assert new in puller.records("invoice")
    assert bad in puller.records("client")
    sandbox.account.clients[bad] = client
    sandbox.change(faults=[])
    for _ in range(2):
        puller.pull(full=True)
    assert not puller.before.findings


def test_a_source_that_goes_away_while_it_is_asked_for_clients_is_unreachable(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox, puller = start()
    puller.pull()
    for gone in list(sandbox.account.clients)[:4]:
        del sandbox.account.clients[gone]
    asked: list[str] = []

    def dying(api: FastFaktura, client_id: str) -> bytes:
        asked.append(client_id)
        sandbox.change(faults=[{"kind": "status_5xx", "status": 500}])
        return ask(api, client_id)

    ask = FastFaktura.client
    monkeypatch.setattr(FastFaktura, "client", dying)
    with pytest.raises(Unreachable, match="/clients "):
        puller.pull(full=True)
    assert len(asked) == 1


def test_a_source_that_gives_no_detail_at_all_is_unreachable(start: Start) -> None:
    sandbox, puller = start()
    puller.pull()
    born(sandbox.account, 5)
    sandbox.change(faults=[{"kind": "status_5xx", "status": 500, "path": "/invoices/"}])
    for _ in range(2):
        with pytest.raises(Unreachable):
            puller.pull()
    sandbox.change(faults=[])
    assert not puller.pull().findings
    assert_in_step(puller, sandbox)


def test_a_first_load_that_gets_no_detail_at_all_ends(start: Start) -> None:
    sandbox, puller = start()
    sandbox.change(faults=[{"kind": "status_5xx", "status": 500, "path": "/invoices/"}])
    with pytest.raises(Unreachable):
        puller.pull()


@pytest.mark.parametrize("value", [rb'"Smile \ud83d"', b"1e999", b"NaN", b'"caf\xe9"'])
def test_a_client_that_holds_what_cannot_be_kept_is_refused_and_the_others_go_on(start: Start, value: bytes) -> None:
    sandbox, puller = start()
    ids = list(sandbox.account.clients)
    change.patch_client(sandbox.account, ids[5], {"name": "HALF"})
    with between(sandbox, lambda _, body: body.replace(b'"HALF"', value)) as url:
        puller.api = api_of(url, sandbox.key, pool=4, attempts=1)
        puller.pull()
        made = born(sandbox.account, 1)
        puller.pull(full=True)
        puller.api.close()
    clients = puller.records("client")
    assert set(clients) == set(ids)
    refused = read_client(clients[ids[5]])
    assert isinstance(refused, Rejection)
    assert refused.code == "unreadable"
    assert all(isinstance(read_client(clients[each]), Client) for each in ids if each != ids[5])
    assert made[0] in puller.records("invoice")


@pytest.mark.parametrize(
    ("broken", "field"),
    [
        (lambda body: body.replace(b'"notes":"HALF"', rb'"notes":"\ud83d"'), "notes"),
        (lambda body: body.replace(b'"data":"HALF"', rb'"data":"\ud83d"'), "events.1"),
        (lambda body: body.replace(b'"data":"HALF"', b'"data":NaN'), "events.1"),
    ],
)
def test_an_invoice_that_holds_what_cannot_be_kept_is_refused_and_the_others_go_on(
    start: Start, broken: Callable[[bytes], bytes], field: str
) -> None:
    sandbox, puller = start()
    event = {"id": "e", "type": "sent", "created_at": "2026-01-05T10:00:00Z", "data": "HALF"}
    bad = change.insert(sandbox.account, {"status": "paid", "notes": "HALF", "events": [event]}).id
    with between(sandbox, lambda _, body: broken(body)) as url:
        puller.api = api_of(url, sandbox.key, pool=4, attempts=1)
        assert not puller.pull().findings
        puller.api.close()
    invoices = puller.records("invoice")
    refused = read_invoice(invoices[bad], ZONE)
    assert isinstance(refused, Rejection)
    assert (refused.code, dict(refused.parameters)["field"]) == ("unreadable", field)
    others = [read_invoice(raw, ZONE) for each, raw in invoices.items() if each != bad]
    assert len(others) == 40
    assert all(isinstance(each, Invoice) for each in others)
