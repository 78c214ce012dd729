"""A good file becomes frozen values; a bad one is refused with every fault and its line."""

from __future__ import annotations

import os
import re
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from syncd.errors import SettingsError
from syncd.settings import find, load
from syncd.settings.example import example, toml
from syncd.settings.faults import keys
from syncd.settings.schema import SourceKeys, SyncdSection, TargetKeys

if TYPE_CHECKING:
    from collections.abc import Callable

    Install = Callable[..., None]
    Write = Callable[..., Path]

KEY = "ffk_" + "s3cr3t" * 3
ENVIRONMENT = {"KEY": KEY}
ODOO = '[target.odoo]\nconnector = "odoo"\nurl = "https://x.example"\ndatabase = "x"\napi_key = { env = "KEY" }\n'
SOURCE = '[source.main]\napi_key = { env = "KEY" }\n'
GOOD = """\
[source.main]
api_key = { env = "KEY" }

[target.books]
connector = "ledger"
"""


def faults(path: Path, environment: dict[str, str] | None = None) -> list[str]:
    """Load a bad file and give its faults, without the file's name in front."""
    with pytest.raises(SettingsError) as caught:
        load(path, ENVIRONMENT if environment is None else environment)
    assert KEY not in str(caught.value)
    assert caught.value.exit_code == 2
    return [one.removeprefix(f"{path}:") for one in caught.value.findings]


def test_a_good_file_becomes_values_with_all_defaults(install: Install, write: Write) -> None:
    install("ledger")
    settings = load(write(GOOD), ENVIRONMENT)
    source, target = settings.sources["main"], settings.targets["books"]
    assert source.api_key.reveal() == KEY
    assert (source.poll, source.full_sweep) == (timedelta(minutes=5), timedelta(days=1))
    assert (source.concurrency, source.auth, source.timezone) == (4, "x-api-key", None)
    assert (target.name, target.connector_name, target.source) == ("books", "ledger", "main")
    assert (target.undated, target.max_voids, target.clients) == (None, 10, "needed")
    assert getattr(target.connector_settings, "shape") == "round"  # noqa: B009 - a stranger's type
    assert settings.folder == settings.path.parent


def test_every_key_can_be_set(install: Install, write: Write) -> None:
    install("ledger")
    text = """\
    [syncd]
    state = "sqlite:///my/state.db"
    log = "json"
    log_level = "debug"
    [source.main]
    api_key = { env = "KEY" }
    base_url = "http://127.0.0.1:8000/api/v1"
    auth = "bearer"
    cron = "*/5 7-19 * * mon-fri"
    timezone = "Europe/Oslo"
    detail_sweep = "1d"
    timeout = "90s"
    concurrency = 16
    [target.books]
    connector = "ledger"
    source = "main"
    start_date = 2026-01-01
    lock_date = "2025-12-31"
    undated = "due_date"
    match = ["mapping", "number"]
    owners = { notes = "target" }
    path = "there"
    """
    settings = load(write(text), ENVIRONMENT)
    source, target = settings.sources["main"], settings.targets["books"]
    assert settings.state == f"sqlite:///{settings.folder}/my/state.db"
    assert (source.timezone, source.timeout) == (ZoneInfo("Europe/Oslo"), timedelta(seconds=90))
    assert (target.start_date, target.lock_date) == (date(2026, 1, 1), date(2025, 12, 31))
    assert target.match == ("mapping", "number")


def test_the_values_are_frozen(install: Install, write: Write) -> None:
    install("ledger")
    settings = load(write(GOOD), ENVIRONMENT)
    with pytest.raises(AttributeError):
        settings.state = "x"  # type: ignore[misc] # that is what is tested
    with pytest.raises(ValidationError, match="frozen"):
        settings.sources["main"].concurrency = 2  # type: ignore[misc] # that is what is tested


