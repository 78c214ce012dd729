"""`python -m syncd.sandbox`: the sandbox without the rest of the command line."""

import typer

from syncd.cli.sandbox import sandbox

if __name__ == "__main__":
    typer.run(sandbox)
