"""The isolated network: everything runs in it, nothing leaves it, and each AWS service that is called has its door."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_kms as kms
from aws_cdk.assertions import Template as Made
from botocore.session import get_session
from cfnlint.api import lint
from resolved_policies import listed

from stacks.constructs.network import Network
from stacks.constructs.placement import Placement
from stacks.settings import load_projects, select

ROOT = Path(__file__).resolve().parents[2]
STAGE = "flights-production"
STACKS = ("Network", "Storage", "Training", "Serving", "Monitoring", "Application")
FUNCTIONS = {
    ("Training", "StartTraining"),
    ("Training", "CloseTraining"),
    ("Serving", "DeployModel"),
    ("Serving", "ConfirmDeployment"),
    ("Application", "Application"),
}

DOOR_OF = {
    "cloudwatch": "monitoring",
    "dynamodb": "dynamodb",
    "s3": "s3",
    "sagemaker": "sagemaker.api",
    "sns": "sns",
    "sqs": "sqs",
}
"""Endpoint of a service prefix of IAM; InvokeEndpoint has one of its own."""
CALLED_FROM_OUTSIDE = {
    "ec2": "Lambda and SageMaker make the network interfaces",
    "ecr": "SageMaker pulls the images",
    "iam": "PassRole is checked where a job or model is created; nobody calls it",
    "kms": "S3, DynamoDB, SNS, SQS and SageMaker use the key in the caller's name",
    "logs": "Lambda and SageMaker write the logs",
    "xray": "Lambda sends the traces",
}
"""Prefixes that roles inside have and no code calls (docs/network.md names the pages)."""


@pytest.fixture(name="stacks")
def _stacks(isolated: Any) -> dict[str, Any]:
    return {stack: isolated.template(STAGE, stack) for stack in STACKS}


@pytest.fixture(name="network")
def _network(stacks: Any) -> Any:
    return stacks["Network"]


def _pipelines(stacks: Any) -> Iterator[tuple[str, Any]]:
    """The jobs of both deployed definitions."""

    def jobs(steps: list[Any]) -> Iterator[Any]:
        for step in steps:
            if step["Type"] in ("Processing", "Training"):
                yield step
            for branch in ("IfSteps", "ElseSteps") if step["Type"] == "Condition" else ():
                yield from jobs(step["Arguments"][branch])

    for stack in ("Training", "Monitoring"):
        body = stacks[stack].one("AWS::SageMaker::Pipeline", "Pipeline")["PipelineDefinition"]["PipelineDefinitionBody"]
        separator, parts = body["Fn::Join"]
        text = separator.join(part if isinstance(part, str) else _named(part) for part in parts)
        for job in jobs(json.loads(text)["Steps"]):
            yield job["Name"], job["Arguments"]


def _named(reference: Any) -> str:
    imported = str(reference.get("Fn::ImportValue", ""))
    return next((name for name in ("Subnet1", "Subnet2", "Inside", "Cluster") if name in imported), "<reference>")


def _inside(stacks: Any) -> Iterator[tuple[str, str, Any]]:
    """Statements of the roles that run in the VPC: those of functions, jobs and models."""
    for stack, template in stacks.items():
        for role, properties in template.all("AWS::IAM::Role").items():
            (trust,) = properties["AssumeRolePolicyDocument"]["Statement"]
            if trust["Principal"]["Service"] in ("lambda.amazonaws.com", "sagemaker.amazonaws.com"):
                for policy in template.all("AWS::IAM::Policy").values():
                    if {"Ref": role} in policy["Roles"]:
                        for statement in policy["PolicyDocument"]["Statement"]:
                            yield stack, role, statement


def _endpoints(network: Any) -> dict[str, Any]:
    """Endpoints by the part of the service's name that follows the region."""

    def name(service: Any) -> str:
        whole = service if isinstance(service, str) else "".join(map(str, service["Fn::Join"][1]))
        return re.sub(r"^com\.amazonaws\.(eu-west-1|\{.*\})\.", "", whole)

    return {name(each["ServiceName"]): each for each in network.all("AWS::EC2::VPCEndpoint").values()}


