"""Records revocations, and looks them up for a token.

A revocation covers one token, the tokens of a grant or a key, or all tokens that were issued before an instant.

- A record is written in the same transaction as the change that causes it, such as the disabling of a user. It is
  published afterwards (tokens/revoking/feed_publisher.py).
- A repeated revocation can move `issued_before` and `until` of a record later, never earlier.
- A coarse record (of a user, a client, both, or the issuer) covers every token with an `iat` before `issued_before`.
- Each process caches clients (tokens/clients/registry.py). A cached client has the instant before which the client's
  tokens are revoked. If a record of a client or of the issuer is written, the cache's version in the database changes,
  and every process reads clients again.
- A record is kept until `until`. From then on no API can accept a covered token, because at least S + 2δ has passed
  since the latest instant at which a covered token can expire. S is the leeway of the APIs, and δ the largest error of
  a clock (docs/key-rotation.md).
"""

import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from tokens import conf, plain_sql
from tokens.issued import revocation_key
from tokens.keys import adoption
from tokens.models import RegistryVersion, Revocation, SigningKey, WaitingEntry

Kind = Revocation.Kind
SECOND = timedelta(seconds=1)
BATCH = 1000
"""The greatest number of rows that one statement writes."""
LATER = {"postgresql": "GREATEST", "sqlite": "MAX"}
KEYS = {
    "postgresql": "value::uuid FROM jsonb_array_elements_text(%(keys)s::jsonb)",
    "sqlite": "value FROM json_each(%(keys)s)",
}
# `WHERE true`: without it, SQLite parses ON CONFLICT as a join condition of the SELECT.
# The last WHERE leaves out rows that would not change, so that RETURNING names only rows to publish.
UPSERT = """
INSERT INTO tokens_revocation (kind, issued_before, until, "key")
SELECT %(kind)s, %(issued_before)s, %(until)s, {keys} AS given WHERE true
ON CONFLICT ("key") DO UPDATE SET
    issued_before = {later}(tokens_revocation.issued_before, excluded.issued_before),
    until = {later}(tokens_revocation.until, excluded.until)
WHERE tokens_revocation.issued_before < excluded.issued_before OR tokens_revocation.until < excluded.until
RETURNING "key", until, issued_before"""
# The entry is that of `revocation_key.entry`, whose instants are the last four bytes of a bigint.
QUEUED = """uuid_send("key") || substring(int8send(until) FROM 5) || substring(int8send(issued_before) FROM 5)"""
UPSERT_AND_QUEUE = f"WITH changed AS ({UPSERT}) INSERT INTO tokens_waitingentry (entry) SELECT {QUEUED} FROM changed"  # noqa: S608
"""Both steps of `_upsert` in one statement, which needs no transaction around it. For PostgreSQL."""

LATEST = 'SELECT max(issued_before) FROM tokens_revocation WHERE "key" IN ({keys})'


def revoke_token(token_id: str, *, expires_at: datetime, acceptance: timedelta | None = None) -> None:
    """Revoke one token by its `jti`, for as long as an API can accept it.

    `acceptance` is the time for which an API can accept a token after its `exp`. If it is None, it is computed by
    `acceptance_after_expiry`.
    """
    acceptance = acceptance_after_expiry() if acceptance is None else acceptance
    write(Kind.TOKEN, [token_id], until=expires_at + acceptance)


def revoke_grant(grant_id: str, *, now: datetime) -> None:
    """Revoke every token of a user grant. Includes tokens that clients got for these tokens by token exchange."""
    write(Kind.GRANT, [grant_id], until=now + acceptance_after_issue())


def revoke_key(kid: str, *, revoked_at: datetime) -> None:
    """Revoke every token that a signing key signed, for as long as an API can still trust the key."""
    policy = conf.issuer().key_policy
    write(Kind.KEY, [kid], until=revoked_at + policy.keep + policy.settles)


