"""The naive client: OdooRPC, and a call for each record; ``python -m bench.odoo.naive FILE`` (``Books.payloads``).

For each invoice its partner the first time, the move with its lines, ``action_post``, and reading it back; then for
each that is paid Odoo's own wizard (two calls) and reading it back.

Source: the documentation of OdooRPC; ``account.payment.register`` is what "Register Payment" opens in Odoo.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import odoorpc

READ = ("name", "state", "amount_untaxed", "amount_tax", "amount_total", "payment_state")

Json = dict[str, Any]


class Naive:
    """Writes one record at a time."""

    def __init__(self, told: Json) -> None:
        """Log in; the key stands in for the password."""
        self._told = told
        self._odoo = odoorpc.ODOO("127.0.0.1", port=told["port"], timeout=1200)
        self._odoo.login(told["database"], "sync", os.environ["BENCH_ODOO_KEY"])
        self._partners: dict[str, int] = {}
        self._tags: dict[str, int] = {}

    def invoice(self, one: Json) -> int:
        """Make, post and read back an invoice; give its id."""
        vals = {**one["vals"], "partner_id": self._partner(one["client"])}
        move = int(self._odoo.execute("account.move", "create", vals))
        self._odoo.execute("account.move", "action_post", [move])
        self._odoo.execute("account.move", "read", [move], READ)
        return move

    def pay(self, move: int, day: str) -> None:
        """Register a payment with the wizard, and read the invoice back."""
        context = {"context": {"active_model": "account.move", "active_ids": [move]}}
        vals = {"payment_date": day, "journal_id": self._told["payment_journal"]}
        wizard = self._odoo.execute_kw("account.payment.register", "create", [vals], context)
        self._odoo.execute_kw("account.payment.register", "action_create_payments", [[wizard]], context)
        self._odoo.execute("account.move", "read", [move], READ)

    def _partner(self, client: str) -> int:
        if client not in self._partners:
            vals = self._told["clients"][client]
            tags = [self._tag(name) for name in vals["category_id"]]
            vals = {**vals, "category_id": [[6, 0, tags]]}
            self._partners[client] = int(self._odoo.execute("res.partner", "create", vals))
        return self._partners[client]

    def _tag(self, name: str) -> int:
        if name not in self._tags:
            self._tags[name] = int(self._odoo.execute("res.partner.category", "create", {"name": name}))
        return self._tags[name]


def main() -> None:
    """Write all invoices, then all payments; say how many."""
    told = json.loads(Path(sys.argv[1]).read_bytes())
    cpu = time.process_time()
    naive = Naive(told)
    paid = [(naive.invoice(one), one["paid_on"]) for one in told["invoices"]]
    due = [(move, day) for move, day in paid if day]
    for move, day in due:
        naive.pay(move, day)
    print(json.dumps({"invoices": len(paid), "payments": len(due), "cpu": time.process_time() - cpu}))


if __name__ == "__main__":
    main()
