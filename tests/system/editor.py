"""A program that edits single cells of CSV files, byte for byte, as told on stdin; it shares nothing with syncd.

Each line on stdin is a JSON object: ``path``, ``row`` (from 0, the header), ``column`` (from 0), ``text`` and ``way``
(``place``: the file is written over; ``rename``: another file takes its place). The answer is what stood there.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path


def cells(data: str) -> Iterator[tuple[int, int, bool]]:
    """Give where each cell begins and ends in a CSV text, and whether it ends its row."""
    start, place, quoted = 0, 0, False
    while place < len(data):
        sign = data[place]
        if sign == '"':
            quoted = not quoted
        elif not quoted and sign == ",":
            yield start, place, False
            start = place + 1
        elif not quoted and data.startswith("\r\n", place):
            yield start, place, True
            start = place = place + 2
            continue
        place += 1


def place_of(data: str, row: int, column: int) -> tuple[int, int]:
    """Find where one cell begins and ends."""
    at = [0, 0]
    for start, end, last in cells(data):
        if at == [row, column]:
            return start, end
        at = [at[0] + 1, 0] if last else [at[0], at[1] + 1]
    raise LookupError(f"there is no row {row} with a column {column}")


def edit(path: Path, row: int, column: int, text: str, way: str) -> str:
    """Put a text into one cell; return what stood there."""
    data = path.read_bytes().decode()
    start, end = place_of(data, row, column)
    before = data[start:end]
    risky = any(sign in text for sign in ',"\r\n')
    cell = '"' + text.replace('"', '""') + '"' if risky else text
    after = (data[:start] + cell + data[end:]).encode()
    if way == "rename":
        other = path.with_name(f".{path.name}.edited")
        other.write_bytes(after)
        os.replace(other, path)  # noqa: PTH105 -- as an editor does it
    else:
        path.write_bytes(after)
    return before[1:-1].replace('""', '"') if before.startswith('"') else before


def main() -> None:
    """Do as told, line by line."""
    for line in sys.stdin:
        told = json.loads(line)
        before = edit(Path(told["path"]), told["row"], told["column"], told["text"], told["way"])
        print(json.dumps(before), flush=True)


if __name__ == "__main__":
    main()