def test_all_faults_are_told_at_once_in_the_order_of_their_lines(install: Install, write: Write) -> None:
    install("ledger")
    text = """\
    [sindcd]
    log = "json"

    [source.main]
    api_key = { env = "NOT_SET" }
    base_url = "http://example.com"
    pol = "5m"
    full_sweep = "soon"
    timezone = "Europe/Olso"
    concurrency = 99

    [target.books]
    connector = "ledger"
    source = "mian"
    clients = "al"
    pathh = "there"
    shape = "flat"
    drafts = "perhaps"
    start_date = "yesterday"
    match = [
      "mapping",
      "nummer",
    ]
    """
    found = faults(write(text))
    lines = [int(one.split(":")[0]) for one in found]
    assert lines == [1, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18, 19, 22]
    told = dict(zip(lines, found, strict=True))
    assert "did you mean" not in told[1] or "syncd" in told[1]
    assert "NOT_SET, which is not set" in told[5]
    assert "would send everything to example.com unencrypted; use https://" in told[6]
    assert "source.main.pol is no setting; did you mean poll?" in told[7]
    assert 'should be a duration, such as "90s", "5m", "24h" or "1d", not "soon"' in told[8]
    assert "did you mean Europe/Oslo?" in told[9]
    assert "less than or equal to 16, not 99" in told[10]
    assert 'is "mian", but the sources are: main; did you mean main?' in told[14]
    assert 'should be "needed" or "all", not "al"; did you mean all?' in told[15]
    assert "did you mean path?" in told[16]
    assert 'should be "round" or "square"' in told[17]
    assert 'should be true or false, not "perhaps"' in told[18]
    assert "should be a date, as in 2026-01-31" in told[19]
    assert "target.books.match[2] should be" in told[22]
    assert all(re.match(r"\d+: \S+ .*[.?]$", one) for one in found), found


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("[source.main]\napi_key = yes\n", 2, "Invalid value"),
        ("[source.main]\npoll = '5m'\npoll = '6m'\n", 3, "Cannot overwrite"),
        ("[source.main\n", 1, "Expected"),
    ],
)
def test_what_is_no_toml_is_told_with_its_line(write: Write, text: str, line: int, told: str) -> None:
    (found,) = faults(write(text))
    assert found.startswith(f"{line}: this is not TOML: ")
    assert told in found


def test_a_file_that_is_not_utf8_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "syncd.toml"
    path.write_bytes("[syncd]\n# å\n".encode("latin-1"))
    assert faults(path) == ["2: this is not UTF-8 text; save it as UTF-8."]


def test_a_missing_key_is_told_at_its_section(install: Install, write: Write) -> None:
    install("ledger")
    found = faults(write('[source.main]\npoll = "5m"\n\n[target.books]\nshape = "round"\n'))
    assert found[0].startswith("1: source.main.api_key is missing: The account's API key")
    assert found[1].startswith("4: target.books.connector is missing: The kind of books")


def test_sources_and_targets_must_be_there_and_named(write: Write) -> None:
    assert any("there is no [source.NAME] section" in one for one in faults(write("[syncd]\n")))
    found = faults(write('[source]\napi_key = "x"\n[target."a b"]\nconnector = "csv"\n'))
    assert any("2: source.api_key stands in no section; name it" in one for one in found)
    assert any("should have a name of letters" in one for one in found)


def test_a_source_must_be_named_where_there_are_several(install: Install, write: Write) -> None:
    install("ledger")
    (found,) = faults(write(GOOD + '[source.other]\napi_key = { env = "KEY" }\n'))
    assert found.startswith("4: target.books.source is missing: there are several sources")


def test_poll_and_cron_exclude_each_other_and_cron_is_checked(install: Install, write: Write) -> None:
    install("ledger")
    beat = '[source.main]\npoll = "5m"\ncron = "* * * * *"\n'
    (found,) = faults(write(GOOD.replace("[source.main]\n", beat)))
    assert found.startswith("3: source.main.cron cannot be set beside poll")
    fields, never = ("61 * * * *", "* *", "nonsense"), ("0 0 30 2 *", "0 0 31 4,6 *")
    told_of = dict.fromkeys(fields, "five fields") | dict.fromkeys(never, "never comes") | {"0 5 * * 1": "mon"}
    for wrong, told in told_of.items():
        beat = f'[source.main]\ncron = "{wrong}"\n'
        (found,) = faults(write(GOOD.replace("[source.main]\n", beat)))
        assert found.startswith("2: source.main.cron ")
        assert told in found


