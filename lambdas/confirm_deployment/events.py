"""The event that the endpoint changed.

AWS page: "Events that Amazon SageMaker AI sends to Amazon EventBridge", section "SageMaker endpoint state change".
"""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field

from lambdas.shared import clock
from lambdas.shared.endpoints import Endpoint
from lambdas.shared.events import EventModel

_LAST_MOMENT = 250_000_000_000_000
"""In milliseconds since 1970: the year 9892, which Python can still write."""
_UNDER_WAY = frozenset({"CREATING", "UPDATING", "SYSTEM_UPDATING", "ROLLING_BACK", "DELETING"})


class _Detail(EventModel):
    endpoint_name: Annotated[str, Field(alias="EndpointName")]
    endpoint_status: Annotated[str, Field(alias="EndpointStatus")]
    last_modified: Annotated[float | None, Field(alias="LastModifiedTime", ge=0, lt=_LAST_MOMENT)] = None
    """Milliseconds since 1970, as in the page's example."""


class EndpointStateChange(EventModel):
    """The endpoint changed its status; which one it has now is asked from SageMaker, not read here.

    What the event says only tells whether SageMaker's answer lags behind it.
    """

    source: Literal["aws.sagemaker"]
    detail_type: Annotated[Literal["SageMaker Endpoint State Change"], Field(alias="detail-type")]
    detail: _Detail

    def is_ahead_of(self, endpoint: Endpoint) -> bool:
        """Whether the event tells an outcome that SageMaker's answer, still in progress, does not show yet.

        An outcome from before the change that is in progress is only late, and another event follows.
        """
        if not endpoint.is_in_progress or self.detail.endpoint_status in _UNDER_WAY:
            return False
        told = self.detail.last_modified
        return told is None or clock.iso(datetime.fromtimestamp(told / 1000, UTC)) >= endpoint.modified_at
