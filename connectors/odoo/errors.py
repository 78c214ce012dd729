"""What Odoo's answers mean when they are no results: kinds of the errors that a run knows already; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from syncd.errors import Answer, NotSent, Unreachable

Problem = Literal["access", "validation", "missing", "concurrent", "bug"]

LONGEST: Final = 600
"""Characters of a sentence of Odoo's that are shown."""

_GROUP: Final = re.compile(r"^\s*- (\S[^\n]*)$", re.MULTILINE)


class OdooAnswer(Answer):
    """Odoo understood a call and said no; nothing of this call was carried out.

    ``name``: the exception there (``odoo.exceptions.UserError``). ``sentence``: Odoo's own words, without a traceback.
    ``kind``: ``access`` (a right is missing), ``validation`` (a rule of the books), ``missing`` (no such record),
    ``concurrent`` (someone else wrote the same at the same time; again later), ``bug`` (the call itself is wrong).
    ``groups``: with ``access``, the groups whose members may, where Odoo names them.
    """

    def __init__(
        self,
        message: str,
        status: int = 200,
        *,
        name: str = "",
        sentence: str = "",
        kind: Problem = "bug",
        groups: Sequence[str] = (),
    ) -> None:
        """Keep the parts beside the message."""
        super().__init__(message, status)
        self.name, self.sentence, self.kind, self.groups = name, sentence, kind, tuple(groups)


class LoadMessage(NamedTuple):
    """What is wrong with one record of a ``load``: its number (from 0; -1: none is named), the field, Odoo's words."""

    record: int
    field: str | None
    text: str


class LoadRefused(OdooAnswer):
    """``load`` wrote nothing, because of the records that ``messages`` name: without those it can be sent again."""

    def __init__(self, message: str, messages: Sequence[LoadMessage]) -> None:
        """Keep the messages, of which there is at least one."""
        super().__init__(message, name="load", sentence=messages[0].text, kind="validation")
        self.messages = tuple(messages)


class NoDatabase(NotSent):
    """There is no database of this name at the server, or it is not there at present; nothing was carried out."""


class Unreadable(Unreachable):
    """An answer came that is none of Odoo's: a page of a proxy, or cut off; what was written is in doubt."""


def groups_in(text: str) -> tuple[str, ...]:
    """Give the groups that an ``AccessError`` names, ``Category/Group`` each, from Odoo's words as they came."""
    return tuple(group.strip() for group in _GROUP.findall(text) if "/" in group)


def one_line(text: str) -> str:
    """Give a text of Odoo's as one line of a readable length."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text[: 4 * LONGEST]).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
