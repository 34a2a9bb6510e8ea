"""Imports users from a dump of Django's `auth.User`, with their password hashes, so that they can log in afterwards.

- The `sub` follows from the issuer's URL, the source and the user's primary key there. A second run, or a rehearsal on
  a copy, gives each user the same `sub`. A dump of Keyturn's own users has the `sub`, which stays.
- A user who was imported before stays as the database has them, with their new password.
- A username that another user has, in any spelling, is refused: both could not log in.
- Rights of administration are not taken, unless the operator wants them.
- All users are imported, or none: the import is one transaction.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from django.contrib.auth.hashers import identify_hasher, is_password_usable
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Upper
from django.db.models.lookups import In
from django.utils.dateparse import parse_datetime

from tokens import conf, email_proof, login
from tokens.audit import trail
from tokens.email_proof import CannotVerify
from tokens.models import User

BATCH = 500
"""Users for each statement."""
TEXTS = ("username", "password", "email", "first_name", "last_name")


@dataclass(frozen=True, slots=True, kw_only=True)
class UserImport:
    """What the operator wants of an import."""

    model: str = "auth.user"
    """The model of the users in the dump, in small letters."""
    source: str = "auth.user"
    """A name for the project that the users come from. Users of two projects can have the same primary key."""
    with_staff: bool = False
    """Keep is_staff and is_superuser."""
    with_groups: bool = False
    """Keep the names of groups. Rows of auth.Group stand in the dump before those of users."""
    verified_emails: bool = False
    """The source verified its users' e-mail addresses."""
    dry_run: bool = False
    actor: str
    now: datetime


@dataclass(slots=True, kw_only=True)
class ImportedUsers:
    """What an import did, or would do if it was a dry run."""

    created: int = 0
    unchanged: int = 0
    """Users who were imported before."""
    refused: list[dict[str, str]] = field(default_factory=list)
    """Users who were not taken, each with the reason."""
    same_email: list[str] = field(default_factory=list)
    """Users who were taken with an e-mail address that another user has. They log in by username only."""
    hashers: dict[str, int] = field(default_factory=dict)
    """The number of users for each password hasher."""
    unknown_hashers: dict[str, int] = field(default_factory=dict)
    """The number of users for each hasher that this issuer does not have. They cannot log in by password."""
    administrators: list[str] = field(default_factory=list)
    """Users who had rights of administration in the source."""
    subs: dict[str, str] = field(default_factory=dict)
    """The `sub` of each user who was taken or unchanged, by primary key in the source."""


class _UsersDryRun(Exception):
    """Rolls the transaction of a dry run back."""


def load(rows: Iterable[Mapping[str, Any]], wanted: UserImport) -> Iterator[ImportedUsers]:
    """Import the users of a dump. Yields the result so far after each batch, and at the end.

    Raises MalformedDump. Nothing was imported then.
    """
    result, groups = ImportedUsers(), dict[Any, str]()
    users = _users(rows, wanted, groups)
    try:
        with transaction.atomic():
            while batch := list(islice(users, BATCH)):
                _take(batch, groups, wanted, result)
                yield result
            result.unknown_hashers = {name: count for name, count in result.hashers.items() if not _is_known(name)}
            if result.created:
                details = {"created": result.created, "source": wanted.source}
                trail.record("users.imported", actor=wanted.actor, subject="users", details=details, now=wanted.now)
            _finish(wanted)
    except _UsersDryRun:
        pass
    yield result


def _finish(wanted: UserImport) -> None:
    if wanted.dry_run:
        raise _UsersDryRun


