"""Whatever is wrong with a settings file is told in one round, each fault once and at its own line."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from syncd.errors import SettingsError
from syncd.settings import load
from tests.settings.conftest import BOOKS

if TYPE_CHECKING:
    from collections.abc import Callable

    Install = Callable[..., None]
    Write = Callable[..., Path]

KEY = "ffk_" + "s3cr3t" * 3
ENVIRONMENT = {"KEY": KEY}
SOURCE = '[source.main]\napi_key = { env = "KEY" }\n'
GOOD = SOURCE + '[target.books]\nconnector = "ledger"\n'

FILE = [
    # As it is first, what is told about it, and as it is mended.
    ("[syncd]", "", "[syncd]"),
    ('log = "jsn"', 'did you mean "?json', 'log = "json"'),
    ("[source.main]", "", "[source.main]"),
    ('api_ky = { env = "KEY" }', "api_ky is no setting; did you mean api_key", 'api_key = { env = "KEY" }'),
    ('poll = "5m"', "", ""),
    ('cron = "0 7 * * *"', "cron cannot be set beside poll", 'cron = "0 7 * * *"'),
    ('timezone = "Europe/Olso"', "did you mean Europe/Oslo", 'timezone = "Europe/Oslo"'),
    ('concurrency = "99"', 'to 16, not "99", and without quotes', "concurrency = 8"),
    ("[target.first]", "", "[target.first]"),
    ('connector = "csv"', "", 'connector = "csv"'),
    ('path = "books"', "", 'path = "books"'),
    ('decimal = ","', "delimiter and decimal are both", ""),
    ('encodin = "utf-8"', "did you mean encoding", 'encoding = "utf-8"'),
    ("write_external_id = true", "cannot be true in this version", ""),
    ('taxes = { "25" = "S25" }', "taxes has no meaning for the connector csv", ""),
    ('drafts = "yes"', 'drafts should be true or false, not "yes"', "drafts = true"),
    ("unsettle = 1", "unsettle should be true or false, not 1", "unsettle = true"),
    ('max_voids = "7"', 'max_voids should be a whole number, not "7"', "max_voids = 7"),
    ('max_change_share = "0.5"', 'should be a number, not "0.5"', "max_change_share = 0.5"),
    ("start_date = 0", "should be a date, as in 2026-01-31, not 0", "start_date = 2026-01-01"),
    ('undated = "first_sen"', 'should be "none", "due_date", .* did you mean first_seen', 'undated = "none"'),
    ("[target.first.owners]", "", "[target.first.owners]"),
    ('name = "latest"', 'owners.name should be "source" or "target", not "latest"', 'name = "target"'),
    ('number = "target"', "", 'number = "target"'),
    ('nots = "target"', "did you mean notes", 'notes = "target"'),
    ("[target.second]", "second writes to the same books as target.first", "[target.second]"),
    ('connector = "csv"', "", 'connector = "csv"'),
    ('path = "books"', "", 'path = "more"'),
    ('clients = "al"', "did you mean all", 'clients = "all"'),
    ("[target.third]", "", "[target.third]"),
    ('connector = "odo"', "did you mean odoo", 'connector = "odoo"'),
    ('source = "mian"', "did you mean main", 'source = "main"'),
    ('url = "https://odoo.example.com"', "", 'url = "https://odoo.example.com"'),
    ('database = ""', "is empty: The name of", 'database = "d"'),
    ('api_key = "0123456789"', "", 'api_key = "0123456789"'),
    ('connections = "2"', 'should be a whole number, not "2"', "connections = 2"),
    ('taxes = { abc = "x", def = "y" }', 'abc should be a rate, such as "25"', 'taxes = { "25" = "x" }'),
    ("[targt.fourth]", "did you mean target", "[target.fourth]"),
    ('connector = "ledger"', "", 'connector = "ledger"'),
    ('on_change = "reverse"', 'cannot be "reverse" with the connector ledger', ""),
    ('shape = "flat"', 'should be "round" or "square"', 'shape = "square"'),
]


def faults(path: Path, environment: dict[str, str] | None = None) -> list[str]:
    """Load a bad file and give its faults, without the file's name in front."""
    with pytest.raises(SettingsError) as caught:
        load(path, environment or ENVIRONMENT)
    assert KEY not in str(caught.value)
    assert caught.value.exit_code == 2
    return [one.removeprefix(f"{path}:") for one in caught.value.findings]


def test_every_fault_is_told_in_one_round_and_with_these_mended_the_file_loads(install: Install, write: Write) -> None:
    install("ledger")
    found = faults(write("\n".join(bad for bad, _, _ in FILE)))
    twice = [one for one in found if ".def should be a rate" in one]
    assert len(twice) == 1, found
    found.remove(twice[0])
    wanted = [(line, told) for line, (_, told, _) in enumerate(FILE, 1) if told]
    assert [int(one.split(":")[0]) for one in found] == [line for line, _ in wanted], found
    for one, (_, told) in zip(found, wanted, strict=True):
        assert re.search(told, one), one
    settings = load(write("\n".join(good for _, _, good in FILE)), ENVIRONMENT)
    assert list(settings.targets) == ["first", "second", "third", "fourth"]


