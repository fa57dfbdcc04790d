"""An execution runs a pipeline's stages in order with real builds, and stops where something fails."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from sandbox.delivery.build import Place
from sandbox.delivery.changes import Stacks
from sandbox.delivery.execution import DeliveryError, Execution
from sandbox.delivery.template import read
from sandbox.errors import SandboxError

NAME = "flights-delivery-application"


def project(commands: list[str], **more: Any) -> dict[str, Any]:
    spec = {"version": "0.2", "phases": {"build": {"commands": commands}}, **more}
    return {
        "Type": "AWS::CodeBuild::Project",
        "Properties": {
            "Source": {"Type": "CODEPIPELINE", "BuildSpec": json.dumps(spec, indent=1)},
            "Environment": {"Image": "aws/codebuild/standard:7.0"},
        },
    }


def build(name: str, reads: str, makes: str | None = None, order: int = 1, **configuration: str) -> dict[str, Any]:
    return {
        "Name": name,
        "ActionTypeId": {"Category": "Build", "Owner": "AWS", "Provider": "CodeBuild", "Version": "1"},
        "Configuration": {"ProjectName": {"Ref": name}, **configuration},
        "InputArtifacts": [{"Name": reads}],
        "OutputArtifacts": [{"Name": makes}] if makes else [],
        "Namespace": name,
        "RunOrder": order,
    }


SOURCE = {
    "Name": "Source",
    "ActionTypeId": {"Category": "Source", "Owner": "AWS", "Provider": "S3", "Version": "1"},
    "OutputArtifacts": [{"Name": "Checkout"}],
}
APPROVE = {
    "Name": "Approve",
    "ActionTypeId": {"Category": "Approval", "Owner": "AWS", "Provider": "Manual", "Version": "1"},
}


@pytest.fixture(name="pipeline_of")
def _pipeline_of(tmp_path: Path) -> Callable[..., Execution]:
    """An execution of a pipeline of these stages and build projects."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "code.txt").write_text("code")

    def make(
        stages: Mapping[str, list[Any]], projects: Mapping[str, Any], approve: Callable[[str], bool] = bool
    ) -> Execution:
        listed = [{"Name": name, "Actions": actions} for name, actions in stages.items()]
        pipeline = {"Type": "AWS::CodePipeline::Pipeline", "Properties": {"Stages": listed}}
        (tmp_path / f"{NAME}.template.json").write_text(json.dumps({"Resources": {"Pipeline": pipeline, **projects}}))
        return Execution(
            pipeline=read(tmp_path, NAME),
            place=Place(folder=tmp_path / "run", tools=tmp_path, variables={}, commit="0" * 40),
            source=source,
            kept=tmp_path / "kept",
            stacks=Stacks(cloudformation=None, s3=None, bucket=""),
            approve=approve,
            say=lambda _: None,
        )

    return make


def test_a_build_reads_what_an_earlier_one_made(pipeline_of: Any, tmp_path: Path) -> None:
    execution = pipeline_of(
        {"Source": [SOURCE], "Build": [build("Make", "Checkout", "Made")], "Check": [build("Read", "Made")]},
        {
            "Make": project(
                ["mkdir out", "cat code.txt > out/made.txt"], artifacts={"base-directory": "out", "files": "*"}
            ),
            "Read": project([f"cp made.txt {tmp_path}/seen.txt"]),
        },
    )

    ran = execution.run()

    assert [(one.stage, one.action) for one in ran] == [("Source", "Source"), ("Build", "Make"), ("Check", "Read")]
    assert (tmp_path / "seen.txt").read_text() == "code"


def test_a_build_cannot_change_the_source_of_another(pipeline_of: Any) -> None:
    execution = pipeline_of(
        {"Source": [SOURCE], "Build": [build("Spoil", "Checkout"), build("Read", "Checkout", order=2)]},
        {"Spoil": project(["rm code.txt"]), "Read": project(["cat code.txt"])},
    )

    assert len(execution.run()) == 3


def test_a_failing_command_stops_the_pipeline_and_is_named_with_its_output(pipeline_of: Any, tmp_path: Path) -> None:
    execution = pipeline_of(
        {"Source": [SOURCE], "Build": [build("Check", "Checkout")], "Later": [build("Never", "Checkout")]},
        {"Check": project(["echo looking", "cat nothing.txt"]), "Never": project([f"touch {tmp_path}/never"])},
    )

    with pytest.raises(DeliveryError, match=r"stage Build, action Check: .*`cat nothing.txt`(.|\n)*looking") as caught:
        execution.run()

    assert (caught.value.stage, caught.value.action) == ("Build", "Check")
    assert not (tmp_path / "never").exists()


def test_an_artifact_that_nothing_made_stops_the_pipeline(pipeline_of: Any) -> None:
    execution = pipeline_of(
        {"Source": [SOURCE], "Build": [build("Make", "Checkout", "Made")]},
        {"Make": project(["true"], artifacts={"base-directory": "cdk.out", "files": "**/*"})},
    )

    with pytest.raises(DeliveryError, match="no file for the artifact 'Made'"):
        execution.run()


