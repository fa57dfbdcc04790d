"""What requests hold and what answers tell, as pydantic models: they check requests and make the OpenAPI document."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, create_model

from application.contract import Contract
from application.values import type_of

MOST_POSITIONS: Final = 1000
"""Most records that any setting allows in one request, so positions have at most three digits."""
INFERENCE_ID: Final = rf"^[A-Za-z0-9+/=_-]{{1,60}}\.(0|[1-9][0-9]{{0,{len(str(MOST_POSITIONS)) - 2}}})$"


class Request(BaseModel):
    """Base of what is sent: nothing is converted, and nothing unknown is taken."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Answer(BaseModel):
    """Base of what is answered."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Predicted(Answer):
    """What the predicted value means."""

    name: str
    unit: str | None = None
    description: str = ""


class InputWarning(Answer):
    """An input unlike anything that the answering model was trained on; the prediction may be worth little."""

    field: str
    value: str = Field(description="What was sent, shortened.")
    trained: str = Field(description="What the model was trained on.")


class Prediction(Answer):
    """The answer to one record."""

    inference_id: str = Field(pattern=INFERENCE_ID, description="Tell the outcome by it.")
    prediction: float = Field(description="Of a yes or no: the probability of yes.")
    warnings: tuple[InputWarning, ...] = ()


class Predictions(Answer):
    """Answers in the order of the records."""

    model_version: str | None = Field(description="Version that answered; null when the model does not tell it.")
    predicted: Predicted
    predictions: tuple[Prediction, ...]
    omitted_warnings: int = Field(default=0, ge=0, description="Warnings for which the answer has no room.")


class Accepted(Answer):
    """How many outcomes were taken."""

    accepted: int = Field(ge=1)


class ContractInUse(Answer):
    """Which contract the application speaks."""

    name: str
    version: str


class LiveVersion(Answer):
    """The version that is live and where it comes from; null is what is not on record."""

    version: int
    since: datetime
    by: str = Field(description="Who or what put it there.")
    reason: str | None = Field(description="Why.")
    run_id: str | None = Field(description="Training run.")
    snapshot_id: str | None = Field(description="Of the data it was trained on.")
    commit: str | None = Field(description="Of the code that trained it.")
    metrics: dict[str, float] = Field(description="Of its evaluation on rows it had not seen.")
    contract: ContractInUse


class Health(Answer):
    """Whether the application can work. It is healthy without a model; ``model_live`` says whether it can predict."""

    status: str
    code_version: str
    contract: ContractInUse
    model_live: bool | None = Field(description="Null when the ledger could not be read.")


class Violation(Answer):
    """One thing that is wrong with a request."""

    field: str = Field(description="Name of the field, or of the part of the body.")
    record: int | None = Field(default=None, ge=0, description="Position of the record or outcome.")
    value: str | None = Field(default=None, description="What was sent, shortened.")
    allowed: str = Field(description="What is allowed.")


class Problem(Answer):
    """Problem details (RFC 9457)."""

    type: str
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    instance: str
    errors: tuple[Violation, ...] = ()


class GatewayMessage(BaseModel):
    """What API Gateway says when it refuses a request before the application sees it."""

    message: str | None = None


@dataclass(frozen=True)
class Requests:
    """The models of the bodies, made once for a contract.

    Attributes:
        record: one record.
        predictions: body of ``POST /predictions``.
        outcomes: body of ``POST /outcomes``.
    """

    record: type[BaseModel]
    predictions: type[BaseModel]
    outcomes: type[BaseModel]

    @classmethod
    def of(cls, contract: Contract, *, max_records: int) -> "Requests":
        """Make them; a request holds at most ``max_records``."""
        record = record_model(contract)
        outcome = create_model(
            "Outcome",
            __base__=Request,
            __doc__="What became of one prediction.",
            inference_id=(
                Annotated[str, StringConstraints(pattern=INFERENCE_ID)],
                Field(description="As the prediction told it."),
            ),
            outcome=(type_of(contract.output), Field()),
        )
        return cls(
            record=record,
            predictions=_body("PredictionRequest", "records", record, max_records),
            outcomes=_body("OutcomeRequest", "outcomes", outcome, max_records),
        )


def record_model(contract: Contract) -> type[BaseModel]:
    """Make the model of one record; it takes exactly what the contract allows.

    Fields have plain names inside, because a contract may use names that pydantic keeps for itself.
    """
    fields: dict[str, Any] = {
        f"field_{number}": (
            type_of(field),
            Field(default=None, alias=field.name) if field.optional else Field(alias=field.name),
        )
        for number, field in enumerate(contract.inputs)
    }
    config = ConfigDict(
        **Request.model_config,
        title="Record",
        field_title_generator=lambda _, info: info.alias or "",
        defer_build=False,
    )
    return create_model("Record", __config__=config, __doc__=contract.description or None, **fields)


def _body(name: str, key: str, entry: type[BaseModel], most: int) -> type[BaseModel]:
    # A tuple in strict mode takes no list.
    entries = Annotated[list[entry], Field(min_length=1, max_length=most)]  # type: ignore[valid-type]  # made above
    fields: dict[str, Any] = {key: (entries, Field())}
    return create_model(name, __base__=Request, **fields)