@pytest.mark.parametrize(
    "wrong", ['drafts = "true"', "drafts = 0", "max_voids = 7.0", "max_voids = true", "count = true", 'count = "3"',
              'sizes = [1, "2"]', 'inner = { wide = "no" }', 'lock_date = "86400"'],
)  # fmt: skip
def test_what_has_a_type_of_its_own_in_toml_is_not_taken_as_another(counting: None, write: Write, wrong: str) -> None:
    del counting
    (found,) = faults(write(GOOD + wrong + "\n"))
    assert found.startswith(f"5: target.books.{wrong.split(' ', maxsplit=1)[0]}")
    assert re.search(r"should be (true or false|a whole number|a date)", found)


def test_a_text_from_elsewhere_may_stand_for_a_number_or_a_boolean(counting: None, write: Write) -> None:
    del counting
    text = 'drafts = { env = "YES" }\nmax_voids = { env = "N" }\ncount = { command = ["echo", "3"] }\n'
    target = load(write(GOOD + text), {**ENVIRONMENT, "YES": "true", "N": "7"}).targets["books"]
    assert (target.drafts, target.max_voids) == (True, 7)
    assert target.connector_settings.model_dump()["count"] == 3
    (found,) = faults(write(GOOD + 'max_voids = { env = "N" }\n'), {**ENVIRONMENT, "N": "many"})
    assert 'should be a whole number, not "***"' in found
    (found,) = faults(
        write(GOOD.replace("[target", 'concurrency = { env = "N" }\n[target')), {**ENVIRONMENT, "N": "99"}
    )
    assert found.endswith('should be less than or equal to 16, not "99".')


def test_dates_durations_and_paths_are_written_as_text_and_whole_numbers_may_be_shares(
    counting: None, write: Write
) -> None:
    del counting
    text = 'start_date = "2026-01-31"\npath = "there"\nmax_change_share = 1\nsize = "5 MB"\n'
    settings = load(write(GOOD.replace("[target", 'timeout = "90s"\n[target') + text), ENVIRONMENT)
    assert settings.sources["main"].timeout == timedelta(seconds=90)
    assert settings.targets["books"].max_change_share == 1
    assert settings.targets["books"].connector_settings.model_dump()["size"] == 5


COUNTING = (
    """
from pathlib import Path
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

class Inner(BaseModel):
    wide: bool = False

class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    path: Path = Path("ledger")
    count: int = 1
    size: int = 1
    sizes: list[int] = []
    inner: Inner = Inner()
    token: SecretStr = SecretStr("")
    low: int = 0
    high: int = 9

    @field_validator("size", mode="before")
    def _megabytes(cls, value):
        return int(value.removesuffix(" MB")) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _in_order(self):
        if self.low > self.high:
            raise ValueError("should leave room above it")
        return self

    @model_validator(mode="after")
    def _not_both(self):
        if self.count > 1 and self.token.get_secret_value():
            raise ValueError("has no use for a token where count is more than 1")
        return self
"""
    + BOOKS
)


@pytest.fixture
def counting(install: Install) -> None:
    install("ledger", code=COUNTING)


def test_each_rule_over_several_keys_is_told_at_a_key_of_its_own(counting: None, write: Write) -> None:
    del counting
    text = 'pth = "x"\nsize = "5 MB"\nlow = 5\nhigh = 4\ntoken = "t0ken-of-the-books"\ncount = 2\n'
    found = faults(write(GOOD + text))
    assert [one.split(" ")[:2] for one in found] == [
        ["5:", "target.books.pth"], ["8:", "target.books.high"], ["10:", "target.books.count"],
    ]  # fmt: skip
    assert "t0ken" not in "".join(found)


def test_no_rule_is_judged_by_a_key_that_is_bad_lost_or_misspelt(counting: None, write: Write) -> None:
    del counting
    for high in ('high = "x"', 'high = { env = "NOT_SET" }', "hig = 20"):
        (one,) = faults(write(f"{GOOD}low = 15\n{high}\n"))
        assert one.startswith("6: target.books.hig")
    found = faults(write(f"{GOOD}low = 15\nanything = 20\n"))
    assert [one.split(":")[0] for one in found] == ["6"]


def test_two_targets_are_not_told_to_share_books_while_the_path_of_one_is_unknown(counting: None, write: Write) -> None:
    del counting
    for path in ('pathh = "x"', "path = 5", 'folder = "x"', 'path = { env = "NOT_SET" }'):
        (one,) = faults(write(f'{GOOD}[target.again]\nconnector = "ledger"\n{path}\n'))
        assert one.startswith("7: ")
    found = faults(write(f'{GOOD}[target.again]\nconnector = "ledger"\npath = "ledger"\ncount = "x"\nfolder = 1\n'))
    assert [one.split(":")[0] for one in found] == ["5", "8", "9"]


