"""Plain Python values to DynamoDB attribute values and back: the one place that knows how numbers and times are stored.

AWS page: "AttributeValue" (Amazon DynamoDB API Reference).
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lambdas.shared.clock import iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef


def encode_item(values: Mapping[str, Any]) -> "dict[str, AttributeValueTypeDef]":
    """Encode a mapping as an item; ``None`` values are left out, because an absent attribute is what they mean.

    Raises:
        TypeError: a value of a type that the ledger does not store.
        ValueError: a number that is not finite; DynamoDB has no such numbers.
    """
    return {key: encode(value) for key, value in values.items() if value is not None}


def decode_item(item: "Mapping[str, AttributeValueTypeDef]") -> dict[str, Any]:
    """Decode an item as DynamoDB returned it."""
    return {key: decode(value) for key, value in item.items()}


def encode(value: object) -> "AttributeValueTypeDef":
    """Encode one value; see :func:`encode_item` for what is raised."""
    match value:
        case bool():
            return {"BOOL": value}
        case str() | datetime():
            return {"S": iso(value) if isinstance(value, datetime) else str(value)}
        case int() | float():
            if not math.isfinite(value):
                raise ValueError(f"{value!r} cannot be stored: DynamoDB numbers are finite")
            return {"N": repr(value)}
        case Mapping():
            return {"M": encode_item(value)}
        case Sequence():
            return {"L": [encode(each) for each in value]}
        case _:
            raise TypeError(f"{value!r} ({type(value).__name__}) cannot be stored in the ledger")


def decode(attribute: "AttributeValueTypeDef") -> Any:
    """Decode one attribute value; whole numbers come back as ``int``, others as ``float``."""
    match attribute:
        case {"S": str(text)}:
            return text
        case {"BOOL": bool(flag)}:
            return flag
        case {"N": str(number)}:
            return int(number) if number.lstrip("-").isdigit() else float(number)
        case {"M": Mapping() as mapping}:
            return decode_item(mapping)
        case {"L": Sequence() as values}:
            return [decode(each) for each in values]
        case {"NULL": _}:
            return None
        case _:
            raise TypeError(f"the ledger does not use attribute values such as {attribute!r}")
