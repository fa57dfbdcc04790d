"""The reports in a real browser: nothing is fetched, nothing complains, nothing sticks out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import browser
import finished_run
import judged_windows
import pytest
import told_year

from pipelines.steps import report
from pipelines.steps.report import drift, year

EXECUTABLE = browser.find()
pytestmark = pytest.mark.skipif(
    EXECUTABLE is None, reason=f"no Chromium is installed ({', '.join(browser.NAMES)}): apt-get install chromium"
)
WIDTHS = [1280, 360]
STICKING_OUT = """[...document.querySelectorAll("body *")]
  .filter(one => !one.closest("thead, svg") && one.getBoundingClientRect().right > innerWidth + 0.5)
  .map(one => one.tagName + " " + one.textContent.slice(0, 40))"""
SMALLEST_TEXT = """Math.min(...[...document.querySelectorAll("svg text")]
  .filter(one => one.getClientRects().length)
  .map(one => parseFloat(getComputedStyle(one).fontSize) * one.ownerSVGElement.getScreenCTM().a))"""
CONTRASTS = """(() => {
  const light = colour => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map(
      value => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = one => {
    const colour = getComputedStyle(one).backgroundColor;
    return /, 0\\)$/.test(colour) && one.parentElement ? behind(one.parentElement) : colour;
  };
  return [...document.querySelectorAll("h1, h2, p, dt, dd, small, figcaption, th, td, .key, svg text, .holds, li")]
    .map(one => {
      const ink = one.closest("svg") ? getComputedStyle(one).fill : getComputedStyle(one).color;
      const [a, b] = [light(ink === "none" ? "rgb(0, 0, 0)" : ink), light(behind(one))].sort((x, y) => y - x);
      return [one.className.baseVal === "key" ? 21 : (a + 0.05) / (b + 0.05), one.textContent.slice(0, 30)];
    }).filter(([ratio]) => ratio < 4.5);
})()"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Browser]:
    with browser.running(str(EXECUTABLE), tmp_path_factory.mktemp("profile")) as started:
        yield started


def _evaluation(folder: Path, *, task: str = "regression", text: str = "EWR", champion: bool = True) -> Path:
    sources = finished_run.leave(folder, task=task, text=text, champion=champion)
    changes = dict.fromkeys(("description", "reason", "run_id"), text) if text != "EWR" else {}
    report.write(folder, sources=sources, provenance=finished_run.provenance(**changes))
    return folder / report.PAGE


def _drift(folder: Path, windows: list[judged_windows.Document]) -> Path:
    path = folder / "drift.html"
    path.write_text(drift.build(windows[-1], windows), "utf-8")
    return path


def _hostile() -> list[judged_windows.Document]:
    """Name everything as nobody should, and let nothing be broken by a space."""
    windows = judged_windows.troubled(text=finished_run.HOSTILE)
    name = "W" * 200
    windows[-1] |= {"project": finished_run.HOSTILE, "environment": "e" * 32, "endpoint": "W" * 63}
    windows[-1]["features"] += [judged_windows.numeric(name, 0.0, 1.0, 3.0)]
    windows[-1]["features"] += [judged_windows.categorical("m" * 200, {name: 40.0, finished_run.HOSTILE: 50.0}, 40.0)]
    windows[-1]["quality"] |= {"metric": "r" * 60}
    windows[-1]["violations"]["found"][0] |= {"column": name, "rule": name, "detail": name}
    windows[-1]["capture"]["problems"][0] |= {"kind": name, "key": name, "detail": name}
    return windows


def _year(folder: Path, *, text: str = "period=2013-03") -> Path:
    document = told_year.story(text=text)
    if text != "period=2013-03":
        for month in document["months"]:
            month["note"] = month["drift"]["worst"] = text
            month["versions"], month["alarms"] = [text] * 2, [text]
    (folder / "year.html").write_text(year.build(document), "utf-8")
    return folder / "year.html"


PAGES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "regression": (_evaluation, "Promoted"),
    "binary_classification": (lambda folder: _evaluation(folder, task="binary_classification"), "Promoted"),
    "first": (lambda folder: _evaluation(folder, champion=False), "Promoted"),
    "hostile": (lambda folder: _evaluation(folder, text=finished_run.HOSTILE), "Promoted"),
    "drift": (lambda folder: _drift(folder, judged_windows.troubled()), "The model got worse"),
    "drift-calm": (lambda folder: _drift(folder, judged_windows.windows(60, calm=True)), "Nothing is wrong"),
    "drift-first": (lambda folder: _drift(folder, judged_windows.windows(1)), "Nothing is wrong"),
    "drift-hostile": (lambda folder: _drift(folder, _hostile()), "The model got worse"),
    "year": (_year, "Tandem 31.7"),
    "year-hostile": (lambda folder: _year(folder, text="W" * 300), "Tandem 31.7"),
}


@dataclass(frozen=True)
class Written:
    """A page on disk, what its verdict says, and what of it has to be on the first screen."""

    path: Path
    verdict: str
    first: str = ".verdict"


@pytest.fixture(scope="module", params=list(PAGES))
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Written:
    write, verdict = PAGES[request.param]
    first = ".verdict h2" if request.param == "drift-hostile" else ".verdict"
    return Written(write(tmp_path_factory.mktemp("report")), verdict, first)


@pytest.fixture(scope="module")
def page(written: Written) -> Path:
    return written.path


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_asks_for_nothing_and_nothing_complains(chromium: browser.Browser, page: Path, width: int) -> None:
    opened = chromium.page().open(page, width=width)
    assert opened.requests == [page.as_uri()]
    assert opened.complaints == []


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_has_to_be_scrolled_sideways(chromium: browser.Browser, page: Path, width: int) -> None:
    opened = chromium.page().open(page, width=width)
    assert opened.evaluate("[innerWidth, document.documentElement.scrollWidth]") == [width, width]
    assert opened.evaluate(STICKING_OUT) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_verdict_is_on_the_first_screen_and_every_plot_can_be_read(
    chromium: browser.Browser, written: Written, width: int
) -> None:
    opened = chromium.page().open(written.path, width=width)
    bottom = opened.evaluate(f"document.querySelector('{written.first}').getBoundingClientRect().bottom")
    assert bottom < opened.evaluate("innerHeight")
    assert written.verdict in opened.evaluate("document.querySelector('.verdict h2').innerText")
    assert opened.evaluate("document.querySelectorAll('figure svg[role=img] title').length") >= 5
    assert opened.evaluate(SMALLEST_TEXT) >= 9.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_background(chromium: browser.Browser, page: Path, scheme: str) -> None:
    opened = chromium.page().open(page, width=1280, scheme=scheme)
    dark = opened.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(19, 19, 18)"
    assert dark is (scheme == "dark")
    assert opened.evaluate("document.querySelectorAll('td, svg text').length") > 50
    assert opened.evaluate(CONTRASTS) == []


def test_the_page_can_be_printed(chromium: browser.Browser, page: Path) -> None:
    printed = chromium.page().open(page, width=1280).pdf()
    assert printed.startswith(b"%PDF")
    assert 2 <= printed.count(b"/Type /Page\n") <= 20
