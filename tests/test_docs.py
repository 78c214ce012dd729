"""What the documents print works: the example connector of docs/connectors.md passes the kit, links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_example_connector_passes_the_conformance_kit(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "connectors.md").read_text(), re.DOTALL)
    module, kit = blocks
    (tmp_path / "jsonl_books.py").write_text(module)
    (tmp_path / "test_jsonl_books.py").write_text(kit)
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout
    passed = re.search(r"(\d+) passed", told.stdout)
    assert passed is not None
    assert int(passed.group(1)) >= 15


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_within_the_repository_lead_to_files(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text())
    missing = [link for link in links if not (document.parent / link).exists()]
    assert missing == []


def test_the_readme_names_every_command() -> None:
    told = subprocess.run([sys.executable, "-m", "syncd", "--help"], capture_output=True, text=True, check=True).stdout
    commands = re.findall(r"^[│ ] ([a-z]+) {2,}", told, re.MULTILINE)
    readme = (ROOT / "README.md").read_text()
    assert len(commands) >= 12
    assert [command for command in commands if f"syncd {command}" not in readme] == []


def test_the_architecture_names_every_package() -> None:
    told = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    packages = [path.parent.relative_to(ROOT) for path in ROOT.glob("[sc]*/**/__init__.py")]
    there = {f"{one}/" for one in packages if len(one.parts) == 2}
    assert {"syncd/pull/", "connectors/odoo/"} <= there
    assert not {one for one in there if one not in told}
