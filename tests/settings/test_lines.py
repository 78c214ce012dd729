"""The scanner finds the line of every key that tomllib finds, whatever the document looks like."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from syncd.settings.lines import key_lines

HARD = '''\
a = 1 # [not.a.table]
b."c.d".e = "x # = [" # comment
text = """
[no.table]
key = 1 \\""" still
"""""
raw = \'\'\'
[neither]
\'\'\'
list = [ # comment ]
  1.5,
  { x = 1, y.z = [2, "]"] },
  "three",
]
when = 1979-05-27 07:32:00
[ table . "with space" ]
f = { g = "}", h = \'{\' }
[[many]]
i = 1
[[many]]
i = 2
[many.sub]
j = -inf
'''


def paths(value: Any, path: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    """Name every path in a value."""
    found = {path} if path else set()
    if isinstance(value, dict):
        for key, item in value.items():
            found |= paths(item, (*path, key))
    if isinstance(value, list):
        for index, item in enumerate(value):
            found |= paths(item, (*path, index))
    return found


def test_strings_arrays_and_inline_tables_do_not_fool_it() -> None:
    lines = key_lines(HARD)
    assert set(lines) == paths(tomllib.loads(HARD))
    assert lines[("b", "c.d", "e")] == 2
    assert lines[("raw",)] == 7
    assert lines[("list", 1, "y", "z", 1)] == 12
    assert lines[("list", 2)] == 13
    assert lines[("table", "with space")] == 16
    assert lines[("table", "with space", "f", "h")] == 17
    assert lines[("many", 1, "i")] == 21
    assert lines[("many", 1, "sub", "j")] == 23


KEYS = st.sampled_from(["a", "b-1", '"q.x"', "'lit # '", '"\\u00e5"', "7"])
TEXTS = st.sampled_from(['"a # ["', '"""x\n[t]\n\\"""y"""', "'''\nk = 1'''", "'}'", "1.5", "true", "2026-01-01", '""'])
VALUES = st.recursive(
    TEXTS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[" + ",\n ".join(items) + "]"),
        st.lists(inner, max_size=3).map(
            lambda items: "{" + ", ".join(f"k{n} = {item}" for n, item in enumerate(items)) + "}"
        ),
    ),
    max_leaves=6,
)


@given(st.lists(st.tuples(KEYS, KEYS, VALUES), max_size=5))
def test_it_names_exactly_the_paths_that_tomllib_reads(rows: list[tuple[str, str, str]]) -> None:
    text = "".join(
        f"[t{number}.{table}] # c\n\n{key} = {value} # end\n" for number, (table, key, value) in enumerate(rows)
    )
    assert set(key_lines(text)) == paths(tomllib.loads(text))
