"""The git commit of a checkout, read from its files: synth runs no other program."""

from pathlib import Path
from typing import Final

UNKNOWN: Final = "unknown"


def code_version(root: Path) -> str:
    """The commit that ``root`` has checked out, or ``unknown`` outside a checkout.

    Follows the page "gitrepository-layout": ``.git`` may be a file that points elsewhere (worktrees), and a branch may
    live in ``packed-refs``.
    """
    folder = _git_folder(root)
    if folder is None:
        return UNKNOWN
    head = (folder / "HEAD").read_text("utf-8").strip()
    if not head.startswith("ref: "):
        return head
    return _commit_of(head.removeprefix("ref: "), folder) or UNKNOWN


def _git_folder(root: Path) -> Path | None:
    entry = root / ".git"
    if entry.is_file():
        entry = (root / entry.read_text("utf-8").strip().removeprefix("gitdir: ")).resolve()
    return entry if (entry / "HEAD").is_file() else None


def _commit_of(branch: str, folder: Path) -> str | None:
    common = folder / "commondir"
    homes = [folder, (folder / common.read_text("utf-8").strip()).resolve()] if common.is_file() else [folder]
    for home in homes:
        if (home / branch).is_file():
            return (home / branch).read_text("utf-8").strip()
        packed = home / "packed-refs"
        for line in packed.read_text("utf-8").splitlines() if packed.is_file() else []:
            commit, _, name = line.partition(" ")
            if name == branch:
                return commit
    return None