def _users(
    rows: Iterable[Mapping[str, Any]], wanted: UserImport, groups: dict[Any, str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield primary key and fields of each user, and fill `groups` with the names of groups by primary key."""
    for row in rows:
        if row["model"].lower() == wanted.model:
            yield str(row.get("pk") or row["fields"].get("username")), row["fields"]
        elif row["model"] == "auth.group":
            groups[row.get("pk")] = str(row["fields"].get("name"))


def _take(
    batch: list[tuple[str, Mapping[str, Any]]], groups: Mapping[Any, str], wanted: UserImport, result: ImportedUsers
) -> None:
    """Create the users of a batch who are new."""
    subs = {pk: _sub(pk, fields, wanted) for pk, fields in batch}
    present = set(User.objects.filter(sub__in=subs.values()).values_list("sub", flat=True))
    names = _present("username", [str(fields.get("username")) for _, fields in batch])
    mails = _present("email", [str(fields.get("email") or "") for _, fields in batch])
    new: dict[str, tuple[User, Mapping[str, Any]]] = {}
    for pk, fields in batch:
        if subs[pk] in present:
            result.unchanged += 1
            result.subs[pk] = str(subs[pk])
            continue
        user = _user(fields, subs[pk], wanted)
        if reason := _problem(user, fields, names):
            result.refused.append({"user": str(fields.get("username"))[:150], "why": reason})
            continue
        names.add(login.folded(user.username))
        if user.email and login.folded(user.email) in mails:
            result.same_email.append(user.username)
        mails.add(login.folded(user.email))
        hasher = _hasher(user.password)
        result.hashers[hasher] = result.hashers.get(hasher, 0) + 1
        if fields.get("is_staff") or fields.get("is_superuser"):
            result.administrators.append(user.username)
        present.add(subs[pk])
        new[pk] = (user, fields)
    User.objects.bulk_create([user for user, _ in new.values()])
    result.created += len(new)
    result.subs |= {pk: str(user.sub) for pk, (user, _) in new.items()}
    _add_to_groups(list(new.values()), groups, wanted)
    _verify([user for user, _ in new.values()], wanted, result)


def _user(fields: Mapping[str, Any], sub: uuid.UUID, wanted: UserImport) -> User:
    """Return the unsaved user."""
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


def _sub(pk: str, fields: Mapping[str, Any], wanted: UserImport) -> uuid.UUID:
    """Return the user's `sub`: that of the dump, or else the UUID (version 5) of issuer, source and primary key."""
    try:
        return uuid.UUID(str(fields["sub"]))
    except (KeyError, ValueError):
        return derived_sub(wanted.source, pk)


def derived_sub(source: str, pk: str) -> uuid.UUID:
    """Return the `sub` of a user who is imported from `source` without one."""
    return uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_URL, conf.issuer().url), f"{source}:{pk}")


def _problem(user: User, fields: Mapping[str, Any], names: set[str]) -> str | None:
    """Return why the user cannot be taken, or None."""
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


def _present(column: str, texts: list[str]) -> set[str]:
    """Return the folded values of the column that equal one of `texts` in any spelling."""
    spellings = {spelling for text in texts for spelling in (text, login.normalized(text))}
    same = In(Upper(column), [Upper(Value(spelling)) for spelling in spellings])
    return {login.folded(value) for value in User.objects.filter(same).values_list(column, flat=True)} - {""}


def _hasher(password: str) -> str:
    """Return the name of the password's hasher, or `(no password)`."""
    if not password or not is_password_usable(password):
        return "(no password)"
    return password.partition("$")[0] if "$" in password else "(none)"


def _is_known(name: str) -> bool:
    if name == "(no password)":
        return True
    try:
        identify_hasher(f"{name}$")
    except ValueError:
        return False
    return True


def _add_to_groups(new: list[tuple[User, Mapping[str, Any]]], groups: Mapping[Any, str], wanted: UserImport) -> None:
    if not wanted.with_groups:
        return
    for user, fields in new:
        # A natural key is a list with the name.
        keys = fields.get("groups") or ()
        names = [key[0] if isinstance(key, list) else groups.get(key) for key in keys]
        user.groups.set([Group.objects.get_or_create(name=name)[0] for name in names if name])


def _verify(new: list[User], wanted: UserImport, result: ImportedUsers) -> None:
    """Mark the e-mail addresses as verified, except those that another user has verified."""
    for user in new if wanted.verified_emails else ():
        try:
            if user.email:
                email_proof.verify(user, user.email)
        except CannotVerify:
            if user.username not in result.same_email:
                result.same_email.append(user.username)


def _instant(value: Any) -> datetime | None:
    """Return a date and time of the dump, in UTC if it has no offset. Returns None if it is malformed."""
    try:
        found = parse_datetime(str(value or ""))
    except ValueError:
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)
