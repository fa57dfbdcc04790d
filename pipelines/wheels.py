"""``python -m pipelines.wheels``: fetches the wheel that the Spark image lacks, as the lock pins it.

Synth reads the file and never the network, so it is fetched by hand (``make wheels``) and only where a project's
monitor runs on Spark. Standard library only: the stacks ask for the path.
"""

import re
import subprocess
import sys
from pathlib import Path

from pipelines import inputs, libraries

PACKAGE = "pyarrow"
FOLDER = inputs.ROOT / ".cache" / "wheels"
_PYTHON, _PLATFORM = "312", "manylinux_2_28_x86_64"
"""Of the image (repository aws/sagemaker-spark-container, ``spark/processing/3.5/py3/docker/py312``)."""


class MissingWheelError(inputs.DefinitionInputError):
    """The wheel has not been fetched."""


def path(*, folder: Path = FOLDER) -> Path:
    """Return where the wheel lies.

    Raises:
        MissingWheelError: it is not there; names the command to run.
    """
    version = libraries.pinned(PACKAGE)
    found = folder / f"{PACKAGE}-{version}-cp{_PYTHON}-cp{_PYTHON}-{_PLATFORM}.whl"
    if not found.is_file():
        raise MissingWheelError(
            f'monitoring.engine is "spark", and {found} is missing: run `make wheels`, which fetches '
            f"{PACKAGE} {version}"
        )
    return found


def fetch(*, folder: Path = FOLDER) -> Path:
    """Fetch the wheel and check it against the hashes of the lock; returns where it lies.

    Raises:
        subprocess.CalledProcessError: pip could not fetch it, or it is not what the lock says.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = folder / "wanted.txt"
    wanted.write_text(_locked(), "utf-8")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--only-binary=:all:", "--require-hashes"),
            *("--python-version", _PYTHON, "--platform", _PLATFORM),
            *("--dest", str(folder), "--requirement", str(wanted)),
        ],
        check=True,
    )
    wanted.unlink()
    return path(folder=folder)


def _locked() -> str:
    """Return the lines of the lock about the package: its version and every hash."""
    lock = (inputs.ROOT / "requirements.txt").read_text("utf-8")
    found = re.search(rf"^{PACKAGE}==.*?(?=^\S)", lock, re.MULTILINE | re.DOTALL)
    if found is None:
        raise libraries.UnpinnedError(f"requirements.txt pins no {PACKAGE} version: run `make lock`")
    return found[0]


if __name__ == "__main__":
    print(fetch())  # noqa: T201  # a command line speaks on stdout
