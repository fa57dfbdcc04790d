"""The first half of the demo: a drop of data becomes a model that answers, told while it happens.

Everything is done from outside, as an operator would: objects are put into the bucket, the deployed events do the rest,
and `python -m ops` answers which version is live.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from sandbox.demo.cloud import Cloud, DemoError
from sandbox.demo.narrator import Narrator
from sandbox.demo.watch import Watch
from sandbox.demo.wiring import Wiring

_PATIENCE_SECONDS = 300
_EXAMPLES = 8
_TOLD_FIELDS = 5
_REPORTS = ("evaluation.html", "evaluation.json")


@dataclass
class Tour:
    """One tour through the loop of a project.

    Attributes:
        cloud: The embedded AWS, started and with the project deployed.
        output: Folder for what the tour leaves on disk.
        console: Where the tour is told.
        seconds: Wall time of each phase, in order.
    """

    cloud: Cloud
    output: Path
    console: Console
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, title: str) -> Iterator[None]:
        """Announce a part of the tour and measure it."""
        self.console.rule(f"[bold]{title}", align="left")
        began = time.monotonic()
        yield
        self.seconds[title] = round(time.monotonic() - began, 1)

    def run(self, *, months: list[int], question_month: int) -> None:
        """Drop the months, wait for the loop, question the live model with flights of a month it has never seen.

        Raises:
            DemoError: The loop stopped before a model was live.
        """
        client = self.cloud.client
        watch = Watch.open(events=client("events"), sqs=client("sqs"))
        try:
            wiring = Wiring.read(events=client("events"), lambdas=client("lambda"))
            narrator = Narrator(wiring, self.console.print)
            with self.phase("A data drop starts the loop"):
                self._drop(months)
                self._wait_until_live(watch, narrator)
        finally:
            watch.close()
        self._write("events.json", narrator.events)
        self._tell_steps()
        self._keep_report()
        with self.phase("Questions to the live endpoint"):
            self._question(question_month)

    def _feed(self, months: list[int]) -> list[Path]:
        return self.cloud.feed(months, to=self.output / "drops")

    def _drop(self, months: list[int]) -> None:
        folder = self.output / "drops"
        for path in self._feed(months):
            key = f"data/{path.relative_to(folder)}"
            self.cloud.client("s3").upload_file(str(path), self.cloud.data_bucket, key)

    def _wait_until_live(self, watch: Watch, narrator: Narrator) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        with self.console.status("waiting for the deployed events to do their work"):
            while time.monotonic() < deadline:
                for event in watch.drain():
                    narrator.hear(event)
                    self._stop_at_failure(event)
                if _in_service(narrator.events) and (status := self.cloud.ops("status"))["live"]:
                    self._write("status.json", status)
                    return
                time.sleep(0.2)
        raise DemoError(f"no model was live after {_PATIENCE_SECONDS} s; the logs are in {self.cloud.logs}")

    def _stop_at_failure(self, event: dict[str, Any]) -> None:
        detail = event["detail"]
        if detail.get("currentPipelineExecutionStatus") != "Failed":
            return
        steps = self._steps(detail["pipelineExecutionArn"])
        reasons = [f"{step['StepName']}: {step['FailureReason']}" for step in steps if "FailureReason" in step]
        raise DemoError(f"the training pipeline failed ({'; '.join(reasons)}); the logs are in {self.cloud.logs}")

    def _steps(self, execution: str) -> list[dict[str, Any]]:
        pages = self.cloud.client("sagemaker").get_paginator("list_pipeline_execution_steps")
        found = pages.paginate(PipelineExecutionArn=execution, SortOrder="Ascending")
        return [step for page in found for step in page["PipelineExecutionSteps"]]

    def _tell_steps(self) -> None:
        pipeline = self.cloud.outputs("Training")["TrainingPipelineName"]
        executions = self.cloud.client("sagemaker").list_pipeline_executions(PipelineName=pipeline)
        steps = self._steps(executions["PipelineExecutionSummaries"][0]["PipelineExecutionArn"])
        table = Table("step", "kind", "status", "seconds", title="The training pipeline", title_justify="left")
        for step in steps:
            seconds = (step["EndTime"] - step["StartTime"]).total_seconds()
            kind = next(iter(step.get("Metadata", {})), "")
            table.add_row(step["StepName"], kind, step["StepStatus"], f"{seconds:.1f}")
        self.console.print(table)
        self._write("steps.json", steps)

    def _keep_report(self) -> None:
        run_id = json.loads((self.output / "status.json").read_text())["run_id"]
        bucket, s3 = self.cloud.artifacts_bucket, self.cloud.client("s3")
        for name in _REPORTS:
            s3.download_file(bucket, f"runs/{run_id}/evaluate/{name}", str(self.output / name))
        self.console.print(f"Why it was promoted: [bold]{self.output / _REPORTS[0]}[/bold]")

    def _question(self, month: int) -> None:
        contract = self.cloud.contract
        names = [item["name"] for item in contract["inputs"]]
        target = contract["output"]["name"]
        rows = pq.read_table(self._feed([month])[-1]).drop_null().to_pylist()
        rows = rows[:: max(1, len(rows) // _EXAMPLES)][:_EXAMPLES]
        instances = [{name: row[name] for name in names} for row in rows]
        answer = self.cloud.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=self.cloud.endpoint,
            ContentType="application/json",
            Accept="application/json",
            Body=json.dumps({"instances": instances}, default=str),
        )
        predictions = json.loads(answer["Body"].read())["predictions"]
        table = Table("request", f"predicted {target}", "what it was", title_justify="left")
        for row, predicted in zip(rows, predictions, strict=True):
            told = " · ".join(_brief(row[name]) for name in names[:_TOLD_FIELDS])
            table.add_row(told, f"{predicted:.1f}", f"{row[target]:.0f}")
        self.console.print(table)
        asked = [{"request": i, "prediction": p} for i, p in zip(instances, predictions, strict=True)]
        self._write("predictions.json", asked)

    def _write(self, name: str, content: Any) -> None:
        (self.output / name).write_text(json.dumps(content, indent=2, default=str) + "\n")


def _brief(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else str(value)


def _in_service(events: list[dict[str, Any]]) -> bool:
    return any(event["detail"].get("EndpointStatus") == "IN_SERVICE" for event in events)
