"""A token for a program: client credentials out of a secret, exchanged at the issuer's token endpoint.

RFC 6749 "The OAuth 2.0 Authorization Framework", section 4.4 "Client Credentials Grant". The client authenticates by
HTTP Basic, which every authorization server supports (section 2.3.1). No message holds anything of the secret but the
host of its token endpoint, nor anything that the issuer answers but its status and an error code of section 5.2.
"""

import base64
import json
import re
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit

import urllib3
from botocore.exceptions import BotoCoreError, ClientError

from ops.errors import OpsError
from ops.target import Target

BEARER: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""What a bearer token is made of: RFC 6750 "Bearer Token Usage", section 2.1."""
_URL: Final = re.compile(r"https://[!-~]+")
_ERRORS: Final = (
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
)
_LONGEST_ANSWER: Final = 65_536
_OK: Final = 200


@dataclass(frozen=True, kw_only=True)
class ClientCredentials:
    """What a program needs to get a token.

    Attributes:
        secret: name of the secret that holds them, for messages.
        token_url: the issuer's token endpoint, https.
        client_id: of the program.
        client_secret: its password.
        scope: that the token shall have; ``None`` is what the issuer gives by itself.
        audience: that the token shall be for, where the issuer asks for it (no part of RFC 6749).
    """

    secret: str
    token_url: str = field(repr=False)
    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    scope: str | None = field(default=None, repr=False)
    audience: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str, *, secret: str) -> "ClientCredentials":
        """Read the JSON of a secret; keys that mean nothing here are left alone.

        Raises:
            OpsError: it is not such an object; names the key, and no value.
        """
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise OpsError(
                f'the secret {secret} holds no JSON object: write {{"token_url": "https://...", "client_id": "...", '
                '"client_secret": "..."} and, if the issuer wants them, "scope" and "audience"'
            )
        needed = {key: _text(document, key, secret=secret) for key in ("token_url", "client_id", "client_secret")}
        optional = {
            key: _text(document, key, secret=secret) for key in ("scope", "audience") if document.get(key) is not None
        }
        if not _is_token_endpoint(needed["token_url"]):
            raise OpsError(
                f'the secret {secret}: "token_url" has to be the https address of a token endpoint, without user or '
                "fragment"
            )
        return cls(secret=secret, **needed, **optional)

    def token(self) -> str:
        """Ask the issuer for an access token.

        Raises:
            OpsError: there is no way to the issuer, or it gives no bearer token.
        """
        # A redirect would take the credentials to a place that nobody has named.
        with urllib3.PoolManager(timeout=_TIMEOUT, retries=_RETRIES) as pool:
            try:
                answer = pool.request(
                    "POST",
                    self.token_url,
                    body=urlencode(self._asked()),
                    headers=self._headers(),
                    redirect=False,
                    preload_content=False,
                )
                content = answer.read(_LONGEST_ANSWER)
            except urllib3.exceptions.HTTPError as error:
                raise OpsError(f"{self._issuer} can not be reached: {_cause(error)}") from None
        return self._taken(answer.status, content)

    def _taken(self, status: int, content: bytes) -> str:
        try:
            document = json.loads(content)
        except (ValueError, RecursionError):
            document = None
        told: dict[str, Any] = document if isinstance(document, dict) else {}
        if status != _OK:
            error = told.get("error")
            code = f" ({error})" if error in _ERRORS else ""
            raise OpsError(
                f"{self._issuer} gave no token: {status}{code}. Are client_id, client_secret, scope and audience those "
                "of a client that may use the grant client_credentials?"
            )
        token, kind = told.get("access_token"), told.get("token_type")
        if not isinstance(token, str) or not BEARER.fullmatch(token) or str(kind).lower() != "bearer":
            raise OpsError(
                f'{self._issuer} answered without an "access_token" of the type "Bearer": is token_url the address of '
                "its token endpoint?"
            )
        return token

    def _asked(self) -> dict[str, str]:
        wishes = {"scope": self.scope, "audience": self.audience}
        return {"grant_type": "client_credentials"} | {key: value for key, value in wishes.items() if value is not None}

    def _headers(self) -> dict[str, str]:
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}"
        return {
            "authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
        }

    @property
    def _issuer(self) -> str:
        return f"the token endpoint of the secret {self.secret} ({urlsplit(self.token_url).hostname})"


_TIMEOUT: Final = urllib3.Timeout(connect=5, read=30)
_RETRIES: Final = urllib3.Retry(connect=3, read=0, redirect=0, status=0, other=0, respect_retry_after_header=False)


def read(target: Target, secret: str) -> ClientCredentials:
    """Read client credentials from AWS Secrets Manager.

    Raises:
        OpsError: the secret can not be read, or does not hold them.
    """
    try:
        held = target.secrets.get_secret_value(SecretId=secret)
    except (ClientError, BotoCoreError) as error:
        raise OpsError(
            f"the secret {secret} can not be read: {error}. It has to exist in this account and region, and "
            "secretsmanager:GetSecretValue (with kms:Decrypt if it has a key of its own) has to be allowed."
        ) from error
    return ClientCredentials.parse(held.get("SecretString", ""), secret=secret)


def _text(document: dict[str, Any], key: str, *, secret: str) -> str:
    value = document.get(key)
    if not isinstance(value, str) or not value or not value.isprintable():
        raise OpsError(f'the secret {secret}: "{key}" has to be a text without control characters')
    return value


def _is_token_endpoint(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(
            _URL.fullmatch(url) and parts.hostname and parts.port != 0 and "@" not in parts.netloc and "#" not in url
        )
    except ValueError:  # a port that is none, half an IPv6 address
        return False


def _cause(error: urllib3.exceptions.HTTPError) -> str:
    """What went wrong underneath; the error itself quotes the address with its query."""
    if isinstance(error, urllib3.exceptions.MaxRetryError) and error.reason is not None:
        return str(error.reason)
    return type(error).__name__
