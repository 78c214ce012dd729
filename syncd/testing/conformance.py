"""The tests of the contract, as a class to be subclassed for each connector."""

# ruff: noqa: S101 - tests are made of asserts

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import get_args

import pytest

from syncd.connector import (
    ATTACHED,
    CONTRACT,
    FIELDS,
    Connector,
    Done,
    Exists,
    Rejected,
    Shaping,
    Stale,
    Verb,
    Wanted,
)
from syncd.marks import mark
from syncd.model import KINDS
from syncd.testing.bench import ID_FIELD, Bench, Samples


class ConnectorConformance:
    """Subclass it under a name that begins with ``Test`` and give it the fixture ``fresh``."""

    @pytest.fixture
    def fresh(self) -> Callable[[], Connector]:
        """Make one more connector to the same books; they are empty when a test begins."""
        raise NotImplementedError("the subclass gives this fixture")

    @pytest.fixture
    def samples(self) -> Samples:
        """Give the records the tests write; override where the target has wishes."""
        return Samples()

    @pytest.fixture
    def connector(self, fresh: Callable[[], Connector]) -> Iterator[Connector]:
        """Give the connector most tests use."""
        made = fresh()
        yield made
        made.close()

    @pytest.fixture
    def bench(self, connector: Connector) -> Bench:
        """Open the connector's books."""
        return Bench(connector)

    def test_its_capabilities_are_coherent(self, connector: Connector) -> None:
        """Declared kinds, fields and verbs exist and fit together."""
        can = connector.capabilities
        assert can.contract == CONTRACT
        assert can.verbs <= set(get_args(Verb))
        assert set(can.fields) <= set(KINDS)
        for kind, fields in can.fields.items():
            assert fields
            assert fields <= set(FIELDS[kind])
        assert ("payment" in can.fields) == ("settle" in can.verbs)
        assert ("pdf" in can.fields.get("invoice", ())) == ("attach" in can.verbs)
        assert can.refs <= set(can.fields)
        assert can.batch is None or can.batch >= 1
        assert can.settle_delay >= 0
        assert can.currencies is None or all(re.fullmatch("[A-Z]{3}", code) for code in can.currencies)

    def test_its_settings_refuse_what_they_do_not_know_and_describe_the_rest(self, connector: Connector) -> None:
        """The example file and the checks of the settings live from the schema."""
        assert connector.Settings.model_config.get("extra") == "forbid"
        bare = [name for name, one in connector.Settings.model_fields.items() if not one.description]
        assert not bare, f"without a description: {bare}"

    def test_two_connectors_to_the_same_books_name_the_same_place_and_identity(
        self, fresh: Callable[[], Connector]
    ) -> None:
        """Other books are noticed by identity; two targets on one place before any is opened."""
        one, other = fresh(), fresh()
        assert one.place
        assert one.place == other.place
        first, second = one.open(), other.open()
        assert first.identity
        assert first.identity == second.identity
        assert first.identity == one.open().identity
        one.close()
        other.close()

    def test_opening_writes_nothing(self, bench: Bench) -> None:
        """Books that were opened are as empty as before."""
        assert not bench.shown()[0]
        assert not bench.connector.open().findings or isinstance(bench.books.findings[0], str)

    def test_rendering_is_pure(self, bench: Bench, fresh: Callable[[], Connector], samples: Samples) -> None:
        """Identical input gives identical bytes, with ids that are not known yet too."""
        other = fresh()
        for kind in bench.connector.capabilities.fields:
            verb: Verb = "settle" if kind == "payment" else "create"
            operation = bench.operation(verb, kind, samples.of(kind))
            one = bench.connector.render(operation, bench.books)
            assert one == bench.connector.render(operation, bench.books) == other.render(operation, bench.books)
            assert isinstance(one, bytes), one
        assert not bench.shown()[0], "rendering wrote something"
        other.close()

    def test_shaping_is_pure_and_leaves_what_is_in_shape(self, bench: Bench, samples: Samples) -> None:
        """A content that was shaped once is itself from then on."""
        if not isinstance(bench.connector, Shaping):
            pytest.skip("it holds every content as it is")
        for kind in bench.connector.capabilities.fields:
            shaped = bench.connector.shape(kind, samples.of(kind), bench.books)
            assert bench.connector.shape(kind, samples.of(kind), bench.books) == shaped
            assert bench.connector.shape(kind, shaped, bench.books) == shaped

    def test_text_that_cannot_be_held_is_rejected_and_does_not_raise(self, bench: Bench, samples: Samples) -> None:
        """Half a surrogate pair is in no encoding; one bad record must not stop the others."""
        bad = {**samples.client, "name": "\ud800"}
        payload = bench.connector.render(bench.operation("create", "client", bad), bench.books)
        assert isinstance(payload, bytes | Rejected)
        if isinstance(payload, Rejected):
            assert payload.reason

    def test_any_text_survives(self, bench: Bench, samples: Samples) -> None:
        """Quotes, separators, formulas, other scripts and line breaks come back as they went."""
        content = {**samples.client, "name": "=A;\"B\",'C'\n日本 € \\ <b>&amp;"}
        payload = bench.connector.render(bench.operation("create", "client", content), bench.books)
        if isinstance(payload, Rejected):
            pytest.skip(payload.reason)
        bench.do("create", "client", content)
        assert bench.differing("client", content) == {}

    def test_what_was_written_is_found_by_its_mark(
        self, bench: Bench, fresh: Callable[[], Connector], samples: Samples
    ) -> None:
        """A syncd that has lost its state finds every record again."""
        bench.stand(samples)
        stranger = Bench(fresh())
        for kind in bench.connector.capabilities.fields:
            content = samples.of(kind)
            found = stranger.look(kind, content)
            ids = {remote.external_id for how, remote in found.candidates if how == "mark"}
            assert ids == {bench.known[kind, str(content[ID_FIELD[kind]])].external_id}
        stranger.connector.close()

    def test_what_is_not_there_is_absent_for_certain(self, bench: Bench, samples: Samples) -> None:
        """Only then may it be written anew."""
        bench.stand(samples)
        content = {
            **samples.client,
            "client_id": "c-none",
            "name": "Nobody",
            "email": "nobody@example.com",
        }
        found = bench.look("client", content)
        assert found.candidates == ()
        assert found.certain

    def test_a_search_for_many_answers_each_in_order(self, bench: Bench, samples: Samples) -> None:
        """Also for more than any one request holds."""
        bench.stand(samples, "client")
        names = [f"c-{number}" for number in range(450)]
        wanted = (Wanted("client", one, mark("client", one), {**samples.client, "client_id": one}) for one in names)
        found = list(bench.connector.find(wanted))
        assert [one.id for one in found] == names
        marked = [one.id for one in found if any(how == "mark" for how, _ in one.candidates)]
        assert marked == [samples.client["client_id"]]

    def test_everything_written_is_shown_with_equal_fields(self, bench: Bench, samples: Samples) -> None:
        """Every field comes back as it went; the stream says it is whole and ends with a token."""
        bench.stand(samples)
        shown, pages = bench.shown()
        assert all(page.whole for page in pages)
        assert pages[-1].token
        assert all(page.token is None for page in pages[:-1])
        assert len(shown) == len(bench.connector.capabilities.fields)
        for kind in bench.connector.capabilities.fields:
            assert bench.differing(kind, samples.of(kind)) == {}

    def test_answers_tell_the_version_that_stands(self, bench: Bench, samples: Samples) -> None:
        """The mapping's guard comes from the answer to the write."""
        done = bench.do("create", "client", samples.client)
        remote = bench.remote("client", samples.client)
        assert remote is not None
        assert not remote.void
        assert remote.version == done.version

    def test_after_the_token_only_later_changes_are_shown(self, bench: Bench, samples: Samples) -> None:
        """An idle cycle must not read everything again."""
        bench.stand(samples)
        token = bench.shown()[1][-1].token
        quiet, pages = bench.shown(token)
        assert quiet == {}
        assert not any(page.gone for page in pages)
        assert pages[-1].token
        bench.do(
            "update",
            "client",
            samples.client,
            changes={"name": (samples.client["name"], "Renamed")},
        )
        later, pages = bench.shown(token)
        if not any(page.whole for page in pages):
            known = bench.known["client", str(samples.client["client_id"])]
            assert set(later) <= {("client", known.external_id)}

    def test_the_same_entry_again_makes_no_second_record(self, bench: Bench, samples: Samples) -> None:
        """That is what ``replay_safe`` promises."""
        if not bench.connector.capabilities.replay_safe:
            pytest.skip("it does not promise to replay safely")
        bench.stand(samples)
        before, _ = bench.shown()
        for kind in bench.connector.capabilities.fields:
            known = bench.known[kind, str(samples.of(kind)[ID_FIELD[kind]])]
            verb: Verb = "settle" if kind == "payment" else "create"
            (again,) = bench.send(bench.entry(bench.operation(verb, kind, samples.of(kind))))
            assert isinstance(again, Done | Exists)
            assert again.external_id == known.external_id
        assert bench.shown()[0] == before

    def test_each_entry_of_a_batch_gets_one_outcome(self, bench: Bench, samples: Samples) -> None:
        """In any order, by the entry's number."""
        size = min(bench.connector.capabilities.batch or 40, 40)
        contents = [
            {
                **samples.client,
                "client_id": f"c-{number:02}",
                "name": f"Client {number:02}",
                "email": f"{number}@example.com",
            }
            for number in range(size)
        ]
        entries = [bench.entry(bench.operation("create", "client", one)) for one in contents]
        outcomes = bench.send(*entries)
        assert all(isinstance(one, Done) for one in outcomes)
        shown, _ = bench.shown()
        for content, outcome in zip(contents, outcomes, strict=True):
            assert isinstance(outcome, Done)
            assert shown["client", outcome.external_id].fields["name"] == content["name"]

    def test_an_update_changes_only_what_it_names(self, bench: Bench, samples: Samples) -> None:
        """Every other field stays as it stands."""
        bench.stand(samples)
        bench.do(
            "update",
            "client",
            samples.client,
            changes={"name": (samples.client["name"], "Renamed")},
        )
        assert bench.differing("client", {**samples.client, "name": "Renamed"}) == {}
        for kind in set(bench.connector.capabilities.fields) - {"client"}:
            assert bench.differing(kind, samples.of(kind)) == {}

    def test_a_stale_update_writes_nothing(self, bench: Bench, samples: Samples) -> None:
        """Somebody else was quicker: that must stand."""
        name = samples.client["name"]
        bench.do("create", "client", samples.client)
        late = bench.operation("update", "client", samples.client, {"name": (name, "Too late")}, "late")
        bench.do("update", "client", samples.client, changes={"name": (name, "Quicker")})
        (outcome,) = bench.send(bench.entry(late))
        assert isinstance(outcome, Stale)
        assert bench.differing("client", {**samples.client, "name": "Quicker"}) == {}

    def test_a_payment_settles_and_is_taken_back(self, bench: Bench, samples: Samples) -> None:
        """Unsettling voids or takes out the payment, and touches nothing else."""
        if not {"settle", "unsettle"} <= bench.connector.capabilities.verbs:
            pytest.skip("it does not settle and unsettle")
        bench.stand(samples)
        assert bench.differing("payment", samples.payment) == {}
        bench.do("unsettle", "payment", samples.payment)
        remote = bench.remote("payment", samples.payment)
        assert remote is None or remote.void
        assert bench.differing("invoice", samples.invoice) == {}

    def test_a_voided_invoice_is_not_destroyed(self, bench: Bench, samples: Samples) -> None:
        """Books show it as void; a picture shows its status."""
        can = bench.connector.capabilities
        if "void" not in can.verbs:
            pytest.skip("it does not void")
        bench.stand(samples, "invoice")
        changes = {"status": (samples.invoice["status"], "cancelled")} if "status" in can.fields["invoice"] else {}
        bench.do("void", "invoice", samples.invoice, changes=changes)
        remote = bench.remote("invoice", samples.invoice)
        assert remote is not None
        assert remote.void or remote.fields.get("status") == "cancelled"

    def test_an_archived_client_is_not_destroyed(self, bench: Bench, samples: Samples) -> None:
        """It still stands and says the same, but that it is archived."""
        can = bench.connector.capabilities
        if "archive" not in can.verbs:
            pytest.skip("it does not archive")
        bench.stand(samples)
        moment = "2026-03-01T12:00:00Z"
        changes = {"archived_at": (None, moment)} if "archived_at" in can.fields["client"] else {}
        bench.do("archive", "client", samples.client, changes=changes)
        assert bench.differing("client", {**samples.client, "archived_at": moment}) == {}

    def test_a_document_hangs_on_its_invoice_once_it_was_attached(self, bench: Bench, samples: Samples) -> None:
        """Sent again it still does; ``fresh`` lends a ``document`` that gives some PDF."""
        if "attach" not in bench.connector.capabilities.verbs:
            pytest.skip("it does not attach")
        bench.stand(samples, "invoice")
        assert bench.differing("invoice", samples.invoice) == {}
        content = {**samples.invoice, "pdf": ATTACHED}
        for _ in range(2):
            (outcome,) = bench.send(
                bench.entry(bench.operation("attach", "invoice", content, {"pdf": (None, ATTACHED)}))
            )
            assert isinstance(outcome, Done | Exists)
            assert bench.differing("invoice", content) == {}

    def test_adopting_makes_no_second_record(self, bench: Bench, samples: Samples) -> None:
        """It binds to the record that stands, and leaves its content alone."""
        bench.stand(samples)
        before = len(bench.shown()[0])
        known = bench.known["client", str(samples.client["client_id"])]
        (outcome,) = bench.send(bench.entry(bench.operation("adopt", "client", samples.client)))
        assert isinstance(outcome, Done | Exists)
        assert outcome.external_id == known.external_id
        assert len(bench.shown()[0]) == before
        assert bench.differing("client", samples.client) == {}

    def test_closing_twice_does_no_harm(self, bench: Bench, fresh: Callable[[], Connector], samples: Samples) -> None:
        """What was written stands for the next one."""
        bench.stand(samples)
        count = len(bench.shown()[0])
        bench.connector.close()
        bench.connector.close()
        following = Bench(fresh())
        assert len(following.shown()[0]) == count
        following.connector.close()
