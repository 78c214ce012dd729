"""What the address of a server has to be: one check for the settings and for what connects to it."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final

import httpx

_NONE: Final = "is no address; one looks like https://books.example.com"
_HOST: Final = re.compile(r"[\w.:-]+", re.ASCII)
_PORTS: Final = range(1, 65_536)


def address(text: str, *, bare: bool) -> httpx.URL:
    """Read an address: https, or http to loopback; a ``ValueError`` says what is wrong with it.

    ``bare``: it holds scheme, host and path alone, so that a path can be put behind it.
    """
    try:
        url = httpx.URL(text)
        host = url.host
        reachable = bool(_HOST.fullmatch(url.raw_host.decode("ascii"))) and bool(host.encode("idna"))
    except (httpx.InvalidURL, UnicodeError):  # parts of a name that are empty, too long or nothing in any script
        raise ValueError(_NONE) from None
    if not reachable or url.scheme not in ("http", "https") or (url.port or 443) not in _PORTS:
        raise ValueError(_NONE)
    if url.userinfo:
        raise ValueError("has a name or password in the address; take it out.")
    if bare and (url.query or url.fragment):
        raise ValueError("has more than scheme, host and path; take out what follows ? or #.")
    if url.scheme == "http" and not _loopback(host):
        raise ValueError(f"would send everything to {host} unencrypted; use https://")
    return url


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
