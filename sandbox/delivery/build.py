"""One build: the commands of a project in a folder of their own, as in a container that AWS CodeBuild starts."""

import json
import os
import shutil
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from sandbox.delivery.buildspec import STARTED, Buildspec, Files
from sandbox.delivery.template import Action, Project
from sandbox.errors import SandboxError
from sandbox.processes import printed_lines, printing

_LAST_LINES = 30
_KEPT = ("HOME", "LANG", "LC_ALL", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "TMPDIR", "USER")
"""With the settings of the package tools, all that a build takes over from the person's own environment."""
_PACKAGE_TOOLS = ("PIP_", "UV_", "npm_config_", "NPM_CONFIG_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


class BuildError(SandboxError):
    """A build failed; the message names the command and holds the end of what it printed."""


@dataclass(frozen=True)
class Place:
    """Where builds of one execution run.

    Attributes:
        folder: of the execution.
        tools: folder with the programs that the container's image brings along.
        variables: the embedded AWS, for clients.
        commit: what is delivered.
    """

    folder: Path
    tools: Path
    variables: Mapping[str, str]
    commit: str


@dataclass(frozen=True)
class Built:
    """What a build left.

    Attributes:
        artifacts: folder of each output.
        exported: variables for later actions.
    """

    artifacts: Mapping[str, Path]
    exported: Mapping[str, str]


def install_tools(folder: Path, *, node: Path) -> Path:
    """Put the programs of a build image into a folder: Python as the machine has it, Node and npm.

    Args:
        folder: is made.
        node: the program ``node``; npm lies beside its library.
    """
    folder.mkdir(parents=True, exist_ok=True)
    python = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    for name in ("python", "python3"):
        _link(folder / name, python)
    _link(folder / "node", node)
    npm = node.parents[1] / "lib" / "node_modules" / "npm" / "bin"
    for name in ("npm", "npx"):
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec "{node}" "{npm / f"{name}-cli.js"}" "$@"\n', encoding="utf-8")
        program.chmod(0o755)
    return folder


def run(
    action: Action,
    project: Project,
    *,
    place: Place,
    artifacts: Mapping[str, Path],
    variables: Mapping[str, str],
    say: Callable[[str], None],
) -> Built:
    """Run a build to its end.

    Args:
        action: of the pipeline.
        project: that the action names.
        place: where it runs.
        artifacts: folder of every artifact made so far.
        variables: that the action sets.
        say: told each command.

    Raises:
        BuildError: a command failed, the build took too long, or something that it promises is not there.
    """
    folder = place.folder / f"{action.name}-{uuid4().hex[:6]}"
    source, *others = (_copied(artifacts[name], folder / f"src-{number}") for number, name in enumerate(action.inputs))
    text = project.buildspec
    if "\n" not in text and (source / text).is_file():
        text = (source / text).read_text(encoding="utf-8")
    spec = Buildspec.of(text)
    exports = folder / "exports"
    script = folder / "script"
    script.write_text(spec.script(exports=exports), encoding="utf-8")
    environment = {
        **_inherited(place),
        "CODEBUILD_SRC_DIR": str(source),
        **{f"CODEBUILD_SRC_DIR_{name}": str(path) for name, path in zip(action.inputs[1:], others, strict=True)},
        "CODEBUILD_BUILD_ID": f"{action.name}:{folder.name}",
        "CODEBUILD_INITIATOR": "codepipeline/sandbox",
        "CODEBUILD_RESOLVED_SOURCE_VERSION": place.commit,
        "NPM_CONFIG_PREFIX": str(folder / "npm"),
        "PATH": os.pathsep.join([str(folder / "npm" / "bin"), str(place.tools), "/usr/local/bin", "/usr/bin", "/bin"]),
        **spec.variables,
        **project.variables,
        **variables,
    }
    _execute([spec.shell, str(script)], source, environment, seconds=60 * project.minutes, action=action, say=say)
    for name, report in spec.reports.items():
        if not report.below(source):
            raise BuildError(f"{action.name}: the report {name!r} found no file {', '.join(report.patterns)}.")
    exported = dict(line.split("=", 1) for line in _lines(exports))
    return Built(artifacts=_outputs(action, spec, source, folder), exported=exported)


def _execute(
    arguments: list[str],
    cwd: Path,
    environment: Mapping[str, str],
    *,
    seconds: float,
    action: Action,
    say: Callable[[str], None],
) -> None:
    printed: deque[str] = deque(maxlen=_LAST_LINES)
    command = "its first command"
    with printing(arguments, cwd=cwd, environment=environment, leads=True) as process:
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            _end(process.pid)

        timer = threading.Timer(seconds, expire)
        timer.start()
        began = time.monotonic()
        try:
            for line in printed_lines(process):
                if line.startswith(STARTED):
                    command = line.removeprefix(STARTED).strip()
                    say(f"$ {command}")
                else:
                    printed.append(line)
            status = process.wait()
        except BaseException:
            _end(process.pid)
            raise
        finally:
            timer.cancel()
    said = "\n".join(f"    {line}" for line in printed)
    if expired.is_set():
        raise BuildError(f"{action.name} took longer than {seconds / 60:.0f} minutes, at `{command}`:\n{said}")
    if status != 0:
        raise BuildError(f"{action.name} failed with exit code {status} at `{command}`:\n{said}")
    say(f"done in {time.monotonic() - began:.1f} s")


def _end(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _inherited(place: Place) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith(_PACKAGE_TOOLS)}
    return {**kept, "CI": "true", **place.variables}


def _outputs(action: Action, spec: Buildspec, source: Path, folder: Path) -> dict[str, Path]:
    """Collect the artifacts: one output takes the primary files, several are named by secondary ones."""
    if not action.outputs:
        return {}
    wanted: dict[str, Files | None] = {name: spec.secondary.get(name) for name in action.outputs}
    if len(action.outputs) == 1 and not spec.secondary:
        wanted = {action.outputs[0]: spec.artifacts}
    collected = {}
    for name, files in wanted.items():
        found = [] if files is None else files.below(source)
        if not found:
            raise BuildError(f"{action.name}: the buildspec left no file for the artifact {name!r}.")
        target = folder / f"out-{name}"
        for path, inside in found:
            (target / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target / inside)
        collected[name] = target
    return collected


def _copied(source: Path, target: Path) -> Path:
    """Every build starts from what was stored, whatever an earlier one did to its own copy."""
    shutil.copytree(source, target, symlinks=True)
    return target


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines() if file.is_file() else []


def _link(link: Path, target: Path) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def variables_of(action: Action) -> dict[str, str]:
    """The variables that an action sets for its build."""
    listed = json.loads(action.configuration.get("EnvironmentVariables", "[]"))
    return {each["name"]: each["value"] for each in listed}
