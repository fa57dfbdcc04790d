"""Clients of an embedded AWS."""

from typing import Any

import boto3
from botocore.config import Config

from sandbox.adapter.settings import ACCOUNT, REGION


def client(endpoint_url: str, service: str, *, account: str = ACCOUNT) -> Any:
    """A boto3 client of an embedded AWS that acts as the account."""
    session = boto3.session.Session(
        aws_access_key_id=account,
        aws_secret_access_key="sandbox",  # noqa: S106 - the embedded AWS takes any
        region_name=REGION,
    )
    # The name of a service is data here, which the typed overloads of boto3 do not cover.
    create: Any = session.client
    # A proxy of the person's network must not stand between two processes of this machine.
    return create(service, endpoint_url=endpoint_url, config=Config(proxies={}))
