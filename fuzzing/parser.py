"""What it takes to try a parser, and what one case came to."""

import re
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import ValidationError

from fuzzing import memory

ROOT: Final = Path(__file__).parents[1]
FOUND: Final = Path(__file__).parent / "found"
"""Inputs that once broke a parser, by its name: they are played by every run of the tests."""
MEGABYTE: Final = 1 << 20
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"|/\S+", re.DOTALL)
_WORD: Final = re.compile(r"[a-z]{3,}")
_WORDS: Final = 8

Syntax = Literal["json", "lines", "text", "bytes"]


class NoTextError(Exception):
    """The case is no text, and what is tried reads texts: whoever calls it gives it no bytes."""


def text_of(data: bytes) -> str:
    """Return a case as text, which may hold half a surrogate pair.

    Raises:
        NoTextError: it is none.
    """
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise NoTextError(error.reason) from error


@dataclass(frozen=True, kw_only=True)
class Parser:
    """A parser of outside input.

    Attributes:
        name: by which it is chosen.
        reads: what, and where it comes from.
        modules: of ours that read; every module that does is named by a parser or excused.
        run: parses, acts on what was read as far as no AWS is asked, and asserts what has to hold of it.
        refusals: exceptions by which it is documented to refuse; any other one is a bug.
        seeds: inputs to start from, at least one of which is taken.
        syntax: how inputs are written, so that most mutations get past the first check.
        tokens: words that mean something to it.
        seconds: of processor time that one input may take.
        megabytes: by which the process may grow for one input.
        longest: input that is tried, in bytes.
        cases: that the tests try, beside seeds and former findings.
    """

    name: str
    reads: str
    modules: tuple[str, ...]
    run: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...] = ()
    seeds: Callable[[], Iterable[bytes]]
    syntax: Syntax
    tokens: tuple[str, ...] = ()
    seconds: float = 2.0
    megabytes: int = 256
    longest: int = 16_384
    cases: int = 400


@dataclass(frozen=True)
class Finding:
    """A case that broke a parser.

    Attributes:
        kind: exception, ``time`` or ``memory``.
        where: innermost frame of ours, or of the parser that it uses.
        text: traceback or measure.
    """

    kind: str
    where: str
    text: str

    @property
    def id(self) -> str:
        """The same for every input that breaks the same place in the same way."""
        return re.sub(r"[^\w.-]+", "-", f"{self.kind}-{self.where}")


@dataclass(frozen=True)
class Outcome:
    """What a case came to.

    Attributes:
        taken: whether the parser took the input.
        answer: how it refused, without what varies from input to input; guidance where the parser is native code.
        finding: None when all is well.
    """

    taken: bool
    answer: tuple[str, ...] = ()
    finding: Finding | None = None


def known(parser: Parser) -> Iterator[bytes]:
    """Yield the inputs that once broke a parser."""
    yield from (path.read_bytes() for path in sorted((FOUND / parser.name).glob("*")))


def play(parser: Parser, data: bytes) -> Outcome:
    """Try one input."""
    grown, begun = memory.measure(), time.process_time()
    taken = False
    answer: tuple[str, ...] = ("taken",)
    refusals: tuple[type[Exception], ...] = (NoTextError, *parser.refusals)
    try:
        parser.run(data)
        taken = True
    except refusals as error:
        answer = _answer(error)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is what is looked for
        return Outcome(taken=False, finding=_finding(error))
    seconds = time.process_time() - begun
    megabytes = grown() / MEGABYTE
    if seconds > parser.seconds:
        return Outcome(taken, answer, Finding("time", parser.name, f"{seconds:.1f} s, allowed are {parser.seconds} s"))
    if megabytes > parser.megabytes:
        text = f"grew by {megabytes:.0f} MB, allowed are {parser.megabytes} MB"
        return Outcome(taken, answer, Finding("memory", parser.name, text))
    return Outcome(taken, answer)


def _answer(error: Exception) -> tuple[str, ...]:
    if isinstance(error, ValidationError):
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        return tuple(
            sorted(
                f"{each['type']} {'.'.join(str(p) for p in each['loc'] if isinstance(p, str))}" for each in problems[:4]
            )
        )
    return (type(error).__name__, *_WORD.findall(_QUOTED.sub("", str(error)[:400]))[:_WORDS])


def _finding(error: Exception) -> Finding:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [each for each in frames if each.filename.startswith(str(ROOT)) and "site-packages" not in each.filename]
    frame = ours[-1] if ours else frames[-1]
    shown = Path(frame.filename)
    where = shown.relative_to(ROOT).as_posix() if ours else shown.name
    lines = traceback.format_exception(error, limit=-12, chain=False)
    return Finding(type(error).__name__, f"{where}:{frame.name}", "".join(each[:2000] for each in lines))
