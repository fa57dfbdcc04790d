"""The record that every registered model version carries: enough to say where it comes from and to make it again.

It travels as ``CustomerMetadataProperties`` of CreateModelPackage: at most 50 entries, values of at most 256 letters,
digits, spaces and ``_ . : / = + - @`` (Amazon SageMaker API Reference). ``python -m ops lineage`` reads it.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.parameters import ParameterString

from pipelines import libraries
from pipelines.compiled import DEFINITION_HASH
from pipelines.inputs import DefinitionInputError, DefinitionInputs
from pipelines.parameters import Parameters

MOST_ENTRIES = 50

Value: TypeAlias = str | ParameterString | Join


def metadata(
    inputs: DefinitionInputs, parameters: Parameters, *, image: str, run_uri: Callable[..., Join]
) -> dict[str, Value]:
    """Return the record of a version; the pipeline fills in its parameters when it registers one.

    Args:
        inputs: what the definition is made from.
        parameters: the pipeline's parameters.
        image: image of the jobs and of serving.
        run_uri: where the run leaves something, by the parts of its path.

    Raises:
        DefinitionInputError: the project has so many hyperparameters that the record does not fit.
    """
    record: dict[str, Value] = {
        "project": inputs.project,
        "run_id": parameters.run_id,
        "reason": parameters.reason,
        "snapshot_id": parameters.snapshot_id,
        "snapshot_uri": parameters.snapshot_uri,
        "champion": parameters.champion,
        "code_version": parameters.code_version,
        "code_bundle": "__CODE_KEY__",
        "code_bucket": "__CODE_BUCKET__",
        "definition_hash": DEFINITION_HASH,
        "image": image,
        "contract_version": parameters.contract_version,
        "processing_instance_type": parameters.processing_instance_type,
        "training_instance_type": parameters.training_instance_type,
        "holdout_days": parameters.holdout_days,
        "gate_metric": parameters.gate.metric,
        "gate_direction": parameters.gate.direction,
        "gate_margin": parameters.gate.margin,
        "gate_alpha": parameters.gate.alpha,
        "gate_cluster": parameters.gate.cluster,
        "seed": parameters.seed,
        "evaluation_uri": run_uri("evaluate", "evaluation.json"),
        "report_uri": run_uri("evaluate", "evaluation.html"),
        "model_uri": run_uri("model", "model.tar.gz"),
    }
    record |= _with_prefix("lib_", libraries.recorded())
    record |= _with_prefix("hyperparameter_", dict(parameters.hyperparameters))
    if len(record) > MOST_ENTRIES:
        most = MOST_ENTRIES - len(record) + len(parameters.hyperparameters)
        raise DefinitionInputError(
            f"project.toml: [training.hyperparameters] has {len(parameters.hyperparameters)} entries and the record "
            f"of a model version has room for {most}: join some of them into one, or leave constants to the code"
        )
    return record


def _with_prefix(prefix: str, values: Mapping[str, Value]) -> dict[str, Value]:
    return {f"{prefix}{name}": value for name, value in values.items()}
