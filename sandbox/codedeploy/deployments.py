"""A deployment: the alias of a Lambda function moves to a new version, and back when an alarm goes on.

AWS pages: "Deployments on an AWS Lambda compute platform", "Monitoring deployments with Amazon CloudWatch alarms in
CodeDeploy" and "Redeploy and roll back a deployment with CodeDeploy"; for the weights "Implement Lambda canary
deployments using a weighted alias".
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from sandbox.codedeploy.configurations import shifts
from sandbox.codedeploy.groups import Group
from sandbox.sagemaker.platform import Clock
from sandbox.watching import ringing, watch

#: A client of a service with the rights of a role.
Clients = Callable[[str, str], Any]


class DeploymentError(Exception):
    """The deployment did not get to its end; the message is what CloudFormation shows."""


class _AlarmError(Exception):
    """An alarm of the group is on."""


@dataclass(frozen=True)
class Alias:
    """An alias of a function, and the version that it is to serve."""

    function: str
    name: str
    version: str


class Deployments:
    """Moves aliases; called from worker threads, for a deployment lasts as long as its configuration says."""

    def __init__(self, clients: Clients, clock: Clock) -> None:
        self._clients = clients
        self._clock = clock
        self._closing = threading.Event()

    def close(self) -> None:
        """Abandon the deployments under way."""
        self._closing.set()

    def run(self, alias: Alias, group: Group) -> None:
        """Move the alias as the group says, and return when all traffic is on the new version.

        Raises:
            DeploymentError: when it was stopped; the alias is back on its version if the group wants that.
        """
        client = self._clients("lambda", group.role_arn)
        try:
            before = str(_of(client, alias)["FunctionVersion"])
            if before == alias.version:
                return
            self._shift(client, alias, group, before=before)
        except _AlarmError as error:
            self._stop(client, alias, back=group.goes_back_on_alarm)
            raise DeploymentError(f"The deployment was stopped because alarms are active: {error}.") from error
        except (ClientError, BotoCoreError) as error:
            self._stop(client, alias, back=group.goes_back_on_failure)
            raise DeploymentError(f"The deployment failed: {error}") from error

    def _shift(self, client: Any, alias: Alias, group: Group, *, before: str) -> None:
        cloudwatch = self._clients("cloudwatch", group.role_arn)

        def check() -> None:
            if found := ringing(cloudwatch, group.alarms):
                raise _AlarmError(", ".join(found))

        check()
        for shift in shifts(group.configuration):
            _route(client, alias, version=before, weights={alias.version: shift.share})
            if not watch(self._clock, shift.seconds, check=check, closing=self._closing):
                raise DeploymentError("The deployment ends with the sandbox.")
        _route(client, alias, version=alias.version, weights={})

    def _stop(self, client: Any, alias: Alias, *, back: bool) -> None:
        if not back:
            return
        try:
            _route(client, alias, version=str(_of(client, alias)["FunctionVersion"]), weights={})
        except (ClientError, BotoCoreError) as error:
            raise DeploymentError(f"The deployment was stopped and could not be rolled back: {error}") from error


def _of(client: Any, alias: Alias) -> Mapping[str, Any]:
    found: Mapping[str, Any] = client.get_alias(FunctionName=alias.function, Name=alias.name)
    return found


def _route(client: Any, alias: Alias, *, version: str, weights: Mapping[str, float]) -> None:
    client.update_alias(
        FunctionName=alias.function,
        Name=alias.name,
        FunctionVersion=version,
        RoutingConfig={"AdditionalVersionWeights": dict(weights)},
    )
