from collections.abc import Callable

import pytest
from sagemaker_in_memory import SERVING_VARIABLES

from lambdas.shared.records import DeploymentStatus
from tests.unit.lambdas.support.crashes import at_every_call
from tests.unit.lambdas.support.deployments import approve, assert_one_truth, copy_of, live, newest, put_live, reject
from tests.unit.lambdas.support.stage import NAME, ROLE, Stage, has_failed

NewStage = Callable[[], Stage]


def test_the_first_approved_version_creates_the_endpoint_with_data_capture(stage: Stage) -> None:
    package = stage.sagemaker.register(NAME, 1)
    stage.deploy(stage.package_event(1))

    (model,) = stage.gate.made("CreateModel")
    (container,) = model["Containers"]
    assert container == {"ModelPackageName": package, "Environment": {**SERVING_VARIABLES, "TANDEM_MODEL_VERSION": "1"}}
    assert model["ExecutionRoleArn"] == ROLE
    assert model["EnableNetworkIsolation"] is False, "the serving toolkit installs the code with pip"
    (config,) = stage.gate.made("CreateEndpointConfig")
    assert config["ProductionVariants"] == [
        {
            "VariantName": "live",
            "ModelName": model["ModelName"],
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1,
            "InitialVariantWeight": 1.0,
        }
    ]
    assert config["DataCaptureConfig"] == {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{stage.artifacts}/capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
        "KmsKeyId": "arn:aws:kms:us-east-1:000000000000:key/0123",
    }
    for name in (model["ModelName"], config["EndpointConfigName"]):
        assert name.startswith(f"{NAME}-v1-")
    assert stage.gate.made("CreateEndpoint") == [
        {"EndpointName": NAME, "EndpointConfigName": config["EndpointConfigName"]}
    ]
    deployment = newest(stage)
    assert deployment.status is DeploymentStatus.REQUESTED
    assert (deployment.version, deployment.run_id, deployment.previous_version) == (1, "run-of-1", None)


