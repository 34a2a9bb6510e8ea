"""Functions that the browser tests share: create users, fill in the login page, and save screenshots."""

import os
import time

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Page

from project.launch.environment import Environments
from project.launch.ports import Ports
from tests import manage_process
from tests.browser import screenshot
from tests.browser.user import PASSWORD

System = tuple[Ports, Environments]
MAKE_USER = """
from django.contrib.auth.models import Group
from tokens.models import User
user = User.objects.create_superuser({name!r}, {name!r} + "@example.org", {password!r})
if {guarded!r}:
    user.groups.add(Group.objects.get_or_create(name="guarded")[0])
"""


def make_user(system: System, name: str, *, guarded: bool = False) -> None:
    """Create a superuser with the username `name`. If `guarded` is True, the user's group requires a second factor."""
    code = MAKE_USER.format(name=name, password=PASSWORD, guarded=guarded)
    manage_process.command(system[1].issuer, "shell", "-v", "0", "-c", code)


def code(secret: str, steps: int = 0) -> str:
    """Return the code that an authenticator app with this secret shows `steps` periods of 30 seconds from now."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def log_in(page: Page, name: str, word: str = PASSWORD) -> None:
    """Fill in the login page with the username `name` and the password `word`, and submit it."""
    page.get_by_label("Username or e-mail").fill(name)
    page.get_by_label("Password", exact=True).fill(word)
    page.get_by_role("button", name="Log in").click()


def confirm_by_password(page: Page, name: str = "") -> None:
    """Fill in the page that asks a logged-in user for the password again, and submit it.

    If `name` is set, save screenshots of the page first, with this name.
    """
    if name:
        pictures(page, name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()


def pictures(page: Page, name: str) -> None:
    """Save screenshots of the page if the environment variable SCREENSHOTS names a folder.

    They show the page in light colours, in dark colours, and at the width of a phone.
    """
    if not os.environ.get("SCREENSHOTS"):
        return
    size = page.viewport_size
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        screenshot(page, f"{name}-{scheme}")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 360, "height": 740})
    screenshot(page, f"{name}-phone")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360, "nothing is wider than a phone"
    if size:
        page.set_viewport_size(size)