def test_a_text_comes_from_a_file_a_credential_or_a_command(install: Install, write: Write, tmp_path: Path) -> None:
    install("ledger")
    (tmp_path / "key").write_text(f"{KEY}\n")
    environment = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    for text in ('file = "key"', 'credential = "key"', 'command = ["cat", "key"]'):
        settings = load(write(GOOD.replace('env = "KEY"', text)), environment)
        assert settings.sources["main"].api_key.reveal() == KEY
    settings = load(write(GOOD + 'shape = { env = "SHAPE" }\n'), {**ENVIRONMENT, "SHAPE": "square"})
    assert getattr(settings.targets["books"].connector_settings, "shape") == "square"  # noqa: B009 - a stranger's type


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('file = "nowhere"', "nowhere, which cannot be read: No such file"),
        ('credential = "key"', "LoadCredential=key"),
        ('command = ["false"]', "which ended with 1"),
        ('command = ["no-such-program"]', "cannot be run: No such file"),
        ('command = "cat key"', "should read { command ="),
        ('command = ["true"]', "is empty"),
        ("env = 3", "should read { env"),
    ],
)
def test_a_text_that_cannot_be_had_is_one_fault(install: Install, write: Write, text: str, told: str) -> None:
    install("ledger")
    (found,) = faults(write(GOOD.replace('env = "KEY"', text)))
    assert found.startswith("2: source.main.api_key ")
    assert told in found


@pytest.mark.parametrize("text", ["\ufeff{}", "{}\r\n", "  {} \t\n", "\ufeff\n\n {}\r\n\r\n"])
def test_what_an_editor_puts_around_a_key_is_no_part_of_it(
    install: Install, write: Write, tmp_path: Path, text: str
) -> None:
    install("ledger")
    (tmp_path / "key").write_bytes(text.format(KEY).encode())
    odoo = ODOO.replace('env = "KEY"', 'file = "key"')
    settings = load(write(GOOD.replace('env = "KEY"', 'file = "key"') + odoo), {})
    assert settings.sources["main"].api_key.reveal() == KEY
    assert settings.targets["odoo"].connector_settings.model_dump()["api_key"].get_secret_value() == KEY


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{KEY}\n{KEY}x\n", "has several lines; there should be the key and nothing else"),
        (f"{KEY}\0{KEY}", "is no API key"),
        (f"\x1b[31m{KEY}", "is no API key"),
        ("\ufeff", "is empty"),
    ],
)
def test_a_file_that_holds_more_or_less_than_a_key_is_one_fault(
    install: Install, write: Write, tmp_path: Path, text: str, told: str
) -> None:
    install("ledger")
    (tmp_path / "key").write_bytes(text.encode())
    (found,) = faults(write(GOOD.replace('env = "KEY"', 'file = "key"')), {})
    assert found.startswith(f"2: source.main.api_key {told}")


@pytest.mark.parametrize("empty", ['""', '" "'])
def test_an_empty_text_that_names_nothing_is_refused(write: Write, empty: str) -> None:
    csv = '[target.books]\nconnector = "csv"\n'
    lines = ["company", "journal", "payment_journal", "account", "difference_account", "user", "product"]
    text = f"{SOURCE}base_url = {empty}\n{csv}path = {empty}\n{ODOO.replace(chr(34) + 'x' + chr(34), empty)}"
    text += "".join(f"{name} = {empty}\n" for name in lines) + f'taxes = {{ "25" = {empty} }}\n'
    found = faults(write(text))
    named = ["source.main.base_url", "target.books.path", "target.odoo.database"]
    assert [one.split(" ")[1] for one in found] == named + [f"target.odoo.{name}" for name in (*lines, "taxes")]
    assert 'should name a folder, such as "books"' in found[1]
    assert "is empty: The name of Odoo's database" in found[2]


def test_a_literal_secret_in_a_readable_file_is_refused_with_the_command_that_mends_it(
    install: Install, write: Write
) -> None:
    install("ledger")
    text = GOOD.replace('{ env = "KEY" }', f'"{KEY}"') + 'token = "t0ken-of-the-books"\n'
    path = write(text, 0o644)
    found = faults(path)
    assert [one.split(" ")[1] for one in found] == ["source.main.api_key", "target.books.token"]
    assert all(f"run: chmod 600 {path}" in one for one in found)
    path.chmod(0o600)
    assert load(path).sources["main"].api_key.reveal() == KEY
    assert load(write(GOOD, 0o644), ENVIRONMENT).sources


