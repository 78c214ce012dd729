"""A desk at which invoices are written to a real Odoo, and what a test looks at there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pytest

from connectors.odoo.client import Odoo
from connectors.odoo.company import Company
from connectors.odoo.company_io import read_company
from connectors.odoo.errors import OdooAnswer
from connectors.odoo.findings import FREE
from connectors.odoo.move_io import read_moves
from connectors.odoo.posting import write_moves
from connectors.odoo.settings import OdooSettings
from syncd.connector import Content, Done, Exists, Operation, Outcome, Remote
from syncd.fields import differences
from syncd.marks import mark
from syncd.secret import Secret
from tests.odoo.invoices import changing, entry, flat, operation
from tests.odoo.place import Place


@dataclass
class Desk:
    """Someone who writes invoices: a client, the books, a customer."""

    odoo: Odoo
    company: Company
    partner: int
    admin: Odoo

    def operation(self, verb: Any, content: Content, **other: Any) -> Operation:
        return operation(verb, content, self.company, partner=self.partner, **other)

    def run(self, *operations: Operation) -> list[Outcome]:
        entries = [entry(number, one, self.company) for number, one in enumerate(operations)]
        outcomes = dict(write_moves(self.odoo, self.company, entries))
        return [outcomes[number] for number in range(len(operations))]

    def create(self, *contents: Content) -> list[str]:
        outcomes = self.run(*(self.operation("create", one) for one in contents))
        assert all(isinstance(one, Done) for one in outcomes), outcomes
        return [one.external_id for one in outcomes if isinstance(one, Done)]

    def change(self, before: Content, after: Content, external_id: str, verb: Any = "update") -> Operation:
        return changing(before, after, external_id, self.company, verb=verb, partner=self.partner)

    def void(self, content: Content, external_id: str) -> Operation:
        return self.operation("void", content, external_id=external_id)

    def remotes(self, *ids: str) -> list[Remote]:
        pages = read_moves(self.odoo, self.company, [("id", "in", [int(one) for one in ids])])
        return [remote for page in pages for remote in page]

    def differs(self, content: Content, external_id: str) -> dict[str, Any]:
        """Say how what stands differs from what the source says, but for the client's id."""
        expected = {path: value for path, value in flat(content, self.company).items() if path != "client_id"}
        (remote,) = self.remotes(external_id)
        return differences(expected, remote.fields)

    def rows(self, content: Content) -> list[dict[str, Any]]:
        """All that Odoo has under an invoice's mark."""
        own = mark("invoice", content["invoice_id"])
        return self.odoo.search_read("account.move", [("invoice_origin", "=", own)], ["name", "state", "date"])

    def pay(self, external_id: str) -> None:
        """Pay as a person does."""
        seen = {"active_model": "account.move", "active_ids": [int(external_id)]}
        values = [{"payment_date": "2026-03-20"}]
        made = self.odoo.call("account.payment.register", "create", vals_list=values, context=seen)
        self.odoo.call("account.payment.register", "action_create_payments", made)


def open_desk(place: Place, journal: str = "FF", **settings: Any) -> Desk:
    odoo, admin = place.client(), place.admin()
    (made,) = odoo.call("res.partner", "create", vals_list=[{"name": "Customer"}])
    given = OdooSettings(
        url=place.url,
        database=place.database,
        api_key=Secret(place.sync_key),
        journal=journal,
        payment_journal="BNK1",
        **settings,
    )
    company = read_company(odoo, given, {"15": "Sync 15%", "0": "Sync 0%"})
    odoo.company = company.id
    return Desk(odoo, company, made, admin)


def add_journal(place: Place, code: str, **values: Any) -> int:
    admin = place.admin()
    (sales,) = admin.search_read("account.journal", [("code", "=", "INV")], ["default_account_id"])
    usual = {"name": code, "code": code, "type": "sale", "default_account_id": sales["default_account_id"][0]}
    (made,) = admin.call("account.journal", "create", vals_list=[{**usual, "sequence_override_regex": FREE, **values}])
    return int(made)


def ids_of(outcomes: list[Outcome]) -> list[str]:
    return [one.external_id for one in outcomes if isinstance(one, Done | Exists)]


def counted(odoo: Odoo, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the calls, by what is called."""
    calls: Counter[str] = Counter()
    send = odoo._send

    def counting(speaks: Any, request: Any, what: str, **more: Any) -> Any:
        calls[what] += 1
        return send(speaks, request, what, **more)

    monkeypatch.setattr(odoo, "_send", counting)
    return calls


def broken_at(
    odoo: Odoo,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    error: BaseException | type[BaseException] = KeyboardInterrupt,
) -> None:
    """End the run before a call is made."""
    send = odoo._send

    def breaking(speaks: Any, request: Any, what: str, **more: Any) -> Any:
        if what == step:
            raise error
        return send(speaks, request, what, **more)

    monkeypatch.setattr(odoo, "_send", breaking)


def meeting(odoo: Odoo, monkeypatch: pytest.MonkeyPatch, step: str, times: Collection[int]) -> list[str]:
    """Let a call meet others who write the same, the so many-th times that it is made; give those that did."""
    send, made, met = odoo._send, list[str](), list[str]()

    def meets(speaks: Any, request: Any, what: str, **more: Any) -> Any:
        if what == step:
            made.append(what)
            if len(made) in times:
                met.append(what)
                raise OdooAnswer(f"{what}: could not serialize access", kind="concurrent")
        return send(speaks, request, what, **more)

    monkeypatch.setattr(odoo, "_send", meets)
    monkeypatch.setattr("tenacity.wait.random.uniform", lambda *_: 0.0)
    return met
