"""A token for a program: how it is asked for, from whom it is taken, and that no message tells a secret."""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import pytest

from ops import client_credentials
from ops.client_credentials import ClientCredentials
from ops.errors import OpsError
from ops.target import Target
from tests.unit.ops.support.issuer import Issuer, issuing
from tests.unit.ops.support.workshop import Workshop

CLIENT, PASSWORD = "smoke test", "p%ss:w+rd/ü"
HELD = {"client_id": CLIENT, "client_secret": PASSWORD}
SECRET = "flights/smoke"  # noqa: S105 - a name


@pytest.fixture(scope="module", name="running")
def _running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with issuing(tmp_path_factory.mktemp("issuer")) as issuer:
        yield issuer


@pytest.fixture(name="issuer")
def _issuer(running: Issuer, monkeypatch: pytest.MonkeyPatch) -> Issuer:
    """The same server, new to every test, and trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(running.certificate))
    running.__dict__.update(Issuer(url=running.url, certificate=running.certificate).__dict__)
    return running


def _credentials(issuer: Issuer, **more: str) -> ClientCredentials:
    return ClientCredentials.parse(json.dumps(HELD | {"token_url": issuer.url} | more), secret=SECRET)


def _tells_nothing(text: str) -> None:
    for hidden in (CLIENT, PASSWORD, "issued.to-you", "quoted"):
        assert hidden not in text


def test_a_token_is_asked_for_as_the_standard_says(issuer: Issuer) -> None:
    """RFC 6749, section 4.4.2, and 2.3.1: id and password are form-encoded before they are joined."""
    assert _credentials(issuer).token() == "issued.to-you"

    ((authorization, form),) = issuer.asked
    assert form == {"grant_type": "client_credentials"}
    assert authorization is not None
    kind, _, pair = authorization.partition(" ")
    assert (kind, base64.b64decode(pair).decode()) == ("Basic", "smoke+test:p%25ss%3Aw%2Brd%2F%C3%BC")


def test_scope_and_audience_are_asked_for_where_the_secret_names_them(issuer: Issuer) -> None:
    _credentials(issuer, scope="read write", audience="https://api.example.com/", other="left alone").token()

    ((_, form),) = issuer.asked
    assert form == {
        "grant_type": "client_credentials",
        "scope": "read write",
        "audience": "https://api.example.com/",
    }


def test_the_type_of_a_token_is_read_in_any_case(issuer: Issuer) -> None:
    """RFC 6749, section 5.1: "Value is case insensitive"."""
    issuer.answer = {"access_token": "abc", "token_type": "bearer"}

    assert _credentials(issuer).token() == "abc"


@pytest.mark.parametrize(
    ("status", "answer", "told"),
    [
        (401, {"error": "invalid_client", "error_description": "quoted"}, r"gave no token: 401 \(invalid_client\)\."),
        (400, {"error": "quoted"}, r"gave no token: 400\."),
        (400, {"error": ["quoted"]}, r"gave no token: 400\."),
        (500, b"quoted", r"gave no token: 500\."),
        (302, b"", r"gave no token: 302\."),
        (200, b"<html>quoted", r'without an "access_token"'),
        (200, b"[" * 100_000, r'without an "access_token"'),
        (200, {"token_type": "Bearer"}, r'without an "access_token"'),
        (200, {"access_token": "quoted", "token_type": "mac"}, r'without an "access_token"'),
        (200, {"access_token": "quoted\r\nhost: other", "token_type": "Bearer"}, r'without an "access_token"'),
    ],
)
def test_an_issuer_that_gives_no_token_is_an_error_that_quotes_nothing(
    issuer: Issuer, status: int, answer: Any, told: str
) -> None:
    issuer.status, issuer.answer = status, answer
    issuer.headers = {"location": issuer.url, "retry-after": "600"} if status in (302, 500) else {}

    with pytest.raises(OpsError, match=told) as raised:
        _credentials(issuer).token()

    assert len(issuer.asked) == 1
    assert SECRET in str(raised.value)
    assert "127.0.0.1" in str(raised.value)
    _tells_nothing(str(raised.value))


def test_credentials_are_not_sent_to_whom_nobody_vouches_for(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")

    with pytest.raises(OpsError, match=r"can not be reached: .*self-signed certificate") as raised:
        _credentials(issuer).token()

    assert issuer.asked == []
    _tells_nothing(str(raised.value))


def test_an_issuer_that_is_not_there_is_an_error_without_the_query_of_its_address() -> None:
    url = "https://127.0.0.1:1/token?tenant=quoted"
    with pytest.raises(OpsError, match=r"\(127\.0\.0\.1\) can not be reached: ") as raised:
        ClientCredentials.parse(json.dumps(HELD | {"token_url": url}), secret=SECRET).token()

    _tells_nothing(str(raised.value))


@pytest.mark.parametrize(
    ("held", "told"),
    [
        ("quoted", "holds no JSON object"),
        ("[" * 100_000, "holds no JSON object"),
        ('["quoted"]', "holds no JSON object"),
        (HELD, '"token_url" has to be a text'),
        ({"token_url": "https://a", "client_secret": PASSWORD}, '"client_id" has to be a text'),
        (HELD | {"token_url": "https://a", "client_secret": ""}, '"client_secret" has to be a text'),
        (HELD | {"token_url": "https://a", "client_id": f"{CLIENT}\n"}, '"client_id" has to be a text'),
        (HELD | {"token_url": "https://a", "scope": ["quoted"]}, '"scope" has to be a text'),
        (HELD | {"token_url": "http://quoted/token"}, '"token_url" has to be the https address'),
        (HELD | {"token_url": "https://quoted:p@a/token"}, '"token_url" has to be the https address'),
        (HELD | {"token_url": "https://a/token#quoted"}, '"token_url" has to be the https address'),
        (HELD | {"token_url": "https://a:quoted/"}, '"token_url" has to be the https address'),
        (HELD | {"token_url": "https://["}, '"token_url" has to be the https address'),
        (HELD | {"token_url": "https:///quoted"}, '"token_url" has to be the https address'),
    ],
)
def test_a_secret_of_another_form_is_an_error_that_names_the_key_and_no_value(
    held: str | Mapping[str, Any], told: str
) -> None:
    with pytest.raises(OpsError, match=told) as raised:
        ClientCredentials.parse(held if isinstance(held, str) else json.dumps(held), secret=SECRET)

    assert SECRET in str(raised.value)
    assert raised.value.__context__ is None or "quoted" not in str(raised.value.__context__)
    _tells_nothing(str(raised.value))


def test_credentials_show_nothing_when_they_are_printed(issuer: Issuer) -> None:
    _tells_nothing(repr(_credentials(issuer, scope="quoted")))


def test_they_are_read_from_the_secret_of_that_name(workshop: Workshop, issuer: Issuer) -> None:
    target, name = _target(workshop), f"flights/{uuid4().hex}"
    target.secrets.create_secret(Name=name, SecretString=json.dumps(HELD | {"token_url": issuer.url}))

    found = client_credentials.read(target, name)

    assert (found.token_url, found.client_id, found.client_secret) == (issuer.url, CLIENT, PASSWORD)


def test_a_secret_that_is_not_there_or_is_no_text_is_an_error_that_names_it(workshop: Workshop) -> None:
    target, name = _target(workshop), f"flights/{uuid4().hex}"
    with pytest.raises(OpsError, match=rf"the secret {name} can not be read: .*ResourceNotFoundException"):
        client_credentials.read(target, name)
    target.secrets.create_secret(Name=name, SecretBinary=b"quoted")

    with pytest.raises(OpsError, match=f"the secret {name} holds no JSON object"):
        client_credentials.read(target, name)


def _target(workshop: Workshop) -> Target:
    return workshop.stage.target
