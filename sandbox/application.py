"""How the HTTP API of a deployed application is called: at an address of the sandbox that needs no name server.

The template's output has the address that AWS gives; here the same API answers below the sandbox's own address.
"""

import json
import re
import urllib.request
from collections.abc import Mapping
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sandbox.adapter.settings import ACCOUNT, REGION
from sandbox.errors import SandboxError

OUTPUT = "ApiUrl"
_ADDRESS = re.compile(r"https://(?P<id>[a-z0-9]+)\.execute-api\.[a-z0-9.-]+(?P<stage>/.*)?")
_SECRET = "sandbox"  # noqa: S105 - the sandbox takes any


def api_url(endpoint_url: str, outputs: Mapping[str, str]) -> str:
    """Where the API answers.

    Args:
        endpoint_url: the embedded AWS.
        outputs: of the Application stack, or of all stacks of a stage.

    Raises:
        SandboxError: when there is no API among them.
    """
    match = _ADDRESS.fullmatch(outputs.get(OUTPUT, ""))
    if match is None:
        raise SandboxError(f"No deployed stack has an address of an API ({OUTPUT}): deploy the application first.")
    return f"{endpoint_url}/_aws/execute-api/{match['id']}{match['stage'] or ''}"


def signed_headers(
    method: str,
    url: str,
    *,
    body: bytes = b"",
    access_key: str = ACCOUNT,
    secret_key: str = _SECRET,
    service: str = "execute-api",
) -> dict[str, str]:
    """The headers of a request that AWS's IAM authorization takes: Signature Version 4, for an API if not said else."""
    request = AWSRequest(method=method, url=url, data=body, headers={"content-type": "application/json"})
    SigV4Auth(Credentials(access_key, secret_key), service, REGION).add_auth(request)
    return dict(request.headers.items())


def call(
    method: str, url: str, *, body: Any = None, access_key: str = ACCOUNT, timeout: float = 60
) -> tuple[int, dict[str, str], bytes]:
    """Send one signed request; gives status, headers with names in lower case, and body, whatever the status is.

    Args:
        method: the HTTP method.
        url: below `api_url`.
        body: sent as JSON; bytes are sent as they are.
        access_key: whose request it is.
        timeout: how many seconds to wait.
    """
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    headers = signed_headers(method, url, body=data, access_key=access_key)
    request = urllib.request.Request(url, data=data or None, headers=headers, method=method)  # noqa: S310 - our own address
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _KeepErrors())
    with opener.open(request, timeout=timeout) as answer:
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()


class _KeepErrors(urllib.request.HTTPErrorProcessor):
    """Leaves an answer with an error status as it is."""

    def http_response(self, request: urllib.request.Request, response: Any) -> Any:
        """Give the response back unread."""
        del request
        return response


def curl(endpoint_url: str, outputs: Mapping[str, str]) -> str:
    """A line for a shell that asks the API how it is, signed as IAM authorization wants it."""
    signed = f"--aws-sigv4 aws:amz:{REGION}:execute-api --user {ACCOUNT}:{_SECRET}"
    return f"curl {signed} {api_url(endpoint_url, outputs)}/health"
