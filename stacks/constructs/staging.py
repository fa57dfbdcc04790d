"""Assets from a chosen set of files: their hash changes with those files and with nothing else."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


@contextmanager
def staged(files: Iterable[tuple[str, Path]]) -> Iterator[str]:
    """A temporary folder holding ``files`` (path inside the asset, file on disk).

    The CDK copies an asset into its output when the construct is created, so the folder may go right after.
    """
    with TemporaryDirectory(prefix="tandem-asset-") as folder:
        for inside, source in files:
            target = Path(folder, inside)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        yield folder


def handler_files(name: str, *, root: Path) -> Iterator[tuple[str, Path]]:
    """The files of one handler: its own folder and what all handlers share.

    Raises:
        FileNotFoundError: there is no such handler below ``root``/lambdas.
    """
    package = root / "lambdas"
    if not (package / name / "handler.py").is_file():
        raise FileNotFoundError(f"{package / name / 'handler.py'} does not exist: every handler has a handler.py")
    sources = [package / "__init__.py", *(package / "shared").rglob("*.py"), *(package / name).rglob("*.py")]
    for source in sorted(sources):
        yield source.relative_to(root).as_posix(), source
