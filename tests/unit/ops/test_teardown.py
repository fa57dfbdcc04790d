"""`ops teardown`: what it finds, what it refuses, what is gone afterwards, and what it says is left."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ops.commands import common
from ops.commands import teardown as command
from ops.errors import ExitCode
from ops.stage import Stage
from ops.teardown import buckets, inventory, plan, removal
from ops.teardown.buckets import Contents
from ops.teardown.plan import Kind, Plan, Thing
from ops.teardown.services import Services
from tests.unit.ops.support.doomed import Doomed
from tests.unit.ops.support.workshop import Workshop

REACTIONS = {"rule", "schedule", "source", "alarm", "writes"}


@pytest.fixture
def doomed(workshop: Workshop) -> Doomed:
    return Doomed(workshop)


@pytest.fixture
def production(workshop: Workshop) -> Doomed:
    return Doomed(workshop, retain=True)


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """SageMaker and S3 are not waited for in vain."""
    monkeypatch.setattr(removal, "_PATIENCE_SECONDS", 1)


def test_a_dry_run_shows_everything_and_changes_nothing(doomed: Doomed) -> None:
    doomed.fill()
    package = doomed.register()
    doomed.serve(package, f"{doomed.name}-v1-0123abcd")
    result = doomed.ask("--dry-run")

    assert result.exit_code == ExitCode.OK, result.output
    shown = " ".join(result.stdout.split())
    assert f"{doomed.name} in account 000000000000" in shown
    assert f"bucket's contents 1 {doomed.data}: 2 objects, 6 versions, 1 delete markers, 1 unfinished uploads" in shown
    assert f"endpoint config 1 {doomed.name}-v1-0123abcd" in shown
    expected = REACTIONS | {"endpoint", "config", "model", "package", "contents"}
    assert doomed.kinds() == expected
    assert doomed.kinds() == expected, "looking changes nothing"
    assert doomed.versions(doomed.data) == 8


def test_everything_goes_and_the_stacks_can_be_deleted(doomed: Doomed) -> None:
    doomed.fill()
    execution = doomed.start()
    package = doomed.register()
    for version in (1, 2):
        doomed.serve(package, f"{doomed.name}-v{version}-0123abcd")
    schedule = doomed.client("scheduler").get_schedule(Name=f"{doomed.name}-monitor", GroupName=group_of(doomed))

    answer = doomed.answer("--yes")

    assert answer["left"] == []
    assert answer["destroy"] == f"python -m sandbox destroy --project {doomed.project} --environment sandbox"
    assert {thing["kind"] for thing in answer["things"]} >= REACTIONS | {"execution", "endpoint", "stream"}
    sagemaker = doomed.client("sagemaker")
    described = sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)
    assert described["PipelineExecutionStatus"] == "Stopped"
    for operation, member in (
        ("list_endpoints", "Endpoints"),
        ("list_endpoint_configs", "EndpointConfigs"),
        ("list_models", "Models"),
    ):
        assert getattr(sagemaker, operation)(NameContains=doomed.name)[member] == []
    assert sagemaker.list_model_packages(ModelPackageGroupName=doomed.name)["ModelPackageSummaryList"] == []
    assert (doomed.versions(doomed.data), doomed.versions(doomed.artifacts)) == (0, 0)
    off = doomed.client("scheduler").get_schedule(Name=f"{doomed.name}-monitor", GroupName=group_of(doomed))
    unchanged = {"Description", "FlexibleTimeWindow", "ScheduleExpression", "ScheduleExpressionTimezone", "Target"}
    assert {name: off[name] for name in unchanged} == {name: schedule[name] for name in unchanged}
    assert doomed.destroy() == []


def group_of(doomed: Doomed) -> str:
    return str(doomed._resources("Monitoring")["Group"])


def test_without_it_a_full_bucket_keeps_its_stack(doomed: Doomed) -> None:
    doomed.fill()
    assert doomed.destroy() == [f"{doomed.name}-Storage"]
    assert doomed.versions(doomed.data) == 8
    assert doomed.ask("--yes").exit_code == ExitCode.OK, "after a failed `cdk destroy` it mends what is left"
    assert doomed.versions(doomed.data) == 0


def test_nobody_puts_anything_into_an_emptied_bucket(doomed: Doomed) -> None:
    rule = {"Sid": "Before", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
    s3 = doomed.client("s3")
    s3.put_bucket_policy(Bucket=doomed.data, Policy=json.dumps({"Version": "2012-10-17", "Statement": [rule]}))
    for _ in range(2):
        buckets.seal(s3, doomed.data, partition="aws-cn")
    before, seal = buckets._policy(s3, doomed.data)["Statement"]  # type: ignore[index]
    assert before == rule
    assert (seal["Effect"], seal["Action"], seal["Resource"]) == (
        "Deny",
        "s3:PutObject",
        f"arn:aws-cn:s3:::{doomed.data}/*",
    )


def test_streams_of_other_stages_stay(doomed: Doomed, workshop: Workshop) -> None:
    other = Doomed(workshop)
    doomed.start()
    theirs = other.start()
    assert doomed.ask("--yes").exit_code == ExitCode.OK
    streams = doomed.client("logs").describe_log_streams(logGroupName="/aws/sagemaker/ProcessingJobs")["logStreams"]
    names = [stream["logStreamName"] for stream in streams]
    assert [name for name in names if name.startswith(f"pipelines-{theirs.rpartition('/')[2]}-")]
    other.ask("--yes")


def test_names_that_only_resemble_the_stages_stay(doomed: Doomed) -> None:
    package, stranger = doomed.register(), f"{doomed.name}-vintage"
    doomed.serve(package, f"{doomed.name}-v1-0123abcd")
    doomed.serve(package, stranger)
    assert doomed.ask("--yes").exit_code == ExitCode.OK
    models = doomed.client("sagemaker").list_models(NameContains=doomed.name)["Models"]
    assert [model["ModelName"] for model in models] == [stranger]


def test_an_interrupted_replay_goes_too(doomed: Doomed) -> None:
    sagemaker, training = doomed.client("sagemaker"), f"{doomed.name}-training"
    copied = sagemaker.describe_pipeline(PipelineName=training)
    replay = f"{training}-reproduce-0123abcd"
    sagemaker.create_pipeline(
        PipelineName=replay, PipelineDefinition=copied["PipelineDefinition"], RoleArn=copied["RoleArn"]
    )
    execution = sagemaker.start_pipeline_execution(PipelineName=replay)["PipelineExecutionArn"]
    found = doomed.answer("--dry-run")["things"]
    assert {"replay", "execution"} <= {thing["kind"] for thing in found}
    assert doomed.ask("--yes").exit_code == ExitCode.OK
    assert sagemaker.list_pipelines(PipelineNamePrefix=replay)["PipelineSummaries"] == []
    status = sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)["PipelineExecutionStatus"]
    assert status == "Stopped"


def test_a_second_run_finds_nothing_and_asks_nothing(doomed: Doomed) -> None:
    doomed.fill()
    assert doomed.ask("--yes").exit_code == ExitCode.OK
    again = doomed.ask()
    assert again.exit_code == ExitCode.OK, again.output
    assert f"nothing is left of {doomed.name}; its stacks go with" in again.stdout


def test_a_stage_that_was_never_there_is_gone_already(workshop: Workshop) -> None:
    doomed = object.__new__(Doomed)
    doomed.sandbox, doomed.client, doomed.project = workshop.sandbox, workshop.client, "nowhere"
    result = doomed.ask()
    assert result.exit_code == ExitCode.OK, result.output
    assert "nowhere-sandbox in account" in result.stdout
    assert result.stdout.strip().endswith("nothing is left of nowhere-sandbox")


def test_its_name_has_to_be_typed(doomed: Doomed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "has_terminal", lambda: True)
    doomed.fill()
    refused = doomed.ask(typed="yes\n")
    assert refused.exit_code == ExitCode.ERROR
    assert "nothing was changed" in refused.stderr
    assert doomed.versions(doomed.data) == 8
    assert doomed.ask(typed=f"{doomed.name}\n").exit_code == ExitCode.OK
    assert doomed.versions(doomed.data) == 0


def test_without_a_terminal_it_does_nothing_unless_told_yes(doomed: Doomed) -> None:
    doomed.fill()
    result = doomed.ask()
    assert result.exit_code == ExitCode.USAGE
    assert "pass --yes" in result.stderr
    assert doomed.kinds() >= REACTIONS


def test_a_retained_stage_is_refused_and_what_would_be_lost_is_named(production: Doomed) -> None:
    production.fill()
    result = production.ask("--yes")
    assert result.exit_code == ExitCode.RETAINED
    for lost in (production.data, production.artifacts, production.table, production.key, production.log_group):
        assert lost in result.stderr
    assert f"retained bucket {production.data} (2 objects, 6 versions" in result.stderr
    assert "--delete-retained" in result.stderr
    assert production.versions(production.data) == 8
    assert production.kinds() >= REACTIONS | {"protection"}


def test_protection_alone_is_reason_enough(doomed: Doomed) -> None:
    name = f"{doomed.name}-Storage"
    doomed.client("cloudformation").update_termination_protection(StackName=name, EnableTerminationProtection=True)
    result = doomed.ask("--yes")
    assert result.exit_code == ExitCode.RETAINED
    assert "protected against termination" in result.stderr


def test_what_is_retained_goes_when_that_is_asked_for(production: Doomed) -> None:
    production.fill()
    production.register()
    result = production.ask("--yes", "--delete-retained")
    assert result.exit_code == ExitCode.OK, result.output
    for call in (
        lambda: production.client("s3").head_bucket(Bucket=production.data),
        lambda: production.client("dynamodb").describe_table(TableName=production.table),
        lambda: production.client("sagemaker").describe_model_package_group(ModelPackageGroupName=production.name),
    ):
        with pytest.raises(ClientError):
            call()
    assert production.client("logs").describe_log_groups(logGroupNamePrefix=production.log_group)["logGroups"] == []
    key = production.client("kms").describe_key(KeyId=production.key)["KeyMetadata"]
    assert key["KeyState"] == "PendingDeletion"
    again = production.ask("--yes")
    assert again.exit_code == ExitCode.OK, "nothing is retained any more, so nothing is refused"
    assert production.destroy() == []


def test_one_failure_does_not_keep_the_rest(doomed: Doomed, monkeypatch: pytest.MonkeyPatch, fast: None) -> None:
    del fast
    doomed.fill()
    doomed.register()
    empty = buckets.empty

    def refuse(s3: Any, bucket: str, **options: Any) -> None:
        if bucket == doomed.data:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "DeleteObjects")
        empty(s3, bucket, **options)

    monkeypatch.setattr(buckets, "empty", refuse)
    result = doomed.ask("--yes")
    assert result.exit_code == ExitCode.ERROR
    said = " ".join(result.stdout.split())
    assert "1 could not be removed" in said
    assert f"{doomed.data} (2 objects" in said
    assert "not you" in said
    assert doomed.versions(doomed.artifacts) == 0
    assert (
        doomed.client("sagemaker").list_model_packages(ModelPackageGroupName=doomed.name)["ModelPackageSummaryList"]
        == []
    )

    monkeypatch.setattr(buckets, "empty", empty)
    assert doomed.answer("--yes")["left"] == []


def test_what_s3_keeps_is_said() -> None:
    class S3:
        def get_paginator(self, name: str) -> Any:
            pages = {"list_object_versions": [{"Versions": [{"Key": "a", "VersionId": "1"}]}, {}]}

            class Paginator:
                def paginate(self, **_: Any) -> Any:
                    return pages.get(name, [])

            return Paginator()

        def delete_objects(self, **_: Any) -> Any:
            return {"Errors": [{"Key": "a", "Code": "AccessDenied"}]}

    with pytest.raises(Exception, match="S3 kept 1 of 1, such as a: AccessDenied"):
        buckets.empty(S3(), "bucket", told=print)  # type: ignore[arg-type]


def test_more_than_a_page_of_versions_goes(doomed: Doomed) -> None:
    s3 = doomed.client("s3")
    for number in range(1_050):
        s3.put_object(Bucket=doomed.data, Key=f"data/{number:05}", Body=b"")
    measured = buckets.measure(s3, doomed.data)
    assert str(measured) == "1,050 objects, 1,050 versions"
    assert doomed.ask("--yes").exit_code == ExitCode.OK
    assert buckets.measure(s3, doomed.data) == Contents()


def test_what_comes_up_meanwhile_is_removed_by_the_next_look(doomed: Doomed, monkeypatch: pytest.MonkeyPatch) -> None:
    empty, late = buckets.empty, ["capture/late.jsonl"]

    def with_a_late_one(s3: Any, bucket: str, **options: Any) -> None:
        empty(s3, bucket, **options)
        if late and bucket == doomed.data:
            s3.put_object(Bucket=bucket, Key=late.pop(), Body=b"captured")

    doomed.fill()
    monkeypatch.setattr(buckets, "empty", with_a_late_one)
    assert doomed.answer("--yes")["left"] == []
    assert doomed.versions(doomed.data) == 0


def test_a_type_that_is_retained_and_not_known_is_left_to_the_person(workshop: Workshop) -> None:
    services = Services(workshop.stage.target)
    remover = removal._Remover(services, lambda _: None)
    thing = Thing(Kind.OTHER, "queue", detail="AWS::SQS::Queue")
    assert "delete it by hand" in remover.remove(Kind.OTHER, (thing,))[thing.key]


def test_on_aws_the_stacks_go_with_the_cdk(workshop: Workshop) -> None:
    stage = Stage(target=workshop.stage.target.aws(profile=None, region="eu-west-1"), project="p", environment="e")
    stacks = (plan.Stack("p-e-Storage", is_protected=False, resources=()),)
    command_line = command._destroy(stage, Plan(stage="p-e", stacks=stacks, things=()))
    assert command_line == 'npx cdk destroy "p-e/**" -c project=p -c environment=e'


def test_inventory_of_a_stage_without_stacks_is_empty(workshop: Workshop) -> None:
    stage = Stage(target=workshop.stage.target, project="absent", environment="sandbox")
    assert inventory.take(stage, Services(stage.target), told=print).things == ()


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        (Contents(), "empty"),
        (Contents(objects=2, versions=3, markers=1), "2 objects, 3 versions, 1 delete markers"),
        (Contents(versions=100_000, is_all=False), "more than 100,000 versions"),
    ],
)
def test_contents_in_words(contents: Contents, words: str) -> None:
    assert str(contents) == words


def test_many_of_a_kind_are_one_row() -> None:
    things = [Thing(Kind.MODEL, f"m{number}") for number in range(5)]
    assert plan.summarized(things) == [("model", 5, "m0, m1, m2, 2 more")]
