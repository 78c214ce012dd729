"""The client against real servers: both APIs tell the same things apart, in the same words."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from connectors.odoo.client import Odoo
from connectors.odoo.errors import LoadRefused, NoDatabase, OdooAnswer
from syncd.errors import NotSent, Refused, SyncdError
from syncd.secret import Secret
from tests.odoo.place import Place

pytestmark = pytest.mark.odoo

WRONG = "0123456789abcdef0123456789abcdef01234567"
PARTNER = ["id", "name"]


def refusal(odoo: Odoo, model: str, method: str, ids: list[int] | None = None, **arguments: Any) -> OdooAnswer:
    with pytest.raises(OdooAnswer) as caught:
        odoo.call(model, method, ids, **arguments)
    assert "Traceback" not in str(caught.value)
    return caught.value


def test_version_dialect_and_user_are_found_out_and_kept(odoo: Place, sync: Odoo) -> None:
    sync.connect()
    sync.connect()
    assert sync.version == odoo.version
    assert sync.dialect == ("JSON-2" if odoo.version >= 19 else "JSON-RPC")
    assert sync.search_read("res.users", [("id", "=", sync.uid)], ["login"]) == [{"id": sync.uid, "login": "sync"}]


def test_a_wrong_key_is_refused_and_not_shown(odoo: Place) -> None:
    with pytest.raises(Refused, match="api_key") as caught:
        odoo.client(api_key=Secret(WRONG)).connect()
    assert WRONG not in str(caught.value)


def test_a_key_that_is_taken_back_is_refused_in_the_middle(own_odoo: Place) -> None:
    sync, admin = own_odoo.client(), own_odoo.admin()
    sync.connect()
    admin.call("res.users", "write", [sync.uid], vals={"active": False})
    with pytest.raises(Refused, match="api_key"):
        sync.ids("res.partner", [])


def test_a_wrong_login_is_refused_where_a_login_is_asked_for(odoo: Place) -> None:
    if odoo.version >= 19:
        odoo.client("nobody").connect()
        return
    with pytest.raises(Refused, match="user"):
        odoo.client("nobody").connect()
    with pytest.raises(Refused, match="set user"):
        odoo.client(user=None).connect()


def test_a_wrong_database_is_named_at_once(odoo: Place) -> None:
    started = time.monotonic()
    with pytest.raises(NoDatabase, match="check database"):
        odoo.client(database="nosuchbooks").connect()
    assert time.monotonic() - started < 10


def test_an_unknown_model_or_method_is_told(sync: Odoo) -> None:
    assert "no.model" in str(refusal(sync, "no.model", "read", [1], fields=["name"]))
    assert "nomethod" in str(refusal(sync, "res.partner", "nomethod", [1]))


def test_an_unknown_field_is_our_mistake(sync: Odoo) -> None:
    with pytest.raises(OdooAnswer, match="nope") as caught:
        sync.search_read("res.partner", [], ["nope"])
    assert caught.value.kind == "bug"


def test_a_missing_record_is_told(sync: Odoo) -> None:
    error = refusal(sync, "res.partner", "write", [999_999], vals={"name": "x"})
    assert error.kind == "missing"
    assert "999999" in error.sentence


def test_a_missing_right_names_who_has_it(sync: Odoo) -> None:
    error = refusal(sync, "account.tax", "create", vals_list=[{"name": "x"}])
    assert error.kind == "access"
    assert "account.tax" in error.sentence
    assert [group for group in error.groups if "Administrator" in group]


def test_a_group_that_is_taken_away_is_missed_at_once(own_odoo: Place) -> None:
    sync = own_odoo.client()
    sync.ids("account.move", [])
    own_odoo.take("account.group_account_invoice")
    error = refusal(sync, "account.move", "create", vals_list=[{"move_type": "out_invoice"}])
    assert error.kind == "access"
    assert error.groups
    own_odoo.give("account.group_account_invoice")
    sync.ids("account.move", [])


def test_a_rule_is_told_in_odoos_words(sync: Odoo) -> None:
    error = refusal(sync, "res.partner", "create", vals_list=[{"name": False}])
    assert error.kind == "validation"
    assert error.sentence.endswith("Contacts require a name")
    assert str(error) == f"target books: res.partner.create: {error.sentence}"


def test_a_company_that_is_not_allowed_is_refused(odoo: Place) -> None:
    sync = odoo.client()
    sync.company = 77
    assert refusal(sync, "res.partner", "search", domain=[]).kind == "access"
    sync.company = 1
    assert sync.ids("res.partner", [])


def test_records_are_made_changed_found_and_removed(sync: Odoo) -> None:
    made = sync.call("res.partner", "create", vals_list=[{"name": f"Page {number}"} for number in range(7)])
    assert sync.call("res.partner", "write", made[:1], vals={"city": "Oslo"})
    found = [("id", "in", made)]
    assert [len(page) for page in sync.pages("res.partner", found, ["city"], size=3)] == [3, 3, 1]
    assert sync.ids("res.partner", found) == made
    assert sync.search_read("res.partner", found, ["city"], limit=1) == [{"id": made[0], "city": "Oslo"}]
    assert sync.call("res.partner", "search_count", repeatable=True, domain=found) == 7
    assert {"name", "vat"} <= sync.fields_of("res.partner")


def test_load_once_makes_a_record_once_and_never_overwrites_it(sync: Odoo) -> None:
    rows = [["syncd.once-1", "First"], ["syncd.once-2", "Second"]]
    ids = sync.load("res.partner", PARTNER, rows, once=True)
    sync.call("res.partner", "write", ids[:1], vals={"name": "By hand"})
    again = sync.load("res.partner", PARTNER, [*rows, ["syncd.once-3", "Third"]], once=True)
    assert again[:2] == ids
    names = [row["name"] for row in sync.search_read("res.partner", [("id", "in", again)], ["name"])]
    assert names == ["By hand", "Second", "Third"]
    assert sync.external_ids("res.partner", again) == {
        number: f"syncd.once-{place}" for place, number in enumerate(again, 1)
    }


def test_load_names_the_bad_records_and_writes_nothing(sync: Odoo) -> None:
    fields = ["id", "name", "city", "country_id/.id"]
    rows = [[f"syncd.bad-{n}", "" if n in (1, 4) else "Good", "here", ""] for n in range(6)]
    with pytest.raises(LoadRefused, match="Contacts require a name") as caught:
        sync.load("res.partner", fields, rows, once=True)
    assert caught.value.kind == "validation"
    assert not sync.ids("res.partner", [("city", "=", "here")])
    assert {message.record for message in caught.value.messages} <= {1, 4}
    assert len(sync.load("res.partner", fields, [row for row in rows if row[1]], once=True)) == 4


def test_load_names_the_field_of_a_value_that_cannot_be_read(sync: Odoo) -> None:
    rows = [["syncd.day-1", "out_invoice", "2026-01-31"], ["syncd.day-2", "out_invoice", "31/12/2026"]]
    with pytest.raises(LoadRefused) as caught:
        sync.load("account.move", ["id", "move_type", "invoice_date"], rows, once=True)
    (message,) = caught.value.messages
    assert (message.record, message.field) == (1, "invoice_date")
    assert "31/12/2026" in message.text


def test_the_same_load_by_several_at_once_makes_one_record(odoo: Place) -> None:
    clients = [odoo.client() for _ in range(3)]
    gate = threading.Barrier(len(clients))

    def load(client: Odoo) -> list[int] | SyncdError:
        client.connect()
        gate.wait(30)
        try:
            return client.load("res.partner", PARTNER, [["syncd.race-1", "Race"]], once=True)
        except OdooAnswer as error:
            return error

    with ThreadPoolExecutor(len(clients)) as pool:
        said = list(pool.map(load, clients))
    assert len(odoo.client().ids("res.partner", [("name", "=", "Race")])) == 1
    assert len({one[0] for one in said if isinstance(one, list)}) == 1


def test_a_text_that_odoo_cannot_keep_is_refused_and_not_in_doubt(sync: Odoo) -> None:
    refusal(sync, "res.partner", "create", vals_list=[{"name": "a\x00b"}])
    refusal(sync, "res.partner", "create", vals_list=[{"name": "a\ud800b"}])


def test_a_server_that_is_not_there_was_sent_nothing(odoo: Place) -> None:
    with pytest.raises(NotSent):
        odoo.client(url="http://127.0.0.1:9", attempts=1).connect()


def test_a_method_that_gives_nothing_is_a_success(sync: Odoo) -> None:
    (number,) = sync.call("res.partner", "create", vals_list=[{"name": "Nothing"}])
    assert sync.call("res.partner", "action_archive", [number]) in (None, True, False)
    assert sync.ids("res.partner", [("id", "=", number)]) == []
    assert sync.ids("res.partner", [("id", "=", number)], context={"active_test": False}) == [number]
