"""Runs the steps of a compiled definition the way SageMaker does: its entry point, its arguments, its environment,
the code bundle as a zip on PYTHONPATH, and the folders of ``/opt/ml`` below a folder of the test."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines import bundle, compiled

CODE_KEY = "code.zip"
DATA_BUCKET = "data"
ARTIFACTS_BUCKET = "artifacts"


def write_bundle(project: str, path: Path) -> Path:
    """Zip the code bundle, as the asset of the stacks does."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, source in bundle.files(project):
            archive.write(source, name)
    return path


def definition(project: str) -> dict[str, Any]:
    replacements = dict.fromkeys(compiled.PLACEHOLDERS["training"], "sample")
    replacements |= {"__CODE_KEY__": CODE_KEY, "__ARTIFACTS_BUCKET__": ARTIFACTS_BUCKET}
    return compiled.load(project).render(replacements)


def steps(definition: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every step of a definition, those inside a branch too."""
    for step in definition["Steps"]:
        yield step
        yield from (*step["Arguments"].get("IfSteps", ()), *step["Arguments"].get("ElseSteps", ()))


def take_snapshot(s3: Any, *, prefix: str = "data/") -> tuple[str, str]:
    """Write the manifest of everything below the prefix; returns its URI and id."""
    listed = s3.list_object_versions(Bucket=DATA_BUCKET, Prefix=prefix).get("Versions", [])
    objects = [
        {
            "key": entry["Key"],
            "version_id": entry["VersionId"],
            "etag": entry["ETag"].strip('"'),
            "size": entry["Size"],
            "period": entry["Key"].split("period=")[1].split("/")[0],
        }
        for entry in sorted(listed, key=lambda entry: entry["Key"])
        if entry["IsLatest"]
    ]
    document = {"format": 1, "bucket": DATA_BUCKET, "prefix": prefix, "objects": objects}
    body = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    snapshot_id = hashlib.sha256(body).hexdigest()
    key = f"snapshots/{snapshot_id}.json"
    s3.put_object(Bucket=ARTIFACTS_BUCKET, Key=key, Body=body)
    return f"s3://{ARTIFACTS_BUCKET}/{key}", snapshot_id


@dataclass(frozen=True)
class Run:
    """One execution of a definition, step by step.

    Attributes:
        folder: every job gets its own tree below it.
        parameters: what StartPipelineExecution would be given.
        environment: what the platform adds: endpoint, region, credentials.
    """

    project: str
    folder: Path
    code: Path
    parameters: Mapping[str, str]
    environment: Mapping[str, str] = field(default_factory=dict)

    def base(self, step: str) -> Path:
        return self.folder / step

    def step(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run one step; never raises, so that failures can be looked at."""
        arguments = next(step for step in steps(definition(self.project)) if step["Name"] == name)["Arguments"]
        training = name == "Train"
        specification = arguments["AlgorithmSpecification" if training else "AppSpecification"]
        base = self.base(name)
        channel = "input/data/code" if training else "processing/input/code"
        (base / channel).mkdir(parents=True)
        shutil.copy(self.code, base / channel / CODE_KEY)
        if training:
            (base / "input/config").mkdir(parents=True)
            values = {key: self._resolve(value) for key, value in arguments["HyperParameters"].items()}
            (base / "input/config/hyperparameters.json").write_text(json.dumps(values))
        for source, target in self._inputs(name):
            if source.exists():  # a test may leave out steps whose outputs only the report shows
                shutil.copytree(source, base / target)
        command = [*specification["ContainerEntrypoint"], *specification["ContainerArguments"]]
        environment = {
            key: self._resolve(value).replace("/opt/ml", str(base)) for key, value in arguments["Environment"].items()
        }
        return subprocess.run(
            [sys.executable, *(self._resolve(part) for part in command[1:])],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "SAGEMAKER_BASE_DIR": str(base), **self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def succeed(self, *names: str) -> "Run":
        """Run steps that must succeed."""
        for name in names:
            finished = self.step(name)
            assert finished.returncode == 0, f"{name}: {finished.stdout}\n{finished.stderr}"
        return self

    def output(self, step: str, *parts: str) -> Path:
        return self.base(step).joinpath("processing", "output", *parts)

    def document(self, step: str, *parts: str) -> Any:
        return json.loads(self.output(step, *parts).read_text())

    def _resolve(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        if "Std:Join" in value:
            return str(value["Std:Join"]["On"]).join(self._resolve(part) for part in value["Std:Join"]["Values"])
        name = value["Get"].removeprefix("Parameters.")
        defaults = {entry["Name"]: entry.get("DefaultValue") for entry in definition(self.project)["Parameters"]}
        return str(self.parameters.get(name, defaults[name]))

    def _inputs(self, name: str) -> list[tuple[Path, str]]:
        if name == "Train":
            return [(self.output("Prepare", "train"), "input/data/train")]
        if name != "Evaluate":
            return []
        archive = self.folder / "artifact"
        archive.mkdir()
        with tarfile.open(archive / "model.tar.gz", "w:gz") as tar:  # the platform's archive, time stamps and all
            tar.add(self.base("Train") / "model", arcname=".")
        return [
            (archive, "processing/input/model"),
            (self.output("Prepare", "train"), "processing/input/train"),
            (self.output("Prepare", "holdout"), "processing/input/holdout"),
            (self.output("Prepare", "report"), "processing/input/preparation"),
            (self.output("Validate", "report"), "processing/input/validation"),
        ]


StartRun = Callable[..., Run]
"""Begins a run on a snapshot (URI and id); keywords are added to the jobs' environment."""
