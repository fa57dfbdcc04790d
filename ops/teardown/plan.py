"""What has to go, in which order, and what would be lost by it. Nothing here asks AWS."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

STACKS = ("Network", "Storage", "Training", "Serving", "Monitoring", "Application")
_NAMED = 3
_KEEPING = frozenset({"Retain", "RetainExceptOnCreate", "Snapshot"})


class Kind(StrEnum):
    """Kinds of things, in the order in which they go: first whatever would react to the rest."""

    RULE = "event rule"
    SCHEDULE = "schedule"
    SOURCE = "event source"
    ALARM = "alarm's actions"
    EXECUTION = "running execution"
    REPLAY = "pipeline of a replay"
    ENDPOINT = "endpoint"
    CONFIG = "endpoint config"
    MODEL = "model"
    PACKAGE = "model package"
    WRITES = "bucket's writes"
    CONTENTS = "bucket's contents"
    STREAM = "log stream"
    BUCKET = "retained bucket"
    TABLE = "retained table"
    LOG_GROUP = "retained log group"
    PACKAGE_GROUP = "retained model package group"
    KEY = "retained key"
    OTHER = "retained resource"
    PROTECTION = "termination protection"

    @property
    def is_switched_off(self) -> bool:
        """Whether it only stops to work, and goes with its stack."""
        return self in {Kind.RULE, Kind.SCHEDULE, Kind.SOURCE, Kind.ALARM, Kind.WRITES, Kind.PROTECTION}

    @property
    def is_retained(self) -> bool:
        """Whether somebody has asked for it to outlive its stack."""
        return self in _RETAINED


RETAINED_TYPES = {
    "AWS::S3::Bucket": Kind.BUCKET,
    "AWS::DynamoDB::Table": Kind.TABLE,
    "AWS::Logs::LogGroup": Kind.LOG_GROUP,
    "AWS::SageMaker::ModelPackageGroup": Kind.PACKAGE_GROUP,
    "AWS::KMS::Key": Kind.KEY,
}
_RETAINED = frozenset({*RETAINED_TYPES.values(), Kind.OTHER, Kind.PROTECTION})


@dataclass(frozen=True)
class Resource:
    """A resource of a stack."""

    type: str
    id: str
    is_retained: bool


@dataclass(frozen=True)
class Stack:
    """A deployed stack."""

    name: str
    is_protected: bool
    resources: tuple[Resource, ...]


@dataclass(frozen=True)
class Thing:
    """Something that has to go.

    Attributes:
        kind: what it is.
        name: its name, or the ARN where it has none.
        place: the schedule's group, or the stream's log group.
        detail: how much it is, for people.
    """

    kind: Kind
    name: str
    place: str = ""
    detail: str = ""

    @property
    def key(self) -> tuple[Kind, str, str]:
        """What makes it the same thing at another time."""
        return self.kind, self.place, self.name

    @property
    def label(self) -> str:
        """What people are told it is."""
        about = f" ({self.detail})" if self.detail else ""
        return f"{self.kind} {f'{self.place} ' if self.place else ''}{self.name}{about}"

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return {"kind": self.kind.name.lower(), "name": self.name, "place": self.place, "detail": self.detail}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything of a stage that `cdk destroy` would leave or stumble over, in the order in which it goes."""

    stage: str
    stacks: tuple[Stack, ...]
    things: tuple[Thing, ...]

    @property
    def retained(self) -> tuple[Thing, ...]:
        """What outlives the stacks because somebody asked for it."""
        return tuple(thing for thing in self.things if thing.kind.is_retained)

    @property
    def refusal(self) -> str:
        """Why it is refused, and what would be lost."""
        lost = "; ".join(thing.label for thing in self.retained if thing.kind is not Kind.PROTECTION)
        served = [thing.name for thing in self.things if thing.kind is Kind.ENDPOINT]
        endpoint = f" The endpoint {served[0]} would stop answering." if served else ""
        return (
            f"{self.stage} is retained, nothing was changed. Lost for good would be: "
            f"{lost or 'what its stacks hold; they are protected against termination'}.{endpoint} "
            "--delete-retained deletes it nevertheless"
        )

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return {
            "stage": self.stage,
            "stacks": [stack.name for stack in self.stacks],
            "retained": bool(self.retained),
            "things": [thing.as_json() for thing in self.things],
        }


def keeps(definition: Any) -> bool:
    """Whether a resource of a template stays when its stack goes."""
    return isinstance(definition, dict) and definition.get("DeletionPolicy") in _KEEPING


def of_kind(kind: Kind, things: Iterable[Thing]) -> tuple[Thing, ...]:
    """Those of one kind."""
    return tuple(thing for thing in things if thing.kind is kind)


def summarized(things: Sequence[Thing]) -> list[tuple[str, int, str]]:
    """Rows of a table for people: kind, how many, and which."""
    rows = []
    for kind in Kind:
        some = of_kind(kind, things)
        if kind in {Kind.CONTENTS, Kind.BUCKET}:
            rows += [(str(kind), 1, f"{thing.name}: {thing.detail}") for thing in some]
        elif some:
            names = [f"{thing.name} ({thing.detail})" if thing.detail else thing.name for thing in some[:_NAMED]]
            more = [f"{len(some) - _NAMED} more"] if len(some) > _NAMED else []
            rows.append((str(kind), len(some), ", ".join([*names, *more])))
    return rows
