"""Assets from a chosen set of files: their hash changes with those files and with nothing else."""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from pipelines import bundle
from stacks.settings import Settings, application_contract


class Staging:
    """Folders that hold exactly the files of an asset, each made once for all stages of an app.

    The CDK copies a folder into its output and hashes it when the first asset of it is created, and remembers both;
    so every environment has its own asset, and the work is done once. The folders go when the app has been built.
    """

    def __init__(self) -> None:
        self._home = TemporaryDirectory(prefix="tandem-assets-")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._home.cleanup()

    def handler(self, name: str, *, root: Path) -> str:
        """The code of one handler.

        Raises:
            FileNotFoundError: there is no such handler below ``root``/lambdas.
        """
        return self._folder(f"handler-{name}", handler_files(name, root=root))

    def application(self, settings: Settings, *, root: Path) -> str:
        """The code of the application, with the contract that it speaks."""
        return self._folder(f"application-{settings.project.name}", application_files(settings, root=root))

    def bundle(self, settings: Settings) -> str:
        """The code that the jobs of a project's pipelines run."""
        name = settings.project.name
        return self._folder(f"bundle-{name}", bundle.files(name, projects=settings.folder.parent))

    def _folder(self, name: str, files: Iterable[tuple[str, Path]]) -> str:
        folder = Path(self._home.name, name)
        if not folder.exists():
            for inside, source in files:
                target = folder / inside
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
        return str(folder)


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


def application_files(settings: Settings, *, root: Path) -> Iterator[tuple[str, Path]]:
    """The files of a project's application: its code, what it shares with the handlers, and ``contract.json``."""
    package = root / "lambdas"
    sources = [*(root / "application").rglob("*.py"), package / "__init__.py", *(package / "shared").rglob("*.py")]
    for source in sorted(sources):
        yield source.relative_to(root).as_posix(), source
    yield "application/contract.json", application_contract(settings.folder)
