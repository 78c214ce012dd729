"""What no file of the repository may hold, and how an exception from a check must be written."""

from __future__ import annotations

import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Written so that they do not find themselves.
REGISTRY = re.compile(r"pypi[.]org|pythonhosted[.]org|npmjs[.]|index[-]url|find[-]links")
MACHINE = re.compile(r"(?<![\w.~-])/(root|work)/")

EXCEPTION = re.compile(r"\bnoqa\b|type:\s*ignore|ruff:|mypy:")
WITH_REASON = re.compile(
    r"(noqa: [A-Z]+\d+(, ?[A-Z]+\d+)*|type: ignore\[[a-z-]+(, ?[a-z-]+)*\])"  # rules
    r"\s+(--?|#|—)\s*\w.{4,}"  # reason
)


def repository() -> list[Path]:
    """The files that git holds or would take up."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git repository")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [file for file in files if file.is_file()]


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for file in repository()
        for number, line in enumerate(file.read_bytes().decode(errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]


def comments() -> Iterator[tuple[str, str]]:
    for file in repository():
        if file.suffix == ".py":
            with file.open("rb") as source:
                for token in tokenize.tokenize(source.readline):
                    if token.type == tokenize.COMMENT:
                        yield f"{file.relative_to(ROOT)}:{token.start[0]}", token.string


def test_no_file_names_a_package_registry() -> None:
    assert not lines_with(REGISTRY)


def test_no_file_names_a_folder_of_the_machine_it_was_written_on() -> None:
    assert not lines_with(MACHINE)


def test_every_exception_from_a_check_names_its_rule_and_its_reason() -> None:
    bare = [
        f"{where}: {comment}"
        for where, comment in comments()
        if EXCEPTION.search(comment) and not WITH_REASON.search(comment)
    ]
    assert not bare


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa",
        "# noqa: S101",
        "# noqa: S101 -",
        "# noqa - because it is so",
        "# type: ignore",
        "# type: ignore[arg-type]",
        "# type: ignore # because it is so",
        "# ruff: noqa: S101",
        "# mypy: ignore-errors",
    ],
)
def test_an_exception_without_rule_or_reason_is_found(comment: str) -> None:
    assert EXCEPTION.search(comment)
    assert not WITH_REASON.search(comment)


def test_the_constraints_are_exact_versions_and_nothing_else() -> None:
    pinned = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[0-9][0-9A-Za-z.]*")
    lines = (ROOT / "constraints.txt").read_text(encoding="ascii").splitlines()
    assert lines
    assert [line for line in lines if not pinned.fullmatch(line)] == []
