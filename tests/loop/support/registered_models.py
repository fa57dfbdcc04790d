"""Model versions that somebody registers: they answer at once, and some of them badly."""

import json
from collections.abc import Mapping
from typing import Any, Literal

from model_archive import archive

from sandbox.demo.cloud import Cloud

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0-cpu-py3"
Manner = Literal["well", "fails", "slow", "never"]
SECONDS = 0.008
"""How long a model thinks that does well; a slow one takes five times as long."""
_SCRIPT = """
import itertools, json, os, time

numbers = itertools.count()

def model_fn(model_dir):
    if {manner!r} == "never":
        raise RuntimeError("this model can not be loaded")
    with open(model_dir + "/name.txt") as file:
        return file.read()

def input_fn(body, content_type):
    return json.loads(body)

def predict_fn(data, model):
    if {manner!r} == "fails" and next(numbers) % 10 == 0:
        raise RuntimeError("one of ten")
    time.sleep({seconds} * (5 if {manner!r} == "slow" else 1))
    predictions = [int(model)] * len(data["instances"])
    return {{"predictions": predictions, "model_version": os.environ["TANDEM_MODEL_VERSION"]}}

def output_fn(prediction, accept):
    return json.dumps(prediction), accept
"""


def register(
    cloud: Cloud, manner: Manner = "well", *, approval: str = "Approved", contract: Mapping[str, Any] | None = None
) -> int:
    """Register the next version of the stage's group and return its number.

    Args:
        cloud: the stage.
        manner: how the model does.
        approval: its approval status.
        contract: what it says that it speaks; nothing as long as no application is on record.
    """
    sagemaker, group = cloud.client("sagemaker"), cloud.outputs("Training")["ModelPackageGroupName"]
    version = len(packages(cloud)) + 1
    evaluated = f"runs/by-hand-{version}/evaluate"
    key = f"{evaluated}/model/model.tar.gz"
    script = _SCRIPT.format(manner=manner, seconds=SECONDS)
    body = archive({"name.txt": str(version), "code/inference.py": script})
    cloud.client("s3").put_object(Bucket=cloud.artifacts_bucket, Key=key, Body=body)
    metadata = {"run_id": f"by-hand-{version}"}
    if contract is not None:
        spoken = json.dumps(contract).encode()
        cloud.client("s3").put_object(Bucket=cloud.artifacts_bucket, Key=f"{evaluated}/contract.json", Body=spoken)
        metadata["evaluation_uri"] = f"s3://{cloud.artifacts_bucket}/{evaluated}/evaluation.json"
    container: dict[str, Any] = {
        "Image": IMAGE,
        "ModelDataUrl": f"s3://{cloud.artifacts_bucket}/{key}",
        "Environment": {
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        },
    }
    answer = sagemaker.create_model_package(
        ModelPackageGroupName=group,
        ModelApprovalStatus=approval,
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
        CustomerMetadataProperties=metadata,
    )
    number = int(answer["ModelPackageArn"].rpartition("/")[2])
    assert number == version
    return number


def packages(cloud: Cloud) -> list[dict[str, Any]]:
    """Everything that the registry knows of the stage's versions, newest first."""
    sagemaker, group = cloud.client("sagemaker"), cloud.outputs("Training")["ModelPackageGroupName"]
    pages = sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group)
    arns = [summary["ModelPackageArn"] for page in pages for summary in page["ModelPackageSummaryList"]]
    return [sagemaker.describe_model_package(ModelPackageName=arn) for arn in arns]
