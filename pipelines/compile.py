"""``python -m pipelines.compile [--check] [project ...]``: SDK code becomes committed, deterministic JSON.

The SageMaker SDK takes seconds to import and wants a region and credentials; a synth must need neither. So the
definition is compiled here, reviewed as a diff, and read by the stacks through ``pipelines.compiled``.
"""

import argparse
import json
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from pipelines import compiled, inputs, monitoring_inputs

_SDK_CONFIGURATION = {
    "SchemaVersion": "1.0",
    "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}},
}
"""Given to the session so that the SDK reads no configuration file of this machine and sends no telemetry."""

_SDK_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "offline",
    "AWS_SECRET_ACCESS_KEY": "offline",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_DEFAULT_REGION": "us-east-1",
    "SAGEMAKER_VALIDATE_ROLE": "false",
}
"""Without a region the SDK raises on import; without credentials the sessions it makes ask the network for some."""


class NetworkError(RuntimeError):
    """Something tried to call AWS while a definition was compiled."""


def definition(project: str, kind: compiled.Kind = "training", *, projects: Path = inputs.PROJECTS) -> str:
    """Compile one pipeline of one project to canonical JSON.

    Raises:
        inputs.DefinitionInputError: when the settings or the contract cannot be read.
        NetworkError: when the SDK tries to call AWS.
    """
    sent: list[str] = []
    with _quiet():
        session = _offline_session(sent)
        from pipelines import monitoring, training  # noqa: PLC0415  # the SDK reads its environment when it is imported

        if kind == "training":
            pipeline = training.build(inputs.read(project, projects=projects), session)
        else:
            pipeline = monitoring.build(monitoring_inputs.read(project, projects=projects), session)
        built = json.loads(pipeline.definition())
    if sent:  # the SDK swallows what its telemetry raises, so the hook alone proves nothing
        raise NetworkError(f"compiling must not call AWS, but the SDK tried: {', '.join(sent)}")
    return json.dumps(_sorted_dependencies(built), indent=2, sort_keys=True) + "\n"


def write(project: str, *, projects: Path = inputs.PROJECTS) -> list[Path]:
    """Compile the pipelines of one project and write each definition and its lock beside the project."""
    written = []
    for kind in compiled.KINDS:
        text = definition(project, kind, projects=projects)
        path = compiled.definition_path(project, kind, projects=projects)
        lock = compiled.lock_path(project, kind, projects=projects)
        path.write_text(text, "utf-8")
        lock.write_text(compiled.make_lock(project, kind, definition=text, projects=projects), "utf-8")
        written += [path, lock]
    return written


def check(project: str, *, projects: Path = inputs.PROJECTS) -> None:
    """Compile the pipelines of one project again and compare with what is committed.

    Raises:
        compiled.StaleDefinitionError: when one differs.
    """
    for kind in compiled.KINDS:
        committed = compiled.load(project, kind, projects=projects)
        if committed.text != definition(project, kind, projects=projects):
            raise compiled.StaleDefinitionError(
                f"{compiled.definition_path(project, kind, projects=projects)} is not what its sources compile to: "
                f"run `make compile` (python -m pipelines.compile {project}) and review the diff"
            )


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 done, 1 a committed file is stale, 2 a file cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.compile", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("projects", nargs="*", metavar="project", help="projects to compile (default: all)")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a committed file is stale")
    options = parser.parse_args(arguments)
    try:
        for project in options.projects or compiled.projects():
            if options.check:
                check(project)
                print(f"{project}: up to date")  # noqa: T201  # a command line speaks on stdout
            else:
                for path in write(project):
                    print(f"{project}: wrote {path.relative_to(inputs.ROOT)}")  # noqa: T201  # the same
    except (compiled.StaleDefinitionError, inputs.DefinitionInputError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201  # the same
        return 1 if isinstance(error, compiled.StaleDefinitionError) else 2
    return 0


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the SDK: it logs every field it trims, and warns that a PipelineSession starts no job (its purpose)."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


def _offline_session(sent: list[str]) -> Any:
    """Make a session that can build requests and cannot send any; notes in ``sent`` what was tried."""
    os.environ.pop("AWS_PROFILE", None)
    os.environ.update(_SDK_ENVIRONMENT)
    import boto3  # noqa: PLC0415  # after the environment is set, and only for compiling
    from sagemaker.core.workflow.pipeline_context import PipelineSession  # noqa: PLC0415  # the same

    def refuse(request: Any, **_: object) -> None:
        sent.append(f"{request.method} {request.url}")
        raise NetworkError(f"compiling must not call AWS: {sent[-1]}")

    _check_configuration_once()
    boto_session = boto3.Session()
    boto_session.events.register_first("before-send.*.*", refuse)
    session = PipelineSession(boto_session=boto_session, sagemaker_config=_SDK_CONFIGURATION)
    session._default_bucket = "__ARTIFACTS_BUCKET__"  # noqa: SLF001  # or the SDK asks the service for one
    return session


@cache
def _check_configuration_once() -> None:
    """Check the configuration here: the SDK would do so at each of sixty look-ups, for nine tenths of its time."""
    from sagemaker.core.config.config_manager import SageMakerConfig  # noqa: PLC0415  # as the session

    check = SageMakerConfig.validate_sagemaker_config
    check(_SDK_CONFIGURATION)

    def check_another(sagemaker_config: dict[str, Any] | None = None) -> None:
        if sagemaker_config != _SDK_CONFIGURATION:
            check(sagemaker_config)

    SageMakerConfig.validate_sagemaker_config = staticmethod(check_another)


def _sorted_dependencies(value: Any) -> Any:
    """Sort every DependsOn: the SDK lists it from a set, in an order that changes from process to process."""
    if isinstance(value, dict):
        return {key: sorted(item) if key == "DependsOn" else _sorted_dependencies(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_sorted_dependencies(item) for item in value]
    return value


if __name__ == "__main__":
    sys.exit(main())
