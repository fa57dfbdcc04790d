"""A classification that is nothing but its folder goes from drops to a served probability by the same deployed code."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pyarrow.parquet as pq
import pytest
from deployed_loop import Loop

from lambdas.shared.records import RunStatus
from sandbox.server import Sandbox

pytestmark = pytest.mark.loop

PROJECT = "late"


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    folder = tmp_path_factory.mktemp("drops")
    feed = [sys.executable, "-m", f"pipelines.projects.{PROJECT}.feed", "--months", "1,2", "--to", str(folder)]
    subprocess.run(feed, check=True)
    drops = {path.parent.name.removeprefix("period="): path for path in folder.rglob("*.parquet")}
    with Sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        outputs = {key: value for stack in sandbox.deploy(PROJECT).outputs.values() for key, value in stack.items()}
        yield Loop(sandbox=sandbox, outputs=outputs, drops=drops)


def test_two_months_of_flights_become_a_live_classifier(loop: Loop) -> None:
    january = loop.drop("2013-01")
    loop.drop("2013-02")
    live = loop.wait_for("the first model to be live", loop.ledger.live)
    run = loop.wait_for_end_of(january)
    assert run.status is RunStatus.PROMOTED
    assert (run.version, live.version) == (1, 1)
    assert run.metrics["auc"] > 0.6

    flights = pq.ParquetFile(loop.drops["2013-02"]).read().slice(0, 50).drop_columns([PROJECT]).to_pylist()
    answer = json.loads(loop.ask(json.dumps({"instances": flights}, default=str)))

    assert len(answer["predictions"]) == 50
    assert all(0 < probability < 1 for probability in answer["predictions"])
