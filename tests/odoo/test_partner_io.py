"""Clients as partners on a real Odoo: written, read back, found, and what goes wrong."""

from __future__ import annotations

from datetime import date
from typing import Any

import orjson
import pytest

from connectors.odoo.client import Odoo
from connectors.odoo.company_io import read_company
from connectors.odoo.partner_io import find_partners, partner_marks, read_partners, write_partners
from connectors.odoo.partners import CLIENT_FIELDS, render_client, shape_client
from connectors.odoo.settings import OdooSettings
from syncd.connector import (
    ARCHIVED,
    Content,
    Done,
    Entry,
    Fields,
    Operation,
    Outcome,
    Rejected,
    Remote,
    Stale,
    Unknown,
    Wanted,
)
from syncd.errors import NotSent, Unreachable
from syncd.fields import differences, flatten
from syncd.secret import Secret
from tests.odoo.clients import CLIENT, client, operation
from tests.odoo.place import Place

HERE = date(2026, 11, 24)


class Desk:
    """The partners of one database, as syncd writes and finds them."""

    def __init__(self, place: Place) -> None:
        settings = OdooSettings.model_validate(
            {"url": place.url, "database": place.database, "api_key": Secret(place.sync_key)}
        )
        self.odoo, self.admin, self.sent = place.client(), place.admin(), 0
        self.company = read_company(self.odoo, settings, {}, today=HERE)
        self.count()

    def count(self) -> None:
        """Count the requests from here on."""
        send = self.odoo._http.send

        def counted(*arguments: Any, **more: Any) -> Any:
            self.sent += 1
            return send(*arguments, **more)

        self.odoo._http.send = counted  # type: ignore[method-assign]  # laid around it

    def shape(self, content: Content) -> Content:
        return shape_client(content, self.company)

    def entry(self, number: int, one: Operation) -> Entry:
        payload = render_client(one, self.company)
        assert isinstance(payload, bytes), payload
        return Entry(number, one.verb, "client", one.id, one.mark, one.key, payload, one.external_id)

    def write(self, *operations: Operation, odoo: Odoo | None = None) -> list[Outcome]:
        entries = [self.entry(number, one) for number, one in enumerate(operations)]
        outcomes = list(write_partners(odoo or self.odoo, self.company, entries))
        assert sorted(number for number, _ in outcomes) == list(range(len(entries)))
        return [outcome for _, outcome in sorted(outcomes, key=lambda pair: pair[0])]

    def made(self, *contents: Content) -> list[str]:
        done = self.write(*(operation("create", self.shape(content)) for content in contents))
        assert all(isinstance(one, Done) for one in done), done
        return [one.external_id for one in done if isinstance(one, Done)]

    def read(self, *ids: str) -> list[Remote]:
        domain = [("id", "in", [int(one) for one in ids])]
        return [remote for page in read_partners(self.odoo, self.company, domain) for remote in page]

    def fields(self, one: str) -> Fields:
        (remote,) = self.read(one)
        return remote.fields

    def edit(self, one: str, **values: Any) -> None:
        """What a person does in Odoo."""
        self.admin.call("res.partner", "write", [int(one)], vals=values)

    def find(self, *contents: Content, **more: Any) -> list[list[tuple[str, str]]]:
        wanted = [Wanted("client", one["client_id"], f"ff-c-{one['client_id']}", one, **more) for one in contents]
        found = find_partners(self.odoo, self.company, wanted)
        assert [one.id for one in found] == [one["client_id"] for one in contents]
        return [[(how, remote.external_id) for how, remote in one.candidates] for one in found]


@pytest.fixture(scope="module")
def desk(odoo: Place) -> Desk:
    return Desk(odoo)


AWKWARD = [
    client(client_id="aw1", name='  =1+1, "x"; \t<b>Ü &amp; 漢 🙂 ', email="no mail", phone="0", external_id=" 0 "),
    client(client_id="aw2", name="0", email=None, phone=None, address=None, country=None, locale=None, tags=""),
    client(client_id="aw3", name="False", address="a\nb\nc, d\ne", country="Atlantis", locale="xx_XX", tags="a,b;1;é"),
    client(client_id="aw4", name="x" * 5000, address="1 Main St, Springfield, Illinois 62704", country="usa"),
    client(client_id="aw5", address="10 Downing Street\nLondon\nSW1A 2AA", country="England", locale="en", tags="1,2"),
    client(client_id="aw6", archived_at="2026-01-02T03:04:05Z", external_id=None, tags="\\;;\\\\;a\\;b;a\\;b; VIP "),
    client(client_id="aw7", name="line\nbreak", address=" 12 rue X 75002 Paris", country=None, locale="fr"),
]


