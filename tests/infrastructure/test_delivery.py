"""The two delivery pipelines: their stages and builds, what their roles may do, and whom they tell."""

import json
import re
import shlex
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click import Command, Context, Group
from permission_table import PIPELINE_MAY
from resolved_policies import listed
from spoken_values import said
from typer.main import get_command

from ops.__main__ import app

ROOT = Path(__file__).resolve().parents[2]
ML_STACKS = ("Storage", "Training", "Serving", "Monitoring")
FIRST = {"Source": [["Source"]], "Build": [["Build"]], "UpdatePipeline": [["SelfMutate"]], "Assets": [["FileAssets"]]}
STAGES = {
    "application": FIRST
    | {
        "flights-staging": [["Contract"], ["Application.Prepare"], ["Application.Deploy"], ["Smoke"], ["Record"]],
        "Approval": [["Approve"]],
        "flights-production": [
            ["Contract"],
            ["Application.Prepare"],
            ["Application.Deploy"],
            ["Smoke"],
            ["Record"],
        ],
    },
    "ml": FIRST
    | {
        "flights-staging": [
            *(
                [f"{stack}.{what}"]
                for stack in ("Storage", "Training", "Serving", "Monitoring")
                for what in ("Prepare", "Deploy")
            ),
            ["Train"],
        ],
        "Approval": [["Approve"]],
        "flights-production": [
            *(
                [f"{stack}.{what}"]
                for stack in ("Storage", "Training", "Serving", "Monitoring")
                for what in ("Prepare", "Deploy")
            ),
        ],
    },
}
THEIR_KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ROLE = {"Contract": "ml", "Record": "ml", "Train": "ml", "Smoke": "application"}


def _pipeline(line: Any) -> Any:
    return line.one("AWS::CodePipeline::Pipeline", "DeliveryPipeline")


def _projects(line: Any) -> dict[str, Any]:
    return dict(line.all("AWS::CodeBuild::Project"))


def _build(line: Any) -> Any:
    return line.one("AWS::CodeBuild::Project", "DeliveryPipelineBuild")


def _buildspec(project: Any) -> Any:
    return json.loads(project["Source"]["BuildSpec"])


def _commands(line: Any) -> Iterator[tuple[str, Any, str]]:
    """Every command that is written here: the project's id, its properties, and the command."""
    for name, project in _projects(line).items():
        if name.startswith("DeliveryPipeline"):
            for command in _buildspec(project)["phases"]["build"]["commands"]:
                yield name, project, command


def _allowed(line: Any, start: str) -> Iterator[tuple[str, str]]:
    reference = {"Ref": line.id("AWS::IAM::Role", start)}
    for policy in line.all("AWS::IAM::Policy").values():
        if reference in policy["Roles"]:
            for one in policy["PolicyDocument"]["Statement"]:
                for action in listed(one["Action"]):
                    for resource in listed(one["Resource"]):
                        yield action, said(resource)


def test_the_stages_and_what_each_does_in_which_order(line: Any, side: str) -> None:
    found = {}
    for stage in _pipeline(line)["Stages"]:
        actions = defaultdict(list)
        for action in stage["Actions"]:
            actions[action["RunOrder"]].append(action["Name"])
        found[stage["Name"]] = [sorted(actions[order]) for order in sorted(actions)]

    assert list(found.items()) == list(STAGES[side].items())


def test_production_alone_goes_back_by_itself_when_it_fails(line: Any) -> None:
    failing = {stage["Name"]: stage.get("OnFailure") for stage in _pipeline(line)["Stages"]}

    assert {name: one for name, one in failing.items() if one} == {"flights-production": {"Result": "ROLLBACK"}}


def test_a_rejection_takes_nothing_back(line: Any) -> None:
    """A rejected approval fails its stage, so it must not stand in one that goes back when it fails."""
    (stage,) = (each for each in _pipeline(line)["Stages"] if "Approve" in str(each["Actions"]))

    assert [action["Name"] for action in stage["Actions"]] == ["Approve"]
    assert "OnFailure" not in stage


