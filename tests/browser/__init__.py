"""Pages in a real browser."""

import os

from playwright.sync_api import Page


def screenshot(page: Page, name: str) -> None:
    """Save a screenshot of the page if SCREENSHOTS names a folder."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
