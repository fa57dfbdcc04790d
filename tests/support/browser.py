"""Chromium without a screen, driven through its DevTools protocol over two pipes: no port, no driver, no library.

Pages: "Chrome DevTools Protocol" and "Getting Started with Chrome DevTools Protocol" (``--remote-debugging-pipe``:
messages are JSON, ended by a zero byte, read from file descriptor 3 and written to 4).
"""

import base64
import contextlib
import json
import os
import select
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",  # tests run as root in containers, and the only pages are our own
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
_PATIENCE = 60.0


def find() -> str | None:
    """Return the path of an installed Chromium."""
    return next((path for name in NAMES if (path := shutil.which(name)) is not None), None)


class Page:
    """One loaded page and everything that happened while it loaded."""

    def __init__(self, browser: "Browser", session: str) -> None:
        self._browser = browser
        self._session = session
        self.requests: list[str] = []
        self.complaints: list[str] = []

    def open(self, path: Path, *, width: int, scheme: str = "light") -> "Page":
        """Load a file in a window of a width, and wait until nothing more happens."""
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=800,
            deviceScaleFactor=2 if width < 600 else 1,
            mobile=width < 600,
        )
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url=path.as_uri())
        while self._browser.next(self._session)["method"] != "Page.loadEventFired":
            pass
        self.evaluate("document.fonts.ready.then(() => true)")
        return self

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def screenshot(self, path: Path) -> None:
        """Save the whole page as a picture."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(answer["data"]))

    def pdf(self) -> bytes:
        """Return the page as it would be printed."""
        answer = self.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
        return base64.b64decode(answer["data"])

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol."""
        return self._browser.call(method, self._session, **parameters)

    def note(self, event: dict[str, Any]) -> None:
        """Keep what a test asks about."""
        method, details = event["method"], event["params"]
        if method == "Network.requestWillBeSent":
            self.requests.append(details["request"]["url"])
        elif method == "Log.entryAdded":
            self.complaints.append(details["entry"]["text"])
        elif method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
            self.complaints.append(json.dumps(details))


class Browser:
    """A running Chromium."""

    def __init__(self, executable: str, profile: Path) -> None:
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        # Chromium wants exactly the descriptors 3 and 4, which may be taken here: hand over copies above them first.
        high_in, high_out = os.dup(theirs_in), os.dup(theirs_out)
        actions = [(os.POSIX_SPAWN_DUP2, high_in, 3), (os.POSIX_SPAWN_DUP2, high_out, 4)]
        actions += [
            (os.POSIX_SPAWN_OPEN, descriptor, os.devnull, os.O_RDWR, 0) for descriptor in (0, 1, 2)
        ]  # Chromium talks a lot
        assert min(high_in, high_out) > 4, "both copies must outlive the first redirection"
        command = [executable, *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
        self._process = os.posix_spawn(executable, command, os.environ, file_actions=actions, setpgroup=0)
        for descriptor in (theirs_in, theirs_out, high_in, high_out):
            os.close(descriptor)
        self._buffer = b""
        self._number = 0
        self._pages: dict[str, Page] = {}
        self._events: list[dict[str, Any]] = []

    def page(self) -> Page:
        """Open an empty tab."""
        target = self.call("Target.createTarget", None, url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", None, targetId=target, flatten=True)["sessionId"]
        self._pages[session] = Page(self, session)
        return self._pages[session]

    def call(self, method: str, session: str | None, **parameters: Any) -> dict[str, Any]:
        """Send a message and wait for its answer; events that come first are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        os.write(
            self._out, json.dumps(message if session is None else message | {"sessionId": session}).encode() + b"\0"
        )
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result
            self._keep(answer)

    def next(self, session: str) -> dict[str, Any]:
        """Wait for the next event of a page."""
        while not self._events:
            self._keep(self._read())
        event = self._events.pop(0)
        return event if event.get("sessionId") == session else self.next(session)

    def close(self) -> None:
        """End the browser and everything it started."""
        os.close(self._out)
        os.close(self._in)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)

    def _keep(self, event: dict[str, Any]) -> None:
        page = self._pages.get(event.get("sessionId", ""))
        if page is not None:
            page.note(event)
            self._events.append(event)

    def _read(self) -> dict[str, Any]:
        until = time.monotonic() + _PATIENCE
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(0.0, until - time.monotonic()))
            received = os.read(self._in, 1 << 20) if ready else b""
            assert received, "Chromium stopped, or said nothing for a minute"
            self._buffer += received
        message, self._buffer = self._buffer.split(b"\0", 1)
        answer: dict[str, Any] = json.loads(message)
        return answer


@contextlib.contextmanager
def running(executable: str, profile: Path) -> Iterator[Browser]:
    """Start a Chromium with an empty profile, and end it."""
    browser = Browser(executable, profile)
    try:
        yield browser
    finally:
        browser.close()
