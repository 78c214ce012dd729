"""Marks and keys: how a record and an operation are known again without any state.

A FastFaktura id is a UUID (vendor API reference v1, "Client", "Invoice"), so it names the account's record among all
accounts; nothing of the settings goes into a mark, or renaming a source would make every record a stranger.
"""

from __future__ import annotations

from hashlib import blake2b

from syncd.connector import Verb
from syncd.model import Kind


def mark(kind: Kind, record_id: str) -> str:
    """Make the mark of a record, such as ``ff-i-`` and 20 hexadecimal digits; a payment has its invoice's id."""
    digest = blake2b(f"fastfaktura/{kind}/{record_id}".encode(), digest_size=10).hexdigest()
    return f"ff-{kind[0]}-{digest}"


def key(record_mark: str, verb: Verb, occasion: str = "") -> str:
    """Make the idempotency key of an operation, at most 36 characters.

    ``occasion`` tells one time from another: what a record is made anew after, or what an update changes. The same
    intent has the same key on every machine and after every loss of state.
    """
    digest = blake2b(f"{record_mark}/{verb}/{occasion}".encode(), digest_size=16).hexdigest()
    return f"ff{digest}"
