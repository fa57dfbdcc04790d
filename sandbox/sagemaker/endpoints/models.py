"""Models."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.sagemaker.endpoints.records import Container, Model
from sandbox.sagemaker.listing import Row, listed
from sandbox.sagemaker.names import arn
from sandbox.sagemaker.platform import Platform
from sandbox.sagemaker.protocol.dispatch import Answer, Operation, Request
from sandbox.sagemaker.protocol.errors import validation
from sandbox.sagemaker.registry.records import Package
from sandbox.sagemaker.storage import Storage
from sandbox.sagemaker.table import Table
from sandbox.sagemaker.tags import Tags


class Models:
    """The operations on models; `packages` finds a model package by name or ARN."""

    def __init__(self, platform: Platform, *, tags: Tags, packages: Callable[[str], Package]) -> None:
        self._platform = platform
        self._tags = tags
        self._packages = packages
        self._table: Table[Model] = Table(any_case=True)

    def operations(self) -> dict[str, Operation]:
        """The operations by their AWS names."""
        return {
            "CreateModel": self._create,
            "DescribeModel": self._describe,
            "ListModels": self._list,
            "DeleteModel": self._delete,
        }

    def existing(self, name: str) -> Model:
        """The model with this name; a ValidationException when there is none."""
        model = self._table.get(name)
        if model is None:
            raise validation(f'Could not find model "{arn(self._platform, "model", name)}".')
        return model

    def _create(self, request: Request) -> Answer:
        name = request["ModelName"]
        given = [request[key] for key in ("PrimaryContainer",) if key in request] or request.get("Containers", [])
        if len(given) != 1:
            raise validation("The sandbox serves models of one container: give PrimaryContainer.")
        if "ExecutionRoleArn" not in request:
            raise validation("ExecutionRoleArn is required by a model that is deployed.")
        model = Model(
            name=name,
            arn=arn(self._platform, "model", name),
            role_arn=request["ExecutionRoleArn"],
            container=self._container(given[0]),
            request=request,
            created=self._platform.clock.now(),
        )
        if self._table.get(name) is not None:
            raise validation(f'Cannot create already existing model "{model.arn}".')
        self._check_data(model)
        if not self._table.add(name, model):
            raise validation(f'Cannot create already existing model "{model.arn}".')
        self._tags.create(model.arn, request.get("Tags"))
        return {"ModelArn": model.arn}

    def _container(self, given: Mapping[str, Any]) -> Container:
        described = given
        if "ModelPackageName" in given:
            package = self._packages(given["ModelPackageName"])
            if package.approval not in (None, "Approved"):
                raise validation(
                    f"ModelPackage {package.arn} cannot be deployed: its ModelApprovalStatus is {package.approval}."
                )
            described = package.fields["InferenceSpecification"]["Containers"][0]
        if "Image" not in described:
            raise validation("The container needs Image, or ModelPackageName.")
        environment = {**described.get("Environment", {}), **given.get("Environment", {})}
        return Container(image=described["Image"], model_uri=_model_uri(described), environment=environment)

    def _check_data(self, model: Model) -> None:
        uri = model.container.model_uri
        if uri is None or uri.endswith("/") or Storage(self._platform, role_arn=model.role_arn).exists(uri):
            return
        raise validation(
            f'Could not access model data at {uri}. Please ensure that the role "{model.role_arn}" exists and that its '
            'trust relationship policy allows the action "sts:AssumeRole" for the service principal '
            '"sagemaker.amazonaws.com". Also ensure that the role has "s3:GetObject" permissions and that the object '
            f"is located in {self._platform.region}."
        )

    def _describe(self, request: Request) -> Answer:
        model = self.existing(request["ModelName"])
        answered = ("ModelName", "PrimaryContainer", "Containers", "ExecutionRoleArn", "VpcConfig")
        return {
            **{name: model.request[name] for name in answered if name in model.request},
            "ModelArn": model.arn,
            "CreationTime": model.created,
            "EnableNetworkIsolation": model.request.get("EnableNetworkIsolation", False),
        }

    def _list(self, request: Request) -> Answer:
        rows = [
            Row(
                name=model.name,
                created=model.created,
                number=number,
                summary={"ModelName": model.name, "ModelArn": model.arn, "CreationTime": model.created},
            )
            for number, model in enumerate(self._table.all())
        ]
        page, token = listed(rows, request, descending=True)
        return {"Models": page, "NextToken": token}

    def _delete(self, request: Request) -> Answer:
        model = self.existing(request["ModelName"])
        self._table.remove(model.name)
        self._tags.forget(model.arn)
        return {}


def _model_uri(container: Mapping[str, Any]) -> str | None:
    if "ModelDataUrl" in container:
        return str(container["ModelDataUrl"])
    source = container.get("ModelDataSource", {}).get("S3DataSource")
    return None if source is None else str(source["S3Uri"])