@pytest.mark.parametrize("content", AWKWARD, ids=lambda content: content["client_id"])
def test_whatever_a_client_is_called_it_is_read_back_as_its_shape(desk: Desk, content: Content) -> None:
    (one,) = desk.made(content)
    (remote,) = desk.read(one)
    assert not differences(flatten(desk.shape(content), CLIENT_FIELDS), remote.fields)
    assert remote.mark == f"ff-c-{content['client_id']}"
    assert (remote.kind, remote.version, remote.void, remote.refs) == ("client", None, False, {})


def test_a_new_partner_is_a_company_with_its_address_in_parts(desk: Desk) -> None:
    (one,) = desk.made(client(client_id="co1"))
    names = ["is_company", "street", "zip", "city", "country_id", "lang", "ref", "category_id"]
    (row,) = desk.admin.search_read("res.partner", [("id", "=", int(one))], names)
    assert (row["is_company"], row["street"], row["zip"], row["city"]) == (True, "Storgata 1", "0155", "Oslo")
    assert (row["lang"], row["ref"], len(row["category_id"])) == ("nb_NO", "K-1", 2)


def test_a_repeated_creation_makes_nothing_and_undoes_no_edit(desk: Desk) -> None:
    content = client(client_id="re1")
    (one,) = desk.made(content)
    desk.edit(one, phone="edited")
    assert desk.made(content) == [one]
    assert desk.fields(one)["phone"] == "edited"


def test_four_hundred_partners_take_a_handful_of_calls(desk: Desk) -> None:
    many = [client(client_id=f"m{n}", email=f"m{n}@many.example", external_id=f"M-{n}") for n in range(400)]
    desk.sent = 0
    ids = desk.made(*many)
    assert desk.sent <= 4
    desk.sent = 0
    found = desk.find(*many)
    assert desk.sent <= 5
    assert all(
        {("mark", one), ("external_id", one), ("email", one)} <= set(ways) for one, ways in zip(ids, found, strict=True)
    )
    desk.sent = 0
    changed = [
        operation(
            "update", desk.shape(content), one, phone=(content["phone"], f"+47{n}"), name=("Kari AS", f"Firm {n}")
        )
        for n, (one, content) in enumerate(zip(ids, many, strict=True))
    ]
    assert all(isinstance(one, Done) for one in desk.write(*changed))
    assert desk.sent <= 3
    desk.sent = 0
    remotes = desk.read(*ids)
    assert desk.sent <= 4
    assert [remote.fields["name"] for remote in remotes] == [f"Firm {n}" for n in range(400)]


def test_one_bad_partner_never_stops_the_others(desk: Desk) -> None:
    (own,) = desk.odoo.search_read("res.users", [("id", "=", desk.odoo.uid)], ["partner_id"])
    user = str(own["partner_id"][0])
    one, two, gone = desk.made(*(client(client_id=f"bad{n}") for n in range(3)))
    desk.admin.call("res.partner", "unlink", [int(gone)])
    told = desk.fields(user)
    archived = {"archived_at": (None, ARCHIVED)}
    outcomes = desk.write(
        operation("archive", desk.shape(client(client_id="bad0")), one, **archived),
        operation("archive", {**told, "client_id": "u"}, user, **archived),
        operation("archive", desk.shape(client(client_id="bad2")), gone, **archived),
        operation("archive", desk.shape(client(client_id="bad1")), two, **archived),
        operation("update", desk.shape(client(client_id="bad1")), "nonsense", phone=("1", "2")),
        operation("create", desk.shape(client(client_id="bad4"))),
    )
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [Done, Rejected, Stale, Done, Stale, Done]
    assert isinstance(outcomes[1], Rejected)
    assert outcomes[1].reason.startswith("You cannot archive")
    assert [desk.fields(name)["archived_at"] for name in (one, two)] == [ARCHIVED, ARCHIVED]


