"""The settings of an Odoo target, checked before anything runs. Pure."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from connectors.odoo.products import OTHERS
from syncd.connector import Secret
from syncd.durations import Duration
from syncd.money import decimal_text

LATER = timedelta(seconds=30)
"""How long an answer may come after the time a call may run: what network and proxies take."""

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""A name; an empty one names nothing."""


class OdooSettings(BaseModel):
    """The settings of an Odoo target; ``docs/odoo.md`` tells how Odoo is set up for them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(
        description="Where Odoo is: scheme and host, as in the browser.",
        examples=["https://odoo.example.com"],
    )
    database: Text = Field(
        description="The name of Odoo's database; on Odoo Online the part of the address before .odoo.com.",
        examples=["example"],
    )
    api_key: Secret = Field(
        description="An API key of the user that syncd works as: Preferences, Account Security, New API Key.",
        examples=[{"env": "ODOO_API_KEY"}],
    )
    user: Text | None = Field(
        None,
        description="The user's login, for Odoo 14 to 18; later ones know the user by the key.",
        examples=["syncd@example.com"],
    )
    company: Text | None = Field(
        None,
        description="The company, by name or id; may be left out where the user sees one company.",
        examples=["Example Ltd"],
    )
    journal: Text | None = Field(
        None,
        description="The sales journal, by code or name; may be left out while there is one.",
        examples=["FF"],
    )
    payment_journal: Text | None = Field(
        None,
        description="The bank or cash journal that payments come in on, by code or name; may be left out "
        "while there is one.",
        examples=["BNK1"],
    )
    account: Text | None = Field(
        None,
        description="The code of the income account of all lines. Without it that of the line's product, "
        "or the journal's default account.",
        examples=["701100"],
    )
    product: str | dict[str, str] | None = Field(
        None,
        description="The product on each line, by internal reference, name or id; or by the line's tax rate, "
        'with "*" for the rates that are not named. Without it lines have no product.',
        examples=["SERV"],
    )
    difference_account: Text | None = Field(
        None,
        description="The code of the account for the cents by which an invoice's lines miss its subtotal. "
        "Without it such an invoice is a problem.",
        examples=["658000"],
    )
    number: Literal["name", "ref"] = Field(
        "name",
        description="Where FastFaktura's number goes: name (it is the entry's number; wants a journal of its "
        "own) or ref (Odoo numbers by itself).",
    )
    chatter: bool = Field(
        default=False,
        description="Whether sending, opening, reminders and payment are noted in the invoice's chatter.",
    )
    pdf: bool = Field(
        default=False,
        description="Whether each invoice's PDF is attached to it, once.",
    )
    connections: int = Field(
        1, ge=1, le=8, description="How many requests at a time, 1 to 8: as many as Odoo has worker processes."
    )
    request_limit: Duration = Field(
        timedelta(minutes=2),
        description="How long Odoo lets one call run (limit_time_real). After an answer was lost, nothing is "
        "sent again before.",
        examples=["2m"],
    )
    timeout: Duration | None = Field(
        None,
        description="How long to wait for an answer. Without it half a minute more than request_limit.",
        examples=["150s"],
    )

    @field_validator("url")
    @classmethod
    def _bare(cls, value: str) -> str:
        value = value.rstrip("/")
        if not re.fullmatch(r"https?://[^/?#\s]+(/[^?#\s]*)?", value):
            raise ValueError("is no address; one looks like https://odoo.example.com")
        if re.search(r"/(web|odoo|jsonrpc|xmlrpc|json)(/|$)", value):
            raise ValueError("has more than the host; leave out what follows it, as in https://odoo.example.com")
        return value

    @field_validator("product")
    @classmethod
    def _rates(cls, value: str | dict[str, str] | None) -> str | dict[str, str] | None:
        named = [value] if isinstance(value, str) else list((value or {}).values())
        if not all(name.strip() for name in named) or value == {}:
            raise ValueError("names no product; give an internal reference, a name or an id, or leave it out")
        if not isinstance(value, dict):
            return value and value.strip()
        rates = {rate: rate if rate == OTHERS else decimal_text(rate) for rate in value}
        if wrong := [rate for rate, known in rates.items() if known is None]:
            raise ValueError(f'should have rates as keys, such as "25" or "5.5", or "*", not {wrong[0]!r}')
        return {rates[rate] or rate: name.strip() for rate, name in value.items()}

    @field_validator("api_key")
    @classmethod
    def _sendable(cls, value: Secret) -> Secret:
        return value.as_key("Odoo shows one as a row of letters and digits")

    @property
    def wait(self) -> float:
        """Seconds to wait for an answer."""
        return (self.timeout or self.request_limit + LATER).total_seconds()
