"""The PDF of an invoice, attached to it in Odoo: what the attachment is called and how it is known again; pure.

Its external id is ``syncd.<mark>-pdf-<id of the invoice in Odoo>``: an invoice that was taken back keeps its own, and
the one that is made in its place gets another. Which bytes it has is not in the payload.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Final

import orjson

from syncd.connector import Operation

COLUMNS: Final = ("id", "name", "res_model", "res_id", "mimetype", "datas")
"""Columns of a new attachment (``ir.attachment``); ``datas`` is base64."""

LONGEST: Final = 80
"""Characters of a number that are kept in a name."""

_OURS: Final = re.compile(r"syncd\.ff-i-[0-9a-f]+-pdf-([0-9]+)")
_UNSAFE: Final = re.compile(r"[^\w.+-]+")


@dataclass(frozen=True, slots=True)
class Hanging:
    """A payload: the invoice in Odoo that the PDF is attached to, and the attachment's name."""

    move: int
    name: str


def render_pdf(operation: Operation) -> bytes:
    """Write which invoice in Odoo gets an attachment of which name, as JSON."""
    known = operation.refs.get("invoice") or operation.external_id or "0"
    return orjson.dumps(asdict(Hanging(int(known), file_name(operation.content.get("number")))))


def read_pdf(payload: bytes) -> Hanging:
    """Read a payload back."""
    return Hanging(**orjson.loads(payload))


def file_name(number: str | None) -> str:
    """Name the file after the invoice's number, in characters that every system takes: ``2026/7`` is ``2026-7.pdf``."""
    kept = _UNSAFE.sub("-", number or "")[:LONGEST].strip(".-")
    return f"{kept or 'invoice'}.pdf"


def pdf_id(mark: str, move: int) -> str:
    """Make the attachment's external id."""
    return f"syncd.{mark}-pdf-{move}"


def pdf_row(external_id: str, told: Hanging, datas: str) -> list[str]:
    """Give an attachment's cells for ``load``, in the order of ``COLUMNS``."""
    return [external_id, told.name, "account.move", str(told.move), "application/pdf", datas]


def is_pdf_of(external_id: str | None, move: int) -> bool:
    """Tell whether an attachment of an invoice is the PDF that syncd attached to this very one."""
    ours = _OURS.fullmatch(external_id or "")
    return ours is not None and int(ours.group(1)) == move
