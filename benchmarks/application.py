"""Requests through the deployed application, beside the same question put to the endpoint directly.

One sandbox with one live model; `wrk <https://github.com/wg/wrk>`_ keeps some connections busy with one flight a
request. The first line is the floor: the model's answer without API, function, contract and warnings. What comes on top
is the sandbox's API Gateway and Lambda as well as the application; on AWS both are other machines.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import UnavailableError
from sandbox.application import api_url, call, signed_headers
from sandbox.clients import client
from sandbox.server import Sandbox

PROJECT = "flights"
ENVIRONMENT = "sandbox"
CONNECTIONS = 8
_SECONDS, _WARM_UP = 60, 20
_MONTHS = "1,2"
_PATIENCE = 300.0
_EXAMPLE = Path(__file__).parents[1] / "pipelines" / "projects" / PROJECT / "example.json"
# wrk counts answers of 400 and more as errors of status.
_TELL = """
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('{"requests": %d, "seconds": %f, "errors": %d, "p50": %f, "p99": %f}\\n', summary.requests,
    summary.duration / 1e6, e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3))
end
"""


@dataclass(frozen=True)
class Figure:
    """One way to ask; ``ratio`` compares the rate with that of the endpoint alone."""

    name: str
    requests_per_second: float
    requests: int
    errors: int
    p50_milliseconds: float
    p99_milliseconds: float
    ratio: float


def run() -> list[dict[str, Any]]:
    """Measure both ways.

    Raises:
        UnavailableError: wrk is not installed.
        RuntimeError: no model became live.
    """
    if shutil.which("wrk") is None:
        raise UnavailableError("it needs wrk on the PATH: install it (apt-get install wrk, brew install wrk)")
    with tempfile.TemporaryDirectory() as folder, Sandbox(Path(folder) / "state") as sandbox:
        deployment = sandbox.deploy(PROJECT, environment=ENVIRONMENT)
        outputs = {key: value for stack in deployment.outputs.values() for key, value in stack.items()}
        _feed(sandbox.endpoint_url, outputs["DataBucketName"], Path(folder) / "drops")
        api = api_url(sandbox.endpoint_url, outputs)
        _wait_until(lambda: bool(json.loads(call("GET", f"{api}/health")[2]).get("model_live")))
        record = json.loads(_EXAMPLE.read_text("utf-8"))
        endpoint = f"{sandbox.endpoint_url}/endpoints/{PROJECT}-{ENVIRONMENT}/invocations"
        asked = {
            "endpoint": (endpoint, "sagemaker", {"instances": [record]}),
            "application": (f"{api}/predictions", "execute-api", {"records": [record]}),
        }
        measured = {}
        for name, (url, service, body) in asked.items():
            script = _script(Path(folder) / f"{name}.lua", url, service, body)
            _load(url, script, seconds=_WARM_UP)
            measured[name] = _load(url, script, seconds=_SECONDS)
    return [asdict(figure) for figure in _figures(measured)]


def _figures(measured: Mapping[str, Mapping[str, Any]]) -> list[Figure]:
    rates = {name: told["requests"] / told["seconds"] for name, told in measured.items()}
    base = next(iter(rates.values()))
    return [
        Figure(
            name=name,
            requests_per_second=round(rates[name], 1),
            requests=told["requests"],
            errors=told["errors"],
            p50_milliseconds=round(told["p50"], 1),
            p99_milliseconds=round(told["p99"], 1),
            ratio=round(rates[name] / base, 2),
        )
        for name, told in measured.items()
    ]


def _feed(endpoint_url: str, bucket: str, folder: Path) -> None:
    feed = [sys.executable, "-m", f"pipelines.projects.{PROJECT}.feed", "--months", _MONTHS, "--to", str(folder)]
    subprocess.run(feed, check=True)
    for path in sorted(folder.rglob("*.parquet")):
        client(endpoint_url, "s3").upload_file(str(path), bucket, f"data/{path.parent.name}/{path.name}")


def _wait_until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not done():
        if time.monotonic() > deadline:
            raise RuntimeError(f"no model was live after {_PATIENCE:.0f} s")
        time.sleep(1)


def _script(path: Path, url: str, service: str, body: Mapping[str, Any]) -> Path:
    text = json.dumps(body)
    headers = signed_headers("POST", url, body=text.encode(), service=service)
    lines = ['wrk.method = "POST"', f"wrk.body = {json.dumps(text)}"]
    lines += [f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in headers.items()]
    path.write_text("\n".join(lines) + _TELL, "utf-8")
    return path


def _load(url: str, script: Path, *, seconds: int) -> dict[str, Any]:
    command = ["wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{seconds}s"]
    done = subprocess.run([*command, "--script", str(script), url], capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def shortcomings(figures: list[dict[str, Any]], *, at_least: float | None) -> Iterator[str]:
    """Say what was not good enough: any request that failed, and a rate of the application below ``at_least``.

    Args:
        figures: What :func:`run` measured.
        at_least: Requests per second; any rate will do without it.
    """
    for each in figures:
        if each["errors"]:
            yield f"{each['errors']:,} of {each['requests']:,} requests to the {each['name']} failed"
    rate = next(each["requests_per_second"] for each in figures if each["name"] == "application")
    if at_least is not None and rate < at_least:
        yield f"the application answered {rate:.1f} requests/s, at least {at_least:g} were asked for"


def tell(figures: list[dict[str, Any]]) -> str:
    """Write the table of the page."""
    rows = [
        f"| {each['name']} | {each['requests_per_second']:.0f} | {each['requests']:,} | {each['errors']} | "
        f"{each['p50_milliseconds']:.1f} | {each['p99_milliseconds']:.1f} | {each['ratio']:.2f} x |"
        for each in figures
    ]
    head = [
        "| asked | requests/s | requests | errors | p50 ms | p99 ms | rate over the endpoint's |",
        "|---|" + "---|" * 6,
    ]
    return "\n".join([*head, *rows])
