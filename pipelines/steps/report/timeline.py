"""The judged windows one after the other: what all plots over time have in common."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from pipelines.steps.report import moments
from pipelines.steps.report.chart import WIDE, Axis, Plot, Point
from pipelines.steps.report.judgement import Judgement, read_past
from pipelines.steps.report.markup import harmless

MOST_WINDOWS = 60
_TOP = 44.0
_LABEL = 46.0
_MARKS = {False: 4, True: 12}


@dataclass(frozen=True)
class Timeline:
    """The newest windows, oldest first; the last one is the one that the page is about."""

    windows: tuple[Judgement, ...]

    @classmethod
    def of(cls, judgement: Judgement, history: Iterable[Mapping[str, Any]]) -> "Timeline":
        """Put the newest windows before a judged one in front of it."""
        past = read_past(history, before=judgement.start, most=MOST_WINDOWS - 1)
        return cls((*past, judgement))

    def __len__(self) -> int:
        return len(self.windows)

    @property
    def span(self) -> str:
        """From the first window to the end of the last one, in words."""
        return moments.span(self.windows[0].start, str(self.windows[-1].window["end"]))

    def plot(self, y: Axis, *, width: float, height: float, left: Mapping[bool, float]) -> Plot:
        """Return a frame over time, with a line wherever another version began to serve.

        Args:
            y: what is shown.
            width: of the drawing.
            height: of the drawing.
            left: room for the names on the left, in a wide drawing and in a narrow one.
        """
        is_wide = width == WIDE
        every = -(-len(self) // _MARKS[is_wide])
        names = {i + 0.5: moments.brief(one.start) for i, one in enumerate(self.windows) if i % every == 0}
        axis = Axis(f"start of the window, {self.span} (UTC)", 0, len(self), names.__getitem__, tuple(names))
        plot = Plot(axis, y, height=height, left=left[is_wide], top=_TOP, width=width)
        free = 0.0
        for index, version in self.versions():
            if index:
                plot.down(index, kind="change")
            where = plot.at(index, y.high)[0]
            if where >= free:
                plot.words(index, y.high, f"v{harmless(version, limit=5)}", kind="note", up=4)
                free = where + _LABEL
        return plot

    def versions(self) -> Iterator[tuple[int, str]]:
        """Yield the index of each window in which another version than before was live, and that version."""
        before = None
        for index, one in enumerate(self.windows):
            if one.version != before:
                yield index, one.version
            before = one.version

    def stretches(self) -> Iterator[tuple[int, int]]:
        """Yield the windows of one version after the other: first index, and the one after the last."""
        starts = [index for index, _ in self.versions()]
        yield from zip(starts, [*starts[1:], len(self)], strict=True)

    def lines(self, value: Callable[[Judgement], float | None]) -> Iterator[list[Point]]:
        """Yield the pieces of a line: it breaks at a window without a value, and at a new version."""
        for first, end in self.stretches():
            found = ((index + 0.5, value(self.windows[index])) for index in range(first, end))
            for is_known, group in groupby(found, key=lambda point: point[1] is not None):
                if is_known:
                    yield [(x, y) for x, y in group if y is not None]

    def streak(self, kind: str) -> int:
        """Return how many windows up to the last one exceed a limit without a break."""
        count = 0
        for one in reversed(self.windows):
            if not one.breaches[kind]:
                break
            count += 1
        return count

    def mark_streak(self, plot: Plot, kind: str, text: str) -> None:
        """Mark where the present streak began, if it did within these windows."""
        since = self.windows[-1].since[kind]
        index = next((i for i, one in enumerate(self.windows) if since is not None and one.start >= since), None)
        if since is None or index is None:
            return
        plot.down(index, kind="since")
        is_left = index <= len(self) / 2
        plot.words(
            index,
            plot.y.high,
            f"{'▸ ' if is_left else ''}{text} since {moments.brief(since)}{'' if is_left else ' ▸'}",
            kind="alert",
            anchor="start" if is_left else "end",
            up=20,
        )
