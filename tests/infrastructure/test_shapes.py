"""The shapes in which people deploy: each is synthesized with the guardrails, and this is what differs between them.

Only that part of a shape which is of interest, unless `TANDEM_TEST_SHAPES=whole`: then each is synthesized as a whole.
"""

import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cfn_findings import cfn_findings
from claimed_names import stacks_in
from spoken_values import said

ROOT = Path(__file__).resolve().parents[2]
TOOLS, STAGING, PRODUCTION, DEV = "111111111111", "222222222222", "333333333333", "444444444444"
CONNECTION = "arn:aws:codeconnections:us-east-1:111111111111:connection/11111111-2222-3333-4444-555555555555"
OWN, KEY = "flights/production", "arn:aws:kms:us-east-1:333333333333:key/11111111-2222-3333-4444-555555555555"
LATE_IS_DELIVERED = """
[delivery]
source = "codecommit"
repository = "tandem"
staging = "sandbox"
production = "production"
"""


def _three_accounts(text: str) -> str:
    places = {
        "[delivery]": f'account = "{TOOLS}"\nregion = "eu-central-1"\npermissions_boundary = "tools"\n{_tag("tools")}',
        "[environments.staging]": f'account = "{STAGING}"\nregion = "eu-west-1"\npermissions_boundary = "staging"',
        "[environments.production]": f'account = "{PRODUCTION}"\nregion = "eu-central-1"\n{_tag("production")}',
    }
    for table, place in places.items():
        assert text.count(f"{table}  ") + text.count(f"{table}\n") == 1
        text = text.replace(table, f"{table}\n{place}\n", 1)
    # One more for people to try things in, which no pipeline delivers to.
    return f'{text}\n[environments.dev]\nretain = false\naccount = "{DEV}"\nregion = "eu-central-1"\n'


def _isolated(text: str) -> str:
    place = f'account = "{PRODUCTION}"'
    return _three_accounts(text).replace(place, f'network = "isolated"\n{place}')


def _tag(value: str) -> str:
    return f'tags = {{ "of" = "{value}" }}'


def _tokens(text: str) -> str:
    tokens = 'authorization = "jwt"\njwt_issuer = "https://login.example.com"\njwt_audience = ["flights"]\n'
    tokens += 'jwt_credentials_secret = "flights/smoke"\n'
    own = f'\n[environments.production.application]\njwt_credentials_secret = "{OWN}"\njwt_credentials_key = "{KEY}"\n'
    return text.replace('authorization = "iam"  ', tokens) + own


def _connection(text: str) -> str:
    where = f'source = "connection"\nconnection_arn = "{CONNECTION}"\n'
    return text.replace('source = "codecommit"  ', where).replace('repository = "tandem"', 'repository = "team/tandem"')


def _manual(text: str) -> str:
    text = text.replace('approval = "automatic"', 'approval = "manual"')
    return text.replace("capture_percent = 100", "capture_percent = 100\nnetwork_isolation = true")


@dataclass(frozen=True)
class Shape:
    """How a `project.toml` is changed, and which part of the app is of interest then."""

    change: Callable[[str], str] = str
    context: dict[str, Any] = field(default_factory=dict)
    late: str = ""


SHAPES = {
    "three accounts, application": Shape(_three_accounts, {"delivery": "application"}),
    "three accounts, ml": Shape(_three_accounts, {"delivery": "ml"}),
    "three accounts, isolated, application": Shape(_isolated, {"delivery": "application"}),
    "three accounts, isolated, ml": Shape(_isolated, {"delivery": "ml"}),
    "tokens": Shape(_tokens, {"delivery": "application"}),
    "manual approval, closed models": Shape(_manual, {"environment": "production"}),
    "two projects": Shape(context={"delivery": "ml", "project": None}, late=LATE_IS_DELIVERED),
    "a connection, application": Shape(_connection, {"delivery": "application"}),
    "a connection, ml": Shape(_connection, {"delivery": "ml"}),
}
WHOLE = {
    "three accounts": Shape(_three_accounts),
    "three accounts, isolated": Shape(_isolated),
    "tokens": Shape(_tokens),
    "manual approval, closed models": Shape(_manual),
    "two projects": Shape(context={"project": None}, late=LATE_IS_DELIVERED),
    "a connection": Shape(_connection),
}


def _synthesized(synthesize: Any, wanted: Shape, **context: Any) -> Any:
    late = (ROOT / "pipelines" / "projects" / "late" / "project.toml").read_text("utf-8") + wanted.late
    return synthesize(wanted.change, files={"late/project.toml": late}, **(wanted.context | context))


