"""The event that a pipeline execution ended.

AWS page: "Events that Amazon SageMaker AI sends to Amazon EventBridge", section "SageMaker pipeline execution state
change".
"""

from typing import Annotated, Literal

from pydantic import Field

from lambdas.shared.events import EventModel


class _Detail(EventModel):
    execution_arn: Annotated[str, Field(alias="pipelineExecutionArn", pattern=r"^arn:")]


class ExecutionStatusChange(EventModel):
    """A pipeline execution changed its status; which one it has now is asked from SageMaker, not read here."""

    source: Literal["aws.sagemaker"]
    detail_type: Annotated[
        Literal["SageMaker Model Building Pipeline Execution Status Change"], Field(alias="detail-type")
    ]
    detail: _Detail
