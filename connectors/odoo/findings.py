"""What is chosen among the journals, accounts and currencies of the books, and sentences on what is missing. Pure.

Each function is given rows as Odoo shows them (``search_read``) and the settings, and gives what it chose, or ``None``,
and appends to ``findings`` what stands in the way, who mends it and how.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final, Literal

from connectors.odoo.company import Journal, Locks
from connectors.odoo.rows import Row
from connectors.odoo.taxes import Tax, Taxes, key
from syncd.money import CURRENCIES, plain

FREE: Final = r"^(?P<prefix1>.*?)(?P<seq>\d*)(?P<suffix>\D*)$"
"""The journal's ``sequence_override_regex`` with which it takes every number, whatever its date."""
_SAMPLES: Final = ("F-2025-12-0008", "24-0099", "2025-26/0001", "202512-0001", "NODIGITS", "2025/X-1")
_PARTS: Final = frozenset({"prefix1", "seq", "suffix"})

Use = Literal["sales", "payment"]
_USES: Final[dict[Use, tuple[str, str, str]]] = {
    "sales": ("journal", "sales", "FastFaktura's invoices go to"),
    "payment": ("payment_journal", "bank or cash", "payments come in on"),
}
"""For each use of a journal: its setting, the type in words, and what is done with it."""
_KINDS: Final = {
    "group": "a group of taxes",
    "fixed": "a fixed amount",
    "division": "a percentage of the price with tax",
}
_SCOPES: Final = {"service": "services", "consu": "goods"}

SOON: Final = timedelta(days=21)
"""How long before its end a key is spoken of."""
OPEN: Final = date(1, 1, 1)
"""What the ``user_…_lock_date`` fields hold where nothing is closed."""


def choose_company(rows: Sequence[Row], wanted: str | None) -> Row | str:
    """Choose the company among those the user sees, by id or name; a ``str`` says why not, and names them."""
    there = ", ".join(f'"{row["name"]}" (id {row["id"]})' for row in rows) or "none at all"
    if wanted is None:
        if len(rows) == 1:
            return rows[0]
        return f"the user of the API key sees several companies: {there}; say with company which one is meant"
    found = [row for row in rows if wanted.strip() == str(row["id"])] or _named(rows, wanted, "name")
    if len(found) == 1:
        return found[0]
    if found:
        return f'company is "{wanted}", and several are called so: {there}; give the id instead'
    return (
        f'company is "{wanted}", but the companies that the user of the API key sees are: {there}; '
        f"mend company, or let an administrator allow the user that company"
    )


def companies(rows: Sequence[Row]) -> dict[str, str]:
    """Name the companies to choose from as ``company`` takes them: by name, else by id."""
    names = [row["name"] for row in rows]
    return {name if names.count(name) == 1 else str(row["id"]): name for row, name in zip(rows, names, strict=True)}


def journals(rows: Sequence[Row]) -> dict[str, str]:
    """Name the journals to choose from as settings take them: by code, else by name."""
    return {row["code"] or row["name"]: row["name"] for row in rows}


def journal(
    rows: Sequence[Row], wanted: str | None, use: Use, findings: list[str], archived: Sequence[Row] = ()
) -> Journal | None:
    """Choose a journal by code or name, or the only one there is; of ``archived`` ones it is only told."""
    setting, kind, what = _USES[use]
    there = ", ".join(f"{row['code']} ({row['name']})" for row in rows)
    if not rows:
        findings.append(
            f"There is no {kind} journal. An administrator makes one, under Invoicing, Configuration, Journals "
            f"(docs/odoo.md shows how)."
        )
    elif wanted is None:
        if len(rows) == 1:
            return journal_of(rows[0])
        findings.append(f"There are several {kind} journals: {there}. Say with {setting} which one {what}.")
    else:
        found = _named(rows, wanted, "code") or _named(rows, wanted, "name")
        if len(found) == 1:
            return journal_of(found[0])
        told = "several are called so; give the code instead" if found else "there is none of this code or name"
        if not found and (_named(archived, wanted, "code") or _named(archived, wanted, "name")):
            told = "it is archived; an administrator takes it out of the archive, or you name another"
        findings.append(f'{setting} is "{wanted}", but {told}. The {kind} journals are: {there}.')
    return None


def no_attachments() -> str:
    """Say that PDFs will be refused."""
    return (
        "pdf is on, but the user of the API key may not create ir.attachment: invoices will stand without their PDFs. "
        "An administrator allows it to internal users, under Settings, Technical, Access Rights (developer mode); "
        "or set pdf to false."
    )


