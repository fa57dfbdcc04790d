"""The OpenAPI 3.1 document, made from the models and from the problems that the routes know.

Its schemas are JSON schema draft 2020-12, which is what pydantic writes and what OpenAPI 3.1 takes.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from application import problems
from application.bodies import JSON, MOST_BYTES
from application.contract import Contract
from application.models import Accepted, GatewayMessage, Health, LiveVersion, Predictions, Problem, Requests
from application.problems import PROBLEM_JSON, Kind

_TEMPLATE: Final = "#/components/schemas/{model}"
_BODY: Final = (problems.BAD_BODY, problems.TOO_LARGE, problems.WRONG_MEDIA_TYPE, problems.CONTRACT)
_GATEWAY: Final[Mapping[int, str]] = {
    401: "The token is missing or not valid (APIs with a JWT authorizer)",
    403: "The signature is missing or not valid, or the caller may not call this (APIs with IAM authorization)",
    413: "The request is larger than API Gateway takes",
    429: "Too many requests",
    500: "The application failed",
    503: "The application is not available",
    504: "The application did not answer in time",
}
"""What API Gateway answers by itself, in its own form."""
_DESCRIPTION: Final = "Predictions of the live model of {name}, and what became of them. {about}"


def document(contract: Contract, requests: Requests, *, code_version: str) -> dict[str, Any]:
    """Return the document."""
    answers: Sequence[type[BaseModel]] = (Predictions, Accepted, LiveVersion, Health, Problem, GatewayMessage)
    _, schemas = models_json_schema(
        [
            *((model, "validation") for model in (requests.predictions, requests.outcomes)),
            *((model, "serialization") for model in answers),
        ],
        ref_template=_TEMPLATE,
    )
    return {
        "openapi": "3.1.1",
        "info": {
            "title": f"Predictions of {contract.name}",
            "version": f"{contract.version}+{code_version}",
            "description": _DESCRIPTION.format(name=contract.name, about=contract.description).strip(),
        },
        "paths": _paths(requests),
        "components": {"schemas": schemas["$defs"]},
    }


def _paths(requests: Requests) -> dict[str, Any]:
    return {
        "/predictions": {
            "post": _operation(
                "predict",
                "Ask for predictions of one or many records",
                answer=Predictions,
                body=requests.predictions,
                kinds=(*_BODY, problems.MODEL_FAILED, problems.NO_MODEL_YET, problems.BUSY, problems.TOO_SLOW),
            )
        },
        "/outcomes": {
            "post": _operation(
                "tellOutcomes",
                "Tell what became of predictions; telling the same twice changes nothing",
                answer=Accepted,
                status=202,
                body=requests.outcomes,
                kinds=(*_BODY, problems.UNREADABLE),
            )
        },
        "/model": {
            "get": _operation(
                "describeModel",
                "Which version is live, and where it comes from",
                answer=LiveVersion,
                kinds=(problems.NO_MODEL_YET, problems.UNREADABLE),
            )
        },
        "/health": {"get": _operation("describeHealth", "Whether the application can work", answer=Health)},
        "/openapi.json": {"get": _operation("describeApi", "This document", answer=None)},
    }


def _operation(
    name: str,
    summary: str,
    *,
    answer: type[BaseModel] | None,
    status: int = 200,
    body: type[BaseModel] | None = None,
    kinds: Sequence[Kind] = (),
) -> dict[str, Any]:
    content = {JSON: {"schema": {"type": "object"} if answer is None else _ref(answer)}}
    responses: dict[str, Any] = {str(status): {"description": "Done", "content": content}}
    responses |= _refusals((*kinds, problems.UNKNOWN_PATH, problems.WRONG_METHOD))
    operation: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "responses": dict(sorted(responses.items())),
    }
    if body is not None:
        operation["requestBody"] = {
            "required": True,
            "description": f"At most {MOST_BYTES:,} bytes.",
            "content": {JSON: {"schema": _ref(body)}},
        }
    return operation


def _refusals(kinds: Sequence[Kind]) -> dict[str, Any]:
    ours: dict[int, list[str]] = {}
    for kind in kinds:
        ours.setdefault(kind.status, []).append(kind.title)
    refusals: dict[str, Any] = {}
    for status in sorted({*ours, *_GATEWAY}):
        titles = [*ours.get(status, []), *([_GATEWAY[status]] if status in _GATEWAY else [])]
        content: dict[str, Any] = {PROBLEM_JSON: {"schema": _ref(Problem)}} if status in ours else {}
        if status in _GATEWAY or status == problems.UNKNOWN_PATH.status:
            content[JSON] = {"schema": _ref(GatewayMessage)}
        refusals[str(status)] = {"description": "; ".join(titles), "content": content}
        if status == problems.BUSY.status:
            refusals[str(status)]["headers"] = {
                "Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 1}}
            }
    return refusals


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _TEMPLATE.format(model=model.model_config.get("title") or model.__name__)}
