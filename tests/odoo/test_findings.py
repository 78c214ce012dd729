"""What is chosen among the rows that Odoo shows, and what is said where something is missing; no server."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.odoo import findings as find
from connectors.odoo.company import Journal, Locks
from connectors.odoo.settings import OdooSettings
from connectors.odoo.taxes import Tax, Taxes
from syncd.secret import Secret

TODAY = date(2026, 11, 24)


def row(code: str, name: str, **more: Any) -> dict[str, Any]:
    usual = {"id": 1, "code": code, "name": name, "restrict_mode_hash_table": False, "refund_sequence": True}
    return {**usual, "sequence_override_regex": False, "default_account_id": [26, "Sales"], **more}


def test_a_journal_is_found_by_code_before_it_is_found_by_name() -> None:
    told: list[str] = []
    rows = [row("INV", "FF", id=1), row("FF", "FastFaktura", id=2)]
    chosen = find.journal(rows, "ff", "sales", told)
    assert chosen is not None
    assert chosen.id == 2
    assert told == []


def test_a_journal_that_is_not_there_is_told_with_those_that_are() -> None:
    told: list[str] = []
    assert find.journal([row("INV", "Sales")], "XX", "sales", told) is None
    assert told == [
        'journal is "XX", but there is none of this code or name. The sales journals are: INV (Sales).',
    ]


def test_a_journal_that_was_archived_is_said_to_be() -> None:
    told: list[str] = []
    assert find.journal([row("INV", "Sales")], "ff", "sales", told, [row("FF", "FastFaktura")]) is None
    (one,) = told
    assert one.startswith('journal is "ff", but it is archived; an administrator takes it out of the archive, or you ')
    assert one.endswith("The sales journals are: INV (Sales).")


def test_of_several_journals_none_is_guessed() -> None:
    told: list[str] = []
    assert find.journal([row("BNK1", "Bank"), row("CSH1", "Cash")], None, "payment", told) is None
    (one,) = told
    assert one.startswith(
        "There are several bank or cash journals: BNK1 (Bank), CSH1 (Cash). Say with payment_journal "
    )


@pytest.mark.parametrize(
    ("regex", "free"),
    [
        (find.FREE, True),
        ("", False),
        ("(", False),
        (r"^(?P<prefix1>.*?)(?P<seq>\d+)(?P<suffix>\D*)$", False),
        (r"^(?P<prefix1>.*?)(?P<year>\d{4})(?P<seq>\d*)(?P<suffix>\D*)$", False),
    ],
)
def test_a_journal_takes_every_number_only_with_an_expression_that_reads_nothing_into_them(
    regex: str, free: bool
) -> None:
    assert find.free_numbers(regex) is free


def test_lock_dates_of_odoo_14_count_those_for_all_but_advisers_unless_the_user_is_one() -> None:
    company = {"fiscalyear_lock_date": "2025-12-31", "period_lock_date": "2026-01-31", "tax_lock_date": False}
    assert find.locks(company, adviser=False) == Locks(date(2026, 1, 31), date(2026, 1, 31))
    assert find.locks(company, adviser=True) == Locks(date(2025, 12, 31), date(2025, 12, 31))


def test_lock_dates_of_later_ones_are_those_that_count_for_the_user() -> None:
    company = {
        "fiscalyear_lock_date": "2026-06-30",
        "user_fiscalyear_lock_date": "2025-12-31",
        "user_hard_lock_date": "1-01-01",
        "user_sale_lock_date": "2026-02-28",
        "user_tax_lock_date": "2026-03-31",
    }
    assert find.locks(company, adviser=False) == Locks(date(2026, 3, 31), date(2025, 12, 31))
    assert find.locks({**company, **dict.fromkeys(company, "1-01-01")}, adviser=False) == Locks()


def test_a_closed_tax_period_is_closed_for_payments_only_where_tax_falls_due_by_payment() -> None:
    company = {"fiscalyear_lock_date": "2025-12-31", "tax_lock_date": "2026-02-28"}
    assert find.locks(company, adviser=False).payment == date(2025, 12, 31)
    assert find.locks(company, adviser=False, by_payment=True).payment == date(2026, 2, 28)
    assert find.locks({"tax_lock_date": False}, adviser=False, by_payment=True) == Locks()


@pytest.mark.parametrize(
    ("end", "said"),
    [("2026-12-01 08:00:00", True), ("2027-03-01 08:00:00", False), (False, False), ("2026-11-24 23:00:00", True)],
)
def test_a_key_that_ends_within_three_weeks_is_spoken_of(end: str | bool, said: bool) -> None:
    told: list[str] = []
    find.expiring([{"name": "books", "scope": "rpc", "expiration_date": end}], TODAY, told)
    assert bool(told) is said
    assert all(f'The API key "books" ends on {str(end)[:10]}' in one for one in told)


def test_of_several_keys_it_is_not_known_which_one_syncd_uses() -> None:
    told: list[str] = []
    keys = [{"name": name, "scope": False, "expiration_date": "2026-12-01 08:00:00"} for name in ("a", "b")]
    find.expiring(keys, TODAY, told)
    assert len(told) == 2
    assert all("If it is the one that syncd uses" in one for one in told)


def test_a_way_to_pay_without_outstanding_account_is_told_where_odoo_would_book_nothing() -> None:
    chosen = Journal(6, "BNK1", "Bank")
    manual = {"name": "Manual Payment", "code": "manual", "payment_account_id": False}
    told: list[str] = []
    find.payment_methods([manual], chosen, accountant=False, findings=told)
    assert told == []
    find.payment_methods([manual], chosen, accountant=True, findings=told)
    assert "has no outstanding account" in told.pop()
    find.payment_methods([{**manual, "code": "sepa_ct"}], chosen, accountant=False, findings=told)
    assert "no incoming payment method Manual" in told.pop()


def test_only_the_currencies_of_fastfaktura_need_a_rate_and_the_companys_own_needs_none() -> None:
    told: list[str] = []
    find.without_rate("EUR", ["EUR", "NOK", "SEK", "JPY"], {"NOK": ()}, told)
    assert len(told) == 1
    assert told[0].startswith("No rate is known for SEK, ")


def test_rates_in_use_that_have_no_tax_are_told_once_each() -> None:
    there = (Tax(1, "25%", "25"), Tax(2, "Export", "0"), Tax(3, "Reverse", "0"))
    used = [("25", "Norge"), ("12", "NO"), ("12", "Sweden"), ("0", "SE")]
    assert find.missing_taxes(Taxes(there), used) == [
        "12 %: there is no active sales tax of this rate; an administrator makes one in Odoo."
    ]
    chosen = Taxes(there, {"0": {"NO": "Export"}})
    assert find.missing_taxes(chosen, [("0", "Norge"), ("0", "Sverige"), ("0", "SE"), ("0", None)]) == [
        "0 %: taxes.0 names no tax for clients in SE (only for NO); add SE.",
        "0 %: the tax depends on the client's country (taxes.0), and the client has none.",
    ]


def settings(**more: Any) -> OdooSettings:
    usual = {"url": "https://odoo.example.com", "database": "example", "api_key": Secret("a" * 40)}
    return OdooSettings(**{**usual, **more})


def test_the_settings_need_url_database_and_key_and_nothing_else() -> None:
    assert {name for name, one in OdooSettings.model_fields.items() if one.is_required()} == {
        *("url", "database", "api_key"),
    }
    assert all(one.description for one in OdooSettings.model_fields.values())


def test_an_answer_is_waited_for_longer_than_odoo_lets_a_call_run() -> None:
    assert settings().wait == 150
    assert settings(request_limit="10m").wait == 630
    assert settings(timeout="45s").wait == 45


@pytest.mark.parametrize("url", ["odoo.example.com", "https://odoo.example.com/web#action=1", "https://x.y/odoo/apps"])
def test_an_address_copied_from_the_browser_is_refused_with_what_would_be_right(url: str) -> None:
    with pytest.raises(ValidationError, match=r"https://odoo\.example\.com"):
        settings(url=url)


def test_a_key_never_shows() -> None:
    assert "a" * 40 not in f"{settings()!r} {settings().model_dump_json()}"
