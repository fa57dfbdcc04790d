"""Delivery: the pipeline of the application and the pipeline of the ML code, side by side.

Each is a stack of its own, because a pipeline changes itself first: two of them in one stack would deploy that stack
at the same time.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aws_cdk import Environment, Stack, Tags
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.delivery_pipeline import SOURCE_VERSION, Builds, DeliveryPipeline
from stacks.constructs.delivery_source import Paths
from stacks.constructs.staging import Staging
from stacks.settings import (
    DeliveryPipelines,
    ProjectSettings,
    Settings,
    SettingsError,
    Side,
    application_contract,
    delivery_stack,
)
from stacks.stage import ApplicationStage, EnvironmentStage, MlStage

_OPS: Final = ".venv/bin/python -m ops"
_EVERYWHERE = ("*.{toml,json,txt,py}", "Makefile", "lambdas/shared/**", "stacks/**")
"""What both pipelines stand on; a glob without a slash means the top level. A filter takes eight globs in all."""
_ML_TEMPLATES: Final = " ".join(
    f"tests/infrastructure/test_{name}.py"
    for name in ("event_paths", "storage", "training_pipeline", "monitoring", "rollback_alarms")
)
"""The templates of the ML side; tests of their permissions and alarms look at every project and take minutes."""
_NOTHING_BUILT = ("docs/**", "benchmarks/**", "sandbox/demo/**", "**/*.md")

_RUN_MINUTES: Final = 480
"""For a training run, its deployment, and a run that is under way and ends first; a build costs by the minute that it
takes."""
_ON_THE_WAY_MINUTES: Final = 60
"""Events, queues and a first endpoint's start; another deployment that is under way ends first."""


@dataclass(frozen=True)
class Delivered:
    """What both pipelines of a project deliver.

    Attributes:
        project: whose code it is.
        pipelines: its ``[delivery]``.
        root: of the repository.
        code_version: commit that the templates name.
        staging: where the code of the functions is put together.
    """

    project: ProjectSettings
    pipelines: DeliveryPipelines
    root: Path
    code_version: str
    staging: Staging


class DeliveryStack(Stack):
    """One pipeline, named ``<project>-delivery-<side>``, in the tooling account."""

    def __init__(self, scope: Construct, *, delivered: Delivered, side: Side, builds: Builds) -> None:
        project, delivery = delivered.project, delivered.pipelines
        super().__init__(
            scope,
            delivery_stack(project.name, side),
            description=f"{project.name}: the pipeline that delivers the {side} side",
            env=Environment(account=delivery.account, region=delivery.region),
        )
        if delivery.permissions_boundary:
            # The stack's own argument would hold for the environments as well, which may have none or another one.
            boundary = iam.ManagedPolicy.from_managed_policy_name(self, "Boundary", delivery.permissions_boundary)
            iam.PermissionsBoundary.of(self).apply(boundary)
        for key, value in delivery.tags.items():
            Tags.of(self).add(key, value)
        self._staging = project.environment(delivery.staging)
        self._production = project.environment(delivery.production)
        self._delivered = delivered
        self._line = DeliveryPipeline(
            self, "Delivery", project=project.name, side=side, delivery=delivery, builds=builds, root=delivered.root
        )

    def _stage(self, kind: type[EnvironmentStage], settings: Settings) -> EnvironmentStage:
        delivered = self._delivered
        return kind(
            self,
            settings=settings,
            root=delivered.root,
            code_version=delivered.code_version,
            staging=delivered.staging,
        )


class ApplicationDelivery(DeliveryStack):
    """Source → tests, lint, audit → staging → smoke test and contract → approval → production."""

    def __init__(self, scope: Construct, *, delivered: Delivered) -> None:
        project = delivered.project
        folder = project.folder.as_posix()
        super().__init__(
            scope,
            delivered=delivered,
            side="application",
            builds=Builds(
                commands=[
                    "make lint types",
                    _test(
                        "tests/unit/application tests/unit/settings tests/unit/ops/test_contract.py "
                        "tests/unit/lambdas/test_compatibility.py tests/infrastructure/test_application_stack.py",
                        report="application",
                    ),
                    _audit(delivered.pipelines),
                    _synth(project.name, "application"),
                ],
                paths=Paths(
                    includes=(
                        *_EVERYWHERE,
                        "application/**",
                        *(f"{folder}/{file}" for file in ("project.toml", "example.json", "*contract.json")),
                    ),
                    excludes=_NOTHING_BUILT,
                ),
            ),
        )
        for settings in (self._staging, self._production):
            contract = f"{folder}/{application_contract(settings.folder).name}"
            smoke = self._line.check(
                "Smoke",
                settings=settings,
                role="application",
                commands=[_smoke(settings)],
            )
            record = self._line.check(
                "Record",
                settings=settings,
                role="ml",
                commands=[f"{_OPS} contract record --contract {contract} --commit {SOURCE_VERSION}"],
            )
            # An application that does not work is taken back, and must not bind the models that are deployed later.
            record.add_step_dependency(smoke)
            self._line.deploy(
                self._stage(ApplicationStage, settings),
                before=[
                    self._line.check(
                        "Contract",
                        settings=settings,
                        role="ml",
                        commands=[f"{_OPS} contract check --tell --contract {contract}"],
                    )
                ],
                after=[smoke, record],
                needs_approval=settings is self._production,
            )
        self._line.finish()


