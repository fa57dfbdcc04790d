"""What can go wrong at the command line, and the exit code that says so."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of every command; docs/operating.md lists them."""

    OK = 0
    ERROR = 1
    USAGE = 2
    MISMATCH = 3
    NOTHING_LIVE = 4
    INPUTS_LOST = 5
    BREACHED = 6
    NEVER_JUDGED = 7


class OpsError(Exception):
    """A failure the operator can act on; its text names the thing, its value and the fix."""
