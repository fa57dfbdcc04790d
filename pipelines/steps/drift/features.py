"""One column, then and now: the distances of its distributions, and whether they are more than the limit allows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from pipelines.steps.drift import distances
from pipelines.steps.drift.quantiles import SHOWN, quantiles
from pipelines.steps.profiling.counts import ColumnCounts
from pipelines.steps.profiling.layout import ColumnLayout

Kind = Literal["number", "text", "boolean", "length", "moment"]


@dataclass(frozen=True)
class Rule:
    """When a column has drifted.

    Attributes:
        limit: robust L-infinity distance that it may have.
        min_rows: fewest rows that say something.
        ignored: whether the settings leave the column out.
    """

    limit: float
    min_rows: int
    ignored: bool = False


@dataclass(frozen=True)
class Bin:
    """Rows of one bin, then and now; the edges of numbers, ``None`` where a bin is open or has none."""

    label: str
    lower: float | None
    upper: float | None
    baseline: int
    current: int


@dataclass(frozen=True)
class Feature:
    """How one column moved.

    Attributes:
        name: of the column, or what it is (``prediction``).
        kind: how its bins are to be read.
        layout: its bins.
        baseline: counts of the baseline.
        current: counts of the span.
        linf: L-infinity distance; ``None``, like the others, when one side has no rows.
        robust_linf: the part of it that chance does not explain.
        psi: population stability index.
        js: Jensen-Shannon distance.
        limit: what ``robust_linf`` may be.
        why_not: why the column is not judged, ``None`` when it is.
    """

    name: str
    kind: Kind
    layout: ColumnLayout
    baseline: ColumnCounts
    current: ColumnCounts
    linf: float | None
    robust_linf: float | None
    psi: float | None
    js: float | None
    limit: float
    why_not: str | None

    @property
    def drifted(self) -> bool:
        """Whether it moved further than the limit allows."""
        return self.why_not is None and self.robust_linf is not None and self.robust_linf > self.limit

    def bins(self) -> Iterator[Bin]:
        """Yield the bins in their order, the one of missing values last and only where there are any."""
        labels = list(_labels(self.layout))
        for (label, lower, upper), then, now in zip(labels, self.baseline.bins, self.current.bins, strict=True):
            yield Bin(label, lower, upper, then, now)
        if self.baseline.nulls or self.current.nulls:
            yield Bin("(missing)", None, None, self.baseline.nulls, self.current.nulls)

    def as_document(self) -> dict[str, Any]:
        """Return it as the judgement holds it."""
        then, now = self.baseline, self.current
        return {
            "name": self.name,
            "kind": self.kind,
            "rows": now.known + now.nulls,
            "nulls": now.nulls,
            "baseline_rows": then.known + then.nulls,
            "baseline_nulls": then.nulls,
            "linf": self.linf,
            "robust_linf": self.robust_linf,
            "psi": self.psi,
            "js": self.js,
            "judged": self.why_not is None,
            "why_not": self.why_not,
            "drifted": self.drifted,
            "limit": self.limit,
            "bins": [vars(each) for each in self.bins()],
            "quantiles": self._both(lambda column: _named(quantiles(column, self.layout))),
            "mean": self._both(lambda column: column.mean(self.layout)),
        }

    def _both(self, read: Any) -> dict[str, Any] | None:
        return {"baseline": read(self.baseline), "current": read(self.current)} if self.kind == "number" else None


def compare_lengths(layout: ColumnLayout, baseline: ColumnCounts, current: ColumnCounts, rule: Rule) -> Feature | None:
    """Compare the lengths of a column of free text; ``None`` where the texts themselves say enough.

    Where most texts are too rare for a bin of their own, most rows are in the bin of the others, whatever happens.
    """
    if layout.type != "string" or baseline.bins[-1] <= baseline.known / 2:
        return None
    bins = ColumnLayout(layout.name, "integer", edges=layout.lengths)
    then, now = (ColumnCounts(nulls=0, bins=counted.lengths) for counted in (baseline, current))
    return compare(bins, then, now, rule, name=f"{layout.name} (length)", kind="length")


def compare(
    layout: ColumnLayout,
    baseline: ColumnCounts,
    current: ColumnCounts,
    rule: Rule,
    *,
    name: str | None = None,
    kind: Kind | None = None,
) -> Feature:
    """Compare a column with the baseline's.

    Args:
        layout: its bins.
        baseline: counts of the rows trained on.
        current: counts of the span.
        rule: when it has drifted.
        name: how it is called; the column's own name by default.
        kind: how its bins are to be read; what its type says by default.
    """
    rows = current.known + current.nulls
    before = baseline.known + baseline.nulls
    kind = kind or _KINDS[layout.type]
    linf = robust = psi = js = None
    if rows and before:
        then, now = _with_missing(baseline, current)
        linf = distances.l_infinity(then, now, ordered=layout.is_number)
        robust = distances.robust_l_infinity(linf, baseline=before, current=rows)
        psi = distances.population_stability_index(then, now)
        js = distances.jensen_shannon(then, now)
    return Feature(
        name=name or layout.name,
        kind=kind,
        layout=layout,
        baseline=baseline,
        current=current,
        linf=linf,
        robust_linf=robust,
        psi=psi,
        js=js,
        limit=rule.limit,
        why_not=_why_not(kind, rule, rows=rows, before=before),
    )


_KINDS: dict[str, Kind] = {
    "string": "text",
    "boolean": "boolean",
    "timestamp": "moment",
    "integer": "number",
    "number": "number",
}


def _why_not(kind: Kind, rule: Rule, *, rows: int, before: int) -> str | None:
    if kind == "moment":
        return "time moves on by itself"
    if rule.ignored:
        return "left out by monitoring.ignore"
    if not before:
        return "the baseline has no rows"
    if rows < rule.min_rows:
        return f"{rows} rows, and fewer than {rule.min_rows} say too little"
    return None


def _with_missing(baseline: ColumnCounts, current: ColumnCounts) -> tuple[Sequence[int], Sequence[int]]:
    if baseline.nulls or current.nulls:
        return (*baseline.bins, baseline.nulls), (*current.bins, current.nulls)
    return baseline.bins, current.bins


def _labels(layout: ColumnLayout) -> Iterator[tuple[str, float | None, float | None]]:
    match layout.type:
        case "string":
            yield from ((text, None, None) for text in (*layout.categories, "(other)"))
        case "boolean":
            yield from (("false", None, None), ("true", None, None))
        case "timestamp":
            yield from ((f"{hour:02d}:00 UTC", None, None) for hour in range(layout.bins))
        case "integer" | "number":
            edges = (None, *layout.edges, None)
            for lower, upper in pairwise(edges):
                yield _interval(lower, upper), lower, upper


def _interval(lower: float | None, upper: float | None) -> str:
    if lower is None:
        return "all" if upper is None else f"up to {upper:g}"
    return f"above {lower:g}" if upper is None else f"{lower:g} to {upper:g}"


def _named(values: Sequence[float] | None) -> dict[str, float] | None:
    return None if values is None else {str(share): value for share, value in zip(SHOWN, values, strict=True)}
