"""Endpoints as AWS shows them: in answers and in events."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.sagemaker.endpoints.records import Endpoint, EndpointConfig, Pending
from sandbox.sagemaker.listing import Row

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")
_ANSWERED_WHEN_SERVING = frozenset({"InService", "Updating", "RollingBack", "SystemUpdating"})


def describe(endpoint: Endpoint, *, images: Mapping[str, str]) -> dict[str, Any]:
    """The answer of DescribeEndpoint; `images` gives the image URI of each variant."""
    serving = endpoint.status in _ANSWERED_WHEN_SERVING
    return {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "EndpointConfigName": endpoint.config.name,
        "ProductionVariants": _serving_variants(endpoint, images=images) if serving else None,
        "DataCaptureConfig": _capture(endpoint.config) if serving else None,
        "EndpointStatus": endpoint.status,
        "FailureReason": endpoint.failure_reason,
        "CreationTime": endpoint.created,
        "LastModifiedTime": endpoint.modified,
        "LastDeploymentConfig": endpoint.deployment,
        "PendingDeploymentSummary": None if endpoint.pending is None else _pending(endpoint.pending),
    }


def row(endpoint: Endpoint, number: int) -> Row:
    """The entry in ListEndpoints."""
    summary = {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "CreationTime": endpoint.created,
        "LastModifiedTime": endpoint.modified,
        "EndpointStatus": endpoint.status,
    }
    return Row(
        name=endpoint.name,
        created=endpoint.created,
        number=number,
        summary=summary,
        modified=endpoint.modified,
        status=endpoint.status,
    )


def event_detail(endpoint: Endpoint, *, tags: Mapping[str, str]) -> dict[str, Any]:
    """The detail of both endpoint events; there the status is written in capitals, such as IN_SERVICE."""
    return {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "EndpointConfigName": endpoint.config.name,
        "ProductionVariants": _variants(endpoint.config, share=1.0),
        "EndpointStatus": _CAPITAL.sub("_", endpoint.status).upper(),
        "FailureReason": endpoint.failure_reason,
        "CreationTime": endpoint.created,
        "LastModifiedTime": endpoint.modified,
        "Tags": tags,
        "PendingDeploymentSummary": None if endpoint.pending is None else _pending(endpoint.pending),
    }


def _variants(config: EndpointConfig, *, share: float) -> list[dict[str, Any]]:
    return [
        {
            "VariantName": variant["VariantName"],
            "CurrentWeight": variant.get("InitialVariantWeight", 1.0),
            "DesiredWeight": variant.get("InitialVariantWeight", 1.0),
            "CurrentInstanceCount": round(share * variant.get("InitialInstanceCount", 1)),
            "DesiredInstanceCount": variant.get("InitialInstanceCount", 1),
        }
        for variant in config.variants
    ]


def _serving_variants(endpoint: Endpoint, *, images: Mapping[str, str]) -> list[dict[str, Any]]:
    deployed: Sequence[dict[str, Any]] = _variants(endpoint.config, share=1.0)
    return [
        {
            **variant,
            "DeployedImages": [
                {
                    "SpecifiedImage": images[variant["VariantName"]],
                    "ResolvedImage": images[variant["VariantName"]],
                    "ResolutionTime": endpoint.modified,
                }
            ],
        }
        for variant in deployed
        if variant["VariantName"] in images
    ]


def _pending(pending: Pending) -> dict[str, Any]:
    status = {
        "Status": pending.status.status,
        "StatusMessage": pending.status.message,
        "StartTime": pending.status.started,
    }
    variants = [{**variant, "VariantStatus": [status]} for variant in _variants(pending.config, share=pending.share)]
    return {"EndpointConfigName": pending.config.name, "StartTime": pending.started, "ProductionVariants": variants}


def _capture(config: EndpointConfig) -> dict[str, Any] | None:
    capture = config.capture
    if capture is None:
        return None
    return {
        "EnableCapture": capture.get("EnableCapture", True),
        "CaptureStatus": "Started" if capture.get("EnableCapture", True) else "Stopped",
        "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
        "DestinationS3Uri": capture["DestinationS3Uri"],
        "KmsKeyId": capture.get("KmsKeyId", ""),
    }
