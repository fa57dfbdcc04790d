"""`ops reproduce`: the same model, a different one, or inputs that are not there any more."""

import json
from dataclasses import replace
from typing import Any

from typer.testing import CliRunner, Result

from lambdas.shared.snapshot import Snapshot
from ops.__main__ import app
from ops.errors import ExitCode
from ops.reproduce.inputs import check_objects
from tests.unit.ops.support.workshop import CODE_BUCKET, PIPELINE, Workshop


def run(workshop: Workshop, version: int, *options: str) -> Result:
    return CliRunner().invoke(app, ["reproduce", str(version), *workshop.options, *options])


def answer(result: Result) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_a_version_comes_out_the_same_after_its_objects_were_overwritten(workshop: Workshop) -> None:
    snapshot = workshop.freeze(workshop.store("data/period=2026-02/same.parquet", "as it was"))
    version = workshop.train(snapshot, run_id="20260301T100000Z-0000same")
    workshop.store("data/period=2026-02/same.parquet", "overwritten")
    packages, runs = workshop.packages(), workshop.ledger.runs(limit=100)

    result = run(workshop, version, "--json")

    assert result.exit_code == ExitCode.OK, result.output
    document = answer(result)
    assert document["identical"]
    assert document["registered"] == document["reproduced"]
    assert set(document["registered"]["files"]) == {"contract.json", "model.txt"}
    assert document["metrics"] == {"rmse": 64.0}
    assert document["figures_compared"] >= 4
    assert "step Make: succeeded" in result.stderr
    assert workshop.pipelines() == [PIPELINE], "the replay's pipeline is gone"
    assert (workshop.packages(), workshop.ledger.runs(limit=100)) == (packages, runs), "nothing was registered"


def test_a_version_that_depends_on_chance_is_told_what_differs(workshop: Workshop) -> None:
    snapshot = workshop.freeze(workshop.store("data/period=2026-02/chance.parquet", "dice"))
    version = workshop.train(snapshot, run_id="20260301T100000Z-00chance", chance="always")

    result = run(workshop, version, "--json")

    assert result.exit_code == ExitCode.MISMATCH
    differences = {each["what"] for each in answer(result)["differences"]}
    assert differences == {"metrics.rmse", "sha256 of model.tar.gz", "sha256 of model.tar.gz/model.txt"}
    assert answer(result)["same_model"] is False
    assert "another model came out" in run(workshop, version).stdout


def test_a_replay_that_fails_names_the_step_and_leaves_no_pipeline(workshop: Workshop) -> None:
    snapshot = workshop.freeze(workshop.store("data/period=2026-02/luck.parquet", "once"))
    version = workshop.train(snapshot, run_id="20260301T100000Z-0000luck", chance="never-again")

    result = run(workshop, version)

    assert result.exit_code == ExitCode.ERROR
    assert "step Make" in result.stderr
    assert workshop.pipelines() == [PIPELINE]


def test_a_deleted_object_version_is_named_and_nothing_is_started(workshop: Workshop) -> None:
    kept = workshop.store("data/period=2026-02/kept.parquet", "kept")
    lost = workshop.store("data/period=2026-02/lost.parquet", "lost")
    version = workshop.train(workshop.freeze(kept, lost), run_id="20260301T100000Z-0000lost")
    workshop.store(lost.key, "another version of it")
    workshop.client("s3").delete_object(Bucket=workshop.data, Key=lost.key, VersionId=lost.version_id)
    before = len(workshop.client("sagemaker").list_processing_jobs()["ProcessingJobSummaries"])

    result = run(workshop, version, "--json")

    assert result.exit_code == ExitCode.INPUTS_LOST
    (problem,) = answer(result)["problems"]
    assert problem["loss"] == "missing"
    assert problem["uri"] == f"s3://{workshop.data}/{lost.key}"
    assert problem["version_id"] == lost.version_id
    assert len(workshop.client("sagemaker").list_processing_jobs()["ProcessingJobSummaries"]) == before
    assert lost.version_id in " ".join(run(workshop, version).output.split())


def test_an_altered_manifest_is_not_trusted(workshop: Workshop) -> None:
    snapshot = workshop.freeze(workshop.store("data/period=2026-02/signed.parquet", "signed"))
    version = workshop.train(snapshot, run_id="20260301T100000Z-00signed")
    forged = Snapshot(workshop.data, "data/", ())
    workshop.client("s3").put_object(Bucket=workshop.artifacts, Key=snapshot.key, Body=forged.manifest)

    result = run(workshop, version, "--json")

    assert result.exit_code == ExitCode.INPUTS_LOST
    (problem,) = answer(result)["problems"]
    assert problem["loss"] == "altered"
    assert forged.id in problem["detail"]


def test_a_missing_code_bundle_and_archive_are_named(workshop: Workshop) -> None:
    snapshot = workshop.freeze(workshop.store("data/period=2026-02/code.parquet", "code"))
    version = workshop.train(snapshot, run_id="20260301T100000Z-0000code")
    s3 = workshop.client("s3")
    body = s3.get_object(Bucket=CODE_BUCKET, Key=workshop.bundle)["Body"].read()
    s3.delete_object(Bucket=CODE_BUCKET, Key=workshop.bundle)
    s3.delete_object(Bucket=workshop.artifacts, Key="runs/20260301T100000Z-0000code/model/model.tar.gz")
    try:
        result = run(workshop, version, "--json")
    finally:
        s3.put_object(Bucket=CODE_BUCKET, Key=workshop.bundle, Body=body)

    assert result.exit_code == ExitCode.INPUTS_LOST
    details = [problem["detail"] for problem in answer(result)["problems"]]
    assert "code bundle" in details[0]
    assert "registered model archive" in details[1]


def test_an_execution_that_the_ledger_forgot_is_found_by_its_name(workshop: Workshop) -> None:
    snapshot = workshop.freeze(workshop.store("data/period=2026-02/forgotten.parquet", "forgotten"))
    version = workshop.train(snapshot, run_id="20260301T100000Z-0forgotten", in_ledger=False)

    assert run(workshop, version).exit_code == ExitCode.OK


def test_an_object_of_another_size_or_etag_is_altered(workshop: Workshop) -> None:
    stored = workshop.store("data/period=2026-02/etag.parquet", "content")
    s3 = workshop.client("s3")
    for recorded in (replace(stored, size=8), replace(stored, etag="0" * 32)):
        (problem,) = check_objects(s3, Snapshot(workshop.data, "data/", (recorded,)))
        assert problem.loss == "altered"
        assert recorded.etag in problem.detail
    assert check_objects(s3, Snapshot(workshop.data, "data/", (stored,))) == []


def test_an_archived_object_is_said_to_need_a_restore(workshop: Workshop) -> None:
    stored = workshop.client("s3").put_object(
        Bucket=workshop.data, Key="data/period=2026-02/cold.parquet", Body=b"cold", StorageClass="DEEP_ARCHIVE"
    )
    entry = replace(
        workshop.store("data/period=2026-02/warm.parquet", "warm"),
        key="data/period=2026-02/cold.parquet",
        version_id=stored["VersionId"],
        etag=stored["ETag"].strip('"'),
    )
    (problem,) = check_objects(workshop.client("s3"), Snapshot(workshop.data, "data/", (entry,)))
    assert problem.loss == "archived"
    assert "restore-object" in problem.detail


def test_a_version_that_does_not_exist_is_an_error_that_says_so(workshop: Workshop) -> None:
    result = run(workshop, 999)

    assert result.exit_code == ExitCode.ERROR
    assert "no version 999" in result.stderr
