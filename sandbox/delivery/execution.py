"""One execution of a pipeline: its stages in order, until all have run or one fails.

After the build that synthesizes, a real pipeline changes itself (self-mutation) and begins again when that changed it.
The embedded AWS has no CodePipeline to change, so of that build everything runs but the deployment: the command line of
the CDK is installed as its commands say, and compares the pipeline's stack (``cdk diff``) instead of deploying it. So a
version that does not exist, or that cannot read what was synthesized, stops here as it would there. The new template is
read from the build's output, and the execution begins again when its structure differs.
"""

import re
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sandbox.delivery import build, changes
from sandbox.delivery.template import Action, Pipeline, Stage, read
from sandbox.errors import SandboxError

_VARIABLE = re.compile(r"#\{(?P<namespace>[\w-]+)\.(?P<name>[\w-]+)\}")
_SELF_MUTATION = "UpdatePipeline"
_DEPLOYS_ITSELF = re.compile(r"\bcdk -a \. deploy (?P<stack>[\w-]+)(?: --[\w-]+(?:=\w+)?)*")
_COMPARES_ITSELF = r"cdk -a . diff \g<stack> --no-change-set"
_LAST = "last"


class DeliveryError(SandboxError):
    """A pipeline stopped; the message names stage and action.

    Attributes:
        stage: in which it stopped.
        action: at which it stopped.
    """

    def __init__(self, stage: str, action: str, reason: str) -> None:
        super().__init__(f"stage {stage}, action {action}: {reason}")
        self.stage = stage
        self.action = action


@dataclass(frozen=True)
class Ran:
    """An action that succeeded."""

    stage: str
    action: str
    seconds: float


@dataclass
class _Progress:
    """What an execution has made so far."""

    artifacts: dict[str, Path] = field(default_factory=dict)
    variables: dict[str, Mapping[str, str]] = field(default_factory=dict)
    ran: list[Ran] = field(default_factory=list)