def test_an_update_writes_only_what_changes_and_once(desk: Desk) -> None:
    content = client(client_id="up1")
    (one,) = desk.made(content)
    desk.edit(one, email="person@edited.example")
    before = desk.shape(content)
    after = desk.shape(
        client(client_id="up1", address="12 rue X, 75002 Paris", country="FR", tags="new;VIP", locale=None)
    )
    changes = {name: (before[name], after[name]) for name in ("address", "country", "tags", "locale")}
    for _ in range(2):  # sent again, it finds that it was carried out
        (outcome,) = desk.write(operation("update", after, one, **changes))
        assert isinstance(outcome, Done)
        stands = desk.fields(one)
        assert {name: stands[name] for name in changes} == {name: after[name] for name in changes}
        assert stands["email"] == "person@edited.example"
    desk.edit(one, phone="a person's")
    desk.write(operation("update", after, one, **changes))
    assert desk.fields(one)["phone"] == "a person's"


def test_a_change_of_what_no_longer_stands_is_stale_and_writes_nothing(desk: Desk) -> None:
    content = client(client_id="st1")
    (one,) = desk.made(content)
    desk.edit(one, city="Bergen")
    shaped = desk.shape(content)
    changes = {"address": (shaped["address"], "Storgata 2\n0155 Oslo"), "phone": (content["phone"], "5")}
    (outcome,) = desk.write(operation("update", shaped, one, **changes))
    assert isinstance(outcome, Stale)
    assert desk.fields(one)["address"] == "Storgata 1\n0155 Bergen"
    assert desk.fields(one)["phone"] == content["phone"]


def test_a_partner_is_archived_found_and_brought_back(desk: Desk) -> None:
    content = client(client_id="ar1", email="ar1@x.example")
    (one,) = desk.made(content)
    shaped = desk.shape(content)
    assert desk.write(operation("archive", shaped, one, archived_at=(None, ARCHIVED))) == [Done(one)]
    assert desk.fields(one)["archived_at"] == ARCHIVED
    (ways,) = desk.find(content)
    assert {("mark", one), ("email", one)} <= set(ways)
    assert desk.write(
        operation("update", shaped, one, archived_at=(ARCHIVED, None), phone=(content["phone"], "6"))
    ) == [Done(one)]
    assert (desk.fields(one)["archived_at"], desk.fields(one)["phone"]) == (None, "6")


def test_partners_are_found_by_mark_ref_id_email_and_exact_name(desk: Desk) -> None:
    firm, person, twin = desk.admin.call(
        "res.partner",
        "create",
        vals_list=[
            {"name": "Found Firm", "email": "The Firm <Info@Found.example>", "is_company": True, "ref": "F-1"},
            {"name": "Found Person", "email": "person@found.example"},
            {"name": "Found Firm", "active": False},
        ],
    )
    desk.edit(str(person), parent_id=firm)
    bare: dict[str, Any] = dict.fromkeys(CLIENT_FIELDS)

    def ways(**fields: Any) -> list[tuple[str, str]]:
        (found,) = desk.find({**bare, "client_id": "none", **fields})
        return found

    assert ways(name="x", external_id="F-1") == [("external_id", str(firm))]
    assert ways(name="x", external_id=f"odoo:{person}") == [("external_id", str(person))]
    assert ways(name="x", email="INFO@found.example") == [("email", str(firm))]
    assert ways(name="x", email="person@found.example") == [("email", str(person))]
    assert ways(name="Found Firm") == [("name", str(firm)), ("name", str(twin))]
    assert ways(name="found firm") == []
    assert ways(name=" ", external_id="", email="") == []
    assert ways(name="a\0", external_id="\ud800", email="\0@x") == []
    (known,) = desk.find({**bare, "client_id": "none", "name": "x"}, external_id=str(twin))
    assert known == [("external_id", str(twin))]


def test_marks_tell_partners_of_syncd_from_those_of_others(desk: Desk) -> None:
    (one,) = desk.made(client(client_id="mk1"))
    marks = partner_marks(desk.odoo)
    assert marks["ff-c-mk1"] == int(one)
    (other,) = desk.admin.call("res.partner", "create", vals_list=[{"name": "Not ours"}])
    assert desk.read(str(other))[0].mark is None


