"""The sandbox's options: one knob for everything the API's documentation leaves open."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

PastEnd = Literal["empty", "repeat_last", "not_found"]
BeforeFirst = Literal["first", "empty", "refused"]
Envelope = Literal["bare", "data", "items", "results", "named"]
Paging = Literal["none", "meta", "pagination", "total", "next", "links"]
Order = Literal["newest", "oldest", "none", "unstable"]
KindKey = Literal["type", "event", "kind", "name", "status"]
TimeKey = Literal["created_at", "occurred_at", "timestamp", "at", "date"]
IssuedKey = Literal["none", "issue_date", "issued_at", "invoice_date", "date", "sent_at"]
Stamp = Literal["z", "lower", "offset", "date", "epoch", "space", "utc", "http"]
Etag = Literal["none", "etag", "last_modified"]
Put = Literal["replace", "merge"]
FaultKind = Literal[
    "status_5xx",
    "unavailable",
    "rate_limited",
    "drop_before",
    "drop_after",
    "drop_midway",
    "slow",
    "truncated_json",
    "html_error",
]
RetryAfter = Literal["seconds", "date", "none"]


LONGEST = 86_400  # seconds that an answer may be kept waiting


class BadOption(ValueError):
    """An option that does not exist or cannot have this value; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One disturbance: what happens, to which requests and how often.

    `method` ("" for any) and `path` (a prefix of the path after `/api/v1`) choose the requests.
    Of these, each `every`th (0: not by count) or a share of `rate` (drawn from `seed`) is hit,
    all of them when neither is given; after `times` hits (0: no end) the fault is spent.
    `status_5xx` answers `status`; `rate_limited` 429 and `unavailable` 503, with `Retry-After` of
    `seconds` as said by `retry_after`; `drop_before` cuts the connection before anything happened, `drop_after` once
    the effect stands, `drop_midway` in the middle of the answer; `slow` waits `seconds`;
    `truncated_json` cuts the body in half under a fitting length; `html_error` is a 502 in HTML.
    """

    kind: FaultKind
    method: str = ""
    path: str = "/"
    every: int = 0
    times: int = 0
    rate: float = 0.0
    seed: int = 0
    status: int = 503
    seconds: float = 1.0
    retry_after: RetryAfter = "seconds"

    def __post_init__(self) -> None:
        """Refuse values outside of what is written above."""
        _check(self)
        if self.rate > 1:
            raise BadOption(f"rate is {self.rate}; it must be a share from 0 to 1")
        if not 200 <= self.status <= 599:
            raise BadOption(f"status is {self.status}; it must be an HTTP status, 200 to 599")
        if self.seconds > LONGEST:
            raise BadOption(f"seconds is {self.seconds}; it must be at most {LONGEST}")


@dataclass(frozen=True, slots=True)
class Options:
    """How this server behaves where the documentation is silent; the defaults add nothing.

    `latency` is in seconds and holds for every request. `order="none"` is shuffled but stable,
    `unstable` lets rows near one another change places with every request.
    """

    page_size: int = 50
    first_page: int = 1
    before_first: BeforeFirst = "first"
    past_end: PastEnd = "empty"
    envelope: Envelope = "bare"
    paging: Paging = "none"
    order: Order = "newest"
    ignore_status: bool = False
    refuse_unknown_status: bool = False
    event_kind_key: KindKey = "type"
    event_time_key: TimeKey = "created_at"
    event_dotted: bool = False
    event_ids: bool = True
    event_stamp: Stamp = "z"
    issued_key: IssuedKey = "none"
    created_at: bool = False
    paid_at: bool = False
    stamp: Stamp = "z"
    events_in_detail: bool = True
    signed_public_url: bool = False
    etag: Etag = "none"
    put: Put = "merge"
    latency: float = 0.0
    faults: tuple[Fault, ...] = field(default=())

    def __post_init__(self) -> None:
        """Refuse values that no server could have."""
        _check(self)
        if self.page_size < 1:
            raise BadOption(f"page_size is {self.page_size}; it must be at least 1")
        if self.first_page not in (0, 1):
            raise BadOption(f"first_page is {self.first_page}; it must be 0 or 1")
        if self.latency > LONGEST:
            raise BadOption(f"latency is {self.latency}; it must be at most {LONGEST}")

    def changed(self, changes: Mapping[str, Any]) -> "Options":
        """Return these options with `changes` (JSON: `faults` as a list of objects)."""
        known = {item.name for item in fields(self)}
        if strange := sorted(set(changes) - known):
            raise BadOption(f"unknown option {', '.join(strange)}; known: {', '.join(known)}")
        values = dict(changes)
        if "faults" in values:
            if not isinstance(values["faults"], list | tuple):
                raise BadOption("faults must be a list of objects")
            values["faults"] = tuple(_fault(item) for item in values["faults"])
        return replace(self, **values)

    def as_json(self) -> dict[str, Any]:
        """Return the options as plain values."""
        return asdict(self)


def _fault(item: object) -> Fault:
    if isinstance(item, Fault):
        return item
    if not isinstance(item, Mapping):
        raise BadOption(f"a fault is an object, not {item!r}")
    try:
        return Fault(**item)
    except TypeError as error:
        raise BadOption(f"fault {dict(item)!r}: {error}") from None


def _counts(value: object, hint: type) -> bool:
    """Say whether `value` is a number from 0 on, but not infinity."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return isinstance(value, int | hint) and 0 <= value < math.inf


def _check(record: Fault | Options) -> None:
    for name, hint in get_type_hints(type(record)).items():
        value = getattr(record, name)
        if get_origin(hint) is Literal and value not in get_args(hint):
            raise BadOption(f"{name} is {value!r}; it must be one of {', '.join(get_args(hint))}")
        if hint in (int, float) and not _counts(value, hint):
            raise BadOption(f"{name} is {value!r}; it must be a number of at least 0")
        if hint in (bool, str) and not isinstance(value, hint):
            raise BadOption(f"{name} is {value!r}; it must be a {hint.__name__}")