def revoke_users(subjects: Iterable[str], *, now: datetime) -> None:
    """Revoke every token of these users (by `sub`) that was issued in the second of `now` or earlier."""
    _revoke_earlier(Kind.USER, subjects, now=now)


def revoke_client(client_id: str, *, now: datetime) -> None:
    """Revoke every token that was issued to a client in the second of `now` or earlier.

    Includes tokens that other clients got for these tokens by token exchange.
    """
    revoke_clients([client_id], now=now)


def revoke_clients(client_ids: Iterable[str], *, now: datetime) -> None:
    """Revoke every token that was issued to these clients, as `revoke_client` does, in one transaction."""
    with transaction.atomic():
        renew_registry()  # before the records: the lock order of every change of a client
        _revoke_earlier(Kind.CLIENT, client_ids, now=now)


def revoke_client_user(client_id: str, subject: str, *, now: datetime) -> None:
    """Revoke every token that was issued to one client for one user in the second of `now` or earlier.

    Includes tokens that other clients got for these tokens by token exchange.
    """
    _revoke_earlier(Kind.CLIENT_USER, [revocation_key.client_user(client_id, subject)], now=now)


def revoke_everything(*, now: datetime) -> None:
    """Revoke every access token that this issuer issued in the second of `now` or earlier."""
    with transaction.atomic():
        renew_registry()
        _revoke_earlier(Kind.ISSUER, [conf.issuer().url], now=now)


def renew_registry() -> None:
    """Give the client registry a new version, so that every process reads clients again after the caller's commit.

    The registry is the cache of clients in each process (tokens/clients/registry.py). The row that stores the version
    is locked until the commit.
    """
    # An upsert, as in the triggers (tokens/triggers/registry_version.py). The triggers replace the row, so an UPDATE
    # that waited for a trigger would change no row and lock no row.
    version = RegistryVersion(pk=1, value=str(uuid.uuid4()))
    RegistryVersion.objects.bulk_create([version], update_conflicts=True, unique_fields=["id"], update_fields=["value"])


def is_revoked(claims: Mapping[str, Any], *, kid: str) -> bool:
    """Return True if the token with this `kid` and these verified claims is revoked."""
    return of(claims, kid=kid).exists()


def of(claims: Mapping[str, Any], *, kid: str) -> "QuerySet[Revocation]":
    """Return the revocations that cover the token with this `kid` and these verified claims."""
    earlier = Q(issued_before=0) | Q(issued_before__gt=claims["iat"])
    return Revocation.objects.filter(earlier, key__in=set(revocation_key.keys(claims, kid=kid)))


def latest_instant(claims: Mapping[str, Any]) -> int:
    """Return the latest `issued_before` (Unix seconds) of the records for a token with these claims, or 0.

    A token with these claims is revoked if its `iat` is before the returned second. Ignores records that cover tokens
    with any `iat`, such as the record of a single token.
    """
    # This runs before each token for a user is issued. Through the ORM, it took as long as signing the token.
    keys = stored_keys(revocation_key.keys(claims, kid=""))
    with plain_sql.cursor() as cursor:
        cursor.execute(LATEST.format(keys=", ".join(["%s"] * len(keys))), keys)
        row = cursor.fetchone()
    return row[0] or 0


def stored_keys(keys: Iterable[uuid.UUID]) -> list[uuid.UUID | str]:
    """Return UUIDs as the database stores them: as UUIDs, or as hexadecimal text if the database has no UUID type."""
    is_native = plain_sql.backend().features.has_native_uuid_field
    return list(keys) if is_native else [key.hex for key in keys]


def client_tokens_from(client_id: str) -> int:
    """Return the latest `issued_before` (Unix seconds) of the records of the client and of the issuer, or 0.

    The client's tokens are revoked if their `iat` is before the returned second.
    """
    keys = [revocation_key.key(Kind.CLIENT, client_id), revocation_key.key(Kind.ISSUER, conf.issuer().url)]
    return max(Revocation.objects.filter(key__in=keys).values_list("issued_before", flat=True), default=0)


