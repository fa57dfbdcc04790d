"""The CloudFormation type of flow logs, which the emulator's EC2 knows and its CloudFormation does not.

AWS page: "AWS::EC2::FlowLog" (AWS CloudFormation Template Reference): every change of a property but the tags needs a
new one. Nothing flows in the sandbox, so nothing is logged.
"""

from typing import Any, Final

from botocore.exceptions import ClientError

from sandbox.adapter.cloudformation import Properties, Provisioned, coerce
from sandbox.adapter.resources import Clients
from sandbox.sagemaker.protocol.shapes import service_model

FLOW_LOG: Final = "AWS::EC2::FlowLog"


class FlowLogProvisioner:
    """Creates and deletes flow logs through the API of EC2; called from worker threads, for it calls the server."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def create(self, logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
        """Create the flow log; gives its id."""
        del logical_id, stack_name
        shape = service_model("ec2").operation_model("CreateFlowLogs").input_shape
        assert shape is not None  # noqa: S101 - the operation has one
        given: dict[str, Any] = {
            name: value for name, value in properties.items() if name not in {"ResourceId", "Tags"}
        }
        request = coerce({**given, "ResourceIds": [properties["ResourceId"]]}, shape, path="#")
        try:
            answer = self._clients("ec2").create_flow_logs(**request)
        except ClientError as error:
            raise ValueError(error.response["Error"]["Message"]) from error
        (name,) = answer["FlowLogIds"]
        return name, {"Id": name}

    def update(
        self, physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str
    ) -> Provisioned:
        """Replace the flow log if more than its tags has changed."""
        if {**old, "Tags": None} == {**new, "Tags": None}:
            return physical_id, {"Id": physical_id}
        created = self.create(logical_id, new, stack_name)
        self.delete(physical_id, old)
        return created

    def delete(self, physical_id: str, properties: Properties) -> None:
        """Delete the flow log; EC2 names those that it did not find and does not fail."""
        del properties
        self._clients("ec2").delete_flow_logs(FlowLogIds=[physical_id])
