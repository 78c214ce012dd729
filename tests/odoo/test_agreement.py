"""The stand-in answers as the real Odoo does: the same calls to both, and the answers compared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.odoo.place import Place
from tests.odoo.standin.compare import differences, told
from tests.odoo.standin.recorded import Recorded
from tests.odoo.standin.script import play
from tests.odoo.standin.server import Server


@pytest.fixture
def standin(series: str) -> Iterator[Server]:
    with Server(series) as server:
        yield server
    assert server.unsupported == []


def test_the_stand_in_answers_as_odoo_does(own_odoo: Place, standin: Server) -> None:
    with closing(standin.place()) as place:
        ours = play(place)
    theirs = play(own_odoo)
    assert [what for what, _ in ours] == [what for what, _ in theirs]
    differing = [
        f"{what}{place}: {real} in Odoo, {made} in the stand-in"
        for (what, one), (_, other) in zip(theirs, ours, strict=True)
        for place, real, made in differences(one, other)
    ]
    assert not differing, "\n".join(differing)


def test_what_was_recorded_is_what_odoo_answers(own_odoo: Place) -> None:
    admin, sync = own_odoo.admin(), own_odoo.client()
    differing = []
    for call, answer in Recorded(own_odoo.series).exchanges:
        as_whom = admin if (call.model, call.method) == ("account.journal", "create") else sync
        real = as_whom.call(call.model, call.method, call.ids, **call.arguments)
        found = differences(told(real), told(answer))
        differing += [f"{call}{place}: {one} in Odoo, {other} in the recording" for place, one, other in found]
    assert not differing, "\n".join(differing)
