"""Names the browser and the operating system of a session, from the header User-Agent. Pure.

A browser's header also names the browsers that it derives from: Edge sends "Chrome" and "Safari", too. So the first
match in a table counts, and derived browsers come first. A program can send any header, so the names are only shown to
users.
"""

from dataclasses import dataclass

BROWSERS = (
    ("Edg", "Microsoft Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
    ("curl/", "curl"),
    ("python-requests/", "Python"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class Device:
    """The names of browser and operating system. A name is "" if the header matches no entry of its table."""

    browser: str
    system: str


def device(user_agent: str) -> Device:
    """Return the names of browser and operating system. `user_agent` is the value of the header User-Agent."""
    return Device(_first(BROWSERS, user_agent), _first(SYSTEMS, user_agent))


def _first(table: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for part, name in table if part in user_agent), "")
