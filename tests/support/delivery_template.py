"""What tests ask of the template of a delivery pipeline."""

import json
from collections.abc import Iterator
from typing import Any

from resolved_policies import listed
from spoken_values import said


def pipeline(line: Any) -> Any:
    """The pipeline's properties."""
    return line.one("AWS::CodePipeline::Pipeline", "DeliveryPipeline")


def projects(line: Any) -> dict[str, Any]:
    """Properties of all builds by logical id."""
    return dict(line.all("AWS::CodeBuild::Project"))


def build(line: Any) -> Any:
    """Properties of the build that tests and synthesizes."""
    return line.one("AWS::CodeBuild::Project", "DeliveryPipelineBuild")


def buildspec(project: Any) -> Any:
    """The document of a build."""
    return json.loads(project["Source"]["BuildSpec"])


def commands(line: Any) -> Iterator[tuple[str, Any, str]]:
    """Every command that is written here: the project's id, its properties, and the command."""
    for name, project in projects(line).items():
        if name.startswith("DeliveryPipeline"):
            for command in buildspec(project)["phases"]["build"]["commands"]:
                yield name, project, command


def allowed(line: Any, start: str) -> Iterator[tuple[str, str]]:
    """Action and resource of everything that a role may do; its logical id begins with ``start``."""
    reference = {"Ref": line.id("AWS::IAM::Role", start)}
    for policy in line.all("AWS::IAM::Policy").values():
        if reference in policy["Roles"]:
            for one in policy["PolicyDocument"]["Statement"]:
                for action in listed(one["Action"]):
                    for resource in listed(one["Resource"]):
                        yield action, said(resource)
