"""Text from data on a terminal: it says what it says, and does nothing."""

import re
from typing import Final

from rich import markup

_ACTIVE: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
"""Control characters but tab and line break, and those that hide or reorder text."""


def plain(text: str) -> str:
    """Return text in which no character controls a terminal: an object's key may hold any, and ends up in a reason."""
    return _ACTIVE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def escape(text: str) -> str:
    """Return text from data that neither the terminal nor Rich's markup takes for a command."""
    return markup.escape(plain(text))
