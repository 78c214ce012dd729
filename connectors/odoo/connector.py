"""The connector to Odoo: the contract, put on the books, the partners, the invoices and the payments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import ClassVar, Final

from pydantic import BaseModel

from connectors.odoo import reading
from connectors.odoo.client import Odoo
from connectors.odoo.company import Company
from connectors.odoo.company_io import read_company
from connectors.odoo.findings import missing_taxes
from connectors.odoo.lanes import shares
from connectors.odoo.move_io import has_history
from connectors.odoo.moves import render_invoice, shape_invoice
from connectors.odoo.offers import read_offers
from connectors.odoo.partner_io import write_partners
from connectors.odoo.partners import CLIENT_FIELDS, render_client, shape_client
from connectors.odoo.payment_io import write_payments
from connectors.odoo.payments import render_payment, shape_payment
from connectors.odoo.pdf import render_pdf
from connectors.odoo.pdf_io import write_pdfs
from connectors.odoo.posting import write_moves
from connectors.odoo.settings import OdooSettings
from syncd.connector import (
    Books,
    Capabilities,
    Content,
    Context,
    Entry,
    Found,
    Kind,
    Operation,
    Outcome,
    Page,
    Rejected,
    Unknown,
    Verb,
    Wanted,
)
from syncd.errors import NotSent, SyncdError

BATCH: Final = 400
"""Operations in one write; each kind is cut further, into calls of the size that Odoo is quickest with."""

VERBS: Final[frozenset[Verb]] = frozenset(
    {"create", "adopt", "update", "post", "settle", "unsettle", "void", "archive"}
)

Write = Callable[[Odoo, Company, Sequence[Entry]], Iterator[tuple[int, Outcome]]]
WRITERS: Final[dict[Kind, Write]] = {"client": write_partners, "invoice": write_moves, "payment": write_payments}


class OdooConnector:
    """One company of one Odoo database as a target."""

    Settings: ClassVar[type[BaseModel]] = OdooSettings

    def __init__(self, settings: OdooSettings, context: Context) -> None:
        """Take the settings; nothing is opened."""
        self._settings, self._context = settings, context
        self._odoo: Odoo | None = None
        self._company: Company | None = None
        self.capabilities = Capabilities(
            contract=1,
            fields={
                "client": CLIENT_FIELDS,
                "invoice": frozenset(
                    (
                        *("number", "client_id", "currency", "subtotal", "tax", "total", "status"),
                        *("issue_date", "due_date", "public_url", "notes", "lines"),
                        *(("events",) if settings.chatter else ()),
                        *(("pdf",) if settings.pdf else ()),
                    )
                ),
                "payment": frozenset(("currency", "amount", "paid_date")),
            },
            verbs=VERBS | ({"attach"} if settings.pdf else set()),
            batch=BATCH,
            refs=frozenset({"client", "invoice"}),
            replay_safe=True,
            settle_delay=settings.request_limit.total_seconds(),
            taxes=True,
            reverses=True,
        )

    @property
    def place(self) -> str:
        """Name the database and the company: as the settings do, and by its id once it is known."""
        company = self._company.id if self._company else self._settings.company or ""
        return f"{self._settings.url}/{self._settings.database}/{company}"

    def open(self) -> Books:
        """Read what the books are and what is missing in them."""
        odoo = self._connect()
        today = self._context.now().date()
        company = read_company(odoo, self._settings, self._context.taxes, today=today)
        odoo.company = company.id
        offered = read_offers(odoo) if self._context.offers else {}
        self._company = company
        place = f"{self._settings.url}, database {self._settings.database}"
        return Books(
            company=company.name,
            where=f"{place}, company {company.id}, in {company.currency}",
            identity=f"{self._settings.database}/{company.id}/{company.currency}",
            history=has_history(odoo, company),
            currencies=frozenset(company.currencies),
            locked_until=company.locked.invoice,
            payments_locked_until=company.locked.payment or date.min,
            findings=company.findings,
            choices={**company.choices, **offered},
            summary=_summary(company),
            details={
                "version": company.version,
                "journal": company.journal.name if company.journal else None,
                "payment_journal": company.payment_journal.name if company.payment_journal else None,
                "rounding": company.rounding,
            },
        )

    def changes(self, since: str | None) -> Iterator[Page]:
        """Stream what was written since the token, with the ids of all that stands."""
        return reading.changes(self._connect(), self._books, since)

    def find(self, wanted: Iterable[Wanted]) -> Iterator[Found]:
        """Look for wanted records by mark, id, number, e-mail and name."""
        return reading.found(self._connect(), self._books, wanted)

    def shape(self, kind: Kind, content: Content, books: Books) -> Content:
        """Give a content as Odoo will hold it and show it again."""
        del books
        shapes = {"client": shape_client, "invoice": shape_invoice, "payment": shape_payment}
        return shapes[kind](content, self._books)

    def lacking(self, rates: Iterable[tuple[str, str | None]], books: Books) -> Iterable[str]:
        """Say for which rates, with a client's country, there is no tax or none is chosen."""
        del books
        return missing_taxes(self._books.taxes, rates)

    def render(self, operation: Operation, books: Books) -> bytes | Rejected:
        """Write what Odoo is told, as JSON."""
        del books
        if operation.verb == "attach":
            return render_pdf(operation)
        renders = {"client": render_client, "invoice": render_invoice, "payment": render_payment}
        return renders[operation.kind](operation, self._books)

    def write(self, entries: Iterable[Entry]) -> Iterator[tuple[int, Outcome]]:
        """Carry out a batch."""
        odoo, company, waiting = self._connect(), self._books, list(entries)
        for kind, write in WRITERS.items():
            of_kind = [entry for entry in waiting if entry.kind == kind and entry.verb != "attach"]
            for some in _in_turn(of_kind):
                yield from self._spread(write, odoo, company, some)
        if attached := [entry for entry in waiting if entry.verb == "attach"]:
            yield from write_pdfs(odoo, company, attached, self._context.document)

    def _spread(
        self, write: Write, odoo: Odoo, company: Company, entries: list[Entry]
    ) -> Iterator[tuple[int, Outcome]]:
        """Share a batch out to as many connections as Odoo has workers.

        Where one part failed and another did not, what failed is in doubt: to send it again does no harm. An error that
        is none of Odoo's or of the network's would come again then: it is raised.
        """
        each = shares(entries, self._settings.connections)
        if len(each) == 1:
            yield from write(odoo, company, entries)
            return
        with ThreadPoolExecutor(len(each), thread_name_prefix=f"odoo-{self._context.target}") as pool:
            parts = [pool.submit(_collected, write, odoo, company, share) for share in each]
        told = dict(outcome for part in parts for outcome in part.result()[0])
        failed = _worst([error for part in parts if (error := part.result()[1])])
        yield from told.items()
        if failed is not None and (not told or not isinstance(failed, SyncdError)):
            raise failed
        yield from ((entry.number, Unknown(str(failed))) for entry in entries if entry.number not in told)

    def close(self) -> None:
        """Let go of the connections."""
        if self._odoo is not None:
            self._odoo.close()
            self._odoo = None

    def _connect(self) -> Odoo:
        if self._odoo is None:
            self._odoo = Odoo(
                self._context.http,
                name=f"target {self._context.target}",
                url=self._settings.url,
                database=self._settings.database,
                user=self._settings.user,
                api_key=self._settings.api_key,
                timeout=self._settings.wait,
                connections=self._settings.connections,
            )
            self._odoo.connect()
        return self._odoo

    @property
    def _books(self) -> Company:
        """The books as they were when opened; every other method comes after that."""
        if self._company is None:
            raise RuntimeError("open comes first")
        return self._company