def test_a_public_environment_is_what_it_was_without_the_setting(assembly: Any, synthesize: Any) -> None:
    opening = "[environments.production]\n"
    explicit = synthesize(lambda text: text.replace(opening, f'{opening}network = "public"\n'))

    said = [file for file in explicit.templates() if file.parent.name == f"assembly-{STAGE}"]
    assert len(said) == len(STACKS) - 1
    for file in said:
        assert file.read_bytes() == (assembly.folder / file.relative_to(explicit.folder)).read_bytes()


def test_a_public_environment_has_nothing_of_a_network(assembly: Any) -> None:
    for file in assembly.templates():
        text = file.read_text("utf-8")
        assert not re.search(r"AWS::EC2::|VpcConfig|ec2:|SUBNET_IDS|SubnetIds|SecurityGroup", text), file.name


def test_nothing_of_it_breaks_a_rule_or_needs_a_custom_resource(isolated: Any) -> None:
    report = json.loads((isolated.folder / "validation-report.json").read_text("utf-8"))
    (nag,) = (one for one in report["pluginReports"] if one["pluginName"] == "AwsSolutions")
    accepted = nag["suppressedViolations"]

    assert nag["violations"] == []
    assert {one["ruleName"].split("[")[0] for one in accepted} == {"AwsSolutions-IAM5", "AwsSolutions-SQS3"}
    assert all(len(one["reason"].split()) >= 8 and one["reason"].endswith(".") for one in accepted)
    for file in isolated.templates():
        assert "Custom::" not in file.read_text("utf-8")


def test_synth_asks_no_account_for_its_zones(isolated: Any, network: Any) -> None:
    manifest = json.loads((isolated.folder / f"assembly-{STAGE}" / "manifest.json").read_text("utf-8"))

    assert "missing" not in manifest
    zones = [one["AvailabilityZone"] for one in network.all("AWS::EC2::Subnet").values()]
    assert zones == [{"Fn::Select": [index, {"Fn::GetAZs": ""}]} for index in (0, 1)]


def test_cfn_lint_finds_nothing(isolated: Any) -> None:
    said = [match for file in isolated.templates() for match in lint(file.read_text("utf-8"), regions=["eu-west-1"])]
    weighty = [match for match in said if match.rule.severity in ("error", "warning")]

    # W3005: the CDK writes a dependency on a role beside the one on its policies, which CloudFormation needs.
    assert [str(match) for match in weighty if match.rule.id != "W3005"] == []


def test_there_is_no_way_to_the_internet(stacks: Any) -> None:
    kinds = {one["Type"] for template in stacks.values() for one in template.body["Resources"].values()}

    assert {kind for kind in kinds if kind.startswith("AWS::EC2::")} == {
        "AWS::EC2::FlowLog",
        "AWS::EC2::RouteTable",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::Subnet",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::VPC",
        "AWS::EC2::VPCEndpoint",
    }, "no gateway to the internet, no NAT, no route beside those that gateway endpoints make"
    assert {one["MapPublicIpOnLaunch"] for one in stacks["Network"].all("AWS::EC2::Subnet").values()} == {False}


def test_nothing_comes_in_but_https_to_the_endpoints(network: Any) -> None:
    inside, doors = (network.id("AWS::EC2::SecurityGroup", f"Network{name}") for name in ("Inside", "Doors"))
    groups = network.all("AWS::EC2::SecurityGroup")

    assert set(groups) == {inside, doors}
    assert "SecurityGroupIngress" not in groups[inside]
    (rule,) = groups[doors]["SecurityGroupIngress"]
    assert rule["SourceSecurityGroupId"] == {"Fn::GetAtt": [inside, "GroupId"]}
    assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 443, 443)
    (out,) = groups[inside]["SecurityGroupEgress"]
    assert (out["IpProtocol"], out["FromPort"], out["ToPort"]) == ("tcp", 443, 443)
    (nowhere,) = groups[doors]["SecurityGroupEgress"]
    assert nowhere["CidrIp"] == "255.255.255.255/32"


