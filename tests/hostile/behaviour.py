"""How the hostile ledger misbehaves: its options, and which fault meets which request."""

from __future__ import annotations

import random
from datetime import date
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, PositiveInt

Mode = Literal["keyless", "keyed"]

Fault = Literal[
    "ok",
    "busy",
    "drop",
    "error_before",
    "lost",
    "error_after",
    "truncated",
    "short",
    "half",
    "late",
    "slow",
]
"""What may meet a batch.

Without any effect: ``busy`` (429), ``drop`` (the connection ends), ``error_before`` (500). After
the whole effect: ``lost`` (the connection ends), ``error_after`` (500), ``truncated`` (half a JSON
text), ``short`` (half of the answers). ``half``: the first half is carried out, then the connection
ends. ``late``: the connection ends, and the effect comes ``late`` seconds after. ``slow``: silence
for ``late`` seconds, then effect and answer, whoever still listens.
"""

ReadFault = Literal["ok", "busy", "drop", "error_before", "truncated"]

FAULTS: tuple[Fault, ...] = get_args(Fault)


class Options(BaseModel):
    """Every way to misbehave; all off, it is an honest ledger.

    Batches: ``script`` holds the faults of the next ones, one each; then ``every`` gives a fault to
    each k-th; then ``rate`` of them meet one drawn by ``seed``. Reads: ``reads_script`` and
    ``reads_every`` alike. Seconds: ``late``, ``retry_after``. Operations: refused are those whose
    name or number holds ``refuse_text``, and each ``refuse_every``-th; before each
    ``stale_every``-th that names a version, somebody else saves the record. ``unique_marks``: a
    create whose mark stands is answered with what stands. ``uncertain``: searches say they may have
    missed something. ``payment_touches_invoice``: settling raises the invoice's version.
    ``reverse_answers``: the last operation is answered first. ``page``: records on a page of
    changes. ``locked_until``: invoices dated up to it are refused. ``most``: a batch of more
    operations takes too long and is given up, nothing carried out and nothing said; so is one in
    which a name or number holds ``mute_text``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    script: tuple[Fault, ...] = ()
    every: dict[Fault, PositiveInt] = {}
    seed: int | None = None
    rate: float = Field(0.0, ge=0, le=1)
    reads_script: tuple[ReadFault, ...] = ()
    reads_every: dict[ReadFault, PositiveInt] = {}
    late: NonNegativeFloat = 0.3
    retry_after: NonNegativeInt = 1
    refuse_text: str = "refuse me"
    refuse_every: NonNegativeInt = 0
    stale_every: NonNegativeInt = 0
    unique_marks: bool = False
    uncertain: bool = False
    payment_touches_invoice: bool = False
    reverse_answers: bool = True
    page: PositiveInt = 50
    locked_until: date | None = None
    most: NonNegativeInt = 0
    mute_text: str = "never answer me"


def draw(options: Options, turn: int) -> Fault:
    """Choose the fault of the batch with this number (from 1), for those that no script covers."""
    for fault, k in options.every.items():
        if turn % k == 0:
            return fault
    if options.seed is not None and options.rate:
        dice = random.Random(f"{options.seed}:{turn}")
        if dice.random() < options.rate:
            return dice.choice(FAULTS[1:])
    return "ok"


def draw_read(options: Options, turn: int) -> ReadFault:
    """Choose the fault of the read with this number (from 1), for those that no script covers."""
    return next((fault for fault, k in options.reads_every.items() if turn % k == 0), "ok")
