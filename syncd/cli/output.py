"""Standard output and error that may be full or closed: the work goes on, and what was lost is told at its end."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any, TextIO

CLOSED_PIPE = 141
"""What a shell tells of a program that ended because nobody read its output any more."""


class Output(io.FileIO):
    """A file that takes all that is written to it; ``fault``: why some of it went nowhere.

    Nothing follows what went nowhere, or a document would have a hole; but a log goes on once its disk has room again.
    """

    fault: OSError | None = None
    goes_on = False

    def write(self, data: Any, /) -> int:
        """Write, or keep why that cannot be."""
        if self.fault is None or self.goes_on:
            try:
                return super().write(data)
            except OSError as error:
                self.fault = error
        return len(data)

    @property
    def unread(self) -> bool:
        """Tell whether whoever read it has had enough, which is no fault."""
        return self.fault is not None and self.fault.errno == errno.EPIPE

    def exit_code(self, code: int) -> int:
        """Give the exit code of a command that would end with ``code``; worse is kept."""
        if self.fault is None or code > 1:
            return code
        return CLOSED_PIPE if self.unread else 1


def take_over() -> Output:
    """Let this process write its output and errors through such files; give that of the output."""
    sys.stderr, _ = _text(2, sys.stderr)
    sys.stdout, output = _text(1, sys.stdout)
    return output


def _text(descriptor: int, stream: TextIO | None) -> tuple[TextIO, Output]:
    """Make a stream; what its encoding lacks is written as an escape."""
    if stream is None:  # closed: the next file that is opened would be written to in its place
        os.dup2(os.open(os.devnull, os.O_RDONLY), descriptor)
    output = Output(descriptor, "w", closefd=False)
    output.goes_on = descriptor == 2
    encoding = stream.encoding if stream else "utf-8"
    lines = descriptor == 2 or output.isatty()
    text = io.TextIOWrapper(io.BufferedWriter(output), encoding, "backslashreplace", line_buffering=lines)
    return text, output
