"""The SageMaker monitoring pipeline from its committed definition."""

from constructs import Construct

from pipelines import compiled, inputs, monitoring_inputs
from stacks.constructs.bucket import SecureBucket
from stacks.constructs.monitor_metrics import NAMESPACE
from stacks.constructs.regional import spark_image, xgboost_image
from stacks.constructs.sagemaker_pipeline import PROCESSING, Definition, Jobs, SageMakerPipeline
from stacks.constructs.staging import Staging
from stacks.errors import StalePipelineError
from stacks.settings import Settings


def read_definition(settings: Settings) -> Definition:
    """Read the project's compiled monitoring pipeline.

    Raises:
        StalePipelineError: it is missing or older than its sources; the message names ``make compile``.
    """
    try:
        wanted = monitoring_inputs.parse(settings.model_dump(include={"project", "gate", "monitoring"}))
        committed = compiled.load(settings.project.name, kind="monitoring", projects=settings.folder.parent)
    except (compiled.StaleDefinitionError, inputs.DefinitionInputError) as error:
        raise StalePipelineError(str(error)) from error
    return Definition(compiled=committed, defaults=wanted.parameter_defaults())


class MonitoringPipeline(SageMakerPipeline):
    """Reads what the endpoint answered, compares it with what its model was trained on, and publishes the result."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        staging: Staging,
        definition: Definition,
        artifacts: SecureBucket,
        data: SecureBucket,
    ) -> None:
        image = xgboost_image(scope)
        images = [image]
        replacements = {
            "__DATA_BUCKET__": data.name,
            "__ENDPOINT_NAME__": settings.names.endpoint,
            "__ENVIRONMENT__": settings.names.environment,
            "__IMAGE_URI__": image.uri,
            "__SPARK_IMAGE_URI__": "",
        }
        if settings.monitoring.engine == "spark":
            cluster = spark_image(scope)
            images.append(cluster)
            replacements["__SPARK_IMAGE_URI__"] = cluster.uri
        super().__init__(
            scope,
            construct_id,
            name=settings.names.monitoring_pipeline,
            description=f"What live traffic says of the model of {settings.names.stage}",
            definition=definition,
            jobs=Jobs(code=staging.bundle(settings), kinds=[PROCESSING], images=images, namespaces=[NAMESPACE]),
            artifacts=artifacts,
            replacements=replacements,
        )
