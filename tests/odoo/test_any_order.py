"""Whatever happens in whatever order: the books are right or a person is told, and nothing stands there twice."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from random import Random

import pytest

from syncd.marks import mark
from syncd.sandbox.data import made_up
from tests.crash.forks import Forks
from tests.odoo.chance import CURRENCIES, OPEN, Chance
from tests.odoo.office import Json, cents
from tests.odoo.place import Place
from tests.odoo.stage import Stage, served

SEEDS = [int(seed) for seed in os.environ.get("ORDERS", "2 5").split()]
"""Each is another order; ``ORDERS="1 2 3" make test-odoo ARGS="-k any_order"`` tries others."""
STEPS = 8
ENOUGH = 8
"""Runs after which it must be quiet."""
NOTHING = (0, 0, 0)


@pytest.fixture
def stage(tmp_path: Path, own_odoo: Place, forks: Forks) -> Iterator[Stage]:
    """A company of some clients, and empty books."""
    with served(made_up(5, clients=5, invoices=0, today=date(2026, 6, 1))) as sandbox:
        yield Stage(tmp_path, sandbox, own_odoo, forks)


def drawn(rng: Random) -> Json:
    """Draw the settings on which it depends what becomes of a change."""
    return {
        "unsettle": rng.random() < 0.5,
        "drafts": rng.random() < 0.4,
        "on_change": rng.choice(("problem", "update", "reverse")),
        "conflicts": rng.choice(("person", "source", "target")),
        "chatter": rng.random() < 0.3,
    }


def until_quiet(stage: Stage) -> Json:
    """Run until nothing is planned, letting holds pass; give what the last run said."""
    said = ""
    for _ in range(ENOUGH):
        ended = stage.fork("run", "--json")
        said = ended.out[-3000:]
        assert ended.code in (0, 1, 5), f"exit {ended.code}\n{said}{ended.err[-3000:]}"
        assert "Traceback" not in ended.err
        run: Json = ended.json()
        if ended.code == 5:
            stage.fork("release", "main")
            stage.fork("release", "books")
        elif not run["targets"][0]["planned"]:
            return run
    raise AssertionError(f"still not quiet after {ENOUGH} runs: {said}")


def told(stage: Stage) -> set[str]:
    """Name the records of which the last run or ``reconcile`` says that something is to be looked at."""
    run, reconciled = until_quiet(stage), stage.fork("reconcile", "--json")
    assert reconciled.code in (0, 1), reconciled.err[-3000:]
    differences = reconciled.json()["targets"][0]["differences"]
    return {one["id"] for one in (*run["problems"], *differences)}


def untold(stage: Stage, told: set[str]) -> list[str]:
    """Say which invoices do not come, in all that bears their mark, to what the source says, and nobody was told."""
    fields = ("invoice_origin", "move_type", "amount_total", "amount_tax", "amount_residual")
    posted = [("invoice_origin", "=like", "ff-i-%"), ("state", "=", "posted")]
    sums: dict[str, tuple[int, ...]] = defaultdict(lambda: NOTHING)
    known = {mark("invoice", number) for number in told}
    for move in stage.books.search_read("account.move", posted, fields):
        own, sign = move["invoice_origin"], -1 if move["move_type"] == "out_refund" else 1
        amounts = (sign * cents(move[name]) for name in fields[2:])
        sums[own] = tuple(map(sum, zip(sums[own], amounts, strict=True)))
        known |= {own} if str(move["id"]) in told else set()
    for one in stage.sandbox.account.invoices.values():
        stands, paid = one.status in (*OPEN, "paid"), one.status == "paid"
        expected = (one.total_cents, one.tax_cents, 0 if paid else one.total_cents) if stands else NOTHING
        own = mark("invoice", one.id)
        sums[own] = tuple(there - due for there, due in zip(sums[own], expected, strict=True))
    return [
        f"{own}: total, tax and rest are beside the source by {left}"
        for own, left in sums.items()
        if any(left) and own not in known
    ]


def twice(stage: Stage) -> list[str]:
    """Say which partners were made twice; of an invoice made twice the sums tell."""
    return [said for said in stage.made_twice() if not said.startswith("ff-i-")]


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_happens_the_books_are_right_or_it_is_told(
    stage: Stage, seed: int, note: Callable[[str], None], server: str
) -> None:
    active = {one["name"] for one in stage.books.search_read("res.currency", [], ["name"])}
    assert active >= set(CURRENCIES)
    settings, chance = drawn(Random(f"settings {seed}")), Chance(stage, seed)
    stage.configure(**settings)
    for _ in range(STEPS):
        chance.happen()
        chance.told.append("-- syncd")
        known = told(stage)
        wrong = untold(stage, known) + twice(stage)
        if settings["conflicts"] != "source":
            wrong += chance.hands.lost_edits()
        if not known and not chance.touched:
            wrong += [one for one in stage.wrong() if "left a draft" not in one] + stage.wrong_payments()
        assert wrong == [], "\n".join(chance.told)
        assert stage.mails() == 0
    happened = len(chance.told) - STEPS
    note(f"Any order {seed}, Odoo {server}: {happened} things happened, and syncd ran {STEPS} times between them.")
