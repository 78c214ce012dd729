"""The commands, their arguments and their help; what each does stands in a module of its own, imported when called."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

import syncd
from syncd.errors import UsageError

app = typer.Typer(
    name="syncd",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
problems_app = typer.Typer(help="What waits for a person.", invoke_without_command=True)
mappings_app = typer.Typer(help="Which record of the source is which record of a target.", invoke_without_command=True)
app.add_typer(problems_app, name="problems")
app.add_typer(mappings_app, name="mappings")


def day(text: str) -> datetime:
    """Read a date of the command line."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise UsageError(f"{text!r} is no date; write it like 2026-01-31.") from None


Targets = Annotated[
    list[str] | None,
    typer.Argument(metavar="TARGET", help="Only these targets; all of them otherwise.", show_default=False),
]
Since = Annotated[
    datetime | None,
    typer.Option(parser=day, metavar="DATE", help="Only invoices issued on this day or later."),
]
Until = Annotated[
    datetime | None,
    typer.Option(parser=day, metavar="DATE", help="Only invoices issued on this day or earlier."),
]
Statuses = Annotated[
    list[str] | None,
    typer.Option(
        metavar="STATUS",
        help="Only invoices of this status (draft, sent, opened, overdue, paid, cancelled); may be repeated.",
    ),
]


def flag(name: str, text: str, **more: Any) -> Any:
    """Give an option without a value; its help shows none."""
    return typer.Option(name, help=text, metavar="", **more)


Json = Annotated[bool, flag("--json", "Print one JSON document and nothing else.")]


def command(*, sandbox: bool = True) -> Any:
    """Give the whole command line as one command; without ``sandbox``, which has forty options, it is made sooner."""
    if sandbox and not any(one.name == "sandbox" for one in app.registered_commands):
        from syncd.cli.sandbox import sandbox as serve_sandbox

        app.command(name="sandbox", help="Serve a made-up FastFaktura account on loopback.")(serve_sandbox)
    return typer.main.get_command(app)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"syncd {syncd.__version__}")
        raise typer.Exit


@app.callback()
def settings_file(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "-c",
            "--config",
            metavar="FILE",
            help="The settings file.",
            show_default="$SYNCD_CONFIG, ./syncd.toml, ~/.config/syncd/config.toml, /etc/syncd/config.toml",
        ),
    ] = None,
    _version: Annotated[bool, flag("--version", "Print the version.", callback=_print_version, is_eager=True)] = False,
) -> None:
    """Keep your books in step with what you invoice in FastFaktura.

    Exit codes: 0 in step; 1 ran, with problems or differences; 2 wrong usage or settings; 3 a source or target could
    not be reached or refused its credentials; 4 another syncd holds this state; 5 held by a safety stop.
    """
    context.obj = config


@app.command()
def run(
    context: typer.Context,
    targets: Targets = None,
    since: Since = None,
    until: Until = None,
    status: Statuses = None,
    full: Annotated[bool, flag("--full", "Read every row of the source and the details of all that is open.")] = False,
    details: Annotated[
        bool, flag("--details", "With --full: read the details of everything, settled invoices too.")
    ] = False,
    dry_run: Annotated[bool, flag("--dry-run", "Say what would be done and write nothing to a target.")] = False,
    force: Annotated[
        bool, flag("--force", "Let safety stops pass in this run, and ask a source that asked to wait.")
    ] = False,
    json: Json = False,
) -> int:
    """Sync once: read what changed at the source, bring the targets in step, and exit.

    --since, --until and --status narrow what is written in this run; what they leave out is written by a later run.
    """
    from syncd.cli.running import run_once

    return run_once(
        context.obj,
        "run",
        targets,
        since,
        until,
        status,
        full=full,
        details=details,
        dry=dry_run,
        force=force,
        json=json,
    )


@app.command()
def plan(
    context: typer.Context,
    targets: Targets = None,
    since: Since = None,
    until: Until = None,
    status: Statuses = None,
    json: Json = False,
) -> int:
    """Say what a run would do, and write nothing to a target. Same as run --dry-run."""
    from syncd.cli.running import run_once

    return run_once(context.obj, "plan", targets, since, until, status, dry=True, json=json)


@app.command()
def check(context: typer.Context, json: Json = False) -> int:
    """Check settings, state, each source and each target, and say what to mend. Writes nothing to either side."""
    from syncd.cli.checking import check_all

    return check_all(context.obj, json=json)


