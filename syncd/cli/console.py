"""What the commands print with: tables and colours on a terminal, plain text in a pipe, one JSON document on demand."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from syncd.moments import local_time
from syncd.progress import Progress, silent

out = Console(soft_wrap=True, highlight=False, emoji=False)
err = Console(stderr=True, soft_wrap=True, highlight=False, emoji=False)

COMMANDING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Characters that tell a terminal to do something; a name from elsewhere may hold them."""


def visible(text: str) -> str:
    """Write what would command a terminal as the escapes that name it."""
    return COMMANDING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def say(text: str = "") -> None:
    """Print a line that holds markup of our own; what comes from elsewhere must be escaped in it."""
    out.print(visible(text))


def complain(text: str) -> None:
    """Print what went wrong to stderr."""
    for line in text.splitlines() or [""]:
        err.print(f"[red]{escape(visible(line))}[/red]")


def print_json(schema: str, document: dict[str, Any]) -> None:
    """Print one JSON document; its first key names the schema and its version."""
    body = orjson.dumps({"schema": schema, **document}, option=orjson.OPT_INDENT_2, default=str)
    text = COMMANDING.sub(lambda found: f"\\u{ord(found[0]):04x}", body.decode())
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> None:
    """Print a table; on no terminal, columns are parted by tabs so that scripts can cut them."""
    if not out.is_terminal:
        for row in (columns, *rows):
            sys.stdout.write("\t".join(visible(cell.replace("\t", " ").replace("\n", " ")) for cell in row) + "\n")
        sys.stdout.flush()
        return
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for place, column in enumerate(columns):
        shown.add_column(column, justify="right" if place in right else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(escape(visible(cell)) for cell in row))
    out.print(shown)


def of_target(name: str, error: object) -> str:
    """Begin an error with its target's name, unless it does."""
    told, begins = str(error), f"target {name}"
    return told if told.startswith((f"{begins}:", f"{begins} ")) else f"{begins}: {told}"


def when(seconds: int | None) -> str:
    """Write a time of the state in local time."""
    return "never" if seconds is None else local_time(seconds)


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Progress]:
    """Show a bar on a terminal for long work; say nothing in a pipe."""
    if quiet or not err.is_terminal:
        yield silent
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    with Bar(
        TextColumn("{task.description:>12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
    ) as bar:
        tasks: dict[str, Any] = {}

        def show(done: int, total: int | None, what: str) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)

        yield show