@pytest.fixture(scope="module", name="shapes")
def _shapes(guarded: Any) -> Callable[[str], Any]:
    """The assembly of a shape, synthesized when it is asked for first."""
    made: dict[str, Any] = {}

    def shape(name: str) -> Any:
        if name not in made:
            made[name] = _synthesized(guarded, SHAPES[name])
        return made[name]

    return shape


def _assert_it_passes(assembly: Any) -> None:
    report = json.loads((assembly.folder / "validation-report.json").read_text("utf-8"))

    assert {one["conclusion"] for one in report["pluginReports"]} == {"success"}
    assert [one["violations"] for one in report["pluginReports"] if one["pluginName"] == "Construct Annotations"] == []
    own = [file for file in assembly.templates() if file.parent == assembly.folder]
    assert [said for file in own for said in cfn_findings(file.read_text("utf-8"), regions=["us-east-1"])] == []


def _claimed_twice(*folders: Path) -> list[str]:
    claims = Counter(claim for stack in stacks_in(*folders) for claim in stack.claims())
    return [claim for claim, times in claims.items() if times > 1]


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_passes_the_guardrails_and_cfn_lint(shapes: Any, name: str) -> None:
    _assert_it_passes(shapes(name))


@pytest.mark.skipif(
    os.environ.get("TANDEM_TEST_SHAPES") != "whole",
    reason="synthesizes every stack of every shape with all guardrails, minutes: set TANDEM_TEST_SHAPES=whole",
)
@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_shape_passes_too_and_claims_no_name_twice(guarded: Any, name: str) -> None:
    whole = _synthesized(guarded, WHOLE[name])

    _assert_it_passes(whole)
    assert _claimed_twice(whole.folder) == []


@pytest.mark.parametrize("side", ["application", "ml"])
def test_in_three_accounts_every_stage_goes_to_its_own_account_and_region(shapes: Any, side: str) -> None:
    pipeline = shapes(f"three accounts, {side}").delivery(side).one("AWS::CodePipeline::Pipeline", "Delivery")
    places = {
        stage["Name"]: {(action.get("Region"), _account(action)) for action in stage["Actions"] if _deploys(action)}
        for stage in pipeline["Stages"]
    }

    assert places["flights-staging"] == {("eu-west-1", STAGING)}
    assert places["flights-production"] == {(None, PRODUCTION)}
    assert {store["Region"] for store in pipeline["ArtifactStores"]} == {"eu-west-1", "eu-central-1"}
    assert all(store["ArtifactStore"]["EncryptionKey"]["Type"] == "KMS" for store in pipeline["ArtifactStores"])


def test_in_three_accounts_the_deploying_roles_may_read_the_artifacts_and_use_their_key(shapes: Any) -> None:
    line = shapes("three accounts, application").delivery("application")
    deployer = f"role/cdk-hnb659fds-deploy-role-{PRODUCTION}-eu-central-1"

    assert deployer in json.dumps(line.one("AWS::S3::BucketPolicy", "DeliveryArtifacts"))
    assert deployer in json.dumps(line.one("AWS::KMS::Key", "DeliveryKey")["KeyPolicy"])


def test_in_three_accounts_checks_and_delivery_roles_know_each_other_by_their_accounts(shapes: Any) -> None:
    line = shapes("three accounts, application").delivery("application")
    policy = line.one("AWS::IAM::Policy", "DeliveryChecks")["PolicyDocument"]["Statement"]
    (taken_on,) = (one["Resource"] for one in policy if one["Action"] == "sts:AssumeRole")
    checks = [f"arn:aws:iam::{TOOLS}:role/flights-delivery-{side}-checks" for side in ("application", "ml")]

    assert set(taken_on) == {
        f"arn:aws:iam::{account}:role/flights-{environment}-delivery-{side}"
        for environment, account in (("staging", STAGING), ("production", PRODUCTION))
        for side in ("application", "ml")
    }
    for side, stack in (("application", "Application"), ("ml", "Training")):
        for environment in ("staging", "production"):
            template = shapes(f"three accounts, {side}").template(
                f"flights-{environment}", stack, delivered_by=f"flights-delivery-{side}"
            )
            (trust,) = template.one("AWS::IAM::Role", "DeliveryRole")["AssumeRolePolicyDocument"]["Statement"]
            assert trust["Condition"]["ArnEquals"]["aws:PrincipalArn"] == checks
            assert f":iam::{TOOLS}:root" in json.dumps(trust["Principal"])


