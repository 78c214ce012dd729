"""The PDFs of one source's invoices, lent to a connector while a target is passed: read when asked for, bounded.

Where FastFaktura itself fails several times in a row, it is not asked again in this pass: what is left waits for the
next one, rather than for one timeout after the other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from syncd.errors import Answer, NoDocument, Refused, Unreachable
from syncd.fastfaktura import FastFaktura

LARGEST: Final = 16 * 1024 * 1024
"""Bytes of the largest PDF that is taken."""

ATTEMPTS: Final = 3
"""How often one PDF is asked for; there is another run."""

IN_A_ROW: Final = 3
"""Failures in a row after which FastFaktura is not asked any more."""


class Documents:
    """The PDFs of one source; ``connect`` makes its client when the first is asked for. For several threads.

    ``at_once``: the most requests at a time. ``stop``: asked to end, so that no more are read.
    """

    def __init__(self, connect: Callable[[], FastFaktura], *, at_once: int, stop: threading.Event) -> None:
        """Keep how to connect; nothing is opened."""
        self._connect, self._stop = connect, stop
        self._api: FastFaktura | None = None
        self._room, self._lock = threading.BoundedSemaphore(at_once), threading.Lock()
        self._failed = 0

    def read(self, invoice_id: str) -> bytes:
        """Read the PDF of an invoice; ``NoDocument`` where it cannot be had, now or at all."""
        with self._room:
            if self._stop.is_set():
                raise NoDocument("syncd was asked to stop.", "pdf_waits")
            if self._failed >= IN_A_ROW:
                raise NoDocument(f"FastFaktura failed {IN_A_ROW} times in a row when asked for PDFs.", "pdf_waits")
            try:
                body = self._client().pdf(invoice_id)
            except (Unreachable, Refused) as error:
                self._count(failed=True)
                raise NoDocument(f"{error}") from None
            except Answer as error:
                self._count(failed=False)
                raise NoDocument(f"{error}") from None
            self._count(failed=False)
            return body

    def close(self) -> None:
        """Close what was opened."""
        if self._api is not None:
            self._api.close()

    def _client(self) -> FastFaktura:
        with self._lock:
            if self._api is None:
                self._api = self._connect()
            return self._api

    def _count(self, *, failed: bool) -> None:
        with self._lock:
            self._failed = self._failed + 1 if failed else 0