def test_a_secret_never_shows_in_the_fault_it_causes(install: Install, write: Write) -> None:
    install("ledger")
    wrong = f"two words {KEY}"
    (found,) = faults(write(GOOD.replace('{ env = "KEY" }', f'"{wrong}"')))
    assert "is no API key" in found
    for misplaced in ('{ env = "KEY" }', f'"{KEY}"'):
        (found,) = faults(write(GOOD + f"shape = {misplaced}\n"))
        assert '"***"' in found


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_command_in_somebody_elses_file_is_refused_and_not_run(
    install: Install, write: Write, tmp_path: Path
) -> None:
    install("ledger")
    path = write(GOOD.replace('env = "KEY"', 'command = ["touch", "ran"]'))
    os.chown(path, 12345, -1)
    (found,) = faults(path)
    assert found.startswith("2: source.main.api_key runs a command, but this file belongs to somebody else")
    assert f"chown 0 {path}" in found
    assert not (tmp_path / "ran").exists()


def test_a_command_in_a_file_that_everybody_can_change_is_refused(install: Install, write: Write) -> None:
    install("ledger")
    path = write(GOOD.replace('env = "KEY"', 'command = ["touch", "ran"]'), 0o602)
    (found,) = faults(path)
    assert f"run: chmod o-w {path}" in found


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://books.example.com/x", "unencrypted"),
        ("http://127.0.0.1.example.com", "unencrypted"),
        ("https://me:pass@example.com", "take it out"),
        ("https://books..example.com", "is no address"),
        ("https://xn--", "is no address"),
        ("https://books.example.com:99999", "is no address"),
        (f"https://{'x' * 70}.example", "is no address"),
        ("https://my books.example.com", "is no address"),
        ("ftp://example.com", ""),
    ],
)
def test_an_unsafe_address_is_refused_in_a_connectors_settings_too(
    install: Install, write: Write, address: str, told: str
) -> None:
    install("ledger")
    if told:
        (found,) = faults(write(GOOD + f'url = "{address}"\n'))
        assert told in found
    (found,) = faults(write(GOOD.replace("[target", f'base_url = "{address}"\n[target')))
    assert found.startswith("4: source.main.base_url ")


def test_an_address_with_a_query_is_refused_where_paths_are_put_behind_it_and_only_there(
    install: Install, write: Write
) -> None:
    install("ledger")
    address = "https://example.com/api?page=1"
    assert load(write(GOOD + f'url = "{address}"\n'), ENVIRONMENT).targets
    (found,) = faults(write(GOOD.replace("[target", f'base_url = "{address}"\n[target')))
    assert found.startswith("4: source.main.base_url has more than")


def test_plain_http_to_loopback_is_fine(install: Install, write: Write) -> None:
    install("ledger")
    for host in ("localhost", "127.0.0.1:80", "[::1]:8000"):
        assert load(write(GOOD + f'url = "http://{host}/"\n'), ENVIRONMENT).targets


def test_two_targets_on_the_same_books_are_refused(install: Install, write: Write) -> None:
    install("ledger")
    more = '[target.again]\nconnector = "ledger"\n'
    (found,) = faults(write(GOOD + more))
    assert found.startswith("6: target.again writes to the same books as target.books (")
    assert load(write(GOOD + more + 'path = "other"\n'), ENVIRONMENT).targets


@pytest.mark.parametrize(
    "line",
    ['on_change = "reverse"', "write_external_id = true", 'taxes = { "25" = "S25" }', 'owners = { notes = "latest" }'],
)
def test_what_this_version_would_not_do_is_refused(install: Install, write: Write, line: str) -> None:
    install("ledger")
    (found,) = faults(write(GOOD + line + "\n"))
    assert f"target.books.{line.split(' ', maxsplit=1)[0]}" in found


def test_an_unknown_connector_is_told_with_those_installed(install: Install, write: Write) -> None:
    install("ledger")
    (found,) = faults(write(GOOD.replace('"ledger"', '"leger"')))
    assert found.startswith('5: target.books.connector is "leger", but installed are only: ')
    assert found.endswith("did you mean ledger?")


def test_a_connector_that_cannot_be_used_is_told_with_the_reason(install: Install, write: Write) -> None:
    install("ledger", code="import no_such_module_of_books")
    (found,) = faults(write(GOOD))
    assert "syncd-ledger" in found
    assert "no_such_module_of_books" in found


