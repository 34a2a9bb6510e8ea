"""Tests of HTML pages in a real browser.

Read in this order:
- `steps`, `user`: what tests share: users, the login page, and a user's browser.
- `page_list`, `factor_pages`, `mail_pages`: every page, for its examination by a test and for `make screenshots`.
- `mail_folder`: the mail that the issuer wrote.
- `receiver`, `application_session`: a client's site, and the session of the example application.
- `orders`, `spectacular`: an API for other origins, and a project with drf-spectacular.
- `quiet`: small servers without a log.
"""

import os

from playwright.sync_api import Page


def screenshot(page: Page, name: str) -> None:
    """Save a screenshot of the page as `name` if the environment variable SCREENSHOTS names a folder."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