def test_other_code_leaves_the_pipeline_as_it_is(synthesize: Any) -> None:
    """AWS page "Configuring stage rollback": a stage goes back to executions of the same structure only."""
    own = (ROOT / "pipelines" / "projects" / "flights" / "contract.json").read_text("utf-8")
    first, second = (
        synthesize(files={"flights/application.contract.json": contract}, delivery="application", code_version=commit)
        for commit, contract in (("0" * 40, own), ("1" * 40, own + "\n"))
    )
    what = ("flights-production", "Application")

    assert (
        first.template(*what, delivered_by="flights-delivery-application").body
        != second.template(*what, delivered_by="flights-delivery-application").body
    )
    assert first.delivery("application").body == second.delivery("application").body


def test_a_newer_commit_takes_the_place_of_one_that_waits(line: Any, side: str) -> None:
    pipeline = _pipeline(line)

    assert pipeline["Name"] == f"flights-delivery-{side}"
    assert (pipeline["PipelineType"], pipeline["ExecutionMode"]) == ("V2", "SUPERSEDED")
    assert pipeline["RestartExecutionOnUpdate"] is True
    assert "Triggers" not in pipeline


def test_what_a_pipeline_deploys_is_what_is_deployed_without_it(assembly: Any, side: str) -> None:
    stacks = ("Application",) if side == "application" else ML_STACKS
    for stage in ("flights-staging", "flights-production"):
        for stack in stacks:
            delivered = assembly.template(stage, stack, delivered_by=f"flights-delivery-{side}")
            assert _unlabelled(delivered.body) == _unlabelled(assembly.template(stage, stack).body)


def _unlabelled(template: Any) -> Any:
    """Without the labels of statements, which the CDK makes of a construct's path; they mean nothing to AWS."""
    return json.loads(re.sub(r'"Sid": "AllowEventRule\w+"', '"Sid": ""', json.dumps(template)))


def test_the_tools_are_those_of_the_lock(line: Any, side: str) -> None:
    wanted = json.loads((ROOT / "package.json").read_text("utf-8"))["devDependencies"]["aws-cdk"]
    mutate = _buildspec(line.one("AWS::CodeBuild::Project", "DeliveryStagesUpdatePipeline"))

    assert mutate["phases"]["install"]["commands"] == [f"npm install -g aws-cdk@{wanted}"]
    assert mutate["phases"]["build"]["commands"] == [
        f"cdk -a . deploy flights-delivery-{side} --require-approval=never --verbose"
    ]


def test_assets_are_published_by_a_pinned_tool(assembly: Any, line: Any) -> None:
    spec = line.one("AWS::CodeBuild::Project", "DeliveryStagesAssets")["Source"]["BuildSpec"]

    assert re.search(r"npm install -g cdk-assets@\d+\.\d+\.\d+\b", (assembly.folder / spec).read_text("utf-8"))


def test_no_build_is_privileged_and_all_use_one_pinned_image_and_one_log(line: Any) -> None:
    projects = _projects(line).values()
    environments = [project["Environment"] for project in projects]

    (image,) = {one["Image"] for one in environments}
    assert re.fullmatch(r"aws/codebuild/standard:7\.0-\d\d\.\d\d\.\d\d", image), f"AWS changes what {image} is"
    assert {one["ImagePullCredentialsType"] for one in environments} == {"CODEBUILD"}
    assert not [one for one in environments if one["PrivilegedMode"]]
    log = {"Ref": line.id("AWS::Logs::LogGroup", "DeliveryLogs")}
    assert all(project["LogsConfig"]["CloudWatchLogs"]["GroupName"] == log for project in projects)


def test_builds_run_the_python_of_ci(line: Any) -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    (wanted,) = set(re.findall(r'python-version: "(.+)"', workflow))
    specs = [_buildspec(project) for name, project in _projects(line).items() if name.startswith("DeliveryPipeline")]

    assert specs
    assert {spec["phases"]["install"]["runtime-versions"]["python"] for spec in specs} == {wanted}


def test_a_training_run_may_take_longer_than_other_builds(line: Any) -> None:
    for name, project in _projects(line).items():
        assert project["TimeoutInMinutes"] == (480 if name.startswith("DeliveryPipelineflightsstagingTrain") else 60)


def test_the_build_reports_its_tests_and_hands_on_the_assembly(line: Any, side: str) -> None:
    spec = _buildspec(_build(line))

    assert spec["reports"] == {"tests": {"files": ["reports/*.xml"], "file-format": "JUNITXML"}}
    assert spec["artifacts"] == {"base-directory": "cdk.out", "files": ["**/*"]}
    assert (
        f"-c project=flights -c delivery={side} -c code_version=$CODEBUILD_RESOLVED_SOURCE_VERSION"
        in (spec["phases"]["build"]["commands"][-1])
    )
    reports = [resource for action, resource in _allowed(line, "DeliveryBuilder") if action == "codebuild:CreateReport"]
    assert [one.rpartition("/")[2] for one in reports] == [f"{_build(line)['Name']}-tests"]


