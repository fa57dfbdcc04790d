"""Which files travel to the jobs: the one definition of the code bundle, for the stacks (the asset) and the tests.

Standard library only. The bundle holds the steps and one project, nothing that only people or the synth need
(settings, compiled definitions, the feeder, what is the application's), so that changing those leaves the bundle's
hash alone.
"""

from collections.abc import Iterator
from pathlib import Path

from pipelines.inputs import PROJECTS, ROOT

_NOT_FOR_JOBS = frozenset({"application.contract.json", "example.json", "feed.py", "project.toml"})
_SUFFIXES = frozenset({".py", ".json"})


def files(project: str, *, projects: Path = PROJECTS) -> Iterator[tuple[str, Path]]:
    """Yield (path inside the bundle, file on disk), sorted by the former."""
    package = ROOT / "pipelines"
    found = {f"pipelines/{name}": package / name for name in ("__init__.py", "projects/__init__.py")}
    found |= _below(package / "steps", "pipelines/steps")
    found |= _below(projects / project, f"pipelines/projects/{project}")
    yield from sorted(found.items())


def _below(folder: Path, prefix: str) -> dict[str, Path]:
    return {
        f"{prefix}/{path.relative_to(folder).as_posix()}": path
        for path in folder.rglob("*")
        if path.suffix in _SUFFIXES
        and path.name not in _NOT_FOR_JOBS
        and ".pipeline." not in path.name
        and "__pycache__" not in path.parts
    }
