"""`syncd sandbox`: serve a FastFaktura account on loopback, to try things and to test."""

import sys
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from syncd.sandbox import options as o
from syncd.sandbox.account import Account
from syncd.sandbox.data import made_up
from syncd.sandbox.records import Rounding
from syncd.sandbox.retail import BadFile, load
from syncd.sandbox.server import DEFAULT_KEY, serve

DATA, PAGES, SHAPES, TROUBLE = "Data", "Pages of lists", "Shapes", "Trouble"


MOST = 1_000_000  # clients or invoices; with more, it would only seem to hang
MOST_TIMES = 1_000  # repetitions of a year and a bit: more would be before the calendar
FIRST_DAY, LAST_DAY = date(1980, 1, 1), date(2199, 12, 31)


def _knob(text: str, panel: str, *names: str, **limits: float) -> typer.models.OptionInfo:
    about: dict[str, Any] = {"help": text, "rich_help_panel": panel, **limits}
    option: typer.models.OptionInfo = typer.Option(*names, **about)
    return option


# One parameter for each knob: the signature is the documentation of the command.
def sandbox(
    port: Annotated[int, typer.Option(help="Port on loopback; 0 takes a free one.", min=0, max=65535)] = 0,
    host: Annotated[str, typer.Option(help="127.0.0.1 or ::1; never another.")] = "127.0.0.1",
    key: Annotated[str, typer.Option(help="The API key that is accepted.")] = DEFAULT_KEY,
    json: Annotated[bool, typer.Option("--json", help="Say where it listens as JSON.", metavar="")] = False,
    seed: Annotated[int, _knob("Seed of everything made up.", DATA)] = 1,
    clients: Annotated[int, _knob("How many clients to make up.", DATA, min=0, max=MOST)] = 20,
    invoices: Annotated[int, _knob("How many invoices to make up.", DATA, min=0, max=MOST)] = 60,
    today: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Last day of it.", rich_help_panel=DATA),
    ] = None,
    load_: Annotated[
        Path | None,
        _knob("Load invoice lines from a CSV (.xz too), not make them up.", DATA, "--load"),
    ] = None,
    limit: Annotated[int | None, _knob("Only its first N invoices.", DATA, min=0)] = None,
    multiply: Annotated[int, _knob("Repeat its history N times.", DATA, min=1, max=MOST_TIMES)] = 1,
    open_share: Annotated[float, _knob("Share of its invoices still open.", DATA, min=0, max=1)] = 0.03,
    rounding: Annotated[Rounding, _knob("How tax is rounded, half up.", DATA)] = "rate",
    page_size: Annotated[int, _knob("Rows on a page.", PAGES, min=1)] = 50,
    first_page: Annotated[int, _knob("Number of the first page: 0 or 1.", PAGES, min=0, max=1)] = 1,
    before_first: Annotated[o.BeforeFirst, _knob("Answer to a lower page.", PAGES)] = "first",
    past_end: Annotated[o.PastEnd, _knob("Answer past the last page.", PAGES)] = "empty",
    envelope: Annotated[o.Envelope, _knob("Key around a list; named: clients/invoices.", PAGES)] = "bare",
    paging: Annotated[o.Paging, _knob("Paging information (bare: in headers).", PAGES)] = "none",
    order: Annotated[o.Order, _knob("Order of lists; none: shuffled, stable.", PAGES)] = "newest",
    ignore_status: Annotated[bool, _knob("Do not filter by status.", PAGES)] = False,
    refuse_unknown_status: Annotated[bool, _knob("422 for an unknown status.", PAGES)] = False,
    event_kind_key: Annotated[o.KindKey, _knob("Key of an event's kind.", SHAPES)] = "type",
    event_time_key: Annotated[o.TimeKey, _knob("Key of an event's time.", SHAPES)] = "created_at",
    event_dotted: Annotated[bool, _knob("invoice.paid instead of paid.", SHAPES)] = False,
    event_ids: Annotated[bool, _knob("Events have ids.", SHAPES)] = True,
    event_stamp: Annotated[o.Stamp, _knob("Form of an event's time.", SHAPES)] = "z",
    events_in_detail: Annotated[bool, _knob("Events come with the invoice.", SHAPES)] = True,
    issued_key: Annotated[o.IssuedKey, _knob("Key of an issue date, if any.", SHAPES)] = "none",
    created_at: Annotated[bool, _knob("Invoices say created_at.", SHAPES)] = False,
    paid_at: Annotated[bool, _knob("Invoices say paid_at.", SHAPES)] = False,
    stamp: Annotated[o.Stamp, _knob("Form of an invoice's dates.", SHAPES)] = "z",
    signed_public_url: Annotated[bool, _knob("public_url signed anew each time.", SHAPES)] = False,
    etag: Annotated[o.Etag, _knob("Validator sent, and 304 honoured.", SHAPES)] = "none",
    put: Annotated[o.Put, _knob("Whether PUT replaces or merges.", SHAPES)] = "merge",
    latency: Annotated[float, _knob("Seconds before each answer.", TROUBLE, min=0, max=o.LONGEST)] = 0.0,
    fault: Annotated[
        list[str] | None,
        _knob('A fault as JSON, e.g. {"kind": "status_5xx", "every": 7}; repeatable.', TROUBLE),
    ] = None,
) -> None:
    """Serve a FastFaktura account on loopback until interrupted; nothing leaves this machine.

    Prints base URL and key once it listens. Tests and demos change it through /_sandbox.
    """
    given = dict(locals())
    try:
        _check(given)
        wanted = _options(given, fault or [])
        account = _account(given)
        serve(wanted, account, key=key, host=host, port=port, announce=partial(_announce, json))
    except (o.BadOption, BadFile, OSError) as error:
        typer.echo(f"sandbox: {error}", err=True)
        raise typer.Exit(2) from None


def _check(given: dict[str, object]) -> None:
    """Refuse, before anything is made or served, what the limits of single options do not say."""
    key, day = str(given["key"]), given["today"]
    if not key.strip() or key != key.strip() or not (key.isascii() and key.isprintable()):
        raise o.BadOption("--key must be printable ASCII without spaces around it, as a header can carry it")
    if isinstance(day, datetime) and not FIRST_DAY <= day.date() <= LAST_DAY:
        raise o.BadOption(f"--today must be from {FIRST_DAY} to {LAST_DAY}")


def _options(given: dict[str, object], faults: list[str]) -> o.Options:
    knobs = {name: given[name] for name in o.Options.__dataclass_fields__ if name != "faults"}
    try:
        plans = [orjson.loads(text) for text in faults]
    except orjson.JSONDecodeError as error:
        raise o.BadOption(f"--fault is not JSON: {error}") from None
    return o.Options().changed({**knobs, "faults": plans})


def _account(given: dict[str, object]) -> Account:
    choose = {name: given[name] for name in ("seed", "rounding")}
    if given["load_"] is not None:
        choose |= {name: given[name] for name in ("limit", "multiply", "open_share")}
        return load(given["load_"], **choose)  # type: ignore[arg-type] # checked by Typer
    day = given["today"]
    choose |= {name: given[name] for name in ("clients", "invoices")}
    today = day.date() if isinstance(day, datetime) else None
    return made_up(today=today, **choose)  # type: ignore[arg-type] # checked by Typer


def _announce(as_json: bool, base_url: str, key: str) -> None:
    if as_json:
        typer.echo(orjson.dumps({"schema": "syncd.sandbox/1", "base_url": base_url, "key": key}).decode())
    else:
        typer.echo(f"base_url {base_url}\nkey      {key}")
    sys.stdout.flush()
