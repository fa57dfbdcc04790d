"""The conditions of a Condition step; all of them must hold."""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox.sagemaker.pipelines.paths import PathError

_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}


def all_hold(conditions: Sequence[Mapping[str, Any]]) -> bool:
    """Whether all conditions hold; their expressions are resolved already.

    Raises:
        PathError: for an unknown type, or values that cannot be compared.
    """
    return all(_holds(condition) for condition in conditions)


def _equal(left: Any, right: Any) -> bool:
    # In JSON true is not 1; in Python it would be.
    return bool(isinstance(left, bool) == isinstance(right, bool) and left == right)


def _holds(condition: Mapping[str, Any]) -> bool:
    match condition:
        case {"Type": "Equals", "LeftValue": left, "RightValue": right}:
            return _equal(left, right)
        case {"Type": str() as order, "LeftValue": left, "RightValue": right} if order in _ORDERS:
            try:
                return bool(_ORDERS[order](left, right))
            except TypeError as error:
                raise PathError(f"{order} cannot compare {left!r} with {right!r}") from error
        case {"Type": "In", "QueryValue": value, "Values": values}:
            return any(_equal(value, item) for item in values)
        case {"Type": "Not", "Expression": expression}:
            return not _holds(expression)
        case {"Type": "Or", "Conditions": conditions}:
            return any(_holds(inner) for inner in conditions)
    raise PathError(f"the condition {condition!r} is none of SageMaker's")