def test_a_csv_delimiter_that_is_none_is_not_told_to_clash(write: Write) -> None:
    text = SOURCE + '[target.books]\nconnector = "csv"\ndecimal = ","\ndelimiter = ",,"\n'
    (found,) = faults(write(text))
    assert found.startswith("6: target.books.delimiter should be")


def test_a_misspelt_key_is_not_told_to_be_missing_as_well(install: Install, write: Write) -> None:
    install("ledger")
    more = '[source.more]\napi_key = { env = "KEY" }\n'
    text = GOOD.replace("connector", "conector") + 'sorce = "main"\nshape = "flat"\n' + more
    found = faults(write(text))
    assert [told.split(" ")[:2] for told in found] == [
        ["4:", "target.books.conector"], ["5:", "target.books.sorce"], ["6:", "target.books.shape"],
    ]  # fmt: skip
    (one,) = faults(write(GOOD.replace("connector", "conector").replace('"ledger"', "5")))
    assert one.startswith("4: target.books.conector is no setting; did you mean connector?")


def test_a_misspelt_section_is_told_once_and_judged_by_the_name_it_is_near_to(install: Install, write: Write) -> None:
    install("ledger")
    text = GOOD.replace("[source", "[sorce").replace("[target", "[targets") + 'shape = "flat"\n'
    found = faults(write(text))
    assert [one.split(" ")[:2] for one in found] == [
        ["1:", "sorce"], ["3:", "targets"], ["5:", "target.books.shape"],
    ]  # fmt: skip
    assert [one.split(" ")[:2] for one in faults(write(f"[target]\n{SOURCE}"))] == [["1:", "target"]]


def test_a_misspelt_section_beside_good_ones_is_the_only_fault(install: Install, write: Write) -> None:
    install("ledger")
    more = '[targets.more]\nconnector = "ledger"\n[sources.more]\napi_key = { env = "KEY" }\n'
    found = faults(write(GOOD + more))
    assert [one.split(" ")[:4] for one in found] == [
        ["5:", "targets", "is", "no"], ["7:", "sources", "is", "no"],
    ]  # fmt: skip
    found = faults(write(GOOD + more.replace('"ledger"', '"ledger"\nshape = "flat"')))
    assert [one.split(" ")[1] for one in found] == ["targets", "target.more.shape", "sources"]


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_text_from_two_places_none_or_an_unknown_one_is_one_fault(install: Install, write: Write, mode: int) -> None:
    install("ledger")
    for table in ('{ env = "KEY", file = "other" }', '{ vault = "other" }', "{}", '{ env = "KEY", other = 1 }'):
        for text in (GOOD.replace('{ env = "KEY" }', table) + "\n", f"{GOOD}token = {table}\n"):
            (found,) = faults(write(text, mode))
            assert re.match(
                r"(2: source.main.api_key|5: target.books.token) should be text in quotes, or one of", found
            )


def test_a_secret_under_a_misspelt_key_is_kept_from_others_too(install: Install, write: Write) -> None:
    install("ledger")
    found = faults(write(GOOD + 'tokn = "t0ken-of-the-books"\n', 0o644))
    assert [one.split(" ")[:3] for one in found] == [
        ["5:", "target.books.tokn", "is"], ["5:", "target.books.tokn", "is"],
    ]  # fmt: skip
    assert any("chmod 600" in one for one in found)
    assert "t0ken" not in "".join(found)


def test_a_cron_that_is_wrong_and_stands_beside_poll_has_two_faults(install: Install, write: Write) -> None:
    install("ledger")
    text = GOOD.replace("[target", 'poll = "5m"\ncron = "61 * * * *"\n[target')
    assert [one.split(" ")[:2] for one in faults(write(text))] == [["4:", "source.main.cron"]] * 2


def test_a_value_that_may_be_of_several_types_is_blamed_once(install: Install, write: Write) -> None:
    install("ledger", code=COUNTING.replace("verbs=", "taxes=True, verbs="))
    found = faults(write(GOOD + 'taxes = { "25" = 5, "12" = { NO = 1 } }\n'))
    assert len(found) == 2, found
    assert "target.books.taxes.12.NO should be text" in found[1]


def test_a_connector_that_takes_any_key_loses_none_of_its_own_to_one_it_does_not_know(
    install: Install, write: Write
) -> None:
    lax = """
from pydantic import BaseModel
class Settings(BaseModel):
    path: str = "ledger"
"""
    install("ledger", code=lax + BOOKS)
    for key in ("pth", "strange"):
        books = load(write(GOOD + f'{key} = "x"\nmax_voids = 3\n'), ENVIRONMENT).targets["books"]
        assert (books.connector_settings.model_dump(), books.max_voids) == ({"path": "ledger"}, 3)
