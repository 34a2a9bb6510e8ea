"""Refresh tokens in the database: made, found, rotated. Only their hashes are kept.

The tokens of one grant are a family. One that is used twice was stolen, by whoever came first or second: the family
ends. Only an answer that was lost on its way may be asked for once more (RFC 9700 section 4.14.2).

A token is `<family>.<its own part>`, both of 256 random bits. All tokens of a family begin alike: so one that was
used long ago, and of which no row is left, is still known for what it is. Nobody can make one up who never held one.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from tokens import conf
from tokens.models import Client, GrantType, RefreshToken, UserGrant
from tokens.oauth import grant_record, one_time
from tokens.oauth.audience import OFFLINE

LOST_ANSWER = timedelta(seconds=30)
"""For how long after its use the same token may come back, because its answer never arrived."""


class Reused(Exception):
    """A refresh token came back that had been used already: somebody else has it too."""


def is_granted(client: Client, scopes: Collection[str]) -> bool:
    """Whether the client gets a refresh token for these scopes: by `offline_access`, or by its policy."""
    return GrantType.REFRESH_TOKEN in client.grants and (OFFLINE in scopes or client.always_gets_refresh_token)


def family_lifetime(client: Client, scopes: Collection[str]) -> timedelta:
    """How long after the user's consent the last refresh can be; zero where there is none."""
    if not is_granted(client, scopes):
        return timedelta(0)
    return client.refresh_token_lifetime or conf.issuer().refresh_token_lifetime


def create(grant: UserGrant, client: Client, *, now: datetime, successor_of: str = "") -> str:
    """The first refresh token of the grant's family, or the successor of another one."""
    family_part = _family_part(successor_of) or one_time.new()
    text = f"{family_part}.{one_time.new()}"
    RefreshToken.objects.create(
        digest=one_time.digest(text),
        family=one_time.digest(family_part),
        grant=grant,
        created_at=now,
        expires_at=_end(grant, client, now=now),
        previous=one_time.digest(successor_of) if successor_of else "",
    )
    return text


def find(text: str) -> RefreshToken | None:
    """The refresh token in `text`, or None where it is none."""
    found = RefreshToken.objects.select_related("grant__user", "grant__client")
    return found.filter(digest=one_time.digest(text)).first()


def grant_of(text: str) -> UserGrant | None:
    """The grant of the refresh token in `text`, or None where it is none, or none of its family lives."""
    members = RefreshToken.objects.select_related("grant__user", "grant__client")
    member = members.filter(family=one_time.digest(_family_part(text))).first()
    return member.grant if member else None


def is_live(token: RefreshToken, *, now: datetime) -> bool:
    """Whether it could be used at `now`."""
    stands = token.grant.client.is_active and grant_record.problem(token.grant, now=now) is None
    return stands and token.used_at is None and now < token.expires_at


def rotates(client: Client) -> bool:
    """Whether each use ends the token: always where the client cannot prove who it is."""
    return client.is_public or client.rotates_refresh_tokens


def rotate(text: str, token: RefreshToken, client: Client, *, now: datetime) -> str:
    """The successor of `token`, whose text is `text`; the caller holds a lock on the family. Raises Reused."""
    if token.used_at is None:
        spent = {"used_at": now, "expires_at": now + LOST_ANSWER}
        RefreshToken.objects.filter(pk=token.pk).update(**spent)
        if token.previous:  # of two answers to one request, one is used: whoever uses the other one, too, is found out
            others = RefreshToken.objects.filter(previous=token.previous, used_at=None)
            others.update(**spent, retried_at=now)
    elif _answer_was_lost(token, now=now):
        RefreshToken.objects.filter(pk=token.pk).update(retried_at=now)
    else:
        raise Reused
    return create(token.grant, client, now=now, successor_of=text)


def keep(token: RefreshToken, client: Client, *, now: datetime) -> None:
    """Let a token that does not rotate live on: it was used. Raises Reused for one that was used before."""
    if token.used_at is not None:  # the client rotated its tokens then, and does not any more
        raise Reused
    RefreshToken.objects.filter(pk=token.pk).update(expires_at=_end(token.grant, client, now=now))


def _answer_was_lost(token: RefreshToken, *, now: datetime) -> bool:
    if token.retried_at is not None or token.used_at is None or now - token.used_at > LOST_ANSWER:
        return False
    return not RefreshToken.objects.filter(previous=token.digest).exclude(used_at=None).exists()


def _end(grant: UserGrant, client: Client, *, now: datetime) -> datetime:
    idle = client.refresh_token_idle_lifetime or conf.issuer().refresh_token_idle_lifetime
    return min(now + idle, grant.ends_at)


def _family_part(text: str) -> str:
    return text.partition(".")[0]
