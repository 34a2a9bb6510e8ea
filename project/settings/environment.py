"""The only module that reads the environment. .env.example describes every variable.

NAME_FILE names a file with the value of NAME, such as a mounted secret (variable_file.py). A function raises
ImproperlyConfigured if the variable is malformed, or if it is missing and has no default. The message names the
variable and the remedy.
"""

import ipaddress
import os
import re
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from project.settings import service_url, variable_file

_secrets: set[str] = set()  # names of the variables that were read as secrets; lives as long as the process

DEFAULT_PORTS = {"http": 80, "https": 443}
POLICIES = ("production", "development")
MAIL_WAIT = 10  # seconds for each answer of a mail server
SHORTEST_TOKEN = 32  # characters
MOST_DIGITS = 5  # of a whole number
HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


def text(name: str, default: str | None = None) -> str:
    """Return the value of the environment variable `name`.

    If the variable is missing or empty, return `default`, or raise ImproperlyConfigured if there is no default.
    """
    value = variable_file.value(name, os.environ) or default
    if value is None:
        raise ImproperlyConfigured(
            f"{name} is not set. Set it in the environment, or name a file in {name}_FILE; .env.example describes it."
        )
    return value


def secret(name: str, default: str | None = None) -> str:
    """Return the environment variable `name`, which contains a secret.

    If the variable is missing or empty, return `default`, or raise ImproperlyConfigured if there is no default. Also
    record the name, so that `forget_secrets` removes the variable from the environment.
    """
    _secrets.add(name)
    return text(name, default)


def secret_words(name: str, default: str | None = None) -> list[str]:
    """Return the comma-separated secrets in the environment variable `name`, without surrounding blanks.

    If the variable is missing or empty, `default` is read in its place, or ImproperlyConfigured is raised if there is
    no default.

    Also records the name, so that `forget_secrets` removes the variable from the environment.
    """
    _secrets.add(name)
    return words(name, default)


def token(name: str) -> str:
    """Return the environment variable `name`, a bearer token, or "" if it is missing or empty.

    Raises ImproperlyConfigured if the token is malformed or too short.
    """
    value = secret(name, "")
    if value and (len(value) < SHORTEST_TOKEN or not value.isascii() or not value.isprintable() or " " in value):
        raise ImproperlyConfigured(
            f"{name} must be at least {SHORTEST_TOKEN} ASCII characters without blanks: "
            'python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
        )
    return value


def preload(*, include_subdomains: bool) -> bool:
    """Return the environment variable HSTS_PRELOAD as a boolean.

    Raises ImproperlyConfigured if HSTS_PRELOAD is on and `include_subdomains` is False.
    """
    preloads = flag("HSTS_PRELOAD", default=False)
    if preloads and not include_subdomains:
        raise ImproperlyConfigured("HSTS_PRELOAD=true needs HSTS_INCLUDE_SUBDOMAINS=true.")
    return preloads


def forget_secrets(*more: str) -> None:
    """Remove every secret that the settings have read, and the variables `more`, from this process's environment."""
    for name in {*_secrets, *more}:
        os.environ.pop(name, None)


def words(name: str, default: str | None = None) -> list[str]:
    """Return the comma-separated values of the environment variable `name`, without surrounding blanks.

    If the variable is missing or empty, `default` is read in its place, or ImproperlyConfigured is raised if there is
    no default.
    """
    return [word for word in (part.strip() for part in text(name, default).split(",")) if word]


def flag(name: str, *, default: bool) -> bool:
    """Return the environment variable `name` as a boolean.

    Accepts true, false, 1, 0, yes, no, on and off.
    """
    value = text(name, "true" if default else "false").lower()
    if value not in {"true", "false", "1", "0", "yes", "no", "on", "off"}:
        raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}.")
    return value in {"true", "1", "yes", "on"}


def host(name: str) -> str:
    """Return the environment variable `name`, converted to lower case, or "" if it is not set.

    Raises ImproperlyConfigured if the value is not a host name, for example if it has a scheme or a port.
    """
    value = text(name, "").lower()
    if value and not HOST.fullmatch(value):
        raise ImproperlyConfigured(f"{name} must be a host name such as admin.example, not {value!r}.")
    return value


