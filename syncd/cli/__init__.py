"""The command line of syncd: ``main`` runs it and turns every error into a sentence and an exit code."""

from __future__ import annotations

import gc
import sys
import traceback
from collections.abc import Sequence

from syncd.cli.output import take_over

YOUNG = 20_000
"""Objects made before cycles among them are looked for: a history is many small objects and hardly any cycles."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with the code of DESIGN section 7."""
    gc.set_threshold(YOUNG, 50, 100)
    output = take_over()
    code = run(arguments)
    sys.stdout.flush()
    if output.fault and not output.unread:
        from syncd.cli.console import complain

        complain(f"The output could not be written: {output.fault.strerror}.")
    sys.exit(output.exit_code(code))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    from typer.exceptions import Abort, Exit, TyperException

    from syncd.cli.app import command
    from syncd.cli.console import complain
    from syncd.errors import SyncdError, is_ctrl_c

    words = list(sys.argv[1:] if arguments is None else arguments)
    whole = not words or "sandbox" in words or "--help" in words
    try:
        result = command(sandbox=whole).main(args=words, prog_name="syncd", standalone_mode=False)
    except SyncdError as error:
        complain(str(error))
        return error.exit_code
    except Exit as stop:
        return int(stop.exit_code)
    except TyperException as error:
        show = getattr(error, "show", None)
        if show is not None:
            show()
        return 2
    except (Abort, KeyboardInterrupt):
        writes = {"run", "serve"} & set(words)
        complain("Stopped; what was sent and not answered is settled in the next run." if writes else "Stopped.")
        return 130
    except Exception as error:  # the last resort: whatever it is, it is our bug
        if is_ctrl_c(error):
            raise
        from syncd.log import masked

        complain(masked(traceback.format_exc()))
        complain("This is a fault of syncd. Nothing was left half-written; please report it with the lines above.")
        return 1
    return result if isinstance(result, int) else 0
