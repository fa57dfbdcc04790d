"""Endpoint configurations."""

from collections.abc import Callable

from sandbox.sagemaker.endpoints.records import EndpointConfig, Model
from sandbox.sagemaker.listing import Row, listed
from sandbox.sagemaker.names import arn
from sandbox.sagemaker.platform import Platform
from sandbox.sagemaker.protocol.dispatch import Answer, Operation, Request
from sandbox.sagemaker.protocol.errors import validation
from sandbox.sagemaker.table import Table
from sandbox.sagemaker.tags import Tags

_UNSUPPORTED = ("AsyncInferenceConfig", "ExplainerConfig", "ShadowProductionVariants")


class EndpointConfigs:
    """The operations on endpoint configurations; `models` finds a model by name."""

    def __init__(self, platform: Platform, *, tags: Tags, models: Callable[[str], Model]) -> None:
        self._platform = platform
        self._tags = tags
        self._models = models
        self._table: Table[EndpointConfig] = Table(any_case=True)

    def operations(self) -> dict[str, Operation]:
        """The operations by their AWS names."""
        return {
            "CreateEndpointConfig": self._create,
            "DescribeEndpointConfig": self._describe,
            "ListEndpointConfigs": self._list,
            "DeleteEndpointConfig": self._delete,
        }

    def existing(self, name: str) -> EndpointConfig:
        """The configuration with this name; a ValidationException when there is none."""
        config = self._table.get(name)
        if config is None:
            raise validation(f'Could not find endpoint configuration "{arn(self._platform, "endpoint-config", name)}".')
        return config

    def _create(self, request: Request) -> Answer:
        self._check(request)
        name = request["EndpointConfigName"]
        config = EndpointConfig(
            name=name,
            arn=arn(self._platform, "endpoint-config", name),
            request=request,
            created=self._platform.clock.now(),
        )
        if not self._table.add(name, config):
            raise validation(f'Cannot create already existing endpoint configuration "{config.arn}".')
        self._tags.create(config.arn, request.get("Tags"))
        return {"EndpointConfigArn": config.arn}

    def _check(self, request: Request) -> None:
        unsupported = [name for name in _UNSUPPORTED if request.get(name)]
        if unsupported:
            raise validation(f"The sandbox does not support {', '.join(unsupported)}.")
        names = [variant["VariantName"] for variant in request["ProductionVariants"]]
        if len(set(names)) < len(names):
            raise validation(f"The variant names must be unique: {names}.")
        for variant in request["ProductionVariants"]:
            if "ModelName" not in variant or "InstanceType" not in variant:
                raise validation(
                    f"Variant {variant['VariantName']!r}: the sandbox serves models on instances; give ModelName and "
                    "InstanceType."
                )
            self._models(variant["ModelName"])

    def _describe(self, request: Request) -> Answer:
        config = self.existing(request["EndpointConfigName"])
        members = {name: value for name, value in config.request.items() if name != "Tags"}
        return {**members, "EndpointConfigArn": config.arn, "CreationTime": config.created}

    def _list(self, request: Request) -> Answer:
        rows = [
            Row(
                name=config.name,
                created=config.created,
                number=number,
                summary={
                    "EndpointConfigName": config.name,
                    "EndpointConfigArn": config.arn,
                    "CreationTime": config.created,
                },
            )
            for number, config in enumerate(self._table.all())
        ]
        page, token = listed(rows, request, descending=True)
        return {"EndpointConfigs": page, "NextToken": token}

    def _delete(self, request: Request) -> Answer:
        config = self.existing(request["EndpointConfigName"])
        self._table.remove(config.name)
        self._tags.forget(config.arn)
        return {}