def url(name: str, default: str | None = None) -> str:
    """Return the environment variable `name`, an absolute http or https URL without query and fragment.

    The URL is not normalized. If the variable is missing or empty, `default` is read in its place, or
    ImproperlyConfigured is raised if there is no default.
    """
    return absolute_url(name, text(name, default))


def urls(name: str, default: str | None = None) -> list[str]:
    """Return the comma-separated absolute URLs in the environment variable `name`.

    If the variable is missing or empty, `default` is read in its place, or ImproperlyConfigured is raised if there is
    no default.
    """
    return [absolute_url(name, value) for value in words(name, default)]


def absolute_url(name: str, value: str) -> str:
    """Return `value` if it is an absolute http or https URL without query and fragment.

    Otherwise raises ImproperlyConfigured, which names the environment variable `name`.
    """
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or "?" in value or "#" in value:
        raise ImproperlyConfigured(f"{name} must be an absolute URL such as https://issuer.example, not {value!r}.")
    return value


def issuer_url(name: str, default: str | None = None) -> str:
    """Return the environment variable `name`, the identifier of an issuer (RFC 8414 section 2), unchanged.

    The identifier must be a URL in normal form (RFC 3986 section 6.2), for example with the host in lower case, because
    clients compare it character by character. Raises ImproperlyConfigured if it is not. The message names the rule that
    the URL breaks.

    If the variable is missing or empty, `default` is read in its place, or ImproperlyConfigured is raised if there is
    no default.
    """
    value = url(name, default)
    parts = urlsplit(value)
    problems = {
        "printable ASCII without blanks": value.isascii() and value.isprintable() and " " not in value,
        "without a user name": "@" not in parts.netloc,
        "with scheme and host in lower case": value.startswith(f"{parts.scheme}://{parts.netloc.lower()}"),
        "without the default port of its scheme": parts.port != DEFAULT_PORTS[parts.scheme]
        and not parts.netloc.endswith(":"),
        "without empty or dot segments in its path": parts.path in {"", "/"}
        or {"", ".", ".."}.isdisjoint(parts.path.removeprefix("/").removesuffix("/").split("/")),
        "without percent-encoded characters": "%" not in value,
    }
    if wrong := next((rule for rule, holds in problems.items() if not holds), None):
        raise ImproperlyConfigured(f"{name} must be {wrong}, such as https://issuer.example, not {value!r}.")
    return value


def database(name: str, default: str | None = None) -> dict[str, object]:
    """Return the entry of DATABASES for the database URL in the environment variable `name`.

    The URL is postgres://user:password@host:port/name or sqlite:///path. If the variable is missing or empty, `default`
    is the URL, or ImproperlyConfigured is raised if there is no default.
    """
    return service_url.database(name, secret(name, default))


def cache(*names: str, apart: str = "") -> dict[str, object]:
    """Return the entry of CACHES for the first of the environment variables `names` that is set.

    The variable has the URL of a Redis database, such as redis://host:6379/0. If no variable is set, the entry is for
    an in-process cache with the LOCATION `apart`. Two in-process caches share their entries only if they have the same
    LOCATION.
    """
    name = next((name for name in names if variable_file.value(name, os.environ)), names[0])
    return service_url.cache(name, secret(name, "locmem://"), apart=apart)


def mail(name: str, default: str) -> dict[str, object]:
    """Return Django's e-mail settings for the URL in the environment variable `name`.

    The URL is like smtp+tls://user:password@host:587. If the variable is missing or empty, `default` is the URL.
    Returns {} if `default` is empty, too.

    Raises ImproperlyConfigured if the URL is malformed. The message does not repeat the URL, which contains a password.
    """
    value = secret(name, default)
    if not value:
        return {}
    try:
        config: dict[str, object] = dict(environ.Env.email_url_config(value))
    except (ValueError, KeyError, ImproperlyConfigured):
        config = {}
    if not config.get("EMAIL_BACKEND"):
        raise ImproperlyConfigured(f"{name} must be like smtp+tls://user:password@host:587, or consolemail://.")
    return config | {"EMAIL_TIMEOUT": MAIL_WAIT}


