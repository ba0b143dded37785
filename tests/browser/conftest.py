"""Debian's Chromium, as a reader has it; what lacks is said, and not skipped."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM", "chromium")
HERE = "127.0.0.1"

Open = Callable[..., "Seen"]


class Seen:
    """A page that was opened, and what went on meanwhile: requests, and what the console said."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requested: list[str] = []
        self.said: list[str] = []
        page.on("request", lambda request: self.requested.append(request.url))
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("dialog", lambda dialog: self.said.append(f"a dialog: {dialog.message}"))

    def open_everything(self) -> None:
        """Unfold all that is folded."""
        self.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = shutil.which(CHROMIUM)
    if program is None:
        pytest.fail(f"{CHROMIUM} is not installed: apt-get install chromium, or CHROMIUM=<its path>")
    with sync_playwright() as playwright:
        # Its sandbox does not start as root, as CI has it; these pages are the project's own.
        found = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens a page of some HTML, or an address, in a window of its own."""
    contexts = []

    def open_page(text: str = "", *, address: str = "", width: int = 1_440, dark: bool = False) -> Seen:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        contexts.append(context)
        seen = Seen(context.new_page())
        if not address:
            file = tmp_path / "page.html"
            file.write_text(text, encoding="utf-8")
            address = file.as_uri()
        seen.page.goto(address)
        return seen

    yield open_page
    for context in contexts:
        context.close()
