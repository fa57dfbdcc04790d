"""The evaluation report in a real browser: nothing is fetched, nothing complains, nothing sticks out."""

from collections.abc import Iterator
from pathlib import Path

import browser
import finished_run
import pytest

from pipelines.steps import report

EXECUTABLE = browser.find()
pytestmark = pytest.mark.skipif(
    EXECUTABLE is None, reason=f"no Chromium is installed ({', '.join(browser.NAMES)}): apt-get install chromium"
)
WIDTHS = [1280, 360]
STICKING_OUT = """[...document.querySelectorAll("body *")]
  .filter(one => !one.closest("thead, svg") && one.getBoundingClientRect().right > innerWidth + 0.5)
  .map(one => one.tagName + " " + one.textContent.slice(0, 40))"""
SMALLEST_TEXT = """Math.min(...[...document.querySelectorAll("svg text")].map(
  one => parseFloat(getComputedStyle(one).fontSize) * one.ownerSVGElement.getScreenCTM().a))"""
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


@pytest.fixture(scope="module", params=["regression", "binary_classification", "first", "hostile"])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    task = request.param if request.param in finished_run.RULES else "regression"
    text = finished_run.HOSTILE if request.param == "hostile" else "EWR"
    sources = finished_run.leave(folder, task=task, text=text, champion=request.param != "first")
    changes = dict.fromkeys(("description", "reason", "run_id"), text) if request.param == "hostile" else {}
    report.write(folder, sources=sources, provenance=finished_run.provenance(**changes))
    return folder / report.PAGE


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
def test_the_decision_is_on_the_first_screen_and_every_plot_can_be_read(
    chromium: browser.Browser, page: Path, width: int
) -> None:
    opened = chromium.page().open(page, width=width)
    assert opened.evaluate("document.querySelector('.verdict').getBoundingClientRect().bottom < innerHeight") is True
    assert "Promoted" in opened.evaluate("document.querySelector('.verdict h2').innerText")
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
    assert 2 <= printed.count(b"/Type /Page\n") <= 8
