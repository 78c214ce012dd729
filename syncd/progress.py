"""How long work tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int | None, str], None]
"""Called with how many are done, of how many (``None``: not known), of what."""


def silent(done: int, total: int | None, what: str) -> None:
    """Show no progress."""
