"""The line of every key in a TOML document, for tomllib tells values only. Pure.

The text has been read by tomllib before, so that this scanner need not judge it: it only follows
tables, dotted and quoted keys, and skips comments, strings of all four kinds, arrays and inline tables.
"""

from __future__ import annotations

import re
import tomllib

Path = tuple[str | int, ...]

BARE = re.compile(r"[A-Za-z0-9_-]+")
"""A key that needs no quotes."""

_TOKEN = re.compile(
    r"""(?P<skip>[ \t\r]+|\#[^\n]*)
      | (?P<string>\"\"\"(?:\\.|[^\\])*?\"{3,5}|'''.*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*')
      | (?P<mark>[\n\[\]{}=,.])
      | (?P<bare>[^\s\[\]{}=,.\#"']+)""",
    re.VERBOSE | re.DOTALL,
)


def key_lines(text: str) -> dict[Path, int]:
    """Map the path of each table and key to the line (from 1) where it first stands.

    Elements of arrays have their index in the path. The text must be valid TOML.
    """
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


class _Scanner:
    """One pass over the tokens of a document."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self.arrays: dict[Path, int] = {}
        self.tokens: list[tuple[str, int]] = []
        self.place = 0
        line = 1
        for token in _TOKEN.finditer(text):
            if token.lastgroup != "skip":
                self.tokens.append((token.group(), line))
            line += token.group().count("\n")

    def peek(self) -> str:
        return self.tokens[self.place][0] if self.place < len(self.tokens) else ""

    def take(self) -> tuple[str, int]:
        self.place += 1
        return self.tokens[self.place - 1]

    def document(self) -> None:
        table: Path = ()
        while self.peek():
            if self.peek() == "\n":
                self.take()
            elif self.peek() == "[":
                table = self.header()
            else:
                self.pair(table)

    def header(self) -> Path:
        self.take()
        doubled = self.peek() == "["
        if doubled:
            self.take()
        keys, line = self.keys()
        while self.peek() == "]":
            self.take()
        path: Path = ()
        for place, name in enumerate(keys, 1):
            path = (*path, name)
            self.lines.setdefault(path, line)
            if doubled and place == len(keys):
                self.arrays[path] = self.arrays.get(path, -1) + 1
            if path in self.arrays:
                path = (*path, self.arrays[path])
                self.lines.setdefault(path, line)
        return path

    def pair(self, table: Path) -> None:
        keys, line = self.keys()
        path = table
        for name in keys:
            path = (*path, name)
            self.lines.setdefault(path, line)
        self.take()
        self.value(path)

    def keys(self) -> tuple[list[str], int]:
        first, line = self.take()
        keys = [_name(first)]
        while self.peek() == ".":
            self.take()
            keys.append(_name(self.take()[0]))
        return keys, line

    def value(self, path: Path) -> None:
        if self.peek() == "[":
            self.array(path)
        elif self.peek() == "{":
            self.inline(path)
        else:
            while self.peek() not in ("", "\n", ",", "]", "}"):
                self.take()

    def array(self, path: Path) -> None:
        self.take()
        index = 0
        while self.peek() != "]":
            if self.peek() in ("\n", ","):
                index += self.take()[0] == ","
                continue
            self.lines.setdefault((*path, index), self.tokens[self.place][1])
            self.value((*path, index))
        self.take()

    def inline(self, path: Path) -> None:
        self.take()
        while self.peek() != "}":
            if self.peek() in ("\n", ","):
                self.take()
            else:
                self.pair(path)
        self.take()


def _name(token: str) -> str:
    if token[0] in "\"'":
        return str(tomllib.loads(f"key = {token}")["key"])
    return token
