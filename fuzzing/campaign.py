"""A run over many parsers: a process for each, some side by side, and what came out of them."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from fuzzing.counts import COUNTS
from fuzzing.parser import ROOT, Parser

STATE: Final = ROOT / ".fuzz"
"""Git-ignored: what earlier runs reached (``corpus``) and what broke a parser (``findings``)."""
TOOL: Final = ROOT / ".cache" / "tools" / "fuzz"
ENVIRONMENT: Final = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
    "POWERTOOLS_METRICS_DISABLED": "true",
    "POWERTOOLS_METRICS_NAMESPACE": "Tandem",
    "POWERTOOLS_SERVICE_NAME": "fuzzing",
}
_COVERED: Final = re.compile(r"^#\d+\s.*?\bcov: (\d+)", re.MULTILINE)
_HANG_SECONDS: Final = 60
_MOST_MEGABYTES: Final = 2048


class CampaignError(Exception):
    """The run cannot be made; the message says what is missing."""


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is tried.

    Attributes:
        cases: for each parser, None for as many as time allows.
        seconds: for each parser, None for as long as the cases take.
        jobs: processes at a time.
        seed: of libFuzzer; the same seed, corpus and code try the same cases.
    """

    cases: int | None
    seconds: int | None
    jobs: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of one parser.

    Attributes:
        parser: its name.
        cases: tried.
        taken: that it took.
        answers: different ways in which it answered.
        branches: of our code that were reached.
        seconds: that it took.
        findings: files below the state folder.
        broken: why the process ended before its time; None when it did not.
    """

    parser: str
    cases: int = 0
    taken: int = 0
    answers: int = 0
    branches: int = 0
    seconds: float = 0.0
    findings: tuple[Path, ...] = ()
    broken: str | None = None

    @property
    def failed(self) -> bool:
        """Whether there is something to mend."""
        return bool(self.findings) or self.broken is not None

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        found = [{"file": str(path.relative_to(ROOT)), "replay": replay(path)} for path in self.findings]
        return {**vars(self), "seconds": round(self.seconds, 1), "findings": found}


def replay(finding: Path) -> str:
    """Return the command that plays a finding again."""
    return f"make fuzz REPLAY={finding.relative_to(ROOT)}"


def packages() -> Path:
    """Return the folder with Atheris.

    Raises:
        CampaignError: it is not installed.
    """
    found = next(TOOL.glob("lib/python*/site-packages/atheris"), None)
    if found is None:
        raise CampaignError(f"Atheris is not in {TOOL}: run `make fuzz` on Linux (x86-64); elsewhere it has no wheel")
    return found.parent


def run(
    parsers: Sequence[Parser], effort: Effort, *, tell: Callable[[Result, bool], None], atheris: Path
) -> Iterator[Result]:
    """Fuzz parsers side by side and yield the results in the order of the parsers.

    Args:
        parsers: to fuzz.
        effort: how much of each.
        tell: hears of every parser about once a second, and with True when it is done.
        atheris: the folder of its package.
    """
    with ThreadPoolExecutor(effort.jobs) as pool:
        yield from pool.map(lambda parser: _one(parser, effort, tell=tell, atheris=atheris), parsers)


def _one(parser: Parser, effort: Effort, *, tell: Callable[[Result, bool], None], atheris: Path) -> Result:
    corpus, findings = STATE / "corpus" / parser.name, STATE / "findings" / parser.name
    counts, log = STATE / "counts" / parser.name, STATE / "logs" / parser.name
    for folder in (corpus, findings, counts.parent, log.parent):
        folder.mkdir(parents=True, exist_ok=True)
    before = set(findings.iterdir())
    counts.write_bytes(bytes(COUNTS.size))
    environment = os.environ | ENVIRONMENT | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(atheris)])}
    command = [sys.executable, "-m", "fuzzing.worker", parser.name, str(corpus), str(findings), str(counts)]
    begun = time.monotonic()
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [*command, *_options(parser, effort, findings)], cwd=ROOT, env=environment, stdout=output, stderr=output
        ) as process,
    ):
        while _is_running(process):
            tell(_counted(parser, counts, log, begun), False)  # noqa: FBT003  # not done yet
    new = sorted(path for path in set(findings.iterdir()) - before if path.suffix != ".txt")
    result = replace(_counted(parser, counts, log, begun), findings=tuple(new))
    if process.returncode and not new:
        result = replace(result, broken=f"exit code {process.returncode}, see {log.relative_to(ROOT)}")
    tell(result, True)  # noqa: FBT003  # done
    return result


def _is_running(process: "subprocess.Popen[bytes]") -> bool:
    try:
        process.wait(1)
    except subprocess.TimeoutExpired:
        return True
    return False


def _options(parser: Parser, effort: Effort, findings: Path) -> Iterator[str]:
    yield f"-seed={effort.seed}"
    yield f"-max_len={parser.longest}"
    yield f"-timeout={_HANG_SECONDS}"
    yield f"-rss_limit_mb={_MOST_MEGABYTES}"
    yield f"-artifact_prefix={findings}/"
    if effort.cases is not None:
        yield f"-runs={effort.cases}"
    if effort.seconds is not None:
        yield f"-max_total_time={effort.seconds}"


def _counted(parser: Parser, counts: Path, log: Path, begun: float) -> Result:
    cases, taken, answers, _ = COUNTS.unpack(counts.read_bytes())
    covered = _COVERED.findall(log.read_text("utf-8", "replace"))
    return Result(
        parser=parser.name,
        cases=cases,
        taken=taken,
        answers=answers,
        # Each answer is a counter of its own (worker.py).
        branches=max(0, int(covered[-1]) - answers) if covered else 0,
        seconds=time.monotonic() - begun,
    )
