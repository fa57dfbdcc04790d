"""Whether a role lets EventBridge Scheduler assume it for a schedule.

AWS page: "Confused deputy prevention in EventBridge Scheduler": the source is the schedule's group.
"""

import fnmatch
from collections.abc import Mapping, Sequence
from typing import Any

SERVICE = "scheduler.amazonaws.com"


def trusts(policy: Mapping[str, Any], *, schedule_arn: str) -> bool:
    """Whether a trust policy allows it.

    Args:
        policy: the role's trust policy.
        schedule_arn: the schedule; the condition keys get its account and its group's ARN.
    """
    head, _, name = schedule_arn.partition(":schedule/")
    keys = {
        "aws:sourceaccount": head.split(":")[4],
        "aws:sourcearn": f"{head}:schedule-group/{name.split('/')[0]}",
    }
    matching = [one for one in _many(policy.get("Statement")) if _matches(one, keys)]
    return bool(matching) and all(one.get("Effect") == "Allow" for one in matching)


def _matches(statement: Mapping[str, Any], keys: Mapping[str, str]) -> bool:
    principal = statement.get("Principal", {})
    services = ["*"] if principal == "*" else _many(principal.get("Service"))
    actions = _many(statement.get("Action"))
    return (
        (SERVICE in services or "*" in services)
        and any(fnmatch.fnmatchcase("sts:AssumeRole", action) for action in actions)
        and all(
            _holds(operator, key, _many(values), keys)
            for operator, tests in statement.get("Condition", {}).items()
            for key, values in tests.items()
        )
    )


def _holds(operator: str, key: str, values: Sequence[Any], keys: Mapping[str, str]) -> bool:
    """One test of a condition; an operator that says nothing of text, or a key that is not there, does not hold."""
    value = keys.get(key.lower())
    if value is None:
        return operator.endswith("IfExists")
    match operator.removesuffix("IfExists"):
        case "StringEquals":
            return value in values
        case "StringLike" | "ArnLike" | "ArnEquals":
            return any(fnmatch.fnmatchcase(value, str(pattern)) for pattern in values)
        case _:
            return False


def _many(value: Any) -> Sequence[Any]:
    if value is None:
        return ()
    return value if isinstance(value, list) else (value,)
