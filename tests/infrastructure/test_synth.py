import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, CfnResource, Stack
from aws_cdk import aws_s3 as s3
from cfn_findings import cfn_findings
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from stacks.assembly import feature_flags
from stacks.guardrails import add_guardrails
from stacks.regions import region_table

ROOT = Path(__file__).resolve().parents[2]


def test_synth_needs_no_network_no_aws_variables_and_no_sagemaker_sdk(assembly: Any) -> None:
    assert "sagemaker imported: False" in assembly.said


def test_cfn_lint_finds_nothing(assembly: Any) -> None:
    # What a delivery pipeline deploys is what is deployed without it (test_delivery.py), and other environments differ
    # from these in names and numbers; deliveries of the second project are among the shapes (test_shapes.py).
    once = {
        "flights-sandbox",
        "flights-production",
        "late-sandbox",
        "flights-delivery-application",
        "flights-delivery-ml",
    }
    linted = [file for file in assembly.templates() if _of(file) in once]
    assert {_of(file) for file in linted} == once
    files = {file.read_text("utf-8") for file in linted}

    assert [said for file in files for said in cfn_findings(file, regions=["us-east-1"])] == []


def test_every_region_of_the_table_has_every_type_of_resource(assembly: Any) -> None:
    templates = [json.loads(file.read_text("utf-8")) for file in assembly.templates() if _of(file) == "flights-sandbox"]
    types = {resource["Type"] for template in templates for resource in template["Resources"].values()}

    assert len(types) > 20
    missing = {region: types - set(PROVIDER_SCHEMA_MANAGER.get_resource_types(region)) for region in region_table()}
    assert {region: names for region, names in missing.items() if names} == {}


def test_two_synths_give_the_same_templates(assembly: Any, synthesize: Any) -> None:
    again = synthesize()

    firsts = [file for file in assembly.templates() if _of(file).startswith("flights-")]
    assert [file.name for file in again.templates()] == [file.name for file in firsts]
    for first, second in zip(firsts, again.templates(), strict=True):
        assert first.read_bytes() == second.read_bytes()


def test_nothing_needs_docker_or_a_custom_resource(assembly: Any) -> None:
    for file in assembly.templates():
        kinds = {one["Type"] for one in json.loads(file.read_text("utf-8"))["Resources"].values()}
        assert not {kind for kind in kinds if kind.startswith(("Custom::", "AWS::CloudFormation::"))}
    for file in assembly.folder.glob("**/*.assets.json"):
        assert json.loads(file.read_text("utf-8"))["dockerImages"] == {}


def test_the_guardrails_refuse_a_bucket_without_tls(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    s3.Bucket(Stack(app, "Careless"), "Bucket")
    add_guardrails(app)

    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()

    report = json.loads((tmp_path / "validation-report.json").read_text("utf-8"))
    assert "AwsSolutions-S10" in {one["ruleName"] for plugin in report["pluginReports"] for one in plugin["violations"]}


def test_the_cdks_own_validation_is_an_error(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path), context=feature_flags(ROOT))
    CfnResource(Stack(app, "Careless"), "Queue", type="AWS::SQS::Queue", properties={"DelaySeconds": "soon"})

    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()


def _of(template: Path) -> str:
    """The stage of an environment's stack, or the name of a delivery stack."""
    folder = template.parent.name
    return folder.removeprefix("assembly-") if folder.startswith("assembly-") else template.name.split(".")[0]
