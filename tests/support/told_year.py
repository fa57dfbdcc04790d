"""A story of a year, made up but with the shape of the measured one: air time of flights leaving New York in 2013."""

from typing import Any

Document = dict[str, Any]

_FROZEN = [12.42, 14.81, 17.46, 21.94, 24.31, 21.22, 19.21, 17.03, 14.84, 18.87]
_TANDEM = [12.69, 12.02, 12.35, 13.61, 12.83, 11.24, 13.21, 12.04, 11.38, 13.02]
_ROWS = [27_902, 27_564, 28_128, 27_075, 28_293, 28_756, 27_010, 28_618, 26_971, 27_020]
_WORST = ["temp", "temp", "dewp", "temp", "dewp", "pressure", "temp", "humid", "temp", "wind_gust"]
_DISTANCE = [0.21, 0.44, 0.38, 0.31, 0.24, 0.07, 0.19, 0.26, 0.33, 0.09]


def story(*, text: str = "period=2013-03") -> Document:
    """Return the story; ``text`` is a name that came with the data."""
    months, version = [], 1
    for index in range(len(_FROZEN)):
        name = f"2013-{index + 3:02}"
        is_drifted = _DISTANCE[index] > 0.1
        keeps = index in (3, 7)
        events = _events(name, version, is_drifted=is_drifted, keeps=keeps, text=text)
        versions = [str(version)]
        if is_drifted and not keeps:
            version += 1
            versions.append(str(version))
        months.append(
            {
                "month": name,
                "rows": _ROWS[index],
                "frozen": _score(_FROZEN[index]),
                "tandem": _score(_TANDEM[index]),
                "drift": {
                    "worst": _WORST[index],
                    "robust_linf": _DISTANCE[index],
                    "windows": 14,
                    "windows_drifted": 14 if is_drifted else 0,
                },
                "alarms": ["drift", "quality"][: 1 + index % 2] if is_drifted else [],
                "events": events,
                "versions": versions,
                "live_at_end": str(version),
                "note": f"Version 2 was trained on {text} and still knew little of spring: March resembles the winter "
                "that the frozen model was made of."
                if index == 0
                else None,
            }
        )
    return {
        "project": "flights",
        "target": "air_time",
        "unit": "minutes",
        "metric": "rmse",
        "drift_limit": 0.1,
        "months": months,
        "summary": {
            "frozen_mean": sum(_FROZEN) / len(_FROZEN),
            "tandem_mean": sum(_TANDEM) / len(_TANDEM),
            "from": "March",
            "to": "December",
            "runs": 8,
            "promoted": 6,
            "kept": 2,
        },
        "timing": {"deploy": 9.4, "whole year": 212.7, "per month": 17.3},
    }


def _events(month: str, version: int, *, is_drifted: bool, keeps: bool, text: str) -> list[Document]:
    if not is_drifted:
        return [
            {"at": f"{month}-16T01:15:00+00:00", "kind": "no_new_data", "text": "the alarm is off, nothing was trained"}
        ]
    found = [
        (5, "alarm", "drift: 3 of 5 windows beyond the limit, worst temp at 0.44 (limit 0.1)"),
        (5, "run", f"reason: alarm flights-year-drift; new data: {text} and 2 more"),
        (6, "kept", f"rmse 13.61 against 13.55 of version {version}: not better by more than chance and 1 % explain")
        if keeps
        else (
            6,
            "promoted",
            f"rmse 11.61 against 15.59 of version {version} is 25.5 % better, at 99 % at least 18.2 %",
        ),
    ]
    if not keeps:
        found.append((6, "deployed", f"version {version + 1}, in 12 s with a canary of 10 %"))
    return [
        {"at": f"{month}-{day:02}T{2 + hour:02}:20:00+00:00", "kind": kind, "text": said}
        for hour, (day, kind, said) in enumerate(found)
    ]


def _score(value: float) -> Document:
    return {"value": value, "interval": [round(value * 0.93, 3), round(value * 1.07, 3)]}
