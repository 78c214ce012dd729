"""An invoice's notes and the link to its public page as Odoo's "Terms and Conditions", and read back by meaning; pure.

The field (``account.move.narration``) is HTML from Odoo 15 on and plain text before. The link stands last, on a line of
its own, which is how it is told from the notes when read.
"""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser
from typing import Final

from connectors.odoo.company import Company

BLOCKS: Final = frozenset(
    (
        *("address", "article", "blockquote", "dd", "div", "dl", "dt", "footer", "h1", "h2", "h3", "h4", "h5", "h6"),
        *("header", "hr", "li", "ol", "p", "pre", "section", "table", "tr", "ul"),
    )
)
_UNSEEN: Final = frozenset(("script", "style", "head", "title"))

_LINK: Final = re.compile(r"https?://[^\s<>\"\x00-\x20\x7f-\x9f]{1,2000}")
_CONTROL: Final = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
"""What cannot stand in HTML, but for NUL, which is refused with its whole invoice."""


def is_html(company: Company) -> bool:
    """Tell whether the field is HTML: with Odoo 15 it changed its type, not its name."""
    return company.version >= 15


def written(notes: str | None, link: str | None, *, html: bool) -> str:
    """Write notes and link as one text; ``""`` where there are neither."""
    notes, link = shaped(notes, link)
    if not html:
        return "\n\n".join(part for part in (notes, link) if part)
    text = f"<p>{'<br>'.join(escape(line, quote=False) for line in notes.split(chr(10)))}</p>" if notes else ""
    return text + (f'<p><a href="{escape(link)}">{escape(link, quote=False)}</a></p>' if link else "")


def read(text: object, *, html: bool) -> tuple[str | None, str | None]:
    """Read notes and link back from what stands in the field, whoever wrote it."""
    if not isinstance(text, str):
        return None, None
    return _parted(_plain(text) if html else text)


def shaped(notes: str | None, link: str | None) -> tuple[str | None, str | None]:
    """Give notes and link as they will be read back: a link is an address, and notes hold no control characters."""
    kept = link if link is not None and _LINK.fullmatch(link) else None
    return _parted("\n\n".join(part for part in (_tidy(notes or ""), kept) if part))


def _parted(text: str) -> tuple[str | None, str | None]:
    """Take an address that is the last line for the link."""
    text = _tidy(text)
    rest, _, last = text.rpartition("\n")
    if _LINK.fullmatch(last.strip()):
        return _tidy(rest) or None, last.strip()
    return text or None, None


def _tidy(text: str) -> str:
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def _plain(text: str) -> str:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return "".join(reader.parts)


class _Reader(HTMLParser):
    """Collects the text of HTML; blocks and ``<br>`` begin new lines, line breaks in the source do not."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._fresh, self._unseen = True, 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Begin a new line where the tag does; leave out what is not shown."""
        del attrs
        self._unseen += tag in _UNSEEN
        if tag == "br":
            self._add("\n")
        elif tag in BLOCKS:
            self._block()

    def handle_endtag(self, tag: str) -> None:
        """End a block's last line."""
        self._unseen = max(0, self._unseen - (tag in _UNSEEN))
        if tag in BLOCKS:
            self._block()

    def handle_data(self, data: str) -> None:
        """Keep text; whitespace between blocks is none."""
        if self._unseen or (self._fresh and not data.strip(" \t\r\n")):
            return
        self._add(re.sub(r"[\r\n]+", " ", data))

    def _block(self) -> None:
        if not self._fresh:
            self._add("\n")
        self._fresh = True

    def _add(self, text: str) -> None:
        self.parts.append(text)
        self._fresh = False