@dataclass(frozen=True)
class Execution:
    """How a pipeline is run.

    Attributes:
        pipeline: which.
        place: where its builds run, and what they deliver.
        source: a clean checkout; every source action stores it.
        kept: folder that remembers what the pipeline deployed last.
        stacks: of the embedded AWS.
        approve: asked at every manual approval.
        say: told what happens.
    """

    pipeline: Pipeline
    place: build.Place
    source: Path
    kept: Path
    stacks: changes.Stacks
    approve: Callable[[str], bool]
    say: Callable[[str], None]

    def run(self, *, until: str | None = None) -> list[Ran]:
        """Run all stages, or those up to and with ``until``.

        Raises:
            DeliveryError: an action failed or was refused; a stage that rolls back has been taken back.
            SandboxError: there is no stage ``until``.
        """
        if until is not None and until not in {stage.name for stage in self.pipeline.stages}:
            known = ", ".join(stage.name for stage in self.pipeline.stages)
            raise SandboxError(f"The pipeline {self.pipeline.name} has no stage {until!r}; it has {known}.")
        pipeline, progress = self.pipeline, _Progress()
        for number in range(len(pipeline.stages)):
            stage = pipeline.stages[number]
            self.say(f"stage {stage.name}")
            if stage.name == _SELF_MUTATION:
                self._run_stage(_only_comparing(pipeline, stage), stage, progress)
                changed = read(progress.artifacts[stage.actions[0].inputs[0]], pipeline.name)
                if changed.structure != pipeline.structure:
                    self.say("the pipeline has changed itself and begins again")
                    return replace(self, pipeline=changed).run(until=until)
                # The hashes of what is delivered are its own.
                pipeline = changed
            else:
                self._run_stage(pipeline, stage, progress)
            if stage.name == until:
                break
        return progress.ran

    def _run_stage(self, pipeline: Pipeline, stage: Stage, progress: _Progress) -> None:
        for action in stage.actions:
            began = time.monotonic()
            try:
                self._act(pipeline, action, progress)
            except SandboxError as error:
                if stage.rolls_back:
                    self._take_back(stage)
                raise DeliveryError(stage.name, action.name, str(error)) from error
            progress.ran.append(Ran(stage.name, action.name, round(time.monotonic() - began, 1)))
        self._remember(stage, progress)

    def _act(self, pipeline: Pipeline, action: Action, progress: _Progress) -> None:
        self.say(f"  {action.name}")
        say = lambda line: self.say(f"    {line}")  # noqa: E731
        match action.kind.split("/"):
            case ["Source", _]:
                progress.artifacts.update(dict.fromkeys(action.outputs, self.source))
            case ["Build" | "Test", "CodeBuild"]:
                project = pipeline.projects[action.configuration["ProjectName"]]
                built = build.run(
                    action,
                    project,
                    place=self.place,
                    artifacts=progress.artifacts,
                    variables=_filled(build.variables_of(action), progress.variables),
                    say=say,
                )
                progress.artifacts.update(built.artifacts)
                self._publish(action, built.exported, progress)
            case ["Deploy", "CloudFormation"]:
                outputs = changes.run(action, stacks=self.stacks, artifacts=progress.artifacts, say=say)
                self._publish(action, outputs, progress)
            case ["Approval", "Manual"]:
                if not self.approve(action.configuration.get("CustomData") or action.name):
                    raise SandboxError("it was not approved")
            case _:
                raise SandboxError(f"the sandbox does not know actions of the kind {action.kind}")

    @staticmethod
    def _publish(action: Action, variables: Mapping[str, str], progress: _Progress) -> None:
        if action.namespace is not None:
            progress.variables[action.namespace] = variables

    def _remember(self, stage: Stage, progress: _Progress) -> None:
        """Keep what the stage's CloudFormation actions read, for the next execution that has to go back."""
        used = {name for action in stage.actions if action.kind.startswith("Deploy/") for name in action.inputs}
        if not used:
            return
        folder = self.kept / stage.name / _LAST
        shutil.rmtree(folder, ignore_errors=True)
        for name in used:
            shutil.copytree(progress.artifacts[name], folder / name, symlinks=True)

    def _take_back(self, stage: Stage) -> None:
        """Deploy what the stage deployed last (AWS page "Configuring stage rollback")."""
        folder = self.kept / stage.name / _LAST
        if not folder.is_dir():
            self.say(f"  stage {stage.name} has never succeeded: there is nothing to go back to")
            return
        self.say(f"  stage {stage.name} goes back to what it deployed last")
        artifacts = {path.name: path for path in folder.iterdir()}
        for action in (one for one in stage.actions if one.kind.startswith("Deploy/")):
            changes.run(action, stacks=self.stacks, artifacts=artifacts, say=self.say)


def _only_comparing(pipeline: Pipeline, stage: Stage) -> Pipeline:
    """The pipeline with builds of the stage that compare the pipeline's own stack where they would deploy it.

    Raises:
        SandboxError: a build deploys nothing, or by a command that is not known here.
    """
    projects = dict(pipeline.projects)
    for name in (action.configuration["ProjectName"] for action in stage.actions):
        changed, replaced = _DEPLOYS_ITSELF.subn(_COMPARES_ITSELF, projects[name].buildspec)
        if replaced != 1 or "deploy" in changed:
            raise SandboxError(
                f"The build {name} of the stage {stage.name} was expected to run `cdk -a . deploy <stack>` once, and "
                f"no other deployment: {projects[name].buildspec}"
            )
        projects[name] = replace(projects[name], buildspec=changed)
    return replace(pipeline, projects=projects)


def _filled(variables: Mapping[str, str], known: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Put in the variables of earlier actions.

    Raises:
        SandboxError: a variable that no action has.
    """

    def value(match: re.Match[str]) -> str:
        try:
            return known[match["namespace"]][match["name"]]
        except KeyError:
            raise SandboxError(f"no action before has the variable {match[0]}") from None

    return {name: _VARIABLE.sub(value, text) for name, text in variables.items()}
