"""Roles of cloud assemblies: of an environment, isolated or not, and of the two pipelines that deliver it."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from unittest import mock

from docgen.permissions import words
from docgen.permissions.grants import Role, roles
from docgen.permissions.policies import policies
from pipelines import compiled, wheels
from stacks.assembly import build_app
from stacks.settings import ProjectSettings, Side, delivery_stack, load_projects

PROJECT: Final = "flights"
ENVIRONMENT: Final = "production"
STAGE: Final = f"{PROJECT}-{ENVIRONMENT}"
STACKS: Final = ("Network", "Storage", "Training", "Serving", "Monitoring", "Application")
SIDES: Final[tuple[Side, ...]] = ("application", "ml")
_Read = Callable[..., Iterator[Role]]


def of_environment(cloud_assembly: Path, *, project: str = PROJECT, environment: str = ENVIRONMENT) -> list[Role]:
    """The roles of an environment, stack by stack; those of the reference project's production unless named.

    Raises:
        FileNotFoundError: the assembly does not hold that environment.
    """
    return _in_environment(cloud_assembly, roles, project=project, environment=environment)


def policies_of_environment(
    cloud_assembly: Path, *, project: str = PROJECT, environment: str = ENVIRONMENT
) -> list[Role]:
    """The resource policies of an environment, likewise.

    Raises:
        FileNotFoundError: the assembly does not hold that environment.
    """
    return _in_environment(cloud_assembly, policies, project=project, environment=environment)


def _in_environment(cloud_assembly: Path, read: _Read, *, project: str, environment: str) -> list[Role]:
    stage = f"{project}-{environment}"
    files = {_stack(file, stage): file for file in (cloud_assembly / f"assembly-{stage}").glob("*.template.json")}
    if not files:
        raise FileNotFoundError(f"{cloud_assembly} holds no templates of {stage}: synthesize that environment")
    names = {
        stage: "<stage>",
        f"{project}-delivery": "<project>-delivery",
        f":stage = {environment}": ":stage = <environment>",
    }
    return [
        role
        for stack in sorted(files, key=STACKS.index)
        for role in read(_read(files[stack]), stack=stack, names=names | _places(files[stack].parent))
    ]


def of_deliveries(cloud_assembly: Path) -> list[Role]:
    """The roles of the reference project's two delivery pipelines."""
    return [role for side in SIDES for role in _of_delivery(cloud_assembly, side, roles)]


def policies_of_deliveries(cloud_assembly: Path) -> list[Role]:
    """The resource policies of these pipelines."""
    return [policy for side in SIDES for policy in _of_delivery(cloud_assembly, side, policies)]


def synthesize(root: Path, folder: Path) -> Path:
    """Write the cloud assembly of the reference project, its delivery pipelines included, into ``folder``."""
    return _synthesize([_reference(root)], root=root, folder=folder)


def synthesize_isolated(root: Path, folder: Path) -> Path:
    """Write the cloud assembly of its production environment in a network of its own into ``folder``."""
    return _synthesize_alone("deployment", {"network": "isolated"}, root=root, folder=folder)


def synthesize_spark(root: Path, folder: Path) -> Path:
    """Write the cloud assembly of its production environment whose monitor runs on Spark into ``folder``.

    No right depends on what the jobs of the pipeline are or on what is in the wheel that they take along. So the
    committed definition, to which the cluster's parameter is added, and a small file stand in for both.
    """
    folder.mkdir(parents=True)
    wheel = folder.with_suffix(".whl")
    wheel.write_bytes(b"stands in for the wheel")
    load = compiled.load

    def load_for_spark(name: str, kind: compiled.Kind = "training", **options: Any) -> compiled.CompiledDefinition:
        committed = load(name, kind, **options)
        if kind != "monitoring":
            return committed
        body = json.loads(committed.text)
        body["Parameters"].append({"Name": "InstanceCount", "Type": "Integer", "DefaultValue": 1})
        return replace(committed, text=json.dumps(body))

    with (
        mock.patch.object(wheels, "path", return_value=wheel),
        mock.patch.object(compiled, "load", side_effect=load_for_spark),
    ):
        return _synthesize_alone("monitoring", {"engine": "spark"}, root=root, folder=folder)


def synthesize_jwt(root: Path, folder: Path) -> Path:
    """Write the cloud assembly of its production environment, whose application asks for tokens, into ``folder``.

    A pipeline delivers there, so that its smoke test needs a secret; the names of it and of its key stand for any.
    """
    tokens = {
        "authorization": "jwt",
        "jwt_issuer": "https://login.example.com",
        "jwt_audience": [PROJECT],
        "jwt_credentials_secret": "<jwt_credentials_secret>",
        "jwt_credentials_key": "arn:aws:kms:us-east-1::key/<jwt_credentials_key>",
    }
    return _synthesize_alone("application", tokens, root=root, folder=folder, is_delivered=True)


def _synthesize_alone(
    section: str, changes: Mapping[str, Any], *, root: Path, folder: Path, is_delivered: bool = False
) -> Path:
    """The production environment by itself, with a section of its settings changed."""
    project = _reference(root)
    place = project.environment(ENVIRONMENT)
    place = place.model_copy(update={"deployment": place.deployment.model_copy(update={"is_delivered": is_delivered})})
    changed = place.model_copy(update={section: getattr(place, section).model_copy(update=dict(changes))})
    alone = {"environments": (changed,), "delivery": None}
    return _synthesize([project.model_copy(update=alone)], root=root, folder=folder)


def _reference(root: Path) -> ProjectSettings:
    (project,) = (each for each in load_projects(root) if each.name == PROJECT)
    return project


def _synthesize(projects: Sequence[ProjectSettings], *, root: Path, folder: Path) -> Path:
    # What is wrong with a template is for `make synth` to say.
    unchecked = {"@aws-cdk/core:validateAgainstDefaultRules": False}
    build_app(projects, root=root, outdir=folder, context=unchecked).synth()
    return folder


def _of_delivery(cloud_assembly: Path, side: Side, read: _Read) -> Iterator[Role]:
    name = delivery_stack(PROJECT, side)
    names = {
        name: "<project>-delivery-<side>",
        STAGE: "<stage>",
        STAGE.replace("-", ""): "<stage>",
        f"{PROJECT}-staging": "<staging>",
        f"{PROJECT}staging": "<staging>",
    }
    yield from read(_read(cloud_assembly / f"{name}.template.json"), stack=f"delivery-{side}", names=names)


def _stack(file: Path, stage: str) -> str:
    return words.logical_name(file.name.removesuffix(".template.json")).removeprefix(stage.replace("-", ""))


def _places(folder: Path) -> dict[str, str]:
    """Account and region, where the settings name them."""
    artifacts: Sequence[Any] = _read(folder / "manifest.json")["artifacts"].values()
    (place,) = {one["environment"] for one in artifacts if one["type"] == "aws:cloudformation:stack"}
    account, region = place.removeprefix("aws://").split("/")
    return {} if account.startswith("unknown") else {account: "{AccountId}", region: "{Region}"}


def _read(file: Path) -> Any:
    return json.loads(file.read_text("utf-8"))
