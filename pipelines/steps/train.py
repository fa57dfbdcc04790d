"""Step Train: fits the challenger on the training set, bit for bit the same on every machine and thread count."""

import json
from dataclasses import dataclass

import pyarrow.compute as pc

from pipelines.steps import artifact, plugin
from pipelines.steps import contract as contracts
from pipelines.steps.failure import StepError
from pipelines.steps.paths import Paths
from pipelines.steps.prepare import read_rows


@dataclass(frozen=True)
class TrainArguments:
    """What the step is started with; hyperparameters and seed come the way SageMaker hands them to every container."""

    project: str
    target: str
    time_column: str
    snapshot_id: str


def run(arguments: TrainArguments, paths: Paths) -> None:
    """Train and write the model folder.

    Raises:
        StepError: when an input is missing or a hyperparameter is refused.
    """
    project = plugin.load_project(arguments.project)
    contract = contracts.load(arguments.project)
    hyperparameters, seed = _hyperparameters(paths)
    rows = read_rows(paths.channel("train"))
    target = rows.column(arguments.target).to_numpy().astype("float64")
    inputs = rows.select([field.name for field in contract.inputs])
    model = project.train(inputs, target, hyperparameters=hyperparameters, seed=seed)
    training = artifact.Training(
        project=arguments.project,
        target=arguments.target,
        snapshot_id=arguments.snapshot_id,
        contract_version=contract.version,
        seed=seed,
        hyperparameters=hyperparameters,
        rows=len(rows),
        trained_until=pc.max(rows.column(arguments.time_column)).as_py().isoformat(),
        libraries=plugin.library_versions(project),
    )
    artifact.write(paths.model, model, training)
    print(f"trained {arguments.project} on {len(rows)} rows with seed {seed}")  # noqa: T201  # the job's log


def _hyperparameters(paths: Paths) -> tuple[dict[str, str], int]:
    path = paths.hyperparameters
    if not path.is_file():
        raise StepError(f"{path} does not exist: SageMaker writes a training job's hyperparameters there")
    try:
        document = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise StepError(f"{path} is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise StepError(f"{path} holds {type(document).__name__}, it must be an object of hyperparameters by name")
    values = {key: str(value) for key, value in sorted(document.items())}
    seed = values.pop("seed", None)
    if seed is None or not (seed.isascii() and seed.isdigit()):
        raise StepError(f"hyperparameter 'seed' is {seed!r}, it must be a whole number of at least 0")
    return values, int(seed)
