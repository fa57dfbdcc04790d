"""What may lie in the closing queue: a pipeline execution ended, or it is time to look at the run in flight.

AWS pages: "Events that Amazon SageMaker AI sends to Amazon EventBridge", section "SageMaker pipeline execution state
change"; "Adding context attributes in EventBridge Scheduler" (the scheduled time).
"""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, RootModel

from lambdas.shared.events import EventModel

_FIRST_MOMENT, _LAST_MOMENT = datetime(2000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""Between them every moment can be written in UTC."""


class _Detail(EventModel):
    execution_arn: Annotated[str, Field(alias="pipelineExecutionArn", pattern=r"^arn:")]


class ExecutionStatusChange(EventModel):
    """A pipeline execution changed its status; which one it has now is asked from SageMaker, not read here."""

    source: Literal["aws.sagemaker"]
    detail_type: Annotated[
        Literal["SageMaker Model Building Pipeline Execution Status Change"], Field(alias="detail-type")
    ]
    detail: _Detail


class _WatchDetail(EventModel):
    at: Annotated[AwareDatetime, Field(ge=_FIRST_MOMENT, lt=_LAST_MOMENT)]


class WatchDue(EventModel):
    """The schedule asks to look at the run in flight, as of ``at``: the time for which it was scheduled."""

    source: Literal["tandem"]
    detail_type: Annotated[Literal["Training Watch Due"], Field(alias="detail-type")]
    detail: _WatchDetail


_Message = Annotated[ExecutionStatusChange | WatchDue, Field(discriminator="detail_type")]


class ClosingMessage(RootModel[_Message]):
    """Anything that the closing queue may hold."""
