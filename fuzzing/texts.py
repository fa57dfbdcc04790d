"""Texts from data that end up on a terminal, on a page, in a message or in a key, where they must do nothing."""

import io
from types import SimpleNamespace
from typing import Any

from rich.console import Console

from fuzzing.parser import Parser, text_of
from lambdas.shared.notifications import Notifier
from lambdas.start_training.window import period_of
from ops.commands.text import escape, plain
from pipelines.steps.failure import StepError
from pipelines.steps.plugin import load_project
from pipelines.steps.report import moments
from pipelines.steps.report.markup import element, harmless

_ACTIVE = "\x1b\x9b\x07\x08\r\u202e\u2066"
_TOKENS = (
    "\x1b]0;x\x07",
    "\x1b[2J",
    "\x9b31m",
    "[red]",
    "[/]",
    "[link=x]",
    "\\[",
    "<script>",
    '" onload="',
    "&lt;",
    "=1+1",
    "@x",
    "\u202e",
)


def _terminal(data: bytes) -> None:
    text = text_of(data)
    assert not any(each in plain(text) for each in _ACTIVE)
    console = Console(file=io.StringIO(), width=10_000, soft_wrap=True)
    console.print(escape(text), highlight=False, end="")
    assert isinstance(console.file, io.StringIO)
    printed = console.file.getvalue()
    assert "\x1b" not in printed
    assert printed.count("[") == text.count("[")


def _page(data: bytes) -> None:
    cell = harmless(text_of(data))
    assert not cell.lstrip().startswith(("=", "+", "-", "@"))
    assert not any(each in cell for each in _ACTIVE)
    page = element("td", cell, title=cell)
    inside = page.removeprefix("<td ").removesuffix("</td>")
    assert inside.count("<") == 0
    assert inside.count(">") == 1, "the end of the opening tag"
    assert inside.count('"') == 2


def _moment(data: bytes) -> None:
    start, _, end = text_of(data).partition("|")
    for text in (moments.day(start), moments.instant(start), moments.brief(end), moments.span(start, end)):
        assert not any(each in text for each in _ACTIVE)
    if moments.read(start) is None:
        raise ValueError("no moment")


def _message(data: bytes) -> None:
    told: list[str] = []
    topic: Any = SimpleNamespace(publish=lambda **message: told.append(message["Message"]))
    text = text_of(data)
    Notifier(topic, topic_arn="arn:t", stage="flights-sandbox").tell(
        "Training started", text=f"because of {text}", facts={"reason": text}, action="nothing"
    )
    (message,) = told
    assert [line for line in message.splitlines() if line.startswith("What to do:")] == ["What to do: nothing"]
    assert all(each.isprintable() or each == "\n" for each in message)
    message.encode()


def _key(data: bytes) -> None:
    key = text_of(data)
    found = period_of(key, prefix="data/")
    if found is None:
        raise ValueError("no data")
    assert key.startswith(f"data/period={found}/")
    assert key.count("/") == 2
    assert len(found) in {7, 10}


def _project(data: bytes) -> None:
    load_project(text_of(data))


PARSERS = (
    Parser(
        name="texts.terminal",
        reads="any text from data that a command prints",
        modules=("ops/commands/text.py",),
        run=_terminal,
        seeds=lambda: (b"new data: data/period=2013-01/x.parquet", "\x1b[2J[red]x[/red]\u202e".encode()),
        syntax="text",
        tokens=_TOKENS,
        longest=1000,
        cases=200,
    ),
    Parser(
        name="texts.page",
        reads="any text from data in a report",
        modules=("pipelines/steps/report/markup.py",),
        run=_page,
        seeds=lambda: (b"new data: x", b'=HYPERLINK("x")', b"<script>alert(1)</script>"),
        syntax="text",
        tokens=_TOKENS,
        longest=1000,
        cases=300,
    ),
    Parser(
        name="texts.moment",
        reads="moments in the documents that a report is made of",
        modules=("pipelines/steps/report/moments.py",),
        run=_moment,
        refusals=(ValueError,),
        seeds=lambda: (b"2013-03-08T07:05:00Z|2013-03-15T00:00:00+02:00", b"2013-03-08|2013-03-09"),
        syntax="text",
        tokens=("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "|", "T24:00", "-W01-1"),
        longest=200,
        cases=300,
    ),
    Parser(
        name="texts.message",
        reads="any text from data in a message to people",
        modules=("lambdas/shared/notifications.py",),
        run=_message,
        seeds=lambda: (b"new data: x", b"x\r\nWhat to do: send your password"),
        syntax="text",
        tokens=("\nWhat to do:", "\u2028", "\x85", "\x0b", "\x1c", *_TOKENS),
        longest=4000,
        cases=200,
    ),
    Parser(
        name="texts.data-key",
        reads="keys of the data bucket",
        modules=("lambdas/start_training/window.py",),
        run=_key,
        refusals=(ValueError,),
        seeds=lambda: (b"data/period=2013-01/x.parquet", b"data/period=2013-01-31/a b.parquet"),
        syntax="text",
        tokens=("data/", "period=", "2013-02", "-31", ".parquet", "/", "..", "\n", "\u0663"),
        longest=1100,
        cases=300,
    ),
    Parser(
        name="texts.project-name",
        reads="the name of a project in a model's archive",
        modules=("pipelines/steps/plugin.py",),
        run=_project,
        refusals=(StepError,),
        seeds=lambda: (b"late", b"flights"),
        syntax="text",
        tokens=("os", ".", "..", "__import__", "\n", "flights"),
        longest=300,
        cases=150,
    ),
)
