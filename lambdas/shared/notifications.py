"""Messages to people through SNS: what happened, what it concerns, and what to do now.

AWS page: "Publish" (Amazon SNS API Reference): a subject is ASCII, at most 100 characters, without line breaks.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

_SUBJECT_LIMIT = 100


class Notifier:
    """Writes to the notification topic of one stage."""

    def __init__(self, client: "SNSClient", *, topic_arn: str, stage: str) -> None:
        self._client = client
        self._topic_arn = topic_arn
        self._stage = stage

    def tell(self, headline: str, *, text: str, facts: Mapping[str, object], action: str) -> None:
        """Send one message.

        Args:
            headline: what happened, in a few words; becomes the subject.
            text: one or two sentences.
            facts: names and values worth copying into a search box; ``None`` values are left out.
            action: what the reader should do, also when that is nothing.
        """
        width = max((len(name) for name in facts), default=0)
        lines = [f"  {name:<{width}}  {_line(value)}" for name, value in facts.items() if value is not None]
        told = [
            f"{_line(headline)} ({self._stage})",
            "",
            _line(text),
            "",
            *lines,
            "",
            f"What to do: {_line(action)}",
            "",
        ]
        body = "\n".join(told)
        self._client.publish(TopicArn=self._topic_arn, Subject=self._subject(headline), Message=body)

    def _subject(self, headline: str) -> str:
        plain = " ".join(f"[{self._stage}] {headline}".split()).encode("ascii", "replace").decode()
        return plain if len(plain) <= _SUBJECT_LIMIT else plain[: _SUBJECT_LIMIT - 3] + "..."


def _line(value: object) -> str:
    """Return one line of printable text, so that nothing from data can pass for another line of the message."""
    return " ".join("".join(character if character.isprintable() else " " for character in str(value)).split())
