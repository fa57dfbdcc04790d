"""SageMaker's CloudFormation types, provisioned through the API of the embedded SageMaker.

AWS page: "Amazon SageMaker AI resource type reference" (AWS CloudFormation Template Reference).
"""

import hashlib
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from botocore.model import ListShape, MapShape, Shape, StructureShape

from sandbox.adapter import internals
from sandbox.sagemaker.protocol.errors import AwsError
from sandbox.sagemaker.protocol.shapes import service_model

Properties = Mapping[str, Any]
Provisioned = tuple[str, dict[str, Any]]
#: Calls an operation of SageMaker by its AWS name.
Call = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]

_ENDPOINT_TIMEOUT_SECONDS = 900
_POLL_SECONDS = 0.2
_NAME_LENGTH = 63


@dataclass(frozen=True)
class ResourceType:
    """A CloudFormation type that SageMaker's API can create.

    Attributes:
        kind: the last part of the type's name, which the API's operations are named after.
        ref_is_arn: whether `Ref` gives the ARN instead of the name.
        updates: the properties that change without a replacement; a change of any other one needs a new resource.
        attributes: what `Fn::GetAtt` gives besides the name and the ARN, by the API's field.
    """

    kind: str
    ref_is_arn: bool
    updates: frozenset[str] = frozenset()
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The type's name in a template."""
        return f"AWS::SageMaker::{self.kind}"


TYPES = (
    ResourceType(
        "Pipeline",
        ref_is_arn=False,
        updates=frozenset(
            {"PipelineDefinition", "PipelineDescription", "PipelineDisplayName", "RoleArn", "ParallelismConfiguration"}
        ),
    ),
    ResourceType(
        "ModelPackageGroup", ref_is_arn=True, attributes={"ModelPackageGroupStatus": "ModelPackageGroupStatus"}
    ),
    ResourceType("Model", ref_is_arn=True),
    ResourceType("EndpointConfig", ref_is_arn=True),
    ResourceType(
        "Endpoint",
        ref_is_arn=True,
        updates=frozenset(
            {
                "EndpointConfigName",
                "DeploymentConfig",
                "RetainAllVariantProperties",
                "ExcludeRetainedVariantProperties",
                "RetainDeploymentConfig",
            }
        ),
    ),
)


def _as_it_is(value: Any) -> Any:
    return value


_SCALARS: Mapping[str, Callable[[Any], Any]] = {
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "boolean": lambda value: str(value).lower() == "true",
    "string": str,
}


def coerce(value: Any, shape: Shape, *, path: str) -> Any:
    """A template's value as the API's shape wants it: templates may write numbers and booleans as text.

    Raises:
        ValueError: for a property that the API does not have.
    """
    if isinstance(shape, StructureShape):
        members = shape.members
        if unknown := sorted(set(value) - set(members)):
            raise ValueError(f"Encountered unsupported property {path}/{unknown[0]}")
        return {name: coerce(item, members[name], path=f"{path}/{name}") for name, item in value.items()}
    if isinstance(shape, ListShape):
        return [coerce(item, shape.member, path=f"{path}/{index}") for index, item in enumerate(value)]
    if isinstance(shape, MapShape):
        return {name: coerce(item, shape.value, path=f"{path}/{name}") for name, item in value.items()}
    return _SCALARS.get(shape.type_name, _as_it_is)(value)


