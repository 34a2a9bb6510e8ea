"""Tests of HTML pages in a real browser.

Read in this order:
- `steps`, `user`: users, the login page, and the running issuer, which the tests share.
- `page_list`, `factor_pages`, `mail_pages`: the list of all pages, for tests and for `make screenshots`.
- `mail_folder`: the mail that the issuer wrote.
- `receiver`, `application_session`: the website of a client, and the session of the example application.
- `orders`, `spectacular`: an API that pages of another origin call (CORS), and a project with drf-spectacular.
- `quiet`: a request handler for small servers, without a log.
"""

import os

from playwright.sync_api import Page


def screenshot(page: Page, name: str) -> None:
    """Save a screenshot of the page as `name` if the environment variable SCREENSHOTS names a folder."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
