"""Who asks: the name under which a request is on record."""

import getpass
import re

from ops.target import Target

_LONGEST = 200  # what the handlers take


def caller(target: Target) -> str:
    """Return the OS user in the sandbox, on AWS the last part of the caller's ARN: a user, or the session of a role."""
    if target.is_sandbox:
        return _os_user()
    return re.split("[/:]", target.sts.get_caller_identity()["Arn"])[-1][:_LONGEST]


def _os_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        return "operator"
