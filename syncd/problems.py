"""The one catalogue of problems: each code with its sentence, remedy and parameters. Pure.

A ``Finding`` is one problem of one record; its texts are made here and nowhere else, so that scripts
can rely on codes and texts can be translated. ``python -m syncd.problems`` prints docs/problems.md.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from syncd.catalogue import CATALOGUE, Problem, Stage, Waits

OTHER = "rejected_by_target"
"""What a code that only a connector knows is told as."""


def _of(*stages: Stage) -> frozenset[str]:
    return frozenset(one.code for one in CATALOGUE.values() if one.stage in stages)


PULLED, ADOPTED, SENT, ATTACHED = _of("pull"), _of("adopt"), _of("send"), _of("attach")
"""The codes that each stage finds and settles; all others are planning's."""

REFUSED = frozenset(code for code in SENT if CATALOGUE[code].waits == "source")
"""Problems of a record that the target had before it and would not have; the same is not sent again."""

LASTING = frozenset(code for code in ADOPTED | SENT | ATTACHED if CATALOGUE[code].waits != "books")
"""Problems of the stages after planning that planning again does not judge."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem of one record (``kind`` and the source's ``id``; a hold has kind ``hold`` and no id).

    ``parameters`` fill the catalogue's texts. ``at_source``: it is a fault of the source's record and
    stands once for the source, not for each of its targets.
    """

    code: str
    kind: str
    id: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    at_source: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Findings with the same cause, shown as one line."""

    code: str
    count: int
    sentence: str
    remedy: str
    findings: tuple[Finding, ...]


class _Filled(dict[str, str]):
    """Parameters of a text; one that was not given shows as ``?`` rather than stopping a report."""

    def __missing__(self, key: str) -> str:
        return "?"


def known(code: str) -> Problem:
    """Look a code up; one the catalogue does not have is a connector's own rejection."""
    return CATALOGUE.get(code) or CATALOGUE[OTHER]


def _told_by(finding: Finding) -> Problem:
    """Give the texts that tell a finding: a connector that gives its reason tells that, and not ``?``."""
    problem, given = known(finding.code), finding.parameters
    lacks = set(problem.parameters) - {"record"} - given.keys()
    return CATALOGUE[OTHER] if lacks and "reason" in given else problem


def sentence(finding: Finding) -> str:
    """Tell what is wrong, with which record."""
    text = _fill(_told_by(finding).sentence, finding)
    return text if text.endswith((".", "!", "?")) else f"{text}."  # a reason may end in whatever was answered


def remedy(finding: Finding) -> str:
    """Tell what to do about it."""
    return _fill(known(finding.code).remedy, finding)


def group(findings: Iterable[Finding]) -> list[Group]:
    """Put findings with the same cause in one line each, in the order in which they first come.

    A lone finding keeps its own sentence; of several, the catalogue says which parameters make the cause.
    """
    together: dict[tuple[str, ...], list[Finding]] = {}
    for one in findings:
        cause = (one.parameters.get(name, "") for name in _told_by(one).cause)
        together.setdefault((one.code, *cause), []).append(one)
    return [_group(found) for found in together.values()]


def _group(found: list[Finding]) -> Group:
    first, problem = found[0], _told_by(found[0])
    if len(found) == 1:
        return Group(first.code, 1, sentence(first), remedy(first), (first,))
    cause = {name: first.parameters.get(name, "?") for name in problem.cause}
    shared = Finding(first.code, first.kind, "", {**cause, "count": str(len(found)), "record": "…"})
    told = _fill(problem.many, shared)
    return Group(first.code, len(found), told, _fill(known(first.code).remedy, shared), tuple(found))


def _fill(template: str, finding: Finding) -> str:
    given = finding.parameters
    record = given.get("record") or given.get("number") or given.get("name") or finding.id
    values = _Filled({"kind": finding.kind, "id": finding.id, **given, "record": record})
    return string.Formatter().vformat(template, (), values)


WAITS: dict[Waits, str] = {
    "source": "until the record changes in FastFaktura, or a person retries it",
    "books": "looked at again in every cycle",
    "both": "until both sides are equal; looked at again when either changes",
    "rarely": "tried again after a while, ever more rarely, or when a person retries it",
    "person": "until a person acts, or asks for another try",
}

HELD = "until a person lets it pass, or its cause is gone"


INTRODUCTION = """\
Every problem, hold and note that syncd can show, by code. Made from the catalogue in
`syncd/catalogue.py` by `python -m syncd.problems`; scripts may rely on codes and parameters."""


def document() -> str:
    """Write docs/problems.md."""
    parts = [
        "# Problems",
        INTRODUCTION,
    ]
    for severity, title in (("problem", "Problems"), ("hold", "Holds"), ("note", "Notes")):
        parts.append(f"## {title}")
        parts += [_entry(one) for _, one in sorted(CATALOGUE.items()) if one.severity == severity]
    return "\n\n".join(parts) + "\n"


def _entry(problem: Problem) -> str:
    names = ", ".join(f"`{name}`" for name in problem.parameters) or "none"
    waits = HELD if problem.severity == "hold" else WAITS[problem.waits]
    return (
        f"### `{problem.code}`\n\n{problem.sentence}\n\n"
        f"- What to do: {problem.remedy}\n- Waits: {waits}.\n- Parameters: {names}"
    )


if __name__ == "__main__":
    print(document(), end="")  # noqa: T201 - its output is the file
