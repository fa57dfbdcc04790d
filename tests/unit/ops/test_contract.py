"""`ops contract`: an application that the live model cannot serve is refused, by name of the field."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from lambdas.shared.ledger import Ledger
from lambdas.shared.records import ApplicationContract
from ops.__main__ import app
from ops.errors import ExitCode
from tests.unit.ops.support.desk import IMAGE, Desk
from tests.unit.ops.support.workshop import Workshop

Ask = Callable[..., Result]


def contract(**of_x: Any) -> dict[str, Any]:
    return {
        "name": "toys",
        "version": "1",
        "inputs": [{"name": "x", "type": "number", "unit": "miles", **of_x}],
        "output": {"name": "y", "type": "number", "unit": "minutes"},
    }


class Shop(Desk):
    """A stage whose versions have contracts, and a person who listens to its notifications."""

    def __init__(self, workshop: Workshop) -> None:
        super().__init__(workshop)
        self._folders = (f"runs/{number}/evaluate" for number in itertools.count(1))
        self._people = self.client("sqs").create_queue(QueueName=f"{self.name}-people")["QueueUrl"]
        asked = self.client("sqs").get_queue_attributes(QueueUrl=self._people, AttributeNames=["QueueArn"])
        topic = self.stage.target.stack_outputs(f"{self.name}-Storage")["NotificationTopicArn"]
        self.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=asked["Attributes"]["QueueArn"])

    def make(self, document: dict[str, Any] | None) -> int:
        """Register a version; its contract lies beside its evaluation, unless an earlier release registered it."""
        folder = next(self._folders)
        if document is not None:
            self.artifact(f"{folder}/contract.json", json.dumps(document))
        created = self.client("sagemaker").create_model_package(
            ModelPackageGroupName=self.name,
            ModelApprovalStatus="Approved",
            InferenceSpecification={
                "Containers": [{"Image": IMAGE, "ModelDataUrl": self.artifact("model.tar.gz", "a model")}],
                "SupportedContentTypes": ["application/json"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
            CustomerMetadataProperties={"evaluation_uri": self.artifact(f"{folder}/evaluation.json", "{}")},
        )
        return int(created["ModelPackageArn"].rpartition("/")[2])

    def put_live(self, document: dict[str, Any] | None) -> int:
        version = self.make(document)
        self.deploy(version)
        return version

    def begin(self, document: dict[str, Any]) -> int:
        """Request the deployment of a new version; its outcome is not known."""
        version = self.make(document)
        self.request(version)
        return version

    def told(self) -> list[dict[str, str]]:
        """What people were told: subject and message."""
        return [json.loads(body) for _, body in self.messages(self._people)]


@pytest.fixture
def shop(workshop: Workshop) -> Shop:
    """A stage in which nothing is live and no application was delivered."""
    return Shop(workshop)


@pytest.fixture
def ask(shop: Shop, tmp_path: Path) -> Ask:
    """Ask about an application that speaks a contract."""

    def run(command: str, document: dict[str, Any] | str, *options: str) -> Result:
        path = tmp_path / "contract.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return shop.ask("contract", command, "--contract", str(path), *options)

    return run


def on_record(shop: Shop) -> ApplicationContract:
    application = shop.ledger.application()
    assert application is not None
    return application


def test_before_anything_is_live_any_application_may_be_delivered(ask: Ask) -> None:
    result = ask("check", contract())
    assert result.exit_code == ExitCode.OK
    assert "nothing is live yet" in result.stdout


def test_a_compatible_application_is_recorded_with_who_delivered_what(shop: Shop, ask: Ask) -> None:
    shop.put_live(contract())
    assert ask("check", contract(minimum=0)).exit_code == ExitCode.OK
    assert shop.ledger.application() is None, "a check records nothing"
    assert ask("record", contract(minimum=0), "--commit", "0123abc").exit_code == ExitCode.OK

    application = on_record(shop)
    assert application.document == contract(minimum=0)
    assert (application.commit, application.revision) == ("0123abc", 1)
    assert application.by
    assert shop.told() == []


def test_recording_it_again_changes_nothing_and_another_one_succeeds_it(shop: Shop, ask: Ask) -> None:
    for commit in ("0123abc", "0123abc", "4567def"):
        assert ask("record", contract(), "--commit", commit).exit_code == ExitCode.OK
    assert (on_record(shop).commit, on_record(shop).revision) == ("4567def", 2)


def test_an_incompatible_application_is_refused_and_the_field_is_named(shop: Shop, ask: Ask) -> None:
    version = shop.put_live(contract(minimum=0))
    result = ask("check", contract())

    assert result.exit_code == ExitCode.INCOMPATIBLE
    assert f"the application cannot work with version {version}" in result.stdout
    assert "input 'x': the application sends any number, the model takes at least 0" in result.stdout
    assert "(input-range)" in result.stdout
    assert shop.told() == [], "whoever asks at a terminal hears it there"


def test_a_delivery_pipeline_tells_people_of_a_refusal(shop: Shop, ask: Ask) -> None:
    shop.put_live(contract(minimum=0))
    assert ask("check", contract(), "--tell").exit_code == ExitCode.INCOMPATIBLE
    (told,) = shop.told()
    assert told["Subject"] == f"[{shop.name}] The application cannot work with the model"
    assert "input 'x'" in told["Message"]


def test_an_incompatible_application_is_not_recorded_and_people_are_told(shop: Shop, ask: Ask) -> None:
    version = shop.put_live(contract(minimum=0))
    ask("record", contract(minimum=0), "--commit", "0123abc")
    result = ask("record", contract(), "--commit", "4567def")

    assert result.exit_code == ExitCode.INCOMPATIBLE
    assert on_record(shop).commit == "0123abc"
    (told,) = shop.told()
    assert f"The application of commit 4567def was refused: version {version}: input 'x'" in told["Message"]


def test_a_version_that_is_being_deployed_counts_too(shop: Shop, ask: Ask) -> None:
    live, next_one = shop.put_live(contract()), shop.begin(contract(minimum=0))
    answer = json.loads(ask("check", contract(), "--json").stdout)

    assert answer["compatible"] is False
    assert answer["explanation"] == f"the application cannot work with version {next_one} (being deployed)"
    assert [(each["version"], each["live"], len(each["incompatibilities"])) for each in answer["models"]] == [
        (live, True, 0),
        (next_one, False, 1),
    ]
    assert answer["models"][1]["incompatibilities"][0]["field"] == "x"
    assert answer["models"][1]["incompatibilities"][0]["rule"] == "input-range"


def test_a_deployment_that_was_requested_meanwhile_is_seen(
    shop: Shop, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.put_live(contract())
    shop.begin(contract())
    seen_too_early = iter([shop.ledger.newest_deployment()])
    next_one = shop.begin(contract(minimum=0))
    read = Ledger.newest_deployment
    monkeypatch.setattr(Ledger, "newest_deployment", lambda ledger: next(seen_too_early, None) or read(ledger))

    result = ask("record", contract(), "--commit", "0123abc")
    assert result.exit_code == ExitCode.INCOMPATIBLE
    assert f"version {next_one} (being deployed)" in result.stdout
    assert shop.ledger.application() is None


def test_a_live_version_of_an_earlier_release_says_nothing_so_nothing_is_promised(shop: Shop, ask: Ask) -> None:
    shop.put_live(None)
    result = ask("check", contract())
    assert result.exit_code == ExitCode.INCOMPATIBLE
    assert "registered by an earlier release without its contract" in result.stdout


@pytest.mark.parametrize(
    ("content", "words"), [("{", "it is no JSON"), (json.dumps(contract(minmum=1)), "key 'minmum' is none of")]
)
def test_a_file_that_is_no_contract_is_named(ask: Ask, content: str, words: str) -> None:
    result = ask("check", content)
    assert result.exit_code == ExitCode.ERROR
    assert f"contract.json is no contract: {words}" in result.stderr.replace("field 'x': ", "")


def test_a_file_that_is_missing_is_named(workshop: Workshop, tmp_path: Path) -> None:
    options = [*workshop.options, "--contract", str(tmp_path / "none.json")]
    result = CliRunner().invoke(app, ["contract", "check", *options])
    assert result.exit_code == ExitCode.ERROR
    assert "none.json cannot be read" in " ".join(result.stderr.split())
