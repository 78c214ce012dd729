"""The schemas of the settings: every key with its type, default and description, and nothing else.

The models are the frozen values the program works with as well. Descriptions and defaults feed
``config.example.toml``; an ``examples`` entry shows a value where there is no default.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SkipValidation,
    field_validator,
)
from pydantic_core import PydanticKnownError

from syncd.connector import FIELDS, Connector, Context, How
from syncd.durations import Duration
from syncd.merge import Owner
from syncd.money import decimal_text
from syncd.secret import Secret

FASTFAKTURA = "https://app.fastfaktura.io/api/v1"
Way = Literal["mapping", How]
WAYS: tuple[Way, ...] = get_args(Way)


def _one_of(value: object, known: Sequence[str]) -> object:
    """Refuse in pydantic's own way what is not known, where a ``Literal`` cannot say what is."""
    if value not in known:
        *others, last = map(repr, known)
        raise PydanticKnownError("literal_error", {"expected": f"{', '.join(others)} or {last}"})
    return value


def _field(name: str) -> str:
    _one_of(name, sorted({field for fields in FIELDS.values() for field in fields}))
    return name


def _rate(text: str) -> str:
    rate = decimal_text(text)
    if rate is None:
        raise ValueError('should be a rate, such as "25" or "5.5"')
    return rate


FieldName = Annotated[str, AfterValidator(_field)]
Rate = Annotated[str, AfterValidator(_rate)]
UNDATED = ("none", "due_date", "issue_date", "first_seen")


class Section(BaseModel):
    """What all sections have in common: nothing unknown, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _default_state() -> str:
    """Say where the state is by default: $STATE_DIRECTORY (systemd), else the user's state folder."""
    given = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    if given:
        return f"sqlite:///{Path(given) / 'state.db'}"
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return f"sqlite:///{Path(home) / 'syncd' / 'state.db'}"


class SyncdSection(Section):
    """Settings of the program itself."""

    state: str = Field(
        default_factory=_default_state,
        description="The state: one SQLite file. Without it, state.db in $STATE_DIRECTORY (set by "
        "systemd), else in ~/.local/state/syncd.",
        examples=["sqlite:////var/lib/syncd/state.db"],
    )
    log: Literal["auto", "console", "json"] = Field(
        "auto",
        description="How the log on standard error looks: console, json, or auto "
        "(console on a terminal, JSON elsewhere).",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least important messages to log: debug, info, warning or error."
    )

    @field_validator("state")
    @classmethod
    def _sqlite(cls, value: str) -> str:
        if not value.startswith("sqlite:///") or value.rstrip().endswith("/"):
            raise ValueError('should name a file, such as "sqlite:////var/lib/syncd/state.db"')
        return value


class SourceKeys(Section):
    """The keys of a source: one FastFaktura account."""

    api_key: Secret = Field(
        description="The account's API key (ffk_…), made in FastFaktura's settings.",
        examples=[{"env": "FASTFAKTURA_API_KEY"}],
    )
    base_url: str = Field(FASTFAKTURA, description="Where the API is.")
    auth: Literal["x-api-key", "bearer"] = Field(
        "x-api-key", description="How the key is sent: x-api-key or bearer; both are equivalent."
    )
    poll: Duration = Field(timedelta(minutes=5), description="How often to look for changes.")
    cron: str | None = Field(
        None,
        description="Or when to look, as minute, hour, day, month and weekday; instead of poll.",
        examples=["*/5 7-19 * * mon-fri"],
    )
    timezone: ZoneInfo | None = Field(
        None,
        description="The time zone in which dates are dates. Without it the company's, else UTC.",
        examples=["Europe/Oslo"],
    )
    full_sweep: Duration = Field(timedelta(hours=24), description="How long one round over all invoices takes.")
    client_sweep: Duration = Field(timedelta(hours=1), description="How long one round over all clients takes.")
    detail_sweep: Duration = Field(
        timedelta(hours=24), description="How often lines and events of open invoices are re-read."
    )
    concurrency: int = Field(4, ge=1, le=16, description="How many requests at a time, 1 to 16.")
    timeout: Duration = Field(
        timedelta(seconds=30),
        description="How long to wait for an answer; twice as long, and more if it is large, until it is whole.",
    )

    @field_validator("api_key")
    @classmethod
    def _sendable(cls, value: Secret) -> Secret:
        return value.as_key("one looks like ffk_ and letters and digits")

    @field_validator("cron")
    @classmethod
    def _five_fields(cls, value: str | None) -> str | None:
        if value is None:
            return None
        from apscheduler.triggers.cron import CronTrigger  # noqa: PLC0415 - only where there is one

        fields = value.split()
        if len(fields) == 5 and any(sign.isdigit() for sign in fields[4]):
            raise ValueError("should name weekdays, as in mon-fri; numbers mean several things")
        try:
            trigger = CronTrigger.from_crontab(value, timezone="UTC")
        except ValueError as error:
            raise ValueError(f'should have five fields, as in "*/5 7-19 * * mon-fri" ({error})') from error
        if trigger.get_next_fire_time(None, datetime.now(UTC)) is None:
            raise ValueError("names a day that never comes, such as 30 February")
        return value


