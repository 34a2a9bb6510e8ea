"""Imports users from a dump of Django's `auth.User`, with their password hashes, so that they can log in afterwards.

- The `sub` is computed from the issuer's URL, the source and the user's primary key at the source. A second run, or a
  rehearsal on a copy, gives each user the same `sub`. A dump of Keyturn's own users contains the `sub`, which is kept.
- A user who was imported before is not changed, even if the user's password in the source has changed since.
- A user is refused if another user has the same username. Usernames are compared in NFKC, ignoring case.
- is_staff and is_superuser are imported only if the operator requests it (`with_staff`).
- The import is one transaction.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Upper
from django.db.models.lookups import In

from tokens import email_proof, login
from tokens.audit import trail
from tokens.email_proof import CannotVerify
from tokens.handover import dump_user
from tokens.handover.dump_user import UserImport
from tokens.models import User

BATCH = 500
"""The number of users in each statement."""


@dataclass(slots=True, kw_only=True)
class ImportedUsers:
    """The result of an import. After a dry run, the result that the import would have."""

    created: int = 0
    unchanged: int = 0
    """Users who were imported before."""
    refused: list[dict[str, str]] = field(default_factory=list)
    """Users who were not imported, each with the reason."""
    same_email: list[str] = field(default_factory=list)
    """New users with an e-mail address that another user has. They can log in by username only."""
    hashers: dict[str, int] = field(default_factory=dict)
    """The number of users for each password hasher."""
    unknown_hashers: dict[str, int] = field(default_factory=dict)
    """The number of users for each hasher that this issuer does not have. They cannot log in by password."""
    administrators: list[str] = field(default_factory=list)
    """Users who had rights of administration in the source."""
    subs: dict[str, str] = field(default_factory=dict)
    """The `sub` of each new or unchanged user, by primary key in the source."""


class _UsersDryRun(Exception):
    """The exception that ends the transaction of a dry run, so that the transaction is rolled back."""


def load(rows: Iterable[Mapping[str, Any]], wanted: UserImport) -> Iterator[ImportedUsers]:
    """Import the users of a dump in one transaction. Yield the result so far after each batch, and at the end.

    Raises MalformedDump if a row is malformed.
    """
    result, groups = ImportedUsers(), dict[Any, str]()
    users = _users(rows, wanted, groups)
    try:
        with transaction.atomic():
            while batch := list(islice(users, BATCH)):
                _take(batch, groups, wanted, result)
                yield result
            result.unknown_hashers = {
                name: count for name, count in result.hashers.items() if not dump_user.is_known_hasher(name)
            }
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
    """Yield the primary key and the fields of each user in the dump. Users are the rows of the model `wanted.model`.

    Also adds the name of each group in the dump to `groups`, by the group's primary key.
    """
    for row in rows:
        if row["model"].lower() == wanted.model:
            yield str(row.get("pk") or row["fields"].get("username")), row["fields"]
        elif row["model"] == "auth.group":
            groups[row.get("pk")] = str(row["fields"].get("name"))


def _take(
    batch: list[tuple[str, Mapping[str, Any]]], groups: Mapping[Any, str], wanted: UserImport, result: ImportedUsers
) -> None:
    """Create the new users of a batch. Add new, unchanged and refused users to `result`.

    `batch` has the primary key and the fields of each user. `groups` has the name of each group by primary key.
    """
    subs = {pk: dump_user.sub_of(pk, fields, wanted) for pk, fields in batch}
    present = set(User.objects.filter(sub__in=subs.values()).values_list("sub", flat=True))
    names = _present("username", [str(fields.get("username")) for _, fields in batch])
    mails = _present("email", [str(fields.get("email") or "") for _, fields in batch])
    new: dict[str, tuple[User, Mapping[str, Any]]] = {}
    for pk, fields in batch:
        if subs[pk] in present:
            result.unchanged += 1
            result.subs[pk] = str(subs[pk])
            continue
        user = dump_user.unsaved(fields, subs[pk], wanted)
        if reason := dump_user.problem(user, fields, names):
            result.refused.append({"user": str(fields.get("username"))[:150], "why": reason})
            continue
        names.add(login.folded(user.username))
        if user.email and login.folded(user.email) in mails:
            result.same_email.append(user.username)
        mails.add(login.folded(user.email))
        hasher = dump_user.hasher_of(user.password)
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


def _present(column: str, texts: list[str]) -> set[str]:
    """Return the values in this column of the users' table that equal one of `texts`, ignoring upper and lower case.

    The returned values are casefolded.
    """
    spellings = {spelling for text in texts for spelling in (text, login.normalized(text))}
    same = In(Upper(column), [Upper(Value(spelling)) for spelling in spellings])
    return {login.folded(value) for value in User.objects.filter(same).values_list(column, flat=True)} - {""}


def _add_to_groups(new: list[tuple[User, Mapping[str, Any]]], groups: Mapping[Any, str], wanted: UserImport) -> None:
    if not wanted.with_groups:
        return
    for user, fields in new:
        # A natural key is a list with the name.
        keys = fields.get("groups") or ()
        names = [key[0] if isinstance(key, list) else groups.get(key) for key in keys]
        user.groups.set([Group.objects.get_or_create(name=name)[0] for name in names if name])


def _verify(new: list[User], wanted: UserImport, result: ImportedUsers) -> None:
    """Mark the e-mail addresses of the users in `new` as verified, if `wanted.trust_emails` is set.

    If an address is verified for another user, skips it and adds the new user's name to `result.same_email`.
    """
    for user in new if wanted.trust_emails else ():
        try:
            if user.email:
                email_proof.verify(user, user.email)
        except CannotVerify:
            if user.username not in result.same_email:
                result.same_email.append(user.username)
