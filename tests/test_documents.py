"""The PDFs that are lent to a connector: bounded, given up where the source fails, and attached by any connector."""

from __future__ import annotations

import importlib
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
import structlog

from syncd.connector import ATTACHED, Connector, Context, Entry, Operation, Outcome, Rejected
from syncd.documents import IN_A_ROW, Documents
from syncd.errors import Missing, NoDocument, Refused, Unreachable
from syncd.http import Http
from syncd.planning import LONGEST_WAIT, asked_again
from syncd.testing import ConnectorConformance

ROOT = Path(__file__).resolve().parents[1]


class Source:
    """Gives PDFs, or fails as it is told: an answer for each time it is asked, the last one for ever."""

    def __init__(self, *answers: bytes | Exception) -> None:
        self.answers, self.asked, self.closed = list(answers), 0, False

    def pdf(self, _: str) -> bytes:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.closed = True


def lent(source: Source, stop: threading.Event | None = None) -> Documents:
    return Documents(lambda: source, at_once=2, stop=stop or threading.Event())  # type: ignore[arg-type, return-value]  # enough of a client


def code(documents: Documents) -> str:
    with pytest.raises(NoDocument) as caught:
        documents.read("i1")
    return caught.value.code


def test_nothing_is_opened_before_the_first_pdf_is_asked_for() -> None:
    made: list[Source] = []

    def connect() -> Any:
        made.append(Source(b"%PDF-"))
        return made[-1]

    documents = Documents(connect, at_once=1, stop=threading.Event())
    documents.close()
    assert made == []
    assert [documents.read("i1"), documents.read("i2")] == [b"%PDF-", b"%PDF-"]
    documents.close()
    assert [one.closed for one in made] == [True]


@pytest.mark.parametrize("fault", [Unreachable("down"), Refused("the key")])
def test_a_source_that_fails_in_a_row_is_not_asked_any_more(fault: Exception) -> None:
    source = Source(fault)
    documents = lent(source)
    assert [code(documents) for _ in range(6)] == ["pdf_missing"] * IN_A_ROW + ["pdf_waits"] * (6 - IN_A_ROW)
    assert source.asked == IN_A_ROW


def test_invoices_that_have_no_pdf_are_no_sign_that_the_source_fails() -> None:
    down = Unreachable("down")
    source = Source(down, down, Missing("none", 404), down, down, b"%PDF-", down, down, Missing("none", 404))
    documents = lent(source)
    for _ in range(5):
        assert code(documents) == "pdf_missing"
    assert documents.read("i1") == b"%PDF-"
    for _ in range(9):
        assert code(documents) == "pdf_missing"


def test_a_run_that_is_to_end_asks_for_no_more() -> None:
    stop, source = threading.Event(), Source(b"%PDF-")
    documents = lent(source, stop)
    stop.set()
    assert code(documents) == "pdf_waits"
    assert source.asked == 0


def test_no_more_are_read_at_a_time_than_the_settings_allow() -> None:
    now, most, lock = [0], [0], threading.Lock()
    both = threading.Barrier(2)

    class Slow(Source):
        def pdf(self, _: str) -> bytes:
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            both.wait(5)
            with lock:
                now[0] -= 1
            return b"%PDF-"

    documents = lent(Slow(b""))
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(documents.read, "abcdef")) == [b"%PDF-"] * 6
    assert most == [2]


def problem(since: int, tried: int, state: str = "open") -> Any:
    return SimpleNamespace(since=since, state=state, parameters=orjson.dumps({"tried": str(tried)}))


def test_a_pdf_that_could_not_be_had_is_asked_for_at_once_and_then_more_and_more_rarely() -> None:
    assert asked_again(problem(1000, 1000), 1000)
    assert not asked_again(problem(1000, 1300), 1599)
    assert asked_again(problem(1000, 1300), 1600)
    month = 30 * 86400
    assert not asked_again(problem(0, month), month + LONGEST_WAIT - 1)
    assert asked_again(problem(0, month), month + LONGEST_WAIT)


def test_a_person_may_ask_at_once_and_may_dismiss_it() -> None:
    assert asked_again(problem(1000, 9000, "retry"), 9000)
    assert not asked_again(problem(1000, 1000, "dismissed"), 99999)


class NoTokens:
    def get(self, _: str) -> str | None:
        return None

    def put(self, name: str, text: str) -> None:
        raise AssertionError(name, text)


@pytest.fixture(scope="module")
def attaching(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The example connector of docs/connectors.md, that attaches besides; its constructor takes a context."""
    file = tmp_path_factory.mktemp("example") / "jsonl_books.py"
    document = (ROOT / "docs" / "connectors.md").read_text(encoding="utf-8")
    file.write_text(re.findall(r"```python\n(.*?)```", document, re.DOTALL)[0], encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(file.parent)
        base: Any = importlib.import_module("jsonl_books")
        yield lambda context: _attaching(base.JsonLines)(base.JsonLinesSettings(), context)
        sys.modules.pop("jsonl_books")


def _attaching(base: Any) -> Any:
    def write(self: Any, entries: Iterable[Entry]) -> Iterator[tuple[int, Outcome]]:
        for entry in entries:
            try:
                if entry.verb == "attach":
                    self.document(entry.id)
            except NoDocument as error:
                yield entry.number, Rejected(str(error), error.code)
            else:
                yield from base.write(self, [entry])

    def make(self: Any, settings: Any, context: Context) -> None:
        base.__init__(self, settings, context)
        self.document = context.document

    can = base.capabilities
    can = replace(can, fields={**can.fields, "invoice": can.fields["invoice"] | {"pdf"}}, verbs=can.verbs | {"attach"})
    return type("Attaching", (base,), {"capabilities": can, "__init__": make, "write": write})


def context(folder: Path) -> Context:
    return Context(
        target="books",
        http=Http,
        now=lambda: datetime.now(UTC),
        log=structlog.get_logger(),
        folder=folder,
        scratch=folder,
        tokens=NoTokens(),
    )


class TestAConnectorThatAttaches(ConnectorConformance):
    @pytest.fixture
    def fresh(self, tmp_path: Path, attaching: Any) -> Callable[[], Connector]:
        given = replace(context(tmp_path), document=lambda _: b"%PDF-1.4 %%EOF")
        return lambda: attaching(given)


def test_where_no_pdf_is_lent_attaching_is_refused(attaching: Any, tmp_path: Path) -> None:
    connector = attaching(context(tmp_path))
    changes: dict[str, Any] = {"pdf": (None, ATTACHED)}
    operation = Operation("attach", "invoice", "i1", "m", "k", {}, changes, external_id="x", version="1")
    payload = connector.render(operation, connector.open())
    ((_, outcome),) = connector.write([Entry(1, "attach", "invoice", "i1", "m", "k", payload, "x", "1")])
    assert outcome == Rejected("no source lends the PDF of invoice i1", "pdf_missing")
