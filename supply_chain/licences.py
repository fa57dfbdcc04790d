"""Whether all that is installed has an allowed licence: ``python -m supply_chain.licences [--required]``.

pyproject.toml says what is allowed. pip-licenses looks at one Python environment at a time; here it looks at each that
a lock has filled. npm's lock names the licence of every package, so that one is read as it is.
"""

import argparse
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
REFUSED: Final = 1
NOT_CHECKED: Final = 3
_PIP_LICENSES: Final = Path(".cache/tools/sbom/bin/pip-licenses")
_INSTALL: Final = "not installed: make licences REQUIRED=1"
_IN_VENV: Final = frozenset({"", "spark"})
"""Locks of .venv, by what stands behind ``requirements-``; the others fill environments below .cache/tools."""


@dataclass(frozen=True)
class Answer:
    """What a program said, and whether it was content."""

    exit_code: int
    out: str
    err: str = ""


@dataclass(frozen=True)
class Environment:
    """What one lock fills.

    Attributes:
        lock: its file.
        folder: the virtual environment.
    """

    lock: Path
    folder: Path

    @property
    def is_installed(self) -> bool:
        """Whether the first package that the lock was made for is there."""
        named = re.search(r"(?m)^[A-Za-z0-9][A-Za-z0-9._-]*", self.lock.with_suffix(".in").read_text("utf-8"))
        package = re.sub(r"[-_.]+", "_", named[0]).lower() if named else ""
        return any(self.folder.glob(f"lib/python*/site-packages/{package}-*.dist-info"))


def environments(root: Path) -> list[Environment]:
    """Every lock of Python packages with the environment that it fills."""
    return [Environment(lock, _folder(root, lock)) for lock in sorted(root.glob("requirements*.txt"))]


def npm_refused(
    lock: Mapping[str, Any], *, allowed: Iterable[str], exceptions: Mapping[str, str]
) -> tuple[list[str], list[str]]:
    """Return what is not allowed, one package a line, and the exceptions that were made, in the same form.

    An exception holds for one package with one licence, and only while the package serves development.
    """
    known, refused, excepted = frozenset(allowed), [], []
    packages = {path.rpartition("node_modules/")[2]: entry for path, entry in lock["packages"].items() if path}
    for name, entry in packages.items():
        licence = entry.get("license", "no licence")
        line = f"{name} {entry['version']}: {licence}"
        if licence in known:
            continue
        if exceptions.get(name) != licence:
            refused.append(f"{line} is not in [tool.npm-licences] of pyproject.toml: allow it there, or do without")
        elif not entry.get("dev", False):
            refused.append(f"{line} is an exception for development, and the package is more than that now")
        else:
            excepted.append(line)
    refused += [
        f"{name}: [tool.npm-licences.exceptions] names it, and no such package is locked: remove it"
        for name in exceptions
        if name not in packages
    ]
    return refused, excepted


def check(run: Callable[[Sequence[str]], Answer], *, root: Path, is_required: bool) -> int:
    """Print the licences of every environment and what is wrong with them; returns the exit code."""
    rules = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["npm-licences"]
    refused, excepted = npm_refused(
        json.loads((root / "package-lock.json").read_text("utf-8")),
        allowed=rules["allow-only"],
        exceptions=rules["exceptions"],
    )
    found = environments(root)
    missing = [each.lock.name for each in found if not each.is_installed]
    for folder in dict.fromkeys(each.folder for each in found if each.is_installed):
        answer = run([str(root / _PIP_LICENSES), "--python", str(folder / "bin/python")])
        name = folder.relative_to(root).as_posix()
        sys.stdout.write(f"licences: {name}\n{answer.out}")
        if answer.exit_code:
            refused.append(f"{name}: {_last_line(answer)}")
    sys.stdout.writelines(f"licences: package-lock.json: excepted: {line}\n" for line in excepted)
    sys.stdout.writelines(f"licences: {lock}: NOT CHECKED, {_INSTALL}\n" for lock in missing)
    sys.stdout.writelines(f"licences: NOT ALLOWED: {line}\n" for line in refused)
    if refused:
        return REFUSED
    return NOT_CHECKED if missing and is_required else 0


def _folder(root: Path, lock: Path) -> Path:
    name = lock.stem.removeprefix("requirements").removeprefix("-")
    return root / ".venv" if name in _IN_VENV else root / ".cache" / "tools" / name


def _last_line(answer: Answer) -> str:
    lines = [line.strip() for line in answer.err.splitlines() if line.strip()]
    return lines[-1] if lines else f"pip-licenses ended with exit code {answer.exit_code} and said nothing"


def _run(command: Sequence[str]) -> Answer:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return Answer(done.returncode, done.stdout, done.stderr)


def main() -> int:
    """Exit code 0 for all in order, 1 for a licence that is not allowed, 3 for a lock that was not looked at."""
    parser = argparse.ArgumentParser(prog="python -m supply_chain.licences", description=__doc__.partition("\n")[0])
    parser.add_argument("--required", action="store_true", help="fail where a lock is not installed")
    return check(_run, root=ROOT, is_required=parser.parse_args().required)


if __name__ == "__main__":
    sys.exit(main())