def test_in_an_isolated_network_the_model_is_created_there(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    put_live(stage, 1)
    monkeypatch.setenv("SUBNET_IDS", "subnet-1,subnet-2")
    monkeypatch.setenv("SECURITY_GROUP_IDS", "sg-1")
    put_live(stage, 2)

    outside, inside = stage.gate.made("CreateModel")
    assert "VpcConfig" not in outside
    assert inside["VpcConfig"] == {"Subnets": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}
    assert inside["ModelName"] != outside["ModelName"]


def test_the_ledger_knows_a_deployment_before_the_endpoint_does(stage: Stage) -> None:
    approve(stage, 1)
    names = stage.gate.names()
    assert names.index("TransactWriteItems") < names.index("CreateEndpoint")


def test_the_next_version_updates_the_endpoint_and_becomes_live(stage: Stage) -> None:
    put_live(stage, 1)
    put_live(stage, 2)

    assert stage.sagemaker.endpoints[NAME].config == live(stage).endpoint_config
    assert newest(stage).previous_version == 1
    assert stage.notifications() == ["Version 1 is live", "Version 2 is live"]
    assert len(stage.gate.made("CreateEndpoint")) == len(stage.gate.made("UpdateEndpoint")) == 1


def test_a_duplicate_event_changes_nothing(stage: Stage) -> None:
    event = approve(stage, 1)
    stage.deploy(event)
    stage.sagemaker.finish(NAME)
    stage.deploy(event)
    stage.confirm()
    stage.deploy(event)

    assert len(stage.gate.made("CreateEndpoint")) == 1
    assert stage.gate.made("UpdateEndpoint") == []
    assert stage.wake_ups() == []
    assert stage.notifications() == ["Version 1 is live"]


def test_a_late_approval_of_an_older_version_does_not_replace_the_live_one(stage: Stage) -> None:
    put_live(stage, 2)
    event = approve(stage, 1)
    stage.deploy(event)

    assert live(stage).version == 2
    assert stage.gate.made("UpdateEndpoint") == []
    (decision,) = stage.items("DECISION")
    assert decision["outcome"] == "superseded"
    assert stage.notifications() == ["Version 2 is live", "Version 1 was not deployed"]


def test_approvals_that_arrive_in_the_wrong_order_end_with_the_newest_version(stage: Stage) -> None:
    stage.sagemaker.register(NAME, 1)
    stage.sagemaker.register(NAME, 2)
    stage.deploy(stage.package_event(2))
    stage.deploy(stage.package_event(1))
    stage.sagemaker.finish(NAME)
    stage.confirm()
    stage.deploy(copy_of(stage.wake_ups()[-1], stage))

    assert live(stage).version == 2
    assert stage.gate.made("UpdateEndpoint") == []


def test_a_rolled_back_version_is_not_deployed_again_by_a_late_event(stage: Stage) -> None:
    put_live(stage, 1)
    event = approve(stage, 2)
    stage.sagemaker.roll_back(NAME, failure="alarm p99 fired")
    stage.confirm()
    assert newest(stage).status is DeploymentStatus.ROLLED_BACK
    stage.deploy(event)
    stage.deploy(stage.package_event(2, updated=["ModelApprovalStatus"]))

    assert len(stage.gate.made("UpdateEndpoint")) == 1
    assert live(stage).version == 1
    assert stage.notifications()[1:] == ["Version 2 was rolled back", "Version 2 was not deployed again"]


def test_a_rolled_back_version_stays_back_when_its_event_comes_before_the_confirmation(stage: Stage) -> None:
    put_live(stage, 1)
    event = approve(stage, 2)
    stage.sagemaker.roll_back(NAME)
    stage.deploy(event)

    assert newest(stage).status is DeploymentStatus.ROLLED_BACK
    assert len(stage.gate.made("UpdateEndpoint")) == 1


def test_a_version_that_was_live_and_was_left_on_purpose_does_not_come_back_by_a_late_event(stage: Stage) -> None:
    put_live(stage, 1)
    late = put_live(stage, 2)
    stage.deploy(stage.deployment_request(1))
    stage.sagemaker.finish(NAME)
    stage.confirm()
    assert live(stage).version == 1
    assert live(stage).by == "ana"
    stage.deploy(late)

    assert live(stage).version == 1
    assert not stage.sagemaker.endpoints[NAME].pending


def test_a_persons_request_is_served_once_however_often_it_is_delivered(stage: Stage) -> None:
    put_live(stage, 1)
    put_live(stage, 2)
    request = stage.deployment_request(1)
    stage.deploy(request)
    stage.deploy(request)
    stage.sagemaker.finish(NAME)
    stage.confirm()
    put_live(stage, 3)
    stage.deploy(request)

    assert live(stage).version == 3
    assert not stage.sagemaker.endpoints[NAME].pending


def test_a_rejected_version_is_not_deployed_even_if_its_approval_arrives_late(stage: Stage) -> None:
    stage.sagemaker.register(NAME, 1, approval="Rejected")
    stage.deploy(stage.package_event(1, status="Approved"))
    assert stage.gate.made("CreateModel") == []


def test_rejecting_the_live_version_keeps_it_serving_and_tells_people_once(stage: Stage) -> None:
    put_live(stage, 1)
    reject(stage, 1)
    stage.deploy(stage.package_event(1, status="Rejected"))

    assert live(stage).version == 1
    assert [each["outcome"] for each in stage.items("DECISION")] == ["rejected_in_use"]
    assert stage.notifications() == ["Version 1 is live", "Version 1 was rejected while it serves"]


def test_changes_of_other_fields_of_a_package_are_no_approval(stage: Stage) -> None:
    stage.sagemaker.register(NAME, 1)
    stage.deploy(stage.package_event(1, updated=["ModelLifeCycle"]))
    assert stage.gate.calls == []


def test_while_the_endpoint_updates_the_message_goes_back_with_a_growing_delay(stage: Stage) -> None:
    put_live(stage, 1)
    approve(stage, 2)
    stage.sagemaker.register(NAME, 3)
    message = stage.package_event(3)
    answer = stage.deploy(message)
    assert answer == {"batchItemFailures": []}
    for _ in range(7):
        stage.deploy(copy_of(stage.wake_ups()[-1], stage))
    assert [call["DelaySeconds"] for call in stage.wake_ups()] == [5, 10, 20, 40, 80, 160, 300, 300]
    assert {call["MessageAttributes"]["RequestId"]["StringValue"] for call in stage.wake_ups()} == {message.id}
    assert stage.wake_ups()[0]["QueueUrl"] == stage.deploy_url

    stage.sagemaker.finish(NAME)
    stage.deploy(copy_of(stage.wake_ups()[-1], stage))
    stage.sagemaker.finish(NAME)
    stage.confirm()
    assert live(stage).version == 3
    assert newest(stage).previous_version == 2, "the outcome of version 2 was settled before version 3 was requested"


def test_waiting_ends_after_twelve_hours(stage: Stage) -> None:
    put_live(stage, 1)
    approve(stage, 2)
    stage.sagemaker.register(NAME, 3)
    stage.deploy(stage.package_event(3))
    stage.clock.advance(hours=12, seconds=1)
    assert has_failed(stage.deploy(copy_of(stage.wake_ups()[-1], stage)))


def test_an_endpoint_that_could_not_be_created_is_replaced_by_the_next_version(stage: Stage) -> None:
    approve(stage, 1)
    stage.sagemaker.fail(NAME, failure="the container does not answer /ping")
    stage.confirm("FAILED")
    assert newest(stage).status is DeploymentStatus.FAILED
    stage.deploy(stage.package_event(1))
    assert stage.gate.made("DeleteEndpoint") == []

    approve(stage, 2)
    assert stage.gate.made("DeleteEndpoint") == [{"EndpointName": NAME}]
    stage.sagemaker.finish(NAME)
    stage.deploy(copy_of(stage.wake_ups()[-1], stage))
    stage.sagemaker.finish(NAME)
    stage.confirm()
    assert live(stage).version == 2


def test_a_failed_version_may_be_approved_again_once_the_settings_changed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    approve(stage, 1)
    stage.sagemaker.fail(NAME, failure="not enough memory")
    stage.confirm("FAILED")
    monkeypatch.setenv("INSTANCE_TYPE", "ml.m5.4xlarge")
    stage.deploy(stage.package_event(1))
    stage.sagemaker.finish(NAME)
    stage.deploy(copy_of(stage.wake_ups()[-1], stage))

    assert len(set(stage.sagemaker.configs)) == 2
    assert stage.sagemaker.endpoints[NAME].status == "Creating"


def test_a_group_that_was_deleted_and_filled_again_does_not_meet_its_old_models(stage: Stage) -> None:
    approve(stage, 1)
    stage.sagemaker.packages.clear()
    stage.sagemaker.endpoints.clear()
    stage.clients["dynamodb"].delete_item(
        TableName=stage.table, Key={"pk": {"S": "STATE#deployment"}, "sk": {"S": "STATE"}}
    )
    stage.clock.advance(days=1)
    approve(stage, 1)
    assert len(stage.sagemaker.models) == 2


def test_a_requested_deployment_that_nobody_started_gives_way_after_a_while(stage: Stage) -> None:
    put_live(stage, 1)
    stage.sagemaker.register(NAME, 2)
    stage.gate.arm_operation("UpdateEndpoint")
    assert has_failed(stage.deploy(stage.package_event(2)))
    stage.gate.disarm()
    assert newest(stage).version == 2
    assert stage.sagemaker.endpoints[NAME].pending is None

    approve(stage, 3)
    assert stage.wake_ups(), "version 2 may still be on its way"
    stage.clock.advance(minutes=16)
    stage.deploy(copy_of(stage.wake_ups()[-1], stage))
    stage.sagemaker.finish(NAME)
    stage.confirm()

    assert live(stage).version == 3
    assert [item["status"] for item in stage.items("DEPLOYMENT")] == ["live", "failed", "live"]


def test_an_event_of_another_group_fails_loudly(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_PACKAGE_GROUP", "other")
    assert has_failed(stage.deploy(stage.package_event(1)))


def test_a_crash_at_any_call_of_a_first_deployment_converges(new_stage: NewStage) -> None:
    def prepare(stage: Stage) -> Callable[[], object]:
        stage.sagemaker.register(NAME, 1)
        event = stage.package_event(1)
        return lambda: stage.deploy(event)

    for stage, where in at_every_call(new_stage, prepare):
        stage.sagemaker.finish(NAME)
        stage.confirm()
        assert_one_truth(stage, 1, where)
        assert [item["status"] for item in stage.items("DEPLOYMENT")] == ["live"], where
        assert len(stage.sagemaker.models) == len(stage.sagemaker.configs) == 1, where


@pytest.mark.parametrize("good", [True, False])
def test_a_crash_at_any_call_of_an_update_converges(new_stage: NewStage, *, good: bool) -> None:
    def prepare(stage: Stage) -> Callable[[], object]:
        put_live(stage, 1)
        stage.sagemaker.register(NAME, 2)
        event = stage.package_event(2)
        return lambda: stage.deploy(event)

    for stage, where in at_every_call(new_stage, prepare):
        assert stage.sagemaker.endpoints[NAME].pending, where
        if good:
            stage.sagemaker.finish(NAME)
        else:
            stage.sagemaker.roll_back(NAME)
        stage.confirm()
        stage.deploy(stage.package_event(2))
        assert_one_truth(stage, 2 if good else 1, where)
        assert [item["status"] for item in stage.items("DEPLOYMENT")] == (
            ["live", "live"] if good else ["live", "rolled_back"]
        ), where


def test_a_crash_at_any_call_of_a_persons_request_for_an_older_version_converges(new_stage: NewStage) -> None:
    def prepare(stage: Stage) -> Callable[[], object]:
        put_live(stage, 1)
        put_live(stage, 2)
        request = stage.deployment_request(1)
        return lambda: stage.deploy(request)

    for stage, where in at_every_call(new_stage, prepare):
        stage.sagemaker.finish(NAME)
        stage.confirm()
        assert_one_truth(stage, 1, where)


def test_a_crash_while_waiting_never_loses_the_request(new_stage: NewStage) -> None:
    def prepare(stage: Stage) -> Callable[[], object]:
        put_live(stage, 1)
        approve(stage, 2)
        stage.sagemaker.register(NAME, 3)
        event = stage.package_event(3)
        return lambda: stage.deploy(event)

    for stage, where in at_every_call(new_stage, prepare):
        stage.sagemaker.finish(NAME)
        copies = [copy_of(sent, stage) for sent in stage.wake_ups()]
        assert 1 <= len(copies) <= 2, where
        for each in copies:
            stage.deploy(each)
        stage.sagemaker.finish(NAME)
        stage.confirm()
        assert_one_truth(stage, 3, where)
