"""The monitoring pipeline, written with the SageMaker Python SDK 3: what live traffic says of the model that serves.

With engine ``arrow`` one job counts, judges and tells. With engine ``spark`` a cluster counts the windows first and
leaves the counts where the job Monitor looks for them: both engines come to their judgement by the same code.

Import it through ``pipelines.compile``, which sets the environment that the SDK wants before it is imported.
"""

from dataclasses import dataclass

from sagemaker.core.workflow.parameters import ParameterInteger, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.pipeline import Pipeline

from pipelines.jobs import RUNS_URI, Argument, Jobs, Machines, processing_input
from pipelines.monitoring_inputs import MonitoringInputs

SPARK_IMAGE = "__SPARK_IMAGE_URI__"
WHEEL_URI = "s3://__WHEEL_BUCKET__/__WHEEL_KEY__"
"""pyarrow for the cluster, whose image has none."""
CAPTURE_URI = "s3://__ARTIFACTS_BUCKET__/capture"
MONITORING_URI = "s3://__ARTIFACTS_BUCKET__/monitoring"
GROUND_TRUTH_URI = "s3://__DATA_BUCKET__/ground-truth"


@dataclass(frozen=True)
class Parameters:
    """The pipeline's parameters; ``until`` is the moment at which the schedule wanted the run."""

    until: ParameterString
    metric: ParameterString
    limits: ParameterString
    ignored: ParameterString
    instance_type: ParameterString
    max_runtime_seconds: ParameterInteger
    instance_count: ParameterInteger | None

    @classmethod
    def declare(cls, inputs: MonitoringInputs) -> "Parameters":
        """Declare every parameter, with the default of the settings where there is one."""
        defaults = inputs.parameter_defaults()

        def text(name: str) -> ParameterString:
            return ParameterString(name, default_value=defaults[name])

        def number(name: str) -> ParameterInteger:
            return ParameterInteger(name, default_value=defaults[name])

        return cls(
            until=ParameterString("Until"),
            metric=text("Metric"),
            limits=text("MonitoringLimits"),
            ignored=text("IgnoredInputs"),
            instance_type=text("InstanceType"),
            max_runtime_seconds=number("MaxRuntimeSeconds"),
            instance_count=number("InstanceCount") if inputs.engine == "spark" else None,
        )

    def all(self) -> list[ParameterString | ParameterInteger]:
        """Return them in the order of their declaration."""
        return [parameter for parameter in vars(self).values() if parameter is not None]

    def arguments(self) -> list[Argument]:
        """Return what the jobs are started with."""
        return [
            *("--environment", "__ENVIRONMENT__"),
            *("--endpoint", "__ENDPOINT_NAME__"),
            *("--until", self.until),
            *("--metric", self.metric),
            *("--limits", self.limits),
            *("--ignore", self.ignored),
            *("--capture-uri", CAPTURE_URI),
            *("--runs-uri", RUNS_URI),
            *("--ground-truth-uri", GROUND_TRUTH_URI),
            *("--monitoring-uri", MONITORING_URI),
        ]


def build(inputs: MonitoringInputs, session: PipelineSession) -> Pipeline:
    """Build the monitoring pipeline of one project; nothing is uploaded and no service is called."""
    parameters = Parameters.declare(inputs)
    jobs = Jobs(inputs.project, session)
    alone = Machines(parameters.instance_type, parameters.max_runtime_seconds)
    counted = []
    if parameters.instance_count is not None:
        cluster = Machines(alone.instance_type, alone.max_runtime_seconds, parameters.instance_count, SPARK_IMAGE)
        wheels = [processing_input("wheels", WHEEL_URI)]
        counted = [jobs.processing("Count", cluster, arguments=parameters.arguments(), inputs=wheels)]
    monitor = jobs.processing("Monitor", alone, arguments=parameters.arguments(), after=counted)
    return Pipeline(
        name="__PIPELINE_NAME__",
        parameters=parameters.all(),
        steps=[*counted, monitor],
        pipeline_experiment_config=None,
        sagemaker_session=session,
    )
