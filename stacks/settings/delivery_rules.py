"""Rules between the keys of the delivery, its environments and what AWS CodePipeline accepts."""

from collections.abc import Iterator, Mapping

from stacks.settings.messages import Problem, as_toml, did_you_mean
from stacks.settings.model import DeliveryPipelines, Environment, ProjectFile

_READ_BY = {"connection_arn": "connection", "object_key": "s3", "key_arn": "s3"}
"""The kind of source that reads a key; no other takes it."""
_OPTIONAL = ("key_arn",)
"""A bucket that is encrypted with a key of AWS has none to name."""


def broken(written: ProjectFile) -> Iterator[Problem]:
    """Problems of ``[delivery]``, once for the project."""
    if (delivery := written.delivery) is not None:
        yield from _source(delivery)
        yield from _environments(delivery, list(written.environments))
        yield from _places(delivery, written.environments)


def _source(delivery: DeliveryPipelines) -> Iterator[Problem]:
    because = f'because delivery.source is "{delivery.source}"'
    for key, reader in _READ_BY.items():
        value = getattr(delivery, key)
        if reader == delivery.source and value is None and key not in _OPTIONAL:
            yield Problem(f"delivery.{key}", None, f"a value, {because}", kind="missing")
        elif reader != delivery.source and value is not None:
            yield Problem(f"delivery.{key}", as_toml(value), f"no value, {because}")
    if delivery.source == "connection" and "/" not in delivery.repository:
        yield Problem(
            "delivery.repository",
            as_toml(delivery.repository),
            '"owner/name", because delivery.source is "connection"',
        )


def _environments(delivery: DeliveryPipelines, known: list[str]) -> Iterator[Problem]:
    for key in ("staging", "production"):
        name = getattr(delivery, key)
        if name not in known:
            yield Problem(
                f"delivery.{key}",
                as_toml(name),
                f"one of the environments: {', '.join(known)}",
                hint=did_you_mean(name, known),
            )
    if delivery.staging == delivery.production:
        yield Problem(
            "delivery.production",
            as_toml(delivery.production),
            "another environment than delivery.staging, which is tried first",
        )


def _places(delivery: DeliveryPipelines, environments: Mapping[str, Environment]) -> Iterator[Problem]:
    """A pipeline that goes to other accounts has to know its own (AWS CDK reference, "aws-cdk-lib.pipelines")."""
    own: tuple[str | None, str | None] = (delivery.account, delivery.region)
    for key, value, other in (("account", own[0], own[1]), ("region", own[1], own[0])):
        if value is None and other is not None:
            yield Problem(f"delivery.{key}", None, f'a value, because "{other}" says where it is', kind="missing")
    for name in (delivery.staging, delivery.production):
        place: str | None = environments[name].account if name in environments else None
        if name in environments and (place is None) != (own[0] is None):
            lacking, having = (
                (f"environments.{name}", "delivery") if place is None else ("delivery", f"environments.{name}")
            )
            yield Problem(
                f"{lacking}.account",
                None,
                f"an account id, because {having} has one: a pipeline that leaves its account knows all of them",
                kind="missing",
            )
