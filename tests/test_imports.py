"""The directions of imports: who may know whom, read from the import statements themselves.

All of them count: below ``if TYPE_CHECKING``, inside functions, relative ones, and those that
``import_module("…")`` makes.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

CONTRACT = {
    *("syncd.connector", "syncd.model", "syncd.errors", "syncd.http", "syncd.money"),
    *("syncd.fields", "syncd.tax", "syncd.durations"),
}
"""What a connector may know of syncd."""

PURE = {
    *(
        "syncd.canonical",
        "syncd.catalogue",
        "syncd.content",
        "syncd.decision",
        "syncd.desired",
        "syncd.errors",
        "syncd.facts",
    ),
    *("syncd.fields", "syncd.marks"),
    *("syncd.match", "syncd.merge", "syncd.model", "syncd.moments", "syncd.money", "syncd.payload"),
    *("syncd.plan", "syncd.problems", "syncd.readers", "syncd.comparison", "syncd.safety"),
    "syncd.tax",
}
"""Modules that compute and nothing else."""

TRANSLATIONS = {"connectors.csv.rows", "connectors.odoo.moves", "connectors.odoo.partners", "connectors.odoo.payments"}
"""What each connector makes of a record."""

SAYS_PURE = re.compile(r"\b[Pp]ure[.;:]")
"""How a module says in its docstring that it computes and nothing else; it is then held to it."""

HARMLESS = {
    *("__future__", "abc", "base64", "bisect", "codecs", "collections", "copy", "dataclasses"),
    *("datetime", "decimal", "enum", "fractions", "functools", "hashlib", "heapq", "hmac"),
    *("itertools", "json", "math", "operator", "re", "string", "types", "typing", "unicodedata"),
    *("uuid", "zlib", "zoneinfo", "orjson"),
    *("difflib", "email.utils", "html", "tomllib", "urllib.parse"),
    # Tables of countries and languages, and schemas.
    *("babel", "pycountry", "pydantic"),
    # Values and protocols; it names the HTTP client only for the type checker.
    "syncd.connector",
}
"""What a pure module may import beside other pure modules."""


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {
    module_name(path): path
    for package in ("syncd", "connectors", "tests/hostile")
    for path in sorted((ROOT / package).rglob("*.py"))
}


def imports(source: str, package: str) -> Iterator[str]:
    """Every module that a source imports; ``from a import b`` gives ``a.b`` where that is one."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom():
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                start = ".".join([*(above if node.level else []), *filter(None, [node.module])])
                names = [f"{start}.{alias.name}" for alias in node.names]
                yield from {name if name in FILES else start for name in names}
            case ast.Call(
                func=ast.Name("import_module" | "__import__") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(str(name)), *_],
            ):
                yield name


def known_by(module: str) -> set[str]:
    path = FILES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return set(imports(path.read_text(encoding="utf-8"), package))


def within(name: str, allowed: set[str]) -> bool:
    """Whether it is one of these or lies inside one (``collections.abc``)."""
    parts = name.split(".")
    return any(".".join(parts[:end]) in allowed for end in range(1, len(parts) + 1))


def says_pure(module: str) -> bool:
    told = ast.get_docstring(ast.parse(FILES[module].read_text(encoding="utf-8")))
    return bool(SAYS_PURE.search(told or ""))


def pure_modules() -> list[str]:
    return [name for name in FILES if within(name, PURE) or says_pure(name)]


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("import a.b, c", {"a.b", "c"}),
        ("from syncd import money", {"syncd.money"}),
        ("from syncd import __version__", {"syncd"}),
        ("from syncd.money import cents", {"syncd.money"}),
        ("from . import money", {"syncd.money"}),
        ("from .money import cents", {"syncd.money"}),
        ("if TYPE_CHECKING:\n    import a", {"a"}),
        ("def work():\n    try:\n        import a\n    except ImportError:\n        pass", {"a"}),
        ("import_module('a.b')", {"a.b"}),
        ("importlib.import_module('a.b', None)", {"a.b"}),
        ("__import__('a')", {"a"}),
    ],
)
def test_every_form_of_an_import_is_seen(statement: str, found: set[str]) -> None:
    assert set(imports(statement, "syncd")) == found


def test_syncd_never_imports_a_connector() -> None:
    wrong = {
        (module, name)
        for module in FILES
        if within(module, {"syncd"})
        for name in known_by(module)
        if within(name, {"connectors", "tests"})
    }
    assert not wrong


def test_connectors_know_only_the_public_contract_of_syncd() -> None:
    theirs = [
        module
        for module in FILES
        if within(module, {"connectors", "tests.hostile.connector", "tests.hostile.translate"})
    ]
    wrong = {
        (module, name)
        for module in theirs
        for name in known_by(module)
        if within(name, {"syncd"}) and name not in CONTRACT
    }
    assert theirs
    assert not wrong


def test_connectors_do_not_know_each_other() -> None:
    wrong = {
        (module, name)
        for module in FILES
        if module.startswith("connectors.")
        for name in known_by(module)
        if within(name, {"connectors"}) and name.split(".")[:2] != module.split(".")[:2]
    }
    assert not wrong


def test_what_computes_imports_nothing_that_reads_or_writes() -> None:
    pure = pure_modules()
    wrong = {
        (module, name) for module in pure for name in known_by(module) if not within(name, HARMLESS | PURE | set(pure))
    }
    assert not wrong
    for translation in TRANSLATIONS:
        assert translation in pure


def test_what_computes_brings_nothing_along_that_reads_or_writes() -> None:
    listing = f"import sys, {', '.join(sorted(PURE))}; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True).stdout.split()
    )
    assert "syncd.plan" in loaded
    assert not loaded & {"httpx", "httpcore", "sqlite3", "sqlalchemy", "syncd.http", "syncd.state.store"}


def test_no_modules_of_syncd_import_each_other_in_a_circle() -> None:
    ours = [module for module in FILES if within(module, {"syncd"})]
    graph = {module: known_by(module).intersection(ours) - {module} for module in ours}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(reversed(error.args[1])))
