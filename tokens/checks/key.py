"""Check the settings of signing keys, the audit journal and the key rings (tag `keys`).

The issuer starts even if this check finds errors, because public keys must stay published.
"""

import os
from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Info, Tags, Warning, register  # noqa: A004 (Django's name)
from django.db import DatabaseError
from django.utils import timezone

from tokens import conf
from tokens.checks import key_health
from tokens.encryption import EncryptionKey, MalformedEncryptionKey
from tokens.keys.rules import inequalities
from tokens.settings.issuer import IssuerSettings


@register("keys")
def check_key_settings(**_: Any) -> list[CheckMessage]:
    """Return a message for each problem of the settings of signing keys.

    - Error tokens.E301: KEY_ENCRYPTION_KEYS is malformed.
    - Error tokens.E302: the timings contradict each other.
    - Warning tokens.W304: ACCESS_TOKEN_LIFETIME is longer than the timing `token_lifetime`.
    """
    settings = conf.issuer()
    messages: list[CheckMessage] = [
        Error(f"The key policy is invalid: {problem}.", hint="Change KEY_TIMINGS or KEY_POLICY.", id="tokens.E302")
        for problem in inequalities.problems(settings.key_policy)
    ]
    if settings.access_token_lifetime > settings.key_policy.token_lifetime:
        messages.append(_lifetime(settings))
    try:
        settings.encryption_keys()
    except MalformedEncryptionKey as error:
        hint = "Each entry must be at least 32 random bytes in base64url. Keep the values that encrypted stored keys."
        messages.append(Error(f"The issuer cannot sign: {error}.", hint=hint, id="tokens.E301"))
    return messages


@register("keys", deploy=True)
def check_journal(**_: Any) -> list[CheckMessage]:
    """Return warning tokens.W308 if AUDIT_JOURNAL is not set, or error tokens.E309 if the file cannot be written."""
    path = conf.issuer().audit_journal
    if path is None:
        message = "AUDIT_JOURNAL is not set: after a backup is restored, revoked keys and secrets can be valid again."
        hint = "Set it to a file that is independent of the database and its backups (docs/restore.md)."
        return [Warning(message, hint=hint, id="tokens.W308")]
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        hint = "Allow the issuer to append to the file, or set another file."
        return [Error(f"AUDIT_JOURNAL {path} cannot be written.", hint=hint, id="tokens.E309")]
    return []


# Django's own tag: the check runs only if databases are named. Without the tag, from Django 6.1 on it would run at
# each command, and an error in a ring would stop the command that repairs it.
@register("keys", Tags.database)
def check_keys(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Return a message for each problem of the key rings, their keys, and the hashes of client secrets.

    - Error tokens.E303: a row does not decrypt or verify.
    - Info tokens.I306: a change is under way.
    - Warning tokens.W307: the database was restored from a backup.
    - Warning tokens.W305: any other problem.

    Returns [] if `databases` is empty, or if KEY_ENCRYPTION_KEYS is malformed (E301).
    """
    if not databases:
        return []
    try:
        keys = conf.issuer().encryption_keys()
    except MalformedEncryptionKey:
        return []  # reported as tokens.E301
    return _rings(keys)


def _lifetime(settings: IssuerSettings) -> CheckMessage:
    lifetime, limit = settings.access_token_lifetime, settings.key_policy.token_lifetime
    hint = "Lower ISSUER['ACCESS_TOKEN_LIFETIME'], or raise token_lifetime in KEY_TIMINGS."
    message = f"The lifetime of access tokens is {limit} (token_lifetime), not {lifetime}."
    return Warning(message, hint=hint, id="tokens.W304")


def _rings(keys: Sequence[EncryptionKey]) -> list[CheckMessage]:
    try:
        problems = key_health.check(policy=conf.issuer().key_policy, encryption_keys=keys, now=timezone.now())
    except DatabaseError:
        return []  # other checks and /readyz report a missing migration or database
    # check_key_settings reports problems of the policy.
    return [_message(problem) for problem in problems if problem.code != "policy"]


def _message(problem: key_health.Problem) -> CheckMessage:
    message, hint = f"{problem.message}.", "To check again, run manage.py keys --check."
    if problem.code == "went_back":  # a warning only: an error would stop `migrate`, which a restored backup needs
        return Warning(message, hint=hint, id="tokens.W307")
    if problem.closed:
        return Error(message, hint=hint, id="tokens.E303")
    return (
        Info(message, hint=hint, id="tokens.I306") if problem.waits else Warning(message, hint=hint, id="tokens.W305")
    )
