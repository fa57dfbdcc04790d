"""Whether a deployed application works: a few calls to its API, as a client would make them."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from ops import client_credentials
from ops.client_credentials import BEARER
from ops.errors import OpsError
from ops.stage import PROJECTS, Stage

TOKEN: Final = "TANDEM_TOKEN"  # noqa: S105 - the name of a variable
_TIMEOUT: Final = urllib3.Timeout(connect=5, read=30)
NO_MODEL_YET: Final = "urn:problem-type:tandem:no-model-yet"
"""How the application says that no model is live yet; every other 503 is a failure (docs/application.md)."""
_OK, _INVALID, _UNAVAILABLE = 200, 422, 503
_REFUSED: Final = (401, 403)
_EARLY: Final = "no model is live yet"
_UNKNOWN: Final = "which model is live was not told"
_SHOWN: Final = 300


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call and what was expected of it.

    Attributes:
        what: method and path.
        status: HTTP status of the answer.
        problem: why it is not what was expected; ``None`` when it is.
    """

    what: str
    status: int
    problem: str | None


@dataclass(frozen=True, kw_only=True)
class Smoke:
    """What came of all calls.

    Attributes:
        model_live: whether there was a model to ask.
        note: what could not be tried.
    """

    stage: Stage
    url: str
    calls: tuple[Call, ...]
    model_live: bool
    note: str | None = None

    @property
    def works(self) -> bool:
        """Whether every call went as expected."""
        return all(call.problem is None for call in self.calls)

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return {
            "project": self.stage.project,
            "environment": self.stage.environment,
            "url": self.url,
            "works": self.works,
            "model_live": self.model_live,
            "note": self.note,
            "calls": [asdict(call) for call in self.calls],
        }


def example(project: str, *, file: Path | None = None, projects: Path = PROJECTS) -> Mapping[str, Any]:
    """Read the record to ask about: a file, or the project's ``example.json``.

    Raises:
        OpsError: there is none, or it holds no record.
    """
    path = file or projects / project / "example.json"
    try:
        record = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise OpsError(f"{path} holds no record to ask about: {error}. Write one that the contract allows.") from error
    if not isinstance(record, dict):
        raise OpsError(f"{path} holds {type(record).__name__}, it must be one record: an object by field name.")
    return record


def smoke(
    stage: Stage, record: Mapping[str, Any], *, commit: str | None, credentials_secret: str | None = None
) -> Smoke:
    """Call every route that changes nothing.

    Args:
        stage: the deployed stage.
        record: that the contract allows.
        commit: of the code that has to answer.
        credentials_secret: name of the secret with client credentials to get a token with; it goes before ``TOKEN``.

    Raises:
        OpsError: there is no application, it can not be reached, or there is no token to be had.
    """
    if credentials_secret is None:
        token = _given_token()
    else:
        token = client_credentials.read(stage.target, credentials_secret).token()
    client = _Client(stage, token)
    health, body = client.get("/health")
    if health.status in _REFUSED:
        call = _failed(health, f"{health.status}: {client.why_refused}")
        return Smoke(stage=stage, url=client.url, calls=(call,), model_live=False, note="nothing was tried")
    return _tried(stage, client, (health, body), record, commit)


def _tried(
    stage: Stage, client: "_Client", health: tuple[Call, Any], record: Mapping[str, Any], commit: str | None
) -> Smoke:
    first, body = health
    calls = [_healthy(client, first, body, commit)]
    document, found = client.get("/openapi.json")
    calls.append(client.expect(document, found, _OK))
    model, told = client.get("/model")
    is_live = model.status == _OK
    calls.append(_live(client, model, told, said_live=_field(body, "model_live") is True))
    is_early = not is_live and calls[-1].problem is None
    refused, why = client.post("/predictions", {"records": [{}]})
    calls.append(client.expect(refused, why, _INVALID))
    if is_live:
        calls += _predictions(client, record)
    return Smoke(
        stage=stage,
        url=client.url,
        calls=tuple(calls),
        model_live=is_live,
        note=None if is_live else f"{_EARLY if is_early else _UNKNOWN}, so no prediction was asked for",
    )


def _healthy(client: "_Client", call: Call, body: object, commit: str | None) -> Call:
    """Health is more than an answer: an application that cannot read its ledger calls itself degraded."""
    checked = client.expect(call, body, _OK)
    if checked.problem is not None:
        return checked
    if (status := _field(body, "status")) != "ok":
        return _failed(call, f'its status is {client.shown(status)}, not "ok"')
    if commit is not None and (answering := _field(body, "code_version")) != commit:
        return _failed(call, f"commit {client.shown(answering)} answers, not {commit}")
    return checked


