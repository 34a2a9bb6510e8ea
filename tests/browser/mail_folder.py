"""The messages that the issuer has written into its mail folder (EMAIL_URL=filemail://…)."""

import re
from pathlib import Path

from playwright.sync_api import Page

from project.launch.environment import Environments

LINK = re.compile(r"http://\S+/accounts/\S+")


def link(page: Page, variables: Environments, email: str) -> str:
    """Return the link in the latest message to `email`. Waits up to ten seconds for this message.

    `page` is any page of the browser. Only its method `wait_for_timeout` is used, to wait.
    """
    folder = Path(variables.issuer["EMAIL_URL"].removeprefix("filemail:///"))
    for _ in range(100):
        texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*"))]
        links = [LINK.search(text) for text in texts if f"To: {email}" in text]
        if links and links[-1]:
            return links[-1][0]
        page.wait_for_timeout(100)
    raise AssertionError(f"no message to {email}")
