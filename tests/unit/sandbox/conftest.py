"""Real sandboxes for the tests: each on a free port, in a directory of its own."""

import io
import time
import zipfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from last_words import last_words

from sandbox.server import Sandbox

WAIT_SECONDS = 30


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows what its sandboxes logged last."""
    report = yield
    if report.failed:
        for name, value in item.funcargs.items():
            if isinstance(value, Sandbox) and value.directory.logs.exists():
                report.sections.append((f"logged last by {name}", last_words(value.directory.logs)))
    return report


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A running sandbox that the tests of a module share."""
    with Sandbox(tmp_path_factory.mktemp("sandbox") / "state") as running:
        yield running


@pytest.fixture(scope="session")
def wait_for() -> Callable[[Callable[[], Any]], Any]:
    """Waits until a question has a truthy answer, and gives the answer."""

    def wait(question: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + WAIT_SECONDS
        while not (answer := question()):
            if time.monotonic() > deadline:
                pytest.fail(f"nothing happened within {WAIT_SECONDS} seconds")
            time.sleep(0.02)
        return answer

    return wait


@pytest.fixture(scope="session")
def create_function() -> Callable[..., str]:
    """Creates a Lambda from source text; gives its name."""

    def create(sandbox: Sandbox, *, name: str, source: str, **options: Any) -> str:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("index.py", source)
        client = sandbox.client("lambda")
        client.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="index.handler",
            Role="arn:aws:iam::000000000000:role/test",
            Code={"ZipFile": archive.getvalue()},
            Timeout=20,
            **options,
        )
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        return name

    return create


@pytest.fixture(scope="session")
def deploy_template() -> Callable[..., dict[str, str]]:
    """Creates or updates a CloudFormation stack and waits for it; gives its outputs."""

    def deploy(sandbox: Sandbox, *, stack: str, template: Path | str, update: bool = False) -> dict[str, str]:
        client = sandbox.client("cloudformation")
        body = template.read_text(encoding="utf-8") if isinstance(template, Path) else template
        call = client.update_stack if update else client.create_stack
        call(StackName=stack, TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
        deadline = time.monotonic() + WAIT_SECONDS
        while (found := client.describe_stacks(StackName=stack)["Stacks"][0])["StackStatus"].endswith("_IN_PROGRESS"):
            if time.monotonic() > deadline:
                pytest.fail(f"{stack} was still {found['StackStatus']} after {WAIT_SECONDS} seconds")
            time.sleep(0.02)
        if found["StackStatus"] not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            events = client.describe_stack_events(StackName=stack)["StackEvents"]
            reasons = [
                f"{e['LogicalResourceId']}: {e['ResourceStatusReason']}" for e in events if "ResourceStatusReason" in e
            ]
            pytest.fail(f"{stack} is {found['StackStatus']}: {reasons}")
        return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}

    return deploy
