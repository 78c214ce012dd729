"""What the books are: one company of one Odoo database, read once, as frozen values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from connectors.odoo.products import OTHERS, Product
from connectors.odoo.taxes import Taxes
from syncd.errors import Choices


@dataclass(frozen=True, slots=True)
class Journal:
    """A journal (``account.journal``).

    ``hashed``: what is posted there can never be changed, only reversed. ``refunds_apart``: credit notes have a series
    of their own. ``free_numbers``: any number may be given, whatever the date; otherwise Odoo reads years and months
    into it. ``account``: the default account.
    """

    id: int
    code: str
    name: str
    hashed: bool = False
    refunds_apart: bool = False
    free_numbers: bool = False
    account: int | None = None

    def __str__(self) -> str:
        """Show it as a person finds it."""
        return f"{self.code} ({self.name})"


@dataclass(frozen=True, slots=True)
class Locks:
    """The last closed day for each kind of entry, for the calling user; ``None`` where nothing is closed.

    ``invoice``: the tax lock date counts, too: it closes a period for whatever bears a tax, also one of 0 %, and there
    is one on every line that syncd writes. ``payment``: it counts where tax may fall due by payment, which is booked on
    the payment's day, or by Odoo's choice after a closed tax period.
    """

    invoice: date | None = None
    payment: date | None = None


ANALYTIC: Final = ("analytic_distribution", "analytic_account_id/.id")
"""What ``Features.analytic`` may hold: the first from Odoo 16 on, before that the other."""


@dataclass(frozen=True, slots=True)
class Features:
    """What this Odoo has, told by its fields.

    memo: a payment's text is ``memo`` (else ``ref``). payment_invoice_ids: a payment is linked to invoices by
    ``invoice_ids``. payment_method_line: payments have ``payment_method_line_id`` (else ``payment_method_id``).
    display_type_product: product lines have ``display_type`` "product" (else ``exclude_from_invoice_tab`` false).
    account_type: lines have ``account_type`` (else ``account_internal_type``). tax_totals: the tax line alone may be
    written, the receivable follows (else both together). analytic: the columns of a line that say what it is analysed
    under, as ``load`` names them (not the tags of 14 and 15, which a user needs a right of its own to read).
    posted_before: moves have that field. audit_trail: the company keeps a restrictive one, so tracking must not be left
    out. cash_basis: tax may fall due by payment, which only Odoo's own ``reconcile`` books.
    """

    memo: bool = True
    payment_invoice_ids: bool = True
    payment_method_line: bool = True
    display_type_product: bool = True
    account_type: bool = True
    tax_totals: bool = True
    analytic: tuple[str, ...] = ANALYTIC[:1]
    posted_before: bool = True
    audit_trail: bool = False
    cash_basis: bool = False

    @property
    def receivable(self) -> tuple[str, str, str]:
        """The condition that a line is a receivable one."""
        if self.account_type:
            return ("account_id.account_type", "=", "asset_receivable")
        return ("account_id.internal_type", "=", "receivable")


@dataclass(frozen=True, slots=True)
class Company:
    """The books of one company, as ``read_company`` found them.

    ``currency``: ISO code of the company's. ``country``: its ISO code, ``""`` where none is set. ``journal``,
    ``payment_journal``, ``account``: ``None`` where there is none or it is not clear which; a finding then says so.
    ``account``: the income account of every line whose product has none of its own. ``products``: rate, or ``"*"`` for
    the others, → the product of its lines. ``currencies``: ISO code → id, active ones. ``rates``: ISO code → the
    days from which a rate is known, ascending (the first at least; the company's own currency needs none).
    ``languages``: installed codes (``nb_NO``). ``countries``: ISO code → id. ``quantity_digits``, ``price_digits``:
    decimals that a line keeps
    (``None``: all). ``registrations``: fiscal positions of a registration for tax in another country: id → the country
    (id) whose clients get it by themselves, 0 for none; Odoo takes no tax of the company's own country under them.
    ``number``, ``chatter``, ``pdf``: the settings. ``no_clients``, ``no_invoices``, ``no_payments``: a
    sentence why none can be written at all. ``findings``: what is missing, and who mends it how. ``choices``: what
    settings can be
    (``Books.choices``).
    """

    version: int
    uid: int
    id: int
    name: str
    currency: str
    country: str
    journal: Journal | None
    payment_journal: Journal | None
    account: int | None
    taxes: Taxes
    currencies: Mapping[str, int]
    rates: Mapping[str, tuple[date, ...]]
    countries: Mapping[str, int]
    languages: frozenset[str]
    difference_account: int | None = None
    products: Mapping[str, Product] = field(default_factory=dict)
    rounding: Literal["line", "global"] = "global"
    locked: Locks = field(default_factory=Locks)
    features: Features = field(default_factory=Features)
    registrations: Mapping[int, int] = field(default_factory=dict)
    number: Literal["name", "ref"] = "name"
    quantity_digits: int = 2
    price_digits: int | None = None
    chatter: bool = False
    pdf: bool = False
    no_clients: str | None = None
    no_invoices: str | None = None
    no_payments: str | None = None
    findings: tuple[str, ...] = ()
    choices: Choices = field(default_factory=dict)

    def has_rate(self, currency: str, day: date) -> bool:
        """Tell whether a currency has a rate of that day or before; Odoo would book it 1 : 1 without one."""
        return currency == self.currency or any(known <= day for known in self.rates.get(currency, ()))

    def product(self, rate: str) -> Product | None:
        """Give the product of lines with this rate, where the settings name one."""
        return self.products.get(rate) or self.products.get(OTHERS)
