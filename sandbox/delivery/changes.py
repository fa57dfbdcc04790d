"""The CloudFormation actions of a pipeline, on the embedded AWS: make a change set, execute it."""

import contextlib
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from sandbox.delivery.template import Action
from sandbox.errors import SandboxError

_NOTHING = ("didn't contain changes", "No updates are to be performed")
_POLL = {"Delay": 1, "MaxAttempts": 1800}


@dataclass(frozen=True)
class Stacks:
    """CloudFormation of the embedded AWS, and a bucket for templates: one that is sent along may have 51,200 bytes.

    Attributes:
        cloudformation: client.
        s3: client.
        bucket: where templates are put; the bootstrap's, which every environment has.
    """

    cloudformation: Any
    s3: Any
    bucket: str

    def store(self, template: str) -> str:
        """Put a template into the bucket; returns its address."""
        body = template.encode()
        key = f"delivery/{hashlib.sha256(body).hexdigest()}.template.json"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"https://s3.{self.s3.meta.region_name}.amazonaws.com/{self.bucket}/{key}"


def run(action: Action, *, stacks: Stacks, artifacts: Mapping[str, Path], say: Callable[[str], None]) -> dict[str, str]:
    """Do what the action's mode says; returns the outputs of the stack once it is deployed.

    Raises:
        SandboxError: CloudFormation refuses, or the stack goes back.
    """
    settings = action.configuration
    stack, change_set, cloudformation = settings["StackName"], settings["ChangeSetName"], stacks.cloudformation
    try:
        match settings["ActionMode"]:
            case "CHANGE_SET_REPLACE":
                url = stacks.store(_template(settings["TemplatePath"], artifacts))
                _replace(cloudformation, stack, change_set, url, settings)
                say(f"change set for {stack}")
                return {}
            case "CHANGE_SET_EXECUTE":
                _execute(cloudformation, stack, change_set)
                say(f"{stack} is deployed")
                return _outputs(cloudformation, stack)
            case mode:
                raise SandboxError(f"{action.name}: the sandbox does not know the action mode {mode!r}.")
    except ClientError as error:
        raise SandboxError(f"{stack}: {error}") from error


def _template(path: str, artifacts: Mapping[str, Path]) -> str:
    artifact, _, inside = path.partition("::")
    return (artifacts[artifact] / inside).read_text(encoding="utf-8")


def _replace(cloudformation: Any, stack: str, change_set: str, url: str, settings: Mapping[str, str]) -> None:
    with contextlib.suppress(ClientError):
        # There is none from an earlier execution.
        cloudformation.delete_change_set(StackName=stack, ChangeSetName=change_set)
    cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName=change_set,
        ChangeSetType="UPDATE" if _exists(cloudformation, stack) else "CREATE",
        TemplateURL=url,
        Capabilities=settings.get("Capabilities", "").split(","),
    )
    try:
        cloudformation.get_waiter("change_set_create_complete").wait(
            StackName=stack, ChangeSetName=change_set, WaiterConfig=_POLL
        )
    except WaiterError as error:
        found = cloudformation.describe_change_set(StackName=stack, ChangeSetName=change_set)
        if not any(text in found.get("StatusReason", "") for text in _NOTHING):
            raise SandboxError(f"{stack}: the change set failed: {found.get('StatusReason')}") from error


def _execute(cloudformation: Any, stack: str, change_set: str) -> None:
    found = cloudformation.describe_change_set(StackName=stack, ChangeSetName=change_set)
    if found["Status"] == "FAILED":
        # It would change nothing.
        return
    created = found.get("ChangeSetType") == "CREATE" or _status(cloudformation, stack) == "REVIEW_IN_PROGRESS"
    cloudformation.execute_change_set(StackName=stack, ChangeSetName=change_set)
    try:
        waiter = "stack_create_complete" if created else "stack_update_complete"
        cloudformation.get_waiter(waiter).wait(StackName=stack, WaiterConfig=_POLL)
    except WaiterError as error:
        raise SandboxError(f"{stack}: {_status(cloudformation, stack)}: {_reason(cloudformation, stack)}") from error


def _exists(cloudformation: Any, stack: str) -> bool:
    return _status(cloudformation, stack) not in (None, "REVIEW_IN_PROGRESS", "DELETE_COMPLETE")


def _status(cloudformation: Any, stack: str) -> str | None:
    try:
        status: str = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return status


def _reason(cloudformation: Any, stack: str) -> str:
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    failed = [each for each in events if each["ResourceStatus"].endswith("_FAILED")]
    return "; ".join(f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason', '')}" for each in failed[-3:])


def _outputs(cloudformation: Any, stack: str) -> dict[str, str]:
    found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}