def test_every_target_of_make_and_every_test_in_a_command_exists(line: Any) -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE)
    named = [shlex.split(command) for _, _, command in _commands(line)]
    made = [words for words in named if words[0] == "make"]

    assert made
    for words in made:
        assert [word for word in words[1:] if "=" not in word and word not in targets] == []
        for word in words[1:]:
            if word.startswith("TESTS="):
                assert [path for path in word.removeprefix("TESTS=").split() if not (ROOT / path).exists()] == []


def test_every_question_to_an_environment_is_one_that_ops_understands(line: Any, side: str) -> None:
    asked = [(name, shlex.split(command)) for name, _, command in _commands(line) if " ops " in command]

    assert len(asked) == (6 if side == "application" else 1)
    for _, (python, module, package, *words) in asked:
        assert (python, module, package) == (".venv/bin/python", "-m", "ops")
        _parse(get_command(app), words)


def test_the_loop_runs_with_the_project_that_is_delivered(assembly: Any) -> None:
    spec = _buildspec(_build(assembly.delivery("ml")))
    (loop,) = (command for command in spec["phases"]["build"]["commands"] if "tests/loop" in command)

    assert "tests/loop/test_any_project.py" in loop
    assert "TANDEM_PROJECT=flights" in shlex.split(loop)


def test_an_audit_without_an_answer_is_only_told_where_the_settings_say_so(synthesize: Any) -> None:
    changed = synthesize(lambda text: text.replace("[delivery] ", '[delivery]\naudit = "told"  '), delivery="ml")

    assert "make audit" in _buildspec(_build(changed.delivery("ml")))["phases"]["build"]["commands"]


def test_an_audit_without_an_answer_fails_the_builds_by_default(line: Any) -> None:
    assert "make audit REQUIRED=1" in _buildspec(_build(line))["phases"]["build"]["commands"]


def test_what_was_trained_has_to_be_live_an_hour_after_its_rollout_at_the_latest(assembly: Any) -> None:
    (train,) = (command for _, _, command in _commands(assembly.delivery("ml")) if " ops " in command)

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
        for _, _, command in _commands(assembly.delivery("application"))
        if "--contract" in (words := shlex.split(command))
    }

    assert files == {"pipelines/projects/flights/contract.json"}
    assert all((ROOT / file).is_file() for file in files)


def test_a_contract_of_its_own_is_the_one_that_is_asked_about(synthesize: Any) -> None:
    own = (ROOT / "pipelines" / "projects" / "flights" / "contract.json").read_text("utf-8")
    changed = synthesize(files={"flights/application.contract.json": own}, delivery="application")
    commands = [command for _, _, command in _commands(changed.delivery("application")) if "--contract" in command]

    assert len(commands) == 4
    assert all("pipelines/projects/flights/application.contract.json" in command for command in commands)


def test_a_check_takes_on_the_role_of_the_environment_it_asks(line: Any) -> None:
    for name, project, command in _commands(line):
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


@pytest.mark.parametrize("role", PIPELINE_MAY)
def test_a_role_of_a_build_may_do_exactly_what_the_table_says(line: Any, role: str) -> None:
    assert {action for action, _ in _allowed(line, role)} == PIPELINE_MAY[role]


