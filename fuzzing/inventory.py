"""Every parser of outside input, and the code that reads JSON and the like without being one."""

from collections.abc import Iterator
from importlib import import_module
from typing import Final

from fuzzing.parser import Parser

GROUPS: Final = (
    "queues",
    "application",
    "documents",
    "monitor",
    "files",
    "settings",
    "operator",
    "sandbox",
    "timing",
    "texts",
)
"""Modules of this folder with a tuple ``PARSERS``; the name of a parser begins with that of its group."""

CODE: Final = ("application", "lambdas", "ops", "pipelines", "sandbox", "stacks")
"""Folders whose code is searched for readers, and instrumented."""

_OWN: Final = "reads what the same program wrote a moment before"
_REPOSITORY: Final = "reads files of the repository when it is synthesized, compiled or demonstrated"
_AWS: Final = "reads the answer of an AWS API, or what only an AWS API lets through"
_EMBEDDED: Final = "reads what its own process, its own child or the emulator wrote"

EXCUSED: Final = {
    "lambdas/shared/ledger.py": "reads items that only our handlers may write; pydantic checks them",
    "lambdas/shared/records.py": "reads a contract that compatibility.py had accepted before it was stored",
    "lambdas/shared/environment.py": "reads the function's environment variables, which the template sets",
    "ops/stage.py": "reads the repository's project.toml for completion only",
    "ops/target.py": "reads the state file of a sandbox of the same user",
    "ops/teardown/buckets.py": _AWS,
    "ops/scaffold/folder.py": "checks options of the command line by pydantic; typer has read them",
    "pipelines/compile.py": _REPOSITORY,
    "pipelines/compiled.py": _REPOSITORY,
    "pipelines/inputs.py": _REPOSITORY,
    "pipelines/steps/evaluate.py": "reads a contract again that artifact.py has read before",
    "pipelines/steps/prepare.py": _OWN,
    "pipelines/steps/profiling/arrow_engine.py": "reads files that Prepare wrote, or drops that Validate accepted",
    "pipelines/steps/quality/future.py": "reads periods and run ids that StartTraining made by a pattern",
    "pipelines/steps/report/evaluation.py": _OWN,
    "pipelines/steps/report/scores.py": _OWN,
    "pipelines/steps/report/year.py": "reads the story that the demo wrote",
    "pipelines/steps/score.py": _OWN,
    "pipelines/steps/monitor/publish.py": "reads judgements that judge.py made in the same run or stored before",
    "pipelines/steps/monitor/windows.py": "reads one moment of the pipeline's parameters, which its schedule sets",
    "pipelines/steps/vendored.py": "reads wheels of the code bundle",
    "sandbox/adapter/cloudwatch.py": _EMBEDDED,
    "sandbox/adapter/control.py": _EMBEDDED,
    "sandbox/adapter/iam.py": "takes any body: what is no JSON names no resource",
    "sandbox/adapter/lambda_process.py": _EMBEDDED,
    "sandbox/adapter/platform.py": _EMBEDDED,
    "sandbox/adapter/scheduler.py": _EMBEDDED,
    "sandbox/adapter/service_calls.py": "reads trust policies of deployed templates",
    "sandbox/adapter/storage.py": _EMBEDDED,
    "sandbox/control.py": _EMBEDDED,
    "sandbox/delivery/build.py": "reads variables of an action of a deployed template",
    "sandbox/delivery/source.py": "unpacks what git archived of the repository",
    "sandbox/delivery/template.py": _REPOSITORY,
    "sandbox/demo/chronicle.py": _REPOSITORY,
    "sandbox/demo/cloud.py": _REPOSITORY,
    "sandbox/demo/frozen.py": "unpacks a model that the demo has trained",
    "sandbox/demo/tour.py": _REPOSITORY,
    "sandbox/demo/traffic.py": _REPOSITORY,
    "sandbox/demo/watch.py": _EMBEDDED,
    "sandbox/detached.py": "reads what the sandbox that it started says of itself",
    "sandbox/lambda_runtime.py": _REPOSITORY,
    "sandbox/sagemaker/archive.py": "unpacks what a job of the same machine has packed",
    "sandbox/sagemaker/events.py": _EMBEDDED,
    "sandbox/sagemaker/jobs/script_mode.py": "takes any text: what is no JSON is a text",
    "sandbox/scheduler/targets.py": "reads inputs of schedules of deployed templates",
    "sandbox/server.py": _EMBEDDED,
    "sandbox/state.py": _EMBEDDED,
    "stacks/acknowledged.py": _REPOSITORY,
    "stacks/assembly.py": _REPOSITORY,
    "stacks/constructs/training_pipeline.py": _REPOSITORY,
    "stacks/constructs/application_function.py": _REPOSITORY,
    "stacks/constructs/delivery_pipeline.py": _REPOSITORY,
    "stacks/regions.py": _REPOSITORY,
}
"""Modules that read a format and are fuzzed by no parser of their own, each with its reason."""


def parsers(only: tuple[str, ...] = ()) -> Iterator[Parser]:
    """Yield all parsers, or those whose names begin with one of these.

    Raises:
        LookupError: a name that no parser has.
    """
    found = [parser for group in GROUPS for parser in import_module(f"fuzzing.{group}").PARSERS]
    unknown = [name for name in only if not any(parser.name.startswith(name) for parser in found)]
    if unknown:
        raise LookupError(f"no parser {unknown[0]!r}; there are {', '.join(parser.name for parser in found)}")
    return (parser for parser in found if not only or parser.name.startswith(only))


def parser_of(name: str) -> Parser:
    """Return one parser; only its group is imported.

    Raises:
        LookupError: there is no such parser.
    """
    group = name.partition(".")[0]
    for parser in import_module(f"fuzzing.{group}").PARSERS if group in GROUPS else ():
        if parser.name == name:
            found: Parser = parser
            return found
    raise LookupError(f"no parser {name!r}")
