"""The entry of the command line, so small that Ctrl-C ends it plainly while all else is still being imported."""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from syncd.cli import main as run  # noqa: PLC0415 - not before Ctrl-C is caught

        run()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        from syncd.errors import is_ctrl_c  # noqa: PLC0415 - as above

        if not is_ctrl_c(error):
            raise
        sys.exit(130)


if __name__ == "__main__":
    main()
