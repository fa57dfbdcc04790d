"""Roles of cloud assemblies: of an environment, isolated or not, and of the two pipelines that deliver it."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.permissions import words
from benchmarks.permissions.grants import Role, roles
from stacks.assembly import build_app
from stacks.settings import ProjectSettings, Side, delivery_stack, load_projects

PROJECT: Final = "flights"
ENVIRONMENT: Final = "production"
STAGE: Final = f"{PROJECT}-{ENVIRONMENT}"
STACKS: Final = ("Network", "Storage", "Training", "Serving", "Monitoring", "Application")
SIDES: Final[tuple[Side, ...]] = ("application", "ml")


def of_environment(cloud_assembly: Path, *, project: str = PROJECT, environment: str = ENVIRONMENT) -> list[Role]:
    """The roles of an environment, stack by stack; those of the reference project's production unless named.

    Raises:
        FileNotFoundError: the assembly does not hold that environment.
    """
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
        for role in roles(_read(files[stack]), stack=stack, names=names | _places(files[stack].parent))
    ]


def of_deliveries(cloud_assembly: Path) -> list[Role]:
    """The roles of the reference project's two delivery pipelines."""
    return [role for side in SIDES for role in _of_delivery(cloud_assembly, side)]


def synthesize(root: Path, folder: Path) -> Path:
    """Write the cloud assembly of the reference project, its delivery pipelines included, into ``folder``."""
    return _synthesize([_reference(root)], root=root, folder=folder)


def synthesize_isolated(root: Path, folder: Path) -> Path:
    """Write the cloud assembly of its production environment in a network of its own into ``folder``."""
    project = _reference(root)
    place = project.environment(ENVIRONMENT)
    deployment = place.deployment.model_copy(update={"network": "isolated", "is_delivered": False})
    alone = {"environments": (place.model_copy(update={"deployment": deployment}),), "delivery": None}
    return _synthesize([project.model_copy(update=alone)], root=root, folder=folder)


def _reference(root: Path) -> ProjectSettings:
    (project,) = (each for each in load_projects(root) if each.name == PROJECT)
    return project


def _synthesize(projects: Sequence[ProjectSettings], *, root: Path, folder: Path) -> Path:
    # What is wrong with a template is for `make synth` to say.
    unchecked = {"@aws-cdk/core:validateAgainstDefaultRules": False}
    build_app(projects, root=root, outdir=folder, context=unchecked).synth()
    return folder


def _of_delivery(cloud_assembly: Path, side: Side) -> Iterator[Role]:
    name = delivery_stack(PROJECT, side)
    names = {
        name: "<project>-delivery-<side>",
        STAGE: "<stage>",
        STAGE.replace("-", ""): "<stage>",
        f"{PROJECT}-staging": "<staging>",
        f"{PROJECT}staging": "<staging>",
    }
    yield from roles(_read(cloud_assembly / f"{name}.template.json"), stack=f"delivery-{side}", names=names)


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
