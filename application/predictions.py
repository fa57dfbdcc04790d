"""Predictions: checked records to the endpoint, and an answer that tells each record how to name its outcome."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any, Final
from uuid import uuid4

from aws_lambda_powertools.metrics import MetricUnit

from application.endpoint_client import Answer, Endpoint
from application.live_version import Left, LiveVersion
from application.trained_range import TrainedRange
from lambdas.shared.compatibility import Field
from lambdas.shared.telemetry import annotate, count, logger, metrics

MOST_WARNINGS: Final = 2000
"""In one answer: at some 150 bytes each they stay far below what a function may answer."""
_USABLE_ID: Final = re.compile(r"[A-Za-z0-9+/=_-]{1,60}")


@dataclass(frozen=True)
class Predictor:
    """Asks for predictions.

    Attributes:
        endpoint: that is asked.
        live: knows what the answering version was trained on.
        output: field of the contract that is predicted.
    """

    endpoint: Endpoint
    live: LiveVersion
    output: Field

    def answer(self, records: Sequence[dict[str, Any]], *, request_id: str, left: Left) -> dict[str, Any]:
        """Return the body of the answer to records that keep the contract.

        Raises:
            ProblemError: the endpoint gave no answer that can be used.
        """
        inference_id = name_of(request_id)
        logger.append_keys(inference_id=inference_id, records=len(records))
        begun = perf_counter()
        try:
            answer = self.endpoint.predict(records, inference_id=inference_id)
        finally:
            milliseconds = (perf_counter() - begun) * 1000
            metrics.add_metric(name="EndpointLatency", unit=MetricUnit.Milliseconds, value=milliseconds)
        count("Predictions", len(records))
        logger.append_keys(model_version=answer.model_version)
        annotate("model_version", answer.model_version or "unknown")
        trained = self.live.trained_range(answer.model_version, left=left)
        return self._document(answer, records, trained, inference_id)

    def _document(
        self, answer: Answer, records: Sequence[Mapping[str, Any]], trained: TrainedRange, inference_id: str
    ) -> dict[str, Any]:
        warnings = _Warnings(trained)
        predictions = [
            {
                "inference_id": f"{inference_id}.{position}",
                "prediction": prediction,
                "warnings": list(warnings.of(record)),
            }
            for position, (record, prediction) in enumerate(zip(records, answer.predictions, strict=True))
        ]
        meaning = {"name": self.output.name, "unit": self.output.unit, "description": self.output.description}
        return {
            "model_version": answer.model_version,
            "predicted": meaning,
            "predictions": predictions,
            "omitted_warnings": warnings.omitted,
        }


class _Warnings:
    """Warnings of one answer, up to the number there is room for."""

    def __init__(self, trained: TrainedRange) -> None:
        self._trained = trained
        self._room = MOST_WARNINGS
        self.omitted = 0

    def of(self, record: Mapping[str, Any]) -> Iterator[dict[str, str]]:
        """Yield those of one record."""
        for warned in self._trained.warnings(record):
            if self._room == 0:
                self.omitted += 1
            else:
                self._room -= 1
                yield asdict(warned)


def name_of(request_id: str) -> str:
    """Return the inference id of a request: API Gateway's id, so that access log, log and capture tell the same.

    A request id that could not be told from a position, or that SageMaker would not take, gives way to a random one.
    """
    return request_id if _USABLE_ID.fullmatch(request_id) else uuid4().hex
