"""The values of claims about a user, from the user's fields or from CLAIMS_SOURCE.

- If CLAIMS_SOURCE has an entry for a claim, the entry gives the claim's value. The claims in BUILT_IN need no entry.
- `updated_at` is the instant of the last change of the user's own fields. If CLAIMS_SOURCE has an entry for
  `updated_at`, the later of this instant and the entry's instant is used.
- An entry is a field ("locale"), a field of a related row ("profile.website"), or a function ("accounts.claims:photo").
- `email` and `email_verified` always come from the user's own fields, because clients recognize users by a verified
  address.
- A claim without a value is left out (OpenID Connect Core section 5.3.2).
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.utils.module_loading import import_string

from tokens import conf
from tokens.claims import names
from tokens.claims.claims_error import ClaimsFailed, described
from tokens.email_proof import is_verified
from tokens.models import User


def _name(user: User) -> str:
    """Return a user's first and last name.

    If both are empty, returns the username if NAME_FROM_USERNAME is True, else "".
    """
    # Common clients (Dex) refuse a user without `name`. The username is in `preferred_username` anyway.
    return user.get_full_name() or (user.get_username() if conf.issuer().name_from_username else "")


BUILT_IN: Mapping[str, Callable[[User], Any]] = {
    "name": _name,
    "given_name": lambda user: user.first_name,
    "family_name": lambda user: user.last_name,
    "preferred_username": lambda user: user.get_username(),
    "updated_at": lambda user: user.profile_changed_at or user.date_joined,
    "email": lambda user: user.email,
    # Without an address, `email_verified` would be a statement about nothing.
    "email_verified": lambda user: is_verified(user) if user.email else None,
}
LONGEST = 2048
"""The greatest number of characters of a text. A longer text would make tokens that APIs and clients refuse."""
FIXED = frozenset({"email", "email_verified", "groups"})
"""Claims that CLAIMS_SOURCE may not name."""


def supported() -> tuple[str, ...]:
    """Return the names of the claims about users that this deployment can supply.

    The claims are in the order of the scopes that grant them (`names.SCOPES`).
    """
    settings = conf.issuer()
    available = {*BUILT_IN, *settings.claims_source, *(["groups"] if settings.groups_claim else [])}
    return tuple(name for name in names.of_scopes(names.SCOPES) if name in available)


def values(user: User, claims: Iterable[str]) -> dict[str, Any]:
    """Return the user's value of each of these claims. Leaves out the claims for which the user has no value.

    Raises ClaimsFailed if a value cannot be computed.
    """
    read = {name: _value(user, name) for name in dict.fromkeys(claims)}
    return {name: value for name, value in read.items() if value is not None and value != ""}


def problem(claim: str, entry: str) -> str | None:
    """Return the problem of an entry of CLAIMS_SOURCE, or None if there is none.

    If the entry names a function, imports the function.
    """
    if claim not in names.of_scopes(names.SCOPES):
        return "is no claim of OpenID Connect. Add other claims by the hook (CLAIMS)."
    if claim in FIXED:
        return "cannot come from CLAIMS_SOURCE."
    if ":" not in entry:
        return None if hasattr(User, entry.partition(".")[0]) else f"names {entry}, which users do not have."
    try:
        return None if callable(_function(entry)) else f"names {entry}, which is no function."
    except ImportError as error:
        return f"names {entry}, which cannot be imported: {error}"


def _value(user: User, name: str) -> Any:
    """Return the value of one claim as JSON, or None if the user has none. Raises ClaimsFailed if reading it fails."""
    entry = None if name in FIXED else conf.issuer().claims_source.get(name)
    try:
        own = BUILT_IN[name](user) if name in BUILT_IN and (entry is None or name == "updated_at") else None
        configured = _read(user, entry) if entry is not None else None
        if isinstance(own, datetime) and isinstance(configured, datetime):
            return _json(max(own, configured))  # a row of the profile changed, or the user's own
        return _json(own if configured is None else configured)
    except Exception as error:
        raise ClaimsFailed(f"the claim {name} failed with {described(error)}") from error


def _read(user: User, entry: str) -> Any:
    """Return the user's value of an entry of CLAIMS_SOURCE, such as `profile.website`.

    Returns None if a related row is missing.
    """
    if ":" in entry:
        return _function(entry)(user)
    value: Any = user
    try:
        for field in entry.split("."):
            value = None if value is None else getattr(value, field)
    except ObjectDoesNotExist:
        return None
    return value


def _function(entry: str) -> Any:
    return import_string(entry.replace(":", "."))


def _json(value: Any) -> Any:
    """Convert a value to the type that OpenID Connect defines for claims: seconds for an instant, text for a date."""
    if isinstance(value, datetime):
        return int(value.timestamp())
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): _text(part) for name, part in value.items() if part}
    return value if value is None or isinstance(value, bool | int) else _text(value)


def _text(value: Any) -> str:
    """Return a value as text. Raises ValueError if the text is too long."""
    text = str(value)
    if len(text) > LONGEST:
        raise ValueError(f"the text is longer than {LONGEST} characters")
    return text