def test_a_connector_of_another_contract_is_refused(install: Install, write: Write) -> None:
    install("ledger", contract=99)
    (found,) = faults(write(GOOD))
    assert "contract 99, this syncd speaks 1" in found


def test_the_file_is_looked_for_in_the_usual_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    home = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    with pytest.raises(SettingsError, match=r"no settings file: looked for syncd\.toml"):
        find(None, home)
    (tmp_path / "config/syncd").mkdir(parents=True)
    (tmp_path / "config/syncd/config.toml").touch()
    assert find(None, home) == tmp_path / "config/syncd/config.toml"
    Path("syncd.toml").touch()
    assert find(None, home) == Path("syncd.toml")
    Path("named.toml").touch()
    assert find(None, {**home, "SYNCD_CONFIG": "named.toml"}) == Path("named.toml")
    assert find("syncd.toml", {"SYNCD_CONFIG": "named.toml"}) == Path("syncd.toml")
    with pytest.raises(SettingsError, match=r"other\.toml: there is no such settings file"):
        find("other.toml")


def test_the_state_is_where_systemd_says_or_in_the_users_folder(
    install: Install, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("ledger")
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/syncd:/other")
    assert load(write(GOOD), ENVIRONMENT).state == "sqlite:////var/lib/syncd/state.db"
    monkeypatch.delenv("STATE_DIRECTORY")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert load(write(GOOD), ENVIRONMENT).state == f"sqlite:///{tmp_path}/syncd/state.db"


LEAVES = st.one_of(
    st.booleans(), st.integers(), st.floats(), st.dates(), st.text(max_size=5),
    st.sampled_from(["ledger", "main", "5m", "http://", "http://[", "https://x:y", "* * * * x"]),
)  # fmt: skip
WAYS = st.dictionaries(st.sampled_from(["env", "file", "credential"]), LEAVES, max_size=2)
ANY = st.recursive(
    st.one_of(LEAVES, WAYS),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
NAMES = (*SyncdSection.model_fields, *keys(SourceKeys), *keys(TargetKeys), "url", "shape", "token")
SECTION = st.dictionaries(st.sampled_from(NAMES), ANY, max_size=5) | ANY


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tree=st.fixed_dictionaries(
        {"source": st.fixed_dictionaries({"main": SECTION}) | ANY},
        optional={"target": st.fixed_dictionaries({"books": SECTION}) | ANY, "syncd": SECTION},
    )
)
def test_whatever_stands_in_the_file_is_values_or_a_list_of_faults(
    ledger: None, write: Write, tree: dict[str, Any]
) -> None:
    del ledger
    path = write("\n".join(f"{key} = {toml(value)}" for key, value in tree.items()))
    try:
        load(path, ENVIRONMENT)
        found = None
    except SettingsError as error:
        found = error.findings
    assert found is None or (found and all(re.match(rf"{path}:\d+: ", one) for one in found)), found


@pytest.fixture
def ledger(install: Install) -> None:
    install("ledger")


def test_settings_name_their_secrets_and_show_none(install: Install, write: Write) -> None:
    install("ledger")
    settings = load(write(GOOD + 'token = "t0ken-of-the-books"\n'), ENVIRONMENT)
    assert set(settings.secrets) == {KEY, "t0ken-of-the-books"}
    assert not [secret for secret in settings.secrets if secret in f"{settings!r}{settings}"]


def test_the_example_loads_as_it_is_and_with_every_comment_taken_off(install: Install, write: Write) -> None:
    install("ledger")
    environment = {"FASTFAKTURA_API_KEY": KEY, "TOKEN": "t0ken-of-the-books", "ODOO_API_KEY": "odoo-key"}
    text = example()
    assert list(load(write(text), environment).targets)
    bare = re.sub(r'^# ("?[a-z_]+"? = )', r"\1", text, flags=re.MULTILINE)
    bare = re.sub(r"^poll = .*$", "", bare, flags=re.MULTILINE)
    settings = load(write(bare), environment)
    assert settings.sources["main"].cron == "*/5 7-19 * * mon-fri"
    assert date(2026, 1, 1) in {target.start_date for target in settings.targets.values()}


def test_the_example_file_is_in_step_with_the_schemas() -> None:
    assert (Path(__file__).parents[2] / "config.example.toml").read_text() == example()
