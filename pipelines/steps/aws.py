"""Clients of AWS inside a job, with the job's role and region."""

import os
from typing import Any


def client(service: str) -> Any:
    """Return a client; containers know their region as AWS_REGION, which boto3 itself does not read."""
    import boto3  # noqa: PLC0415  # a quarter of a second that steps without AWS do not pay

    make: Any = boto3.client  # its types want the service as a literal
    return make(service, region_name=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"))
