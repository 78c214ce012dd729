"""The three-way decision, field by field: what was last written, what the source says now, what stands in the target.

Only the source moved: written. Only the target moved: kept. Both moved to the same: nothing. Both moved apart: a
conflict, kept for a person unless the settings decide (DESIGN section 6). A line or event is one row: where one of its
cells conflicts, no cell of that row is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from syncd.connector import Fields, Scalar
from syncd.fields import same

Owner = Literal["source", "target"]
Conflicts = Literal["person", "source", "target"]
Differs = Mapping[str, tuple[Scalar, Scalar]]
"""Field path → (what syncd expected, what stands in the target)."""


@dataclass(frozen=True, slots=True)
class Merged:
    """``changes`` are to be written (path → before, after); ``base`` is what then counts as last written."""

    changes: dict[str, tuple[Scalar, Scalar]]
    conflicts: dict[str, tuple[Scalar, Scalar, Scalar]]
    """Path → (base, source, target)."""
    base: Fields


def merge(base: Fields, source: Fields, drift: Differs, owners: Mapping[str, Owner], conflicts: Conflicts) -> Merged:
    """Decide every path on which the source moved away from the base."""
    changes: dict[str, tuple[Scalar, Scalar]] = {}
    apart: dict[str, tuple[Scalar, Scalar, Scalar]] = {}
    after = dict(base)
    for path in base.keys() | source.keys():
        old, new = base.get(path), source.get(path)
        stands = drift[path][1] if path in drift else old
        if same(old, new) or owners.get(path.partition(".")[0]) == "target":
            continue
        if path in drift and not same(stands, new):
            if conflicts == "person":
                apart[path] = (old, new, stands)
                continue
            if conflicts == "source":
                changes[path] = (stands, new)
        elif not same(stands, new):
            changes[path] = (old, new)
        after[path] = new
    broken = {row_of(path) for path in apart if row_of(path)}
    for path in [path for path in changes if row_of(path) in broken]:
        del changes[path]
        after[path] = base.get(path)
    return Merged(
        dict(sorted(changes.items())),
        dict(sorted(apart.items())),
        {k: v for k, v in after.items() if k in source or v is not None},
    )


def row_of(path: str) -> str:
    """Name the line or event a path belongs to, ``""`` where it belongs to the record itself."""
    group, _, rest = path.partition(".")
    return f"{group}.{rest.rpartition('.')[0]}" if rest else ""
