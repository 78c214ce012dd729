"""`python -m syncd.sandbox` as a process of its own."""

import signal
import subprocess
import sys
from pathlib import Path

import httpx
import orjson
import pytest
import typer
from typer.testing import CliRunner

from syncd.cli.sandbox import sandbox

APP = typer.Typer()
APP.command()(sandbox)
COMMAND = [sys.executable, "-m", "syncd.sandbox"]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_serves_and_ends_cleanly(end: signal.Signals) -> None:
    options = ["--json", "--key", "ffk_other", "--envelope", "data", "--invoices", "5"]
    with subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = orjson.loads(process.stdout.readline())
        url = f"{said['base_url']}/invoices"
        answer = httpx.get(url, headers={"X-Api-Key": said["key"]})
        assert len(answer.json()["data"]) == 5
        process.send_signal(end)
        assert process.wait(10) == 0


OUT_OF_RANGE = {
    "--clients": ("-1", "10000000000"),
    "--invoices": ("-5", "10000000000"),
    "--limit": ("-1",),
    "--multiply": ("0", "1000000"),
    "--open-share": ("7", "-0.1", "nan"),
    "--page-size": ("0", "-50"),
    "--first-page": ("-1", "2"),
    "--latency": ("-1", "nan", "inf"),
    "--port": ("-1", "65536"),
    "--today": ("0001-01-01", "9999-12-31"),
    "--key": ("", " ", "ffk_ø"),
    "--fault": ('{"kind": "slow", "rate": 1.5}', '{"kind": "slow", "seconds": 1e300}', '{"kind": "slow", "status": 7}'),
}


@pytest.mark.parametrize(("option", "value"), [(name, value) for name, them in OUT_OF_RANGE.items() for value in them])
def test_an_option_out_of_range_is_refused_with_its_name_before_anything_is_served(option: str, value: str) -> None:
    said = CliRunner().invoke(APP, [f"{option}={value}"])
    assert said.exit_code == 2
    name = {"--fault": next((word for word in ("rate", "seconds", "status") if word in value), "")}.get(option, option)
    assert name in said.output
    assert "base_url" not in said.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "0.0.0.0"], "loopback"),
        (["--fault", "{"], "not JSON"),
        (["--fault", '{"kind": "earthquake"}'], "earthquake"),
        (["--load", "missing.csv"], "missing.csv"),
        (["--order", "sideways"], "sideways"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_2(arguments: list[str], said: str) -> None:
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_is_loaded(tmp_path: Path) -> None:
    header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
    path = tmp_path / "lines.csv"
    path.write_text(f"{header}\n1,A,B,2,2010-12-01 08:26:00,2.55,1,France\n", encoding="utf-8")
    options = ["--load", str(path), "--multiply", "2", "--open-share", "0"]
    with subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().split()[1]
        rows = httpx.get(f"{base_url}/invoices", headers={"X-Api-Key": "ffk_sandbox"}).json()
        assert [row["number"] for row in rows] == ["1", "1-1"]
        process.terminate()
