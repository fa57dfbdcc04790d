"""How a step says why it stopped."""

_LIMIT = 1024
"""SageMaker cuts an exit message after this many characters (API reference, DescribeProcessingJob, ExitMessage)."""


class StepError(Exception):
    """A step cannot go on, for a reason that its message explains in one sentence to the person who reads it."""


def exit_message(reason: str, *, reserve: int = 0) -> str:
    """Return a reason as one line that SageMaker keeps whole, with room for ``reserve`` characters more."""
    line, limit = " ".join(reason.split()), _LIMIT - reserve
    return line if len(line) <= limit else line[: limit - 1] + "…"