def test_the_checks_take_on_the_delivery_roles_of_the_two_environments_and_these_trust_them(
    assembly: Any, line: Any, side: str
) -> None:
    checks = line.one("AWS::IAM::Role", "DeliveryChecks")["RoleName"]
    taken_on = {
        name.rpartition("/")[2] for action, name in _allowed(line, "DeliveryChecks") if action == "sts:AssumeRole"
    }
    existing = {}
    for environment in ("staging", "production"):
        for stack in ("Training", "Application"):
            role = assembly.template(f"flights-{environment}", stack).one("AWS::IAM::Role", "DeliveryRole")
            (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
            existing[role["RoleName"]] = {
                said(one).rpartition("/")[2] for one in trust["Condition"]["ArnEquals"]["aws:PrincipalArn"]
            }

    assert taken_on <= set(existing)
    assert all(checks in existing[role] for role in taken_on)
    needed = 4 if side == "application" else 1
    assert len(taken_on) == needed


def test_artifacts_are_encrypted_with_the_pipelines_own_key_and_told_of_by_tls_only(line: Any) -> None:
    key = {"Fn::GetAtt": [line.id("AWS::KMS::Key", "DeliveryKey"), "Arn"]}
    bucket = line.one("AWS::S3::Bucket", "DeliveryArtifacts")
    policy = str(line.one("AWS::S3::BucketPolicy", "DeliveryArtifacts"))

    assert line.one("AWS::KMS::Key", "DeliveryKey")["EnableKeyRotation"] is True
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"KMSMasterKeyID": key, "SSEAlgorithm": "aws:kms"}
    assert _pipeline(line)["ArtifactStore"]["EncryptionKey"] == {"Id": key, "Type": "KMS"}
    assert "'aws:SecureTransport': 'false'" in policy
    assert bucket["LoggingConfiguration"]["DestinationBucketName"] == {
        "Ref": line.id("AWS::S3::Bucket", "DeliveryAccessLogs")
    }
    topic = line.one("AWS::SNS::Topic", "DeliveryNotificationsTopic")
    assert topic["KmsMasterKeyId"] == key
    assert "'aws:SecureTransport': 'false'" in str(line.one("AWS::SNS::TopicPolicy", "DeliveryNotificationsTopic"))


@pytest.fixture(name="bucket", scope="module")
def _bucket(guarded: Any) -> Any:
    """The pipeline of the ML code with a zip file in a bucket as its source, encrypted with a key that is not ours."""

    def change(text: str) -> str:
        source = f'source = "s3"\nobject_key = "code.zip"\nkey_arn = "{THEIR_KEY}"'
        return text.replace('source = "codecommit"  ', source).replace(
            'repository = "tandem"', 'repository = "the-code"'
        )

    return guarded(change, delivery="ml").delivery("ml")


def test_a_bucket_can_be_the_source_and_is_not_polled(bucket: Any) -> None:
    """AWS page "PipelineMetadata": polling ends for a pipeline that was inactive for longer than 30 days."""
    pipeline = _pipeline(bucket)
    (action,) = pipeline["Stages"][0]["Actions"]

    assert action["ActionTypeId"]["Provider"] == "S3"
    assert (action["Configuration"]["S3Bucket"], action["Configuration"]["S3ObjectKey"]) == ("the-code", "code.zip")
    assert action["Configuration"]["PollForSourceChanges"] is False
    assert "Triggers" not in pipeline


def test_an_upload_starts_the_pipeline_and_one_that_could_not_is_kept(bucket: Any) -> None:
    rule = bucket.one("AWS::Events::Rule", "DeliveryPushRule")
    (target,) = rule["Targets"]
    (watched,) = rule["EventPattern"].pop("resources")

    assert rule["EventPattern"] == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"object": {"key": ["code.zip"]}},
    }
    assert said(watched) == "arn:<AWS::Partition>:s3:::the-code"
    assert said(target["Arn"]).endswith(f":<{bucket.id('AWS::CodePipeline::Pipeline', 'DeliveryPipeline')}>")
    assert target["DeadLetterConfig"]["Arn"] == {
        "Fn::GetAtt": [bucket.id("AWS::SQS::Queue", "DeliveryPushDeadLetters"), "Arn"]
    }
    alarms = {name for name in bucket.all("AWS::CloudWatch::Alarm") if name.startswith("DeliveryPush")}
    assert len(alarms) == 2


def test_the_pipeline_may_read_the_bucket_and_use_its_key_and_nothing_else_there(bucket: Any) -> None:
    allowed = set(_allowed(bucket, "DeliveryPipelineRole"))
    of_the_key = {action for action, resource in allowed if resource == THEIR_KEY}

    assert of_the_key == {"kms:Decrypt", "kms:DescribeKey"}
    assert {resource for _, resource in allowed if "the-code" in resource} == {
        "arn:<AWS::Partition>:s3:::the-code",
        "arn:<AWS::Partition>:s3:::the-code/code.zip",
    }
    assert {action for action, resource in allowed if "the-code" in resource} == {
        "s3:GetBucket*",
        "s3:GetObject*",
        "s3:List*",
    }
