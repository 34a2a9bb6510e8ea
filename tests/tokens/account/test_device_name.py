"""The name that the account pages show for a browser.

It is derived from headers that browsers up to November 2026 send.
"""

import pytest

from tokens.account.device_name import Device, device

LINUX = "Mozilla/5.0 (X11; Linux x86_64)"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "browser", "system"),
    [
        (f"{LINUX} {WEBKIT} Chrome/140.0.0.0 Safari/537.36", "Chrome", "Linux"),
        (f"{LINUX} {WEBKIT} HeadlessChrome/140.0.0.0 Safari/537.36", "Chrome", "Linux"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox", "Linux"),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/140 Safari/537.36 Edg/140",
            "Microsoft Edge",
            "Windows",
        ),
        (f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/140 Safari/537.36 OPR/120", "Opera", "Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605 Version/26.0 Safari/605", "Safari", "macOS"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) Version/26.0 Mobile Safari/604", "Safari", "iPhone"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) CriOS/140 Mobile Safari/604", "Chrome", "iPhone"),
        (f"Mozilla/5.0 (Linux; Android 15; K) {WEBKIT} Chrome/140 Mobile Safari/537.36", "Chrome", "Android"),
        (
            f"Mozilla/5.0 (Linux; Android 15) {WEBKIT} SamsungBrowser/28 Chrome/130 Safari/5",
            "Samsung Internet",
            "Android",
        ),
        ("curl/8.16.0", "curl", ""),
        ("", "", ""),
        ("<script>alert(1)</script>", "", ""),
    ],
)
def test_a_browser_and_its_system_get_their_names(user_agent, browser, system):
    assert device(user_agent) == Device(browser, system)
