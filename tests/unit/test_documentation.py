"""What the documentation refers to is there."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?:)(?P<target>[^)#\s]*)(?:#(?P<anchor>[^)\s]+))?\)")

FOLDERS = sorted({"docs", *(each.parent.name for each in ROOT.glob("*/*.py"))})
PATH = re.compile(rf"(?<![\w/.@:-])(?:{'|'.join(FOLDERS)})/[\w./<>*$-]*[\w>*/]")
NO_PATHS = frozenset({"application/json", "application/problem"})
"""Media types."""
EXAMPLES = ("pipelines/projects/shop/", "docs/runbooks/few-labels.md")
"""What a reader writes who follows the page: the project of `ops new shop`, the runbook of a new alarm."""
FENCED = re.compile(r"(?ms)^ *```(?:console|sh|bash)\n(?P<text>.*?)^ *```")
AWS = re.compile(r"(?m)^ *(?:\$ |&& )?(?P<command>aws (?:[^\n\\]|\\\n)*)")
INLINE = re.compile(r"`(?P<command>aws [a-z0-9-]+ [a-z0-9-]+)[^`\n]*`")
OPTIONS_OF_EVERY_COMMAND = frozenset({"endpoint-url", "max-items", "output", "profile", "query", "region"})


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
    made = {line.strip().strip("/") for line in (ROOT / ".gitignore").read_text("utf-8").splitlines()}
    folders = _folders(ROOT) - made
    layers = _folders(ROOT / "tests") - made

    assert {path.name for path in (ROOT / "docs").glob("*.md") if f"(docs/{path.name})" not in readme} == set()
    assert {name for name in folders if f"\n{name}/ " not in readme} == set()
    (tests,) = re.findall(r"(?m)^tests/ .*$", readme)
    assert {name for name in layers - {"data", "support"} if not re.search(rf"\b{name}\b", tests)} == set()


def _is_there(path: str) -> bool:
    if path in NO_PATHS or path.startswith(EXAMPLES):
        return True
    return (ROOT / path).exists() or any(ROOT.glob(re.sub(r"<[^>]*>", "*", path)))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_path_that_a_page_names_is_in_the_tree(page: Path) -> None:
    assert not [found for found in PATH.findall(page.read_text("utf-8")) if not _is_there(found)]


@cache
def _operations(service: str) -> dict[str, frozenset[str]]:
    """Commands of the AWS command line for a service, with their options."""
    model = botocore.session.get_session().get_service_model({"s3api": "s3"}.get(service, service))
    shapes = {name: model.operation_model(name).input_shape for name in model.operation_names}
    return {
        xform_name(name, "-"): frozenset(xform_name(member, "-") for member in (shape.members if shape else ()))
        for name, shape in shapes.items()
    }


def _mistakes(command: str) -> Iterator[str]:
    words = command.replace("\\\n", " ").split()
    service, operation = words[1:3]
    if service == "s3":  # the high-level commands have no model
        return
    options = _operations(service).get(operation)
    if options is None:
        yield f"{command}: no command {operation}"
        return
    given = {word[2:].partition("=")[0] for word in words[3:] if word.startswith("--")}
    yield from (f"{command}: no option --{each}" for each in sorted(given - options - OPTIONS_OF_EVERY_COMMAND))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_of_the_aws_command_line_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    blocks = (block["text"] for block in FENCED.finditer(text))
    commands = [each["command"] for block in blocks for each in AWS.finditer(block)]
    commands += [each["command"] for each in INLINE.finditer(text)]

    assert not [mistake for command in commands for mistake in _mistakes(command)]


def _folders(of: Path) -> set[str]:
    return {path.name for path in of.iterdir() if path.is_dir() and not path.name.startswith(".")}