def test_a_tag_is_looked_for_first_and_made_once(desk: Desk) -> None:
    for _ in range(2):
        desk.admin.call("res.partner.category", "create", vals_list=[{"name": "Twice there"}])
    desk.made(client(client_id="tg1", tags="Twice there;Made once"), client(client_id="tg2", tags="Made once"))
    desk.made(client(client_id="tg3", tags="Made once;Twice there"))
    rows = desk.admin.search_read("res.partner.category", [("name", "in", ["Twice there", "Made once"])], ["name"])
    assert sorted(row["name"] for row in rows) == ["Made once", "Twice there", "Twice there"]


def test_a_tag_that_a_person_renamed_or_archived_is_made_anew(desk: Desk) -> None:
    edits: list[dict[str, Any]] = [{"name": "Renamed"}, {"active": False}]
    for number, values in enumerate(edits):
        tag, content = f"Kept {number}", client(client_id=f"tn{number}", tags=f"Kept {number}")
        (one,) = desk.made(content)
        (row,) = desk.admin.search_read("res.partner.category", [("name", "=", tag)], ["name"])
        desk.admin.call("res.partner.category", "write", [row["id"]], vals=values)
        assert desk.fields(one)["tags"] == values.get("name", "")
        (two,) = desk.made({**content, "client_id": f"to{number}"})
        assert desk.fields(two)["tags"] == tag


def test_nothing_was_carried_out_where_odoo_is_not_there(desk: Desk, odoo: Place) -> None:
    away = odoo.client(database="no_such_database")
    with pytest.raises(NotSent):
        desk.write(operation("create", desk.shape(client(client_id="ns1"))), odoo=away)


def test_what_was_sent_without_an_answer_is_in_doubt_and_its_repeat_finds_it(desk: Desk, odoo: Place) -> None:
    (old,) = desk.made(client(client_id="dt0"))
    content = desk.shape(client(client_id="dt0"))
    sent = [
        operation("create", desk.shape(client(client_id="dt1"))),
        operation("update", content, old, phone=(content["phone"], "7")),
    ]
    deaf = odoo.client()
    send = deaf._http.send

    def lost(method: str, path: str, **more: Any) -> Any:
        reply = send(method, path, **more)
        if "/load" in path or b'"load"' in more["content"]:
            raise Unreachable("the connection broke off")
        return reply

    deaf._http.send = lost  # type: ignore[method-assign]  # laid around it
    assert [type(outcome) for outcome in desk.write(*sent, odoo=deaf)] == [Unknown, Unknown]
    made = partner_marks(desk.odoo)["ff-c-dt1"]
    assert [type(outcome) for outcome in desk.write(*sent)] == [Done, Done]
    assert partner_marks(desk.odoo)["ff-c-dt1"] == made
    assert desk.fields(old)["phone"] == "7"


def test_a_partner_that_goes_while_it_is_written_is_stale_and_stops_no_other(desk: Desk, odoo: Place) -> None:
    contents = [desk.shape(client(client_id=f"go{n}")) for n in range(4)]
    ids = desk.made(*contents)
    late = odoo.client()
    send = late._http.send

    def gone(method: str, path: str, **more: Any) -> Any:
        if "/load" in path or b'"load"' in more["content"]:
            desk.admin.call("res.partner", "unlink", desk.admin.ids("res.partner", [("id", "=", int(ids[2]))]))
        return send(method, path, **more)

    late._http.send = gone  # type: ignore[method-assign]  # laid around it
    sent = [
        operation("update", content, one, phone=(content["phone"], "8"))
        for content, one in zip(contents, ids, strict=True)
    ]
    assert [type(outcome) for outcome in desk.write(*sent, odoo=late)] == [Done, Done, Stale, Done]
    assert {desk.fields(one)["phone"] for one in (ids[0], ids[1], ids[3])} == {"8"}


def test_a_missing_right_is_told_in_odoos_words(own_odoo: Place) -> None:
    desk = Desk(own_odoo)
    own_odoo.take("base.group_partner_manager")
    (outcome,) = desk.write(operation("create", desk.shape(client(client_id="no1", tags=""))))
    assert isinstance(outcome, Rejected)
    assert "not allowed to create" in outcome.reason


def test_a_payload_holds_no_number_of_this_database(desk: Desk) -> None:
    payload = orjson.loads(desk.entry(0, operation("create", desk.shape(CLIENT))).payload)
    assert payload["values"]["country_id"] == "NO"
    assert payload["values"]["category_id"] == ["VIP", "a;b"]
