"""A buildspec as AWS CodeBuild reads it (page "Build specification reference for CodeBuild", version 0.2)."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sandbox.errors import SandboxError

_PHASES = ("install", "pre_build", "build", "post_build")
_KNOWN = frozenset({"version", "run-as", "env", "phases", "reports", "artifacts", "cache"})
STARTED = "::command::"
"""Begins the line that a script prints before each command; the command follows."""


@dataclass(frozen=True)
class Files:
    """Files below a folder: of an artifact or a report."""

    patterns: Sequence[str]
    base: str = "."
    flat: bool = False

    def below(self, folder: Path) -> list[tuple[Path, str]]:
        """The files that exist, each with its name in the result."""
        base = folder / self.base
        found = sorted({path for pattern in self.patterns for path in base.glob(_glob(pattern)) if path.is_file()})
        return [(path, path.name if self.flat else path.relative_to(base).as_posix()) for path in found]


@dataclass(frozen=True)
class Buildspec:
    """What a build does.

    Attributes:
        variables: set before the first command.
        exported: variables that later actions of the pipeline may read.
        phases: commands by phase, in the order in which they run.
        finally_: commands that end a phase whatever happened in it.
        shell: that runs the commands.
        runtimes: versions that the image is asked for.
        artifacts: of the primary output; ``None`` when it makes none.
        secondary: by the name of the output.
        reports: by name.
    """

    variables: Mapping[str, str]
    exported: Sequence[str]
    phases: Mapping[str, Sequence[str]]
    finally_: Mapping[str, Sequence[str]]
    shell: str
    runtimes: Mapping[str, str]
    artifacts: Files | None
    secondary: Mapping[str, Files] = field(default_factory=dict)
    reports: Mapping[str, Files] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> "Buildspec":
        """Read the document.

        Raises:
            SandboxError: it is none that CodeBuild would accept.
        """
        try:
            document = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError, RecursionError) as error:  # the second: a date that is none
            raise SandboxError(f"The buildspec is no YAML: {error}") from error
        if not isinstance(document, dict) or str(document.get("version")) != "0.2":
            raise SandboxError('The buildspec has no version "0.2".')
        try:
            return cls._of(document)
        except (AttributeError, TypeError, ValueError) as error:
            raise SandboxError(f"The buildspec does not follow the reference: {error}.") from error

    @classmethod
    def _of(cls, document: Mapping[str, Any]) -> "Buildspec":
        if unknown := sorted(set(document) - _KNOWN):
            raise SandboxError(
                f"The buildspec has the unknown key {unknown[0]!r}; known are {', '.join(sorted(_KNOWN))}."
            )
        phases = document.get("phases") or {}
        if unknown := sorted(set(phases) - set(_PHASES)):
            raise SandboxError(f"The buildspec has the unknown phase {unknown[0]!r}; known are {', '.join(_PHASES)}.")
        environment = document.get("env") or {}
        artifacts = document.get("artifacts") or {}
        present = {name: phases[name] or {} for name in _PHASES if name in phases}
        return cls(
            variables={name: str(value) for name, value in (environment.get("variables") or {}).items()},
            exported=tuple(environment.get("exported-variables") or ()),
            phases={name: tuple(map(str, phase.get("commands") or ())) for name, phase in present.items()},
            finally_={name: tuple(map(str, phase.get("finally") or ())) for name, phase in present.items()},
            shell=environment.get("shell", "sh"),
            runtimes={
                name: str(version)
                for name, version in (present.get("install", {}).get("runtime-versions") or {}).items()
            },
            artifacts=_files(artifacts) if "files" in artifacts else None,
            secondary={name: _files(each) for name, each in (artifacts.get("secondary-artifacts") or {}).items()},
            reports={name: _files(each) for name, each in (document.get("reports") or {}).items()},
        )

    def script(self, *, exports: Path) -> str:
        """The commands as one script: they share a shell, so what one exports or where it goes holds for the next.

        A phase ends at its first failing command. After a failure only the end of the phase (``finally``) and, when it
        was the phase ``build``, the phase ``post_build`` still run (page "Build phase transitions").

        Args:
            exports: file that gets the values of the exported variables.
        """
        lines = ["export CODEBUILD_BUILD_SUCCEEDING=1", "tandem_status=0", "tandem_ended="]
        for name in self.phases:
            lines += self._phase(name)
        lines += [f'printf "%s=%s\\n" {name} "${name}" >> {shlex.quote(str(exports))}' for name in self.exported]
        return "\n".join([*lines, "exit $tandem_status", ""])

    def _phase(self, name: str) -> list[str]:
        body = [f"tandem_{name}() {{"]
        for command in self.phases[name]:
            body += [
                *_announced(command),
                command,
                "tandem_last=$?",
                '[ "$tandem_last" -eq 0 ] || return "$tandem_last"',
            ]
        ending = [line for command in self.finally_[name] for line in (*_announced(command), command)]
        # Only after a failed build does post_build run; a failed install or pre_build is the end.
        guard = '[ -z "$tandem_ended" ]' if name == "post_build" else '[ "$tandem_status" -eq 0 ]'
        fatal = ["tandem_ended=1"] if name in ("install", "pre_build") else []
        failed = ["export CODEBUILD_BUILD_SUCCEEDING=0", *fatal]
        return [
            *body,
            "return 0",
            "}",
            f"if {guard}; then",
            f"tandem_{name} || {{ tandem_result=$?; [ $tandem_status -ne 0 ] || tandem_status=$tandem_result",
            *failed,
            "}",
            *ending,
            "fi",
        ]


def _announced(command: str) -> list[str]:
    first, *more = command.strip().splitlines() or [""]
    return [f"printf '%s%s\\n' {STARTED} {shlex.quote(first + (' …' if more else ''))}"]


def _files(entry: Mapping[str, Any]) -> Files:
    files = entry.get("files") or ()
    return Files(
        patterns=(files,) if isinstance(files, str) else tuple(files),
        base=entry.get("base-directory") or ".",
        flat=str(entry.get("discard-paths", "no")) in ("yes", "True"),
    )


def _glob(pattern: str) -> str:
    return f"{pattern}/*" if pattern == "**" or pattern.endswith("/**") else pattern
