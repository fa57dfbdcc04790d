"""Compares every lock with the known vulnerabilities: ``python -m supply_chain.audit [--required]``.

``TANDEM_UNAUDITED=1`` takes ``--required`` back, and the first line says so: the sandbox sets it for builds on a
machine that no service answers (``python -m sandbox deliver --unaudited``). No template sets it.

pip-audit and npm ask their registries. Where a registry has no such service, pip-audit calls every package unknown and
succeeds, and npm fails as it does for a vulnerability; here both are told apart from a clean result.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
FOUND: Final = 1
NOT_AUDITED: Final = 3
UNAUDITED: Final = "TANDEM_UNAUDITED"


@dataclass(frozen=True)
class Answer:
    """What a program said."""

    out: str
    err: str = ""


@dataclass(frozen=True)
class Verdict:
    """What is known about a lock.

    Attributes:
        found: vulnerabilities, one a line.
        unknown: why packages could not be compared.
    """

    found: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def python_verdict(answer: Answer) -> Verdict:
    """Read the JSON of pip-audit."""
    report = _report(answer)
    if "dependencies" not in report:
        return Verdict(unknown=(_last_line(answer),))
    packages = report["dependencies"]
    found = [
        f"{one['name']} {one['version']}: {flaw['id']}, fixed in {', '.join(flaw['fix_versions']) or 'no version yet'}"
        for one in packages
        for flaw in one.get("vulns", [])
    ]
    return Verdict(tuple(found), tuple(one["skip_reason"] for one in packages if "skip_reason" in one))


def npm_verdict(answer: Answer) -> Verdict:
    """Read the JSON of ``npm audit``."""
    report = _report(answer)
    if "vulnerabilities" not in report:
        return Verdict(unknown=(report.get("message") or _last_line(answer),))
    flaws = report["vulnerabilities"].values()
    return Verdict(tuple(f"{one['name']} {one['range']}: {one['severity']}" for one in flaws))


def audit(run: Callable[[Sequence[str]], Answer], *, locks: Sequence[Path], is_required: bool) -> int:
    """Print a line for each lock and for what is wrong with it; returns the exit code."""
    verdicts = {lock.name: python_verdict(run(_pip_audit(lock))) for lock in locks}
    verdicts["package-lock.json"] = npm_verdict(run(["npm", "audit", "--json", "--package-lock-only"]))
    for name, verdict in verdicts.items():
        sys.stdout.write(f"audit: {name}: {_summary(verdict)}\n")
        sys.stdout.writelines(f"  {line}\n" for line in verdict.found)
    if any(verdict.found for verdict in verdicts.values()):
        return FOUND
    if is_required and any(verdict.unknown for verdict in verdicts.values()):
        return NOT_AUDITED
    return 0


def demanded(environment: Mapping[str, str], *, asked: bool) -> bool:
    """Whether a lock without an answer fails; says aloud that the environment takes that back."""
    if not (asked and environment.get(UNAUDITED)):
        return asked
    sys.stdout.write(f"audit: {UNAUDITED} is set: REQUIRED does not hold, a lock without an answer passes\n")
    return False


def _pip_audit(lock: Path) -> list[str]:
    shown = ["--format", "json", "--progress-spinner", "off"]
    return [sys.executable, "-m", "pip_audit", "-r", str(lock), "--require-hashes", "--disable-pip", *shown]


def _summary(verdict: Verdict) -> str:
    said = [f"{len(verdict.found)} known vulnerabilities"] if verdict.found else []
    if verdict.unknown:
        said.append(f"NOT AUDITED, {len(verdict.unknown)} without an answer, the first: {verdict.unknown[0]}")
    return "; ".join(said) or "no known vulnerability"


def _report(answer: Answer) -> Mapping[str, Any]:
    try:
        report = json.loads(answer.out)
    except ValueError:
        return {}
    return report if isinstance(report, dict) else {}


def _last_line(answer: Answer) -> str:
    lines = [line.strip() for line in answer.err.splitlines() if line.strip()]
    return lines[-1] if lines else "it printed no report and no reason"


def _run(command: Sequence[str]) -> Answer:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return Answer(done.stdout, done.stderr)


def main() -> int:
    """Exit code 0 for nothing found, 1 for a vulnerability, 3 for no answer where one is required."""
    parser = argparse.ArgumentParser(prog="python -m supply_chain.audit", description=__doc__.partition("\n")[0])
    parser.add_argument("--required", action="store_true", help="fail where a service gives no answer")
    is_required = demanded(os.environ, asked=parser.parse_args().required)
    return audit(_run, locks=sorted(ROOT.glob("requirements*.txt")), is_required=is_required)


if __name__ == "__main__":
    sys.exit(main())
