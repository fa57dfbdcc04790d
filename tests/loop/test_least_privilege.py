"""The shared loop runs with permissions enforced: what every role may do is enough, and what it does is recorded."""

import json
from pathlib import Path

import pytest
import recorded_calls
from called_api import api_of
from deployed_loop import PROJECT, STAGE, FirstModel, Loop

pytestmark = pytest.mark.loop

EXAMPLE = Path(__file__).parents[2] / "pipelines" / "projects" / PROJECT / "example.json"


def test_no_call_from_a_drop_to_outcomes_is_denied_and_every_one_is_recorded(
    loop: Loop, first_model: FirstModel
) -> None:
    api, record = api_of(loop), json.loads(EXAMPLE.read_text("utf-8"))
    answer = api.post("/predictions", {"records": [record]})
    outcome = {"inference_id": answer.body["predictions"][0]["inference_id"], "outcome": 212.0}
    assert api.post("/outcomes", {"outcomes": [outcome]}).status == 202
    assert api.get("/model").body["version"] == first_model.live.version

    def captured() -> bool | None:
        listed = loop.client("s3").list_objects_v2(Bucket=loop.outputs["ArtifactsBucketName"], Prefix="capture/")
        return True if listed.get("Contents") else None

    loop.wait_for("what the endpoint captured", captured)
    recorded_calls.check_part(loop.sandbox, part="drop", stage=STAGE)
