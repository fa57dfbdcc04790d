"""Judgements of monitored windows, made up but shaped like the real ones: spring comes to a model trained in winter."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from statistics import NormalDist
from typing import Any

Document = dict[str, Any]

FIRST = datetime(2013, 3, 1, tzinfo=UTC)
SNAPSHOT = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"
LIMIT = 0.1
ROWS, BASELINE_ROWS = 6_300, 51_955
_BINS = 20
_NUMBERS = {  # mean, deviation, and how far it moves in a day, all in the column's unit
    "temp": (36.1, 9.4, 0.62),
    "dewp": (21.9, 12.0, 0.55),
    "humid": (59.2, 18.8, -0.10),
    "wind_dir": (221.0, 94.0, -0.6),
    "wind_speed": (11.9, 6.1, -0.02),
    "wind_gust": (28.1, 6.3, -0.09),
    "precip": (0.01, 0.02, 0.0),
    "pressure": (1018.7, 8.1, -0.08),
    "visib": (8.8, 2.3, 0.01),
    "distance": (1007.0, 720.0, 3.0),
    "sched_dep_time": (1340.0, 460.0, 0.4),
    "plane_year": (2001.0, 7.0, 0.0),
    "seats": (137.0, 71.0, 0.2),
}
_MISSING = {"wind_gust": 0.76, "plane_year": 0.02, "pressure": 0.11}
_TEXTS = {
    "carrier": {"UA": 17.6, "EV": 16.4, "B6": 16.2, "DL": 14.1, "AA": 9.8, "MQ": 8.1, "US": 6.2, "9E": 5.5, "WN": 3.7},
    "origin": {"EWR": 36.1, "JFK": 33.2, "LGA": 30.7},
    "dest": {
        "ATL": 5.4,
        "FLL": 4.6,
        "MCO": 4.4,
        "LAX": 4.1,
        "BOS": 4.0,
        "CLT": 3.9,
        "ORD": 3.6,
        "PBI": 2.5,
        "SJU": 2.3,
    },
}


def windows(
    count: int, *, calm: bool = False, renewed: int | None = None, text: str = "UA", **changes: Any
) -> list[Document]:
    """Return the judgements of successive days, oldest first.

    Args:
        count: how many days.
        calm: nothing moves.
        renewed: day from which on the next version serves, trained on what came in the meantime.
        text: a category that came with the data, in place of the carrier UA.
        changes: parts of every document, replaced.
    """
    found: list[Document] = []
    for day in range(count):
        fresh = renewed is not None and day >= renewed
        moved = 0 if calm else day - (renewed or 0) if fresh else day
        document = _window(day, moved, version=4 if fresh else 3, text=text) | changes
        _streaks(document, found)
        found.append(document)
    return found


def troubled(*, text: str = "UA") -> list[Document]:
    """Return windows that end with everything wrong at once; ``text`` is a value that came with the data."""
    found = windows(40, renewed=10, text=text)
    found[-1] |= {
        "violations": {
            "share": 0.18,
            "rows": 780,
            "limit": 0.01,
            "found": [
                {"column": "seats", "rule": "range", "rows": 20, "detail": "1200 exceeds the baseline's 450"},
                {"column": "carrier", "rule": "category", "rows": 140, "detail": f"unseen: {text}"},
            ],
        },
        "capture": {
            "files": 168,
            "records": 208,
            "problems": [
                {
                    "kind": "truncated",
                    "count": 1,
                    "key": f"capture/{text}/07-12-1.jsonl",
                    "detail": "line 88 has no end",
                },
                {"kind": "encoding", "count": 2, "key": "capture/08-01-2.jsonl", "detail": f"BASE64 of {text}"},
            ],
        },
        "labels": found[-1]["labels"]
        | {
            "problems": [
                {"kind": "json", "count": 3, "key": "2013/04/09/05/labels.jsonl", "detail": f"Expecting value: {text}"}
            ]
        },
    }
    found[-1]["breaches"] |= {"data_quality": True}
    found[-1]["since"] |= {"data_quality": found[-1]["window"]["start"]}
    return found


def feature(
    name: str, kind: str, bins: Sequence[tuple[str, float | None, float | None, float, float]], **more: Any
) -> Document:
    """Return one column from the share of rows of each bin, then and now: (label, lower, upper, then, now)."""
    judged = "why_not" not in more
    then, now = ([bin_[side] / sum(one[side] for one in bins) for bin_ in bins] for side in (3, 4))
    before, after = _MISSING.get(name, 0.0), _MISSING.get(name, 0.0) * 0.95
    pairs = [(max(a, 1e-6), max(b, 1e-6)) for a, b in zip(then, now, strict=True)]
    text = kind in ("text", "boolean")
    gaps = [abs(a - b) for a, b in zip(then, now, strict=True)]
    steps = [abs(sum(then[: i + 1]) - sum(now[: i + 1])) for i in range(len(bins))]
    linf = max(gaps if text else steps)
    robust = max(0.0, linf - 1.8 * math.sqrt((ROWS + BASELINE_ROWS) / (ROWS * BASELINE_ROWS)))
    middle = [((a + b) / 2, a, b) for a, b in pairs]
    js = math.sqrt(max(sum(a * math.log2(a / m) + b * math.log2(b / m) for m, a, b in middle) / 2, 0.0))
    return {
        "name": name,
        "kind": kind,
        "rows": ROWS,
        "nulls": round(after * ROWS),
        "baseline_rows": BASELINE_ROWS,
        "baseline_nulls": round(before * BASELINE_ROWS),
        "linf": round(linf, 6),
        "robust_linf": round(robust, 6),
        "psi": round(sum((b - a) * math.log(b / a) for a, b in pairs), 6),
        "js": round(js, 6),
        "judged": judged,
        "drifted": judged and robust > LIMIT,
        "limit": LIMIT,
        "why_not": None,
        "bins": [
            {
                "label": label,
                "lower": lower,
                "upper": upper,
                "baseline": round(share_then * (1 - before) * BASELINE_ROWS),
                "current": round(share_now * (1 - after) * ROWS),
            }
            for (label, lower, upper, _, _), share_then, share_now in zip(bins, then, now, strict=True)
        ]
        + ([_missing(before, after)] if before else []),
        "quantiles": None,
        "mean": None,
    } | more


def _missing(before: float, after: float) -> Document:
    counts = {"baseline": round(before * BASELINE_ROWS), "current": round(after * ROWS)}
    return {"label": "(missing)", "lower": None, "upper": None} | counts


def numeric(name: str, mean: float, deviation: float, shift: float) -> Document:
    """Return a column of normally distributed numbers, in bins of equal share in the baseline."""
    then, now = NormalDist(mean, deviation), NormalDist(mean + shift, deviation)
    edges = [round(then.inv_cdf(step / _BINS), 4) for step in range(1, _BINS)]
    bounds: list[tuple[float | None, float | None]] = list(zip([None, *edges], [*edges, None], strict=True))
    bins = [(_label(low, high), low, high, _share(then, low, high), _share(now, low, high)) for low, high in bounds]
    levels = (0.05, 0.25, 0.5, 0.75, 0.95)
    return feature(
        name,
        "number",
        bins,
        mean={"baseline": mean, "current": mean + shift},
        quantiles={
            side: {str(level): round(found.inv_cdf(level), 4) for level in levels}
            for side, found in (("baseline", then), ("current", now))
        },
    )


def categorical(name: str, shares: Mapping[str, float], shift: float) -> Document:
    """Return a column of categories; the first one gains what the others lose."""
    left = 100 - sum(shares.values())
    bins = [
        (label, None, None, share, share + shift if index == 0 else share * (1 - shift / 100))
        for index, (label, share) in enumerate(shares.items())
    ]
    return feature(name, "text", [*bins, ("(other)", None, None, left, left * (1 - shift / 100))])


def _window(day: int, moved: int, *, version: int, text: str) -> Document:
    start = FIRST + timedelta(days=day)
    rows = ROWS // 7 - 30 * (day % 7)
    carriers = {text if name == "UA" else name: share for name, share in _TEXTS["carrier"].items()}
    columns = [
        _hours(),
        *(numeric(name, mean, deviation, moved * step) for name, (mean, deviation, step) in _NUMBERS.items()),
        categorical("carrier", carriers, 0.15 * moved),
        categorical("origin", _TEXTS["origin"], 0.1 * moved),
        categorical("dest", _TEXTS["dest"], 0.2 * moved),
    ]
    worst = max((one for one in columns if one["judged"]), key=lambda one: one["robust_linf"])
    prediction = numeric("air_time", 151.0, 92.0, 0.9 * moved)
    quality = _quality(12.3 + 0.02 * moved**1.6 + 0.3 * math.sin(day))
    return {
        "format": 1,
        "project": "flights",
        "environment": "production",
        "endpoint": "flights-production",
        "window": {
            "start": start.isoformat(),
            "end": (start + timedelta(days=1)).isoformat(),
            "length": "day",
            "span": 7,
            "from": (start - timedelta(days=6)).isoformat(),
        },
        "model": {
            "version": str(version),
            "package_arn": f"arn:aws:sagemaker:us-east-1:000000000000:model-package/flights-production/{version}",
            "run_id": "20130228T101500Z-1a2b3c4d",
            "created": "2013-02-28T10:41:00+00:00",
            "age_days": day + 1.0,
        },
        "baseline": {"rows": BASELINE_ROWS, "snapshot_id": SNAPSHOT, "holdout_rows": 12_104},
        "traffic": {"records": 210, "rows": rows, "rows_of_live_version": rows - 40, "silent_windows": 0},
        "capture": {"files": 168, "records": 210, "problems": []},
        "labels": {"rows": 5_100, "share": 0.81, "unmatched": 12, "conflicting": 0, "problems": []},
        "features": columns,
        "prediction": prediction,
        "target": numeric("air_time", 150.5, 93.0, 1.1 * moved),
        "worst": {"feature": worst["name"], "robust_linf": worst["robust_linf"]},
        "violations": {"share": 0.0, "rows": 0, "found": []},
        "quality": quality,
        "estimate": {
            "metric": "rmse",
            "value": round(quality["value"] * 0.97, 4),
            "method": "mean held-out loss by predicted value, weighted with how often each is predicted now",
            "assumption": "the error at a given prediction is what it was on the held-out rows",
        },
        "breaches": {
            "drift": any(one["drifted"] for one in columns),
            "prediction_drift": prediction["drifted"],
            "quality": quality["breached"],
            "data_quality": False,
        },
        "alarm": {"windows": 3, "of": 5},
    }


def _quality(value: float) -> Document:
    low, high = 11.5, 13.1
    drop = max(0.0, value / high - 1)
    return {
        "metric": "rmse",
        "direction": "minimize",
        "value": round(value, 4),
        "interval": [round(value * 0.94, 4), round(value * 1.06, 4)],
        "level": 0.95,
        "rows": 5_100,
        "clusters": 14,
        "baseline": 12.3,
        "baseline_interval": [low, high],
        "drop": round(drop, 4),
        "limit": 0.1,
        "boundary": round(1.1 * high, 4),
        "breached": drop > 0.1,
        "metrics": {"rmse": round(value, 4), "mae": round(value * 0.72, 4)},
        "baseline_metrics": {"rmse": 12.3, "mae": 8.9},
        "reason": None,
    }


def _streaks(document: Document, before: list[Document]) -> None:
    start = document["window"]["start"]
    last = before[-1]["since"] if before else {}
    document["since"] = {kind: (last.get(kind) or start) if on else None for kind, on in document["breaches"].items()}


def _hours() -> Document:
    bins = [
        (f"{hour:02}", None, None, 1.0 if 9 < hour < 24 else 0.2, 1.0 if 8 < hour < 23 else 0.2) for hour in range(24)
    ]
    return feature("time_hour", "moment", bins, why_not="time moves on: never judged")


def _share(found: NormalDist, low: float | None, high: float | None) -> float:
    return (1.0 if high is None else found.cdf(high)) - (0.0 if low is None else found.cdf(low))


def _label(low: float | None, high: float | None) -> str:
    if low is None:
        return f"up to {high:g}"
    return f"above {low:g}" if high is None else f"{low:g} to {high:g}"
