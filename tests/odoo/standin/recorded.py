"""What was recorded of a real Odoo: answers that only tell how it is set up, and the rows that stand there at first."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from tests.odoo.standin.wire import Call

FOLDER = Path(__file__).parent / "recorded"
UNKNOWN = object()
"""What ``Recorded.answer`` gives for a call that was not recorded."""


class Recorded:
    """The recordings of one series (``latest``, ``14``).

    A file holds ``version`` (the answer of ``version_info``), ``users`` (login → id), ``externals`` (external id →
    id of a partner), ``rows`` (model → rows that stand there) and ``exchanges``: calls, without context, and answers.
    """

    def __init__(self, series: str) -> None:
        document = json.loads((FOLDER / f"{series}.json").read_text(encoding="utf-8"))
        self.series = series
        self.version: dict[str, Any] = document["version"]
        self.users: dict[str, int] = document["users"]
        self.externals: dict[str, int] = document["externals"]
        self.rows: dict[str, list[dict[str, Any]]] = document["rows"]
        self.exchanges: list[tuple[Call, Any]] = [
            (Call(one["model"], one["method"], one["ids"], one["arguments"]), one["answer"])
            for one in document["exchanges"]
        ]
        self._answers = {call.key: answer for call, answer in self.exchanges}

    @property
    def number(self) -> int:
        """The version: 14, 19."""
        return int(self.version["server_version_info"][0])

    def answer(self, call: Call) -> Any:
        return copy.deepcopy(self._answers[call.key]) if call.key in self._answers else UNKNOWN

    def fields(self, model: str) -> frozenset[str] | None:
        """The fields that this Odoo has, as far as the connector asked for them."""
        found = [answer for call, answer in self.exchanges if (call.model, call.method) == (model, "fields_get")]
        return frozenset(found[0]) if found else None
