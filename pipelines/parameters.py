"""The parameters of the training pipeline, declared with the SageMaker SDK (see ``pipelines.training``)."""

from dataclasses import dataclass

from sagemaker.core.workflow.parameters import ParameterInteger, ParameterString

from pipelines.inputs import DefinitionInputs, hyperparameter_name


@dataclass(frozen=True)
class GateParameters:
    """The gate's settings; guards and slices are lists in one text each."""

    metric: ParameterString
    direction: ParameterString
    margin: ParameterString
    alpha: ParameterString
    min_improvement: ParameterString
    cluster: ParameterString
    min_clusters: ParameterString
    guards: ParameterString
    slices: ParameterString


@dataclass(frozen=True)
class Parameters:
    """The pipeline's parameters by purpose. All but one are text, the way StartPipelineExecution hands them on."""

    run_id: ParameterString
    reason: ParameterString
    snapshot_uri: ParameterString
    snapshot_id: ParameterString
    champion: ParameterString
    approval_status: ParameterString
    code_version: ParameterString
    contract_version: ParameterString
    processing_instance_type: ParameterString
    training_instance_type: ParameterString
    max_runtime_seconds: ParameterInteger
    data_limits: ParameterString
    holdout_days: ParameterString
    seed: ParameterString
    gate: GateParameters
    hyperparameters: tuple[tuple[str, ParameterString], ...]

    @classmethod
    def declare(cls, inputs: DefinitionInputs) -> "Parameters":
        """Declare every parameter, with the default of the settings where there is one."""
        defaults = inputs.parameter_defaults()

        def text(name: str) -> ParameterString:
            return ParameterString(name, default_value=defaults[name])

        return cls(
            run_id=ParameterString("RunId"),
            reason=ParameterString("Reason"),
            snapshot_uri=ParameterString("SnapshotUri"),
            snapshot_id=ParameterString("SnapshotId"),
            champion=ParameterString("ChampionPackageArn", default_value="none"),
            approval_status=ParameterString(
                "ApprovalStatus",
                default_value="PendingManualApproval",
                enum_values=["Approved", "PendingManualApproval"],
            ),
            code_version=ParameterString("CodeVersion", default_value="unknown"),
            contract_version=text("ContractVersion"),
            processing_instance_type=text("ProcessingInstanceType"),
            training_instance_type=text("TrainingInstanceType"),
            max_runtime_seconds=ParameterInteger("MaxRuntimeSeconds", default_value=defaults["MaxRuntimeSeconds"]),
            data_limits=text("DataLimits"),
            holdout_days=text("HoldoutDays"),
            seed=text("Seed"),
            gate=GateParameters(
                metric=text("GateMetric"),
                direction=text("GateDirection"),
                margin=text("GateMargin"),
                alpha=text("GateAlpha"),
                min_improvement=text("GateMinImprovementOverNaive"),
                cluster=text("GateCluster"),
                min_clusters=text("GateMinClusters"),
                guards=text("GateGuards"),
                slices=text("GateSlices"),
            ),
            hyperparameters=tuple((key, text(hyperparameter_name(key))) for key, _ in inputs.hyperparameters),
        )

    def all(self) -> list[ParameterString | ParameterInteger]:
        """Return them in the order of their declaration."""
        found: list[ParameterString | ParameterInteger] = []
        for value in vars(self).values():
            if isinstance(value, GateParameters):
                found.extend(vars(value).values())
            elif isinstance(value, tuple):
                found.extend(parameter for _, parameter in value)
            else:
                found.append(value)
        return found
