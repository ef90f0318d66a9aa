"""What the documents say is there: files, headings, scripts and commands."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")})
LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:)([^)\s#]*)(?:#([^)\s]+))?\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def anchors(document: Path) -> set[str]:
    """The anchors that a forge gives the headings of *document*."""
    headings = re.findall(r"^#+ +(.*?) *$", FENCE.sub("", document.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dead_links(document: Path) -> list[str]:
    dead = []
    for target, anchor in LINK.findall(FENCE.sub("", document.read_text())):
        file = document.parent / target if target else document
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            dead.append(f"{target}#{anchor}" if anchor else target)
    return dead


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    assert dead_links(document) == []


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text("# The one heading\n[here](#the-one-heading) [gone](gone.md) [no](page.md#other)\n")

    assert dead_links(document) == ["gone.md", "page.md#other"]


@pytest.mark.parametrize("script", ["scripts/demo", "scripts/test", "scripts/check"])
def test_the_scripts_a_reader_is_sent_to_exist_and_run(script: str) -> None:
    words = (ROOT / "README.md").read_text() + (ROOT / "CONTRIBUTING.md").read_text()

    assert script in words
    assert os.access(ROOT / script, os.X_OK)


def test_readme_speaks_of_an_environment_of_its_own_where_it_first_installs() -> None:
    paragraphs = (ROOT / "README.md").read_text().split("\n\n")
    installing = next(
        text for text in paragraphs if re.search(r"environment of its own|\b(pip|pipx|uv tool) install", text)
    )

    assert "environment of its own" in installing
    assert "1.41" in installing
    assert all(tool in installing for tool in ("pipx", "uv tool", "venv"))


def test_every_command_in_the_documents_exists() -> None:
    pages = "\n".join(document.read_text() for document in DOCUMENTS if document.name != "CHANGELOG.md")
    told = set(re.findall(r"(?:^|`|\$ )fleetbeat ([a-z]+)\b", pages, re.MULTILINE))

    shown = subprocess.run(
        [sys.executable, "-m", "fleetbeat", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    assert told
    assert {command for command in told if not re.search(rf"\b{command}\b", shown)} == set()
