"""What is denied: a token, a grant, everything of a user or client issued so far. APIs learn it from the feed."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max, Q, QuerySet, Value
from django.db.models.functions import Greatest

from tokens import conf
from tokens.keys import adoption, store
from tokens.models import Denial, Ring, SigningKey

SECOND = timedelta(seconds=1)
MOST = 1000
"""How many tokens and grants of one client are denied one by one."""


def deny_token(token_id: str, *, expires_at: datetime, client_id: str = "") -> None:
    """Deny one token by its `jti`, for as long as an API might take it; `client_id` is whose it is."""
    _deny(Denial.Kind.TOKEN, token_id, until=expires_at + afterlife(), client_id=client_id)


def deny_grant(grant_id: str, *, now: datetime, client_id: str = "") -> None:
    """Deny every token of a grant, given to the client `client_id`."""
    _deny(Denial.Kind.GRANT, grant_id, until=now + lasting(), client_id=client_id)


def gather(client_id: str, *, now: datetime) -> bool:
    """Deny everything of a client so far in one row, where it has MOST rows of its own; whether that was done.

    Every API reads the whole feed: no client makes it so long that they cannot.
    """
    own = Denial.objects.filter(client_id=client_id, until__gt=now)
    gathered = list(own.values_list("pk", flat=True))
    if len(gathered) < MOST:
        return False
    with transaction.atomic():
        deny_client(client_id, now=store.database_now())  # the clock that its tokens are dated by
        Denial.objects.filter(pk__in=gathered).delete()
    return True


def deny_subject(subject: str, *, now: datetime) -> None:
    """Deny every token issued so far in the name of `subject`: log out everywhere, or disabled."""
    _deny_earlier(Denial.Kind.SUBJECT, subject, now=now)


def deny_client(client_id: str, *, now: datetime) -> None:
    """Deny every token issued so far to a client."""
    _deny_earlier(Denial.Kind.CLIENT, client_id, now=now)


def is_denied(claims: Mapping[str, Any]) -> bool:
    """Whether a token with these verified claims was taken back."""
    return of(claims).exists()


def of(claims: Mapping[str, Any]) -> "QuerySet[Denial]":
    """The denials of a token with these verified claims."""
    issued = datetime.fromtimestamp(claims["iat"], UTC)
    about = Q(kind=Denial.Kind.TOKEN, identifier=claims["jti"])
    about |= Q(kind=Denial.Kind.SUBJECT, identifier=claims["sub"], issued_before__gt=issued)
    about |= Q(kind=Denial.Kind.CLIENT, identifier=claims["client_id"], issued_before__gt=issued)
    if "grant_id" in claims:
        about |= Q(kind=Denial.Kind.GRANT, identifier=claims["grant_id"])
    return Denial.objects.filter(about)


def lasting() -> timedelta:
    """How long after it was issued any token may still be taken by some API."""
    return _longest_token() + afterlife()


def afterlife() -> timedelta:
    """How long after its `exp` a token may still be taken by a clock that is off: S + 2δ."""
    policies = [adoption.assumed(ring) for ring in Ring.objects.all()] or [conf.issuer().key_policy]
    return max(policy.leeway + 2 * policy.clock_error for policy in policies)


def _deny_earlier(kind: Denial.Kind, identifier: str, *, now: datetime) -> None:
    """`iat` has whole seconds: what was issued in this very second is denied too."""
    before = now.replace(microsecond=0) + SECOND
    _deny(kind, identifier, until=before + lasting(), issued_before=before)


def _deny(
    kind: Denial.Kind, identifier: str, *, until: datetime, issued_before: datetime | None = None, client_id: str = ""
) -> None:
    """Keep the denial, beside an earlier one of the same: each instant only ever moves later."""
    one = Denial(kind=kind, identifier=identifier, until=until, issued_before=issued_before, client_id=client_id)
    Denial.objects.bulk_create([one], ignore_conflicts=True)
    later: dict[str, Any] = {"until": Greatest("until", Value(until))}
    if issued_before is not None:
        later["issued_before"] = Greatest("issued_before", Value(issued_before))
    Denial.objects.filter(kind=kind, identifier=identifier).update(**later)


def _longest_token() -> timedelta:
    """The longest token that any key was ever allowed to sign."""
    longest: timedelta | None = SigningKey.objects.aggregate(longest=Max("max_lifetime"))["longest"]
    return longest or conf.issuer().key_policy.token_lifetime