def no_notes(*, chatter: bool) -> str:
    """Say what will be refused because of notes: with ``chatter`` all of them, and always what leaves one itself."""
    user = "user of the API key may not create mail.message"
    mends = "An administrator allows it to internal users, under Settings, Technical, Access Rights (developer mode)"
    rewritten = 'with on_change = "update" no posted invoice is rewritten, which leaves a note on it'
    if chatter:
        return (
            f"chatter is on, but the {user}: invoices will stand without notes, and {rewritten}. "
            f"{mends}; or set chatter to false."
        )
    return f"The {user}: {rewritten}. {mends}."


def default_account(chosen: Journal, findings: list[str]) -> int | None:
    """Give the journal's default account, the income account of all lines."""
    if chosen.account is None:
        findings.append(
            f"The journal {chosen} has no default account, so no invoice can be booked in it. "
            f"An administrator sets its default income account, or you set account to an account's code."
        )
    return chosen.account


def bound_numbers(chosen: Journal) -> str:
    """Say what is to be done so that the journal takes every number."""
    return (
        f"The journal {chosen} does not take every number: Odoo reads years and months into numbers, and refuses "
        f"those that do not fit the date. An administrator sets the journal's field sequence_override_regex to "
        f'{FREE} (docs/odoo.md shows how), or you set number = "ref".'
    )


def no_gaps(chosen: Journal) -> str:
    """Say that numbers with gaps do not fit the journal (Odoo 18 and later)."""
    return (
        f"The journal {chosen} is locked by hashes, and Odoo takes no number there after a gap, which every draft and "
        f'cancelled invoice of FastFaktura leaves. Set number = "ref", or choose a journal without that lock.'
    )


def journal_of(row: Row) -> Journal:
    """Read a row of ``account.journal``."""
    return Journal(
        id=row["id"],
        code=row["code"] or "",
        name=row["name"],
        hashed=bool(row["restrict_mode_hash_table"]),
        refunds_apart=bool(row["refund_sequence"]),
        free_numbers=free_numbers(row["sequence_override_regex"] or ""),
        account=row["default_account_id"][0] if row["default_account_id"] else None,
    )


def free_numbers(regex: str) -> bool:
    """Tell whether a ``sequence_override_regex`` takes every number, and no year or month is read into one."""
    try:
        pattern = re.compile(regex)
    except re.error:
        return False
    return set(pattern.groupindex) == _PARTS and all(pattern.match(number) for number in _SAMPLES)


def payment_methods(rows: Sequence[Row], chosen: Journal, *, accountant: bool, findings: list[str]) -> None:
    """Look at the ways in which payments come in on a journal (``account.payment.method.line``, Odoo 15 and later).

    ``accountant``: Odoo's accounting app of Enterprise is installed, which books nothing for a payment whose way has
    no outstanding account; Community takes the chart's.
    """
    manual = [row for row in rows if row["code"] == "manual"]
    if not manual:
        findings.append(
            f"The journal {chosen} has no incoming payment method Manual. "
            f"An administrator adds it, in the journal under Incoming Payments."
        )
    elif accountant and not manual[0]["payment_account_id"]:
        findings.append(
            f"The incoming payment method {manual[0]['name']} of the journal {chosen} has no "
            f"outstanding account, so Odoo books nothing for a payment and the invoice stays open. "
            f"An administrator sets one, in the journal under Incoming Payments."
        )


def account_id(rows: Sequence[Row], code: str | None, setting: str, findings: list[str]) -> int | None:
    """Find an account by its code; ``None`` where none is asked for or there is none."""
    if code is None:
        return None
    found = [row["id"] for row in rows if row["code"] == code]
    if len(found) == 1:
        return int(found[0])
    findings.append(
        f'{setting} is "{code}", but there {"are several accounts" if found else "is no account"} of this code.'
    )
    return None


def no_chart(company: Row, journals: Sequence[Row]) -> str | None:
    """Say that the company has no chart of accounts; then it has no journals either."""
    if company.get("chart_template") or company.get("chart_template_id") or journals:
        return None
    return (
        f"The company {company['name']} has no chart of accounts. An administrator chooses one, "
        f"under Invoicing, Configuration, Settings, Fiscal Localization."
    )


def tax_of(row: Row, own: Sequence[Any] | None = None) -> Tax:
    """Read a row of ``account.tax``; ``own``: the company's fiscal country, ``[id, name]``, where Odoo has one."""
    why_not, country = None, row.get("country_id")
    if row["amount_type"] != "percent":
        why_not = f"it is {_KINDS.get(row['amount_type'], 'no percentage')}, and only one in percent can be taken"
    elif row["price_include"]:
        why_not = "it is included in prices, and FastFaktura's prices are without tax"
    elif row.get("has_negative_factor"):
        why_not = "a part of it is taken off again (reverse charge)"
    elif own and country and country[0] != own[0]:
        why_not = f"it is of {country[1]}, and the company's fiscal country is {own[1]}"
    return Tax(row["id"], row["name"], plain(row["amount"]) or "", _SCOPES.get(row["tax_scope"] or ""), why_not)