def _live(client: "_Client", call: Call, body: object, *, said_live: bool) -> Call:
    """Without a model this is an answer as well: the application's own, and only while it knows of none."""
    if call.status != _UNAVAILABLE or _field(body, "type") != NO_MODEL_YET:
        return client.expect(call, body, _OK)
    return _failed(call, "it says that no model is live, and /health says that one is") if said_live else call


def _field(body: object, name: str) -> object:
    return body.get(name) if isinstance(body, dict) else None


def _predictions(client: "_Client", record: Mapping[str, Any]) -> Iterator[Call]:
    call, answer = client.post("/predictions", {"records": [record]})
    checked = client.expect(call, answer, _OK)
    if checked.problem is None:
        predictions = answer.get("predictions") if isinstance(answer, dict) else None
        first = predictions[0] if isinstance(predictions, list) and len(predictions) == 1 else None
        if not isinstance(first, dict) or not isinstance(first.get("prediction"), int | float):
            checked = _failed(call, f"it holds no prediction for one record: {client.shown(answer)}")
    yield checked


def _failed(call: Call, problem: str) -> Call:
    return Call(what=call.what, status=call.status, problem=problem)


def _given_token() -> str | None:
    given = os.environ.get(TOKEN)
    if not given:
        return None
    if not BEARER.fullmatch(given):
        # What is no token may not be a header either, and the refusal would quote it.
        raise OpsError(f"{TOKEN} holds no bearer token: letters, digits and -._~+/ without spaces, as it was issued")
    return given


class _Client:
    """Calls the API with a token, or signed by the credentials of the stage's session."""

    def __init__(self, stage: Stage, token: str | None) -> None:
        self.url = stage.api_url
        self._session = stage.target.session
        self._token = token
        # An answer is an answer: a 503 that names a time to come back is told, not waited for.
        once = urllib3.Retry(connect=3, read=0, redirect=0, status=0, respect_retry_after_header=False)
        self._pool = urllib3.PoolManager(timeout=_TIMEOUT, retries=once)

    @property
    def why_refused(self) -> str:
        """What a refusal can come from, and what to do."""
        if self._token is None:
            return (
                "these credentials may not call the API, or it asks for a token: set AWS_PROFILE or --role to who may, "
                f"{TOKEN} to a token, or --credentials-secret to the secret of a client that gets one"
            )
        return "the API does not take this token: issuer, audience and expiry have to be what it asks for"

    def expect(self, call: Call, body: object, status: int) -> Call:
        """Return the call as it was, or with what is wrong about its status."""
        if call.status == status:
            return call
        return _failed(call, f"{call.status} instead of {status}: {self.shown(body)}")

    def shown(self, body: object) -> str:
        """What was answered, shortened; an answer may quote the token that it was sent."""
        text = json.dumps(body)
        return (text if self._token is None else text.replace(self._token, "(the token)"))[:_SHOWN]

    def get(self, path: str) -> tuple[Call, Any]:
        """Ask for something."""
        return self._call("GET", path, b"")

    def post(self, path: str, body: object) -> tuple[Call, Any]:
        """Send something."""
        return self._call("POST", path, json.dumps(body).encode())

    def _call(self, method: str, path: str, body: bytes) -> tuple[Call, Any]:
        url = self.url + path
        try:
            answer = self._pool.request(method, url, body=body or None, headers=self._headers(method, url, body))
        except urllib3.exceptions.HTTPError as error:
            raise OpsError(f"can not reach the application at {url}: {error}") from error
        call = Call(what=f"{method} {path}", status=answer.status, problem=None)
        try:
            return call, json.loads(answer.data)
        except (ValueError, RecursionError):
            return call, answer.data.decode(errors="replace")

    def _headers(self, method: str, url: str, body: bytes) -> dict[str, str]:
        headers = {"content-type": "application/json"} if body else {}
        if self._token is not None:
            return headers | {"authorization": f"Bearer {self._token}"}
        credentials = self._session.get_credentials()
        if credentials is None:
            raise OpsError(f"no AWS credentials to sign a request with: set AWS_PROFILE, or {TOKEN} for a token")
        request = AWSRequest(method=method, url=url, data=body, headers=headers)
        SigV4Auth(credentials.get_frozen_credentials(), "execute-api", self._session.region_name).add_auth(request)
        return dict(request.headers.items())
