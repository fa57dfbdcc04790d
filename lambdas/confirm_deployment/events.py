"""The event that the endpoint changed.

AWS page: "Events that Amazon SageMaker AI sends to Amazon EventBridge", section "SageMaker endpoint state change".
"""

from typing import Annotated, Literal

from pydantic import Field

from lambdas.shared.events import EventModel


class _Detail(EventModel):
    endpoint_name: Annotated[str, Field(alias="EndpointName")]


class EndpointStateChange(EventModel):
    """The endpoint changed its status; which one it has now is asked from SageMaker, not read here."""

    source: Literal["aws.sagemaker"]
    detail_type: Annotated[Literal["SageMaker Endpoint State Change"], Field(alias="detail-type")]
    detail: _Detail
