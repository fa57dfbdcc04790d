"""Labels as they arrive: JSON lines by inference id, joined with what was answered.

Record: AWS page "Ingest ground truth labels and merge them with predictions"; several labels of one request stand in
the order of its instances, with an empty place (CSV) or null (JSON) where one is not known.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.steps.drift.quality import Labelled
from pipelines.steps.monitor.problems import Problem, problem, summed
from pipelines.steps.monitor.windows import Window, hour_folders

LABEL = "label"
_UNKNOWN = frozenset({"", "null", "none", "nan"})
_TRUTHS: Mapping[str, float] = {"true": 1.0, "false": 0.0}


@dataclass
class Labels:
    """Labels by inference id; what is told again later replaces what was told before, instance by instance.

    The labels of one request may come in parts: one that is not known tells nothing, and takes nothing back.

    Attributes:
        of: labels in the order of the request's instances, ``None`` where one is not known.
        keys: by inference id, the file that told it last.
        conflicting: by file, ids that were told again with other labels.
        problems: lines that could not be used.
    """

    of: dict[str, tuple[float | None, ...]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    conflicting: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)

    def add(self, content: bytes, *, key: str) -> None:
        """Read one file; files come in the order of their keys."""
        lines = content.split(b"\n")
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                inference_id, labels = _read(json.loads(line))
            except (ValueError, RecursionError) as error:
                is_cut = number == len(lines) and isinstance(error, json.JSONDecodeError)
                kind = "truncated" if is_cut else "json" if isinstance(error, json.JSONDecodeError) else "shape"
                self.problems.append(problem(kind, key, error))  # type: ignore[arg-type]  # one of three literals
                continue
            before = self.of.get(inference_id, ())
            if _contradicts(before, labels):
                self.conflicting[key] += 1
            self.of[inference_id], self.keys[inference_id] = _merged(before, labels), key

    def unmatched(self, known: set[str]) -> Counter[str]:
        """Return, by file, how many labels belong to none of the ids of captured answers."""
        return Counter(key for inference_id, key in self.keys.items() if inference_id not in known)


@dataclass(frozen=True)
class Delivery:
    """What is odd about the labels that were delivered in one window; every label is told of once.

    Attributes:
        unmatched: labels of no answer captured while labels are waited for.
        conflicting: labels that replaced other ones.
        problems: what could not be used, by kind.
    """

    unmatched: int
    conflicting: int
    problems: tuple[Problem, ...]

    @classmethod
    def of(cls, window: Window, labels: Labels, unmatched: Counter[str]) -> "Delivery":
        """Pick what the folders of a window tell; ``unmatched`` is what :meth:`Labels.unmatched` returned."""
        folders = tuple(hour_folders(window.start, window.end))
        return cls(
            unmatched=sum(count for key, count in unmatched.items() if key.startswith(folders)),
            conflicting=sum(count for key, count in labels.conflicting.items() if key.startswith(folders)),
            problems=summed(each for each in labels.problems if each.key.startswith(folders)),
        )


@dataclass(frozen=True)
class Joined:
    """Answers with their labels.

    Attributes:
        live: those of the live version.
        labels: of every version.
        answered: answers of the live version, labelled or not.
    """

    live: Labelled
    labels: pa.Array
    answered: int


def read(files: Iterable[tuple[str, bytes]]) -> Labels:
    """Read all labels of some files, which come in the order of their keys."""
    labels = Labels()
    for key, content in files:
        labels.add(content, key=key)
    return labels


def label(answers: pa.Table, labels: Labels) -> pa.Table:
    """Add the column ``label`` to answers: not-a-number where no label is known."""
    ids: Sequence[str] = answers.column("inference_id").to_pylist()
    positions: Sequence[int] = answers.column("index").to_pylist()
    known = [_label(labels.of.get(one), at) for one, at in zip(ids, positions, strict=True)]
    return answers.append_column(LABEL, pa.array(known, pa.float64()))


def join(labelled: pa.Table, *, version: str) -> Joined:
    """Pick the answers whose labels are known.

    Args:
        labelled: what :func:`label` returned.
        version: the live version; an answer that does not tell its version counts as its own.
    """
    found = labelled.column(LABEL).to_numpy()
    of_live = pc.fill_null(pc.equal(labelled.column("version"), version), fill_value=True).to_numpy()
    known = np.isfinite(found)
    chosen = known & of_live
    return Joined(
        live=Labelled(
            moments=labelled.column("moment").cast(pa.int64()).to_numpy()[chosen],
            target=found[chosen],
            prediction=labelled.column("prediction").to_numpy()[chosen],
        ),
        labels=pa.array(found[known]),
        answered=int(of_live.sum()),
    )


def _contradicts(before: Iterable[float | None], told: Iterable[float | None]) -> bool:
    return any(old is not None and new is not None and old != new for old, new in zip(before, told, strict=False))


def _merged(before: Iterable[float | None], told: Iterable[float | None]) -> tuple[float | None, ...]:
    return tuple(old if new is None else new for old, new in zip_longest(before, told))


def _label(labels: tuple[float | None, ...] | None, position: int) -> float:
    label = labels[position] if labels is not None and position < len(labels) else None
    return math.nan if label is None else label


def _read(document: Any) -> tuple[str, tuple[float | None, ...]]:
    try:
        data, inference_id = document["groundTruthData"], document["eventMetadata"]["eventId"]
        text, encoding = data["data"], data.get("encoding", "CSV")
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no ground truth record: {error!r} is missing") from error
    if not isinstance(inference_id, str) or not isinstance(text, str):
        raise ValueError("eventMetadata.eventId and groundTruthData.data must be texts")  # noqa: TRY004  # as bad JSON is
    if encoding == "CSV":
        return inference_id, tuple(_number(each.strip()) for each in text.split(","))
    if encoding == "JSON":
        values = json.loads(text)
        return inference_id, tuple(_number(each) for each in (values if isinstance(values, list) else [values]))
    raise ValueError(f"groundTruthData.encoding is {encoding!r}, it must be CSV or JSON")


def _number(value: Any) -> float | None:
    if value is None or isinstance(value, bool):
        return None if value is None else float(value)
    if isinstance(value, str):
        lowered = value.lower()
        if lowered in _UNKNOWN:
            return None
        value = _TRUTHS.get(lowered, value)
    try:
        number = float(value)
    except (TypeError, OverflowError) as error:
        raise ValueError(f"label {value!r} is no number") from error
    return number if math.isfinite(number) else None