class MlDelivery(DeliveryStack):
    """Source → checks, loop test → staging → a training run, its verdict, its deployment → approval → production.

    Nothing is asked of production afterwards: these stacks leave the endpoint as it is, so what its check could find
    wrong would not be the delivery's doing, and going back would not mend it.
    """

    def __init__(self, scope: Construct, *, delivered: Delivered) -> None:
        project = delivered.project
        folder = project.folder.as_posix()
        super().__init__(
            scope,
            delivered=delivered,
            side="ml",
            builds=Builds(
                commands=[
                    "make check",
                    _test(f"tests/unit/lambdas tests/unit/pipelines tests/contract {_ML_TEMPLATES}", report="ml"),
                    _test(
                        "tests/loop/test_drop_to_prediction.py tests/loop/test_any_project.py",
                        report="loop",
                        project=project.name,
                    ),
                    _audit(delivered.pipelines),
                    _synth(project.name, "ml"),
                ],
                paths=Paths(
                    includes=(*_EVERYWHERE, "lambdas/**", "pipelines/*", "pipelines/steps/**", f"{folder}/**"),
                    excludes=_NOTHING_BUILT,
                ),
            ),
        )
        self._line.deploy(
            self._stage(MlStage, self._staging),
            before=[],
            after=[
                self._line.check(
                    "Train",
                    settings=self._staging,
                    role="ml",
                    commands=[_train(self._staging)],
                    minutes=_RUN_MINUTES,
                )
            ],
        )
        self._line.deploy(self._stage(MlStage, self._production), before=[], after=[], needs_approval=True)
        self._line.finish()


_SIDES: Final[dict[str, type["ApplicationDelivery"] | type["MlDelivery"]]] = {
    "application": ApplicationDelivery,
    "ml": MlDelivery,
}


def add_deliveries(
    scope: Construct, project: ProjectSettings, *, side: str | None, root: Path, code_version: str, staging: Staging
) -> None:
    """Build the pipelines of a project that has a ``[delivery]``, or the one that ``-c delivery=`` names.

    Raises:
        SettingsError: there is no such pipeline.
    """
    if side is not None and side not in _SIDES:
        raise SettingsError(f"-c delivery={side}: unknown pipeline. Allowed: {', '.join(_SIDES)}.")
    if (delivery := project.delivery) is None:
        return
    delivered = Delivered(project=project, pipelines=delivery, root=root, code_version=code_version, staging=staging)
    for name, kind in _SIDES.items():
        if side in (None, name):
            kind(scope, delivered=delivered)


def _smoke(settings: Settings) -> str:
    secret = settings.application.jwt_credentials_secret
    return f"{_OPS} smoke --commit {SOURCE_VERSION}" + (f" --credentials-secret {secret}" if secret else "")


def _test(tests: str, *, report: str, project: str | None = None) -> str:
    """Run tests; make hands a variable of its command line on to them."""
    of = f" TANDEM_PROJECT={project}" if project else ""
    return f'make test TESTS="{tests}" REPORT=reports/{report}.xml{of}'


def _audit(delivery: DeliveryPipelines) -> str:
    return "make audit REQUIRED=1" if delivery.audit == "required" else "make audit"


def _train(settings: Settings) -> str:
    """A training run, followed to its verdict and to the deployment of what it promoted."""
    within = settings.rollout.max_minutes + _ON_THE_WAY_MINUTES
    return f'{_OPS} retrain --wait --until-live --live-within {within} --reason "delivery of {SOURCE_VERSION}"'


def _synth(project: str, side: Side) -> str:
    return f'make synth CONTEXT="-c project={project} -c delivery={side} -c code_version={SOURCE_VERSION}"'