def test_every_service_that_a_role_inside_may_call_has_an_endpoint_or_is_called_from_outside(
    stacks: Any, network: Any
) -> None:
    actions = {action for _, _, statement in _inside(stacks) for action in listed(statement["Action"])}
    called = {action for action in actions if action.split(":")[0] not in CALLED_FROM_OUTSIDE}
    doors = {
        "sagemaker.runtime" if action == "sagemaker:InvokeEndpoint" else DOOR_OF[action.split(":")[0]]
        for action in called
    }

    assert doors == set(_endpoints(network))
    assert {action.split(":")[0] for action in actions - called} == set(CALLED_FROM_OUTSIDE)


def test_the_code_calls_no_service_without_an_endpoint(network: Any) -> None:
    """Names of clients in the code, and the names under which botocore reaches them."""
    folders = ("lambdas", "application", "pipelines/steps")
    texts = [file.read_text("utf-8") for folder in folders for file in (ROOT / folder).rglob("*.py")]
    services = {name for text in texts for name in re.findall(r'client\("([a-z0-9-]+)"\)', text)}
    session = get_session()
    prefixes = {session.get_service_model(service).endpoint_prefix for service in services}

    assert services >= {"s3", "dynamodb", "sagemaker", "cloudwatch", "sns", "sqs"}
    assert {".".join(reversed(prefix.split("."))) for prefix in prefixes} <= set(_endpoints(network))


def test_endpoints_serve_this_account_only_and_under_the_usual_names(network: Any) -> None:
    for name, endpoint in _endpoints(network).items():
        (statement,) = endpoint["PolicyDocument"]["Statement"]
        assert statement["Condition"] == {
            "StringEquals": {"aws:PrincipalAccount": "123456789012", "aws:ResourceAccount": "123456789012"}
        }, name
        if name in ("s3", "dynamodb"):
            assert (endpoint["VpcEndpointType"], len(endpoint["RouteTableIds"])) == ("Gateway", 2)
        else:
            assert endpoint["PrivateDnsEnabled"] is True
            assert len(endpoint["SubnetIds"]) == 2


def test_every_function_runs_in_it(stacks: Any) -> None:
    found = {
        (stack, name): function
        for stack, template in stacks.items()
        for name, function in template.all("AWS::Lambda::Function").items()
    }

    assert len(found) == len(FUNCTIONS)
    for stack, start in FUNCTIONS:
        place = stacks[stack].one("AWS::Lambda::Function", start)["VpcConfig"]
        told = json.dumps(place)
        if stack == "Application":
            assert place["SubnetIds"] == {"Fn::Split": [",", {"Fn::ImportValue": f"{STAGE}-SubnetIds"}]}
            assert place["SecurityGroupIds"] == [{"Fn::ImportValue": f"{STAGE}-SecurityGroupId"}]
        else:
            assert all(name in told for name in ("Subnet1", "Subnet2", "NetworkInside"))


def test_what_the_application_finds_by_name_is_exported(network: Any) -> None:
    exported = {one["Export"]["Name"] for one in network.body["Outputs"].values()}

    assert {f"{STAGE}-SubnetIds", f"{STAGE}-SecurityGroupId"} <= exported


def test_every_job_runs_in_it_and_only_the_training_has_no_network_at_all(stacks: Any) -> None:
    jobs = dict(_pipelines(stacks))

    assert set(jobs) == {"Validate", "Prepare", "Train", "Evaluate", "Monitor"}
    for name, arguments in jobs.items():
        place = arguments if name == "Train" else arguments["NetworkConfig"]
        assert place["VpcConfig"] == {"Subnets": ["Subnet1", "Subnet2"], "SecurityGroupIds": ["Inside"]}
        assert place.get("EnableNetworkIsolation", False) == (name == "Train"), "the others call AWS themselves"


def test_models_are_created_in_it(stacks: Any) -> None:
    variables = stacks["Serving"].one("AWS::Lambda::Function", "DeployModel")["Environment"]["Variables"]

    assert "NetworkInside" in json.dumps(variables["SECURITY_GROUP_IDS"])
    separator, subnets = variables["SUBNET_IDS"]["Fn::Join"]
    assert separator == ","
    assert [_named(subnet) for subnet in subnets] == ["Subnet1", "Subnet2"]


