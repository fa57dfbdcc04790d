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
    NOT_LIVE = 8
    NOT_TRAINED = 9
    INCOMPATIBLE = 10
    RETAINED = 11
    NOT_WORKING = 12
    NOT_REDRIVEN = 13


class OpsError(Exception):
    """A failure the operator can act on; its text names the thing, its value and the fix."""

    exit_code = ExitCode.ERROR


class UsageError(OpsError):
    """The options do not fit each other, or this place."""

    exit_code = ExitCode.USAGE


class NothingLiveError(OpsError):
    """What was asked for needs a live version."""

    exit_code = ExitCode.NOTHING_LIVE


class RetainedError(OpsError):
    """What would be lost was to be kept."""

    exit_code = ExitCode.RETAINED
