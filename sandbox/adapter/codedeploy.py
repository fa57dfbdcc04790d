"""CodeDeploy's CloudFormation types, and the update policy of a Lambda alias that makes CodeDeploy move it.

AWS page: "UpdatePolicy attribute" (AWS CloudFormation Template Reference), policy CodeDeployLambdaAliasUpdate.
"""

from collections.abc import Mapping
from typing import Any

from sandbox.adapter import internals
from sandbox.adapter.cloudformation import Properties, Provisioned, Provisions, generated_name
from sandbox.codedeploy.deployments import Alias, DeploymentError, Deployments
from sandbox.codedeploy.groups import APPLICATION, GROUP, Groups, read_group

ALIAS = "AWS::Lambda::Alias"
_POLICY = "CodeDeployLambdaAliasUpdate"


class Applications:
    """Creates and deletes applications; nothing but their tags can change."""

    def __init__(self, groups: Groups) -> None:
        self._groups = groups

    def create(self, logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
        """Create the application; gives its name."""
        if (platform := properties.get("ComputePlatform", "Server")) != "Lambda":
            raise ValueError(f"The sandbox has CodeDeploy for Lambda only, not for the compute platform {platform}.")
        name = str(properties.get("ApplicationName") or generated_name(stack_name, logical_id))
        self._groups.add_application(name)
        return name, {}

    def update(
        self, physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str
    ) -> Provisioned:
        """Keep the application, unless it has another name or platform."""
        if any(old.get(name) != new.get(name) for name in ("ApplicationName", "ComputePlatform")):
            return self.create(logical_id, new, stack_name)
        return physical_id, {}

    def delete(self, physical_id: str, properties: Properties) -> None:
        """Delete the application."""
        del properties
        self._groups.remove_application(physical_id)


class DeploymentGroups:
    """Creates, changes and deletes deployment groups."""

    def __init__(self, groups: Groups) -> None:
        self._groups = groups

    def create(self, logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
        """Create the group; gives its name."""
        name = str(properties.get("DeploymentGroupName") or generated_name(stack_name, logical_id))
        self._groups.put(str(properties["ApplicationName"]), name, read_group(properties), new=True)
        return name, {}

    def update(
        self, physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str
    ) -> Provisioned:
        """Change the group, or create one of another name or application."""
        if any(old.get(name) != new.get(name) for name in ("ApplicationName", "DeploymentGroupName")):
            return self.create(logical_id, new, stack_name)
        self._groups.put(str(new["ApplicationName"]), physical_id, read_group(new), new=False)
        return physical_id, {}

    def delete(self, physical_id: str, properties: Properties) -> None:
        """Delete the group."""
        self._groups.remove(str(properties["ApplicationName"]), physical_id)


class MovedAliases:
    """Aliases as the emulator provisions them, but for a new version that an update policy hands to CodeDeploy."""

    def __init__(self, original: Mapping[str, Any], groups: Groups, deployments: Deployments) -> None:
        self._original = original
        self._groups = groups
        self._deployments = deployments

    def create(self, logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
        """Create the alias: AWS deploys the first version without CodeDeploy."""
        created: Provisioned = self._original["create"](logical_id, properties, stack_name)
        return created

    def update(
        self, physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str
    ) -> Provisioned:
        """Let CodeDeploy move it to the new version, then change the rest.

        Raises:
            ValueError: when the deployment was stopped; CloudFormation then rolls the stack back.
        """
        policy = _policy(stack_name, logical_id)
        same = all(old.get(name) == new.get(name) for name in ("FunctionName", "Name"))
        if policy is not None and same and old.get("FunctionVersion") != new.get("FunctionVersion"):
            if hooks := sorted(name for name in policy if name.endswith("Hook")):
                raise ValueError(f"The sandbox runs no hooks of a deployment: {', '.join(hooks)}.")
            group = self._groups.get(policy["ApplicationName"], policy["DeploymentGroupName"])
            alias = Alias(str(new["FunctionName"]), str(new["Name"]), str(new["FunctionVersion"]))
            try:
                self._deployments.run(alias, group)
            except DeploymentError as error:
                raise ValueError(f"CodeDeploy could not move the alias {alias.name}. {error}") from error
        updated: Provisioned = self._original["update"](physical_id, old, new, stack_name, logical_id)
        return updated

    def delete(self, physical_id: str, properties: Properties) -> None:
        """Delete the alias."""
        self._original["delete"](physical_id, properties)


def _policy(stack_name: str, logical_id: str) -> dict[str, str] | None:
    """The alias's update policy in the template that is being deployed; None when it has none."""
    definition = internals.RESOURCE_DEFINITION.get()(stack_name, logical_id)
    policy = (definition.get("UpdatePolicy") or {}).get(_POLICY)
    if policy is None:
        return None
    resources = (internals.STACKS.get().get(stack_name) or {}).get("_resources") or {}
    return {name: _resolved(value, resources) for name, value in policy.items()}


def _resolved(value: Any, resources: Mapping[str, Mapping[str, Any]]) -> str:
    """A name in a template: written out, or a reference to a resource of the same stack.

    Raises:
        ValueError: for any other expression.
    """
    if isinstance(value, str):
        return value
    try:
        return str(resources[value["Ref"]]["PhysicalResourceId"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"The sandbox reads names and references in {_POLICY}, not {value!r}.") from error


def provisioners(deployments: Deployments) -> dict[str, Provisions]:
    """The provisioners of CodeDeploy's types and of Lambda's aliases, by the types' names."""
    groups = Groups()
    aliases = MovedAliases(internals.RESOURCE_HANDLERS.get()[ALIAS], groups, deployments)
    return {APPLICATION: Applications(groups), GROUP: DeploymentGroups(groups), ALIAS: aliases}
