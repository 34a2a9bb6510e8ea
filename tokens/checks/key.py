"""Checks of what keys live by; served in spite of them, because public keys must stay published (tag `keys`)."""

import os
from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Info, Tags, Warning, register  # noqa: A004 (Django's name)
from django.db import DatabaseError
from django.utils import timezone

from tokens import conf
from tokens.checks import key_health
from tokens.encryption import EncryptionKey, MalformedEncryptionKey
from tokens.keys.rules import policy


@register("keys")
def check_key_settings(**_: Any) -> list[CheckMessage]:
    """Return errors tokens.E301 and E302 and warning tokens.W304 for settings that signing cannot work with."""
    settings = conf.issuer()
    found: list[CheckMessage] = [
        Error(f"The key policy cannot be kept: {broken}.", hint="Set KEY_TIMINGS or KEY_POLICY.", id="tokens.E302")
        for broken in policy.problems(settings.key_policy)
    ]
    if settings.access_token_lifetime > settings.key_policy.token_lifetime:
        found.append(_lifetime(settings))
    try:
        settings.encryption_keys()
    except MalformedEncryptionKey as error:
        hint = "Each entry is 32 random bytes or more in base64url; the values that sealed the keys must be among them."
        found.append(Error(f"Nothing can be signed: {error}.", hint=hint, id="tokens.E301"))
    return found


@register("keys", deploy=True)
def check_journal(**_: Any) -> list[CheckMessage]:
    """Return warning tokens.W308 without an audit journal, and error tokens.E309 for one that cannot be written."""
    path = conf.issuer().audit_journal
    if path is None:
        told = "AUDIT_JOURNAL is not set: a restored backup would bring revoked keys and secrets back unnoticed."
        hint = "Name a file that outlives the database and its backups (docs/restore.md)."
        return [Warning(told, hint=hint, id="tokens.W308")]
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        hint = "Let the issuer append to the file, or name another one."
        return [Error(f"AUDIT_JOURNAL {path} cannot be written.", hint=hint, id="tokens.E309")]
    return []


# Django's own tag: the check runs only if databases are named. Without the tag, from Django 6.1 on it would run at
# each command, and an error in a ring would stop the command that repairs it.
@register("keys", Tags.database)
def check_keys(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Return error tokens.E303, warnings tokens.W305 and W307, and tokens.I306 for a planned change."""
    if not databases:
        return []
    try:
        keys = conf.issuer().encryption_keys()
    except MalformedEncryptionKey:
        return []  # tokens.E301 says so
    return _rings(keys)


def _lifetime(settings: conf.IssuerSettings) -> CheckMessage:
    asked, cap = settings.access_token_lifetime, settings.key_policy.token_lifetime
    hint = "Lower ISSUER['ACCESS_TOKEN_LIFETIME'], or raise token_lifetime in KEY_TIMINGS."
    return Warning(f"Access tokens of {asked} are cut to token_lifetime, {cap}.", hint=hint, id="tokens.W304")


def _rings(keys: Sequence[EncryptionKey]) -> list[CheckMessage]:
    try:
        found = key_health.check(policy=conf.issuer().key_policy, encryption_keys=keys, now=timezone.now())
    except DatabaseError:
        return []  # not migrated, or not there: other checks and /readyz say so
    return [_message(one) for one in found if one.code != "policy"]


def _message(one: key_health.Problem) -> CheckMessage:
    told, hint = f"{one.message}.", "manage.py keys --check says the same later."
    if one.code == "went_back":  # a warning only: an error would stop `migrate`, which a backup needs first
        return Warning(told, hint=hint, id="tokens.W307")
    if one.closed:
        return Error(told, hint=hint, id="tokens.E303")
    return Info(told, hint=hint, id="tokens.I306") if one.waits else Warning(told, hint=hint, id="tokens.W305")
