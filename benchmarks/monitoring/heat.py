"""All contestants over the same rows, in turns, so that a busy moment of the machine hits them alike."""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.monitoring import columns
from benchmarks.monitoring.peers import Peer
from benchmarks.monitoring.plan import FLOOR, Contestant, Source
from benchmarks.monitoring.processes import Bounds, GivenUpError, Run, run
from benchmarks.monitoring.rows import Rows

_CONTESTANTS = Path(__file__).with_name("contestants")
_REPOSITORY = Path(__file__).parents[2]
_LONG_SECONDS = 30.0
"""Who takes longer runs once."""
_SAME = 1e-9
_BLOCK = 1 << 20

Say = Callable[[str], None]


class UnfairError(Exception):
    """Contestants did not do the same work."""


@dataclass(frozen=True)
class Heat:
    """One source at one size.

    Attributes:
        source: what the current rows are read from.
        rows: of each side.
        place: where they are.
        peers: environments by name; the reason where there is none.
        bounds: what one run may take.
        turns: how often everybody runs who is quick.
        threads: how many everybody may use.
    """

    source: Source
    rows: int
    place: Rows
    peers: Mapping[str, Peer | str]
    bounds: Bounds
    turns: int
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)

    def measure(self, contestants: Sequence[Contestant], refused: Mapping[str, str], say: Say) -> list[dict[str, Any]]:
        """Let everybody run, and return one figure for each, in their order.

        Args:
            contestants: who takes part.
            refused: names of those who do not, with the reason.
            say: is told about every run.

        Raises:
            UnfairError: contestants that have to agree do not, or miss what has shifted.
        """
        reasons = dict(refused)
        runs: dict[str, list[Run]] = {each.name: [] for each in contestants}
        for _ in range(self.turns):
            for each in contestants:
                done = runs[each.name]
                if each.name in reasons or (done and done[0].wall_seconds > _LONG_SECONDS):
                    continue
                try:
                    done.append(self._run(each))
                except GivenUpError as error:
                    reasons[each.name] = str(error)
                    say(f"{self.source}, {self.rows:,} rows, {each.name}: {error}")
                else:
                    say(f"{self.source}, {self.rows:,} rows, {each.name}: {done[-1].answer['seconds']:.2f} s")
        self._check(runs)
        return self._figures(contestants, runs, reasons)

    def _run(self, contestant: Contestant) -> Run:
        peer = self.peers[contestant.peer] if contestant.peer else None
        if isinstance(peer, str):
            raise GivenUpError(peer)
        current = self.place.current if self.source == "parquet" else self.place.capture
        state = self.place.folder / "state"
        state.mkdir(exist_ok=True)
        job = {
            "task": contestant.task,
            "source": self.source,
            "reference": str(self.place.reference),
            "current": str(current),
            "numbers": {each.name: each.type for each in columns.all_columns() if each.type != "string"},
            "texts": [each.name for each in columns.all_columns() if each.type == "string"],
            "threads": self.threads,
            "state": str(state),
            "variant": contestant.variant,
        }
        _warm(current, *([self.place.reference] if contestant.task == "drift" else []))
        return run(
            [
                str(peer.python if peer else sys.executable),
                str(_CONTESTANTS / "contest.py"),
                contestant.module,
                json.dumps(job),
            ],
            threads=self.threads,
            bounds=self.bounds,
            paths=[] if peer else [_REPOSITORY],
        )

    def _check(self, runs: Mapping[str, Sequence[Run]]) -> None:
        exact = {name: done[0].answer["distances"] for name, done in runs.items() if done and done[0].answer["exact"]}
        reference: Mapping[str, float] = next(iter(exact.values()), {})
        for name, done in runs.items():
            if done and done[0].answer["rows"] != self.rows:
                raise UnfairError(f"{name} saw {done[0].answer['rows']} rows of {self.rows}")
            for column, distance in exact.get(name, {}).items():
                if abs(distance - reference[column]) > _SAME:
                    raise UnfairError(f"{name} finds {distance} for {column}, others {reference[column]}")

    def _figures(
        self, contestants: Sequence[Contestant], runs: Mapping[str, Sequence[Run]], reasons: Mapping[str, str]
    ) -> list[dict[str, Any]]:
        seconds = {name: median(each.answer["seconds"] for each in done) for name, done in runs.items() if done}
        return [
            {
                "name": each.name,
                "source": self.source,
                "rows": self.rows,
                "task": each.task,
                **_measured(runs[each.name]),
                "over_floor": _ratio(seconds.get(each.name), seconds.get(FLOOR[self.source][each.task])),
                "over_tandem": _ratio(seconds.get(each.name), seconds.get("Tandem")) if each.task == "drift" else None,
                "skipped": reasons.get(each.name) if not runs[each.name] else None,
                "how": each.described(self._peer(each)),
            }
            for each in contestants
        ]

    def _peer(self, contestant: Contestant) -> Peer | None:
        peer = self.peers.get(contestant.peer or "")
        return peer if isinstance(peer, Peer) else None


def _measured(runs: Sequence[Run]) -> dict[str, Any]:
    if not runs:
        names = ("seconds", "cpu_seconds", "import_seconds", "process_seconds", "peak_megabytes", "found", "flagged")
        return {**dict.fromkeys(names), "runs": 0}
    answers = [each.answer for each in runs]
    distances, drifted = answers[0]["distances"], answers[0]["drifted"]
    furthest = sorted(distances, key=lambda name: -distances[name])[: len(columns.SHIFTED)]
    shifted = set(columns.SHIFTED)
    return {
        "seconds": round(median(each["seconds"] for each in answers), 3),
        "cpu_seconds": round(median(each["cpu_seconds"] for each in answers), 3),
        "import_seconds": round(median(each["import_seconds"] for each in answers), 3),
        "process_seconds": round(median(each.wall_seconds for each in runs), 3),
        "peak_megabytes": round(median(each.peak_megabytes for each in runs)),
        "found": f"{len(shifted.intersection(furthest))} of {len(shifted)}" if distances else None,
        "flagged": None if drifted is None else f"{len(shifted.intersection(drifted))} + {len(set(drifted) - shifted)}",
        "runs": len(runs),
    }


def _ratio(seconds: float | None, base: float | None) -> float | None:
    return None if seconds is None or not base else round(seconds / base, 2)


def _warm(*folders: Path) -> None:
    """Read every file once, so that everybody finds them in the page cache."""
    for folder in folders:
        for path in sorted(folder.rglob("*.*")):
            if path.is_file():
                with path.open("rb", buffering=0) as file:
                    while file.read(_BLOCK):
                        pass
