import re
from pathlib import Path
from typing import Any

import pytest

from stacks.assembly import build_app
from stacks.code_version import code_version
from stacks.errors import SettingsError
from stacks.settings import load_projects

ROOT = Path(__file__).resolve().parents[2]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
OUTPUTS = {
    "Storage": {"DataBucketName", "ArtifactsBucketName", "LedgerTableName", "NotificationTopicArn", "KeyArn"},
    "Training": {"TrainingPipelineName", "ModelPackageGroupName", "RetrainQueueUrl"},
    "Serving": {"EndpointName", "DeploymentQueueUrl"},
    "Monitoring": {"MonitoringPipelineName", "DashboardName", "AlarmNames"},
    "Application": {"ApiUrl", "ApplicationFunctionName", "ContractVersion"},
}


def test_every_environment_has_its_five_stacks(assembly: Any) -> None:
    for stage in ("flights-sandbox", "flights-staging", "flights-production", "flights-year"):
        names = {one["properties"]["stackName"] for one in assembly.manifest(stage).values()}
        assert names == {f"{stage}-{stack}" for stack in OUTPUTS}


@pytest.mark.parametrize("stack", OUTPUTS)
def test_a_stack_has_the_outputs_that_operators_read(sandbox: Any, stack: str) -> None:
    outputs = sandbox[stack].body["Outputs"]

    assert {name for name in outputs if not name.startswith("Exports")} == OUTPUTS[stack]


def test_a_selected_environment_comes_alone(synthesize: Any) -> None:
    stages = {path.parent.name for path in synthesize(environment="production").templates()}

    assert stages == {"assembly-flights-production"}


def test_an_unknown_selection_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"-c project=trains: unknown project\. Allowed: "):
        build_app(load_projects(ROOT), root=ROOT, outdir=tmp_path, context={"project": "trains"})


def test_stacks_go_where_the_credentials_point_by_default(assembly: Any) -> None:
    environments = {one["environment"] for one in assembly.manifest("flights-sandbox").values()}

    assert environments == {"aws://unknown-account/unknown-region"}


def test_stacks_go_to_the_account_and_region_of_their_environment(synthesize: Any) -> None:
    pinned = synthesize(
        lambda text: text.replace(
            "[environments.sandbox]", '[environments.sandbox]\naccount = "111122223333"\nregion = "eu-central-1"'
        ),
        environment="sandbox",
    )

    environments = {one["environment"] for one in pinned.manifest("flights-sandbox").values()}
    assert environments == {"aws://111122223333/eu-central-1"}


def test_a_permissions_boundary_holds_for_every_role(sandbox: Any, synthesize: Any) -> None:
    bounded = synthesize(
        lambda text: text.replace("retain = false", 'retain = false\npermissions_boundary = "team-boundary"'),
        environment="sandbox",
    )

    for stack in ("Training", "Serving", "Monitoring", "Application"):
        roles = bounded.template("flights-sandbox", stack).all("AWS::IAM::Role").values()
        assert all("team-boundary" in str(role["PermissionsBoundary"]) for role in roles)
        assert all("PermissionsBoundary" not in role for role in sandbox[stack].all("AWS::IAM::Role").values())


def test_tags_of_an_environment_are_on_its_resources(sandbox: Any, synthesize: Any) -> None:
    tagged = synthesize(
        lambda text: text.replace("retain = false", 'retain = false\ntags = { "cost-center" = "ml" }'),
        environment="sandbox",
    ).template("flights-sandbox", "Storage")
    tag = {"Key": "cost-center", "Value": "ml"}

    assert tag in tagged.one("AWS::S3::Bucket", "DataBucket")["Tags"]
    assert "Tags" not in sandbox["Storage"].one("AWS::S3::Bucket", "DataBucket")


def test_a_run_knows_the_commit_that_was_deployed(sandbox: Any, synthesize: Any) -> None:
    named = synthesize(environment="sandbox", code_version="v1.2.3").template("flights-sandbox", "Training")
    versions = [
        template.one("AWS::Lambda::Function", "StartTrainingFunction")["Environment"]["Variables"]["CODE_VERSION"]
        for template in (named, sandbox["Training"])
    ]

    assert versions[0] == "v1.2.3"
    assert re.fullmatch("[0-9a-f]{40}|unknown", versions[1])


def test_the_commit_of_a_branch_is_found(tmp_path: Path) -> None:
    branch = tmp_path / ".git" / "refs" / "heads" / "main"
    branch.parent.mkdir(parents=True)
    branch.write_text(f"{COMMIT}\n")
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")

    assert code_version(tmp_path) == COMMIT


def test_the_commit_of_a_packed_branch_is_found(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / ".git" / "packed-refs").write_text(f"# pack-refs with: peeled\n{COMMIT} refs/heads/main\n")

    assert code_version(tmp_path) == COMMIT


def test_a_detached_head_is_the_commit(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text(f"{COMMIT}\n")

    assert code_version(tmp_path) == COMMIT


def test_the_commit_of_a_worktree_is_found_in_the_repository_it_belongs_to(tmp_path: Path) -> None:
    common = tmp_path / "repository" / ".git"
    private = common / "worktrees" / "side"
    (common / "refs" / "heads").mkdir(parents=True)
    private.mkdir(parents=True)
    (common / "refs" / "heads" / "side").write_text(f"{COMMIT}\n")
    (private / "HEAD").write_text("ref: refs/heads/side\n")
    (private / "commondir").write_text("../..\n")
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / ".git").write_text(f"gitdir: {private}\n")

    assert code_version(checkout) == COMMIT


def test_outside_a_checkout_and_before_the_first_commit_the_version_is_unknown(tmp_path: Path) -> None:
    assert code_version(tmp_path) == "unknown"

    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    assert code_version(tmp_path) == "unknown"
