"""The new files of one write: opened as rows come, finished and put in place together."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from connectors.csv.cells import Dress
from connectors.csv.commit import NewFile, Signature
from connectors.csv.layout import COLUMNS, Cells, File


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
        self._open: dict[File, tuple[NewFile, Any]] = {}
        self.finished: dict[File, dict[str, Any]] = {}
        self._begun: list[NewFile] = []

    def begin(self, file: File, extras: Iterable[str] = ()) -> Any:
        """Give the CSV writer of a file, begun with its header when it is new."""
        if file not in self._open:
            new = NewFile(self._folder / file.name, self._dress.encoding, self._stage, self._before.get(file))
            self._begun.append(new)
            writer = csv.writer(new.text, delimiter=self._dress.delimiter, lineterminator="\r\n")
            writer.writerow([*COLUMNS[file.table], *extras])
            self._open[file] = new, writer
        return self._open[file][1]

    def rows(self, file: File, rows: list[Cells]) -> None:
        """Write rows to a file."""
        self.begin(file).writerows(rows)
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
