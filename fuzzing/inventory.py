"""Every parser of outside input, and the code that reads JSON and the like without being one."""

from collections.abc import Iterator
from importlib import import_module
from typing import Final

from fuzzing.parser import Parser

GROUPS: Final = ("queues", "application", "documents", "monitor", "files", "settings", "operator", "sandbox", "texts")
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
    "pipelines/steps/vendored.py": "reads wheels of the code bundle",
    "stacks/acknowledged.py": _REPOSITORY,
    "stacks/assembly.py": _REPOSITORY,
    "stacks/constructs/application_function.py": _REPOSITORY,
    "stacks/constructs/delivery_pipeline.py": _REPOSITORY,
    "stacks/regions.py": _REPOSITORY,
    "stacks/settings/contract.py": _REPOSITORY,
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
