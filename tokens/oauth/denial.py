"""What is denied: a token, a grant, everything of a user or client issued so far. APIs learn it from the feed."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import OperationalError, transaction
from django.db.models import Max, Q, QuerySet, Value
from django.db.models.functions import Greatest, Now

from tokens import audit, conf
from tokens.keys import adoption, store
from tokens.models import Denial, Ring, SigningKey
from tokens.oauth import actor

SECOND = timedelta(seconds=1)
MOST = 200
"""How many tokens and grants that one client got for one subject are denied one by one."""
TRIES = 3


def deny_token(token_id: str, *, expires_at: datetime, client_id: str = "", subject: str = "") -> None:
    """Deny one token by its `jti`, for as long as an API might take it; whose it is, is for gathering."""
    with transaction.atomic():
        holder = pair(client_id, subject)
        _deny(Denial.Kind.TOKEN, token_id, until=expires_at + afterlife(), holder=holder)
        _gather(holder)


def deny_grant(grant_id: str, *, now: datetime, client_id: str = "", subject: str = "") -> None:
    """Deny every token of a grant that was revoked, in whosever hands; who gave it to whom, is for gathering."""
    with transaction.atomic():
        holder = pair(client_id, subject)
        _deny(Denial.Kind.GRANT, grant_id, until=now + lasting(), holder=holder)
        _gather(holder)


def pair(client_id: str, subject: str) -> str:
    """What a client got for a subject, by both their names; "" where either is not known. A `sub` has no blank."""
    return f"{client_id} {subject}" if client_id and subject else ""


def _gather(holder: str) -> None:
    """Deny all that a client got for a subject so far in one row, once there are MOST rows about it.

    Every API reads the whole feed: nobody makes it so long that they cannot. The one row denies what the rows did:
    tokens of the subject that this client got, or that others got for those, whose `act` names it. It denies nothing of
    another subject's, nothing that another client got by itself, and nothing that this one is given from now on.

    A grant that was revoked within δ keeps its row: somebody may be trading a token of it at this moment.
    """
    if not holder:
        return
    settled = store.database_now() + lasting() - conf.issuer().key_policy.clock_error
    kinds = Q(kind=Denial.Kind.TOKEN) | Q(kind=Denial.Kind.GRANT, until__lt=settled)
    about = Denial.objects.filter(kinds, holder=holder, until__gt=Now())
    if about.count() < MOST:
        return
    gathered = list(about.select_for_update(skip_locked=True).values_list("pk", flat=True))  # what is held stays
    now = store.database_now()  # the clock that tokens are dated by, read after the rows: they are of before
    _deny_earlier(Denial.Kind.PAIR, holder, now=now)
    Denial.objects.filter(pk__in=gathered).delete()
    client_id, _, subject = holder.rpartition(" ")
    audit.record("pair.tokens_denied", actor="issuer", subject=f"client:{client_id}", details={"sub": subject}, now=now)


def deny_subject(subject: str, *, now: datetime) -> None:
    """Deny every token issued so far in the name of `subject`: log out everywhere, or disabled."""
    _deny_earlier(Denial.Kind.SUBJECT, subject, now=now)


def deny_client(client_id: str, *, now: datetime) -> None:
    """Deny every token issued so far to a client, and what became of it in other clients' hands."""
    _deny_earlier(Denial.Kind.CLIENT, client_id, now=now)


def end_of_client(client_id: str) -> datetime | None:
    """Return the instant before which everything that was issued to the client is revoked, or None."""
    ends = Denial.objects.filter(kind=Denial.Kind.CLIENT, identifier=client_id)
    return ends.values_list("issued_before", flat=True).first()


def is_denied(claims: Mapping[str, Any]) -> bool:
    """Whether a token with these verified claims was taken back."""
    return of(claims).exists()


def of(claims: Mapping[str, Any]) -> "QuerySet[Denial]":
    """The denials of a token with these verified claims."""
    issued = datetime.fromtimestamp(claims["iat"], UTC)
    about = Q(kind=Denial.Kind.TOKEN, identifier=claims["jti"])
    about |= Q(kind=Denial.Kind.SUBJECT, identifier=claims["sub"], issued_before__gt=issued)
    clients = {claims["client_id"], *actor.clients(claims)}
    about |= Q(kind=Denial.Kind.CLIENT, identifier__in=clients, issued_before__gt=issued)
    pairs = {pair(client, claims["sub"]) for client in clients}
    about |= Q(kind=Denial.Kind.PAIR, identifier__in=pairs, issued_before__gt=issued)
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
    kind: Denial.Kind, identifier: str, *, until: datetime, issued_before: datetime | None = None, holder: str = ""
) -> None:
    """Keep the denial, beside an earlier one of the same: each instant only ever moves later.

    An earlier one that is purged meanwhile is neither in the way nor there to be changed: then once more.
    """
    one = Denial(kind=kind, identifier=identifier, until=until, issued_before=issued_before, holder=holder)
    later: dict[str, Any] = {"until": Greatest("until", Value(until))}
    if issued_before is not None:
        later["issued_before"] = Greatest("issued_before", Value(issued_before))
    for _ in range(TRIES):
        Denial.objects.bulk_create([one], ignore_conflicts=True)
        if Denial.objects.filter(kind=kind, identifier=identifier).update(**later):
            return
    raise OperationalError(f"a denial ({kind}) was purged as often as it was written")


def _longest_token() -> timedelta:
    """The longest token that any key was ever allowed to sign."""
    longest: timedelta | None = SigningKey.objects.aggregate(longest=Max("max_lifetime"))["longest"]
    return longest or conf.issuer().key_policy.token_lifetime
