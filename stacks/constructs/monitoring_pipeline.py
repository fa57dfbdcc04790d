"""The SageMaker monitoring pipeline from its committed definition."""

from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from pipelines import compiled, inputs, monitoring_inputs, wheels
from stacks.constructs.bucket import SecureBucket
from stacks.constructs.monitor_metrics import NAMESPACE
from stacks.constructs.placement import Placement
from stacks.constructs.regional import spark_image, xgboost_image
from stacks.constructs.sagemaker_pipeline import PROCESSING, Definition, Jobs, SageMakerPipeline, grant_asset
from stacks.constructs.staging import Staging
from stacks.errors import MissingAssetError, StalePipelineError
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
        placement: Placement | None = None,
    ) -> None:
        image = xgboost_image(scope)
        images = [image]
        replacements = {
            "__DATA_BUCKET__": data.name,
            "__ENDPOINT_NAME__": settings.names.endpoint,
            "__ENVIRONMENT__": settings.names.environment,
            "__IMAGE_URI__": image.uri,
        }
        taken_along: list[assets.Asset] = []
        if settings.monitoring.engine == "spark":
            cluster, wheel = spark_image(scope), assets.Asset(scope, "Wheel", path=_wheel())
            images.append(cluster)
            taken_along.append(wheel)
            replacements |= {
                "__SPARK_IMAGE_URI__": cluster.uri,
                "__WHEEL_BUCKET__": wheel.s3_bucket_name,
                "__WHEEL_KEY__": wheel.s3_object_key,
            }
        super().__init__(
            scope,
            construct_id,
            name=settings.names.monitoring_pipeline,
            description=f"What live traffic says of the model of {settings.names.stage}",
            definition=definition,
            jobs=Jobs(
                code=staging.bundle(settings),
                kinds=[PROCESSING],
                images=images,
                namespaces=[NAMESPACE],
                placement=placement,
            ),
            artifacts=artifacts,
            replacements=replacements,
        )
        for wheel in taken_along:
            grant_asset(self.role, wheel)


def _wheel() -> str:
    try:
        return str(wheels.path())
    except wheels.MissingWheelError as error:
        raise MissingAssetError(str(error)) from error
