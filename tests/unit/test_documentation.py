"""What the documentation refers to is there."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?:)(?P<target>[^)#\s]*)(?:#(?P<anchor>[^)\s]+))?\)")


@cache
def _anchors(page: Path) -> frozenset[str]:
    """As GitHub makes them of headings: lower case, no punctuation, hyphens for spaces."""
    headings = re.findall(r"(?m)^#+ (.+)$", page.read_text("utf-8"))
    return frozenset(re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings)


def _leads_somewhere(page: Path, link: re.Match[str]) -> bool:
    file = (page.parent / link["target"]).resolve() if link["target"] else page
    return file.exists() and (link["anchor"] is None or link["anchor"] in _anchors(file))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_leads_to_a_file_and_a_heading_that_exist(page: Path) -> None:
    links = LINK.finditer(page.read_text("utf-8"))

    assert not [link[0] for link in links if not _leads_somewhere(page, link)]


def test_the_readme_names_every_page_and_every_folder() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S607
    folders = {file.split("/")[0] for file in tracked.splitlines() if "/" in file and not file.startswith(".")}
    layers = {file.split("/")[1] for file in tracked.splitlines() if re.match(r"tests/[^/]+/", file)}

    assert {path.name for path in (ROOT / "docs").glob("*.md") if f"(docs/{path.name})" not in readme} == set()
    assert {name for name in folders if f"\n{name}/ " not in readme} == set()
    (tests,) = re.findall(r"(?m)^tests/ .*$", readme)
    assert {name for name in layers - {"data", "support"} if not re.search(rf"\b{name}\b", tests)} == set()
