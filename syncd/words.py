"""Numbers with their nouns, for sentences. Pure."""

from __future__ import annotations


def counted(number: int, one: str, many: str = "") -> str:
    """Write a number with the words for one or for ``many`` (else those with an ``s``): ``1 record``, ``2 records``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
