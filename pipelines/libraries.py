"""Versions that ``requirements.txt`` pins. Standard library only: the stacks read them at synth."""

import re

from pipelines import inputs

RECORDED = {
    "numpy": "numpy",
    "pandas": "pandas",
    "pyarrow": "pyarrow",
    "scikit-learn": "scikit-learn",
    "xgboost": "xgboost-cpu",
}
"""Libraries that a model may depend on, by the name of their pin: the lock pins what the image of the jobs holds."""


class UnpinnedError(inputs.DefinitionInputError):
    """A version that has to be recorded is not in the lock."""


def pinned(package: str) -> str:
    """Return the version of a package in the lock.

    Raises:
        UnpinnedError: the lock does not hold it; names the command to run.
    """
    lock = (inputs.ROOT / "requirements.txt").read_text("utf-8")
    found = re.search(rf"^{re.escape(package)}==(\S+)", lock, re.MULTILINE)
    if found is None:
        raise UnpinnedError(f"requirements.txt pins no {package} version: run `make lock`")
    return found.group(1)


def recorded() -> dict[str, str]:
    """Return the versions that every model version carries in its record."""
    return {name: pinned(package) for name, package in RECORDED.items()}