def without_rate(own: str, currencies: Iterable[str], rates: Mapping[str, object], findings: list[str]) -> None:
    """Name the active currencies of FastFaktura that have no rate; Odoo would book them 1 : 1 without a word."""
    bare = sorted(one for one in currencies if one in CURRENCIES and one != own and one not in rates)
    if bare:
        findings.append(
            f"No rate is known for {', '.join(bare)}, and Odoo would book {'it' if len(bare) == 1 else 'them'} 1 : 1, "
            f"so such invoices are not written. An administrator enters a rate of the first "
            f"invoice's day or earlier, under Invoicing, Configuration, Currencies."
        )


def tax_faults(taxes: Taxes, *, mapped: bool, findings: list[str]) -> None:
    """Say what is wrong with the taxes that the settings name, and which rates have several taxes.

    Once the settings name any, the rates they leave out are taken for not in use.
    """
    findings.extend(taxes.faults())
    several = [] if mapped else list(taxes.ambiguous())
    if several:
        rates = "; ".join(f"{rate} %: {', '.join(map(str, there))}" for rate, there in several)
        example = "taxes = { " + f'{key(several[0][0])} = "{several[0][1][0].name}"' + " }"
        findings.append(
            f"Several sales taxes have the same rate: {rates}. Say which is meant for each rate that you invoice, "
            f"as in {example}, or by the client's country; name any one, and this is not said again."
        )


def missing_taxes(taxes: Taxes, rates: Iterable[tuple[str, str | None]]) -> list[str]:
    """Say for which rates, each with a client's country as its owner wrote it, no tax is to be had.

    Rates that have several taxes are told by ``tax_faults`` until the settings name any.
    """
    told = set() if taxes.mapped else {rate for rate, _ in taxes.ambiguous()}
    found = [taxes.id_for(*one) for one in dict.fromkeys(rates) if one[0] not in told]
    return [one for one in dict.fromkeys(found) if isinstance(one, str)]


def expiring(keys: Sequence[Row], today: date, findings: list[str]) -> None:
    """Name the API keys of the user that end soon (Odoo 19 and later; ``res.users.apikeys``)."""
    own = [row for row in keys if row["scope"] in (False, None, "", "rpc")]
    for row in own:
        end = day(row["expiration_date"])
        if end is not None and today <= end <= today + SOON:
            which = "" if len(own) == 1 else "If it is the one that syncd uses: "
            findings.append(
                f'The API key "{row["name"]}" ends on {end}. {which}make a new one in Odoo before, under Preferences, '
                f"Security, and put it in the place of api_key."
            )


def locks(row: Row, *, adviser: bool, by_payment: bool = False) -> Locks:
    """Read the last closed days of a row of ``res.company``; ``by_payment``: there is tax that falls due by payment.

    Odoo 18 and later say in ``user_…`` fields what counts for the user. Before, ``period_lock_date`` counts for all but
    advisers.
    """
    if "user_fiscalyear_lock_date" in row:
        every = _latest(row, "user_fiscalyear_lock_date", "user_hard_lock_date")
        sale, tax = _latest(row, "user_sale_lock_date"), _latest(row, "user_tax_lock_date")
    else:
        every = _latest(row, "fiscalyear_lock_date", *([] if adviser else ["period_lock_date"]))
        sale, tax = None, _latest(row, "tax_lock_date")
    return Locks(_last(every, sale, tax), _last(every, tax) if by_payment else every)


def day(value: object) -> date | None:
    """Read a date or a time of Odoo as a day; ``None`` where it is empty."""
    if not isinstance(value, str) or not value:
        return None
    year, month, rest = value.split("-", 2)
    read = date(int(year), int(month), int(rest[:2]))
    return None if read == OPEN else read


def _latest(row: Row, *names: str) -> date | None:
    return _last(*(day(row.get(name)) for name in names))


def _last(*days: date | None) -> date | None:
    return max((one for one in days if one), default=None)


def _named(rows: Sequence[Row], wanted: str, field: str) -> list[Row]:
    """Find rows by a text: exactly, else whatever its case."""
    wanted = wanted.strip()
    exact = [row for row in rows if row[field] == wanted]
    return exact or [row for row in rows if str(row[field]).casefold() == wanted.casefold()]
