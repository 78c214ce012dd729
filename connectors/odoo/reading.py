"""What changed in the books, in pages, and which of their records may be the wanted ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

from connectors.odoo.client import Odoo
from connectors.odoo.company import Company
from connectors.odoo.move_io import find_moves, read_moves
from connectors.odoo.partner_io import find_partners, partner_marks, read_partners
from connectors.odoo.payment_io import find_payments, read_payments, standing_payments
from connectors.odoo.rows import SALES
from syncd.connector import Found, Kind, Page, Remote, Wanted

OVERLAP: Final = timedelta(minutes=10)
"""Longer than any call: ``write_date`` is the time at which a transaction began, so later ones may show earlier."""

FIND: Final = 1000
"""Wanted records that are looked for together."""

MODELS: Final[dict[Kind, str]] = {"client": "res.partner", "invoice": "account.move", "payment": "account.payment"}
EVERYTHING: Final = {"active_test": False}
FORMAT: Final = "%Y-%m-%d %H:%M:%S"

Finder = Callable[[Odoo, Company, Sequence[Wanted]], list[Found]]


def changes(odoo: Odoo, company: Company, since: str | None) -> Iterator[Page]:
    """Stream what was written since the token, a time of Odoo's; everything that stands for ``None``."""
    token = _last_write(odoo, company) or since
    domain: list[Any] = []
    if since is not None:
        domain = [("write_date", ">=", (_time(since) - OVERLAP).strftime(FORMAT))]
    for remotes in _streams(odoo, company, domain):
        yield Page(tuple(remotes), whole=since is None)
    if since is None:
        yield Page(token=token or datetime.now(UTC).strftime(FORMAT), whole=True)
    else:
        yield Page(token=token, standing=_standing(odoo, company))


def _streams(odoo: Odoo, company: Company, domain: list[Any]) -> Iterator[list[Remote]]:
    """Give partners, invoices and payments; what others made beside syncd's journal is foreign."""
    for remotes in read_partners(odoo, company, domain):
        yield [replace(one, foreign=one.mark is None) for one in remotes]
    journal = company.journal.id if company.journal else 0
    yield from read_moves(odoo, company, [*domain, ("journal_id", "=", journal)])
    for remotes in read_moves(odoo, company, [*domain, ("journal_id", "!=", journal)]):
        yield [replace(one, foreign=one.mark is None) for one in remotes]
    for remotes in read_payments(odoo, company, domain):
        yield [replace(one, foreign=one.mark is None) for one in remotes]


def _standing(odoo: Odoo, company: Company) -> dict[Kind, frozenset[str]]:
    """Give the ids of all that stands, for Odoo does not tell what was deleted."""
    standing: dict[Kind, frozenset[str]] = {"payment": standing_payments(odoo, company)}
    for kind in ("client", "invoice"):
        ids = odoo.ids(MODELS[kind], _scope(company, kind), context=EVERYTHING)
        standing[kind] = frozenset(str(one) for one in ids)
    return standing


def _scope(company: Company, kind: Kind) -> list[Any]:
    if kind == "client":
        return []
    return [("company_id", "=", company.id), *([("move_type", "in", list(SALES))] if kind == "invoice" else [])]


def _last_write(odoo: Odoo, company: Company) -> str | None:
    """Give the latest time at which a record was written, read before the records are."""
    latest = []
    for kind, model in MODELS.items():
        rows = odoo.search_read(
            model, _scope(company, kind), ["write_date"], order="write_date desc", limit=1, context=EVERYTHING
        )
        latest += [str(row["write_date"])[:19] for row in rows if row["write_date"]]
    return max(latest, default=None)


def _time(token: str) -> datetime:
    return datetime.strptime(token, FORMAT).replace(tzinfo=UTC)


FINDERS: Final[dict[Kind, Finder]] = {"invoice": find_moves, "payment": find_payments}


def found(odoo: Odoo, company: Company, wanted: Iterable[Wanted]) -> Iterator[Found]:
    """Answer for each wanted record, in the order given, some hundreds with a handful of calls."""
    source, marks = iter(wanted), None
    while some := list(islice(source, FIND)):
        answers: dict[Kind, Iterator[Found]] = {}
        if clients := [one for one in some if one.kind == "client"]:
            marks = partner_marks(odoo) if marks is None else marks
            answers["client"] = iter(find_partners(odoo, company, clients, marks))
        for kind, find in FINDERS.items():
            if asked := [one for one in some if one.kind == kind]:
                answers[kind] = iter(find(odoo, company, asked))
        for one in some:
            yield next(answers[one.kind])
