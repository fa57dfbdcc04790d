"""The pipeline and its build projects, as a synthesized template has them."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.adapter.settings import ACCOUNT, REGION
from sandbox.errors import SandboxError

_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
}
_SUBSTITUTION = re.compile(r"\$\{(!?)([^}]+)\}")


@dataclass(frozen=True)
class Action:
    """One action of a stage.

    Attributes:
        name: as the pipeline shows it.
        kind: category and provider, such as ``Build/CodeBuild``.
        order: actions of the same number may run side by side.
        configuration: of the provider.
        inputs: names of the artifacts it reads, the primary one first.
        outputs: names of the artifacts it makes.
        namespace: under which later actions find its variables.
    """

    name: str
    kind: str
    order: int
    configuration: Mapping[str, str]
    inputs: Sequence[str]
    outputs: Sequence[str]
    namespace: str | None = None


@dataclass(frozen=True)
class Stage:
    """One stage: its actions by their order, and whether a failure takes back what it deployed."""

    name: str
    actions: Sequence[Action]
    rolls_back: bool = False


@dataclass(frozen=True)
class Project:
    """A build project.

    Attributes:
        buildspec: the document, or the name of a file in the primary input.
        variables: environment variables of every build.
        image: of its container.
        minutes: longest build.
    """

    buildspec: str
    variables: Mapping[str, str]
    image: str
    minutes: int


@dataclass(frozen=True)
class Pipeline:
    """A pipeline that can be run."""

    name: str
    stages: Sequence[Stage]
    projects: Mapping[str, Project] = field(repr=False)

    @property
    def structure(self) -> tuple[object, ...]:
        """What a self-mutation would change: everything but the hashes of what is delivered."""
        return tuple(
            (stage.name, tuple((one.name, one.kind, one.order) for one in stage.actions)) for stage in self.stages
        )


def read(assembly: Path, name: str) -> Pipeline:
    """Read the pipeline of the stack ``name`` from a cloud assembly.

    Raises:
        SandboxError: there is no such stack, or it holds no single pipeline.
    """
    file = assembly / f"{name}.template.json"
    if not file.is_file():
        known = sorted(path.name.removesuffix(".template.json") for path in assembly.glob("*.template.json"))
        raise SandboxError(f"{assembly} has no stack {name!r}; it has {', '.join(known) or 'none at its top level'}.")
    resources = json.loads(file.read_text(encoding="utf-8"))["Resources"]
    pipelines = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::CodePipeline::Pipeline"]
    if len(pipelines) != 1:
        raise SandboxError(f"{file} holds {len(pipelines)} pipelines, one was expected.")
    projects = {
        id_: _project(_plain(one["Properties"]))
        for id_, one in resources.items()
        if one["Type"] == "AWS::CodeBuild::Project"
    }
    stages = tuple(_stage(each) for each in _plain(pipelines[0]["Stages"]))
    return Pipeline(name=name, stages=stages, projects=projects)


def _stage(found: Mapping[str, Any]) -> Stage:
    actions = sorted((_action(each) for each in found["Actions"]), key=lambda action: action.order)
    return Stage(
        name=found["Name"],
        actions=tuple(actions),
        rolls_back=found.get("OnFailure", {}).get("Result") == "ROLLBACK",
    )


def _action(found: Mapping[str, Any]) -> Action:
    kind = found["ActionTypeId"]
    return Action(
        name=found["Name"],
        kind=f"{kind['Category']}/{kind['Provider']}",
        order=int(found.get("RunOrder", 1)),
        configuration=found.get("Configuration", {}),
        inputs=tuple(each["Name"] for each in found.get("InputArtifacts", [])),
        outputs=tuple(each["Name"] for each in found.get("OutputArtifacts", [])),
        namespace=found.get("Namespace"),
    )


def _project(found: Mapping[str, Any]) -> Project:
    environment = found["Environment"]
    return Project(
        buildspec=found["Source"]["BuildSpec"],
        variables={each["Name"]: each["Value"] for each in environment.get("EnvironmentVariables", [])},
        image=environment["Image"],
        minutes=int(found.get("TimeoutInMinutes", 60)),
    )


def _plain(node: Any) -> Any:
    """The node without intrinsic functions; a resource stands as its logical id.

    Raises:
        SandboxError: a function that a pipeline's template was not expected to use.
    """
    match node:
        case list():
            return [_plain(each) for each in node]
        case {"Ref": str(name), **rest} if not rest:
            return _PSEUDO.get(name, name)
        case dict() if len(node) == 1 and next(iter(node)).startswith("Fn::"):
            ((function, argument),) = node.items()
            return _called(function, argument)
        case dict():
            return {key: _plain(value) for key, value in node.items()}
    return node


def _called(function: str, argument: Any) -> str:
    match function, argument:
        case "Fn::GetAtt", [*parts]:
            return ".".join(parts)
        case "Fn::Join", [separator, [*parts]]:
            return str(separator).join(str(_plain(each)) for each in parts)
        case "Fn::Sub", str():
            return _SUBSTITUTION.sub(lambda found: found[0] if found[1] else _PSEUDO.get(found[2], found[2]), argument)
    raise SandboxError(f"The pipeline's template uses {function}, which the sandbox does not resolve: {argument!r}")