def policy(name: str = "KEY_POLICY") -> str:
    """Return the environment variable `name`, which names a set of key timings.

    The sets are `production` (the default) and `development`. The timings of `development` are short, so that a
    rotation ends within a minute.
    """
    return choice(name, "production", POLICIES)


def choice(name: str, default: str, choices: Sequence[str]) -> str:
    """Return the environment variable `name`, or `default` if it is missing or empty.

    Raises ImproperlyConfigured if the value is not one of `choices`.
    """
    value = text(name, default)
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
    return value


def seconds(name: str, default: float, *, least: float = 0) -> float:
    """Return the environment variable `name` as a number of seconds, or `default` if it is missing or empty.

    Raises ImproperlyConfigured unless the number is `least` or more.
    """
    value = text(name, str(default))
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not least <= number < float("inf"):
        raise ImproperlyConfigured(f"{name} must be a number of seconds, {least or 'zero'} or more, not {value!r}.")
    return number


def days(name: str) -> timedelta | None:
    """Return the environment variable `name` as a number of days, at most 99999, or None if it is missing or empty."""
    value = text(name, "")
    if value and not (value.isdecimal() and len(value) <= MOST_DIGITS):
        raise ImproperlyConfigured(f"{name} must be a whole number of days from 0 to 99999, or empty, not {value!r}.")
    return timedelta(days=int(value)) if value else None


def port(name: str) -> int:
    """Return the environment variable `name` as the number of a port, or 0 if it is missing or empty."""
    value = text(name, "")
    if value and not (value.isdecimal() and len(value) <= MOST_DIGITS and 0 < int(value) < 65_536):
        raise ImproperlyConfigured(f"{name} must be the number of a port, or empty, not {value!r}.")
    return int(value or 0)


def number(name: str) -> int:
    """Return the environment variable `name` as a whole number, or 0 if it is missing or empty.

    Raises ImproperlyConfigured if it is not a whole number from 0 to 99999.
    """
    value = text(name, "").strip()
    if value and not (value.isascii() and value.isdecimal() and len(value) <= MOST_DIGITS):
        raise ImproperlyConfigured(f"{name} must be a whole number from 0 to 99999.")
    return int(value or 0)


def networks(name: str, default: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Return the comma-separated networks in the environment variable `name`, such as 10.1.0.0/16.

    A single address is a network of one address. If the variable is missing or empty, the networks in `default` are
    returned.
    """
    try:
        return [ipaddress.ip_network(word) for word in words(name, default)]
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be networks such as 10.1.0.0/16,::1/128.") from None


def timings(name: str = "KEY_TIMINGS") -> dict[str, float]:
    """Return the key timings in the environment variable `name`, whose form is `name=seconds,name=seconds`."""
    pairs = [entry.partition("=") for entry in words(name, "")]
    try:
        return {key.strip(): float(seconds) for key, _, seconds in pairs}
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be like rotate_every=2592000,token_lifetime=900 (seconds).") from None


def pairs(name: str) -> dict[str, str]:
    """Return the names and values in the environment variable `name`, whose form is `name=value,name=value`."""
    entries = [entry.partition("=") for entry in words(name, "")]
    if not all(key.strip() and value.strip() for key, _, value in entries):
        raise ImproperlyConfigured(f"{name} must be like locale=profile.language,picture=profile.photo.")
    return {key.strip(): value.strip() for key, _, value in entries}


def rates(name: str = "RATE_LIMITS") -> dict[str, tuple[int, int]]:
    """Return the rate limits in the environment variable `name`, as (number, seconds) by the name of the limit.

    The form of the variable is `name=number/seconds,name=number/seconds`.
    """
    limits = {}
    for entry in words(name, ""):
        endpoint, _, rate = entry.partition("=")
        number, _, seconds = rate.partition("/")
        if not (number.strip().isdecimal() and seconds.strip().isdecimal() and int(number) and int(seconds)):
            raise ImproperlyConfigured(f"{name} must be like login=10/60,token=1200/60 (number/seconds).")
        limits[endpoint.strip()] = (int(number), int(seconds))
    return limits
