"""How a step says why it stopped."""

_LIMIT = 1024
"""SageMaker cuts an exit message after this many characters (API reference, DescribeProcessingJob, ExitMessage)."""


class StepError(Exception):
    """A step cannot go on, for a reason that its message explains in one sentence to the person who reads it."""


def exit_message(reason: str) -> str:
    """Return a reason as one line that SageMaker keeps whole."""
    line = " ".join(reason.split())
    return line if len(line) <= _LIMIT else line[: _LIMIT - 1] + "…"
