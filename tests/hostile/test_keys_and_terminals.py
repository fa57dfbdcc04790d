"""Names from data: a key leads nowhere but into its folder, and a text on a terminal or a page does nothing."""

import io
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import finished_run
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from lambdas.start_training.window import period_of
from ops.commands import common, history
from ops.errors import OpsError
from ops.history import Event
from pipelines.steps.failure import StepError
from pipelines.steps.plugin import load_project
from pipelines.steps.report.markup import element, harmless
from sandbox.sagemaker.storage import Storage, StorageError

EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m[red]x[/red]\u202e"
OUTSIDE = ["../escaped", "a/../../escaped", "/etc/escaped", "a/..", "./../escaped", "nul\0"]


class Bucket:
    """An S3 whose keys are what an attacker chose."""

    def __init__(self, *keys: str, manifest: bytes = b"") -> None:
        self._keys, self._manifest = keys, manifest

    def get_paginator(self, _: str) -> Any:
        return SimpleNamespace(paginate=lambda **_: [{"Contents": [{"Key": key} for key in self._keys]}])

    def get_object(self, **_: str) -> Any:
        body = io.BytesIO(self._manifest or b"content")
        return {"Body": SimpleNamespace(read=body.read, iter_chunks=lambda _: iter([body.read()]))}


def storage_of(bucket: Bucket) -> Storage:
    return Storage(SimpleNamespace(client=lambda *_, **__: bucket), role_arn="arn:role")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_key_cannot_lead_a_job_of_the_sandbox_out_of_its_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "job" / "input"
    with pytest.raises(StorageError, match="would leave the folder of the job: store it by another name"):
        storage_of(Bucket(f"data/{name}")).download_prefix("s3://bucket/data/", folder)
    manifest = Bucket(manifest=('[{"prefix": "s3://bucket/data/"}, "' + name.replace("\0", "\\u0000") + '"]').encode())
    with pytest.raises(StorageError, match="would leave the folder"):
        storage_of(manifest).download_manifest("s3://bucket/manifest", folder)
    assert not list(tmp_path.rglob("*escaped*"))


def test_a_key_with_folders_lands_below_the_folder(tmp_path: Path) -> None:
    storage_of(Bucket("data/a..b/..c/file")).download_prefix("s3://bucket/data/", tmp_path)
    assert (tmp_path / "a..b" / "..c" / "file").read_bytes() == b"content"


@pytest.mark.parametrize(
    "key",
    [
        "data/../data/period=2013-01/x.parquet",
        "data/period=2013-01/../../x.parquet",
        "data/period=2013-01/a/b.parquet",
        "data/period=2013-13/x.parquet",
        "data/period=2013-01/x.parquet\n",
        "data/period=２013-01/x.parquet",  # noqa: RUF001  # a digit that is none of ours
        "DATA/period=2013-01/x.parquet",
        "data/period=2013-01/.parquet/",
    ],
)
def test_a_key_that_only_resembles_the_layout_is_no_data(key: str) -> None:
    assert period_of(key, prefix="data/") is None


@given(key=st.text(max_size=60))
def test_a_key_of_the_layout_is_one_file_in_one_folder(key: str) -> None:
    found = period_of(f"data/period=2013-01/{key}.parquet", prefix="data/")
    assert found == ("2013-01" if key and "/" not in key else None)


@pytest.mark.parametrize("name", ["../evil", "os", "a.b", "", "__import__('os')", "a/b", "a\n", "Ａ"])  # noqa: RUF001
def test_a_project_name_from_a_model_imports_nothing_else(name: str) -> None:
    with pytest.raises(StepError, match=r"no project name|holds no project"):
        load_project(name)


def test_a_reason_in_the_history_is_shown_and_not_obeyed() -> None:
    event = Event(
        at=datetime(2026, 1, 1, tzinfo=UTC),
        kind="run",
        name="r",
        version=None,
        trigger=EVIL,
        reason=f"new data: {EVIL}",
        outcome="promoted",
        detail=None,
        ended_at=None,
        figures={},
    )
    console = Console(file=io.StringIO(), width=400, force_terminal=False)
    console.print(history._table([event]))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "\\u001b]0;owned\\u0007\\u001b[2J\\u009b31m[red]x[/red]\\u202e" in shown
    assert "\x1b" not in shown


def test_an_error_that_quotes_data_is_shown_and_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BaseException, match="1"), common.answering():
        raise OpsError(f"no such report: {EVIL}")
    common.progress(EVIL)
    assert "\x1b" not in capsys.readouterr().err


def test_the_commands_escape_by_the_one_way_that_also_disarms_control_characters() -> None:
    folder = Path(common.__file__).parent
    assert [path.name for path in folder.glob("*.py") if "from rich.markup" in path.read_text("utf-8")] == []


def test_formulas_and_markup_that_are_known_to_work_elsewhere_do_nothing() -> None:
    for text in (finished_run.HOSTILE, finished_run.FORMULA):
        assert "<script" not in element("p", text)
        assert not harmless(finished_run.FORMULA).startswith("=")
