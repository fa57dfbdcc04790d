"""What every test starts from: no AWS account, no credentials of the person who runs the tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Powertools reads them when the first handler is imported, by whichever test.
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "tests")
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Tandem")

settings.register_profile("deterministic", derandomize=True, deadline=None, database=None)
settings.load_profile("deterministic")


FOLDERS = ("loop", "infrastructure")
"""Where a deployed loop and a synthesized app are shared; they take longest, so they begin."""


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item: pytest.Item) -> None:
    """Give each file to one worker, and those that share what takes long to make together."""
    fixtures = getattr(item, "fixturenames", ())
    group = next((name for name in ("loop", "finished") if name in fixtures), None)
    if group is None:
        group = "infrastructure" if _folder(item) == "infrastructure" else str(item.path)
    item.add_marker(pytest.mark.xdist_group(group))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest; the rest stays in its random order."""
    items.sort(key=lambda item: FOLDERS.index(_folder(item)) if _folder(item) in FOLDERS else len(FOLDERS))


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(Path(__file__).parent).parts[0]


@pytest.fixture(scope="session", autouse=True)
def _no_account_of_ours() -> Iterator[None]:
    """Hide the developer's AWS configuration, so that no test can reach a real account."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(("AWS_", "CDK_DEFAULT_"))}
    os.environ.update(
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",  # noqa: S106 - the embedded AWS takes any
        AWS_DEFAULT_REGION="us-east-1",
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
        POWERTOOLS_METRICS_DISABLED="true",
    )
    yield
    os.environ.update(hidden)
