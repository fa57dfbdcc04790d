"""The application of a deployed stage, called over HTTP with a signature."""

import json
from dataclasses import dataclass
from typing import Any

from deployed_loop import Loop

from sandbox.application import api_url, call


@dataclass(frozen=True)
class Answer:
    """What the API answered.

    Attributes:
        status: of HTTP.
        headers: with names in lower case.
        body: read as JSON; None when there is none.
    """

    status: int
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Api:
    """The API of one stage."""

    url: str

    def get(self, path: str) -> Answer:
        """Ask for what stands at a path, such as `/model`."""
        return self._call("GET", path, None)

    def post(self, path: str, body: Any) -> Answer:
        """Send JSON to a path; bytes are sent as they are."""
        return self._call("POST", path, body)

    def _call(self, method: str, path: str, body: Any) -> Answer:
        status, headers, content = call(method, f"{self.url}{path}", body=body)
        return Answer(status=status, headers=headers, body=json.loads(content) if content else None)


def api_of(loop: Loop) -> Api:
    """The API of a deployed loop."""
    return Api(api_url(loop.sandbox.endpoint_url, loop.outputs))
