"""A clean checkout of a commit, as a pipeline's source action stores it: no history, nothing that is not committed."""

import subprocess
import tarfile
from pathlib import Path

from sandbox.errors import SandboxError


def commit_of(repository: Path, revision: str) -> str:
    """The full id of a revision.

    Raises:
        SandboxError: there is no such revision, or no repository.
    """
    return _git(repository, "rev-parse", "--verify", f"{revision}^{{commit}}").decode().strip()


def is_clean(repository: Path) -> bool:
    """Whether everything in the working tree is committed."""
    return not _git(repository, "status", "--porcelain").strip()


def check_out(repository: Path, commit: str, folder: Path) -> Path:
    """Write the files of a commit into ``folder``."""
    folder.mkdir(parents=True)
    archive = folder.with_suffix(".tar")
    _git(repository, "archive", "--format=tar", f"--output={archive}", commit)
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    archive.unlink()
    return folder


def _git(repository: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", *arguments], cwd=repository, capture_output=True, check=False)  # noqa: S607
    except FileNotFoundError as error:
        raise SandboxError("A delivery starts from a commit: install git.") from error
    if done.returncode != 0:
        raise SandboxError(f"`git {' '.join(arguments)}` failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
