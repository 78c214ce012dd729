"""The entry of the command line, so small that Ctrl-C ends it plainly while all else is still being imported."""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from syncd.cli import main as run  # noqa: PLC0415 - not before Ctrl-C is caught

        run()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception:
        import traceback  # noqa: PLC0415 - as above

        if KeyboardInterrupt.__name__ not in traceback.format_exc():
            raise
        sys.exit(130)  # a library that was being imported has made another error of it


if __name__ == "__main__":
    main()
