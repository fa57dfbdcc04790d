"""Imports without what is only taken along.

XGBoost imports scikit-learn, and with it SciPy's statistics and pandas, to offer its estimators. Neither training nor
serving through XGBoost's native interface uses them, and they are three quarters of the time that a job or a model
server takes to import XGBoost (2.0 s with, 0.6 s without, measured on two cores).
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(package: str) -> Iterator[None]:
    """Let imports of a package fail inside the block, as if it were not installed.

    A package that is imported already stays: nothing is gained then, and whoever imported it relies on it.
    """
    if package in sys.modules:
        yield
        return
    # The import system refuses a module whose entry is None (Python language reference, "The module cache").
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]