def _summary(company: Company) -> str:
    """Say what the books are, in a few words."""
    told = [
        f"Odoo {company.version}",
        f"invoices in {company.journal}" if company.journal else "",
        f"payments in {company.payment_journal}" if company.payment_journal else "",
        f"{company.currency}, and {', '.join(sorted(company.currencies.keys() - {company.currency}))}",
        f"taxes rounded {'on each line' if company.rounding == 'line' else 'globally'}",
        f"closed up to {company.locked.invoice}" if company.locked.invoice else "",
    ]
    return "; ".join(part for part in told if part)


def _in_turn(entries: list[Entry]) -> list[list[Entry]]:
    """Part new invoices from what goes before them on whatever connection: a void frees a number for another."""
    if not entries or entries[0].kind != "invoice":
        return [entries] if entries else []
    before = [entry for entry in entries if entry.verb != "create"]
    made = [entry for entry in entries if entry.verb == "create"]
    return [some for some in (before, made) if some]


def _collected(
    write: Write, odoo: Odoo, company: Company, entries: list[Entry]
) -> tuple[list[tuple[int, Outcome]], Exception | None]:
    """Carry out one part: the outcomes it brought, and the error that ended it, if one did."""
    outcomes: list[tuple[int, Outcome]] = []
    try:
        outcomes.extend(write(odoo, company, entries))
    except Exception as error:  # noqa: BLE001 - it is raised again once the other parts are told
        return outcomes, error
    return outcomes, None


def _worst(errors: list[Exception]) -> Exception | None:
    """Give the error that says the least was known: one that nobody foresaw, then one that leaves a doubt."""
    return min(errors, key=lambda error: (isinstance(error, SyncdError), isinstance(error, NotSent)), default=None)
