"""What a model version was trained on, input by input, and what in a record is unlike it.

Evaluate leaves it beside its evaluation: ``runs/<run id>/evaluate/baseline.json``, the training rows counted in bins.
Moments in time are left out: what is asked about lies after the training in all of production.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from application.contract import is_number
from application.values import shown
from lambdas.shared.compatibility import Field

_FORMAT = 1


@dataclass(frozen=True)
class Warned:
    """An input unlike anything the model was trained on."""

    field: str
    value: str
    trained: str


@dataclass(frozen=True)
class TrainedRange:
    """What is known of the training rows; an input that is in none of the mappings warns of nothing.

    Attributes:
        numbers: smallest and largest number by input.
        texts: every text that occurred, by input; those with too many to count are left out.
        never_null: inputs that always had a value.
    """

    numbers: Mapping[str, tuple[float, float]]
    texts: Mapping[str, frozenset[str]]
    never_null: frozenset[str]

    def warnings(self, record: Mapping[str, Any]) -> Iterator[Warned]:
        """Yield what in a record the model has never seen the like of."""
        for name, value in record.items():
            if value is None:
                if name in self.never_null:
                    yield Warned(name, "null", "always a value")
            elif name in self.numbers:
                lowest, highest = self.numbers[name]
                if not lowest <= value <= highest:
                    yield Warned(name, shown(value), f"{lowest:g} to {highest:g}")
            elif name in self.texts and value not in self.texts[name]:
                yield Warned(name, shown(value), f"{len(self.texts[name])} other texts")


NOTHING = TrainedRange({}, {}, frozenset())


def read(content: bytes, inputs: Sequence[Field]) -> TrainedRange:
    """Read a baseline.

    Raises:
        ValueError: it is none, or one of another format.
    """
    try:
        document = json.loads(content)
        if document["format"] != _FORMAT:
            raise ValueError(f"the baseline has format {document['format']!r}; this code reads {_FORMAT}")
        counts: Mapping[str, Any] = document["rows"]["columns"]
        layout = {column["name"]: column for column in document["layout"]}
        known = [field for field in inputs if field.name in counts and field.name in layout]
        return TrainedRange(
            numbers=dict(_numbers(known, counts)),
            texts=dict(_texts(known, counts, layout)),
            never_null=frozenset(field.name for field in known if counts[field.name]["nulls"] == 0),
        )
    except (KeyError, TypeError, AttributeError, IndexError, RecursionError, OverflowError) as error:
        raise ValueError(f"this is no baseline: {type(error).__name__} {error}") from error


def _numbers(fields: Sequence[Field], counts: Mapping[str, Any]) -> Iterator[tuple[str, tuple[float, float]]]:
    for field in fields:
        lowest, highest = counts[field.name]["minimum"], counts[field.name]["maximum"]
        if is_number(field) and lowest is not None and highest is not None:
            # A whole number that no float can hold raises an error here; the contract takes none.
            if not all(isinstance(end, int | float) and math.isfinite(end) for end in (lowest, highest)):
                raise TypeError(f"the range of {field.name} is {str(lowest)[:80]} to {str(highest)[:80]}")
            yield field.name, (lowest, highest)


def _texts(
    fields: Sequence[Field], counts: Mapping[str, Any], layout: Mapping[str, Any]
) -> Iterator[tuple[str, frozenset[str]]]:
    for field in fields:
        # The last bin counts the texts without a bin of their own: which they were is not known.
        if field.type == "string" and counts[field.name]["bins"][-1] == 0:
            yield field.name, frozenset(map(str, layout[field.name]["categories"]))
