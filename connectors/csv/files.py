"""The new files of one write: opened as rows come, finished and put in place together."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from connectors.csv.cells import Dress
from connectors.csv.commit import NewFile, Signature
from connectors.csv.layout import COLUMNS, Cells, File


class Rows:
    """Writes rows to a file as RFC 4180 wants them.

    Rows without anything to quote, as nearly all are, are joined; the csv module looks at each character, which takes
    a first load a tenth of its time.
    """

    def __init__(self, text: TextIO, delimiter: str) -> None:
        """Write to this file."""
        self._text = text
        self._delimiter = delimiter
        self._quoting = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")

    def write(self, rows: Sequence[Cells]) -> None:
        """Write rows of at least two cells."""
        text = "\r\n".join([self._delimiter.join(row) for row in rows])
        ends, between = len(rows) - 1, sum(map(len, rows)) - len(rows)
        quoted = '"' in text or text.count("\n") > ends or text.count("\r") > ends
        if quoted or text.count(self._delimiter) > between:
            self._quoting.writerows(rows)
        elif rows:
            self._text.write(f"{text}\r\n")


class NewFiles:
    """Temporary files beside the files they will replace."""

    def __init__(self, folder: Path, dress: Dress, before: Mapping[File, Signature | None], stage: str = "1") -> None:
        """Write into this folder, in this dress, over files that had the signatures ``before`` they were read.

        ``stage`` tells the temporary files of one write apart.
        """
        self._before = before
        self._stage = stage
        self._folder = folder
        self._dress = dress
        self._open: dict[File, tuple[NewFile, Rows]] = {}
        self.finished: dict[File, dict[str, Any]] = {}
        self._begun: list[NewFile] = []

    def begin(self, file: File, extras: Iterable[str] = ()) -> Rows:
        """Give what writes a file's rows, begun with its header when it is new."""
        if file not in self._open:
            new = NewFile(self._folder / file.name, self._dress.encoding, self._stage, self._before.get(file))
            self._begun.append(new)
            self._open[file] = new, Rows(new.text, self._dress.delimiter)
            self._open[file][1].write([[*COLUMNS[file.table], *extras]])
        return self._open[file][1]

    def rows(self, file: File, rows: list[Cells]) -> None:
        """Write rows to a file."""
        self.begin(file).write(rows)
        self._open[file][0].rows += len(rows)

    def finish(self) -> None:
        """Finish all files that are open; a finished one is not opened again."""
        for file in list(self._open):
            self.finished[file] = self._open[file][0].finish()
            del self._open[file]

    def discard(self) -> None:
        """Throw everything away."""
        for new in self._begun:
            new.close()
            new.temporary.unlink(missing_ok=True)
