"""Applications and deployment groups, which exist for CloudFormation only.

AWS pages: "AWS::CodeDeploy::Application" and "AWS::CodeDeploy::DeploymentGroup" (AWS CloudFormation Template
Reference).
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sandbox.codedeploy.configurations import shifts

APPLICATION: Final = "AWS::CodeDeploy::Application"
GROUP: Final = "AWS::CodeDeploy::DeploymentGroup"

_DEFAULT_CONFIGURATION = "CodeDeployDefault.LambdaAllAtOnce"
_ON_ALARM, _ON_FAILURE = "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_FAILURE"
_UNKNOWN = {"Triggers", "OnPremisesTagSet", "Ec2TagSet", "ECSServices", "LoadBalancerInfo"}


@dataclass(frozen=True)
class Group:
    """A deployment group of the Lambda compute platform.

    Attributes:
        configuration: the name of the deployment configuration.
        role_arn: the role with which aliases are moved and alarms are read.
        alarms: names of the alarms that stop a deployment.
        goes_back_on_alarm: whether a deployment that an alarm stopped is rolled back.
        goes_back_on_failure: whether a deployment that failed otherwise is rolled back.
    """

    configuration: str
    role_arn: str
    alarms: Sequence[str]
    goes_back_on_alarm: bool
    goes_back_on_failure: bool


def read_group(properties: Mapping[str, Any]) -> Group:
    """The group that a template describes.

    Raises:
        ValueError: for what AWS refuses, or the sandbox does not have.
    """
    if unknown := sorted(_UNKNOWN & set(properties)):
        raise ValueError(f"The sandbox has no deployment groups with {', '.join(unknown)}.")
    configuration = str(properties.get("DeploymentConfigName") or _DEFAULT_CONFIGURATION)
    shifts(configuration)
    alarms = properties.get("AlarmConfiguration") or {}
    rollback = properties.get("AutoRollbackConfiguration") or {}
    events = set(rollback.get("Events") or ()) if _is_true(rollback.get("Enabled", True)) else set()
    return Group(
        configuration=configuration,
        role_arn=str(properties["ServiceRoleArn"]),
        alarms=tuple(alarm["Name"] for alarm in alarms.get("Alarms") or ()) if _is_true(alarms.get("Enabled")) else (),
        goes_back_on_alarm=_ON_ALARM in events,
        goes_back_on_failure=_ON_FAILURE in events,
    )


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"


class Groups:
    """All applications with their groups, by name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._applications: dict[str, dict[str, Group]] = {}

    def add_application(self, name: str) -> None:
        """Create an application.

        Raises:
            ValueError: when there is one of that name.
        """
        with self._lock:
            if name in self._applications:
                raise ValueError(f"An application with the name {name} already exists.")
            self._applications[name] = {}

    def remove_application(self, name: str) -> None:
        """Delete an application with its groups; one that is gone already is deleted."""
        with self._lock:
            self._applications.pop(name, None)

    def put(self, application: str, name: str, group: Group, *, new: bool) -> None:
        """Create or change a group.

        Raises:
            ValueError: when there is no such application, or when a new group's name is taken.
        """
        with self._lock:
            groups = self._of(application)
            if new and name in groups:
                raise ValueError(f"Deployment group {name} already exists in application {application}.")
            groups[name] = group

    def remove(self, application: str, name: str) -> None:
        """Delete a group; one that is gone already is deleted."""
        with self._lock:
            self._applications.get(application, {}).pop(name, None)

    def get(self, application: str, name: str) -> Group:
        """The group of that name.

        Raises:
            ValueError: when there is none.
        """
        with self._lock:
            group = self._of(application).get(name)
        if group is None:
            raise ValueError(f"No Deployment Group found for name: {name}")
        return group

    def names(self) -> list[tuple[str, str]]:
        """Every application with each of its groups."""
        with self._lock:
            return [(application, group) for application, groups in self._applications.items() for group in groups]

    def _of(self, application: str) -> dict[str, Group]:
        if application not in self._applications:
            raise ValueError(f"No application found for name: {application}")
        return self._applications[application]
