"""Pages of a list: which rows a page number shows, and what is said about the other pages."""

import random
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import URL

from syncd.sandbox.account import NotFound, Refused
from syncd.sandbox.options import Options, Order

REACH = 3  # how many places a row may move in an unstable order


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its rows, its number as asked for, the last page's number and all rows' count."""

    rows: list[Any]
    number: int
    last: int
    total: int


def base(options: Options) -> Order:
    """Return the order that the list is kept in; an unstable one is shaken page by page."""
    return "newest" if options.order == "unstable" else options.order


def page_of(rows: list[Any], asked: str | None, options: Options) -> Page:
    """Return the page called `asked` (None: the first), or raise Refused or NotFound."""
    first, size = options.first_page, options.page_size
    try:
        number = first if asked is None else int(asked)
    except ValueError:
        raise Refused("page: must be an integer") from None
    last = first + max(0, len(rows) - 1) // size
    shown = number
    if number < first:
        if options.before_first == "refused":
            raise Refused(f"page: must be at least {first}")
        shown = first if options.before_first == "first" else last + 1
    elif number > last:
        if options.past_end == "not_found":
            raise NotFound(f"there is no page {number}")
        shown = last if options.past_end == "repeat_last" else last + 1
    start = (shown - first) * size
    return Page(_window(rows, start, size, options), number, last, len(rows))


def information(page: Page, url: URL, options: Options) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the paging information: as fields beside the rows, or as headers of a bare array."""
    if options.paging == "none":
        return {}, {}
    if options.envelope == "bare":
        return {}, _headers(page, url, options)
    return _fields(page, url, options), {}


def _headers(page: Page, url: URL, options: Options) -> dict[str, str]:
    if options.paging not in ("next", "links"):
        return {"X-Total-Count": str(page.total)}
    links = _links(page, url, options)
    shown = [f'<{link}>; rel="{name}"' for name, link in links.items() if link]
    return {"Link": ", ".join(shown)}


def _fields(page: Page, url: URL, options: Options) -> dict[str, Any]:
    pages = page.last - options.first_page + 1
    match options.paging:
        case "links":
            return {"links": _links(page, url, options)}
        case "next":
            return {"next": _links(page, url, options)["next"]}
        case "total":
            return {"total": page.total}
        case "meta":
            names = {"current_page": page.number, "per_page": options.page_size}
            return {"meta": {**names, "total": page.total, "last_page": page.last}}
    names = {"page": page.number, "page_size": options.page_size}
    return {"pagination": {**names, "total_items": page.total, "total_pages": pages}}


def _links(page: Page, url: URL, options: Options) -> dict[str, str | None]:
    first = options.first_page
    wanted = {
        "first": first,
        "prev": page.number - 1 if page.number > first else None,
        "next": page.number + 1 if page.number < page.last else None,
        "last": page.last,
    }
    return {
        name: None if number is None else str(url.include_query_params(page=number)) for name, number in wanted.items()
    }


def _window(rows: list[Any], start: int, size: int, options: Options) -> list[Any]:
    if options.order != "unstable":
        return rows[start : start + size]
    from_ = max(0, start - REACH)
    near = rows[from_ : start + size + REACH]
    shaken = sorted(range(len(near)), key=lambda place: place + random.uniform(0, REACH))
    return [near[place] for place in shaken][start - from_ : start - from_ + size]
