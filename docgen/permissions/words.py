"""Resources, conditions and principals of a template in words that are the same in every environment."""

import re
from collections.abc import Mapping
from typing import Any, Final

_HASH: Final = r"[0-9A-F]{8}"
_ARN: Final = re.compile(r"arn:[^:]*:[^:]+:[^:]*:(?P<account>[^:]*):(?P<rest>.+)")
_OWN_ACCOUNT: Final = ("", "{AccountId}")
_SIGNS: Final = {"ArnEquals": "=", "ArnLike": "=", "Bool": "=", "NumericLessThan": "<", "StringEquals": "="}


class UnknownExpressionError(ValueError):
    """A template holds something that this module has no words for: teach it, rather than describe half of a grant."""


def resource(value: Any, *, names: Mapping[str, str]) -> str:
    """A resource without what is the same for all: partition, region and the environment's own account.

    Args:
        value: as in the template.
        names: texts of this environment, and what stands for them in every environment.

    Raises:
        UnknownExpressionError: an intrinsic function that is not known here.
    """
    text = _named(_flat(value), names)
    found = _ARN.fullmatch(text)
    if found is None:
        return text
    if found["account"] in _OWN_ACCOUNT:
        return "this account" if found["rest"] == "root" else found["rest"]
    return f"{found['rest']} of {found['account']}"


def condition(block: Mapping[str, Mapping[str, Any]] | None, *, names: Mapping[str, str]) -> str:
    """A condition block on one line; nothing for a statement without one.

    Raises:
        UnknownExpressionError: an intrinsic function that is not known here.
    """
    told = [
        f"{key} {_SIGNS.get(operator, operator)} {', '.join(sorted(_value(one, names) for one in listed(values)))}"
        for operator, keys in (block or {}).items()
        for key, values in keys.items()
    ]
    return _named(" and ".join(sorted(told)), names)


def principal(value: Mapping[str, Any], *, names: Mapping[str, str]) -> str:
    """Whom a policy lets in.

    Raises:
        UnknownExpressionError: an intrinsic function that is not known here.
    """
    return ", ".join(sorted(_value(one, names) for many in value.values() for one in listed(many)))


def logical_name(logical_id: str) -> str:
    """A logical id without the hash that the CDK ends it with."""
    return re.sub(f"{_HASH}$", "", logical_id)


def listed(value: Any) -> list[Any]:
    """What IAM lets people write as one value or as many."""
    return value if isinstance(value, list) else [value]


def _value(value: Any, names: Mapping[str, str]) -> str:
    return resource(value, names=names).removesuffix(".{Region}.{URLSuffix}").removesuffix(".amazonaws.com")


def _flat(value: Any) -> str:
    match value:
        case str():
            text = value
        case int() | float():
            text = str(value)
        case {"Fn::Join": ["", [*parts]]}:
            text = "".join(_flat(part) for part in parts)
        case {"Ref": str(name)}:
            text = f"{{{name.removeprefix('AWS::')}}}" if name.startswith("AWS::") else logical_name(name)
        case {"Fn::GetAtt": [str(name), str(attribute)]} if re.search("(?:Arn|Id)$", attribute):
            text = logical_name(name)
        case {"Fn::Sub": str(template)}:
            text = re.sub(r"\$\{AWS::(\w+)\}", r"{\1}", template)
        case {"Fn::FindInMap": [_, _, str(column)]}:
            text = f"{{{column}}}"
        case {"Fn::ImportValue": str(export)}:
            text = _exported(export)
        case _:
            raise UnknownExpressionError(f"no words for {value}: add them to {__name__}")
    return text


def _exported(export: str) -> str:
    made = re.search(rf"ExportsOutput(?:FnGetAtt|Ref)(\w+?){_HASH}(?:Arn|GroupId)?{_HASH}$", export)
    return made[1] if made else re.sub("(?:Arn|Name)$", "", export.rpartition("-")[2])


def _named(text: str, names: Mapping[str, str]) -> str:
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, names[name])
    # An asset is named by its content.
    return re.sub(r"[0-9a-f]{64}", "<hash>", text)
