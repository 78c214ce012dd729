"""Made-up and loaded accounts: deterministic, consistent to the cent, and as messy as real ones."""

import lzma
import re
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.sandbox.account import Account
from syncd.sandbox.data import made_up
from syncd.sandbox.options import Options
from syncd.sandbox.records import CURRENCIES, STATUSES, Rounding, tax_cents, totals
from syncd.sandbox.render import View, detail
from syncd.sandbox.retail import BadFile, load

from .conftest import TODAY

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
LINES = """536365,85123A,WHITE HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom
536365,POST,POSTAGE,1,2010-12-01 08:26:00,18.00,17850,United Kingdom
536366,22752,"BOXES, 7 SET",2,2010-12-01 09:02:00,0.125,12583,France
C536367,22752,"BOXES, 7 SET",-2,2010-12-01 09:02:00,7.65,12583,France
536368,22752,,5,2010-12-01 09:41:00,0,,United Kingdom
536365,71053,LANTERN,6,2010-12-01 08:27:00,3.39,17850,United Kingdom
536369,22752,"BOXES, 7 SET",1,2011-07-01 00:30:00,7.65,17850,Norway
A536370,B,Adjust bad debt,1,2011-08-12 14:50:00,-11062.06,,United Kingdom
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "lines.csv"
    path.write_text(HEADER + LINES, encoding="utf-8")
    return path


def all_of(account: Account) -> bytes:
    return repr((account.clients, account.invoices)).encode()


def test_made_up_accounts_are_the_same_for_the_same_seed_and_differ_for_others() -> None:
    one, two, other = (made_up(seed, invoices=80, today=TODAY) for seed in (1, 1, 2))
    for account in (one, two, other):
        for invoice in account.invoices.values():
            invoice.modified = 0
    assert all_of(one) == all_of(two) != all_of(other)


@pytest.mark.parametrize("rounding", get_args(Rounding))
def test_made_up_totals_are_those_of_the_lines(rounding: Rounding) -> None:
    account = made_up(5, clients=40, invoices=400, today=TODAY, rounding=rounding)
    for invoice in account.invoices.values():
        sums = (invoice.subtotal_cents, invoice.tax_cents, invoice.total_cents)
        assert sums == totals(orjson.loads(invoice.lines), rounding)


def test_made_up_accounts_have_all_currencies_statuses_rates_and_oddities() -> None:
    account = made_up(1, clients=80, invoices=1000, today=TODAY)
    invoices, clients = list(account.invoices.values()), list(account.clients.values())
    assert {x.currency for x in invoices} == set(CURRENCIES)
    assert {x.status for x in invoices} == set(STATUSES)
    rates = [{line["tax_rate"] for line in orjson.loads(x.lines)} for x in invoices]
    assert set.union(*rates) == {25, 20, 12, 6, 0}
    assert any(len(mixed) > 2 for mixed in rates)
    assert any(x.total_cents < 0 for x in invoices)
    assert any(client["archived_at"] for client in clients)
    assert any(client["name"][0] in "='+@-" for client in clients)
    for client in clients:
        assert client["phone"] is None or re.fullmatch(r"\+[1-9]\d{7,14}", client["phone"])
        assert client["email"] is None or re.search(r"@example\.(com|org|net)$", client["email"])


def test_made_up_timelines_run_forwards_and_fit_the_status() -> None:
    for invoice in made_up(2, clients=30, invoices=500, today=TODAY).invoices.values():
        times = [event.at for event in invoice.events]
        assert times == sorted(times)
        kinds = [event.kind for event in invoice.events]
        assert (invoice.status == "draft") == ("sent" not in kinds)
        assert (invoice.status == "paid") == (kinds[-1] == "paid")
        assert (invoice.status == "cancelled") == (kinds[-1] == "cancelled")


@given(st.lists(st.tuples(st.integers(-(10**7), 10**7), st.sampled_from([25, 20, 12, 6, 0, Decimal("8.5")]))))
def test_each_rounding_agrees_with_exact_decimals(nets: list[tuple[int, int | Decimal]]) -> None:
    def half_up(value: Decimal) -> int:
        return int(value.quantize(Decimal(1), ROUND_HALF_UP))

    exact = [(Decimal(net) * rate / 100, rate) for net, rate in nets]
    by_rate = {rate: sum(tax for tax, r in exact if r == rate) for _, rate in exact}
    assert tax_cents(nets, "line") == sum(half_up(tax) for tax, _ in exact)
    assert tax_cents(nets, "total") == half_up(sum((tax for tax, _ in exact), Decimal(0)))
    assert tax_cents(nets, "rate") == sum(half_up(Decimal(tax)) for tax in by_rate.values())


def test_a_file_of_lines_becomes_invoices(file: Path) -> None:
    account = load(file)
    found = {x.number: x for x in account.invoices.values()}
    assert {number: x.subtotal_cents for number, x in found.items()} == {
        "536365": 6 * 255 + 1800 + 6 * 339,
        "536366": 26,
        "C536367": -1530,
        "536368": 0,
        "536369": 765,
        "A536370": -1106206,
    }
    assert len(orjson.loads(found["536365"].lines)) == 3
    assert orjson.loads(found["536368"].lines)[0]["description"] == "22752"
    assert found["536369"].currency == "NOK"
    clients = [account.clients[x.client_id]["name"] for x in found.values()]
    assert Counter(clients) == {
        "Customer 17850": 2,
        "Customer 12583": 2,
        "Unknown customer (United Kingdom)": 2,
    }
    assert found["536365"].client_id != found["536369"].client_id


def test_loaded_dates_are_london_time(file: Path) -> None:
    account = load(file)
    view = View(Options(), ZoneInfo("Europe/London"))
    sent = {x.number: detail(x, view)["events"][1]["created_at"] for x in account.invoices.values()}
    assert sent["536365"] == "2010-12-01T08:26:00Z"
    assert sent["536369"] == "2011-06-30T23:30:00Z"


def test_a_limit_takes_the_first_invoices_whole(file: Path) -> None:
    account = load(file, limit=2)
    assert [x.number for x in account.invoices.values()] == ["536365", "536366"]
    assert len(orjson.loads(next(iter(account.invoices.values())).lines)) == 3
    assert len(load(file, limit=5).invoices) == 5
    assert len(load(file, limit=50).invoices) == 6


def test_a_repeated_history_has_other_ids_and_numbers_and_as_many_open(file: Path) -> None:
    once, thrice = load(file, open_share=0.5), load(file, open_share=0.5, multiply=3)
    assert len(thrice.invoices) == 18
    assert len({x.number for x in thrice.invoices.values()}) == 18
    assert thrice.clients.keys() == once.clients.keys()
    assert _open(once) == _open(thrice) == 3
    issued = [x.issued or 0 for x in thrice.invoices.values()]
    assert issued == sorted(issued)


def test_a_packed_file_is_the_same(file: Path, tmp_path: Path) -> None:
    packed = tmp_path / "lines.csv.xz"
    packed.write_bytes(lzma.compress(file.read_bytes()))
    assert load(packed).invoices.keys() == load(file).invoices.keys()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a,b\n", "line 1"),
        (HEADER.encode() + b"1,2,3\n", "line 2"),
        (HEADER.encode() + b"1,A,B,two,2010-12-01 08:26:00,2.55,1,France\n", "line 2"),
        (HEADER.encode() + b"1,A,\xff,2,2010-12-01 08:26:00,2.55,1,France\n", "lines.csv"),
        (b"", "line 1"),
    ],
)
def test_a_file_in_another_layout_is_refused_with_its_line(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "lines.csv"
    path.write_bytes(content)
    with pytest.raises(BadFile, match=said):
        load(path)


def _open(account: Account) -> int:
    return sum(x.status in ("sent", "opened", "overdue") for x in account.invoices.values())
