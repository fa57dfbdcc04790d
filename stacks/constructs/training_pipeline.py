"""The SageMaker training pipeline from its committed definition."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from constructs import Construct

from pipelines import compiled, inputs
from stacks.constructs.bucket import SecureBucket
from stacks.constructs.model_registry import ModelRegistry
from stacks.constructs.placement import Placement
from stacks.constructs.regional import xgboost_image
from stacks.constructs.sagemaker_pipeline import PROCESSING, TRAINING, Definition, Jobs, SageMakerPipeline
from stacks.constructs.staging import Staging
from stacks.errors import StalePipelineError
from stacks.settings import Settings

_JOBS: Final = frozenset({"Processing", "Training"})


@dataclass(frozen=True)
class TrainingDefinition(Definition):
    """The committed training pipeline.

    Attributes:
        contract_version: version of the contract that its models will speak.
        jobs: how many jobs it starts, one after the other.
    """

    contract_version: str
    jobs: int


def read_definition(settings: Settings) -> TrainingDefinition:
    """Read the project's compiled training pipeline.

    Raises:
        StalePipelineError: it is missing or older than its sources; the message names ``make compile``.
    """
    try:
        contract_version = inputs.contract_version(settings.folder)
        wanted = inputs.parse(
            settings.model_dump(include={"project", "data", "training", "gate"}), contract_version=contract_version
        )
        committed = compiled.load(settings.project.name, projects=settings.folder.parent)
    except (compiled.StaleDefinitionError, inputs.DefinitionInputError) as error:
        raise StalePipelineError(str(error)) from error
    return TrainingDefinition(
        compiled=committed,
        defaults=wanted.parameter_defaults(),
        contract_version=contract_version,
        jobs=_jobs(json.loads(committed.text)["Steps"]),
    )


def _jobs(steps: Sequence[Mapping[str, Any]]) -> int:
    """Count the jobs among steps, those in both branches of a condition included."""
    branches = [
        step["Arguments"][branch]
        for step in steps
        if step["Type"] == "Condition"
        for branch in ("IfSteps", "ElseSteps")
    ]
    return sum(step["Type"] in _JOBS for step in steps) + sum(map(_jobs, branches))


class TrainingPipeline(SageMakerPipeline):
    """Validate → Accept → Prepare → Train → Evaluate → Gate → Register, as one deployed SageMaker pipeline."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        staging: Staging,
        definition: TrainingDefinition,
        artifacts: SecureBucket,
        registry: ModelRegistry,
        placement: Placement | None = None,
    ) -> None:
        image = xgboost_image(scope)
        super().__init__(
            scope,
            construct_id,
            name=settings.names.training_pipeline,
            description=settings.project.description,
            definition=definition,
            jobs=Jobs(
                code=staging.bundle(settings),
                kinds=[PROCESSING, TRAINING],
                images=[image],
                placement=placement,
            ),
            artifacts=artifacts,
            replacements={"__IMAGE_URI__": image.uri, "__MODEL_PACKAGE_GROUP__": registry.name},
        )