@pytest.mark.parametrize(
    ("instances", "groups"),
    [
        (1, ["sg-inside"]),
        (3, ["sg-inside", "sg-cluster"]),
        ({"Get": "Parameters.InstanceCount"}, ["sg-inside", "sg-cluster"]),
    ],
)
def test_several_instances_of_a_job_may_talk_and_encrypt_what_they_say(instances: object, groups: list[str]) -> None:
    definition = {
        "Steps": [
            {
                "Name": "Count",
                "Type": "Processing",
                "Arguments": {"ProcessingResources": {"ClusterConfig": {"InstanceCount": instances}}},
            },
            {"Name": "Train", "Type": "Training", "Arguments": {"ResourceConfig": {"InstanceCount": instances}}},
        ]
    }
    Placement(("subnet-1", "subnet-2"), "sg-inside", cluster="sg-cluster").put_jobs(definition)

    count, train = (step["Arguments"] for step in definition["Steps"])
    for place in (count["NetworkConfig"], train):
        assert place["VpcConfig"]["SecurityGroupIds"] == groups
        assert place.get("EnableInterContainerTrafficEncryption", False) is ("sg-cluster" in groups)


@pytest.mark.parametrize("engine", ["arrow", "spark"])
def test_only_where_a_job_has_several_instances_there_is_a_group_whose_members_may_talk(engine: str) -> None:
    (settings,) = select(load_projects(ROOT), project="flights", environment="production")
    monitoring = settings.monitoring.model_copy(update={"engine": engine})
    stack = Stack(App(), "Stack")
    settings = settings.model_copy(update={"monitoring": monitoring})
    network = Network(stack, "Network", settings=settings, key=kms.Key(stack, "Key"))
    template = Made.from_stack(stack)

    assert (network.placement.cluster is not None) is (engine == "spark")
    for kind, other in (("Ingress", "SourceSecurityGroupId"), ("Egress", "DestinationSecurityGroupId")):
        rules = template.find_resources(f"AWS::EC2::SecurityGroup{kind}").values()
        assert len(rules) == (engine == "spark")
        for rule in rules:
            assert rule["Properties"]["GroupId"] == rule["Properties"][other]
            assert "NetworkCluster" in str(rule["Properties"]["GroupId"])


def test_a_function_may_not_make_network_interfaces_by_itself(stacks: Any) -> None:
    statements = [
        statement
        for _, role, statement in _inside(stacks)
        if "ec2:AssignPrivateIpAddresses" in listed(statement["Action"])
    ]

    assert len(statements) == len(FUNCTIONS)
    assert all(one["Condition"] == {"Null": {"lambda:SourceFunctionArn": "true"}} for one in statements)


def test_sagemaker_makes_network_interfaces_in_these_subnets_and_groups_only(stacks: Any) -> None:
    made = [
        (stack, statement)
        for stack, _, statement in _inside(stacks)
        if listed(statement["Action"]) == ["ec2:CreateNetworkInterface"]
    ]

    assert [stack for stack, _ in made] == ["Training", "Serving", "Monitoring"]
    for _, statement in made:
        kinds = sorted(re.findall(r":(network-interface|subnet|security-group)/", json.dumps(statement["Resource"])))
        assert kinds == ["network-interface", "security-group", "subnet", "subnet"]


def test_what_flows_is_logged_as_long_as_everything_else(network: Any) -> None:
    flows = network.one("AWS::EC2::FlowLog", "Network")
    logs = network.id("AWS::Logs::LogGroup", "NetworkFlowLogs")

    assert (flows["TrafficType"], flows["LogGroupName"]) == ("ALL", {"Ref": logs})
    assert network.body["Resources"][logs]["DeletionPolicy"] == "Retain"
    assert network.one("AWS::Logs::LogGroup", "NetworkFlowLogs")["RetentionInDays"] == 365


def test_the_application_is_deployed_after_the_network(isolated: Any) -> None:
    manifest = isolated.manifest(STAGE)
    (application,) = (one for name, one in manifest.items() if name.endswith("Application"))

    assert [each for each in application["dependencies"] if each.startswith("flightsproductionNetwork")]