class Provisions(Protocol):
    """What creates, updates and deletes the resources of a type; called from worker threads."""

    def create(self, logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
        """Create the resource; gives the value of `Ref` and the attributes."""
        ...

    def update(
        self, physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str
    ) -> Provisioned:
        """Bring the resource to its new properties."""
        ...

    def delete(self, physical_id: str, properties: Properties) -> None:
        """Delete the resource."""
        ...


class Provisioner:
    """Creates, updates and deletes the resources of one type."""

    def __init__(self, resource_type: ResourceType, call: Call) -> None:
        self._type = resource_type
        self._operation = call
        self._name_field = f"{resource_type.kind}Name"

    def create(self, logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
        """Create the resource; gives the value of `Ref` and the attributes."""
        name = str(properties.get(self._name_field) or generated_name(stack_name, logical_id))
        self._call("Create", self._request(properties, name=name, operation=f"Create{self._type.kind}"))
        return self._provisioned(name)

    def update(
        self, physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str
    ) -> Provisioned:
        """Bring the resource to its new properties, in place where the type can, otherwise by a new one.

        Raises:
            ValueError: when a resource with a fixed name would have to be replaced.
        """
        name = physical_id.rsplit("/", 1)[-1]
        changed = {key for key in {*old, *new} if old.get(key) != new.get(key)}
        if changed - self._type.updates - {"Tags"}:
            if self._name_field in new and self._name_field not in changed:
                raise ValueError(
                    "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
                    f"Rename {name} and update the stack again."
                )
            created = self.create(f"{logical_id}{hashlib.sha256(repr(new).encode()).hexdigest()[:8]}", new, stack_name)
            self.delete(physical_id, old)
            return created
        if changed & self._type.updates:
            wanted = {key: value for key, value in new.items() if key in self._type.updates}
            self._call("Update", self._request(wanted, name=name, operation=f"Update{self._type.kind}"))
        if "Tags" in changed:
            self._retag(name, old.get("Tags") or [], new.get("Tags") or [])
        return self._provisioned(name)

    def delete(self, physical_id: str, properties: Properties) -> None:
        """Delete the resource; one that is gone already is deleted."""
        del properties
        request = {self._name_field: physical_id.rsplit("/", 1)[-1]}
        if self._type.kind == "Pipeline":
            request["ClientRequestToken"] = hashlib.sha256(f"{physical_id}{time.time_ns()}".encode()).hexdigest()
        try:
            self._call("Delete", request)
        except AwsError as error:
            if "could not find" not in error.message.lower() and "does not exist" not in error.message.lower():
                raise

    def _call(self, verb: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._operation(f"{verb}{self._type.kind}", request)

    def _request(self, properties: Properties, *, name: str, operation: str) -> dict[str, Any]:
        given = {**properties, self._name_field: name}
        if self._type.kind == "Pipeline":
            _spell_pipeline(given, operation=operation)
        shape = service_model("sagemaker").operation_model(operation).input_shape
        assert shape is not None  # noqa: S101 - every operation that creates or updates has one
        request: dict[str, Any] = coerce(given, shape, path="#")
        return request

    def _describe(self, name: str) -> Mapping[str, Any]:
        return self._call("Describe", {self._name_field: name})

    def _provisioned(self, name: str) -> Provisioned:
        described = self._describe(name) if self._type.kind != "Endpoint" else self._in_service(name)
        arn = str(described[f"{self._type.kind}Arn"])
        attributes = {self._name_field: name, f"{self._type.kind}Arn": arn, "Arn": arn}
        attributes.update({key: described[value] for key, value in self._type.attributes.items()})
        return (arn if self._type.ref_is_arn else name), attributes

    def _in_service(self, name: str) -> Mapping[str, Any]:
        """Wait as CloudFormation does until the endpoint serves.

        Raises:
            ValueError: when the endpoint fails or does not get there.
        """
        deadline = time.monotonic() + _ENDPOINT_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            described = self._describe(name)
            match described["EndpointStatus"]:
                case "InService":
                    return described
                case "Failed" | "OutOfService":
                    raise ValueError(f"Endpoint {name} failed: {described.get('FailureReason', 'no reason given')}")
                case _:
                    time.sleep(_POLL_SECONDS)
        raise ValueError(f"Endpoint {name} was not in service after {_ENDPOINT_TIMEOUT_SECONDS} seconds")

    def _retag(self, name: str, old: list[dict[str, str]], new: list[dict[str, str]]) -> None:
        arn = self._describe(name)[f"{self._type.kind}Arn"]
        if gone := sorted({tag["Key"] for tag in old} - {tag["Key"] for tag in new}):
            self._operation("DeleteTags", {"ResourceArn": arn, "TagKeys": gone})
        if new:
            self._operation("AddTags", {"ResourceArn": arn, "Tags": [dict(tag) for tag in new]})


def _spell_pipeline(given: dict[str, Any], *, operation: str) -> None:
    """Turn a template's pipeline definition into the request's: CloudFormation spells its places differently."""
    definition = given.pop("PipelineDefinition", None) or {}
    if "PipelineDefinitionBody" in definition:
        given["PipelineDefinition"] = definition["PipelineDefinitionBody"]
    elif location := definition.get("PipelineDefinitionS3Location"):
        given["PipelineDefinitionS3Location"] = {
            api: location[template]
            for template, api in (("Bucket", "Bucket"), ("Key", "ObjectKey"), ("Version", "VersionId"))
            if template in location
        }
    if operation == "CreatePipeline":
        given["ClientRequestToken"] = hashlib.sha256(f"{given['PipelineName']}{time.time_ns()}".encode()).hexdigest()


def generated_name(stack_name: str, logical_id: str) -> str:
    """A name for a resource whose template gives none: stable, so that a repeated update meets the same resource."""
    suffix = hashlib.sha256(f"{stack_name}/{logical_id}".encode()).hexdigest()[:12]
    stem = re.sub(r"[^A-Za-z0-9]+", "-", f"{stack_name}-{logical_id}").strip("-")
    return f"{stem[: _NAME_LENGTH - len(suffix) - 1].rstrip('-')}-{suffix}"


def provisioners(call: Call) -> dict[str, Provisioner]:
    """The provisioners of SageMaker's types, by the types' names."""
    return {resource_type.name: Provisioner(resource_type, call) for resource_type in TYPES}


def register(ours: Mapping[str, Provisions]) -> None:
    """Teach the emulator's CloudFormation types, by their names."""
    handlers = internals.RESOURCE_HANDLERS.get()
    for name, provisioner in ours.items():
        handlers[name] = {
            "create": provisioner.create,
            "update": provisioner.update,
            "update_with_logical_id": True,
            "delete": provisioner.delete,
        }
    original = internals.ON_WORKER_THREAD.get()

    def runs_on_worker_thread(resource_type: str) -> bool:
        return resource_type in ours or bool(original(resource_type))

    internals.ON_WORKER_THREAD.replace(runs_on_worker_thread)