def test_a_report_without_a_file_stops_the_pipeline(pipeline_of: Any) -> None:
    execution = pipeline_of(
        {"Source": [SOURCE], "Build": [build("Check", "Checkout")]},
        {"Check": project(["true"], reports={"tests": {"files": ["report.xml"]}})},
    )

    with pytest.raises(DeliveryError, match=r"report 'tests' found no file report\.xml"):
        execution.run()


def test_nothing_runs_after_a_refused_approval(pipeline_of: Any, tmp_path: Path) -> None:
    execution = pipeline_of(
        {"Source": [SOURCE], "Production": [APPROVE, build("Go", "Checkout", order=2)]},
        {"Go": project([f"touch {tmp_path}/gone"])},
        approve=lambda _: False,
    )

    with pytest.raises(DeliveryError, match="it was not approved"):
        execution.run()

    assert not (tmp_path / "gone").exists()


def test_a_build_is_given_the_variables_of_an_earlier_action(pipeline_of: Any, tmp_path: Path) -> None:
    given = json.dumps([{"name": "GIVEN", "type": "PLAINTEXT", "value": "#{Tell.VERSION}"}])
    execution = pipeline_of(
        {
            "Source": [SOURCE],
            "Build": [build("Tell", "Checkout"), build("Use", "Checkout", order=2, EnvironmentVariables=given)],
        },
        {
            "Tell": project(["export VERSION=7"], env={"exported-variables": ["VERSION"]}),
            "Use": project([f"echo $GIVEN > {tmp_path}/given.txt"]),
        },
    )

    execution.run()

    assert (tmp_path / "given.txt").read_text() == "7\n"


def test_an_execution_ends_after_the_stage_that_is_named(pipeline_of: Any) -> None:
    execution = pipeline_of({"Source": [SOURCE], "Build": [build("Check", "Checkout")]}, {"Check": project(["true"])})

    assert [one.stage for one in execution.run(until="Source")] == ["Source"]
    with pytest.raises(SandboxError, match="no stage 'Sauce'; it has Source, Build"):
        execution.run(until="Sauce")


def test_a_pipeline_that_its_own_synth_has_changed_begins_again(pipeline_of: Any, tmp_path: Path) -> None:
    synth = project(
        [f"mkdir out && cp {tmp_path}/next.json out/{NAME}.template.json"],
        artifacts={"base-directory": "out", "files": "*"},
    )
    stages = {
        "Source": [SOURCE],
        "Build": [build("Synth", "Checkout", "Assembly")],
        "UpdatePipeline": [build("SelfMutate", "Assembly")],
    }
    install_cdk(tmp_path)
    projects = {"Synth": synth, "SelfMutate": project([DEPLOY]), "Added": project([f"touch {tmp_path}/added"])}
    pipeline_of(stages | {"More": [build("Added", "Checkout")]}, projects)
    (tmp_path / "next.json").write_text((tmp_path / f"{NAME}.template.json").read_text())

    ran = pipeline_of(stages, projects).run()

    assert [one.action for one in ran] == ["Source", "Synth", "SelfMutate", "Added"]
    assert (tmp_path / "added").exists()


DEPLOY = f"cdk -a . deploy {NAME} --require-approval=never --verbose"


def install_cdk(tools: Path) -> Path:
    """A command line that writes down how it was called; returns the file."""
    called = tools / "called.txt"
    (tools / "cdk").write_text(f'#!/bin/sh\necho "$@" >> {called}\n')
    (tools / "cdk").chmod(0o755)
    return called


def self_mutating(tmp_path: Path, commands: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Stages and projects of a pipeline whose own synth leaves it as it is."""
    synth = project(
        [f"mkdir out && cp {tmp_path}/{NAME}.template.json out"], artifacts={"base-directory": "out", "files": "*"}
    )
    stages = {
        "Source": [SOURCE],
        "Build": [build("Synth", "Checkout", "Assembly")],
        "UpdatePipeline": [build("SelfMutate", "Assembly")],
    }
    return stages, {"Synth": synth, "SelfMutate": project(commands)}


def test_a_pipeline_compares_its_own_stack_with_the_tool_that_it_installed(pipeline_of: Any, tmp_path: Path) -> None:
    called = install_cdk(tmp_path)

    ran = pipeline_of(*self_mutating(tmp_path, [f"touch {tmp_path}/installed", DEPLOY])).run()

    assert (ran[-1].stage, ran[-1].action) == ("UpdatePipeline", "SelfMutate")
    assert (tmp_path / "installed").exists()
    assert called.read_text() == f"-a . diff {NAME} --no-change-set\n"


def test_a_tool_that_cannot_be_installed_stops_the_pipeline_before_it_changes_itself(
    pipeline_of: Any, tmp_path: Path
) -> None:
    with pytest.raises(DeliveryError, match="`false`") as caught:
        pipeline_of(*self_mutating(tmp_path, ["false", DEPLOY])).run()

    assert (caught.value.stage, caught.value.action) == ("UpdatePipeline", "SelfMutate")


def test_a_pipeline_that_would_change_itself_by_another_command_is_not_run(pipeline_of: Any, tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"was expected to run `cdk -a \. deploy <stack>` once"):
        pipeline_of(*self_mutating(tmp_path, ["make deploy"])).run()
