"""The drift report of what the monitor really writes: calm, drifted, worse, silent and broken windows."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from parsed_page import TAGS, Page
from watched_endpoint import FIRST_DAY, World, lines, record, rows, truth

from pipelines.steps.report import drift


def _calm(world: World) -> None:
    for number in range(5):
        world.ask(number)


def _drifted(world: World) -> None:
    for number in range(5):
        world.ask(number, shift=0.0 if number < 2 else 2.0)


def _worse(world: World) -> None:
    for number in range(5):
        world.ask(number, labels=False)
        wrong = [label + 3 for label in rows(300, seed=1000 + number).column("label").to_pylist()]
        told = [truth(f"{number}-{hour}", wrong[at : at + 100]) for at, hour in ((0, 1), (100, 9), (200, 23))]
        world.put_labels(FIRST_DAY + timedelta(days=number + 1), lines(told))


def _silent(_: World) -> None:
    """Nobody asks anything."""


def _broken(world: World) -> None:
    _calm(world)
    moment = FIRST_DAY + timedelta(days=4, hours=5)
    table = rows(300, seed=3)
    strange = table.set_column(2, "kind", pa.array(["z"] * 300))
    content = lines([record(strange, inference_id="x", moment=moment)])
    world.put_capture(moment, "cut.jsonl", content + content[:-30])


@pytest.mark.parametrize(
    ("happens", "headline", "said"),
    [
        (_calm, "✓ Nothing is wrong", "none of 3 features is beyond its limit"),
        (_drifted, "✕ Inputs drifted and predictions moved", "drift since 4 March 2020 (3 windows): size"),
        (_worse, "✕ The model got worse", "worse than the interval of the baseline"),
        (
            _worse,
            "✕ The model got worse",
            "5 of the last 5 windows beyond the limit; the alarm goes on at 3 of 5",
        ),
        (_silent, "? Nothing can be said about this window", "3 of the 3 windows judged together had none"),
        (
            _broken,
            "✕ Inputs drifted and data breaks the rules",
            "holds a text that the baseline never held in 300 of 600 rows",
        ),
    ],
)
def test_what_the_monitor_judged_is_told(happens: Callable[[World], None], headline: str, said: str) -> None:
    world = World()
    happens(world)
    judged: list[dict[str, Any]] = json.loads(json.dumps(world.run(5)))
    found = Page(drift.build(judged[-1], judged))
    assert headline in found.texts
    assert said in " ".join(found.texts)
    assert set(found.tags) <= TAGS
    assert "None" not in " ".join(found.texts)


def test_problems_of_capture_files_are_named_with_their_file() -> None:
    world = World()
    _broken(world)
    judged = world.run(5)
    texts = Page(drift.build(judged[-1], judged)).texts
    assert {"truncated", "2020/03/06/05/cut.jsonl"} <= set(texts)
