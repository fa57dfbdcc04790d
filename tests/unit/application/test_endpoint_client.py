"""Time-outs, retries and the retry quota: a real client of botocore against a server that misbehaves."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application import endpoint_client
from application.endpoint_client import ATTEMPTS, LONGEST_WAIT, Endpoint
from application.problems import BUSY, TOO_SLOW, Kind, ProblemError
from tests.unit.application.support.endpoint import EndpointServer, Failure, serving
from tests.unit.application.support.world import CREDENTIALS, SESSION

DOWN = Failure(503, "ServiceUnavailable")


def endpoint_at(url: str, *, timeout_seconds: float = 3) -> Endpoint:
    config = endpoint_client.config(timeout_seconds)
    client = SESSION.create_client("sagemaker-runtime", endpoint_url=url, config=config, **CREDENTIALS)
    return Endpoint(client, name="flights-test")


def kind_of(endpoint: Endpoint) -> Kind | None:
    try:
        endpoint.predict([{"x": 1}], inference_id="id")
    except ProblemError as problem:
        return problem.kind
    return None


def attempts_of(asked: Endpoint, endpoint: EndpointServer) -> int:
    before = len(endpoint.bodies)
    kind_of(asked)
    return len(endpoint.bodies) - before


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits before retries, which take no time."""
    waited: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time.sleep", waited.append)
    return waited


@given(st.integers(3, 29))
def test_all_attempts_with_their_waits_fit_into_the_functions_limit(timeout_seconds: int) -> None:
    config: Any = endpoint_client.config(timeout_seconds)
    assert config.connect_timeout > 0
    assert config.read_timeout > 0
    attempts = config.retries["total_max_attempts"]
    longest = attempts * (config.connect_timeout + config.read_timeout) + (attempts - 1) * LONGEST_WAIT
    assert longest <= timeout_seconds - 1


def test_a_failure_that_passes_is_tried_again_and_never_seen(
    endpoint: EndpointServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.failure = DOWN
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: setattr(endpoint, "failure", None))
    assert kind_of(endpoint_at(endpoint.url)) is None
    assert len(endpoint.bodies) == 2


def test_a_request_is_tried_so_often_and_waits_so_long_and_no_more(
    endpoint: EndpointServer, waits: list[float]
) -> None:
    endpoint.failure = DOWN
    asked = endpoint_at(endpoint.url)
    for number in range(1, 21):
        assert kind_of(asked) is BUSY
        assert len(endpoint.bodies) == number * ATTEMPTS
    assert max(waits) <= LONGEST_WAIT


@pytest.mark.parametrize("status", [500, 400])
def test_a_model_that_fails_is_not_asked_again(endpoint: EndpointServer, status: int) -> None:
    endpoint.failure = Failure(424, "ModelError", members={"OriginalStatusCode": status})
    kind_of(endpoint_at(endpoint.url))
    assert len(endpoint.bodies) == 1


@pytest.mark.usefixtures("waits")
def test_an_endpoint_that_stays_away_is_soon_asked_once_a_request_and_gets_its_retries_back_when_it_is_well(
    endpoint: EndpointServer,
) -> None:
    asked = endpoint_at(endpoint.url)
    endpoint.failure = DOWN
    attempts = [attempts_of(asked, endpoint) for _ in range(150)]
    assert attempts[0] == ATTEMPTS
    assert set(attempts[-20:]) == {1}, "the retry quota is used up"
    endpoint.failure = None
    for _ in range(30):
        assert kind_of(asked) is None, "no request is held back while the quota is used up"
    endpoint.failure = DOWN
    assert attempts_of(asked, endpoint) == ATTEMPTS, "answers have brought retries back"


def test_an_endpoint_that_says_nothing_is_given_up(endpoint: EndpointServer) -> None:
    endpoint.silent = True
    assert kind_of(endpoint_at(endpoint.url, timeout_seconds=3)) is TOO_SLOW
    assert len(endpoint.bodies) == ATTEMPTS


@pytest.mark.usefixtures("waits")
def test_an_endpoint_that_takes_no_connection_is_busy() -> None:
    with serving() as server:
        url = server.url
    assert kind_of(endpoint_at(url)) is BUSY