class SourceSettings(SourceKeys):
    """One FastFaktura account, checked. Durations are ``timedelta``."""

    name: str


class TargetKeys(Section):
    """The keys that every target has, whatever its connector."""

    connector_name: str = Field(alias="connector", description="The kind of books.", examples=["csv"])
    source: str | None = Field(
        None,
        description="The source that feeds it; may be left out while there is one.",
        examples=["main"],
    )
    start_date: date | None = Field(
        None,
        description="Invoices issued before it are not written. Books with a history need it.",
        examples=[date(2026, 1, 1)],
    )
    lock_date: date | None = Field(
        None,
        description="The books are closed up to this date: what belongs there is a problem.",
        examples=[date(2025, 12, 31)],
    )
    clients: Literal["needed", "all"] = Field(
        "needed",
        description="Clients to write: needed (by an invoice) or all. A CSV ledger has all of them.",
    )
    drafts: bool = Field(default=False, description="Whether drafts are written, where the target has drafts.")
    unsettle: bool = Field(
        default=False,
        description="Whether a payment is voided when its invoice is no longer paid.",
    )
    on_change: Literal["problem", "update", "reverse"] = Field(
        "problem",
        description="When a booked invoice's money, number, client or date changes: problem, update (rewritten) or "
        "reverse (a credit note, then booked anew); both only while unpaid and its period is open.",
    )
    undated: Literal["due_date", "issue_date", "first_seen"] | None = Field(
        None,
        description="What dates an invoice or payment that nothing else dates: none (a problem), "
        "due_date, first_seen, or issue_date (payments only).",
        examples=["none"],
    )
    match: tuple[Way, ...] = Field(WAYS, description="By what a record that stands in the books already is recognised.")
    conflicts: Literal["person", "source", "target"] = Field(
        "person", description="Who decides when both sides changed a field: person, source, target."
    )
    owners: dict[FieldName, Owner] = Field(
        default_factory=dict,
        description="The owner of a field, where it is not the source: source or target (never written again).",
        examples=[{"notes": "target"}],
    )
    taxes: dict[Rate, str | dict[str, str]] = Field(
        default_factory=dict,
        description="The tax code of the books for each rate, or for a rate by the client's country.",
        examples=[{"25": "S25", "0": {"NO": "S0", "GB": "EXPORT"}}],
    )
    write_external_id: bool = Field(
        default=False,
        description="Whether the target's id is written back to FastFaktura's clients.",
    )
    max_change_share: float = Field(
        0.3333,
        ge=0,
        le=1,
        description="Hold the target when more than this share of its records would change at once.",
    )
    max_voids: int = Field(
        10,
        ge=0,
        description="Hold the target when more than this many records would be voided at once.",
    )

    @field_validator("taxes")
    @classmethod
    def _named(cls, value: dict[str, str | dict[str, str]]) -> dict[str, str | dict[str, str]]:
        for rate, code in value.items():
            if not all(one.strip() for one in ([code] if isinstance(code, str) else code.values())):
                raise ValueError(f"names no tax code for {rate}; give one, or leave the rate out")
        return value

    @field_validator("undated", mode="before")
    @classmethod
    def _none(cls, value: object) -> object:
        return None if value is None or _one_of(value, UNDATED) == "none" else value


class TargetSettings(TargetKeys):
    """One target, checked. ``connector`` is its class, ``connector_settings`` what that asks for."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    name: str
    source: str
    connector: SkipValidation[Callable[[Any, Context], Connector]] = Field(alias="connector_class")
    connector_settings: SkipValidation[BaseModel]
