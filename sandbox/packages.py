"""Directories that hold exactly some packages of this virtual environment, or some programs.

A Lambda or a job must see what AWS gives it and nothing else, or a missing dependency goes unnoticed until production.
The packages are linked, not copied: building a directory takes milliseconds and compiled bytecode is shared.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sandbox.errors import SandboxError


@cache
def _distribution(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError as error:
        raise SandboxError(
            f"The package {name!r} is not installed, but an image or layer of the sandbox provides it: "
            "add it to requirements.in and run `make setup`."
        ) from error


def closure(names: Iterable[str], *, without: Iterable[str] = ()) -> dict[str, str]:
    """The packages and everything they require here, by canonical name, with their versions.

    Args:
        names: the packages to start from; `name[extra]` includes that extra's requirements.
        without: packages that are left out together with what only they would bring in.

    Raises:
        SandboxError: when one of them is not installed.
    """
    left_out = {canonicalize_name(name) for name in without}
    found: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [Requirement(name) for name in names]
    while waiting:
        requirement = waiting.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if name in left_out or (name, extras) in seen:
            continue
        seen.add((name, extras))
        installed = _distribution(name)
        found[name] = installed.version
        for text in installed.requires or ():
            needed = Requirement(text)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in {"", *extras}):
                waiting.append(needed)
    return dict(sorted(found.items()))


def _top_level(name: str) -> Iterator[Path]:
    """What an installed package put directly into site-packages: modules, packages, libraries and its metadata."""
    installed = _distribution(name)
    tops = {PurePosixPath(file).parts[0] for file in installed.files or ()}
    for top in sorted(tops - {"..", "__pycache__"}):
        path = Path(str(installed.locate_file(top)))
        if path.suffix != ".pth":
            yield path


def link_directory(parent: Path, packages: dict[str, str]) -> Path:
    """A directory below `parent` that links the packages (as `closure` gives them), built when it is missing.

    The directory's name depends on the packages and their versions, so another version is another directory.
    """
    content = "\n".join(
        f"{name}=={version} {_distribution(name).locate_file('')}" for name, version in packages.items()
    )
    directory = parent / hashlib.sha256(content.encode()).hexdigest()[:16]
    if directory.is_dir():
        return directory
    building = _start_building(directory)
    for name in packages:
        for path in _top_level(name):
            (building / path.name).symlink_to(path)
    return _finish_building(building, directory)


def program_directory(parent: Path, programs: dict[str, Path]) -> Path:
    """A directory below `parent` whose `bin` holds the programs, by name and source, built when it is missing."""
    sources = {name: path.read_bytes() for name, path in programs.items()}
    content = b"".join(name.encode() + source for name, source in sources.items())
    directory = parent / hashlib.sha256(content).hexdigest()[:16]
    if directory.is_dir():
        return directory
    building = _start_building(directory)
    (building / "bin").mkdir()
    for name, source in sources.items():
        program = building / "bin" / name
        program.write_bytes(source)
        program.chmod(0o755)
    return _finish_building(building, directory)


def _start_building(directory: Path) -> Path:
    building = directory.with_name(f"{directory.name}.{os.getpid()}")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    return building


def _finish_building(building: Path, directory: Path) -> Path:
    try:
        building.rename(directory)
    except OSError:
        # Another process built the same directory first; the content is the same by construction.
        shutil.rmtree(building)
    return directory
