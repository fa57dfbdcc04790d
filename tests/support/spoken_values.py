"""Values of a template as short texts."""

from typing import Any


def said(value: Any) -> str:
    """A text; what is only known when it is deployed stands in angle brackets."""
    match value:
        case {"Fn::Join": ["", parts]}:
            return "".join(said(part) for part in parts)
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, _]}:
            return f"<{name}>"
    return str(value)
