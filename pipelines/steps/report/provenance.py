"""Where a model comes from: what the run was started with and what the training job recorded."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Provenance:
    """Everything needed to find or repeat the run.

    Attributes:
        description: what the project predicts, from ``project.toml``.
        run_id: of the run in the ledger.
        reason: why it was started.
        run_uri: S3 URI below which the run left its outputs.
        snapshot_uri: S3 URI of the snapshot's manifest.
        code_version: git commit of the application.
        code_bundle: key of the step code's zip.
        image: container image of the jobs.
        contract_version: version of the model's contract.
        seed: of everything random.
        hyperparameters: as text, the way SageMaker hands them on.
        libraries: versions that trained the model.
        trained_until: time of the newest row trained on.
    """

    description: str
    run_id: str
    reason: str
    run_uri: str
    snapshot_uri: str
    code_version: str
    code_bundle: str
    image: str
    contract_version: str
    seed: int
    hyperparameters: Mapping[str, str]
    libraries: Mapping[str, str]
    trained_until: str

    @property
    def evaluation_uri(self) -> str:
        """Where ``evaluation.json``, ``evaluation.html`` and ``model_card.json`` lie."""
        return f"{self.run_uri}/evaluate"
