"""Where a model comes from: what the run was started with and what the training job recorded."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from pipelines.steps.artifact import Training
from pipelines.steps.failure import StepError


@dataclass(frozen=True)
class Run:
    """What a run of the training pipeline was started with.

    Attributes:
        description: what the project predicts, from ``project.toml``; may be empty.
        run_id: of the run in the ledger.
        reason: why it was started.
        run_uri: S3 URI below which the run leaves its outputs.
        snapshot_uri: S3 URI of the snapshot's manifest.
        code_version: git commit of the application.
        code_bundle: key of the step code's zip.
        image: container image of the jobs.
    """

    description: str
    run_id: str
    reason: str
    run_uri: str
    snapshot_uri: str
    code_version: str
    code_bundle: str
    image: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Run":
        """Read the job's environment, ``TANDEM_`` and the field's name in capitals.

        These are no arguments of the command line, because a reason is somebody's words: it may begin with a dash.

        Raises:
            StepError: when one is missing.
        """
        names = {field.name: f"TANDEM_{field.name.upper()}" for field in fields(cls)}
        for name in names.values():
            if name not in environment:
                raise StepError(f"the job's environment has no {name}: the training pipeline's definition sets it")
        return cls(**{field: environment[name] for field, name in names.items()})

    @property
    def report_uri(self) -> str:
        """Where the run's report lies."""
        return f"{self.run_uri}/evaluate/evaluation.html"


@dataclass(frozen=True)
class Provenance:
    """Everything needed to find or repeat a run."""

    run: Run
    training: Training


def pairs(values: Mapping[str, str]) -> str:
    """Write names with their values in one line."""
    return ", ".join(f"{name} {value}" for name, value in sorted(values.items())) or "none"
