"""Limits as one argument of a job, ``name=value name=value``: written where a run is started, read where it works.

Standard library only: the settings of the stacks and the compiler of the pipelines write limits, too.
"""

from collections.abc import Mapping
from typing import Any

from pipelines.steps.failure import StepError


def write(limits: Mapping[str, object]) -> str:
    """Write limits as one argument of a job."""
    return " ".join(f"{name}={value}" for name, value in limits.items())


def read(text: str, *, defaults: Mapping[str, object], of: str) -> dict[str, Any]:
    """Read what :func:`write` wrote.

    Args:
        text: the argument.
        defaults: every limit there is, with a value of its type.
        of: what is limited, for the messages.

    Raises:
        StepError: when a limit is unknown, missing or of the wrong type.
    """
    given = dict(entry.partition("=")[::2] for entry in text.split())
    if set(given) != set(defaults):
        raise StepError(f"{of} limits are {text!r}; they must be exactly {', '.join(defaults)}, each as name=value")
    return {name: _value(given[name], type(default), f"{of} limit {name}") for name, default in defaults.items()}


def _value(text: str, kind: type, name: str) -> Any:
    try:
        return kind(text)
    except ValueError as error:
        raise StepError(f"{name} is {text!r}, it must be a {kind.__name__}") from error