def test_tags_and_boundary_of_the_pipelines_are_not_those_of_the_environments(shapes: Any) -> None:
    assembly = shapes("three accounts, application")
    found = {"tools": assembly.delivery("application")} | {
        name: assembly.template(f"flights-{name}", "Application", delivered_by="flights-delivery-application")
        for name in ("staging", "production")
    }
    boundaries = {
        name: {
            json.dumps(role.get("PermissionsBoundary", "none")).rpartition("/")[2].strip('"]}')
            for role in template.all("AWS::IAM::Role").values()
        }
        for name, template in found.items()
    }
    tags = {
        name: {tag["Value"] for log in template.all("AWS::Logs::LogGroup").values() for tag in log.get("Tags", [])}
        for name, template in found.items()
    }

    assert boundaries == {"tools": {"tools"}, "staging": {"staging"}, "production": {"none"}}
    assert tags == {"tools": {"tools"}, "staging": set(), "production": {"production"}}


def test_the_ml_pipeline_deploys_the_network_before_whatever_runs_in_it(shapes: Any) -> None:
    pipeline = shapes("three accounts, isolated, ml").delivery("ml").one("AWS::CodePipeline::Pipeline", "Delivery")
    orders = {
        stage["Name"]: {action["Name"]: action["RunOrder"] for action in stage["Actions"]}
        for stage in pipeline["Stages"]
    }
    production = orders["flights-production"]

    assert "Network.Deploy" not in orders["flights-staging"]
    assert all(
        production["Network.Deploy"] < production[f"{stack}.Prepare"] for stack in ("Training", "Serving", "Monitoring")
    )


def test_with_tokens_the_pipeline_still_tries_the_application(shapes: Any) -> None:
    assembly = shapes("tokens")
    for stage in ("flights-staging", "flights-production"):
        template = assembly.template(stage, "Application", delivered_by="flights-delivery-application")
        routes = template.all("AWS::ApiGatewayV2::Route").values()
        assert {route["AuthorizationType"] for route in routes} == {"JWT"}
    pipeline = assembly.delivery("application").one("AWS::CodePipeline::Pipeline", "Delivery")
    trying = [stage["Name"] for stage in pipeline["Stages"] if "Smoke" in {one["Name"] for one in stage["Actions"]}]
    assert trying == ["flights-staging", "flights-production"]


def test_with_tokens_the_smoke_test_gets_one_by_the_secret_of_its_environment(shapes: Any) -> None:
    projects = shapes("tokens").delivery("application").all("AWS::CodeBuild::Project")
    specs = {
        name: json.loads(project["Source"]["BuildSpec"])
        for name, project in projects.items()
        if name.startswith("DeliveryPipelineflights")
    }
    commands = {
        name: [command for command in spec["phases"]["build"]["commands"] if " ops " in command]
        for name, spec in specs.items()
    }
    told = {
        environment: [one.partition(" ops ")[2] for name in commands for one in commands[name] if start in name]
        for environment, start in (("staging", "stagingSmoke"), ("production", "productionSmoke"))
    }

    smoke = "smoke --commit $CODEBUILD_RESOLVED_SOURCE_VERSION --credentials-secret"
    assert told == {"staging": [f"{smoke} flights/smoke"], "production": [f"{smoke} {OWN}"]}
    assert sum("secret" in one for each in commands.values() for one in each) == 2


def test_with_tokens_the_role_of_the_smoke_test_reads_its_own_secret_alone(shapes: Any) -> None:
    found = {}
    for stage in ("flights-staging", "flights-production"):
        template = shapes("tokens").template(stage, "Application", delivered_by="flights-delivery-application")
        for name, policy in template.all("AWS::IAM::Policy").items():
            for one in policy["PolicyDocument"]["Statement"]:
                if "secretsmanager" in json.dumps(one):
                    found[stage, name[:12], str(one["Action"])] = (said(one["Resource"]), one.get("Condition"))

    place = "arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret"
    read, decrypt, role = "secretsmanager:GetSecretValue", "kms:Decrypt", "DeliveryRole"
    key, condition = found.pop(("flights-production", role, decrypt))
    ((condition_key, service),) = condition["StringEquals"].items()
    assert found == {
        ("flights-staging", role, read): (f"{place}:flights/smoke-??????", None),
        ("flights-production", role, read): (f"{place}:{OWN}-??????", None),
    }
    assert (key, condition_key) == (KEY, "kms:ViaService")
    assert said(service) == "secretsmanager.<AWS::Region>.<AWS::URLSuffix>"
    assert "secretsmanager" not in json.dumps(shapes("tokens").delivery("application").body)


def test_with_manual_approval_a_new_model_waits_for_a_person(shapes: Any) -> None:
    training = shapes("manual approval, closed models").template("flights-production", "Training")
    function = training.one("AWS::Lambda::Function", "StartTrainingFunction")

    assert function["Environment"]["Variables"]["APPROVAL_STATUS"] == "PendingManualApproval"