def acceptance_after_issue() -> timedelta:
    """Return how long an API can still accept a token after the token's `iat`.

    The result is the longest lifetime of a token plus `acceptance_after_expiry`.
    """
    return _longest_token() + acceptance_after_expiry()


def acceptance_after_expiry() -> timedelta:
    """Return how long an API can still accept a token after the token's `exp`.

    Each key ring (a set of signing keys) has a leeway and a clock_error. The result is the leeway plus twice the
    clock_error, of the ring for which this sum is largest.
    """
    policies = adoption.every_assumed() or [conf.issuer().key_policy]
    return max(policy.leeway + 2 * policy.clock_error for policy in policies)


def seconds(instant: datetime) -> int:
    """Return the Unix seconds of an instant, rounded up."""
    # Rounded down, a revocation would end before the last token that it covers.
    return -int(-instant.timestamp() // 1)


def _revoke_earlier(kind: Kind, identifiers: Iterable[str], *, now: datetime) -> None:
    """Revoke all tokens that were issued in the second of `now` or earlier, for each of `identifiers`.

    `kind` says what an identifier is: a user's `sub`, a client_id, a pair of both (`revocation_key.client_user`), or
    the URL of the issuer.
    """
    # `iat` has whole seconds, so an earlier token of the same second has the same `iat` as `now`.
    before = now.replace(microsecond=0) + SECOND
    write(kind, identifiers, until=before + acceptance_after_issue(), issued_before=before)


def write(
    kind: Kind | str, identifiers: Iterable[str], *, until: datetime, issued_before: datetime | None = None
) -> None:
    """Write a revocation record for each identifier. `kind` says what an identifier is, such as the `jti` of a token.

    A record covers tokens with an `iat` before `issued_before`, or with any `iat` if `issued_before` is None. The
    record is kept until `until`.
    """
    values = {
        "kind": str(kind),
        "until": seconds(until),
        "issued_before": seconds(issued_before) if issued_before else 0,
    }
    # Sorted, so that two transactions that write the same rows lock them in one order and do not deadlock.
    keys = sorted({revocation_key.key(kind, identifier).hex for identifier in identifiers})
    for start in range(0, len(keys), BATCH):
        _upsert(values | {"keys": json.dumps(keys[start : start + BATCH])})


def _upsert(values: Mapping[str, Any]) -> None:
    """Insert or update revocation records, and queue the changed records for publication in the feed.

    `values` are the parameters of UPSERT. A record is changed if it is new, or if its `until` or its `issued_before`
    becomes later.
    """
    vendor = plain_sql.backend().vendor
    dialect = {"keys": KEYS[vendor], "later": LATER[vendor]}
    if vendor == "postgresql":
        with plain_sql.cursor() as cursor:
            cursor.execute(UPSERT_AND_QUEUE.format(**dialect), values)
        return
    with transaction.atomic():
        with plain_sql.cursor() as cursor:
            cursor.execute(UPSERT.format(**dialect), values)
            changed = cursor.fetchall()
        # RETURNING gives only rows that changed, so a repeated revocation publishes nothing.
        entries = [revocation_key.entry(key, until=until, issued_before=before) for key, until, before in changed]
        WaitingEntry.objects.bulk_create(WaitingEntry(entry=entry) for entry in entries)


def _longest_token() -> timedelta:
    """Return the longest lifetime of a token that any signing key was ever allowed to sign.

    Returns the token_lifetime of the settings if there is no signing key.
    """
    with plain_sql.cursor() as cursor:
        cursor.execute("SELECT max(max_lifetime) FROM tokens_signingkey")
        row = cursor.fetchone()
    column = SigningKey._meta.get_field("max_lifetime").get_col("tokens_signingkey")
    (longest,) = plain_sql.converted(row, [(0, column)])
    return longest or conf.issuer().key_policy.token_lifetime
