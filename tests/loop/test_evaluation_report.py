"""What a registered version carries for people: its model card and its report."""

import pytest
from deployed_loop import FirstModel, Loop
from model_card_schema import ModelCard

pytestmark = pytest.mark.loop


def test_the_model_package_carries_its_card_and_the_card_leads_to_the_report(
    loop: Loop, first_model: FirstModel
) -> None:
    package = loop.client("sagemaker").describe_model_package(ModelPackageName=first_model.live.package_arn)

    card = ModelCard.model_validate_json(package["ModelCard"]["ModelCardContent"])
    assert card.additional_information.custom_details["run_id"] == first_model.run.run_id
    (gate,) = card.evaluation_details
    (challenger,) = [group for group in gate.metric_groups if group.name == "challenger"]
    assert {metric.name: metric.value for metric in challenger.metric_data} == pytest.approx(first_model.run.metrics)

    bucket, _, key = gate.metadata["report"].removeprefix("s3://").partition("/")
    page = loop.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    assert gate.metadata["report"] == package["CustomerMetadataProperties"]["report_uri"]
    assert first_model.run.run_id in page
    assert gate.evaluation_observation in page
