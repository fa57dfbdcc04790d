"""A bucket as the source of a delivery pipeline."""

from typing import Any

import pytest
from delivery_template import allowed, pipeline
from spoken_values import said

THEIR_KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.fixture(name="bucket", scope="module")
def _bucket(guarded: Any) -> Any:
    """The pipeline of the ML code with a zip file in a bucket as its source, encrypted with a key that is not ours."""

    def change(text: str) -> str:
        source = f'source = "s3"\nobject_key = "code.zip"\nkey_arn = "{THEIR_KEY}"'
        return text.replace('source = "codecommit"  ', source).replace(
            'repository = "tandem"', 'repository = "the-code"'
        )

    return guarded(change, delivery="ml").delivery("ml")


def test_a_bucket_can_be_the_source_and_is_not_polled(bucket: Any) -> None:
    """AWS page "PipelineMetadata": polling ends for a pipeline that was inactive for longer than 30 days."""
    found = pipeline(bucket)
    (action,) = found["Stages"][0]["Actions"]

    assert action["ActionTypeId"]["Provider"] == "S3"
    assert (action["Configuration"]["S3Bucket"], action["Configuration"]["S3ObjectKey"]) == ("the-code", "code.zip")
    assert action["Configuration"]["PollForSourceChanges"] is False
    assert "Triggers" not in found


def test_an_upload_starts_the_pipeline_and_one_that_could_not_is_kept(bucket: Any) -> None:
    rule = bucket.one("AWS::Events::Rule", "DeliveryPushRule")
    (target,) = rule["Targets"]
    (watched,) = rule["EventPattern"].pop("resources")

    assert rule["EventPattern"] == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"object": {"key": ["code.zip"]}},
    }
    assert said(watched) == "arn:<AWS::Partition>:s3:::the-code"
    assert said(target["Arn"]).endswith(f":<{bucket.id('AWS::CodePipeline::Pipeline', 'DeliveryPipeline')}>")
    assert target["DeadLetterConfig"]["Arn"] == {
        "Fn::GetAtt": [bucket.id("AWS::SQS::Queue", "DeliveryPushDeadLetters"), "Arn"]
    }
    alarms = {name for name in bucket.all("AWS::CloudWatch::Alarm") if name.startswith("DeliveryPush")}
    assert len(alarms) == 2


def test_the_pipeline_may_read_the_bucket_and_use_its_key_and_nothing_else_there(bucket: Any) -> None:
    may = set(allowed(bucket, "DeliveryPipelineRole"))
    of_the_key = {action for action, resource in may if resource == THEIR_KEY}

    assert of_the_key == {"kms:Decrypt", "kms:DescribeKey"}
    assert {resource for _, resource in may if "the-code" in resource} == {
        "arn:<AWS::Partition>:s3:::the-code",
        "arn:<AWS::Partition>:s3:::the-code/code.zip",
    }
    assert {action for action, resource in may if "the-code" in resource} == {
        "s3:GetBucket*",
        "s3:GetObject*",
        "s3:List*",
    }
