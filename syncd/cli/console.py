"""What the commands print with: tables and colours on a terminal, plain text in a pipe, one JSON document on demand."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from syncd.session import Progress, silent

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)


def say(text: str = "") -> None:
    """Print a line that holds markup of our own."""
    out.print(text)


def complain(text: str) -> None:
    """Print what went wrong to stderr."""
    for line in text.splitlines() or [""]:
        err.print(f"[red]{escape(line)}[/red]")


def print_json(schema: str, document: dict[str, Any]) -> None:
    """Print one JSON document; its first key names the schema and its version."""
    body = orjson.dumps({"schema": schema, **document}, option=orjson.OPT_INDENT_2, default=str)
    sys.stdout.write(body.decode() + "\n")
    sys.stdout.flush()


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> None:
    """Print a table; on no terminal, columns are parted by tabs so that scripts can cut them."""
    if not out.is_terminal:
        for row in (columns, *rows):
            sys.stdout.write("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in row) + "\n")
        sys.stdout.flush()
        return
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for place, column in enumerate(columns):
        shown.add_column(column, justify="right" if place in right else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(escape(cell) for cell in row))
    out.print(shown)


def of_target(name: str, error: object) -> str:
    """Begin an error with its target's name, unless it does."""
    told, begins = str(error), f"target {name}"
    return told if told.startswith((f"{begins}:", f"{begins} ")) else f"{begins}: {told}"


def when(seconds: int | None) -> str:
    """Write a time of the state in local time."""
    if seconds is None:
        return "never"
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


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
