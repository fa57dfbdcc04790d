"""The folder of a demo's record."""

from pathlib import Path
from shutil import rmtree

from sandbox.errors import SandboxError

_MARK = ".made-by-the-demo"


def check(folder: Path) -> None:
    """Make sure that nobody loses anything when the folder is emptied.

    Raises:
        SandboxError: it is a file, or holds something that no demo wrote.
    """
    if folder.exists() and not folder.is_dir():
        raise SandboxError(f"{folder} is a file: choose a folder for the record with --output.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / _MARK).is_file():
        raise SandboxError(
            f"{folder} is not empty and was not made by the demo, which would empty it: choose another folder with "
            "--output, or move away what is in it."
        )


def renew(folder: Path) -> None:
    """Begin a record in the folder: what a former demo left is gone.

    Raises:
        SandboxError: as `check`.
    """
    check(folder)
    rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / _MARK).write_text("This folder was made by `python -m sandbox demo`, which may empty it.\n", "utf-8")
