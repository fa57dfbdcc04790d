"""What the monitor concluded about the newest window (its judgement, format 1), as far as people ask for it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ops.errors import OpsError

Interval = tuple[float, float]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Window(_Part):
    """The judged window; ``span`` windows that end with it were judged together."""

    start: datetime
    end: datetime
    length: str
    span: int


class Model(_Part):
    """The version that served."""

    version: str
    age_days: float


class Traffic(_Part):
    """What was captured in the window."""

    records: int
    rows: int


class Problem(_Part):
    """Something that could not be read."""

    kind: str
    count: int


class Capture(_Part):
    """How well the capture could be read."""

    problems: tuple[Problem, ...] = ()


class Labels(_Part):
    """Labels that have arrived, their share of the answers they are awaited for, and how well they could be read."""

    rows: int
    share: float
    problems: tuple[Problem, ...] = ()


class Feature(_Part):
    """One column, then and now. Distances are None when there was nothing to compare."""

    name: str
    rows: int
    robust_linf: float | None = None
    psi: float | None = None
    js: float | None = None
    judged: bool
    drifted: bool
    limit: float | None = None
    why_not: str | None = None

    @property
    def distance(self) -> float:
        """For sorting: what was not judged comes last."""
        return self.robust_linf if self.judged and self.robust_linf is not None else -1.0


class Violations(_Part):
    """Rows that break the baseline's schema."""

    share: float


class Quality(_Part):
    """The primary metric on labels, against the baseline measured at training; ``reason`` tells why there is none."""

    metric: str
    value: float | None
    interval: Interval | None
    level: float
    rows: int
    baseline: float
    baseline_interval: Interval | None
    drop: float | None
    limit: float
    reason: str | None


class Estimate(_Part):
    """The primary metric estimated without labels."""

    metric: str
    value: float
    method: str
    assumption: str


class Judgement(_Part):
    """The judgement of one window."""

    format: Literal[1]
    window: Window
    model: Model
    traffic: Traffic
    capture: Capture
    labels: Labels
    features: tuple[Feature, ...]
    prediction: Feature | None
    target: Feature | None
    violations: Violations
    quality: Quality | None
    estimate: Estimate | None
    breaches: dict[str, bool]
    since: dict[str, datetime | None]

    @property
    def by_distance(self) -> list[Feature]:
        """Features, the one that moved most first."""
        return sorted(self.features, key=lambda feature: (-feature.distance, feature.name))


def parse(content: bytes, *, uri: str) -> Judgement:
    """Read a judgement.

    Raises:
        OpsError: it is none, or one of another release.
    """
    try:
        return Judgement.model_validate_json(content)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise OpsError(
            f"{uri} is no judgement of format 1 ({where}: {problem['msg']}): which release wrote it?"
        ) from error
