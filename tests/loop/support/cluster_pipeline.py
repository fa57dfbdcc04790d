"""The monitoring pipeline of a deployed stage as engine ``spark`` makes it, beside the deployed one."""

import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from watched_stage import WatchedStage

from pipelines import compiled, inputs

NAME = ROLE = "monitoring-by-cluster"
FOLDER = "monitored-by-cluster"
_IMAGE = "173754725891.dkr.ecr.us-east-1.amazonaws.com/sagemaker-spark-processing:3.5-cpu-py312-v1.3"
_ROLE = "arn:aws:iam::000000000000:role/__PIPELINE_ROLE__"
_WHEEL = "wheels/empty.whl"
_COMPILE = """
import sys, pathlib
from pipelines import compile
sys.stdout.write(compile.definition(sys.argv[1], "monitoring", projects=pathlib.Path(sys.argv[2])))
"""


def create(stage: WatchedStage, definition: compiled.CompiledDefinition) -> None:
    """Create the pipeline: code, permissions and limits are those of the deployed one.

    Its records go to a folder of their own and its metrics to an environment of their own, so that nothing of it counts
    among those of the stage.
    """
    sagemaker = stage.cloud.client("sagemaker")
    deployed = sagemaker.describe_pipeline(PipelineName=stage.loop.outputs["MonitoringPipelineName"])
    document = json.loads(deployed["PipelineDefinition"])
    arguments = document["Steps"][0]["Arguments"]
    (code,) = arguments["ProcessingInputs"]
    code_bucket, _, code_key = code["S3Input"]["S3Uri"].removeprefix("s3://").partition("/")
    stage.write(_WHEEL, _wheel_of_nothing())
    role = _role(stage, deployed["RoleArn"])
    own = definition.render(
        {
            "__ARTIFACTS_BUCKET__": stage.cloud.artifacts_bucket,
            "__CODE_BUCKET__": code_bucket,
            "__CODE_KEY__": code_key,
            "__DATA_BUCKET__": stage.cloud.data_bucket,
            "__ENDPOINT_NAME__": stage.cloud.endpoint,
            "__ENVIRONMENT__": FOLDER,
            "__IMAGE_URI__": arguments["AppSpecification"]["ImageUri"],
            "__KMS_KEY__": arguments["ProcessingResources"]["ClusterConfig"]["VolumeKmsKeyId"],
            "__SPARK_IMAGE_URI__": _IMAGE,
            "__WHEEL_BUCKET__": stage.cloud.artifacts_bucket,
            "__WHEEL_KEY__": _WHEEL,
            _ROLE: role,
        },
        parameter_defaults={
            one["Name"]: one["DefaultValue"] for one in document["Parameters"] if "DefaultValue" in one
        },
    )
    text = json.dumps(own).replace(
        f"s3://{stage.cloud.artifacts_bucket}/monitoring", f"s3://{stage.cloud.artifacts_bucket}/{FOLDER}"
    )
    sagemaker.create_pipeline(PipelineName=NAME, PipelineDefinition=text, RoleArn=role)


def _role(stage: WatchedStage, deployed: str) -> str:
    """Make a role that may do what the deployed one may, in a folder of its own and with the cluster's image."""
    iam, name = stage.cloud.client("iam"), deployed.rpartition("/")[2]
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    role = str(iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"])
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        document = json.dumps(iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"])
        iam.put_role_policy(RoleName=ROLE, PolicyName=policy, PolicyDocument=document.replace(deployed, role))
    pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    account, repository = _IMAGE.partition(".")[0], _IMAGE.partition("/")[2].partition(":")[0]
    artifacts = f"arn:aws:s3:::{stage.cloud.artifacts_bucket}"
    statements = [
        {"Effect": "Allow", "Action": pull, "Resource": f"arn:aws:ecr:us-east-1:{account}:repository/{repository}"},
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": [f"{artifacts}/{_WHEEL}", f"{artifacts}/{FOLDER}/*"]},
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"{artifacts}/{FOLDER}/*"},
    ]
    more = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_role_policy(RoleName=ROLE, PolicyName="cluster", PolicyDocument=more)
    return role


def compile_it(project: str, *, folder: Path) -> compiled.CompiledDefinition:
    """Compile the project with the other engine, in a process of its own: the SDK changes what it is imported into."""
    own = folder / project
    own.mkdir()
    shutil.copy(inputs.PROJECTS / project / "contract.json", own)
    settings = (inputs.PROJECTS / project / "project.toml").read_text("utf-8")
    assert 'engine = "arrow"' in settings
    (own / "project.toml").write_text(settings.replace('engine = "arrow"', 'engine = "spark"'), "utf-8")
    command = [sys.executable, "-c", _COMPILE, project, str(folder)]
    done = subprocess.run(command, cwd=inputs.ROOT, capture_output=True, text=True, check=True)
    return compiled.CompiledDefinition(project, "monitoring", done.stdout)


def _wheel_of_nothing() -> bytes:
    """Stands for pyarrow's wheel, which the sandbox's Spark image does not need."""
    content = io.BytesIO()
    zipfile.ZipFile(content, "w").close()
    return content.getvalue()
