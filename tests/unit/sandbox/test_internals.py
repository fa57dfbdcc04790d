"""The start-up check of what the sandbox uses of the emulator's inside."""

import importlib
from typing import Any

import pytest

from sandbox.adapter import internals
from sandbox.adapter.internals import ALL, Internal, check
from sandbox.errors import SandboxError


@pytest.fixture(autouse=True, scope="module")
def _loaded() -> None:
    """Import the whole emulator first: a module that is imported while a part is missing would fail as well."""
    check()


def test_the_installed_emulator_is_the_one_that_the_sandbox_was_written_for() -> None:
    check()


@pytest.mark.parametrize("internal", ALL, ids=lambda item: f"{item.module}.{item.name}")
def test_a_missing_part_is_named_with_what_it_is_for(internal: Internal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(importlib.import_module(f"ministack.{internal.module}"), internal.name)
    with pytest.raises(SandboxError) as caught:
        check()
    message = str(caught.value)
    assert f"ministack.{internal.module}.{internal.name} ({internal.purpose}): it does not exist" in message
    assert internals.PINNED_VERSION in message
    assert message.count("\n  - ") == 1


def _moved(name: Any, data: Any) -> None:
    """A function whose parameters changed places."""
    del name, data


@pytest.mark.parametrize(
    ("internal", "value", "fault"),
    [
        (internals.PUT_EVENTS, _moved, r"its parameters are \(name, data\), expected \(data, allow_aws_source, …\)"),
        (internals.PUT_EVENTS, 3, "it is a int and no function"),
        (internals.RESOURCE_HANDLERS, [], "it is a list, expected a dict"),
        (internals.RESOURCE_HANDLERS, {"AWS::S3::Bucket": {}}, "it lacks 'AWS::Lambda::Function'"),
        (internals.EXECUTOR, "docker", "it lacks 'local'"),
    ],
)
def test_a_changed_part_is_named_with_the_change(
    internal: Internal, value: Any, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.import_module(f"ministack.{internal.module}"), internal.name, value)
    with pytest.raises(SandboxError, match=fault):
        check([internal])


def test_another_version_is_refused_even_when_nothing_seems_to_have_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(internals, "version", lambda _: "9.9.9")
    with pytest.raises(SandboxError, match=r"MiniStack 9\.9\.9 is installed, .* checked with 1\.5\.33"):
        check()
