"""An issuer with strict settings in chromium: SECOND_FACTOR_STAFF, and a limit of four logins in ten minutes."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from project.launch import processes
from project.launch.run import READY
from tests.browser.steps import PASSWORD, System, confirm_by_password, log_in, make_user
from tests.browser.test_factors import code
from tests.browser.user import Issuer
from tests.ports import free

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def strict(system: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a second process of the issuer, with strict settings and the same database. Yield its URL."""
    url = f"http://localhost:{free()}"
    settings = {"ISSUER_URL": url, "SECOND_FACTOR_STAFF": "true", "RATE_LIMITS": "login=4/600"}
    variables = system[1].issuer | settings
    child = processes.start("issuer", variables, url=url, var=tmp_path_factory.mktemp("strict"))
    try:
        processes.wait_until_ready(child, READY["issuer"])
        yield url
    finally:
        processes.stop([child])


def test_staff_sets_up_a_factor_before_the_admin_opens_and_enters_it_at_the_next_login(
    system: System, issuer: Issuer, strict: str, page: Page
) -> None:
    make_user(system, "officer")
    page.goto(f"{strict}/admin/")
    page.get_by_label("Username").fill("officer")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    log_in(page, "officer")  # the issuer's page: the admin's own asks for no factor
    expect(page.get_by_role("heading", name="A second factor is required")).to_be_visible()
    page.get_by_role("link", name="Set up an authenticator app").click()
    confirm_by_password(page)
    secret = page.locator("#authenticator_secret").inner_text()
    page.get_by_label("Code", exact=True).fill(code(secret))
    page.get_by_role("button", name="Set up").click()
    page.get_by_role("link", name="Continue where you left off").click()
    expect(page.get_by_role("heading", name="Site administration")).to_be_visible()

    page.context.clear_cookies()
    page.goto(f"{strict}/accounts/login/?next=/admin/")
    log_in(page, "officer")
    expect(page.get_by_role("heading", name="Confirm your identity")).to_be_visible()
    page.goto(f"{strict}/admin/tokens/client/")
    expect(page.get_by_role("heading", name="Select client to change")).to_have_count(0)
    page.goto(f"{strict}/accounts/2fa/authenticate/")
    page.get_by_label("Code", exact=True).fill(code(secret, 1))
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Site administration")).to_be_visible()

    page.context.clear_cookies()
    page.goto(f"{strict}/accounts/login/")
    log_in(page, issuer.new_user())  # not staff: the setting does not concern this user
    expect(page).to_have_url(f"{strict}/accounts/")


def test_too_many_wrong_passwords_lock_the_name_out_even_for_the_right_one(
    issuer: Issuer, strict: str, chromium: Browser
) -> None:
    page = chromium.new_page()  # chromium writes the answer 429 to the console
    name = issuer.new_user()
    for _ in range(4):
        page.goto(f"{strict}/accounts/login/")
        log_in(page, name, "wrong")
        expect(page.get_by_role("alert")).to_contain_text("not correct")
    page.goto(f"{strict}/accounts/login/")
    log_in(page, name)
    expect(page.get_by_role("heading")).to_have_text("Please wait")
    expect(page.get_by_role("alert")).to_contain_text("too many login attempts. Try again in")
    page.goto(f"{strict}/accounts/")
    expect(page.get_by_role("heading")).to_have_text("You are not logged in")
