"""CloudFormation types of CloudWatch and EventBridge Scheduler, provisioned through their public API.

So a template is refused for what the API refuses, and nothing that it says is dropped.

AWS pages: "Amazon CloudWatch resource type reference" and "Amazon EventBridge Scheduler resource type reference" (AWS
CloudFormation Template Reference).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from sandbox.adapter.cloudformation import Properties, Provisioned, coerce, generated_name
from sandbox.sagemaker.protocol.shapes import service_model

#: The client of a service that acts as the account.
Clients = Callable[[str], Any]

_GONE = frozenset({"ResourceNotFound", "ResourceNotFoundException", "DashboardNotFoundError"})


@dataclass(frozen=True)
class ApiType:
    """A CloudFormation type that an API creates.

    Attributes:
        name: the type's name in a template.
        service: the name of boto3's client.
        create: the operation that creates it.
        update: the operation that overwrites it; None when only its tags can change.
        delete: the operation that deletes it.
        key: the property with its name, which `Ref` gives.
        place: properties that say where it is; a change of one of them, or of the name, needs a new resource.
        deletes_many: the operation deletes a list of names, given in this member.
        arn: the ARN, as a format of account, region and the properties; empty when the type has none.
        tags: the operations that set and remove tags, with the member that takes the ARN.
        attributes: the operation that describes it, for `Fn::GetAtt`, and which members it gives.
    """

    name: str
    service: str
    create: str
    update: str | None
    delete: str
    key: str
    place: tuple[str, ...] = ()
    deletes_many: str | None = None
    arn: str = ""
    tags: tuple[str, str, str] | None = None
    attributes: tuple[str, tuple[str, ...]] | None = None


_ALARM_ARN = "arn:aws:cloudwatch:{region}:{account}:alarm:{AlarmName}"
_ALARM_TAGS = ("TagResource", "UntagResource", "ResourceARN")
TYPES = (
    ApiType(
        "AWS::CloudWatch::Alarm",
        "cloudwatch",
        create="PutMetricAlarm",
        update="PutMetricAlarm",
        delete="DeleteAlarms",
        key="AlarmName",
        deletes_many="AlarmNames",
        arn=_ALARM_ARN,
        tags=_ALARM_TAGS,
    ),
    ApiType(
        "AWS::CloudWatch::CompositeAlarm",
        "cloudwatch",
        create="PutCompositeAlarm",
        update="PutCompositeAlarm",
        delete="DeleteAlarms",
        key="AlarmName",
        deletes_many="AlarmNames",
        arn=_ALARM_ARN,
        # The emulator takes tags of composite alarms at their creation too, but not CloudFormation's own ones.
        tags=_ALARM_TAGS,
    ),
    ApiType(
        "AWS::CloudWatch::Dashboard",
        "cloudwatch",
        create="PutDashboard",
        update="PutDashboard",
        delete="DeleteDashboards",
        key="DashboardName",
        deletes_many="DashboardNames",
    ),
    ApiType(
        "AWS::Scheduler::Schedule",
        "scheduler",
        create="CreateSchedule",
        update="UpdateSchedule",
        delete="DeleteSchedule",
        key="Name",
        place=("GroupName",),
        attributes=("GetSchedule", ("Arn",)),
    ),
    ApiType(
        "AWS::Scheduler::ScheduleGroup",
        "scheduler",
        create="CreateScheduleGroup",
        update=None,
        delete="DeleteScheduleGroup",
        key="Name",
        arn="arn:aws:scheduler:{region}:{account}:schedule-group/{Name}",
        tags=("TagResource", "UntagResource", "ResourceArn"),
        attributes=("GetScheduleGroup", ("Arn", "State", "CreationDate", "LastModificationDate")),
    ),
)


class ApiProvisioner:
    """Creates, updates and deletes the resources of one type; called from worker threads, for it calls the server."""

    def __init__(self, api_type: ApiType, clients: Clients, *, account: str, region: str) -> None:
        self._type = api_type
        self._clients = clients
        self._account = account
        self._region = region

    def create(self, logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
        """Create the resource; gives the value of `Ref` and the attributes."""
        name = str(properties.get(self._type.key) or generated_name(stack_name, logical_id))
        given = {**properties, self._type.key: name}
        self._call(self._type.create, given)
        self._retag(given, old=(), new=given.get("Tags") or ())
        return name, self._attributes(given)

    def update(
        self, physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str
    ) -> Provisioned:
        """Bring the resource to its new properties, by a new one where it has another name or place."""
        name = str(new.get(self._type.key) or (generated_name(stack_name, logical_id) if self._type.key in old else ""))
        moved = any(old.get(place) != new.get(place) for place in self._type.place)
        if moved or (name and name != physical_id):
            created = self.create(logical_id, new, stack_name)
            self.delete(physical_id, old)
            return created
        given = {**new, self._type.key: physical_id}
        if self._type.update is not None:
            self._call(self._type.update, given)
        self._retag(given, old=old.get("Tags") or (), new=new.get("Tags") or ())
        return physical_id, self._attributes(given)

    def delete(self, physical_id: str, properties: Properties) -> None:
        """Delete the resource; one that is gone already is deleted."""
        if self._type.deletes_many is not None:
            request: dict[str, Any] = {self._type.deletes_many: [physical_id]}
        else:
            place = {name: properties[name] for name in self._type.place if name in properties}
            request = {self._type.key: physical_id, **place}
        try:
            self._send(self._type.delete, request)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise ValueError(error.response["Error"]["Message"]) from error

    def _call(self, operation: str, given: Mapping[str, Any]) -> None:
        shape = service_model(self._type.service).operation_model(operation).input_shape
        assert shape is not None  # noqa: S101 - every operation here has one
        # Tags follow by an operation of their own, for those that CloudFormation adds are not everybody's to set.
        properties = {name: value for name, value in given.items() if name != "Tags"}
        try:
            self._send(operation, coerce(properties, shape, path="#"))
        except ClientError as error:
            raise ValueError(error.response["Error"]["Message"]) from error
        except BotoCoreError as error:
            raise ValueError(str(error)) from error

    def _send(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = getattr(self._clients(self._type.service), xform_name(operation))(**request)
        return answer

    def _arn(self, given: Mapping[str, Any]) -> str:
        return self._type.arn.format(
            account=self._account, region=self._region, **{self._type.key: given[self._type.key]}
        )

    def _retag(self, given: Mapping[str, Any], *, old: Any, new: Any) -> None:
        if self._type.tags is None:
            return
        tag, untag, member = self._type.tags
        if gone := sorted({item["Key"] for item in old} - {item["Key"] for item in new}):
            self._send(untag, {member: self._arn(given), "TagKeys": gone})
        if new:
            tags = [{"Key": str(item["Key"]), "Value": str(item["Value"])} for item in new]
            self._send(tag, {member: self._arn(given), "Tags": tags})

    def _attributes(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if self._type.attributes is None:
            return {"Arn": self._arn(given)} if self._type.arn else {}
        describe, members = self._type.attributes
        place = {name: given[name] for name in self._type.place if name in given}
        answer = self._send(describe, {self._type.key: given[self._type.key], **place})
        return {member: str(answer[member]) for member in members}


def provisioners(clients: Clients, *, account: str, region: str) -> dict[str, ApiProvisioner]:
    """The provisioners of the types in `TYPES`, by the types' names."""
    return {api_type.name: ApiProvisioner(api_type, clients, account=account, region=region) for api_type in TYPES}