@app.command()
def status(context: typer.Context, json: Json = False) -> int:
    """Show each source and target: last run, what stands, problems, holds."""
    from syncd.cli.status import show_status

    return show_status(context.obj, json=json)


@app.command()
def reconcile(
    context: typer.Context, targets: Targets = None, since: Since = None, until: Until = None, json: Json = False
) -> int:
    """Compare what the source says with what the targets hold, record by record and in totals. Writes nothing."""
    from syncd.cli.reconciling import reconcile_all

    return reconcile_all(context.obj, targets, since, until, json=json)


@app.command()
def explain(
    context: typer.Context,
    record: Annotated[
        str, typer.Argument(metavar="NUMBER|ID|NAME", help="An invoice's number, a client's name, or an id.")
    ],
    json: Json = False,
) -> int:
    """Tell the whole story of one invoice or client: what was seen, decided, written and when."""
    from syncd.cli.explaining import explain_record

    return explain_record(context.obj, record, json=json)


@app.command()
def release(
    context: typer.Context, name: Annotated[str, typer.Argument(metavar="SOURCE|TARGET", help="What is held.")]
) -> int:
    """Let a hold pass, once: the next run writes what the safety stop kept back."""
    from syncd.cli.waiting import release_hold

    return release_hold(context.obj, name)


@app.command()
def serve(context: typer.Context) -> int:
    """Run as a daemon: poll the sources on their beat and keep the targets in step."""
    from syncd.cli.opening import settings_of
    from syncd.daemon import serve as serve_forever

    return serve_forever(settings_of(context.obj))


@app.command()
def demo(
    folder: Annotated[Path, typer.Option("--folder", help="Where the demo writes; it is made anew.")] = Path(
        "syncd-demo"
    ),
) -> int:
    """Sync made-up invoices into a CSV ledger, let life change some and sync again. No key, no network."""
    from syncd.cli.demo import show

    return show(folder)


def _json_before(context: typer.Context) -> bool:
    """Tell whether --json was given before the last word: `syncd problems --json list`."""
    return bool(context.parent and context.parent.params.get("json"))


@problems_app.callback()
def problems(context: typer.Context, json: Json = False) -> int | None:
    """List what waits for a person, with what to do about it."""
    if context.invoked_subcommand is not None:
        return None
    from syncd.cli.waiting import list_problems

    raise typer.Exit(list_problems(context.obj, json=json))


@problems_app.command("list")
def problems_list(context: typer.Context, json: Json = False) -> int:
    """List what waits for a person, each on a line of its own."""
    from syncd.cli.waiting import list_problems

    return list_problems(context.obj, json=json or _json_before(context), each=True)


@problems_app.command("retry")
def problems_retry(
    context: typer.Context,
    ids: Annotated[list[int] | None, typer.Argument(metavar="ID", help="Problems; all of them otherwise.")] = None,
) -> int:
    """Try these again in the next run."""
    from syncd.cli.waiting import mark_problems

    return mark_problems(context.obj, ids, "retry")


@problems_app.command("dismiss")
def problems_dismiss(
    context: typer.Context, ids: Annotated[list[int], typer.Argument(metavar="ID", help="Problems.")]
) -> int:
    """Stop showing these until their cause changes."""
    from syncd.cli.waiting import mark_problems

    return mark_problems(context.obj, ids, "dismissed")


@mappings_app.callback()
def mappings(context: typer.Context, json: Json = False) -> None:
    """List, export or import the bindings between source and target records."""
    if context.invoked_subcommand is None:
        from syncd.cli.mappings import list_mappings

        raise typer.Exit(list_mappings(context.obj, None, json=json))


@mappings_app.command("list")
def mappings_list(
    context: typer.Context,
    target: Annotated[str | None, typer.Argument(help="Only this target.")] = None,
    json: Json = False,
) -> int:
    """List the bindings."""
    from syncd.cli.mappings import list_mappings

    return list_mappings(context.obj, target, json=json or _json_before(context))


@mappings_app.command("export")
def mappings_export(
    context: typer.Context, file: Annotated[Path | None, typer.Argument(help="A CSV file; stdout otherwise.")] = None
) -> int:
    """Write the bindings as CSV: target, kind, id, external_id, version."""
    from syncd.cli.mappings import export_mappings

    return export_mappings(context.obj, file)


@mappings_app.command("import")
def mappings_import(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A CSV file as export writes it.")],
) -> int:
    """Read bindings from CSV; those that stand already are left alone."""
    from syncd.cli.mappings import import_mappings

    return import_mappings(context.obj, file)
