"""The builds of the delivery pipelines: their tools, and commands that exist."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

from click import Command, Context, Group
from delivery_template import allowed, build, buildspec, commands, projects
from spoken_values import said
from typer.main import get_command

from ops.__main__ import app

ROOT = Path(__file__).resolve().parents[2]
ROLE = {"Contract": "ml", "Record": "ml", "Train": "ml", "Smoke": "application"}


def test_the_tools_are_those_of_the_lock(line: Any, side: str) -> None:
    wanted = json.loads((ROOT / "package.json").read_text("utf-8"))["devDependencies"]["aws-cdk"]
    mutate = buildspec(line.one("AWS::CodeBuild::Project", "DeliveryStagesUpdatePipeline"))

    assert mutate["phases"]["install"]["commands"] == [f"npm install -g aws-cdk@{wanted}"]
    assert mutate["phases"]["build"]["commands"] == [
        f"cdk -a . deploy flights-delivery-{side} --require-approval=never --verbose"
    ]


def test_assets_are_published_by_a_pinned_tool(assembly: Any, line: Any) -> None:
    spec = line.one("AWS::CodeBuild::Project", "DeliveryStagesAssets")["Source"]["BuildSpec"]

    assert re.search(r"npm install -g cdk-assets@\d+\.\d+\.\d+\b", (assembly.folder / spec).read_text("utf-8"))


def test_no_build_is_privileged_and_all_use_one_pinned_image_and_one_log(line: Any) -> None:
    built = projects(line).values()
    environments = [project["Environment"] for project in built]

    (image,) = {one["Image"] for one in environments}
    assert re.fullmatch(r"aws/codebuild/standard:7\.0-\d\d\.\d\d\.\d\d", image), f"AWS changes what {image} is"
    assert {one["ImagePullCredentialsType"] for one in environments} == {"CODEBUILD"}
    assert not [one for one in environments if one["PrivilegedMode"]]
    log = {"Ref": line.id("AWS::Logs::LogGroup", "DeliveryLogs")}
    assert all(project["LogsConfig"]["CloudWatchLogs"]["GroupName"] == log for project in built)


def test_builds_run_the_python_of_ci(line: Any) -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    (wanted,) = set(re.findall(r'python-version: "(.+)"', workflow))
    specs = [buildspec(project) for name, project in projects(line).items() if name.startswith("DeliveryPipeline")]

    assert specs
    assert {spec["phases"]["install"]["runtime-versions"]["python"] for spec in specs} == {wanted}


def test_a_training_run_may_take_longer_than_other_builds(line: Any) -> None:
    for name, project in projects(line).items():
        assert project["TimeoutInMinutes"] == (480 if name.startswith("DeliveryPipelineflightsstagingTrain") else 60)


def test_the_build_reports_its_tests_and_hands_on_the_assembly(line: Any, side: str) -> None:
    spec = buildspec(build(line))

    assert spec["reports"] == {"tests": {"files": ["reports/*.xml"], "file-format": "JUNITXML"}}
    assert spec["artifacts"] == {"base-directory": "cdk.out", "files": ["**/*"]}
    assert (
        f"-c project=flights -c delivery={side} -c code_version=$CODEBUILD_RESOLVED_SOURCE_VERSION"
        in (spec["phases"]["build"]["commands"][-1])
    )
    reports = [resource for action, resource in allowed(line, "DeliveryBuilder") if action == "codebuild:CreateReport"]
    assert [one.rpartition("/")[2] for one in reports] == [f"{build(line)['Name']}-tests"]


def test_every_target_of_make_and_every_test_in_a_command_exists(line: Any) -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE)
    named = [shlex.split(command) for _, _, command in commands(line)]
    made = [words for words in named if words[0] == "make"]

    assert made
    for words in made:
        assert [word for word in words[1:] if "=" not in word and word not in targets] == []
        for word in words[1:]:
            if word.startswith("TESTS="):
                assert [path for path in word.removeprefix("TESTS=").split() if not (ROOT / path).exists()] == []


def test_every_question_to_an_environment_is_one_that_ops_understands(line: Any, side: str) -> None:
    asked = [(name, shlex.split(command)) for name, _, command in commands(line) if " ops " in command]

    assert len(asked) == (6 if side == "application" else 1)
    for _, (python, module, package, *words) in asked:
        assert (python, module, package) == (".venv/bin/python", "-m", "ops")
        _parse(get_command(app), words)


def test_the_loop_runs_with_the_project_that_is_delivered(assembly: Any) -> None:
    spec = buildspec(build(assembly.delivery("ml")))
    (loop,) = (command for command in spec["phases"]["build"]["commands"] if "tests/loop" in command)

    assert "tests/loop/test_any_project.py" in loop
    assert "TANDEM_PROJECT=flights" in shlex.split(loop)


def test_an_audit_without_an_answer_is_only_told_where_the_settings_say_so(synthesize: Any) -> None:
    changed = synthesize(lambda text: text.replace("[delivery] ", '[delivery]\naudit = "told"  '), delivery="ml")

    assert "make audit" in buildspec(build(changed.delivery("ml")))["phases"]["build"]["commands"]


def test_an_audit_without_an_answer_fails_the_builds_by_default(line: Any) -> None:
    assert "make audit REQUIRED=1" in buildspec(build(line))["phases"]["build"]["commands"]


def test_what_was_trained_has_to_be_live_an_hour_after_its_rollout_at_the_latest(assembly: Any) -> None:
    (train,) = (command for _, _, command in commands(assembly.delivery("ml")) if " ops " in command)

    words = shlex.split(train)
    assert {"retrain", "--wait", "--until-live"} <= set(words)
    assert words[words.index("--live-within") + 1] == "120"


def _parse(command: Command, words: list[str]) -> Context:
    """What click makes of a command line; it raises for a command or an option that does not exist."""
    context = command.make_context(command.name, list(words), resilient_parsing=False)
    if isinstance(command, Group):
        _, chosen, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        assert chosen is not None
        return _parse(chosen, rest)
    return context


def test_a_contract_in_a_command_is_the_file_that_the_application_is_built_with(assembly: Any) -> None:
    files = {
        words[words.index("--contract") + 1]
        for _, _, command in commands(assembly.delivery("application"))
        if "--contract" in (words := shlex.split(command))
    }

    assert files == {"pipelines/projects/flights/contract.json"}
    assert all((ROOT / file).is_file() for file in files)


def test_a_contract_of_its_own_is_the_one_that_is_asked_about(synthesize: Any) -> None:
    own = (ROOT / "pipelines" / "projects" / "flights" / "contract.json").read_text("utf-8")
    changed = synthesize(files={"flights/application.contract.json": own}, delivery="application")
    asked = [command for _, _, command in commands(changed.delivery("application")) if "--contract" in command]

    assert len(asked) == 4
    assert all("pipelines/projects/flights/application.contract.json" in command for command in asked)


def test_a_check_takes_on_the_role_of_the_environment_it_asks(line: Any) -> None:
    for name, project, command in commands(line):
        if " ops " not in command:
            continue
        (environment, what) = re.match(
            r"DeliveryPipelineflights(staging|production)(Contract|Smoke|Record|Train)", name
        ).groups()
        variables = {one["Name"]: said(one["Value"]) for one in project["Environment"]["EnvironmentVariables"]}
        assert variables == {
            "TANDEM_ROLE_ARN": (
                f"arn:<AWS::Partition>:iam::<AWS::AccountId>:role/flights-{environment}-delivery-{ROLE[what]}"
            ),
            "TANDEM_PROJECT": "flights",
            "TANDEM_ENVIRONMENT": environment,
            "AWS_REGION": "<AWS::Region>",
        }
        assert said(project["ServiceRole"]) == f"<{line.id('AWS::IAM::Role', 'DeliveryChecks')}>"