def test_a_model_is_created_without_a_network_where_the_settings_say_so(shapes: Any, production: Any) -> None:
    closed = shapes("manual approval, closed models").template("flights-production", "Serving")
    told = [
        serving.one("AWS::Lambda::Function", "DeployModelFunction")["Environment"]["Variables"]["NETWORK_ISOLATION"]
        for serving in (production["Serving"], closed)
    ]

    assert told == ["false", "true"]


def test_no_stack_of_two_projects_claims_a_name_or_an_export_of_another_one(
    shapes: Any, synthesize: Any, assembly: Any
) -> None:
    """All environments of both projects and both of their pipelines in one account and one region."""
    ml = shapes("two projects").folder
    application = _synthesized(synthesize, SHAPES["two projects"], delivery="application").folder
    stacks = {stack.name: stack for stack in stacks_in(ml, application, assembly.folder)}
    claims = {name: list(stack.claims()) for name, stack in stacks.items()}

    assert _claimed_twice(ml, application, assembly.folder) == []
    assert {stack.place for stack in stacks.values()} == {"aws://unknown-account/unknown-region"}
    for project in ("flights", "late"):
        assert {f"{project}-delivery-ml", f"{project}-delivery-application"} <= set(stacks)
        assert any(
            ":IAM::Role" in claim and f"{project}-delivery-ml" in claim for claim in claims[f"{project}-delivery-ml"]
        )
        assert any(" export " in claim for claim in claims[f"{project}-production-Storage"])
        assert any("Alarm" in claim for claim in claims[f"{project}-production-Serving"])


def test_two_projects_have_pipelines_of_their_own(shapes: Any) -> None:
    assembly = shapes("two projects")
    lines = {project: assembly.delivery("ml", project) for project in ("flights", "late")}
    names = {
        project: {
            one.get("Name") or one.get("RoleName")
            for kind in ("AWS::CodePipeline::Pipeline", "AWS::IAM::Role", "AWS::CodeBuild::Project")
            for one in line.all(kind).values()
        }
        - {None}
        for project, line in lines.items()
    }

    assert names == {
        project: {f"{project}-delivery-ml", f"{project}-delivery-ml-checks", f"{project}-delivery-ml-build"}
        for project in lines
    }
    stages = lines["late"].one("AWS::CodePipeline::Pipeline", "Delivery")["Stages"]
    assert [stage["Name"] for stage in stages[4:]] == ["late-sandbox", "Approval", "late-production"]


@pytest.mark.parametrize(
    ("side", "started", "left"),
    [
        ("application", {"application/**", "pipelines/projects/flights/*contract.json"}, {"lambdas/**"}),
        ("ml", {"lambdas/**", "pipelines/steps/**", "pipelines/projects/flights/**"}, {"application/**"}),
    ],
)
def test_with_a_connection_a_pipeline_starts_for_its_own_side_only(
    shapes: Any, side: str, started: set[str], left: set[str]
) -> None:
    pipeline = shapes(f"a connection, {side}").delivery(side).one("AWS::CodePipeline::Pipeline", "Delivery")
    (trigger,) = pipeline["Triggers"]
    (push,) = trigger["GitConfiguration"]["Push"]
    (action,) = pipeline["Stages"][0]["Actions"]
    includes = push["FilePaths"]["Includes"]

    assert action["Configuration"]["FullRepositoryId"] == "team/tandem"
    assert trigger["GitConfiguration"]["SourceActionName"] == action["Name"]
    assert push["Branches"] == {"Includes": ["main"]}
    assert started | {"stacks/**", "lambdas/shared/**", "Makefile"} <= set(includes)
    assert not left & set(includes)
    assert "docs/**" in push["FilePaths"]["Excludes"]


@pytest.mark.parametrize("side", ["application", "ml"])
def test_a_filter_has_no_more_globs_than_code_pipeline_takes(shapes: Any, side: str) -> None:
    """AWS page "GitFilePathFilterCriteria" (CodePipeline API reference): one to eight of each."""
    pipeline = shapes(f"a connection, {side}").delivery(side).one("AWS::CodePipeline::Pipeline", "Delivery")
    paths = pipeline["Triggers"][0]["GitConfiguration"]["Push"][0]["FilePaths"]

    assert 1 <= len(paths["Includes"]) <= 8
    assert 1 <= len(paths["Excludes"]) <= 8


def _deploys(action: Any) -> bool:
    return bool(action["ActionTypeId"]["Provider"] == "CloudFormation")


def _account(action: Any) -> str:
    return json.dumps(action["RoleArn"]).split(":iam::")[1].split(":")[0]
