"""The training pipeline, written with the SageMaker Python SDK 3: Validate, Prepare, Train, Evaluate, Gate, Register.

Validate says what it found and succeeds; the condition Accept lets good data on to Prepare and ends the run in the
Fail step RejectData otherwise, so that a run over bad data is told from a job that crashed. Gate stands beside Accept
and not inside it, because SageMaker has no nested conditions (page "Pipelines steps", condition step); Prepare alone
stands in the branch, and what reads its output runs only when it has run.

It knows no project: whatever differs between projects arrives as :class:`~pipelines.inputs.DefinitionInputs`.
Import it through ``pipelines.compile``, which sets the environment that the SDK wants before it is imported.

Names that only exist after the deployment are plain placeholders (``__ARTIFACTS_BUCKET__`` ...), because CDK tokens
inside S3 URIs break the SDK; the stacks replace them (see ``pipelines.compiled``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sagemaker.core.model_metrics import MetricsSource, ModelMetrics
from sagemaker.core.shapes import ModelPackageModelCard, ProcessingInput, ProcessingOutput
from sagemaker.core.training.configs import Compute, InputData, Networking, OutputDataConfig
from sagemaker.core.workflow.conditions import ConditionEquals
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterInteger
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import ProcessingStep, TrainingStep
from sagemaker.serve.model_builder import ModelBuilder
from sagemaker.train.model_trainer import ModelTrainer

from pipelines import manifest
from pipelines.inputs import DefinitionInputs
from pipelines.jobs import (
    CODE_URI,
    ENTRYPOINT,
    IMAGE,
    JOB_RETRY,
    KMS_KEY,
    ROLE,
    RUNS_URI,
    SERVICE_RETRY,
    VOLUME_GB,
    Argument,
    Jobs,
    Machines,
    Variable,
    output_uri,
    processing_input,
    processing_output,
)
from pipelines.parameters import Parameters

SERVING_ENVIRONMENT = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}

TRAINING_CHANNELS = "/opt/ml/input/data"


class ContainerTrainingStep(TrainingStep):  # type: ignore[misc]  # the SDK ships no types
    """A training step that states its own entry point and time limit: the one place that adds to the SDK's request.

    The SDK's ModelTrainer sets ``AlgorithmSpecification.ContainerEntrypoint`` only together with ``source_code``, and
    that uploads 26 files under a time-stamped key while the definition is built. Its ``StoppingCondition`` takes a
    number and no pipeline parameter. The service takes both (API reference, ``AlgorithmSpecification`` and "Pipeline
    parameters").
    """

    container_arguments: Sequence[Any] = ()
    max_runtime_seconds: ParameterInteger

    @property
    def arguments(self) -> dict[str, Any]:
        """The CreateTrainingJob request, complete."""
        request: dict[str, Any] = super().arguments
        request["AlgorithmSpecification"] |= {
            "ContainerEntrypoint": [*ENTRYPOINT, "train"],
            "ContainerArguments": list(self.container_arguments),
        }
        request["StoppingCondition"] = {"MaxRuntimeInSeconds": self.max_runtime_seconds}
        return request


@dataclass(frozen=True)
class _Builder:
    """Builds the steps of one pipeline around what they share."""

    inputs: DefinitionInputs
    parameters: Parameters
    session: PipelineSession

    def run_uri(self, *parts: str) -> Join:
        """Where this run leaves something: ``s3://<artifacts>/runs/<RunId>/...``."""
        return Join(on="/", values=[RUNS_URI, self.parameters.run_id, *parts])

    def processing(
        self,
        name: str,
        *,
        arguments: Sequence[Argument],
        outputs: Sequence[ProcessingOutput],
        inputs: Sequence[ProcessingInput] = (),
        property_files: Sequence[PropertyFile] = (),
        environment: Mapping[str, Variable] | None = None,
    ) -> ProcessingStep:
        """Build one processing step on the pipeline's machines."""
        machines = Machines(self.parameters.processing_instance_type, self.parameters.max_runtime_seconds)
        return Jobs(self.inputs.project, self.session).processing(
            name,
            machines,
            arguments=arguments,
            outputs=outputs,
            inputs=inputs,
            property_files=property_files,
            environment=environment,
        )

    def validate(self, validation: PropertyFile) -> ProcessingStep:
        """Judge the objects of the snapshot by the contract and by what the champion was trained on."""
        return self.processing(
            "Validate",
            arguments=[
                *self._snapshot_arguments(),
                *("--run-id", self.parameters.run_id),
                *("--champion", self.parameters.champion),
                *("--runs-uri", RUNS_URI),
                *("--limits", self.parameters.data_limits),
            ],
            outputs=[processing_output("report", self.run_uri("validate"))],
            property_files=[validation],
        )

    def accept(self, validate: ProcessingStep, prepare: ProcessingStep, validation: PropertyFile) -> ConditionStep:
        """Go on with accepted data; end the run with the sentence of the validation otherwise."""

        def found(path: str) -> JsonGet:
            return JsonGet(step_name=validate.name, property_file=validation, json_path=path)

        reject = FailStep(name="RejectData", error_message=Join(on="", values=[found("summary")]))
        return ConditionStep(
            name="Accept",
            conditions=[ConditionEquals(left=found("accepted"), right=True)],
            if_steps=[prepare],
            else_steps=[reject],
        )

    def prepare(self) -> ProcessingStep:
        """Turn the snapshot into a training set and a hold-out of its newest days."""
        return self.processing(
            "Prepare",
            arguments=[*self._snapshot_arguments(), "--holdout-days", self.parameters.holdout_days],
            outputs=[processing_output(name, self.run_uri("prepare", name)) for name in ("train", "holdout", "report")],
        )

    def train(self, prepare: ProcessingStep) -> TrainingStep:
        """Fit the challenger; the job needs no network, so it gets none."""
        trainer = ModelTrainer(
            training_image=IMAGE,
            role=ROLE,
            compute=Compute(
                instance_type=self.parameters.training_instance_type,
                instance_count=1,
                volume_size_in_gb=VOLUME_GB,
                volume_kms_key_id=KMS_KEY,
            ),
            networking=Networking(enable_network_isolation=True),
            output_data_config=OutputDataConfig(s3_output_path=self.run_uri("train"), kms_key_id=KMS_KEY),
            hyperparameters={"seed": self.parameters.seed} | dict(self.parameters.hyperparameters),
            environment={"PYTHONPATH": f"{TRAINING_CHANNELS}/code/__CODE_KEY__"},
            input_data_config=[
                InputData(channel_name="code", data_source=CODE_URI),
                InputData(channel_name="train", data_source=output_uri(prepare, "train")),
            ],
            sagemaker_session=self.session,
        )
        step = ContainerTrainingStep(name="Train", step_args=trainer.train(), retry_policies=[SERVICE_RETRY, JOB_RETRY])
        step.max_runtime_seconds = self.parameters.max_runtime_seconds
        step.container_arguments = (
            "--project",
            self.inputs.project,
            "--target",
            self.inputs.target,
            "--time-column",
            self.inputs.time_column,
            "--snapshot-id",
            self.parameters.snapshot_id,
        )
        return step

    def evaluate(
        self, validate: ProcessingStep, prepare: ProcessingStep, train: TrainingStep, files: Sequence[PropertyFile]
    ) -> ProcessingStep:
        """Judge the challenger against the champion, report it, and pack the archive that would be served."""
        gate = self.parameters.gate
        return self.processing(
            "Evaluate",
            arguments=[
                *("--task", self.inputs.task),
                *("--target", self.inputs.target),
                *("--time-column", self.inputs.time_column),
                *("--champion", self.parameters.champion),
                *("--metric", gate.metric),
                *("--direction", gate.direction),
                *("--margin", gate.margin),
                *("--alpha", gate.alpha),
                *("--min-improvement-over-naive", gate.min_improvement),
                *("--unit", gate.cluster),
                *("--min-clusters", gate.min_clusters),
                *("--guards", gate.guards),
                *("--slices", gate.slices),
            ],
            environment=self._told_of_the_run(),
            inputs=[
                processing_input("model", train.properties.ModelArtifacts.S3ModelArtifacts),
                processing_input("train", output_uri(prepare, "train")),
                processing_input("holdout", output_uri(prepare, "holdout")),
                processing_input("preparation", output_uri(prepare, "report")),
                processing_input("validation", output_uri(validate, "report")),
            ],
            outputs=[
                processing_output("evaluation", self.run_uri("evaluate"), mode="Continuous"),
                processing_output("model", self.run_uri("model")),
            ],
            property_files=files,
        )

    def register(self, card: JsonGet) -> ModelStep:
        """Register the packed archive with everything needed to train it again, and with its model card."""
        parameters = self.parameters
        model = ModelBuilder(
            image_uri=IMAGE,
            s3_model_data_url=self.run_uri("model", "model.tar.gz"),
            env_vars=SERVING_ENVIRONMENT,
            role_arn=ROLE,
            sagemaker_session=self.session,
        )
        registration = model.register(
            model_package_group_name="__MODEL_PACKAGE_GROUP__",
            content_types=["application/json"],
            response_types=["application/json"],
            approval_status=parameters.approval_status,
            model_metrics=ModelMetrics(
                model_statistics=MetricsSource(
                    content_type="application/json", s3_uri=self.run_uri("evaluate", "evaluation.json")
                )
            ),
            customer_metadata_properties=manifest.metadata(self.inputs, parameters, image=IMAGE, run_uri=self.run_uri),
            model_card=ModelPackageModelCard(model_card_content=card, model_card_status="PendingReview"),
        )
        # ModelBuilder adds SAGEMAKER_REGION of the machine that compiles; the definition must fit every region.
        (container,) = registration.create_model_package_request["InferenceSpecification"]["Containers"]
        container["Environment"] = SERVING_ENVIRONMENT
        return ModelStep(name="Register", step_args=registration, retry_policies=[SERVICE_RETRY])

    def _told_of_the_run(self) -> dict[str, Variable]:
        """Return what the report says of the run (``pipelines.steps.report.Run``)."""
        parameters = self.parameters
        return {
            "TANDEM_DESCRIPTION": self.inputs.description,
            "TANDEM_RUN_ID": parameters.run_id,
            "TANDEM_REASON": parameters.reason,
            "TANDEM_RUN_URI": self.run_uri(),
            "TANDEM_SNAPSHOT_URI": parameters.snapshot_uri,
            "TANDEM_CODE_VERSION": parameters.code_version,
            "TANDEM_CODE_BUNDLE": "__CODE_KEY__",
            "TANDEM_IMAGE": IMAGE,
        }

    def _snapshot_arguments(self) -> list[Argument]:
        return [
            "--snapshot-uri",
            self.parameters.snapshot_uri,
            "--snapshot-id",
            self.parameters.snapshot_id,
            "--target",
            self.inputs.target,
            "--time-column",
            self.inputs.time_column,
        ]


def build(inputs: DefinitionInputs, session: PipelineSession) -> Pipeline:
    """Build the training pipeline of one project; nothing is uploaded and no service is called."""
    parameters = Parameters.declare(inputs)
    builder = _Builder(inputs=inputs, parameters=parameters, session=session)
    evaluation = PropertyFile(name="evaluation", output_name="evaluation", path="evaluation.json")
    validation = PropertyFile(name="validation", output_name="report", path="validation.json")
    validate = builder.validate(validation)
    prepare = builder.prepare()
    train = builder.train(prepare)
    card = PropertyFile(name="card", output_name="evaluation", path="model_card.json")
    evaluate = builder.evaluate(validate, prepare, train, [evaluation, card])
    promote = JsonGet(step_name=evaluate.name, property_file=evaluation, json_path="gate.promote")
    gate = ConditionStep(
        name="Gate",
        conditions=[ConditionEquals(left=promote, right=True)],
        if_steps=[builder.register(JsonGet(step_name=evaluate.name, property_file=card, json_path="content"))],
    )
    return Pipeline(
        name="__PIPELINE_NAME__",
        parameters=parameters.all(),
        steps=[validate, builder.accept(validate, prepare, validation), train, evaluate, gate],
        pipeline_experiment_config=None,
        sagemaker_session=session,
    )
