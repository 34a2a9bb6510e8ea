"""Makes an unsaved user from one row of a dump, computes the `sub`, and finds reasons not to import the user."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.hashers import identify_hasher, is_password_usable
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime

from tokens import conf, login
from tokens.models import User

TEXTS = ("username", "password", "email", "first_name", "last_name")


@dataclass(frozen=True, slots=True, kw_only=True)
class UserImport:
    """The options of an import of users."""

    model: str = "auth.user"
    """The model of the users in the dump, in lower case."""
    source: str = "auth.user"
    """A name for the project that the users come from. Users of two projects can have the same primary key."""
    with_staff: bool = False
    """True to keep is_staff and is_superuser."""
    with_groups: bool = False
    """True to keep the groups, by name. The dump must have the rows of auth.Group before the rows of users."""
    trust_emails: bool = False
    """True if the source verified its users' e-mail addresses."""
    dry_run: bool = False
    actor: str
    now: datetime


def unsaved(fields: Mapping[str, Any], sub: uuid.UUID, wanted: UserImport) -> User:
    """Return an unsaved user with the subject identifier `sub`, and with the `fields` of the dump.

    Keeps is_staff and is_superuser only if `wanted.with_staff` is set.
    """
    texts = {name: str(fields.get(name) or "") for name in TEXTS}
    staff = {name: bool(fields.get(name)) and wanted.with_staff for name in ("is_staff", "is_superuser")}
    return User(
        **texts,
        **staff,
        sub=sub,
        is_active=bool(fields.get("is_active", True)),
        date_joined=_instant(fields.get("date_joined")) or wanted.now,
        last_login=_instant(fields.get("last_login")),
    )


def sub_of(pk: str, fields: Mapping[str, Any], wanted: UserImport) -> uuid.UUID:
    """Return the user's `sub` from the dump. If it is missing or malformed there, compute one by `derived_sub`.

    `pk` is the user's primary key in the dump, and `fields` are the user's fields in the dump.
    """
    try:
        return uuid.UUID(str(fields["sub"]))
    except (KeyError, ValueError):
        return derived_sub(wanted.source, pk)


def derived_sub(source: str, pk: str) -> uuid.UUID:
    """Return the `sub` for a user without one: a UUID (version 5) of the issuer's URL, `source` and `pk`.

    `source` names the project that the user comes from. `pk` is the user's primary key in that project.
    """
    return uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_URL, conf.issuer().url), f"{source}:{pk}")


def problem(user: User, fields: Mapping[str, Any], names: set[str]) -> str | None:
    """Return why the user cannot be imported, or None. `names` are the usernames in use, casefolded."""
    if not isinstance(fields.get("username"), str) or not user.username:
        return "has no username"
    if any("\0" in getattr(user, name) for name in TEXTS):
        return "has a NUL character"
    if login.folded(user.username) in names:
        return "another user has this username, in this or another spelling: rename one of them"
    try:
        user.clean_fields(exclude=["email", "password", "sub", "first_name", "last_name"])
    except ValidationError as error:
        return " ".join(error.messages)
    longest = {name: getattr(User._meta.get_field(name), "max_length", 0) for name in TEXTS}
    too_long = [name for name in TEXTS if len(getattr(user, name)) > longest[name]]
    return f"has a longer {', '.join(too_long)} than this issuer stores" if too_long else None


def hasher_of(password: str) -> str:
    """Return the name of the hasher that made the password's hash.

    Returns `(no password)` if the user has no usable password, and `(none)` for a text that is not a hash.
    """
    if not password or not is_password_usable(password):
        return "(no password)"
    return password.partition("$")[0] if "$" in password else "(none)"


def is_known_hasher(name: str) -> bool:
    """Return True if PASSWORD_HASHERS has the hasher `name`, so that Django can verify hashes of this hasher.

    Also returns True for `(no password)`, the result of `hasher_of` for a user without a usable password.
    """
    if name == "(no password)":
        return True
    try:
        identify_hasher(f"{name}$")
    except ValueError:
        return False
    return True


def _instant(value: Any) -> datetime | None:
    """Parse a date and time of the dump, as UTC if the text has no offset. Return None if the text is malformed."""
    try:
        instant = parse_datetime(str(value or ""))
    except ValueError:
        return None
    return instant if instant is None or instant.tzinfo else instant.replace(tzinfo=UTC)
