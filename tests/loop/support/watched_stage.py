"""A deployed stage that people use and that is watched, seen from outside: its mail, its metrics, its records."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from deployed_loop import Loop

from sandbox.demo.cloud import Cloud

NAMESPACE = "Tandem/Monitoring"
_DAY = timedelta(days=1)
_INBOX = "inbox-of-the-team"


@dataclass(frozen=True)
class Mail:
    """One message of the notification topic."""

    subject: str
    text: str

    def says(self, words: str) -> bool:
        """Whether it holds these words."""
        return words in self.subject or words in self.text


@dataclass(frozen=True)
class WatchedStage:
    """One stage with a monitor.

    Attributes:
        loop: its data, its ledger and its endpoint.
        cloud: the same, as the demo's application sees it.
    """

    loop: Loop
    cloud: Cloud
    _mails: list[Mail] = field(default_factory=list)

    def subscribe(self) -> None:
        """Let a queue of the team's receive what the stage tells."""
        sqs = self.cloud.client("sqs")
        url = sqs.create_queue(QueueName=_INBOX)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        topic = self.loop.outputs["NotificationTopicArn"]
        deliver = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
        statement = {**deliver, "Resource": arn, "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        self.cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def mails(self) -> Sequence[Mail]:
        """Everything that the stage has told so far, oldest first."""
        sqs = self.cloud.client("sqs")
        url = sqs.get_queue_url(QueueName=_INBOX)["QueueUrl"]
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                envelope = json.loads(message["Body"])
                self._mails.append(Mail(envelope.get("Subject") or "", envelope["Message"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return tuple(self._mails)

    def executions(self, pipeline: str) -> list[dict[str, Any]]:
        """The executions of a pipeline, newest first."""
        found = self.cloud.client("sagemaker").list_pipeline_executions(PipelineName=pipeline)
        return list(found["PipelineExecutionSummaries"])

    def run(self, pipeline: str, *, until: str) -> dict[str, Any]:
        """Start a monitoring pipeline as the schedule does, and return its execution when it has ended."""
        sagemaker = self.cloud.client("sagemaker")
        parameters = [{"Name": "Until", "Value": until}]
        arn = sagemaker.start_pipeline_execution(PipelineName=pipeline, PipelineParameters=parameters)
        arn = arn["PipelineExecutionArn"]

        def ended() -> dict[str, Any] | None:
            found: dict[str, Any] = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
            return None if found["PipelineExecutionStatus"] in ("Executing", "Stopping") else found

        return self.loop.wait_for(f"the end of {arn}", ended)

    def objects(self, folder: str) -> Mapping[str, dict[str, Any]]:
        """What lies in a folder of the artifacts, as a listing tells it, by its name there."""
        pages = self.cloud.client("s3").get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self.cloud.artifacts_bucket, Prefix=folder)
        return {one["Key"].removeprefix(folder): one for page in found for one in page.get("Contents", ())}

    def read(self, key: str) -> bytes:
        """The content of an artifact."""
        answer = self.cloud.client("s3").get_object(Bucket=self.cloud.artifacts_bucket, Key=key)
        return bytes(answer["Body"].read())

    def write(self, key: str, content: bytes) -> None:
        """Write an artifact."""
        self.cloud.client("s3").put_object(Bucket=self.cloud.artifacts_bucket, Key=key, Body=content)

    def judgements(self, folder: str) -> list[dict[str, Any]]:
        """What the monitor that writes into this folder has judged, oldest first."""
        where = f"{folder}/{self.cloud.endpoint}/judgements/"
        return [json.loads(self.read(f"{where}{name}")) for name in sorted(self.objects(where))]

    def metric(self, name: str, statistic: str = "Maximum", **more: str) -> Mapping[datetime, float]:
        """A metric of the monitor by day, with exactly these dimensions beside those of the endpoint."""
        about = {"Project": self.cloud.project, "Environment": self.cloud.environment, "Endpoint": self.cloud.endpoint}
        found = self.cloud.client("cloudwatch").get_metric_statistics(
            Namespace=NAMESPACE,
            MetricName=name,
            Dimensions=[{"Name": key, "Value": value} for key, value in {**about, **more}.items()],
            StartTime=self.loop.sandbox.now().replace(hour=0, minute=0, second=0, microsecond=0) - 60 * _DAY,
            EndTime=self.loop.sandbox.now(),
            Period=int(_DAY.total_seconds()),
            Statistics=[statistic],
        )
        return {point["Timestamp"].astimezone(UTC): point[statistic] for point in found["Datapoints"]}


def damaged(record: bytes) -> Iterator[tuple[str, bytes]]:
    """Files that no endpoint should write, made from one that it wrote: name and content."""
    document = json.loads(record.splitlines()[0])
    yield "truncated.jsonl", json.dumps(document).encode()[:-40]
    document["eventMetadata"] |= {"inferenceId": "a-stranger", "traceId": "1-67891233"}
    document["captureData"]["endpointTrace"] = {"milliseconds": 12}
    yield "stranger.jsonl", json.dumps(document).encode() + b"\n"
    document["captureData"]["endpointInput"]["encoding"] = "CSV"
    yield "encoded.jsonl", json.dumps(document).encode() + b"\n"
