"""Another database behind a target's settings: nothing is written to it, and people are told which books they are."""

from __future__ import annotations

from tests.odoo.clerk import Clerk
from tests.odoo.office import prepare
from tests.odoo.place import Place


def test_another_database_is_held_and_both_are_named(clerk: Clerk, own_odoo: Place) -> None:
    stage, settings = clerk.stage, clerk.stage.folder / "syncd.toml"
    prepare(own_odoo)
    stage.run()
    text = settings.read_text()
    settings.write_text(text.replace(f'"{stage.place.database}"', f'"{own_odoo.database}"'))
    (hold,) = stage.run(code=5)["held"]
    (company,) = clerk.odoo.search_read("res.company", [("id", "=", 1)], ["name", "currency_id"])
    name, currency = company["name"], company["currency_id"][1]
    before, now = (
        f"{name} ({stage.place.url}, database {place.database}, company 1, in {currency})"
        for place in (stage.place, own_odoo)
    )
    assert hold["code"] == "books_changed"
    assert f"then {before}, now {now}" in hold["sentence"]
    checked = stage.fork("check", "--json")
    (told,) = [one for one in checked.json()["checks"] if not one["good"]]
    assert (checked.code, told["what"]) == (5, "target books")
    assert now in told["said"]
    assert "`syncd release books`" in told["said"]
    assert own_odoo.admin().ids("account.move", [("move_type", "=", "out_invoice")]) == []
    settings.write_text(text)
    assert stage.run()["planned"] == []
    assert stage.fork("check", "--json").code == 0
