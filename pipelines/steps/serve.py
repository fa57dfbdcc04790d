"""Answers prediction requests by the image's script contract.

``{"instances": [{field: value, ...}, ...]}`` is answered by ``{"predictions": [number, ...], "model_version": "7"}``.
The version is there when the deployment named it (``TANDEM_MODEL_VERSION``), so that every captured record tells which
version answered.

The image runs these functions in a Flask view that turns every exception into status 500 (aws/sagemaker-containers,
``_transformer.py``). So nothing is raised for a bad request: a :class:`Refusal` goes from function to function and
out of :func:`output_fn`, and Flask answers with it, because a view may return any WSGI application ("About
Responses", Flask documentation).
"""

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from pipelines.steps import artifact, columns
from pipelines.steps.contract import FieldError

JSON = "application/json"
VERSION_VARIABLE = "TANDEM_MODEL_VERSION"
_ANY = frozenset({"", "*/*", "application/*", JSON})


@dataclass(frozen=True)
class Refusal:
    """A request that is not answered, as a WSGI application.

    Attributes:
        status: HTTP status line.
        error: what is wrong, for the caller.
        field: the offending field, when it is one.
        instance: index of the offending instance, when it is one.
    """

    status: str
    error: str
    field: str | None = None
    instance: int | None = None

    def __call__(
        self, _environ: object, start_response: Callable[[str, list[tuple[str, str]]], object]
    ) -> Iterable[bytes]:
        """Answer as WSGI wants it (PEP 3333)."""
        body = {"error": self.error, "field": self.field, "instance": self.instance}
        content = json.dumps({key: value for key, value in body.items() if value is not None}).encode()
        start_response(self.status, [("Content-Type", JSON), ("Content-Length", str(len(content)))])
        return [content]


@dataclass(frozen=True)
class Predictions:
    """One number per instance, in the order of the request, and the version that answers, if it is known."""

    values: tuple[float, ...]
    model_version: str | None = None


def model_fn(model_dir: str) -> artifact.Artifact:
    """Load the model once per worker."""
    return artifact.read(Path(model_dir))


def input_fn(body: str | bytes, content_type: str) -> Sequence[object] | Refusal:
    """Read the instances of a request; the contract is checked where the model is known."""
    if content_type.split(";", maxsplit=1)[0].strip().lower() != JSON:
        return Refusal("415 Unsupported Media Type", f"content type is {content_type!r}, it must be {JSON}")
    try:
        document = json.loads(body, parse_constant=_refuse_constant)
    except ValueError as error:
        return Refusal("400 Bad Request", f"the body is no JSON: {error}")
    except RecursionError:
        return Refusal("400 Bad Request", "the body is nested too deeply")
    if not isinstance(document, dict) or set(document) != {"instances"}:
        return Refusal("400 Bad Request", 'the body must be an object with the one key "instances"', field="instances")
    instances = document["instances"]
    if not isinstance(instances, list) or not instances:
        return Refusal("400 Bad Request", '"instances" must be a list of at least one object', field="instances")
    return instances


def predict_fn(data: Sequence[object] | Refusal, model: artifact.Artifact) -> Predictions | Refusal:
    """Check every instance against the model's contract and predict."""
    if isinstance(data, Refusal):
        return data
    parsed = []
    for index, instance in enumerate(data):
        try:
            parsed.append(model.contract.parse_instance(instance))
        except FieldError as error:
            return Refusal("400 Bad Request", f"instance {index}: {error}", field=error.field, instance=index)
    values = model.model.predict(columns.from_instances(parsed, model.contract))
    return Predictions(tuple(float(value) for value in values), os.environ.get(VERSION_VARIABLE) or None)


def output_fn(prediction: Predictions | Refusal, accept: str) -> tuple[str, str] | Refusal:
    """Write the answer."""
    if isinstance(prediction, Refusal):
        return prediction
    if accept.split(";", maxsplit=1)[0].strip().lower() not in _ANY:
        return Refusal("406 Not Acceptable", f"accept is {accept!r}; this model answers {JSON}")
    answer: dict[str, object] = {"predictions": prediction.values}
    if prediction.model_version is not None:
        answer["model_version"] = prediction.model_version
    return json.dumps(answer), JSON


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
