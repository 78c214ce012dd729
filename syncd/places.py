"""Where the invoices that are looked at stand in a target, and their payments, read in one question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from syncd.due import DueInvoice
from syncd.facts import NOWHERE, Place
from syncd.session import Session
from syncd.state import bindings


def of_invoices(
    session: Session, invoices: Sequence[DueInvoice], *, unbound: bool = False
) -> Iterator[tuple[DueInvoice, Place, Place]]:
    """Give each invoice with its place and that of its payment; ``unbound``: as if nothing were bound."""
    ids = [] if unbound else [one.id for one in invoices]
    with session.store.read() as connection:
        places = bindings.places(connection, session.name, {"invoice": ids, "payment": ids}, session.can.fields)
    for one in invoices:
        yield one, places.get(("invoice", one.id), NOWHERE), places.get(("payment", one.id), NOWHERE)
