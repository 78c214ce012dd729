"""Reads what the books are: one company of one Odoo database, in fourteen short calls at most (six more at first)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from connectors.odoo import findings as find
from connectors.odoo.client import Odoo
from connectors.odoo.company import ANALYTIC, Company, Features, Journal
from connectors.odoo.errors import OdooAnswer
from connectors.odoo.product_io import read_products
from connectors.odoo.products import OTHERS, Product, by_rate
from connectors.odoo.rights import ATTACHMENTS, NOTES, Missing, allowed, in_group, lacks, missing_rights, told
from connectors.odoo.rows import Row, link
from connectors.odoo.settings import OdooSettings
from connectors.odoo.taxes import Mapped, Tax, Taxes
from syncd.errors import Refused

_LOCKS = ("fiscalyear_lock_date", "period_lock_date", "tax_lock_date", "sale_lock_date", "hard_lock_date")
_COMPANY = (
    *("name", "currency_id", "country_id", "tax_calculation_rounding_method", "account_fiscal_country_id"),
    *("chart_template", "chart_template_id", "restrictive_audit_trail", "check_account_audit_trail", "parent_ids"),
    "tax_exigibility",
    *_LOCKS,
    *(f"user_{name}" for name in _LOCKS),
)
"""The fields of a company that are read, as far as this Odoo has them."""
_JOURNAL = (
    *("name", "code", "type", "default_account_id", "restrict_mode_hash_table", "refund_sequence"),
    *("sequence_override_regex", "active"),
)
_TAX = (
    *("name", "amount", "price_include", "tax_scope", "country_id", "has_negative_factor", "active"),
    *("tax_exigibility", "amount_type"),
)
_ADVISER = "account.group_account_manager"
_WRITTEN = {
    "client": (("res.partner", "create"), ("res.partner", "write")),
    "invoice": (("account.move", "create"), ("account.move", "post")),
    "payment": (("account.payment", "create"), ("account.partial.reconcile", "create"), ("account.move", "post")),
}
"""The rights without which no record of a kind can be written."""

Domain = list[Any]


@dataclass(frozen=True, slots=True)
class _Fields:
    """What this Odoo has, and how many decimals a line keeps."""

    features: Features
    accountant: bool
    quantity_digits: int
    price_digits: int | None


@dataclass(slots=True)
class _Booking:
    """Journals and accounts as they were chosen, and what stood in the way."""

    journal: Journal | None = None
    paying: Journal | None = None
    account: int | None = None
    difference: int | None = None
    products: dict[str, Product] = field(default_factory=dict)
    no_invoices: str | None = None
    no_payments: str | None = None
    findings: list[str] = field(default_factory=list)
    choices: dict[str, dict[str, str]] = field(default_factory=dict)


def read_company(odoo: Odoo, settings: OdooSettings, taxes: Mapped, *, today: date | None = None) -> Company:
    """Read the company of the settings; from here on every call is bound to it (``odoo.company``).

    ``taxes``: ``Context.taxes``. ``today``: from when on a key that ends is spoken of. What is missing is a finding.
    ``Refused`` where nothing can work: no such company, several, or no right to read the books; ``Unreachable`` where
    Odoo is.
    """
    try:
        odoo.connect()
        row = _company(odoo, settings.company)
        odoo.company = row["id"]
        return _read(odoo, settings, taxes, row, today or datetime.now(UTC).date())
    except OdooAnswer as error:
        if error.kind != "access":
            raise
        raise Refused(f"{odoo.name}: the user of the API key may not read the books: {error.sentence}") from error


def _company(odoo: Odoo, wanted: str | None) -> dict[str, Any]:
    """Read the one company that is meant."""
    odoo.company = None
    there = odoo.fields_of("res.company")
    rows = odoo.search_read("res.company", [], [name for name in _COMPANY if name in there])
    chosen = find.choose_company(rows, wanted)
    if isinstance(chosen, str):
        raise Refused(f"{odoo.name}: {chosen}.", {"company": find.companies(rows)})
    return dict(chosen)


def _read(odoo: Odoo, settings: OdooSettings, mapped: Mapped, row: Row, today: date) -> Company:
    """Read everything else of the company."""
    missing = missing_rights(odoo)
    rights = [told(one, odoo.version) for one in missing]
    if lacks(missing, "account.journal", "read") or lacks(missing, "account.tax", "read"):
        raise Refused(f"{odoo.name}: {' '.join(rights)}")
    mine = ["company_id", "parent_of" if "parent_ids" in row else "=", row["id"]]
    fields = _fields(odoo, row)
    booking = _booking(odoo, settings, row, mine, fields)
    sales = _taxes(odoo, row, mine, mapped)
    countries = _by(odoo, "res.country", "code")
    currencies = _by(odoo, "res.currency", "name")
    rates = _rates(odoo, mine)
    currency = str(row["currency_id"][1])

    findings = [*rights, *booking.findings]
    if not allowed(odoo, *NOTES):
        findings.append(find.no_notes(chatter=settings.chatter))
    if settings.pdf and not allowed(odoo, *ATTACHMENTS):
        findings.append(find.no_attachments())
    find.tax_faults(sales, mapped=bool(mapped), findings=findings)
    find.without_rate(currency, currencies, rates, findings)
    if odoo.version >= 19:
        mine_alone = [["user_id", "=", odoo.uid]]
        own = odoo.search_read("res.users.apikeys", mine_alone, ["name", "scope", "expiration_date"])
        find.expiring(own, today, findings)
    adviser = bool(row.get("period_lock_date")) and in_group(odoo, _ADVISER)
    may_not = {kind: _first(missing, odoo.version, models) for kind, models in _WRITTEN.items()}
    return Company(
        version=odoo.version,
        uid=odoo.uid,
        id=row["id"],
        name=row["name"],
        currency=currency,
        country=_code(countries, row["country_id"]),
        journal=booking.journal,
        payment_journal=booking.paying,
        account=booking.account,
        difference_account=booking.difference,
        products=booking.products,
        taxes=sales,
        currencies=currencies,
        rates=rates,
        countries=countries,
        languages=frozenset(_by(odoo, "res.lang", "code")),
        rounding="global" if row["tax_calculation_rounding_method"] == "round_globally" else "line",
        locked=find.locks(row, adviser=adviser, by_payment=fields.features.cash_basis and sales.by_payment),
        features=fields.features,
        registrations=_registrations(odoo, row, mine),
        number=settings.number,
        quantity_digits=fields.quantity_digits,
        price_digits=fields.price_digits,
        chatter=settings.chatter,
        pdf=settings.pdf,
        no_clients=may_not["client"],
        no_invoices=may_not["invoice"] or booking.no_invoices,
        no_payments=may_not["payment"] or booking.no_payments,
        findings=tuple(findings),
        choices={**booking.choices, **sales.choices()},
    )


def _fields(odoo: Odoo, row: Row) -> _Fields:
    """Find out what this Odoo has by the fields of its models."""
    line = odoo.call("account.move.line", "fields_get", repeatable=True, attributes=["type", "digits"])
    move, payment = odoo.fields_of("account.move"), odoo.fields_of("account.payment")
    features = Features(
        memo="memo" in payment,
        payment_invoice_ids="invoice_ids" in payment,
        payment_method_line="payment_method_line_id" in payment,
        display_type_product="exclude_from_invoice_tab" not in line,
        account_type="account_type" in line,
        tax_totals="tax_totals" in move,
        analytic=tuple(column for column in ANALYTIC if column.partition("/")[0] in line),
        posted_before="posted_before" in move,
        cash_basis=bool(row.get("tax_exigibility")),
        audit_trail=bool(row.get("restrictive_audit_trail") or row.get("check_account_audit_trail")),
    )
    quantity, price = line["quantity"].get("digits"), line["price_unit"].get("digits")
    return _Fields(
        features=features,
        accountant=features.memo and "deferred_start_date" in line,
        quantity_digits=quantity[1] if quantity else 2,
        price_digits=price[1] if price else None,
    )


def _booking(odoo: Odoo, settings: OdooSettings, row: Row, mine: Domain, fields: _Fields) -> _Booking:
    """Choose journals and accounts."""
    domain = [mine, ["type", "in", ["sale", "bank", "cash"]], ["active", "in", [True, False]]]
    every = odoo.search_read("account.journal", domain, _JOURNAL, order="sequence, id")
    found, archived = ([one for one in every if one["active"] is active] for active in (True, False))
    booking = _Booking()
    if no_chart := find.no_chart(row, found):
        booking.findings.append(no_chart)
        booking.no_invoices = booking.no_payments = no_chart
        return booking
    selling = [one for one in found if one["type"] == "sale"]
    paying = [one for one in found if one["type"] != "sale"]
    booking.choices = {"journal": find.journals(selling), "payment_journal": find.journals(paying)}
    accounts: list[dict[str, Any]] = []
    if codes := [code for code in (settings.account, settings.difference_account) if code]:
        accounts = odoo.search_read("account.account", [["code", "in", codes]], ["code"])
    _goods(booking, settings, odoo)
    _sales(booking, settings, selling, accounts, archived)
    if settings.number == "name" and booking.journal and booking.journal.hashed and fields.features.memo:
        booking.findings.append(find.no_gaps(booking.journal))
    _paying(booking, settings, paying, archived)
    if booking.paying is not None and fields.features.payment_method_line:
        methods = odoo.search_read(
            "account.payment.method.line",
            [["journal_id", "=", booking.paying.id], ["payment_type", "=", "inbound"]],
            ["name", "code", "payment_account_id"],
            order="sequence, id",
        )
        find.payment_methods(methods, booking.paying, accountant=fields.accountant, findings=booking.findings)
    return booking


def _sales(
    booking: _Booking, settings: OdooSettings, rows: Sequence[Row], accounts: Sequence[Row], archived: Sequence[Row]
) -> None:
    """Choose the sales journal and the accounts of lines."""
    journal = find.journal(rows, settings.journal, "sales", booking.findings, archived)
    booking.journal = journal
    if journal is None:
        booking.no_invoices = booking.findings[-1]
        return
    booking.account = find.account_id(accounts, settings.account, "account", booking.findings)
    own = OTHERS in booking.products and all(one.account for one in booking.products.values())
    if settings.account is None and (journal.account or not own):
        booking.account = find.default_account(journal, booking.findings)
    if booking.account is None and not own:
        booking.no_invoices = booking.findings[-1]
    if settings.number == "name" and not journal.free_numbers:
        booking.findings.append(find.bound_numbers(journal))
    booking.difference = find.account_id(accounts, settings.difference_account, "difference_account", booking.findings)


def _goods(booking: _Booking, settings: OdooSettings, odoo: Odoo) -> None:
    """Choose the products of lines; the account that the settings name is that of all lines."""
    there = len(booking.findings)
    found = read_products(odoo, by_rate(settings.product), booking.findings)
    named = settings.account is not None
    booking.products = {rate: Product(one.id) if named else one for rate, one in found.items()}
    booking.no_invoices = next(iter(booking.findings[there:]), None)


def _paying(booking: _Booking, settings: OdooSettings, rows: Sequence[Row], archived: Sequence[Row]) -> None:
    """Choose the journal that payments come in on."""
    booking.paying = find.journal(rows, settings.payment_journal, "payment", booking.findings, archived)
    if booking.paying is None:
        booking.no_payments = booking.findings[-1]


def _taxes(odoo: Odoo, row: Row, mine: Domain, mapped: Mapped) -> Taxes:
    """Read the sales taxes; archived ones only tell the rates of lines that were booked with them."""
    there = odoo.fields_of("account.tax")
    fields = [name for name in _TAX if name in there]
    own = row.get("account_fiscal_country_id")
    active, others, archived, by_payment = list[Tax](), list[Tax](), dict[int, str](), False
    domain = [mine, ["type_tax_use", "=", "sale"], ["active", "in", [True, False]]]
    for one in odoo.search_read("account.tax", domain, fields, order="sequence, id"):
        tax = find.tax_of(one, own)
        if one["amount_type"] != "percent":
            others += [tax] if one["active"] else []
            continue
        by_payment = by_payment or one["tax_exigibility"] == "on_payment"
        if one["active"]:
            active.append(tax)
        else:
            archived[tax.id] = tax.rate
    return Taxes(tuple(active), mapped, archived, tuple(others), by_payment)


def _registrations(odoo: Odoo, row: Row, mine: Domain) -> dict[int, int]:
    """Read the fiscal positions with a tax number in another country than the company's fiscal one (Odoo 15 on)."""
    if "foreign_vat" not in odoo.fields_of("account.fiscal.position"):
        return {}
    abroad = [["foreign_vat", "!=", False], ["country_id", "!=", link(row["account_fiscal_country_id"])]]
    rows = odoo.search_read("account.fiscal.position", [mine, *abroad], ["country_id", "auto_apply"])
    return {one["id"]: link(one["country_id"]) if one["auto_apply"] else 0 for one in rows}


