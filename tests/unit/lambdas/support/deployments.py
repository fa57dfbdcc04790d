"""What people and SageMaker do around a deployment, for the tests of its handlers."""

from typing import Any

from lambdas.shared.records import Deployment, LiveModel
from tests.unit.lambdas.support.stage import NAME, Message, Stage


def newest(stage: Stage) -> Deployment:
    deployment = stage.ledger.newest_deployment()
    assert deployment is not None
    return deployment


def live(stage: Stage) -> LiveModel:
    model = stage.ledger.live()
    assert model is not None
    return model


def approve(stage: Stage, version: int) -> Message:
    """Register the version as approved, deliver the event, and return the event."""
    stage.sagemaker.register(NAME, version)
    event = stage.package_event(version)
    stage.deploy(event)
    return event


def put_live(stage: Stage, version: int) -> Message:
    event = approve(stage, version)
    stage.sagemaker.finish(NAME)
    stage.confirm()
    assert live(stage).version == version
    return event


def reject(stage: Stage, version: int) -> None:
    stage.clock.advance(seconds=1)
    stage.sagemaker.register(NAME, version, approval="Rejected")
    stage.deploy(stage.package_event(version, status="Rejected"))


def copy_of(sent: dict[str, Any], stage: Stage) -> Message:
    values = {name: each["StringValue"] for name, each in sent["MessageAttributes"].items()}
    return stage.message(sent["MessageBody"], **values)


def stages(stage: Stage) -> dict[int, str]:
    """Return the status of the life-cycle stage of every version that has one."""
    return {
        package["ModelPackageVersion"]: package["ModelLifeCycle"]["StageStatus"]
        for package in stage.sagemaker.packages.values()
        if "ModelLifeCycle" in package
    }


def assert_one_truth(stage: Stage, version: int, where: str = "") -> None:
    """Endpoint, ledger and registry name the same version, and no other one counts as live."""
    assert live(stage).version == version, where
    endpoint = stage.sagemaker.endpoints[NAME]
    assert (endpoint.status, endpoint.pending, endpoint.config) == ("InService", None, live(stage).endpoint_config), (
        where
    )
    assert [each for each, status in stages(stage).items() if status == "Live"] == [version], where
    assert endpoint.config in stage.sagemaker.configs, where
    (variant,) = stage.sagemaker.configs[endpoint.config]["ProductionVariants"]
    assert variant["ModelName"] in stage.sagemaker.models, where