def _rates(odoo: Odoo, mine: Domain) -> dict[str, tuple[date, ...]]:
    """Read from which day on each currency has a rate: the first of what may be thousands."""
    domain = ["|", ["company_id", "=", False], mine]
    name = "formatted_read_group" if odoo.version >= 19 else "read_group"
    how = {"aggregates": ["name:min"]} if odoo.version >= 19 else {"fields": ["name:min"], "lazy": False}
    said = odoo.call("res.currency.rate", name, repeatable=True, domain=domain, groupby=["currency_id"], **how)
    first = {
        one["currency_id"][1]: find.day(one.get("name:min", one.get("name"))) for one in said if one["currency_id"]
    }
    return {code: (since,) for code, since in first.items() if since is not None}


def _by(odoo: Odoo, model: str, field: str) -> dict[str, int]:
    """Read all active records of a small model as ids by a text."""
    return {str(one[field]): int(one["id"]) for one in odoo.search_read(model, [], [field]) if one[field]}


def _code(countries: Mapping[str, int], country: Any) -> str:
    """Give the ISO code of a company's country (``[id, name]``, or false)."""
    return next((code for code, ident in countries.items() if country and ident == country[0]), "")


def _first(missing: Sequence[Missing], version: int, rights: Sequence[tuple[str, str]]) -> str | None:
    """Say which right is missing that any of these writes needs."""
    for one in missing:
        if any(right in one[1] for right in rights):
            return told(one, version)
    return None
